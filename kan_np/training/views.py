"""What can be read of a KAN: shape, grids, parameters, symbols."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.edges.symbol import SymbolicEdge
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.network import Network
from kan_np.network.structure import Affine
from kan_np.network.width import Shape
from kan_np.training.estimator import Estimator


class Views(Estimator):
    """A model with a network, and views of it; all arrays are copies."""

    _network: Network
    _used: NDArray[np.bool_]

    @property
    def width(self) -> list[int]:
        """Nodes of each layer, sums and products, inputs first."""
        return list(self._network.width)

    @property
    def width_in(self) -> list[int]:
        """Subnodes of each layer, inputs first: `width`, but with every factor of a product by itself."""
        return list(self._network.width_in)

    @property
    def n_mult(self) -> list[int]:
        """Products among the nodes of each layer; they follow the sums."""
        return Shape.of(self._network).n_mult

    @property
    def mult_arity(self) -> list[list[int]]:
        """Factors of the products of each layer, inputs first."""
        return Shape.of(self._network).mult_arity

    @property
    def affine_trainable(self) -> bool:
        """Whether nodes have trainable scales and biases."""
        return self._network.structure.has_affine

    @property
    def affine(self) -> list[Affine]:
        """Scales and biases of subnodes and nodes, a layer above the inputs each; 1 and 0 without such."""
        layers = self._network.layers
        return [layer.unit_affine if layer.affine is None else layer.affine for layer in layers]

    @property
    def k(self) -> int:
        """Order of the splines."""
        return int(self._network.k)

    @property
    def grid(self) -> int:
        """Number of intervals G."""
        return self._network.knots[0].shape[1] - 1

    @property
    def base_fun(self) -> str:
        """Name of the residual function b."""
        return str(self._network.base_fun)

    @property
    def extrapolation(self) -> str:
        """What splines do outside their grid."""
        return str(self._network.extrapolation)

    @property
    def knots(self) -> list[FloatArray]:
        """Knots of each layer's inputs: arrays of shape (n_in, G + 1)."""
        return self._network.knots

    @property
    def edges(self) -> list[NDArray[np.bool_]]:
        """Which edges there are: arrays of shape (n_in, n_subnodes), True but for those that were pruned."""
        return self._network.masks

    @property
    def symbols(self) -> dict[EdgeIndex, SymbolicEdge]:
        """The edges that are symbols, by layer, source and subnode; a copy. `fix_symbolic` makes them."""
        return self._network.symbols

    @property
    def families(self) -> dict[EdgeIndex, tuple[str, int]]:
        """Family and size of edges (l, i, j) that are neither B-splines nor symbols; see `set_family`."""
        return self._network.families

    @property
    def locks(self) -> list[list[EdgeIndex]]:
        """Groups of edges (l, i, j) that share one function; see `lock`."""
        return [list(group) for group in self._network.ties]

    @property
    def frozen(self) -> list[tuple[int, int | None, int | None, str]]:
        """What training leaves as it is, as (l, i, j, kind), i and j None for "affine"; see `freeze`."""
        parts = sorted(self._network.structure.frozen)
        return [(l, None, None, kind) if i < 0 else (l, i, j, kind) for (l, i, j), kind in parts]  # noqa: E741

    @property
    def input_id(self) -> NDArray[np.int64]:
        """Columns of the data that are inputs, in order: all but those that `prune_input` left out.

        Wherever the model takes inputs it takes all columns of the data or these alone.
        """
        return np.flatnonzero(self._used).astype(np.int64)

    @property
    def coef(self) -> list[FloatArray]:
        """Spline coefficients c of each layer: arrays of shape (n_in, n_subnodes, G + k), copies.

        Zeros where there is no spline.
        """
        return self._network.coef

    @property
    def scale_base(self) -> list[FloatArray]:
        """Residual weights w of each layer: arrays of shape (n_in, n_subnodes), copies.

        Zeros where there is no spline or no residual function.
        """
        return self._network.scale_base

    def _reshape(self, network: Network) -> None:
        """Take a network of another structure; a model that was not trained stays one that was not."""
        if self._network is self._start:
            self._start = network
        self._network = network

    def _within(self, x: FloatArray) -> FloatArray:
        """Inputs where edges are followed; a model with symbols, which say how they go on, takes them all."""
        return x if self.symbols else super()._within(x)

    def _select(self, name: str, x: ArrayLike) -> ArrayLike:
        """The columns of x that are inputs, by their names or of all columns of the data or these alone."""
        x = super()._select(name, x)
        if self._used.all():
            return x
        array = x if isinstance(x, np.ndarray) else _validate.matrix(name, x)
        n_columns = array.shape[1] if array.ndim == 2 else self.width[0]  # other shapes are refused later
        if n_columns not in (self._used.size, self.width[0]):
            raise ValueError(
                f"{name} has {n_columns} columns, shape {array.shape}; expected all {self._used.size} "
                f"columns of the data or only those that are inputs, columns {self.input_id.tolist()}."
            )
        return array[:, self._used] if n_columns == self._used.size else array

"""The width of a KAN: how many sum and product nodes each layer has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kan_np import _memory, _validate
from kan_np._validate import FloatArray
from kan_np.edges.bspline import SplineTable
from kan_np.network.network import Network
from kan_np.network.sparse_start import sparse_mask
from kan_np.network.structure import Structure
from kan_np.network.topology import Topology


@dataclass(frozen=True)
class Shape:
    """The nodes of each layer, sums before products.

    Attributes
    ----------
    width : tuple of int
        Nodes of each layer, inputs first.
    arities : tuple of tuples of int
        Factors of every node, a layer above the inputs: 1 for a sum.
    """

    width: tuple[int, ...]
    arities: tuple[tuple[int, ...], ...]

    @classmethod
    def parse(cls, width: object, mult_arity: object = 2) -> Shape:
        """From pykan's form: [2, [5, 2], 1] has 5 sums and 2 products of `mult_arity` factors.

        Raises
        ------
        ValueError, TypeError
            For a width or arity that describes no network.
        """
        if isinstance(width, str) or not hasattr(width, "__iter__"):
            check_width(width)
        pairs = [_sums_and_products(f"width[{layer}]", entry) for layer, entry in enumerate(width)]  # type: ignore[arg-type, var-annotated]
        nodes = check_width([sums + products for sums, products in pairs])
        # before anything of that size is allocated; the grid is not known yet
        _check_memory(nodes, list(zip(nodes[:-1], nodes[1:], strict=True)))
        if pairs[0][1]:
            raise ValueError(f"width[0] is {list(pairs[0])}; expected inputs without products.")
        n_mult = [products for _, products in pairs]
        factors = _factors(mult_arity, n_mult)
        arities = tuple((1,) * sums + own for (sums, _), own in zip(pairs[1:], factors[1:], strict=True))
        return cls(tuple(map(sum, pairs)), arities)

    @classmethod
    def of(cls, network: Network) -> Shape:
        """The shape of a network."""
        return cls(network.width, network.arities)

    @property
    def n_mult(self) -> list[int]:
        """Products of each layer, inputs first."""
        return [0, *(sum(m > 1 for m in arity) for arity in self.arities)]

    @property
    def pykan(self) -> list[int | list[int]]:
        """The width in pykan's form: a pair (sums, products) where there are products."""
        return [[n - m, m] if m else n for n, m in zip(self.width, self.n_mult, strict=True)]

    @property
    def mult_arity(self) -> list[list[int]]:
        """Factors of the products of each layer, inputs first."""
        return [[], *([m for m in arity if m > 1] for arity in self.arities)]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Number of nodes below and of subnodes above each layer of edges."""
        return list(zip(self.width[:-1], map(sum, self.arities), strict=True))

    @property
    def fan_in(self) -> FloatArray:
        """For every edge, the number of nodes below its layer."""
        return np.concatenate([np.full(n * m, float(n)) for n, m in self.pairs])

    def check_memory(self, grid: int, k: int) -> None:
        """Raise ValueError if a network of this shape, with G = `grid`, does not fit in memory."""
        _check_memory(self.width, self.pairs, grid, k)

    def network(
        self, table: SplineTable, base_fun: str, params: FloatArray, affine: bool, sparse: bool = False
    ) -> Network:
        """A network with all edges, all of them splines.

        Parameters
        ----------
        table : SplineTable
            One row a source node.
        base_fun : str
        params : ndarray of shape (n_edges, n_row)
            Parameters by layer, source and subnode, of all edges.
        affine : bool
            Whether all layers have scales and biases, 1 and 0 to begin with.
        sparse : bool
            Whether there are only the edges of `kan_np.network.sparse_start`.
        """
        masks = [sparse_mask(*pair) if sparse else np.ones(pair, dtype=bool) for pair in self.pairs]
        if sparse:
            params = params[np.concatenate([mask.ravel() for mask in masks])]
        structure = Structure(Topology.from_masks(masks, self.arities), table, base_fun, has_affine=affine)
        values = np.ravel(params)
        if affine:
            none = replace(structure, has_affine=False)
            values = np.concatenate([values, *none.split_affine(values)])
        return Network(structure, np.array(values, dtype=np.float64))


def _check_memory(width: Sequence[int], pairs: Sequence[tuple[int, int]], grid: int = 0, k: int = 0) -> None:
    # Of an edge: coefficients and base weight, and which nodes it joins. Of a source: G polynomials of
    # k + 1 coefficients for each of k + 1 splines, of which there are four copies while they are made, and
    # twelve arrays beside them (`kan_np.edges.bspline.SplineTable.build`; measured 76 numbers an interval
    # for k = 3 and 156 for k = 5, with 50,000 intervals).
    edges = sum(a * b for a, b in pairs)
    numbers = edges * (grid + k + 3) + sum(width[:-1]) * max(grid, 1) * (4 * (k + 1) ** 2 + 12)
    named = f"a KAN of width {_validate.shown(list(width))}"
    named += f" and grid {_validate.shown(grid)}" if grid else ""
    _memory.check_memory(named, 8 * numbers, "Use fewer nodes or intervals.")


def _sums_and_products(name: str, entry: Any) -> tuple[int, int]:
    """(sums, products) of a number of nodes or a pair."""
    if isinstance(entry, str) or not hasattr(entry, "__len__"):
        return _validate.integer(name, entry, 1), 0
    if len(entry) != 2:
        raise ValueError(
            f"{name} is {_validate.shown(entry)}; expected a number of nodes, or [sums, products]."
        )
    sums, products = (_validate.integer(f"{name}[{q}]", part, 0) for q, part in enumerate(entry))
    if sums + products == 0:
        raise ValueError(f"{name} is {_validate.shown(entry)}; expected at least one node.")
    return sums, products


def _factors(mult_arity: Any, n_mult: Sequence[int]) -> list[tuple[int, ...]]:
    """Factors of each product, layer by layer."""
    if not hasattr(mult_arity, "__len__") or isinstance(mult_arity, str):
        return [(_validate.integer("mult_arity", mult_arity, 2),) * n for n in n_mult]
    lengths = [len(own) if hasattr(own, "__len__") else -1 for own in mult_arity]
    if lengths != list(n_mult):
        raise ValueError(
            f"mult_arity is {_validate.shown(mult_arity)}; expected an integer, or a list for each layer, "
            f"inputs first, with {list(n_mult)} entries."
        )
    return [
        tuple(_validate.integer(f"mult_arity[{layer}][{q}]", m, 2) for q, m in enumerate(own))
        for layer, own in enumerate(mult_arity)
    ]


def check_width(width: object) -> list[int]:
    """Return `width` as a new list of at least two positive ints."""
    if isinstance(width, str) or not hasattr(width, "__iter__"):
        raise TypeError(
            f"width is {_validate.shown(width)}; expected a list of node counts such as [2, 5, 1]."
        )
    layers = [_validate.integer(f"width[{i}]", n, 1) for i, n in enumerate(width)]
    if len(layers) < 2:
        raise ValueError(
            f"width is {_validate.shown(layers)}; expected at least inputs and outputs, such as [2, 5, 1]."
        )
    return layers

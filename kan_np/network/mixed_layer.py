"""One layer of edges of a `MixedNetwork`: splines and symbols, their sums, products of sums.

Edges (i, j) lead from the nodes below to subnodes, z_j = sum_i phi_ij(x_i). A sum is one subnode; a product
of arity m has m of them (arXiv:2408.10205, section 2.1). With the affine values that a layer may have
(pykan's node and subnode scales and biases) a node is

    t = s prod_j (s_j z_j + b_j) + b

over its own subnodes j, and t = prod_j z_j without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.edges.symbol import SymbolicEdge
from kan_np.kernels.arrays import Ints
from kan_np.network.network import Network


class Affine(NamedTuple):
    """Views into the affine values of a layer, in the order in which they are stored."""

    subnode_scale: FloatArray
    subnode_bias: FloatArray
    node_scale: FloatArray
    node_bias: FloatArray


@dataclass(frozen=True)
class MixedLayer:
    """Edges of a layer, and how they make the nodes above.

    Attributes
    ----------
    splines : Network
        The spline edges alone: one layer of width (n_in, n_subnodes).
    symbols : mapping from (i, j) to SymbolicEdge
        In the order of (i, j); where there is a symbol there is no spline.
    arity : tuple of int
        Subnodes of each node, in order: 1 for a sum.
    affine : ndarray of shape (2 n_subnodes + 2 n_nodes,) or None
        Scales and biases of subnodes, then of nodes.
    """

    splines: Network
    symbols: Mapping[tuple[int, int], SymbolicEdge]
    arity: tuple[int, ...]
    affine: FloatArray | None = None

    @property
    def n_in(self) -> int:
        """Nodes below."""
        return self.splines.width[0]

    @property
    def n_subnodes(self) -> int:
        return self.splines.width[1]

    @property
    def n_out(self) -> int:
        """Nodes above."""
        return len(self.arity)

    @cached_property
    def owner(self) -> Ints:
        """The node that each subnode belongs to."""
        return np.repeat(np.arange(self.n_out), self.arity)

    @cached_property
    def factors(self) -> list[tuple[int, list[int]]]:
        """Products: node and its subnodes."""
        starts = np.concatenate([[0], np.cumsum(self.arity)]).tolist()
        return [
            (node, list(range(starts[node], starts[node + 1]))) for node, m in enumerate(self.arity) if m > 1
        ]

    @property
    def plain(self) -> bool:
        """Whether there are splines and sums alone."""
        return not self.symbols and not self.factors and self.affine is None

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which edges there are, splines and symbols: (n_in, n_subnodes)."""
        mask = self.splines.masks[0]
        for place in self.symbols:
            mask[place] = True
        return mask

    @property
    def n_values(self) -> int:
        """Numbers that the layer has: the length of `values`."""
        n_affine = 0 if self.affine is None else self.affine.size
        return self.splines.theta.size + sum(len(e.free) for e in self.symbols.values()) + n_affine

    @property
    def values(self) -> FloatArray:
        """Parameters of the splines, free constants of the symbols, affine values, in one vector."""
        parts = [self.splines.theta.ravel(), *(edge.values for edge in self.symbols.values())]
        return np.concatenate(parts if self.affine is None else [*parts, self.affine])

    def with_values(self, values: FloatArray) -> MixedLayer:
        """The same layer with other numbers, as `values` orders them."""
        at = self.splines.theta.size
        splines = self.splines.with_theta(values[:at])
        symbols = {}
        for place, edge in self.symbols.items():
            symbols[place] = edge.with_values(values[at : at + len(edge.free)])
            at += len(edge.free)
        return replace(
            self, splines=splines, symbols=symbols, affine=None if self.affine is None else values[at:].copy()
        )

    @property
    def unit_affine(self) -> FloatArray:
        """Affine values that change nothing."""
        return np.repeat([1.0, 0.0, 1.0, 0.0], [self.n_subnodes, self.n_subnodes, self.n_out, self.n_out])

    def split_affine(self, affine: FloatArray) -> Affine:
        """Scales and biases as views."""
        n = self.n_subnodes
        return Affine(affine[:n], affine[n : 2 * n], affine[2 * n : -self.n_out], affine[-self.n_out :])

    def places(self) -> dict[tuple[int, int], slice]:
        """Where the values of each edge are in `values`."""
        w, n_row = self.splines.wiring, self.splines.theta.shape[1]
        ends = zip(w.source.tolist(), (w.target - self.n_in).tolist(), strict=True)
        found = {place: slice(e * n_row, (e + 1) * n_row) for e, place in enumerate(ends)}
        at = self.splines.theta.size
        for place, edge in self.symbols.items():
            found[place] = slice(at, at + len(edge.free))
            at += len(edge.free)
        return found

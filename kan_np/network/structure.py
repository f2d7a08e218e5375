"""The structure of a network: nodes, edges, grids, symbols and which parameters are trained, without values.

All numbers of a network are one vector of `values`,

    parameters (w, c_0, ..., c_{G+k-1}) of every spline edge (without w for the base function "zero"),
    parameters of every edge of another family, family by family,
    constants (a, b, c, d) of every symbolic edge c f(a x + b) + d,
    scales and biases of subnodes, then of nodes, where they are trained,

edges layer by layer, then by source and subnode. Optimizers see those that are trained
(`kan_np.network.parameters`); without symbols, ties and frozen parameters that is the same vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.edges.bspline import SplineTable
from kan_np.edges.family import EdgeFamily
from kan_np.edges.symbol import CONSTANTS, free_constants
from kan_np.functions.symbol import Symbol
from kan_np.kernels.arrays import Ints
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.parameters import ParameterMap
from kan_np.network.topology import Topology

#: Kinds of parameters that can be frozen; of a symbol also its constants one by one, "a" to "d".
BASE, SPLINE, SYMBOL, AFFINE, BASIS = "base", "spline", "symbol", "affine", "basis"
KINDS = (BASE, SPLINE, SYMBOL, AFFINE, BASIS)

#: How splines are evaluated: products with rows of all B-splines of a node, or of those of inputs alone;
#: polynomials of the active ones; or what is faster for the length of the grid.
ROWS, INPUT_ROWS, ACTIVE, FASTER = "rows", "input rows", "active", "faster"

#: A kind of parameters of an edge; of a layer, with i = j = -1, for "affine".
Part = tuple[EdgeIndex, str]


class Affine(NamedTuple):
    """Scales and biases: a node is t = S prod_j (s_j z_j + b_j) + B, z_j the sums of its subnodes."""

    subnode_scale: FloatArray
    subnode_bias: FloatArray
    node_scale: FloatArray
    node_bias: FloatArray


class Ends(NamedTuple):
    """Index behind the last value of each kind in the vector of all values."""

    splines: int
    bases: int
    symbols: int
    affine: int


@dataclass(frozen=True, eq=False)
class BasisEdges:
    """Edges of a family other than B-splines (`kan_np.edges.family`), without their parameters.

    Attributes
    ----------
    topology : Topology
        Of these edges; the nodes are those of the network.
    basis : EdgeFamily
        One interval a source node.
    """

    topology: Topology
    basis: EdgeFamily

    @property
    def n_values(self) -> int:
        """Parameters of all edges."""
        return self.topology.n_edges * self.basis.n_params


@dataclass(frozen=True, eq=False)
class Structure:
    """A network without the values of its parameters.

    Attributes
    ----------
    topology : Topology
        Of the spline edges.
    table : SplineTable
        One row a source node.
    base_fun : str
        Name of the base function b of spline edges.
    symbols : mapping from (l, i, j) to Symbol
        Edges that are symbols, in this order.
    bases : tuple of BasisEdges
        Edges of other families, one entry for each family, size and settings.
    has_affine : bool
        Whether nodes have trained scales and biases.
    ties : tuple of tuples of (l, i, j)
        Groups of edges of one layer that share their parameters: all splines of one grid, or all one symbol.
    frozen : frozenset of ((l, i, j), kind)
        Parameters that keep their values.
    evaluation : str
        `ROWS`, `INPUT_ROWS`, `ACTIVE` or `FASTER`.
    """

    topology: Topology
    table: SplineTable
    base_fun: str
    symbols: Mapping[EdgeIndex, Symbol] = field(default_factory=dict)
    bases: tuple[BasisEdges, ...] = ()
    has_affine: bool = False
    ties: tuple[tuple[EdgeIndex, ...], ...] = ()
    frozen: frozenset[Part] = frozenset()
    evaluation: str = FASTER

    @property
    def has_base(self) -> int:
        """1 if a spline edge has a base weight w in front of its coefficients, else 0."""
        return int(self.base_fun != "zero")

    @cached_property
    def n_row(self) -> int:
        """Parameters of a spline edge."""
        return self.table.n_basis + self.has_base

    @property
    def is_plain(self) -> bool:
        """Whether all edges are splines and every node is the sum of its edges."""
        return not (self.symbols or self.bases or self.has_affine or self.topology.has_products)

    @property
    def is_free_sum(self) -> bool:
        """Whether every node is the sum of its edges, none of them a symbol, and everything is trained."""
        mixed = self.symbols or self.has_affine or self.topology.has_products
        return not mixed and self.parameters is None

    @property
    def outline(self) -> tuple[object, ...]:
        """Everything but grids, intervals and sizes; equal for structures that differ in these only."""
        bases = {
            (edges.basis.name, edges.basis.settings, edge)
            for edges in self.bases
            for edge in edges.topology.edges
        }
        symbols = {edge: symbol.identity for edge, symbol in self.symbols.items()}
        t = self.topology
        return t.arities, tuple(t.edges), bases, symbols, self.has_affine, self.ties, self.frozen

    @cached_property
    def ends(self) -> Ends:
        """Index behind the last value of each kind."""
        t = self.topology
        splines = t.n_edges * self.n_row
        bases = splines + sum(edges.n_values for edges in self.bases)
        symbols = bases + 4 * len(self.symbols)
        above = t.n_sums + t.n_nodes - 2 * t.width[0]
        return Ends(splines, bases, symbols, symbols + 2 * above * int(self.has_affine))

    @property
    def basis_starts(self) -> list[int]:
        """Index of the first value of each of `bases`."""
        sizes = [edges.n_values for edges in self.bases]
        return [self.ends.splines + sum(sizes[:number]) for number in range(len(sizes))]

    @property
    def n_values(self) -> int:
        return self.ends[-1]

    def split_affine(self, values: FloatArray) -> Affine:
        """Scales and biases above the inputs, views into all values; 1 and 0 where there are none."""
        t = self.topology
        n_sums, n_nodes = t.n_sums - t.width[0], t.n_nodes - t.width[0]
        own = (
            values[self.ends.symbols :]
            if self.has_affine
            else np.repeat([1.0, 0.0, 1.0, 0.0], [n_sums, n_sums, n_nodes, n_nodes])
        )
        cuts = np.cumsum([n_sums, n_sums, n_nodes])
        return Affine(*np.split(own, cuts))

    def affine_of_layer(self, layer: int) -> Ints:
        """Indices of the scales and biases of a layer of edges, in the order of `Affine`."""
        t = self.topology
        n_sums, n_nodes, first = t.n_sums - t.width[0], t.n_nodes - t.width[0], self.ends.symbols
        sums = np.arange(t.sum_start[layer + 1], t.sum_start[layer + 2]) - t.width[0] + first
        nodes = np.arange(t.node_start[layer + 1], t.node_start[layer + 2]) - t.width[0] + first + 2 * n_sums
        return np.concatenate([sums, sums + n_sums, nodes, nodes + n_nodes])

    def values_of(self, part: Part) -> Ints:
        """Indices of the values of one kind, of an edge or, for "affine", of a layer; may be empty."""
        edge, kind = part
        if kind == AFFINE:
            return self.affine_of_layer(edge[0]) if self.has_affine else np.zeros(0, dtype=np.int64)
        if edge in self.symbols:
            names = CONSTANTS if kind == SYMBOL else (kind,)
            free = [q for q in free_constants(self.symbols[edge]) if CONSTANTS[q] in names]
            return self.ends.bases + 4 * self._symbol_number[edge] + np.array(free, dtype=np.int64)
        for start, edges in zip(self.basis_starts, self.bases, strict=True):
            if edge in edges.topology.edge_number:
                n = edges.basis.n_params
                first = start + edges.topology.edge_number[edge] * n
                return np.arange(first, first + (n if kind == BASIS else 0))
        first = self.topology.edge_number[edge] * self.n_row
        own = {BASE: (0, self.has_base), SPLINE: (self.has_base, self.n_row)}.get(kind, (0, 0))
        return np.arange(first + own[0], first + own[1])

    @cached_property
    def _symbol_number(self) -> dict[EdgeIndex, int]:
        return {edge: number for number, edge in enumerate(self.symbols)}

    def values_of_edge(self, edge: EdgeIndex) -> Ints:
        """Indices of the values of an edge that are trained."""
        return np.concatenate([self.values_of((edge, kind)) for kind in (BASE, SPLINE, SYMBOL, BASIS)])

    @cached_property
    def parameters(self) -> ParameterMap | None:
        """The map from trained parameters to values; None if all values are trained and none are tied."""
        if not (self.symbols or self.ties or self.frozen):
            return None
        trained: NDArray[np.bool_] = np.ones(self.n_values, dtype=bool)
        leader = np.arange(self.n_values)
        trained[self.ends.bases : self.ends.symbols] = False
        for edge in self.symbols:
            trained[self.values_of_edge(edge)] = True
        for part in self.frozen:
            trained[self.values_of(part)] = False
        for first, *others in self.ties:
            own = self.values_of_edge(first)
            for other in others:
                leader[self.values_of_edge(other)] = own
        return ParameterMap.of(trained, leader)

    @property
    def n_params(self) -> int:
        """Number of trained parameters."""
        return self.n_values if self.parameters is None else self.parameters.n_free

    @property
    def frozen_splines(self) -> NDArray[np.bool_]:
        """Which spline edges have frozen coefficients."""
        frozen = np.zeros(self.topology.n_edges, dtype=bool)
        frozen[[self.topology.edge_number[edge] for edge, kind in self.frozen if kind == SPLINE]] = True
        return frozen

    def held_grids(self, layer: int) -> NDArray[np.bool_]:
        """True for the sources of a layer whose grids must not move, because a frozen spline leaves them."""
        held = np.zeros(self.topology.width[layer], dtype=bool)
        if not self.frozen:
            return held
        kinds = (SPLINE, BASIS)
        held[[i for (own, i, _), kind in self.frozen if own == layer and kind in kinds]] = True
        for group in self.shared_grids(layer):
            held[group] = held[group].any()
        return held

    def shared_grids(self, layer: int) -> list[list[int]]:
        """Groups of a layer's sources whose grids must be the same: spline edges from them are tied."""
        if not self.ties:
            return []
        from scipy import sparse
        from scipy.sparse.csgraph import connected_components

        pairs = [
            (tie[0][1], i)
            for tie in self.ties
            if tie[0][0] == layer and tie[0] not in self.symbols
            for _, i, _ in tie
        ]
        if not pairs:
            return []
        n = self.topology.width[layer]
        graph = sparse.coo_matrix((np.ones(len(pairs)), tuple(zip(*pairs, strict=True))), shape=(n, n))
        n_groups, group_of = connected_components(graph, directed=False)
        groups: list[list[int]] = [[] for _ in range(n_groups)]
        for i, group in enumerate(group_of.tolist()):
            groups[group].append(i)
        return [group for group in groups if len(group) > 1]

"""One layer of a network: its edges, and how their sums make the nodes of the next layer.

Edges (i, j) lead from the nodes below to subnodes, z_j = sum_i phi_ij(x_i), and a node is a product of its
subnodes with scales and biases, t = S prod_j (s_j z_j + b_j) + B (`kan_np.network.structure`). Operations
that change a network (pruning, new symbols) split it into layers, change these and join them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.edges.bspline import SplineTable
from kan_np.edges.family import EdgeFamily
from kan_np.edges.symbol import SymbolicEdge
from kan_np.kernels.arrays import Ints
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.structure import Affine, BasisEdges, Part, Structure
from kan_np.network.topology import Topology


@dataclass(frozen=True, eq=False)
class LayerBasis:
    """The edges of a layer that have one family (other than B-splines), size and settings.

    Attributes
    ----------
    topology : Topology
        Of these edges: one layer of width (n_in, n_subnodes).
    basis : EdgeFamily
    coef : ndarray of shape (n_edges, n_params)
        Parameters of the edges.
    """

    topology: Topology
    basis: EdgeFamily
    coef: FloatArray

    @property
    def mask(self) -> NDArray[np.bool_]:
        """True for these edges, of shape (n_in, n_subnodes)."""
        return self.topology.masks[0]

    def curves(self, x: FloatArray) -> Iterator[tuple[EdgeIndex, FloatArray]]:
        """Yield every edge as (0, i, j) with its values at x, of shape (n_in, n)."""
        values = self.basis.curves(self.coef, self.topology.source, x)
        yield from zip(self.topology.edges, values, strict=True)

    @property
    def key(self) -> tuple[type[EdgeFamily], int, tuple[float, ...]]:
        """Family, size and settings."""
        return self.basis.key


@dataclass(frozen=True, eq=False)
class Layer:
    """The edges of a layer, and how they make the nodes of the next layer.

    Attributes
    ----------
    topology : Topology
        Of the spline edges: one layer of width (n_in, n_subnodes), where every subnode counts as a node.
    table : SplineTable
    base_fun : str
    spline_params : ndarray of shape (n_edges, n_row)
    symbols : mapping from (i, j) to SymbolicEdge
        Where there is a symbol there is no spline.
    arity : tuple of int
        Subnodes of each node, in order: 1 for a sum.
    affine : Affine or None
        Scales and biases of its subnodes and nodes.
    bases : tuple of LayerBasis
        Edges of other families.
    """

    topology: Topology
    table: SplineTable
    base_fun: str
    spline_params: FloatArray
    symbols: Mapping[tuple[int, int], SymbolicEdge]
    arity: tuple[int, ...]
    affine: Affine | None = None
    bases: tuple[LayerBasis, ...] = ()

    @property
    def n_in(self) -> int:
        """Nodes below."""
        return self.topology.width[0]

    @property
    def n_subnodes(self) -> int:
        return self.topology.width[1]

    @property
    def n_out(self) -> int:
        """Nodes above."""
        return len(self.arity)

    @property
    def has_base(self) -> int:
        """1 if a spline edge has a base weight in front of its coefficients, else 0."""
        return int(self.base_fun != "zero")

    @cached_property
    def owner(self) -> Ints:
        """The node that each subnode belongs to."""
        return np.repeat(np.arange(self.n_out), self.arity)

    @property
    def spline_mask(self) -> NDArray[np.bool_]:
        """True for spline edges, of shape (n_in, n_subnodes)."""
        return self.topology.masks[0]

    @property
    def function_mask(self) -> NDArray[np.bool_]:
        """True for all edges but symbolic ones, of shape (n_in, n_subnodes)."""
        mask = self.mask
        for edge in self.symbols:
            mask[edge] = False
        return mask

    @property
    def mask(self) -> NDArray[np.bool_]:
        """True for all edges, of shape (n_in, n_subnodes)."""
        mask = self.spline_mask
        for basis in self.bases:
            mask |= basis.mask
        for edge in self.symbols:
            mask[edge] = True
        return mask

    @property
    def unit_affine(self) -> Affine:
        """Scales of 1 and biases of 0."""
        n, m = self.n_subnodes, self.n_out
        return Affine(np.ones(n), np.zeros(n), np.ones(m), np.zeros(m))

    def with_symbols(self, changed: Mapping[tuple[int, int], SymbolicEdge | None]) -> Layer:
        """The layer with other symbols at some edges; edges that get None become splines that are zero."""
        mask, symbols = self.spline_mask, dict(self.symbols)
        for edge, symbol in changed.items():
            mask[edge] = symbol is None
            symbols.pop(edge, None)
            if symbol is not None:
                symbols[edge] = symbol
        topology = Topology.from_masks([mask])
        params = topology.by_edge(self.topology.by_layer(self.spline_params))
        bases = [without(basis, changed) for basis in self.bases]
        left = tuple(basis for basis in bases if basis.topology.n_edges)
        return replace(self, topology=topology, spline_params=params, symbols=symbols, bases=left)

    def with_basis(self, edges: Sequence[tuple[int, int]], basis: EdgeFamily, coef: FloatArray) -> Layer:
        """The layer after some edges became ones of a family, with parameters (n_edges, n_params)."""
        layer = self.with_symbols(dict.fromkeys(edges))  # as splines first
        spline_mask = layer.spline_mask
        for edge in edges:
            spline_mask[edge] = False
        topology = Topology.from_masks([spline_mask])
        params = topology.by_edge(layer.topology.by_layer(layer.spline_params))
        same = [own for own in layer.bases if own.key == basis.key]
        filled = np.zeros((self.n_in, self.n_subnodes, basis.n_params))
        mask = np.zeros(filled.shape[:2], dtype=bool)
        for own in same:  # on the intervals of the new one
            mask |= own.mask
            carried = own.basis.carry_over(basis, own.coef, own.topology.source)
            filled += own.topology.by_layer(carried)[0]
        for edge, row in zip(edges, coef, strict=True):
            mask[edge], filled[edge] = True, row
        whole = LayerBasis(Topology.from_masks([mask]), basis, filled[mask])
        others = tuple(own for own in layer.bases if own.key != whole.key)
        return replace(layer, topology=topology, spline_params=params, bases=(*others, whole))


def merged_bases(bases: Sequence[LayerBasis]) -> tuple[LayerBasis, ...]:
    """The same edges with one entry for each family, size and settings: others that agree are merged."""
    found: dict[tuple[type[EdgeFamily], int, tuple[float, ...]], LayerBasis] = {}
    for own in bases:
        other = found.get(own.key)
        if other is not None:
            filled = own.topology.by_layer(own.coef)[0]
            filled += other.topology.by_layer(
                other.basis.carry_over(own.basis, other.coef, other.topology.source)
            )[0]
            mask = own.mask | other.mask
            own = LayerBasis(Topology.from_masks([mask]), own.basis, filled[mask])
        found[own.key] = own
    return tuple(found.values())


def without(basis: LayerBasis, edges: Iterable[tuple[int, int]]) -> LayerBasis:
    """The edges of a family other than the given ones."""
    mask, filled = basis.mask, basis.topology.by_layer(basis.coef)[0]
    for edge in edges:
        mask[edge] = False
    return LayerBasis(Topology.from_masks([mask]), basis.basis, filled[mask])


def layers_of(structure: Structure, values: FloatArray) -> tuple[Layer, ...]:
    """The layers of a network."""
    t, n_row = structure.topology, structure.n_row
    splines, bases, symbols, _ = structure.ends
    params, constants = values[:splines].reshape(-1, n_row), values[bases:symbols].reshape(-1, 4)
    edges = [
        SymbolicEdge(f, *own) for f, own in zip(structure.symbols.values(), constants.tolist(), strict=True)
    ]
    layers = []
    for layer, mask in enumerate(t.masks):
        affine = None
        if structure.has_affine:
            n, m = t.width_in[layer + 1], t.width[layer + 1]
            own = values[structure.affine_of_layer(layer)]
            affine = Affine(*np.split(own, np.cumsum([n, n, m])))
        layers.append(
            Layer(
                Topology.from_masks([mask]),
                structure.table.part(slice(int(t.node_start[layer]), int(t.node_start[layer + 1]))),
                structure.base_fun,
                params[t.edge_start[layer] : t.edge_start[layer + 1]],
                {
                    (i, j): symbol
                    for (own_layer, i, j), symbol in zip(structure.symbols, edges, strict=True)
                    if own_layer == layer
                },
                t.arities[layer],
                affine,
                _bases_of(structure, values, layer),
            )
        )
    return tuple(layers)


def _bases_of(structure: Structure, values: FloatArray, layer: int) -> tuple[LayerBasis, ...]:
    """The edges of a layer that are of other families."""
    found = []
    for start, edges in zip(structure.basis_starts, structure.bases, strict=True):
        t = edges.topology
        coef = values[start : start + edges.n_values].reshape(-1, edges.basis.n_params)
        own = slice(int(t.edge_start[layer]), int(t.edge_start[layer + 1]))
        nodes = slice(int(t.node_start[layer]), int(t.node_start[layer + 1]))
        if own.stop > own.start:
            topology = Topology.from_masks([t.masks[layer]])
            found.append(LayerBasis(topology, edges.basis.part(nodes), coef[own]))
    return tuple(found)


def _joined_bases(layers: Sequence[Layer]) -> tuple[tuple[BasisEdges, ...], list[FloatArray]]:
    """Edges of other families in all layers, grouped by family, size and settings, and their parameters."""
    keys = sorted(
        {basis.key for layer in layers for basis in layer.bases}, key=lambda key: (key[0].name, *key[1:])
    )
    edges, coefs = [], []
    for kind, size, settings in keys:
        masks, parts = [], []
        for layer in layers:
            own = next((basis for basis in layer.bases if basis.key == (kind, size, settings)), None)
            unit = np.ones(layer.n_in)
            masks.append(np.zeros((layer.n_in, layer.n_subnodes), dtype=bool) if own is None else own.mask)
            parts.append(kind(-unit, unit, size, settings) if own is None else own.basis)
            coefs.append(np.zeros(0) if own is None else own.coef.ravel())
        topology = Topology.from_masks(masks, [layer.arity for layer in layers])
        edges.append(BasisEdges(topology, kind.joined(parts)))
    return tuple(edges), coefs


def joined(
    layers: Sequence[Layer],
    ties: tuple[tuple[EdgeIndex, ...], ...] = (),
    frozen: frozenset[Part] = frozenset(),
    table: SplineTable | None = None,
) -> tuple[Structure, FloatArray]:
    """Structure and values of the network with these layers; tied edges get the values of the first of them.

    `table` may give the B-splines of all layers, if they were built before.
    """
    topology = Topology.from_masks([layer.spline_mask for layer in layers], [layer.arity for layer in layers])
    symbols = {
        (number, i, j): layer.symbols[i, j]
        for number, layer in enumerate(layers)
        for i, j in sorted(layer.symbols)
    }
    affine = [layer.affine for layer in layers]
    has_affine = any(own is not None for own in affine)
    bases, coefs = _joined_bases(layers)
    structure = Structure(
        topology,
        SplineTable.joined([layer.table for layer in layers]) if table is None else table,
        layers[0].base_fun,
        {edge: symbol.symbol for edge, symbol in symbols.items()},
        bases,
        has_affine,
        ties,
        frozen,
    )
    parts = [layer.spline_params.ravel() for layer in layers]
    parts += coefs
    parts += [np.array(symbol.constants) for symbol in symbols.values()]
    if has_affine:
        own = [layer.unit_affine if layer.affine is None else layer.affine for layer in layers]
        parts += [np.concatenate(kind) for kind in zip(*own, strict=True)]
    values = np.concatenate(parts)
    if structure.parameters is not None and structure.parameters.is_tied:
        structure.parameters.fill(structure.parameters.vector(values), values)
    return structure, values

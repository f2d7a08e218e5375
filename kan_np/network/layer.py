"""One layer of a network by itself: its edges, and how their sums make the nodes above.

Edges (i, j) lead from the nodes below to subnodes, z_j = sum_i phi_ij(x_i), and a node is a product of its
subnodes with scales and biases, t = S prod_j (s_j z_j + b_j) + B (`kan_np.network.structure`). Operations on
networks take them apart into layers and put new ones together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.edges.bspline import SplineTable
from kan_np.edges.symbol import SymbolicEdge
from kan_np.kernels.arrays import Ints
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.structure import Affine, Part, Structure
from kan_np.network.topology import Topology


@dataclass(frozen=True)
class Layer:
    """Edges of a layer, and how they make the nodes above.

    Attributes
    ----------
    topology : Topology
        Of the spline edges: one layer of width (n_in, n_subnodes), all subnodes taken for nodes.
    table : SplineTable
    base_fun : str
    spline_params : ndarray of shape (n_edges, n_row)
    symbols : mapping from (i, j) to SymbolicEdge
        Where there is a symbol there is no spline.
    arity : tuple of int
        Subnodes of each node, in order: 1 for a sum.
    affine : Affine or None
        Scales and biases of its subnodes and nodes.
    """

    topology: Topology
    table: SplineTable
    base_fun: str
    spline_params: FloatArray
    symbols: Mapping[tuple[int, int], SymbolicEdge]
    arity: tuple[int, ...]
    affine: Affine | None = None

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
        """1 if a spline edge has a residual weight in front of its coefficients, else 0."""
        return int(self.base_fun != "zero")

    @cached_property
    def owner(self) -> Ints:
        """The node that each subnode belongs to."""
        return np.repeat(np.arange(self.n_out), self.arity)

    @property
    def spline_mask(self) -> NDArray[np.bool_]:
        """Which edges are splines: (n_in, n_subnodes)."""
        return self.topology.masks[0]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which edges there are, splines and symbols: (n_in, n_subnodes)."""
        mask = self.spline_mask
        for edge in self.symbols:
            mask[edge] = True
        return mask

    @property
    def unit_affine(self) -> Affine:
        """Scales and biases that change nothing."""
        n, m = self.n_subnodes, self.n_out
        return Affine(np.ones(n), np.zeros(n), np.ones(m), np.zeros(m))

    def with_symbols(self, changed: Mapping[tuple[int, int], SymbolicEdge | None]) -> Layer:
        """The layer with other symbols, and new splines, all zero, where a symbol is taken away."""
        mask, symbols = self.spline_mask, dict(self.symbols)
        for edge, symbol in changed.items():
            mask[edge] = symbol is None
            if symbol is None:
                del symbols[edge]
            else:
                symbols[edge] = symbol
        topology = Topology.from_masks([mask])
        params = topology.by_edge(self.topology.by_layer(self.spline_params))
        return replace(self, topology=topology, spline_params=params, symbols=symbols)


def layers_of(structure: Structure, values: FloatArray) -> tuple[Layer, ...]:
    """The layers of a network."""
    t, n_row = structure.topology, structure.n_row
    splines, symbols, _ = structure.ends
    params, constants = values[:splines].reshape(-1, n_row), values[splines:symbols].reshape(-1, 4)
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
            )
        )
    return tuple(layers)


def joined(
    layers: Sequence[Layer],
    ties: tuple[tuple[EdgeIndex, ...], ...] = (),
    frozen: frozenset[Part] = frozenset(),
    table: SplineTable | None = None,
) -> tuple[Structure, FloatArray]:
    """Structure and values of the network that layers make; of tied edges the first one's values count.

    `table` is that of all layers, where it is there already.
    """
    topology = Topology.from_masks([layer.spline_mask for layer in layers], [layer.arity for layer in layers])
    symbols = {
        (number, i, j): layer.symbols[i, j]
        for number, layer in enumerate(layers)
        for i, j in sorted(layer.symbols)
    }
    affine = [layer.affine for layer in layers]
    has_affine = any(own is not None for own in affine)
    structure = Structure(
        topology,
        SplineTable.joined([layer.table for layer in layers]) if table is None else table,
        layers[0].base_fun,
        {edge: symbol.symbol for edge, symbol in symbols.items()},
        has_affine,
        ties,
        frozen,
    )
    parts = [layer.spline_params.ravel() for layer in layers]
    parts += [np.array(symbol.constants) for symbol in symbols.values()]
    if has_affine:
        own = [layer.unit_affine if layer.affine is None else layer.affine for layer in layers]
        parts += [np.concatenate(kind) for kind in zip(*own, strict=True)]
    values = np.concatenate(parts)
    if structure.parameters is not None and structure.parameters.is_tied:
        structure.parameters.fill(structure.parameters.vector(values), values)
    return structure, values

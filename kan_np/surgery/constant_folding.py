"""Takes edges and nodes out of a network; constants that they leave behind go to the edges that remain.

From the inputs up, a node is *still* if no input moves it:

- An edge phi from a still node is the constant phi(value), and an edge that is left out may leave a constant
  behind. Constants of a subnode are added to one of its other edges: B-splines sum to 1, so that adding a
  number to all coefficients of a spline adds it to its target; a symbol has its d. (With affine values the
  bias of the subnode takes them. With ``extrapolation="zero"`` splines fade outside the grid, and the
  constant with them. Where all edges are w x, which cannot hold a constant, one of them becomes the symbol
  "x", c x + d.)
- A subnode without edges is the constant that it was left. A sum of it is still. In a product it is a
  constant factor, by which the edges of another factor are multiplied (the scale of the node, with affine
  values): a product of two becomes a sum. A product with a factor 0 is still. A product among the outputs
  stays where it is, with its factors: there a constant factor is an edge that is the symbol "0".

Then, from the outputs down, nodes that no output depends on are left out. The others keep their order, but
for products that have become sums: sums come first. An edge that takes a constant, or is multiplied, leaves
the group that it was locked with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.edges.bspline import SplineTable
from kan_np.edges.symbol import SymbolicEdge
from kan_np.functions.library import default_library
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.kernel_arrays import base_values
from kan_np.network.layer import Layer, LayerBasis
from kan_np.network.network import Network
from kan_np.network.structure import AFFINE, Affine, Part
from kan_np.network.topology import Topology

Bools = NDArray[np.bool_]


class Reduction:
    """A network on the way to a smaller one.

    Parameters
    ----------
    network : Network
    masks : sequence of ndarray of bool of shape (n_in, n_subnodes)
        Edges that stay.
    constants : sequence of ndarray of shape (n_subnodes,)
        What the others leave behind, added to each subnode.

    Attributes
    ----------
    n_edges : int
        Edges that stay and can move.
    lost : list of int
        Outputs that no input moves any more: of these nothing can be left.
    """

    def __init__(
        self,
        network: Network,
        masks: Sequence[Bools],
        constants: Sequence[FloatArray],
    ) -> None:
        self._ties, self._frozen = network.ties, network.structure.frozen
        self._layers = []
        for number, (layer, mask, constant) in enumerate(zip(network.layers, masks, constants, strict=True)):
            tied = {(i, j) for group in network.ties for at, i, j in group if at == number}
            frozen = {(i, j) for (at, i, j), _ in network.frozen if at == number}
            self._layers.append(_Rest(layer, mask, constant, tied, frozen))
        moves, value = np.ones(network.width[0], dtype=bool), np.zeros(network.width[0])
        for rest in self._layers:
            moves, value = rest.settle(moves, value, outputs=rest is self._layers[-1])
        self.n_edges = sum(int(rest.mask.sum()) for rest in self._layers)
        self.lost = np.flatnonzero(~moves).tolist()

    def network(self, inputs: Bools) -> Network:
        """The smaller network, with these inputs; there must be no lost output."""
        needed = [np.ones(len(self._layers[-1].factors), dtype=bool)]
        for rest in self._layers[::-1]:
            needed.insert(0, rest.serve(needed[0]))
        nodes = [np.flatnonzero(inputs).tolist()]
        nodes += [rest.ordered(wanted) for rest, wanted in zip(self._layers, needed[1:], strict=True)]
        ends = zip(self._layers, nodes[:-1], nodes[1:], strict=True)
        layers = tuple(rest.between(below, above) for rest, below, above in ends)
        return Network.from_layers(layers, self._ties_left(nodes), self._frozen_left(nodes))

    def _frozen_left(self, nodes: list[list[int]]) -> frozenset[Part]:
        """Frozen parameters of edges and layers that are left, with their new numbers."""
        left = []
        for (layer, i, j), kind in self._frozen:
            if kind == AFFINE:
                if (i, j) not in self._layers[layer].changed:
                    left.append(((layer, i, j), kind))
                continue
            sources, subnodes = nodes[layer], self._layers[layer].subnodes(nodes[layer + 1])
            stays = self._layers[layer].mask[i, j] and (i, j) not in self._layers[layer].changed
            if stays and i in sources and j in subnodes:
                left.append(((layer, sources.index(i), subnodes.index(j)), kind))
        return frozenset(left)

    def _ties_left(self, nodes: list[list[int]]) -> tuple[tuple[EdgeIndex, ...], ...]:
        """Groups of at least two edges that are left as they were, with their new numbers."""
        groups = []
        for group in self._ties:
            layer = group[0][0]
            rest, sources = self._layers[layer], nodes[layer]
            subnodes = rest.subnodes(nodes[layer + 1])
            left = [
                (layer, sources.index(i), subnodes.index(j))
                for _, i, j in group
                if rest.mask[i, j] and (i, j) in rest.tied
            ]
            if len(left) > 1:
                groups.append(tuple(sorted(left)))
        return tuple(sorted(groups))


class _Rest:
    """Edges of a layer as arrays that can be changed, and what they leave behind."""

    def __init__(
        self,
        layer: Layer,
        mask: Bools,
        constant: FloatArray,
        tied: set[tuple[int, int]],
        frozen: set[tuple[int, int]],
    ) -> None:
        self._layer = layer
        self._params = layer.topology.by_layer(layer.spline_params)[0]
        self._symbols = dict(layer.symbols)
        self._bases = [(own, own.mask, own.topology.by_layer(own.coef)[0]) for own in layer.bases]
        self._affine = None if layer.affine is None else Affine(*(part.copy() for part in layer.affine))
        self._constant = constant.copy()
        self.mask, self.tied, self._frozen = mask.copy(), tied, frozen
        #: Edges that are no longer what they were, and (-1, -1) for scales and biases.
        self.changed: set[tuple[int, int]] = set()
        #: Subnodes of each node.
        self.factors = np.split(np.arange(layer.n_subnodes), np.cumsum(layer.arity)[:-1])

    def settle(self, moves: Bools, value: FloatArray, *, outputs: bool) -> tuple[Bools, FloatArray]:
        """Carry constants over; which nodes above move, and what the others are, from the same below."""
        still = self.mask & ~moves[:, None]
        if still.any():
            self._constant += np.where(still, self._values_at(value, still), 0.0).sum(axis=0)
        self.mask &= moves[:, None]
        above_moves = np.zeros(len(self.factors), dtype=bool)
        above = np.zeros(len(self.factors))
        for node, subnodes in enumerate(self.factors):
            alive = self.mask[:, subnodes].any(axis=0)
            scale = float(np.prod(self._scaled_constants(subnodes[~alive])))
            above_moves[node] = alive.any() and scale != 0.0
            if not above_moves[node]:
                self.mask[:, subnodes] = False
                above[node] = self._node_value(node, scale)
                continue
            for j in subnodes[alive]:
                self._add(j, self._constant[j])
            if outputs:
                self._hold(subnodes[alive], subnodes[~alive])
            elif not alive.all():
                self._multiply(node, subnodes[alive], scale)
                self.factors[node] = subnodes[alive]
        return above_moves, above

    def serve(self, needed: Bools) -> Bools:
        """Leave out edges to the other nodes; which nodes below are needed."""
        for subnodes, wanted in zip(self.factors, needed, strict=True):
            self.mask[:, subnodes] &= wanted
        return np.asarray(self.mask.any(axis=1))

    def ordered(self, needed: Bools) -> list[int]:
        """The nodes above that are needed, sums before products."""
        return sorted(np.flatnonzero(needed).tolist(), key=lambda node: self.factors[node].size > 1)

    def subnodes(self, nodes: list[int]) -> list[int]:
        """Subnodes of these nodes, in their order."""
        return [int(j) for node in nodes for j in self.factors[node]]

    def between(self, sources: list[int], nodes: list[int]) -> Layer:
        """The layer of what is left between these nodes."""
        subnodes, layer = self.subnodes(nodes), self._layer
        drawn = self.mask.copy()
        for edge in self._symbols:
            drawn[edge] = False
        bases = []
        for own, mask, coef in self._bases:
            left = (mask & drawn)[np.ix_(sources, subnodes)]
            drawn &= ~mask
            if left.any():
                own_topology, chosen = Topology.from_masks([left]), coef[np.ix_(sources, subnodes)][left]
                bases.append(LayerBasis(own_topology, own.basis.part(sources), chosen))
        here = np.ix_(sources, subnodes)
        splines = drawn[here]
        old = layer.table
        table = SplineTable.build(old.knots[sources], old.k, old.extrapolation, old.reach[sources])
        symbols = {
            (sources.index(i), subnodes.index(j)): edge
            for (i, j), edge in self._symbols.items()
            if self.mask[i, j]
        }
        affine = None
        if self._affine is not None:
            owners = (subnodes, subnodes, nodes, nodes)
            affine = Affine(*(part[ids] for part, ids in zip(self._affine, owners, strict=True)))
        topology, params = Topology.from_masks([splines]), self._params[here][splines]
        arity = tuple(int(self.factors[node].size) for node in nodes)
        return Layer(topology, table, layer.base_fun, params, symbols, arity, affine, tuple(bases))

    def _values_at(self, x: FloatArray, asked: Bools) -> FloatArray:
        """phi_ij(x_i) of the edges that are asked for."""
        layer, b = self._layer, self._layer.has_base
        basis = layer.table.design_matrices(np.ascontiguousarray(x[:, None]))[:, 0]
        values = (self._params[:, :, b:] * basis[:, None, :]).sum(axis=2)
        if b:
            values += self._params[:, :, 0] * base_values(layer.base_fun, x)[:, None]
        for own, mask, coef in self._bases:
            source, target = np.nonzero(mask)
            values[source, target] = own.basis.curves(coef[mask], source, x[:, None])[:, 0]
        for (i, j), edge in self._symbols.items():
            if asked[i, j]:
                values[i, j] = edge(x[i])
        return np.asarray(values)

    def _scaled_constants(self, subnodes: NDArray[np.int64]) -> FloatArray:
        """Constant factors as they enter the product."""
        constant = self._constant[subnodes]
        if self._affine is None:
            return constant
        return self._affine.subnode_scale[subnodes] * constant + self._affine.subnode_bias[subnodes]

    def _node_value(self, node: int, product: float) -> float:
        if self._affine is None:
            return product
        return float(self._affine.node_scale[node] * product + self._affine.node_bias[node])

    def _add(self, j: int, constant: float) -> None:
        """Add a constant to a subnode."""
        if constant == 0.0:
            return
        if self._affine is not None:
            self._affine.subnode_bias[j] += self._affine.subnode_scale[j] * constant
            self.changed.add((-1, -1))
            return
        sources = np.flatnonzero(self.mask[:, j]).tolist()
        lines = {
            i
            for own, mask, _ in self._bases
            if not own.basis.has_constants
            for i in np.flatnonzero(mask[:, j])
        }
        lines -= {i for i, target in self._symbols if target == j}
        groups = self._frozen, self.tied, self._symbols
        i = min(sources, key=lambda i: [i in lines, *((i, j) in own for own in groups)])
        self._change(i, j)
        if (i, j) in self._symbols:
            edge = self._symbols[i, j]
            self._symbols[i, j] = replace(edge, d=float(edge.d + constant))
            return
        for own, mask, coef in self._bases:
            if mask[i, j] and i in lines:
                self._symbols[i, j] = SymbolicEdge(default_library()["x"], c=float(coef[i, j, 0]), d=constant)
                return
            if mask[i, j]:
                coef[i, j] = own.basis.plus_constant(coef[i, j], constant)
                return
        self._params[i, j, self._layer.has_base :] += constant

    def _change(self, i: int, j: int) -> None:
        """Note that an edge is no longer what it was: it is neither tied nor frozen any more."""
        self.tied.discard((i, j))
        self.changed.add((i, j))

    def _multiply(self, node: int, subnodes: NDArray[np.int64], factor: float) -> None:
        """Multiply a product by a constant."""
        if self._affine is not None:
            self._affine.node_scale[node] *= factor
            self.changed.add((-1, -1))
            return
        held, tied = ({j for _, j in edges} for edges in (self._frozen, self.tied))
        j = min(subnodes.tolist(), key=lambda j: (j in held, j in tied))
        self._params[:, j] *= factor
        for own, mask, coef in self._bases:
            rows = mask[:, j]
            coef[rows, j] = own.basis.times(coef[rows, j], factor)
        for i in range(len(self.mask)):
            self._change(i, j)
            if (i, j) in self._symbols:
                edge = self._symbols[i, j]
                self._symbols[i, j] = replace(edge, c=float(edge.c * factor), d=float(edge.d * factor))

    def _hold(self, alive: NDArray[np.int64], still: NDArray[np.int64]) -> None:
        """Make constant factors edges, from a node that another factor needs."""
        i = int(np.flatnonzero(self.mask[:, alive[0]])[0])
        for j in still.tolist():
            self.mask[i, j] = True
            self._change(i, j)
            self._symbols[i, j] = SymbolicEdge(default_library()["0"], d=float(self._constant[j]))

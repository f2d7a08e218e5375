"""What is left of a network without some of its edges: constants carried over, useless nodes left out.

From the inputs up, a node is *still* if no input moves it:

- An edge phi from a still node is the constant phi(value), and an edge that is left out may leave a constant
  behind. Constants of a subnode are added to one of its other edges: B-splines sum to 1, so that adding a
  number to all coefficients of a spline adds it to its target; a symbol has its d. (With affine values the
  bias of the subnode takes them. With ``extrapolation="zero"`` splines fade outside the grid, and the
  constant with them.)
- A subnode without edges is the constant that it was left. A sum of it is still. In a product it is a
  constant factor, by which the edges of another factor are multiplied (the scale of the node, with affine
  values): a product of two becomes a sum. A product with a factor 0 is still. A product among the outputs
  keeps its place and its factors: there a constant factor is an edge that is the symbol "0".

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
from kan_np.network.mixed_layer import MixedLayer
from kan_np.network.mixed_network import MixedNetwork, Place, as_mixed
from kan_np.network.network import Network, residual_values
from kan_np.network.topology import Wiring

Bools = NDArray[np.bool_]


class Reduction:
    """A network on the way to a smaller one.

    Parameters
    ----------
    network : Network or MixedNetwork
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
        network: Network | MixedNetwork,
        masks: Sequence[Bools],
        constants: Sequence[FloatArray],
    ) -> None:
        mixed = as_mixed(network)
        self._locks = mixed.locks
        self._layers = []
        for level, (layer, mask, constant) in enumerate(zip(mixed.layers, masks, constants, strict=True)):
            locked = {(i, j) for group in mixed.locks for at, i, j in group if at == level}
            self._layers.append(_Rest(layer, mask, constant, locked))
        moves, value = np.ones(mixed.width[0], dtype=bool), np.zeros(mixed.width[0])
        for rest in self._layers:
            moves, value = rest.settle(moves, value, outputs=rest is self._layers[-1])
        self.n_edges = sum(int(rest.mask.sum()) for rest in self._layers)
        self.lost = np.flatnonzero(~moves).tolist()

    def network(self, inputs: Bools) -> Network | MixedNetwork:
        """The smaller network, with these inputs; there must be no lost output."""
        needed = [np.ones(len(self._layers[-1].factors), dtype=bool)]
        for rest in self._layers[::-1]:
            needed.insert(0, rest.serve(needed[0]))
        nodes = [np.flatnonzero(inputs).tolist()]
        nodes += [rest.ordered(wanted) for rest, wanted in zip(self._layers, needed[1:], strict=True)]
        ends = zip(self._layers, nodes[:-1], nodes[1:], strict=True)
        layers = tuple(rest.between(below, above) for rest, below, above in ends)
        return MixedNetwork(layers, self._locks_left(nodes)).simplified()

    def _locks_left(self, nodes: list[list[int]]) -> tuple[tuple[Place, ...], ...]:
        """Groups of at least two edges that are left as they were, with their new places."""
        groups = []
        for group in self._locks:
            level = group[0][0]
            rest, sources = self._layers[level], nodes[level]
            subnodes = rest.subnodes(nodes[level + 1])
            left = [
                (level, sources.index(i), subnodes.index(j))
                for _, i, j in group
                if rest.mask[i, j] and (i, j) in rest.locked
            ]
            if len(left) > 1:
                groups.append(tuple(sorted(left)))
        return tuple(sorted(groups))


class _Rest:
    """Edges of a layer as arrays that can be changed, and what they leave behind."""

    def __init__(
        self, layer: MixedLayer, mask: Bools, constant: FloatArray, locked: set[tuple[int, int]]
    ) -> None:
        self._splines = layer.splines
        self._theta = layer.splines.wiring.by_layer(layer.splines.theta)[0]
        self._symbols = dict(layer.symbols)
        self._affine = None if layer.affine is None else layer.split_affine(layer.affine.copy())
        self._constant = constant.copy()
        self.mask, self.locked = mask.copy(), locked
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

    def between(self, sources: list[int], nodes: list[int]) -> MixedLayer:
        """The layer of what is left between these nodes."""
        subnodes, net = self.subnodes(nodes), self._splines
        drawn = self.mask.copy()
        for place in self._symbols:
            drawn[place] = False
        here = np.ix_(sources, subnodes)
        splines = drawn[here]
        knots, reach = net.knots[0][sources], net.reach[0][sources]
        table = SplineTable.build(knots, net.k, net.extrapolation, reach)
        symbols = {
            (sources.index(i), subnodes.index(j)): edge
            for (i, j), edge in self._symbols.items()
            if self.mask[i, j]
        }
        affine = None
        if self._affine is not None:
            chosen = (subnodes, subnodes, nodes, nodes)
            affine = np.concatenate([part[ids] for part, ids in zip(self._affine, chosen, strict=True)])
        wired = Network(Wiring.from_masks([splines]), table, net.base_fun, self._theta[here][splines])
        arity = tuple(int(self.factors[node].size) for node in nodes)
        return MixedLayer(wired, dict(sorted(symbols.items())), arity, affine)

    def _values_at(self, x: FloatArray, asked: Bools) -> FloatArray:
        """phi_ij(x_i) of the edges that are asked for."""
        net, b = self._splines, self._splines.has_base
        basis = net.table.design_matrices(np.ascontiguousarray(x[:, None]))[:, 0]
        values = (self._theta[:, :, b:] * basis[:, None, :]).sum(axis=2)
        if b:
            values += self._theta[:, :, 0] * residual_values(net.base_fun, x)[:, None]
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
            return
        sources = np.flatnonzero(self.mask[:, j]).tolist()
        i = min(sources, key=lambda i: ((i, j) in self.locked, (i, j) in self._symbols))
        self.locked.discard((i, j))
        if (i, j) in self._symbols:
            edge = self._symbols[i, j]
            self._symbols[i, j] = replace(edge, d=float(edge.d + constant))
        else:
            self._theta[i, j, self._splines.has_base :] += constant

    def _multiply(self, node: int, subnodes: NDArray[np.int64], factor: float) -> None:
        """Multiply a product by a constant."""
        if self._affine is not None:
            self._affine.node_scale[node] *= factor
            return
        tied = {j for _, j in self.locked}
        j = min(subnodes.tolist(), key=lambda j: j in tied)
        self._theta[:, j] *= factor
        for i in range(len(self.mask)):
            self.locked.discard((i, j))
            if (i, j) in self._symbols:
                edge = self._symbols[i, j]
                self._symbols[i, j] = replace(edge, c=float(edge.c * factor), d=float(edge.d * factor))

    def _hold(self, alive: NDArray[np.int64], still: NDArray[np.int64]) -> None:
        """Make constant factors edges, from a node that another factor needs."""
        i = int(np.flatnonzero(self.mask[:, alive[0]])[0])
        for j in still.tolist():
            self.mask[i, j] = True
            self.locked.discard((i, j))
            self._symbols[i, j] = SymbolicEdge(default_library()["0"], d=float(self._constant[j]))

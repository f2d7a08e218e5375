"""A network some of whose edges are symbols, some of whose nodes are products, or whose edges are locked.

A `MixedNetwork` works layer by layer (`kan_np.network.layer_pass`), where a `Network` is one compiled kernel;
it has the same interface. It is never changed: other parameters, grids or symbols make a new one. The vector
that optimizers see is ``theta``: layer by layer the values of `MixedLayer.values`, locked edges once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.edges.bspline import SplineTable, refuse_outside
from kan_np.edges.knots import refined_knots
from kan_np.edges.symbol import SymbolicEdge
from kan_np.kernels.arrays import Ints
from kan_np.network.edge_index import Place
from kan_np.network.layer_pass import LayerPass
from kan_np.network.mixed_layer import MixedLayer
from kan_np.network.network import Network
from kan_np.network.topology import Wiring

_CHUNK = 8192  # samples of a prediction that are in memory at once


@dataclass(frozen=True)
class MixedNetwork:
    """Layers, and which of their edges are one.

    Attributes
    ----------
    layers : tuple of MixedLayer
    locks : tuple of tuples of places (l, i, j)
        Groups of edges of one layer that share their parameters: all splines of one grid, or all one symbol.
    """

    layers: tuple[MixedLayer, ...]
    locks: tuple[tuple[Place, ...], ...] = ()

    @classmethod
    def from_network(cls, net: Network) -> MixedNetwork:
        """The same network, as it is before anything is mixed."""
        layers, w = [], net.wiring
        for layer, mask in enumerate(w.masks):
            table = SplineTable.build(net.knots[layer], net.k, net.extrapolation, net.reach[layer])
            edges = slice(int(w.edge_start[layer]), int(w.edge_start[layer + 1]))
            splines = Network(Wiring.from_masks([mask]), table, net.base_fun, net.theta[edges].copy())
            layers.append(MixedLayer(splines, {}, net.arities[layer]))
        return cls(tuple(layers))

    def simplified(self) -> Network | MixedNetwork:
        """The same network as a `Network`, if nothing is mixed."""
        if self.locks or not all(layer.plain for layer in self.layers):
            return self
        tables = [layer.splines.table for layer in self.layers]
        table = SplineTable.build(
            np.concatenate([t.knots for t in tables]),
            self.k,
            self.extrapolation,
            np.concatenate([t.reach for t in tables]),
        )
        theta = np.concatenate([layer.splines.theta for layer in self.layers])
        return Network(Wiring.from_masks(self.masks), table, self.base_fun, theta)

    @property
    def width(self) -> tuple[int, ...]:
        """Nodes of each layer, inputs first."""
        return (self.layers[0].n_in, *(layer.n_out for layer in self.layers))

    @property
    def width_in(self) -> tuple[int, ...]:
        """Subnodes of each layer, inputs first."""
        return (self.layers[0].n_in, *(layer.n_subnodes for layer in self.layers))

    @property
    def arities(self) -> tuple[tuple[int, ...], ...]:
        """Factors of every node, a layer above the inputs: 1 for a sum."""
        return tuple(layer.arity for layer in self.layers)

    @property
    def base_fun(self) -> str:
        """Name of the residual function b."""
        return self.layers[0].splines.base_fun

    @property
    def has_base(self) -> int:
        """1 if a spline edge has a residual weight w in front of its coefficients, else 0."""
        return self.layers[0].splines.has_base

    @property
    def k(self) -> int:
        """Order of the splines."""
        return self.layers[0].splines.k

    @property
    def extrapolation(self) -> str:
        """What spline edges do outside their grid."""
        return self.layers[0].splines.extrapolation

    @property
    def masks(self) -> list[NDArray[np.bool_]]:
        """Which edges there are, symbols among them: an array of shape (n_in, n_subnodes) a layer."""
        return [layer.mask for layer in self.layers]

    @property
    def coef(self) -> list[FloatArray]:
        """Spline coefficients of each layer, (n_in, n_subnodes, G + k); zeros where there is no spline."""
        return [layer.splines.coef[0] for layer in self.layers]

    @property
    def scale_base(self) -> list[FloatArray]:
        """Residual weights of each layer, (n_in, n_subnodes); zeros where there is none."""
        return [layer.splines.scale_base[0] for layer in self.layers]

    @property
    def knots(self) -> list[FloatArray]:
        """Knots of each layer's sources: arrays of shape (n_in, G + 1)."""
        return [layer.splines.knots[0] for layer in self.layers]

    @property
    def reach(self) -> list[FloatArray]:
        """Of each layer's sources, how far grids carry on: arrays of shape (n_in, 2); see `SplineTable`."""
        return [layer.splines.reach[0] for layer in self.layers]

    @property
    def symbols(self) -> dict[Place, SymbolicEdge]:
        """All symbolic edges by layer, source and subnode."""
        return {
            (level, i, j): edge
            for level, layer in enumerate(self.layers)
            for (i, j), edge in layer.symbols.items()
        }

    @cached_property
    def value_starts(self) -> list[int]:
        """Where the values of each layer begin among all, and the end."""
        return np.concatenate([[0], np.cumsum([layer.n_values for layer in self.layers])]).tolist()

    @cached_property
    def shared(self) -> Ints | None:
        """For every value of the layers, its place in `theta`; None if nothing is locked."""
        if not self.locks:
            return None
        leader = np.arange(self.value_starts[-1])
        places = [layer.places() for layer in self.layers]
        for group in self.locks:
            first, *others = (self._slice(places, place) for place in group)
            for other in others:
                leader[other] = leader[first]
        return np.unique(leader, return_inverse=True)[1].astype(np.int64)

    def _slice(self, places: Sequence[Mapping[tuple[int, int], slice]], place: Place) -> slice:
        level, i, j = place
        start, here = self.value_starts[level], places[level][i, j]
        return slice(start + here.start, start + here.stop)

    @property
    def n_params(self) -> int:
        return self.value_starts[-1] if self.shared is None else int(self.shared.max(initial=-1)) + 1

    @property
    def theta(self) -> FloatArray:
        """Trainable numbers as one vector."""
        values = np.concatenate([layer.values for layer in self.layers])
        if self.shared is None:
            return values
        free = np.empty(self.n_params)
        free[self.shared] = values
        return free

    def all_values(self, theta: FloatArray) -> FloatArray:
        """The values of all layers for a vector of trainable numbers."""
        return theta if self.shared is None else theta[self.shared]

    def with_theta(self, theta: FloatArray) -> MixedNetwork:
        """The same network with other parameters."""
        values = self.all_values(np.array(theta, dtype=np.float64).ravel())
        ends = zip(self.layers, self.value_starts[:-1], self.value_starts[1:], strict=True)
        new = replace(self, layers=tuple(layer.with_values(values[a:b]) for layer, a, b in ends))
        new.__dict__.update(value_starts=self.value_starts, shared=self.shared)  # they depend on places alone
        return new

    def with_layer(self, level: int, layer: MixedLayer) -> MixedNetwork:
        """The same network with another layer."""
        return replace(self, layers=(*self.layers[:level], layer, *self.layers[level + 1 :]))

    def with_layer_knots(
        self,
        level: int,
        knots: FloatArray,
        reach: FloatArray | None = None,
    ) -> MixedNetwork:
        """The same function on other grids of one layer's sources; see `Network.with_knots`."""
        splines = self.layers[level].splines.with_knots(knots, reach)
        net = self.with_layer(level, replace(self.layers[level], splines=splines))
        # grids are solved for source by source: rounding may have taken locked edges apart
        return net.with_theta(net.theta) if self.locks else net

    def refined(self, grid: int) -> MixedNetwork:
        """The same function on grids of so many intervals."""
        net = self
        for level, (knots, reach) in enumerate(zip(self.knots, self.reach, strict=True)):
            net = net.with_layer_knots(level, refined_knots(knots, grid), reach)
        return net

    def with_splines(
        self,
        coef: Sequence[FloatArray],
        scale_base: Sequence[FloatArray],
        knots: Sequence[FloatArray] | None = None,
    ) -> MixedNetwork:
        """Other coefficients, residual weights and grids, as the properties of these names give them."""
        layers = []
        for level, layer in enumerate(self.layers):
            grids = None if knots is None else [knots[level]]
            splines = layer.splines.with_splines([coef[level]], [scale_base[level]], grids)
            layers.append(replace(layer, splines=splines))
        return replace(self, layers=tuple(layers))

    def shared_grids(self, level: int) -> list[list[int]]:
        """Groups of a layer's sources whose grids must be the same: spline edges from them are locked."""
        from scipy import sparse
        from scipy.sparse.csgraph import connected_components

        pairs = [
            (lock[0][1], i)
            for lock in self.locks
            if lock[0][0] == level and lock[0][1:] not in self.layers[level].symbols
            for _, i, _ in lock
        ]
        if not pairs:
            return []
        n = self.layers[level].n_in
        graph = sparse.coo_matrix((np.ones(len(pairs)), tuple(zip(*pairs, strict=True))), shape=(n, n))
        n_groups, group_of = connected_components(graph, directed=False)
        groups: list[list[int]] = [[] for _ in range(n_groups)]
        for i, group in enumerate(group_of.tolist()):
            groups[group].append(i)
        return [group for group in groups if len(group) > 1]

    def with_symbols(self, symbols: Mapping[Place, SymbolicEdge | None]) -> MixedNetwork:
        """Make symbols of these edges, and splines, all zero, of those that get None."""
        net = self
        for level, layer in enumerate(self.layers):
            changed = {(i, j): edge for (at, i, j), edge in symbols.items() if at == level}
            if changed:
                net = net.with_layer(level, _with_symbols(layer, changed))
        return net

    def passes(self, *, fixed: bool = False) -> list[LayerPass]:
        """The layers at work; `fixed` says that all samples will be the same ones."""
        return [LayerPass(layer, fixed=fixed and level == 0) for level, layer in enumerate(self.layers)]

    def node_values(self, x: FloatArray) -> FloatArray:
        """Values of every node, inputs included: (n_samples, n_in) -> (n_nodes, n_samples)."""
        rows = [np.ascontiguousarray(x.T)]
        with np.errstate(all="ignore"):  # what is not finite is for the caller to see
            for layer in self.passes():
                rows.append(layer.forward(rows[-1]))
        return np.concatenate(rows)

    def edge_values(self, level: int, x: FloatArray) -> FloatArray:
        """phi of every edge of layer l at values of its sources: (n_in, n) -> (n_in, n_subnodes, n)."""
        layer = LayerPass(self.layers[level])
        with np.errstate(all="ignore"):
            layer.forward(x)
            return layer.edge_values()

    def forward(self, x: FloatArray) -> FloatArray:
        """Outputs (n_samples, n_out), computed in chunks so that memory does not grow with hidden nodes."""
        out = np.empty((x.shape[0], self.width[-1]))
        passes = self.passes()
        with np.errstate(all="ignore"):
            for low in range(0, x.shape[0], _CHUNK):
                rows = x[low : low + _CHUNK].T
                for layer in passes:
                    rows = layer.forward(rows)
                out[low : low + _CHUNK] = rows.T
        return out

    def check_inputs(self, x: FloatArray, first_row: int = 0) -> None:
        """Raise for inputs of splines outside their grids under ``extrapolation="error"``."""
        if self.extrapolation == "error":
            splines = self.layers[0].splines
            for i in np.unique(splines.wiring.source).tolist():
                knots = splines.table.knots[i]
                refuse_outside(f"input {i}", x[:, i], knots[0], knots[-1], first_row)

    def input_jacobian(self, x: FloatArray) -> FloatArray:
        """d f_j / d x_i at every sample: (n_samples, n_in) -> (n_samples, n_out, n_in)."""
        out = np.empty((x.shape[0], self.width[-1], self.width[0]))
        passes = self.passes()
        with np.errstate(all="ignore"):
            for low in range(0, x.shape[0], _CHUNK):
                rows = x[low : low + _CHUNK].T
                for layer in passes:
                    rows = layer.forward(rows, back=True)
                for j in range(self.width[-1]):
                    delta = np.zeros_like(rows)
                    delta[j] = 1.0
                    for layer in reversed(passes):
                        delta = layer.pull(delta, np.zeros(layer.layer.n_values))
                    out[low : low + _CHUNK, j] = delta.T
        return out


def _with_symbols(layer: MixedLayer, changed: Mapping[tuple[int, int], SymbolicEdge | None]) -> MixedLayer:
    """The layer with other symbols, and new splines, all zero, where a symbol is taken away."""
    net = layer.splines
    mask = net.masks[0]
    symbols = dict(layer.symbols)
    for place, edge in changed.items():
        mask[place] = edge is None
        if edge is None:
            del symbols[place]
        else:
            symbols[place] = edge
    theta = Wiring.by_edge(Wiring.from_masks([mask]), net.wiring.by_layer(net.theta))
    splines = replace(net, wiring=Wiring.from_masks([mask]), theta=theta)
    return replace(layer, splines=splines, symbols=dict(sorted(symbols.items())))


def as_mixed(net: Network | MixedNetwork) -> MixedNetwork:
    """The network as one that can be mixed."""
    return net if isinstance(net, MixedNetwork) else MixedNetwork.from_network(net)

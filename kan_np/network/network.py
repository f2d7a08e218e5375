"""The numbers of a KAN: one parameter matrix, the splines of its nodes, and what can be computed from them.

A `Network` is never changed: a moved or finer grid, or new parameters, make a new one. The parameters of edge
e are the row theta[e] = (w, c_0, ..., c_{G+k-1}); the flat vector that optimizers see is theta.ravel().
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kan_np import _aligned
from kan_np._validate import FloatArray
from kan_np.edges.bspline import SplineTable, default_reach, refuse_outside
from kan_np.edges.knots import refined_knots
from kan_np.kernels import base, network
from kan_np.kernels.arrays import Ints, Net, Places, Scratch
from kan_np.kernels.exponential import OCTET
from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.piecewise_simd import PIECES
from kan_np.kernels.simd4 import LANES
from kan_np.network.topology import Wiring

BASE_FUNCTIONS = {"silu": base.SILU, "identity": base.IDENTITY, "zero": base.ZERO}

_CHUNK = 8192  # rows of a prediction that are in memory at once

#: Numbers multiplied in rows cost this part of those that are looked up.
_DENSE_COST = 1.0 / 12.0

#: Samples that kernels take at once, so that what is kept of them stays in the first cache.
_BLOCK = 160

#: Edges of a hidden node from which on laying out its B-splines pays.
_DENSE_FAN = 5


@dataclass(frozen=True)
class Network:
    """Wiring, spline tables and parameters.

    Attributes
    ----------
    wiring : Wiring
    table : SplineTable
        One row a source node.
    base_fun : str
        Name of the residual function b, one of `BASE_FUNCTIONS`.
    theta : ndarray of shape (n_edges, G + k + 1)
        Without the first column for ``base_fun="zero"``.
    """

    wiring: Wiring
    table: SplineTable
    base_fun: str
    theta: FloatArray

    @property
    def n_params(self) -> int:
        return self.theta.size

    @property
    def width(self) -> tuple[int, ...]:
        """Nodes of each layer, inputs first."""
        return self.wiring.width

    @property
    def width_in(self) -> tuple[int, ...]:
        """Subnodes of each layer: every node is the sum of its edges."""
        return self.wiring.width

    @property
    def arities(self) -> tuple[tuple[int, ...], ...]:
        """Factors of every node, a layer above the inputs: 1 for a sum."""
        return tuple((1,) * n for n in self.width[1:])

    @property
    def masks(self) -> list[NDArray[np.bool_]]:
        """Which edges there are: an array of shape (n_in, n_out) a layer."""
        return self.wiring.masks

    @property
    def coef(self) -> list[FloatArray]:
        """Spline coefficients of each layer, (n_in, n_out, G + k); zeros where there is no edge."""
        return self.wiring.by_layer(self.theta[:, self.has_base :])

    @property
    def scale_base(self) -> list[FloatArray]:
        """Residual weights of each layer, (n_in, n_out); zeros where there is none."""
        weights = self.theta[:, 0] if self.has_base else np.zeros(self.theta.shape[0])
        return self.wiring.by_layer(weights)

    @property
    def knots(self) -> list[FloatArray]:
        """Knots of each layer's sources: arrays of shape (n_in, G + 1)."""
        return [self.table.knots[self._sources(layer)].copy() for layer in range(len(self.width) - 1)]

    @property
    def reach(self) -> list[FloatArray]:
        """Of each layer's sources, how far grids carry on: arrays of shape (n_in, 2); see `SplineTable`."""
        return [self.table.reach[self._sources(layer)].copy() for layer in range(len(self.width) - 1)]

    def _sources(self, layer: int) -> slice:
        return slice(int(self.wiring.node_start[layer]), int(self.wiring.node_start[layer + 1]))

    @property
    def k(self) -> int:
        """Order of the splines."""
        return self.table.k

    @property
    def extrapolation(self) -> str:
        """What edges do outside their grid."""
        return self.table.extrapolation

    @property
    def has_base(self) -> int:
        """1 if an edge has a residual weight w in front of its coefficients, else 0."""
        return int(self.base_fun != "zero")

    @property
    def short(self) -> bool:
        """Whether grids are so short that products with all B-splines beat those with the active ones.

        The first run through the vector registers of the processor; that holds for values, and for
        Gauss-Newton matrices, where the number of products goes with the square (benchmarks/README.md).
        """
        n_row, filled = self.theta.shape[1], self.table.k + 1 + self.has_base
        return bool(_DENSE_COST * n_row**2 < filled**2)

    @property
    def dense(self) -> Ints:
        """1 for the nodes whose B-splines are laid out in rows, on short grids.

        These are inputs, where it is done once a fit, and hidden nodes with edges enough to pay for it.
        """
        w = self.wiring
        paid = np.diff(w.fan_start) >= _DENSE_FAN
        paid[: w.width[0]] = True
        return (paid & self.short).astype(np.int64)

    @cached_property
    def net(self) -> Net:
        """What the kernels read."""
        w, t = self.wiring, self.table
        return Net(
            w.node_start,
            w.fan_start,
            w.source,
            w.target,
            _BLOCK,
            BASE_FUNCTIONS[self.base_fun],
            self.dense,
            t.even,
            t.breaks,
            t.bucket,
            t.bucket_scale,
            t.origin,
            t.scale,
            t.poly,
            np.ascontiguousarray(t.poly.swapaxes(2, 3)),
            t.start,
        )

    def with_theta(self, theta: FloatArray) -> Network:
        """The same network with other parameters (flat or as a matrix)."""
        new = replace(self, theta=np.array(theta, dtype=np.float64).reshape(self.theta.shape))
        new.__dict__["net"] = self.net  # the tables do not depend on theta
        return new

    def with_knots(self, knots: FloatArray, reach: FloatArray | None = None) -> Network:
        """The same function on other grids, as far as they can carry it (see SplineTable.carry_over)."""
        stays = np.array_equal(knots, self.table.knots)
        if stays and reach is not None and np.array_equal(reach, self.table.reach):
            return self
        table = SplineTable.build(knots, self.table.k, self.table.extrapolation, reach)
        if stays:  # nothing to carry, and no rounding
            return replace(self, table=table)
        b = self.has_base
        with np.errstate(over="ignore", invalid="ignore"):  # "continue" may explode far outside the old grid
            coef = self.table.carry_over(table, self.theta[:, b:], self.wiring.source)
        return replace(self, table=table, theta=np.hstack([self.theta[:, :b], coef]))

    def with_layer_knots(self, layer: int, knots: FloatArray, reach: FloatArray | None = None) -> Network:
        """As `with_knots` for the grids of one layer's sources."""
        everywhere, reaches = self.table.knots.copy(), self.table.reach.copy()
        here = self._sources(layer)
        everywhere[here] = knots
        reaches[here] = default_reach(knots) if reach is None else reach
        return self.with_knots(everywhere, reaches)

    def with_constant_output(self, output: int, value: float) -> Network:
        """The same network with an output that is this number everywhere: B-splines sum to 1."""
        theta = self.theta.copy()
        edges = self.wiring.target == self.wiring.node_start[-2] + output
        theta[edges] = 0.0
        theta[edges, self.has_base :] = value / edges.sum()
        return self.with_theta(theta)

    def refined(self, grid: int) -> Network:
        """The same function on grids of so many intervals."""
        return self.with_knots(refined_knots(self.table.knots, grid), self.table.reach)

    def with_splines(
        self,
        coef: Sequence[FloatArray],
        scale_base: Sequence[FloatArray],
        knots: Sequence[FloatArray] | None = None,
    ) -> Network:
        """Other coefficients, residual weights and grids, as the properties of these names give them."""
        table = self.table
        if knots is not None:
            table = SplineTable.build(np.concatenate(list(knots)), self.k, self.extrapolation)
        columns = [self.wiring.by_edge(scale_base)[:, None]] * self.has_base
        return Network(self.wiring, table, self.base_fun, np.hstack([*columns, self.wiring.by_edge(coef)]))

    def shared_grids(self, layer: int) -> list[list[int]]:
        """Groups of a layer's sources whose grids must be the same: none."""
        return []

    def node_values(self, x: FloatArray) -> FloatArray:
        """Values of every node, inputs included: (n_samples, n_in) -> (n_nodes, n_samples)."""
        nodes = np.empty((self.wiring.n_nodes, x.shape[0]))
        network.forward(self.net, self.theta, x, nodes, new_places(self, slopes=False), new_scratch(self))
        return nodes

    def forward(self, x: FloatArray) -> FloatArray:
        """Outputs (n_samples, n_out), computed in chunks so that memory does not grow with hidden nodes."""
        w = self.wiring
        out = np.empty((x.shape[0], w.width[-1]))
        places, scratch = new_places(self, slopes=False), new_scratch(self)
        nodes = np.empty((w.n_nodes, min(_CHUNK, x.shape[0])))
        for low in range(0, x.shape[0], _CHUNK):
            part = x[low : low + _CHUNK]
            network.forward(self.net, self.theta, part, nodes, places, scratch)
            out[low : low + _CHUNK] = nodes[w.n_sources :, : part.shape[0]].T
        return out

    def check_inputs(self, x: FloatArray, first_row: int = 0) -> None:
        """Raise for inputs outside their grids under ``extrapolation="error"``."""
        if self.table.extrapolation == "error":
            for i, column in enumerate(x.T):
                knots = self.table.knots[i]
                refuse_outside(f"input {i}", column, knots[0], knots[-1], first_row)

    def input_jacobian(self, x: FloatArray) -> FloatArray:
        """d f_j / d x_i at every sample: (n_samples, n_in) -> (n_samples, n_out, n_in)."""
        out = np.empty((x.shape[0], self.wiring.width[-1], self.wiring.width[0]))
        network.input_jacobian(self.net, self.theta, x, new_places(self), new_scratch(self), out)
        return out


def new_places(net: Network, *, slopes: bool = True) -> Places:
    """Room for the places of a block, one slot a source node, with derivatives by x or without."""
    n = net.wiring.n_sources
    return _places(net, n, n if net.short else 0, n if net.short and slopes else 0)


def new_input_places(net: Network, n_samples: int) -> Places:
    """Room for the places of all samples at the input nodes, without derivatives by x."""
    slots = -(-n_samples // net.net.block) * net.wiring.width[0]
    return _places(net, 1, slots, 0) if net.short else _places(net, slots, 0, 0)


def _places(net: Network, n_sparse: int, n_dense: int, n_slopes: int) -> Places:
    block, panels = net.net.block, (net.net.block // PANEL, net.theta.shape[1], PANEL)
    shape = (n_sparse, block)
    at, u, stretch, base, dbase, rows, slopes = _aligned.arrays(
        *[shape] * 5, (n_dense, *panels), (n_slopes, *panels)
    )
    base.fill(0.0)  # for ever where there is no residual function
    dbase.fill(0.0)
    return Places(at.view(np.int64), u, stretch, base, dbase, rows, slopes)


def new_scratch(net: Network) -> Scratch:
    """Room for one block of node values and their derivatives, and for all edges as polynomials."""
    w, block, (n_pieces, _, width) = net.wiring, net.net.block, net.table.poly.shape[1:]
    nodes, edges = (w.n_nodes, block), (w.n_edges, n_pieces, width)
    x, delta, above, work, slope, polynomial, columns, moment = _aligned.arrays(
        *[nodes] * 3, (3, block), (w.n_edges, block), edges, (w.n_edges, LANES, PIECES), (LANES, *edges)
    )
    columns.fill(0.0)
    return Scratch(x, delta, above, work, slope, polynomial, columns, moment)


def residual_values(base_fun: str, x: FloatArray) -> FloatArray:
    """b(x) for x of shape (n,)."""
    row = np.zeros((1, -(-x.size // OCTET) * OCTET))  # the kernel reads and writes whole octets
    row[0, : x.size] = x
    value = np.zeros_like(row)
    base.residual_row(BASE_FUNCTIONS[base_fun], row, x.size, value, np.empty_like(row))
    return value[0, : x.size]

"""The numbers of a KAN: one parameter matrix, the splines of its nodes, and what can be computed from them.

A `Network` is never changed: a moved or finer grid, or new parameters, make a new one. The parameters of edge
e are the row theta[e] = (w, c_0, ..., c_{G+k-1}); the flat vector that optimizers see is theta.ravel().
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.kernels import base, network
from kan_np.kernels.exponential import OCTET
from kan_np.kernels.lanes import LANES
from kan_np.kernels.structure import Ints, Net, Places, Scratch
from kan_np.kernels.tiles import PANEL
from kan_np.kernels.windows import PIECES
from kan_np.pieces import SplineTable, refuse_outside

BASE_FUNCTIONS = {"silu": base.SILU, "identity": base.IDENTITY, "zero": base.ZERO}

_CHUNK = 8192  # rows of a prediction that are in memory at once

#: Numbers multiplied in rows cost this part of those that are looked up.
_DENSE_COST = 1.0 / 12.0

#: Samples that kernels take at once, so that what is kept of them stays in the first cache.
_BLOCK = 160

#: Edges of a hidden node from which on laying out its B-splines pays.
_DENSE_FAN = 5


@dataclass(frozen=True)
class Wiring:
    """Which node feeds which: nodes layer by layer, edges by layer, then source, then target.

    A node may have no edges on one side or on both.
    """

    width: tuple[int, ...]
    node_start: Ints
    edge_start: Ints
    fan_start: Ints
    source: Ints
    target: Ints

    @classmethod
    def dense(cls, width: tuple[int, ...]) -> Wiring:
        """Connect every node of a layer with every node of the next."""
        return cls.from_masks([np.ones(pair, dtype=bool) for pair in zip(width[:-1], width[1:], strict=True)])

    @classmethod
    def from_masks(cls, masks: Sequence[NDArray[np.bool_]]) -> Wiring:
        """Connect the nodes where the mask of a layer, of shape (n_in, n_out), is True."""
        width = (masks[0].shape[0], *(mask.shape[1] for mask in masks))
        node_start = np.concatenate([[0], np.cumsum(width)]).astype(np.int64)
        ends = [np.nonzero(mask) for mask in masks]  # row by row: by source, then target
        source = np.concatenate([i + first for (i, _), first in zip(ends, node_start[:-2], strict=True)])
        target = np.concatenate([j + first for (_, j), first in zip(ends, node_start[1:-1], strict=True)])
        fan_start = np.searchsorted(source, np.arange(node_start[-2] + 1)).astype(np.int64)
        return cls(width, node_start, fan_start[node_start[:-1]], fan_start, source, target)

    @property
    def masks(self) -> list[NDArray[np.bool_]]:
        """Which edges there are: an array of shape (n_in, n_out) a layer."""
        return self.by_layer(np.ones(self.n_edges, dtype=bool))

    def by_layer(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        """What belongs to the edges as arrays of shape (n_in, n_out, ...), zero where there is no edge."""
        layers = []
        for layer, pair in enumerate(zip(self.width[:-1], self.width[1:], strict=True)):
            here = slice(self.edge_start[layer], self.edge_start[layer + 1])
            i, j = self.source[here] - self.node_start[layer], self.target[here] - self.node_start[layer + 1]
            filled = np.zeros((*pair, *rows.shape[1:]), dtype=rows.dtype)
            filled[i, j] = rows[here]
            layers.append(filled)
        return layers

    def by_edge(self, layers: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """The reverse of `by_layer`: one row an edge."""
        return np.concatenate([a[mask] for a, mask in zip(layers, self.masks, strict=True)])

    def keep(self, edges: NDArray[np.bool_], nodes: NDArray[np.bool_]) -> Wiring:
        """Leave out the other edges and nodes; the rest is numbered anew, in the same order.

        Parameters
        ----------
        edges : ndarray of bool of shape (n_edges,)
            Edges whose ends are both among the nodes.
        nodes : ndarray of bool of shape (n_nodes,)
            Some of every layer.
        """
        layers = np.split(nodes, self.node_start[1:-1])
        ends = zip(layers[:-1], layers[1:], strict=True)
        masks = self.by_layer(edges)
        return Wiring.from_masks([mask[np.ix_(i, j)] for mask, (i, j) in zip(masks, ends, strict=True)])

    @property
    def n_nodes(self) -> int:
        return int(self.node_start[-1])

    @property
    def n_sources(self) -> int:
        """Nodes with outgoing edges: all but the outputs."""
        return int(self.node_start[-2])

    @property
    def n_edges(self) -> int:
        return int(self.edge_start[-1])


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
        table = SplineTable.build(knots, self.table.k, self.table.extrapolation, reach)
        if np.array_equal(knots, self.table.knots):  # nothing to carry, and no rounding
            return replace(self, table=table)
        b = self.has_base
        with np.errstate(over="ignore", invalid="ignore"):  # "continue" may explode far outside the old grid
            coef = self.table.carry_over(table, self.theta[:, b:], self.wiring.source)
        return replace(self, table=table, theta=np.hstack([self.theta[:, :b], coef]))

    def keep(self, edges: NDArray[np.bool_], nodes: NDArray[np.bool_]) -> Network:
        """The network of these edges and nodes alone; see `Wiring.keep`."""
        t, sources = self.table, nodes[: self.wiring.n_sources]
        table = SplineTable.build(t.knots[sources], t.k, t.extrapolation, t.reach[sources])
        return Network(self.wiring.keep(edges, nodes), table, self.base_fun, self.theta[edges])

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
    return Places(
        np.empty((n_sparse, block), dtype=np.int64),
        np.empty((n_sparse, block)),
        np.empty((n_sparse, block)),
        np.zeros((n_sparse, block)),  # zero for ever where there is no residual function
        np.zeros((n_sparse, block)),
        np.empty((n_dense, *panels)),
        np.empty((n_slopes, *panels)),
    )


def new_scratch(net: Network) -> Scratch:
    """Room for one block of node values and their derivatives, and for all edges as polynomials."""
    w, block, (n_pieces, _, width) = net.wiring, net.net.block, net.table.poly.shape[1:]
    return Scratch(
        np.empty((w.n_nodes, block)),
        np.empty((w.n_nodes, block)),
        np.empty((w.n_nodes, block)),
        np.empty((3, block)),
        np.empty((w.n_edges, block)),
        np.empty((w.n_edges, n_pieces, width)),
        np.zeros((w.n_edges, LANES, PIECES)),
        np.empty((LANES, w.n_edges, n_pieces, width)),
    )


def residual_values(base_fun: str, x: FloatArray) -> FloatArray:
    """b(x) for x of shape (n,)."""
    row = np.zeros((1, -(-x.size // OCTET) * OCTET))  # the kernel reads and writes whole octets
    row[0, : x.size] = x
    value = np.zeros_like(row)
    base.residual_row(BASE_FUNCTIONS[base_fun], row, x.size, value, np.empty_like(row))
    return value[0, : x.size]

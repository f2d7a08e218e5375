"""The graph of a network: nodes, the sums of edges that make them, and the edges between both.

A node is a sum of edges or a product of such sums, its subnodes (arXiv:2408.10205, section 2.1). Nodes are
numbered layer by layer, inputs first, and so are sums, every input counting as its own; edges are numbered
by layer, then source, then subnode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np.kernels.arrays import Ints
from kan_np.network.edge_index import EdgeIndex


@dataclass(frozen=True, eq=False)
class Topology:
    """Edges as pairs of a source node and a target sum. A node may have no incoming or outgoing edges.

    Attributes
    ----------
    width : tuple of int
        Nodes of each layer, inputs first.
    arities : tuple of tuples of int
        Sums of every node, a layer above the inputs: 1 for a sum, more for a product.
    node_start, sum_start : ndarray of int of shape (n_layers + 2,)
        First node and first sum of each layer of nodes, and the end. One array where all nodes are sums.
    edge_start : ndarray of int of shape (n_layers + 1,)
    fan_start : ndarray of int of shape (n_sources + 1,)
        First edge that leaves each node, and the end.
    source, target : ndarray of int of shape (n_edges,)
        A node and a sum.
    """

    width: tuple[int, ...]
    arities: tuple[tuple[int, ...], ...]
    node_start: Ints
    sum_start: Ints
    edge_start: Ints
    fan_start: Ints
    source: Ints
    target: Ints

    @classmethod
    def dense(cls, width: tuple[int, ...]) -> Topology:
        """Connect every node of a layer with every node of the next."""
        return cls.from_masks([np.ones(pair, dtype=bool) for pair in zip(width[:-1], width[1:], strict=True)])

    @classmethod
    def from_masks(
        cls, masks: Sequence[NDArray[np.bool_]], arities: Sequence[Sequence[int]] | None = None
    ) -> Topology:
        """Connect nodes and subnodes where the mask of a layer, of shape (n_in, n_subnodes), is True.

        Every subnode is a node unless `arities` says otherwise.
        """
        width_in = (masks[0].shape[0], *(mask.shape[1] for mask in masks))
        sum_start = np.concatenate([[0], np.cumsum(width_in)]).astype(np.int64)
        width, node_start = width_in, sum_start
        nodes = tuple((1,) * n for n in width_in[1:])
        if arities is not None and any(m != 1 for arity in arities for m in arity):
            nodes = tuple(tuple(arity) for arity in arities)
            width = (width_in[0], *map(len, nodes))
            node_start = np.concatenate([[0], np.cumsum(width)]).astype(np.int64)
        ends = [np.nonzero(mask) for mask in masks]  # row by row: by source, then target
        source = np.concatenate([i + first for (i, _), first in zip(ends, node_start[:-2], strict=True)])
        target = np.concatenate([j + first for (_, j), first in zip(ends, sum_start[1:-1], strict=True)])
        fan_start = np.searchsorted(source, np.arange(node_start[-2] + 1)).astype(np.int64)
        return cls(width, nodes, node_start, sum_start, fan_start[node_start[:-1]], fan_start, source, target)

    @property
    def width_in(self) -> tuple[int, ...]:
        """Subnodes of each layer, inputs first."""
        return tuple(np.diff(self.sum_start).tolist())

    @property
    def has_products(self) -> bool:
        """Whether a node has more than one sum."""
        return self.width_in != self.width

    @property
    def masks(self) -> list[NDArray[np.bool_]]:
        """True where there is an edge: an array of shape (n_in, n_subnodes) for each layer."""
        return self.by_layer(np.ones(self.n_edges, dtype=bool))

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Number of nodes below and of subnodes above each layer of edges."""
        return list(zip(self.width[:-1], self.width_in[1:], strict=True))

    @cached_property
    def factor_start(self) -> Ints:
        """First sum of every node, and the end."""
        sums = np.concatenate([np.ones(self.width[0], dtype=np.int64), *map(np.asarray, self.arities)])
        return np.concatenate([[0], np.cumsum(sums)]).astype(np.int64)

    @cached_property
    def edge_number(self) -> dict[EdgeIndex, int]:
        """The number of every edge by (layer, source, subnode)."""
        return {edge: number for number, edge in enumerate(self.edges)}

    @property
    def edges(self) -> list[EdgeIndex]:
        """Every edge as (layer, source, subnode)."""
        layer = np.searchsorted(self.edge_start, np.arange(self.n_edges), side="right") - 1
        i, j = self.source - self.node_start[layer], self.target - self.sum_start[layer + 1]
        return list(zip(layer.tolist(), i.tolist(), j.tolist(), strict=True))

    def owner(self, layer: int) -> Ints:
        """The node above, counted in its layer, that each subnode of a layer of edges belongs to."""
        return np.repeat(np.arange(self.width[layer + 1]), self.arities[layer])

    def by_layer(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        """One row for each edge, as arrays (n_in, n_subnodes, ...), one a layer; zero where no edge is."""
        layers = []
        for layer, pair in enumerate(self.pairs):
            here = slice(self.edge_start[layer], self.edge_start[layer + 1])
            i, j = self.source[here] - self.node_start[layer], self.target[here] - self.sum_start[layer + 1]
            filled = np.zeros((*pair, *rows.shape[1:]), dtype=rows.dtype)
            filled[i, j] = rows[here]
            layers.append(filled)
        return layers

    def by_edge(self, layers: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """The reverse of `by_layer`: one array with a row for each edge."""
        return np.concatenate([a[mask] for a, mask in zip(layers, self.masks, strict=True)])

    @property
    def n_nodes(self) -> int:
        return int(self.node_start[-1])

    @property
    def n_sums(self) -> int:
        return int(self.sum_start[-1])

    @property
    def n_sources(self) -> int:
        """Nodes with outgoing edges: all but the outputs."""
        return int(self.node_start[-2])

    @property
    def n_edges(self) -> int:
        return int(self.edge_start[-1])

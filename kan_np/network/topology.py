"""Which node of a network feeds which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np.kernels.arrays import Ints


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

"""The index of an edge: layer l, source node i, subnode j of the next layer; as in pykan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np import _validate

#: (l, i, j).
EdgeIndex = tuple[int, int, int]


def checked_edge(masks: Sequence[NDArray[np.bool_]], edge: Sequence[Any]) -> EdgeIndex:
    """The index of an edge as integers; raises where the masks of a network have no such edge."""
    layer = _validate.integer("l", edge[0], 0, len(masks) - 1)
    i = _validate.integer("i", edge[1], 0, masks[layer].shape[0] - 1)
    j = _validate.integer("j", edge[2], 0, masks[layer].shape[1] - 1)
    if not masks[layer][i, j]:
        raise ValueError(
            f"there is no edge ({layer}, {i}, {j}): it was pruned before; expected one where model.edges is "
            "True."
        )
    return layer, i, j


def checked_edges(
    masks: Sequence[NDArray[np.bool_]], layer: Any, edges: Sequence[Sequence[Any]]
) -> list[EdgeIndex]:
    """Return edges (i, j) of a layer as (l, i, j), each once; ValueError or TypeError for what is none."""
    if isinstance(edges, str) or not hasattr(edges, "__iter__"):
        raise TypeError(f"edges is {_validate.shown(edges)}; expected pairs (i, j).")
    pairs = list(edges)
    if not all(hasattr(pair, "__len__") and len(pair) == 2 for pair in pairs):
        raise ValueError(f"edges is {_validate.shown(pairs)}; expected pairs (i, j).")
    return list(dict.fromkeys(checked_edge(masks, (layer, i, j)) for i, j in pairs))

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
    layer = _index("l", edge[0], len(masks), "layers of edges")
    n_in, n_out = masks[layer].shape
    i = _index("i", edge[1], n_in, f"sources of layer {layer}")
    j = _index("j", edge[2], n_out, f"targets of layer {layer}")
    if not masks[layer][i, j]:
        raise ValueError(
            f"there is no edge ({layer}, {i}, {j}): it was pruned before; expected one where model.edges is "
            "True."
        )
    return layer, i, j


def _index(name: str, value: object, n: int, what: str) -> int:
    """An index from 0 to n - 1; the error says what there are n of."""
    number = _validate.integer(name, value, 0)
    if number >= n:
        raise ValueError(f"{name} is {number}; expected 0 to {n - 1}, for the {n} {what}. Count from 0.")
    return number


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

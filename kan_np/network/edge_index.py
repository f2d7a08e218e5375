"""Where an edge is: layer, source node, subnode of the next layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np import _validate

#: (l, i, j).
EdgeIndex = tuple[int, int, int]


def checked_edge(masks: Sequence[NDArray[np.bool_]], place: Sequence[Any]) -> EdgeIndex:
    """The place of an edge that there is, by the masks of a network."""
    level = _validate.integer("l", place[0], 0, len(masks) - 1)
    i = _validate.integer("i", place[1], 0, masks[level].shape[0] - 1)
    j = _validate.integer("j", place[2], 0, masks[level].shape[1] - 1)
    if not masks[level][i, j]:
        raise ValueError(
            f"there is no edge ({level}, {i}, {j}): it was pruned before; expected one where model.edges is "
            "True."
        )
    return level, i, j

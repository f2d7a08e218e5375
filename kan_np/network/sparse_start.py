"""The few edges that a sparse network starts with: every node is joined to the nearest of the other layer.

With nodes at (i + 1/2) / n, from 0 to 1, in both layers: an edge joins every source with the subnode nearest
to it, and every subnode with the source nearest to it; of two that are as near the first. Source: pykan
0.2.8, ``sparse_init=True``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sparse_mask(n_in: int, n_out: int) -> NDArray[np.bool_]:
    """Which edges there are between n_in sources and n_out subnodes: (n_in, n_out).

    Examples
    --------
    >>> sparse_mask(4, 2).astype(int).tolist()
    [[1, 0], [1, 0], [0, 1], [0, 1]]
    """
    i, j = np.arange(n_in), np.arange(n_out)
    # integers: |(2 i + 1) n_out - (2 j + 1) n_in| has no rounding that could choose between equal distances
    distance = np.abs((2 * i[:, None] + 1) * n_out - (2 * j + 1) * n_in)
    mask = np.zeros((n_in, n_out), dtype=bool)
    mask[i, distance.argmin(axis=1)] = True
    mask[distance.argmin(axis=0), j] = True
    return mask

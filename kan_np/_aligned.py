"""Arrays that begin at the start of a cache line.

Vectors of eight numbers are as long as a cache line. NumPy begins arrays at any multiple of 16 bytes; then
every vector lies in two lines, and a kernel takes up to a third longer, in one run of a program and not in
the next.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

LINE = 64  # bytes


def empty(shape: tuple[int, ...] | int, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """As `numpy.empty`, C-contiguous.

    Examples
    --------
    >>> empty((3, 5)).ctypes.data % LINE
    0
    """
    wanted = np.dtype(dtype)
    n_bytes = int(np.prod(shape, dtype=np.int64)) * wanted.itemsize
    room = np.empty(n_bytes + LINE, dtype=np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + n_bytes].view(wanted).reshape(shape)


def zeros(shape: tuple[int, ...] | int) -> NDArray[np.float64]:
    """As `numpy.zeros`."""
    out = empty(shape)
    out.fill(0.0)
    return out


def copied(values: ArrayLike) -> NDArray[np.float64]:
    """A C-contiguous copy as float64."""
    given = np.asarray(values, dtype=np.float64)
    out = empty(given.shape)
    out[...] = given
    return out

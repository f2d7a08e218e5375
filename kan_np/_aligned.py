"""Arrays that are aligned to cache lines.

Vectors of eight float64 are as long as a cache line. NumPy aligns arrays to 16 bytes only; where a vector
lies in two cache lines kernels take up to a third longer, in some runs of a program and not in others
(docs/design/vectors.md).
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LINE = 64  # bytes
_NUMBERS = 8  # in a line


def arrays(*shapes: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """Uninitialised arrays of these shapes in one block of memory, each aligned to a cache line.

    Examples
    --------
    >>> [array.ctypes.data % LINE for array in arrays((3, 5), (7,), (2, 2))]
    [0, 0, 0]
    """
    sizes = [math.prod(shape) for shape in shapes]
    starts = list(accumulate((-(-size // _NUMBERS) * _NUMBERS for size in sizes), initial=_NUMBERS))
    room = np.empty(starts[-1])
    # one block for all arrays, since reading its address takes longer than making an array
    first = -room.ctypes.data % LINE // room.itemsize - _NUMBERS
    return [
        room[first + start : first + start + size].reshape(shape)
        for start, size, shape in zip(starts, sizes, shapes, strict=False)
    ]


def empty(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """As `numpy.empty`, C-contiguous."""
    return arrays(shape)[0]


def zeros(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """As `numpy.zeros`."""
    out = empty(shape)
    out.fill(0.0)
    return out


def in_rows(values: NDArray[Any]) -> NDArray[Any]:
    """The same numbers, C-contiguous and in memory that may be written: a copy only where they are not.

    For what is handed to kernels, which would be compiled anew for every other kind of array: one by columns
    as pandas has, or one that may only be read as joblib shares among processes.

    Examples
    --------
    >>> by_columns = np.zeros((3, 2), order="F")
    >>> in_rows(by_columns).flags.c_contiguous
    True
    >>> rows = np.zeros((3, 2))
    >>> in_rows(rows) is rows
    True
    """
    return np.require(values, requirements=["C", "ALIGNED", "WRITEABLE", "ENSUREARRAY"])


def copied(values: ArrayLike) -> NDArray[np.float64]:
    """A C-contiguous copy as float64."""
    given = np.asarray(values, dtype=np.float64)
    out = empty(given.shape)
    out[...] = given
    return out

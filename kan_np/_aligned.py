"""Arrays that begin at the start of a cache line.

Vectors of eight numbers are as long as a cache line. NumPy begins arrays at any multiple of 16 bytes; then
every vector lies in two lines, and a kernel takes up to a third longer, in one run of a program and not in
the next.
"""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np
from numpy.typing import ArrayLike, NDArray

LINE = 64  # bytes
_NUMBERS = 8  # in a line


def arrays(*shapes: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """Arrays of these shapes as `numpy.empty` makes them, in one piece of memory.

    Examples
    --------
    >>> [array.ctypes.data % LINE for array in arrays((3, 5), (7,), (2, 2))]
    [0, 0, 0]
    """
    sizes = [math.prod(shape) for shape in shapes]
    starts = list(accumulate((-(-size // _NUMBERS) * _NUMBERS for size in sizes), initial=_NUMBERS))
    room = np.empty(starts[-1])
    # one address for all: asking for it takes longer than making an array
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


def copied(values: ArrayLike) -> NDArray[np.float64]:
    """A C-contiguous copy as float64."""
    given = np.asarray(values, dtype=np.float64)
    out = empty(given.shape)
    out[...] = given
    return out

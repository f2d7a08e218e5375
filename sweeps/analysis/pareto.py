"""Pareto fronts of two costs, both to be small."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.intp]
FloatArray = NDArray[np.float64]


def front(x: ArrayLike, y: ArrayLike) -> IntArray:
    """Return the indices of the points that no other point dominates, sorted by x, then by index.

    Point j dominates i if x_j <= x_i and y_j <= y_i and one of the two is strict. So exact duplicates of a
    front point are all on the front, and of points with equal x (or equal y) only the best stay. Points with
    a NaN or an infinite coordinate are never on the front and dominate nothing. O(n log n).

    Parameters
    ----------
    x, y : array_like, shape (n,)
        The two costs, for example parameters and error.

    Raises
    ------
    ValueError
        If `x` and `y` are not vectors of one length.

    Examples
    --------
    >>> front([1, 2, 2, 3, 4], [5.0, 3.0, 3.0, 4.0, 1.0])
    array([0, 1, 2, 4])
    """
    x, y = _pair(x, y)
    finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    order = finite[np.lexsort((y[finite], x[finite]))]
    if order.size == 0:
        return order
    xs, ys = x[order], y[order]
    best = np.minimum.accumulate(ys)
    # A point stays if it is as low as everything up to it, and lower than everything at a smaller x.
    first = np.searchsorted(xs, xs, side="left")
    before = np.where(first > 0, best[first - 1], np.inf)
    chosen = order[(ys == best) & (ys < before)]
    return chosen[np.lexsort((chosen, x[chosen]))]


def staircase(x: ArrayLike, y: ArrayLike, x_end: float | None = None) -> tuple[FloatArray, FloatArray]:
    """Return the vertices of the border of the dominated region, for drawing: what is attained at every x.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Any points; only their front counts.
    x_end : float, optional
        Where the last level ends; ignored if it is left of the last front point.

    Returns
    -------
    tuple of ndarray
        x and y of the vertices; empty without a finite point.

    Examples
    --------
    >>> staircase([1, 3, 4], [5.0, 2.0, 6.0])
    (array([1., 3., 3.]), array([5., 5., 2.]))
    """
    x, y = _pair(x, y)
    chosen = front(x, y)
    return steps(x[chosen], y[chosen], x_end)


def steps(x: ArrayLike, y: ArrayLike, x_end: float | None = None) -> tuple[FloatArray, FloatArray]:
    """Return the vertices of the step line through the given points, which are sorted by x.

    From every point the line runs level to the x of the next one and then goes to it; of points with equal x
    the first counts. Never a straight line between points: nothing was trained in between. Points that were
    chosen on one error and are drawn with another need not fall, and the line shows that.

    Examples
    --------
    >>> steps([1, 3], [2.0, 5.0], x_end=4)
    (array([1., 3., 3., 4.]), array([2., 2., 5., 5.]))
    """
    x, y = _pair(x, y)
    corners, first = np.unique(x, return_index=True)
    xs, ys = np.repeat(corners, 2)[1:], np.repeat(y[first], 2)[:-1]
    if x_end is not None and corners.size and x_end > corners[-1]:
        xs, ys = np.append(xs, x_end), np.append(ys, ys[-1])
    return xs, ys


def best_within(x: ArrayLike, y: ArrayLike, budget: float) -> int | None:
    """Return the index of the smallest finite y among the points with x <= budget, None if there is none.

    Among equals the one with the smaller x wins, then the one that comes first.

    Examples
    --------
    >>> best_within([10, 20, 30], [0.3, 0.2, 0.1], budget=25)
    1
    """
    x, y = _pair(x, y)
    candidates = np.flatnonzero((x <= budget) & np.isfinite(x) & np.isfinite(y))
    if candidates.size == 0:
        return None
    lowest = candidates[y[candidates] == y[candidates].min()]
    return int(lowest[np.argmin(x[lowest])])


def hypervolume(x: ArrayLike, y: ArrayLike, corner: tuple[float, float]) -> FloatArray:
    """Return the area between the step line through the given points (see `steps`) and a corner above it.

    For a front this is the hypervolume that it dominates, with the corner as reference point. Where the line
    is above the corner, or ends right of it, nothing is counted.

    Parameters
    ----------
    x : array_like, shape (n,)
        Ascending; of points with equal x the last counts.
    y : array_like, shape (..., n)
        One line or several; infinite where nothing is attained.
    corner : tuple of float
        Its x and y.

    Returns
    -------
    ndarray, shape (...)

    Examples
    --------
    >>> hypervolume([1.0, 3.0], [2.0, 1.0], corner=(4.0, 3.0))
    array(4.)
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 1 or y.shape[-1:] != x.shape:
        raise ValueError(f"x and y have shapes {x.shape} and {y.shape}; expected (n,) and (..., n).")
    widths = np.diff(np.minimum(x, corner[0]), append=corner[0])
    return np.asarray((np.maximum(corner[1] - y, 0.0) * np.maximum(widths, 0.0)).sum(axis=-1))


def _pair(x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"x and y have shapes {x.shape} and {y.shape}; expected two vectors of one length.")
    return x, y

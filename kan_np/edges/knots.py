"""Knot grids: uniform, from quantiles of samples, blended, refined.

A grid has G intervals, so G + 1 knots t_0 < ... < t_G, and carries G + k B-splines of order k (degree k, as
in pykan and `scipy.interpolate`); its knots are continued by k equal steps on both sides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kan_np._validate import FloatArray

#: Least distance of two knots, as a fraction of the uniform step, so that repeated samples make no empty
#: interval; chosen by judgement.
_SMALLEST_STEP = 1e-3


def uniform_knots(low: ArrayLike, high: ArrayLike, grid: int) -> FloatArray:
    """Equally spaced knots between `low` and `high`, one row for each node.

    Returns
    -------
    ndarray of shape (n_nodes, grid + 1)
    """
    a, b = np.atleast_1d(np.asarray(low, float)), np.atleast_1d(np.asarray(high, float))
    knots = a[:, None] + (b - a)[:, None] * (np.arange(grid + 1) / grid)
    knots[:, -1] = b
    return knots


def knots_from_samples(samples: FloatArray, grid: int, grid_eps: float, margin: float = 0.0) -> FloatArray:
    """Knots that follow the samples: eps * uniform + (1 - eps) * quantiles.

    Parameters
    ----------
    samples : ndarray of shape (n_nodes, n_samples)
    grid : int
        Number of intervals G.
    grid_eps : float
        1 gives uniform knots over the range of the samples, 0 their quantiles (arXiv:2404.19756,
        section 2.5).
    margin : float
        Fraction of the range that is added at each end.

    Returns
    -------
    ndarray of shape (n_nodes, grid + 1), strictly increasing. A node whose samples are equal within 1e-12 G
    of their size gets an interval of length 2 around them (more where float64 needs it).
    """
    low, high = samples.min(axis=1), samples.max(axis=1)
    size = np.maximum(np.abs(low), np.abs(high))
    flat = high - low <= 1e-12 * grid * size + 1e-300  # too close for float64 to divide the range
    half = np.where(flat, np.maximum(1.0, 1e-9 * size), margin * (high - low))
    uniform = uniform_knots(low - half, high + half, grid)
    if grid_eps >= 1.0 or flat.all():
        return uniform
    quantiles = np.quantile(samples, np.arange(grid + 1) / grid, axis=1).T
    quantiles[:, 0], quantiles[:, -1] = uniform[:, 0], uniform[:, -1]
    knots = grid_eps * uniform + (1.0 - grid_eps) * quantiles
    step = (uniform[:, -1] - uniform[:, 0]) / grid
    close = (np.diff(knots, axis=1) < _SMALLEST_STEP * step[:, None]).any(axis=1) | flat
    eps = np.where(flat, 1.0, max(grid_eps, 2 * _SMALLEST_STEP))[close, None]
    knots[close] = eps * uniform[close] + (1.0 - eps) * quantiles[close]
    knots[:, [0, -1]] = uniform[:, [0, -1]]  # else rounding could leave the outermost samples outside
    return knots


def refined_knots(knots: FloatArray, grid: int) -> FloatArray:
    """Knots of a grid with `grid` intervals that follows the density of `knots`.

    The k-th new knot is the old knot at index k G / G', interpolated linearly between neighbours: a multiple
    of the old G keeps every old knot, so the finer splines contain the coarse ones.
    """
    old = knots.shape[1] - 1
    index = np.arange(old + 1)
    place = np.arange(grid + 1) * (old / grid)
    return np.stack([np.interp(place, index, row) for row in knots])


def continued_knots(knots: FloatArray, n_steps: int) -> FloatArray:
    """Knots with `n_steps` equal steps of (t_G - t_0) / G more on each side, as in pykan."""
    step = (knots[:, -1:] - knots[:, :1]) / (knots.shape[1] - 1)
    q = np.arange(1, n_steps + 1)
    return np.hstack([knots[:, :1] - step * q[::-1], knots, knots[:, -1:] + step * q])

"""Scores of error bars on rows with known labels: how often intervals hold, and how wide they have to be.

Source: T. Gneiting and A. E. Raftery (2007), Strictly proper scoring rules, prediction, and estimation, JASA
102, 359, eq. (43) for the interval score and eq. (21) for the continuous ranked probability score.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def coverage(y: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """Part of the labels that lie in their intervals.

    Examples
    --------
    >>> coverage([0.0, 1.0, 2.0, 3.0], low=[-1, -1, -1, -1], high=[1, 1, 1, 1])
    0.5
    """
    labels = np.asarray(y)
    return float(np.mean((labels >= np.asarray(low)) & (labels <= np.asarray(high))))


def interval_score(y: ArrayLike, low: ArrayLike, high: ArrayLike, level: float) -> float:
    """Mean width, with 2 / (1 - level) times the distance of labels outside; lower is better.

    Examples
    --------
    >>> interval_score([0.0, 2.0], low=[-1, -1], high=[1, 1], level=0.5)
    4.0
    """
    labels, lower, upper = (np.asarray(part, dtype=np.float64) for part in (y, low, high))
    missed = np.maximum(lower - labels, 0.0) + np.maximum(labels - upper, 0.0)
    return float(np.mean(upper - lower + 2.0 / (1.0 - level) * missed))


def crps(y: ArrayLike, mean: ArrayLike, std: ArrayLike) -> float:
    """Mean continuous ranked probability score of normal distributions, in the units of y; lower is better.

    s [z (2 F(z) - 1) + 2 f(z) - 1 / sqrt(pi)] with z = (y - mean) / s, F and f of the standard normal.

    Examples
    --------
    >>> round(crps([0.0], mean=[0.0], std=[1.0]), 6)
    0.233695
    """
    from scipy.special import ndtr

    deviation = np.asarray(std, dtype=np.float64)
    z = (np.asarray(y) - np.asarray(mean)) / deviation
    below, density = ndtr(z), np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    return float(np.mean(deviation * (z * (2 * below - 1) + 2 * density - 1 / np.sqrt(np.pi))))

"""Samples of an edge, checked, sorted and brought to [-1, 1]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Samples:
    """y at x with weights, sorted by x, beside t = (x - middle) / half in [-1, 1].

    Attributes
    ----------
    x, y : ndarray of shape (n,)
    weight : ndarray of shape (n,)
        Sums to 1.
    t : ndarray of shape (n,)
    z : ndarray of shape (n,)
        (y - mean) / spread, weighted: of mean 0 and variance 1, or 0 where y is constant.
    middle, half, mean, spread : float
    """

    x: FloatArray
    y: FloatArray
    weight: FloatArray
    t: FloatArray
    z: FloatArray
    middle: float
    half: float
    mean: float
    spread: float

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.x.size

    @property
    def rounding(self) -> float:
        """Part of the variance of y that is below the rounding of its numbers; 1 for constant y."""
        if self.spread == 0.0:
            return 1.0
        # far from 0, x carries its own rounding into every function of it
        size = max(np.abs(self.y).max() / self.spread, np.abs(self.x).max() / max(self.half, 1e-300), 1.0)
        return float(min(1.0, (16.0 * _EPS * size) ** 2))

    def thinned(self, most: int) -> Samples:
        """At most `most` of the samples, evenly by rank, the first and the last among them."""
        if self.n <= most:
            return self
        kept = np.unique(np.linspace(0, self.n - 1, most).round().astype(int))
        weight = self.weight[kept] / self.weight[kept].sum()
        z = self.z[kept] - weight @ self.z[kept]
        return Samples(
            self.x[kept],
            self.y[kept],
            weight,
            self.t[kept],
            z,
            self.middle,
            self.half,
            self.mean,
            self.spread,
        )


def make_samples(x: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Samples:
    """Check and sort samples.

    Parameters
    ----------
    x, y : array_like of shape (n,)
    weight : array_like of shape (n,), optional
        Not negative; samples of weight 0 are left out.

    Raises
    ------
    ValueError, TypeError
        For values that are not finite numbers, unequal lengths, or no weight at all.
    """
    points, values = _validate.vector("x", x), _validate.vector("y", y)
    if points.size != values.size:
        raise ValueError(f"x has {points.size} values and y {values.size}; expected as many.")
    weights = np.ones(points.size) if weight is None else _validate.vector("weight", weight)
    if weights.size != points.size:
        raise ValueError(f"weight has {weights.size} values and x {points.size}; expected as many.")
    if weights.min() < 0 or weights.max() == 0:
        raise ValueError("weight has negative values or is 0 everywhere; expected >= 0 and some > 0.")
    order = np.argsort(points, kind="stable")
    order = order[weights[order] > 0]
    points, values, weights = points[order], values[order], weights[order] / weights.max()
    weights /= weights.sum()
    low, high = points[0], points[-1]
    middle, half = low + (high - low) / 2, (high - low) / 2
    t = (points - middle) / half if half > 0 else np.zeros_like(points)
    mean = float(weights @ values)
    centred = values - mean
    centred -= weights @ centred
    largest = np.abs(centred).max()
    spread = float(largest * np.sqrt(weights @ np.square(centred / largest))) if largest > 0 else 0.0
    if spread <= 4.0 * _EPS * np.abs(values).max():
        spread = 0.0
    z = centred / spread if spread > 0 else np.zeros_like(values)
    return Samples(points, values, weights, t, z, float(middle), float(half), mean, spread)

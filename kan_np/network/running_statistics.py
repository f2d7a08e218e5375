"""Means and standard deviations over samples that are added part by part."""

from __future__ import annotations

from typing import Any

import numpy as np

from kan_np._validate import FloatArray

#: A standard deviation below this fraction of the mean is rounding: such values are constant.
_ROUNDING = 8 * np.finfo(np.float64).eps


class Moments:
    """Mean and sum of squared deviations along the last axis of arrays that are added one after the other.

    The formula is that of Chan, Golub and LeVeque (1979), eq. (2.1), which does not cancel where the mean is
    large.
    """

    def __init__(self) -> None:
        self.n = 0
        self.mean: Any = 0.0
        self.square: Any = 0.0

    def join(self, values: FloatArray) -> None:
        """Add samples; all arrays have one shape but for the last axis."""
        n = values.shape[-1]
        mean = values.mean(axis=-1)
        shift, total = mean - self.mean, self.n + n
        square = np.square(values - mean[..., None]).sum(axis=-1)
        self.square = self.square + square + shift**2 * (self.n * n / total)
        self.mean = self.mean + shift * (n / total)
        self.n = total

    def deviation(self) -> FloatArray:
        """Standard deviation (n - 1 in the denominator); 0 where it is only rounding."""
        return deviation(self.square, self.mean, self.n)


def deviation(square: FloatArray, mean: FloatArray, n_samples: int) -> FloatArray:
    """Standard deviation (n - 1) from the sum of squared deviations; 0 where that is only rounding."""
    constant = square <= n_samples * (_ROUNDING * mean) ** 2
    return np.sqrt(np.where(constant, 0.0, square) / max(n_samples - 1, 1))


def deviation_weight(by_spread: FloatArray, spread: FloatArray, n_samples: int) -> FloatArray:
    """Derivative by a standard deviation over (n - 1) sigma: times (phi_s - mean) the derivative by phi_s.

    d sigma / d phi_s = (phi_s - mean) / ((n - 1) sigma); 0 for constant values, where it is not defined.
    """
    below = max(n_samples - 1, 1) * spread
    return np.divide(by_spread, below, out=np.zeros_like(by_spread), where=below > 0)

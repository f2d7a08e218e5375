"""How error bars widen outside the training range, where nothing was seen.

With d_i the distance of a row from the training range of input i in lengths of that range, d^2 = sum_i d_i^2,
and s the standard deviation of the training labels of an output, the standard deviation

    2 s d

is added in quadrature to what a method gives. The size was chosen by reasoning: a straight line has a spread
of s = slope * length / sqrt(12), so that a model which is held constant outside is off by 3.5 s d, about the
end of its 90 % interval, 1.64 * 2 s d.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kan_np._validate import FloatArray
from kan_np.training.training_range import training_range

#: Standard deviations of the labels for every length of the training range outside it; see above.
SPREADS_A_LENGTH = 2.0


@dataclass(frozen=True)
class Outside:
    """The widening outside a training range.

    Attributes
    ----------
    limits : ndarray of shape (2, n_in)
        Lowest and highest training inputs, as the network sees them.
    spread : ndarray of shape (n_out,)
        Standard deviations of the labels.
    """

    limits: FloatArray
    spread: FloatArray

    @classmethod
    def of(cls, x: FloatArray, y: FloatArray) -> Outside:
        """That of training samples."""
        return cls(training_range(x), y.std(axis=0))

    def std(self, x: FloatArray) -> FloatArray:
        """The standard deviation to be added: (n_samples, n_in) -> (n_samples, n_out), 0 inside."""
        low, high = self.limits
        length = np.where(high > low, high - low, np.maximum(np.abs(low), 1.0))
        with np.errstate(over="ignore", invalid="ignore"):
            distance = np.maximum(np.maximum(low - x, x - high), 0.0) / length
            far = np.sqrt(np.square(distance).sum(axis=1))
            widened: FloatArray = SPREADS_A_LENGTH * far[:, None] * self.spread
        return widened

"""The three functions of Friedman with noise, a usual test of regression.

J. H. Friedman, Multivariate adaptive regression splines, Annals of Statistics 19 (1991), 1-67. The first has
five variables that matter and five that do not; the others are the impedance and the phase of an
alternating-current circuit with resistance R, frequency w, inductance L and capacitance C. The noise of the
training samples has the usual standard deviations 1, 125 and 0.1, the latter two about a third of that of the
function.
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.data.suites import Suite, entry

_UNIT = {f"x{i}": (0.0, 1.0) for i in range(1, 11)}
_CIRCUIT = {"R": (0.0, 100.0), "w": (40 * np.pi, 560 * np.pi), "L": (0.0, 1.0), "C": (1.0, 11.0)}


def _friedman1(*x: FloatArray) -> FloatArray:
    return 10 * np.sin(np.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4]


def _impedance(R: FloatArray, w: FloatArray, L: FloatArray, C: FloatArray) -> FloatArray:
    return np.hypot(R, w * L - 1.0 / (w * C))


def _phase(R: FloatArray, w: FloatArray, L: FloatArray, C: FloatArray) -> FloatArray:
    # The first and fourth quadrant only, where this is the arctangent of the quotient.
    return np.arctan2(w * L - 1.0 / (w * C), R)


SUITE = Suite(
    "friedman",
    "The three functions of Friedman (1991) with noise",
    (
        entry(
            "friedman1",
            "10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5, noise 1",
            _UNIT,
            (10, 2, 1),
            _friedman1,
            noise=1.0,
        ),
        entry(
            "friedman2",
            "sqrt(R^2 + (w L - 1/(w C))^2), noise 125",
            _CIRCUIT,
            (4, 2, 1),
            _impedance,
            noise=125.0,
        ),
        entry(
            "friedman3",
            "atan((w L - 1/(w C))/R), noise 0.1",
            _CIRCUIT,
            (4, 2, 1),
            _phase,
            noise=0.1,
        ),
    ),
)

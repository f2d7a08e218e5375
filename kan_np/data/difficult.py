"""Five functions on [-1, 1]^2 with one difficulty each: a kink, a jump, a high frequency, a layer, noise.

What makes a function hard for one kind of network may be easy for another, so that each function has one
property that smooth functions of a suite such as "special" lack:

- kink: continuous, with a jump of the slope along a circle, as in the penalty terms of mechanics;
- jump: an indicator function of the region above a curve, as class labels are;
- frequency: eight waves over the interval, of an amplitude that grows from 0 to 2;
- layer: a solution of -eps (u_xx + u_yy) + u_x + u_y = 0 that falls from 1 to 0 within a width of eps = 0.05
  of two sides, the outflow layer of Roos, Stynes and Tobiska, Robust Numerical Methods for Singularly
  Perturbed Differential Equations, 2nd edition, 2008;
- noise: a smooth function of standard deviation 1 whose training samples have noise of 5 % of that.
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.data.suites import Suite, entry

_SQUARE = {"x": (-1.0, 1.0), "y": (-1.0, 1.0)}
#: Width of the boundary layer.
_EPS = 0.05


def _layer(x: FloatArray, y: FloatArray) -> FloatArray:
    return np.expm1((x - 1.0) / _EPS) * np.expm1((y - 1.0) / _EPS)


SUITE = Suite(
    "difficult",
    "Five functions with a kink, a jump, a high frequency, a boundary layer and 5 % noise",
    (
        entry("kink", "|x^2 + y^2 - 1/2|", _SQUARE, (2, 1, 1), lambda x, y: np.abs(x * x + y * y - 0.5)),
        entry(
            "jump",
            "1 where y > sin(pi x)/2, else 0",
            _SQUARE,
            (2, 1, 1),
            lambda x, y: (y > np.sin(np.pi * x) / 2).astype(np.float64),
        ),
        entry(
            "frequency",
            "(1 + y) sin(8 pi x)",
            _SQUARE,
            (2, 2, 1),
            lambda x, y: (1.0 + y) * np.sin(8 * np.pi * x),
        ),
        entry("layer", "(1 - exp((x - 1)/0.05)) (1 - exp((y - 1)/0.05))", _SQUARE, (2, 2, 1), _layer),
        entry(
            "noise",
            "2 sin(pi x) cos(pi y), 5 % noise",
            _SQUARE,
            (2, 2, 1),
            lambda x, y: 2.0 * np.sin(np.pi * x) * np.cos(np.pi * y),
            noise=0.05,
        ),
    ),
)

"""What is done to labels so that they may be a sum: y itself, 1/y, y^2, log y, sin y and others.

If T(y) = S(x) then y = T^-1(S(x)), on the branch where all labels are. Noise e in y is T'(y) e in T(y), so
that residuals of T(y) times 1 / |T'(y)| are, to first order, residuals of y.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from kan_np._validate import FloatArray

#: Labels of more than this are not in radians, nor the exponents of anything.
_LARGEST_NATURAL = 30.0
#: And labels that vary by less than this are not either.
_LEAST_NATURAL = 1e-3
#: Slopes below this part of the usual one would make a weight of its own of a single sample.
_FLAT = 1e-3


class Transform(NamedTuple):
    """T with its derivative, its inverse as an expression, and the interval of y where it can be used."""

    name: str
    forward: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]
    inverse: Callable[[Any], Any]
    low: float
    high: float
    #: Whether labels must be numbers of no unit.
    natural: bool
    #: Length of a message that names it.
    bits: float

    def within(self, y: FloatArray) -> FloatArray:
        """Which labels it can be used for, as booleans."""
        return np.asarray((y > self.low) & (y < self.high))

    def suits(self, y: FloatArray) -> bool:
        """Whether labels have the size that it needs."""
        size = float(np.abs(y).max(initial=0.0))
        return not self.natural or _LEAST_NATURAL <= size <= _LARGEST_NATURAL

    def weights(self, y: FloatArray) -> FloatArray:
        """1 / |T'(y)|, bounded where T is flat."""
        with np.errstate(all="ignore"):
            slope = np.abs(self.slope(y))
        usual = float(np.median(slope[np.isfinite(slope)])) if np.isfinite(slope).any() else 1.0
        return np.asarray(1.0 / np.maximum(slope, _FLAT * max(usual, 1e-300)))


def transforms() -> Iterator[Transform]:
    """All of them, the most usual first."""
    import sympy

    one, two, half = sympy.Integer(1), sympy.Integer(2), sympy.Rational(1, 2)
    inf, pi = np.inf, np.pi
    yield Transform("y", lambda y: y, np.ones_like, lambda s: s, -inf, inf, False, 0.0)
    yield Transform("1/y", lambda y: 1 / y, lambda y: y**-2, lambda s: one / s, -inf, inf, False, 1.0)
    yield Transform("log y", np.log, lambda y: 1 / y, sympy.exp, 0.0, inf, False, 2.0)
    yield Transform("y^2", np.square, lambda y: 2 * y, lambda s: s**half, 0.0, inf, False, 2.0)
    yield Transform(
        "1/y^2", lambda y: y**-2, lambda y: 2 * y**-3, lambda s: s ** (-half), 0.0, inf, False, 3.0
    )
    yield Transform("sqrt y", np.sqrt, lambda y: 0.5 * y**-0.5, lambda s: s**two, 0.0, inf, False, 3.0)
    yield Transform(
        "1/sqrt y", lambda y: y**-0.5, lambda y: 0.5 * y**-1.5, lambda s: s ** (-two), 0.0, inf, False, 4.0
    )
    yield Transform("exp y", np.exp, np.exp, sympy.log, -inf, inf, True, 3.0)
    yield Transform("sin y", np.sin, np.cos, sympy.asin, -pi / 2, pi / 2, True, 4.0)
    yield Transform("cos y", np.cos, np.sin, sympy.acos, 0.0, pi, True, 4.0)
    yield Transform("tan y", np.tan, lambda y: np.cos(y) ** -2, sympy.atan, -pi / 2, pi / 2, True, 4.0)
    yield Transform("atanh y", np.arctanh, lambda y: 1 / (1 - y * y), sympy.tanh, -1.0, 1.0, True, 4.0)
    yield Transform(
        "log(1 + 1/y)",
        lambda y: np.log1p(1 / y),
        lambda y: 1 / (y * (y + 1)),
        lambda s: one / (sympy.exp(s) - 1),
        0.0,
        inf,
        True,
        4.0,
    )
    yield Transform(
        "log(1/y - 1)",
        lambda y: np.log(1 / y - 1),
        lambda y: 1 / (y * (1 - y)),
        lambda s: one / (sympy.exp(s) + 1),
        0.0,
        1.0,
        True,
        4.0,
    )

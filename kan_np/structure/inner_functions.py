"""Variables that enter a function only together, by an inner function of two of them.

If y = F(h(x_i, x_j), the others) then (y_i, y_j) is parallel to (h_i, h_j) everywhere, whatever F is. With
h = phi_a + c phi_b, a sum of two simple functions, the cross product

    y_i h_j - y_j h_i = v_a + c v_b,    v_k = y_i d phi_k / dx_j - y_j d phi_k / dx_i

is linear in c: sums, differences, x^2 + y^2, and by log x + c log y products and ratios x y^c, are all found
by comparing a few dozen columns. How well gradients are known says which of these may be meant.

Source: the symmetries of AI Feynman (Sci. Adv. 6 (2020), eaay2631) and the gradient test of AI Feynman 2.0
(arXiv:2006.10782, sec. II B), generalised to a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.structure.derivatives import Derivatives
from kan_np.structure.separability import StructureTest

#: Coefficients c that are taken for exact ones within this many errors, or this relative distance.
_SNAPPED = 0.03
_EXACT_COEFFICIENTS = tuple(
    sorted(
        {Fraction(p, q) for p in range(1, 5) for q in range(1, 5)}, key=lambda f: f.numerator + f.denominator
    )
)
#: Columns that are parallel to this part are one and the same.
_ALIKE = 1e-9


@dataclass(frozen=True)
class Inner:
    """phi_a(x_i) + c phi_b(x_j), or, of logarithms, x_i x_j^c.

    Attributes
    ----------
    i, j : int
        Columns.
    first, second : str
        Names in `ONE_VARIABLE`.
    coefficient : float
    test : StructureTest
        Mean sine of the angle between the gradients, and that which errors alone would make.
    """

    i: int
    j: int
    first: str
    second: str
    coefficient: float
    test: StructureTest

    @property
    def is_product(self) -> bool:
        """Whether it is a product of powers."""
        return self.first == self.second == "log"

    def values(self, x: FloatArray) -> FloatArray:
        """On samples (n, d)."""
        u, v = x[:, self.i], x[:, self.j]
        with np.errstate(all="ignore"):
            if self.is_product:
                return np.asarray(u * (v**self.coefficient))
            own, other = ONE_VARIABLE[self.first].value(u), ONE_VARIABLE[self.second].value(v)
            return np.asarray(own + self.coefficient * other)

    def expression(self, u: Any, v: Any) -> Any:
        """In sympy, of the expressions of the two variables."""
        import sympy

        near = Fraction(self.coefficient).limit_denominator(12)
        c = (
            sympy.Rational(near.numerator, near.denominator)
            if float(near) == self.coefficient
            else sympy.Float(self.coefficient, 17)
        )
        if self.is_product:
            return u * v**c
        return ONE_VARIABLE[self.first].expression(u) + c * ONE_VARIABLE[self.second].expression(v)


@dataclass(frozen=True)
class OneVariable:
    """A function with its first two derivatives, and how it is written."""

    value: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]
    bend: Callable[[FloatArray], FloatArray]
    expression: Callable[[Any], Any]
    cost: float
    positive: bool = False
    #: Whether its argument must be a number without unit.
    natural: bool = False

    def suits(self, x: FloatArray) -> bool:
        """Whether it can be taken of all of these, and is not wild there."""
        if self.positive and not (x > 0).all():
            return False
        size = np.abs(x)
        if self.natural and size.max() > 30.0:
            return False
        with np.errstate(all="ignore"):
            return bool(np.isfinite(self.value(x)).all() and np.isfinite(self.slope(x)).all())


def _power(p: Fraction, cost: float) -> OneVariable:
    def expression(x: Any) -> Any:
        import sympy

        return x ** sympy.Rational(p.numerator, p.denominator)

    q = float(p)
    return OneVariable(
        lambda x: x**q,
        lambda x: q * x ** (q - 1),
        lambda x: q * (q - 1) * x ** (q - 2),
        expression,
        cost,
        p.denominator != 1 or p < 0,
    )


def _named(name: str) -> Callable[[Any], Any]:
    def expression(x: Any) -> Any:
        import sympy

        return getattr(sympy, name)(x)

    return expression


#: The cheapest first.
ONE_VARIABLE: dict[str, OneVariable] = {
    "x": _power(Fraction(1), 1.0),
    "x^2": _power(Fraction(2), 1.5),
    "log": OneVariable(np.log, lambda x: 1 / x, lambda x: -1 / x**2, _named("log"), 1.0, True),
    "1/x": _power(Fraction(-1), 1.8),
    "sqrt": _power(Fraction(1, 2), 2.0),
    "1/x^2": _power(Fraction(-2), 2.2),
    "x^3": _power(Fraction(3), 2.3),
    "x^4": _power(Fraction(4), 2.8),
    "1/sqrt": _power(Fraction(-1, 2), 2.5),
    "sin": OneVariable(np.sin, np.cos, lambda x: -np.sin(x), _named("sin"), 2.5, natural=True),
    "cos": OneVariable(np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), _named("cos"), 2.5, natural=True),
    "cos 2x": OneVariable(
        lambda x: np.cos(2 * x),
        lambda x: -2 * np.sin(2 * x),
        lambda x: -4 * np.cos(2 * x),
        lambda x: _named("cos")(2 * x),
        3.0,
        natural=True,
    ),
    "exp": OneVariable(np.exp, np.exp, np.exp, _named("exp"), 2.5, natural=True),
    "exp(-x)": OneVariable(
        lambda x: np.exp(-x),
        lambda x: -np.exp(-x),
        lambda x: np.exp(-x),
        lambda x: _named("exp")(-x),
        2.5,
        natural=True,
    ),
}


def inner_functions(d: Derivatives, i: int, j: int, most: int = 3) -> list[Inner]:
    """Inner functions of two variables that the gradients allow, the simplest first.

    Parameters
    ----------
    d : Derivatives
        At points where gradients are known well (`Derivatives.known_best`).
    i, j : int
    most : int

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.structure.derivatives import derivatives_of
    >>> x = np.random.default_rng(0).uniform(1, 2, (100, 3))
    >>> found = derivatives_of(lambda x: np.sin(x[:, 0] ** 2 + x[:, 1] ** 2) * x[:, 2], x)
    >>> best, *_ = inner_functions(found, 0, 1)
    >>> best.first, best.second, round(best.coefficient, 6)
    ('x^2', 'x^2', 1.0)
    >>> inner_functions(found, 0, 2)
    []
    """
    width = np.ptp(d.x, axis=0)

    def unit(d: Derivatives) -> FloatArray:
        own = d.gradient[:, [i, j]] * width[[i, j]]
        return own / np.maximum(np.linalg.norm(own, axis=1), 1e-300)[:, None]

    direction = unit(d)
    error = float(np.sqrt(np.mean(np.square(d.error_of(unit)).sum(axis=1))))
    names = [[(n, f) for n, f in ONE_VARIABLE.items() if f.suits(d.x[:, k])] for k in (i, j)]
    if not all(names):
        return []
    slopes = [
        np.stack([f.slope(d.x[:, k]) * width[k] for _, f in own], axis=1)
        for k, own in zip((i, j), names, strict=True)
    ]
    found: list[Inner] = []
    for a, (first, f) in enumerate(names[0]):
        for b, (second, g) in enumerate(names[1]):
            if (first == "log") != (second == "log") and f.cost + g.cost < 3.0:
                continue  # x + c log y has no unit
            p, q = slopes[0][:, a], slopes[1][:, b]
            c = _coefficient(direction, p, q)
            if c is None:
                continue
            c = _snapped(c, direction, p, q)
            found.append(Inner(i, j, first, second, c, StructureTest(_angle(direction, p, c * q), error)))
    passed = [own for own in found if own.test.passed]
    cost = {n: f.cost for n, f in ONE_VARIABLE.items()}
    least = min((own.test.statistic for own in passed), default=0.0)
    passed = [own for own in passed if own.test.statistic <= 2.0 * least + 1e-7]
    return sorted(passed, key=lambda own: cost[own.first] + cost[own.second] + _length(own.coefficient))[
        :most
    ]


def _coefficient(direction: FloatArray, p: FloatArray, q: FloatArray) -> float | None:
    """c for which (p, c q) is nearest to parallel: least squares, twice, the second time by angles."""
    v, w = direction[:, 1] * p, -direction[:, 0] * q
    weight = np.ones(len(v))
    c = 0.0
    for _ in range(3):
        square = float((weight * w) @ w)
        if square <= 0.0:
            return None
        c = -float((weight * v) @ w) / square
        weight = 1.0 / np.maximum(np.square(p) + np.square(c * q), 1e-300)
    return c if np.isfinite(c) and c != 0.0 else None


def _angle(direction: FloatArray, p: FloatArray, q: FloatArray) -> float:
    """Root mean square of the sine of the angle between a direction and (p, q)."""
    length = np.sqrt(np.maximum(np.square(p) + np.square(q), 1e-300))
    return float(np.sqrt(np.mean(np.square((direction[:, 0] * q - direction[:, 1] * p) / length))))


def _snapped(c: float, direction: FloatArray, p: FloatArray, q: FloatArray) -> float:
    """The simplest coefficient that is as good."""
    for exact in _EXACT_COEFFICIENTS:
        value = float(exact) * (1.0 if c > 0 else -1.0)
        if abs(c / value - 1.0) <= _SNAPPED and (
            _angle(direction, p, value * q) <= 1.5 * _angle(direction, p, c * q) + 1e-7
        ):
            return value
    return c


def _length(c: float) -> float:
    near = Fraction(c).limit_denominator(12)
    if float(near) != c:
        return 3.0
    return 0.2 * (abs(near.numerator) + near.denominator - 2)

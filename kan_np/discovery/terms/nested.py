"""Formulas F T^-1(c u) with products of powers F and u: one regression of logarithms for each F and T.

With z = T(y / F), log|z| = log|c| + sum_i q_i log x_i. What F is can be tried, u need not be: its exponents
come out of the regression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from kan_np._validate import FloatArray
from kan_np.discovery.terms.atoms import Powers, Quantity, allowed_powers, cheapest_powers
from kan_np.discovery.terms.peeling import nearest_exponent, product

#: Products before the function that are tried, and how many of the best are proposed.
_TRIED, _PROPOSED = 250, 6
#: Part of the variation of log|z| that may be left, noise in mind, to be proposed at all.
_LEFT = 0.2
#: Distance of a slope from the exponent that it is taken for.
_OFF = 0.12
#: Part of the samples on which T must be defined.
_SHARE = 0.75
#: Relative step of the derivative of T.
_STEP = 1e-6
#: Samples that are compared.
_ROWS = 300


class _Outer(NamedTuple):
    """T^-1: its inverse on an interval, and as an expression."""

    inverse: Callable[[FloatArray], FloatArray]
    low: float
    high: float
    expression: Callable[[Any], Any]


def _outer() -> Iterator[_Outer]:
    import sympy

    yield _Outer(np.arctanh, -1.0, 1.0, sympy.tanh)
    yield _Outer(np.tan, -np.pi / 2, np.pi / 2, sympy.atan)
    yield _Outer(np.log, 0.0, np.inf, sympy.exp)
    yield _Outer(np.exp, -30.0, 30.0, sympy.log)
    yield _Outer(np.arcsin, -1.0, 1.0, sympy.sin)
    yield _Outer(np.arccos, -1.0, 1.0, sympy.cos)
    yield _Outer(lambda v: np.log1p(1 / v), 0.0, np.inf, lambda u: 1 / (sympy.exp(u) - 1))
    yield _Outer(lambda v: np.log(1 / v - 1), 0.0, 1.0, lambda u: 1 / (sympy.exp(u) + 1))
    yield _Outer(lambda v: np.log1p(-v), -np.inf, 1.0, lambda u: 1 - sympy.exp(u))
    yield _Outer(np.log1p, -1.0, np.inf, lambda u: sympy.exp(u) - 1)
    yield _Outer(lambda v: np.sqrt(1 - 1 / v**2), 1.0, np.inf, lambda u: 1 / sympy.sqrt(1 - u**2))


def nested(x: FloatArray, y: FloatArray, symbols: list[Any]) -> list[tuple[float, Any]]:
    """The nearest formulas F T^-1(c u), each with the part of the variation of log|T(y / F)| that it leaves.

    Parameters
    ----------
    x : ndarray of shape (n, d)
    y : ndarray of shape (n,)
    symbols : list of sympy.Symbol

    Examples
    --------
    >>> import numpy as np, sympy
    >>> x = np.random.default_rng(0).uniform(0.5, 2, (100, 2))
    >>> a, b = sympy.symbols("a b")
    >>> (left, found), *_ = nested(x, x[:, 0] * np.tanh(x[:, 0] / x[:, 1]), [a, b])
    >>> left < 1e-10, bool(abs(found.subs({a: 2, b: 3}) - 2 * np.tanh(2 / 3)) < 1e-10)
    (True, True)
    """
    rows = np.unique(np.linspace(0, len(y) - 1, min(len(y), _ROWS)).astype(int))
    x, y = x[rows], y[rows]
    usable = np.flatnonzero((np.abs(x).min(axis=0) > 0) & (np.ptp(np.abs(x), axis=0) > 0))
    if usable.size == 0:
        return []
    base = np.column_stack([np.log(np.abs(x[:, usable])), np.ones(len(y))])
    factors = cheapest_powers([allowed_powers(column) for column in x.T], _TRIED, 5)
    ratios = np.stack([y / product(x, f) for f in factors])
    found: list[tuple[float, int, int, Any]] = []
    outers = list(_outer())
    with np.errstate(all="ignore"):
        for number, outer in enumerate(outers):
            within = (ratios > outer.low) & (ratios < outer.high)
            for k in np.flatnonzero(within.mean(axis=1) >= _SHARE).tolist():
                z = outer.inverse(ratios[k])
                good = np.isfinite(z) & (z != 0) & within[k]
                if good.mean() < _SHARE:
                    continue
                # noise of one size in y is noise of this size in log|z|
                v = ratios[k][good]
                step = _STEP * (np.abs(v) + _STEP)
                steep = np.abs((outer.inverse(v + step) - outer.inverse(v - step)) / (2 * step))
                weight = np.abs(z[good] * (y[good] / v)) / steep
                weight = np.where(np.isfinite(weight), weight, 0.0)
                left, slopes = _regressed(base[good], np.log(np.abs(z[good])), np.sign(z[good]), weight)
                if left < _LEFT:
                    found.append((left, k, number, slopes))
    found.sort(key=lambda item: item[:3])
    result = []
    for left, k, number, slopes in found:
        expression = _written(factors[k], outers[number], slopes, usable, x, symbols)
        if expression is not None:
            result.append((left, expression))
        if len(result) == _PROPOSED:
            break
    return result


def _regressed(
    base: FloatArray, target: FloatArray, sign: FloatArray, weight: FloatArray
) -> tuple[float, Any]:
    """What a regression leaves of a target's weighted deviation; its slopes, and the sign of u."""
    total = float(weight.sum())
    if total == 0.0 or len(target) <= base.shape[1] + 2 or np.ptp(sign) != 0:
        return np.inf, None
    centred = (target - float(weight @ target) / total) * weight
    spread = float(centred @ centred)
    if spread == 0.0:
        return np.inf, None
    slopes, *_ = np.linalg.lstsq(base * weight[:, None], target * weight, rcond=None)
    rest = (base @ slopes - target) * weight
    return float(np.sqrt(rest @ rest / spread)), (slopes, float(sign[0]))


def _written(
    factor: Powers, outer: _Outer, slopes: Any, usable: Any, x: FloatArray, symbols: list[Any]
) -> Any:
    """The formula with exponents that are whole, halves or thirds; None if they are not near to such."""
    import sympy

    numbers, sign = slopes
    powers = [Fraction(0)] * len(symbols)
    for i, slope in zip(usable.tolist(), numbers[:-1], strict=True):
        power, off = nearest_exponent(float(slope))
        if off > _OFF or (power.denominator != 1 and (x[:, i] <= 0).any()):
            return None
        powers[i] = power
    inner = Quantity(tuple(powers)).expression(symbols)
    scale = sympy.Float(sign * float(np.exp(numbers[-1])), 17)
    return sympy.Float(1.0, 17) * Quantity(factor).expression(symbols) * outer.expression(scale * inner)

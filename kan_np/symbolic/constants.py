"""recognise: the number that a measured constant is, where the measurement can tell.

A value v with uncertainty sigma carries B = log2(|v| / sigma) bits. A candidate (p/q) s, p/q in lowest terms
and s one of 1, pi, 1/pi, pi^2, sqrt(pi), 1/sqrt(pi), 1/sqrt(2 pi), e, 1/e, log 2 and sqrt(n) for square-free
n up to 30, costs

    L = 2 log2(p q) + K + L_s

bits, the length of a code in which (p, q) has the probability 2^-K / (p q)^2 (the sum over all coprime
pairs is 5/2, so K = log2 5/2) and s takes L_s bits; so at most 2^L candidates cost L bits or less. The one
of least L within 3 sigma of v is taken if

    L + margin <= B,

for then a chance match among all candidates as simple is expected less than about once in 2^margin
times. 0 costs 1 bit and is compared with numbers of the size of `scale`: B = log2(scale / sigma).
Otherwise the value stays a float, with the digits that sigma supports.

Source: the minimum description length of Rissanen, Automatica 14 (1978), 465-471.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray

if TYPE_CHECKING:
    import sympy

#: Bits by which a number must be known beyond the length of a simple one, if nothing else is said.
MARGIN = 4.0
_EPS = float(np.finfo(np.float64).eps)
_PAIR_BITS = math.log2(2.5)
_ZERO_BITS = 1.0
#: A candidate this many uncertainties away is another number.
_WITHIN = 3.0
#: Square-free n up to this enter as sqrt(n).
_LARGEST_ROOT = 30


class _Kinds(NamedTuple):
    """The irrational factors s: their sympy texts, values and bits."""

    text: tuple[str, ...]
    value: FloatArray
    bits: FloatArray


def recognise(
    value: float,
    sigma: float,
    max_complexity: float = 30.0,
    *,
    margin: float = MARGIN,
    scale: float = 1.0,
) -> sympy.Expr:
    """The simple number that `value` is to within its uncertainty, or a float with the digits it supports.

    Parameters
    ----------
    value : float
    sigma : float
        Standard error of `value`; rounding of float64 is the least that is assumed.
    max_complexity : float
        Most bits L of a candidate.
    margin : float
        Bits by which B must exceed L: about 2^-margin of other numbers are recognised by chance.
    scale : float
        Size of numbers beside which 0 is told from a small one.

    Returns
    -------
    sympy.Expr

    Raises
    ------
    ValueError, TypeError
        For a value that is not finite, or sigma < 0.

    Examples
    --------
    >>> recognise(3.14159265, 1e-8), recognise(-0.33333334, 1e-7), recognise(0.70710678, 1e-8)
    (pi, -1/3, sqrt(2)/2)
    >>> recognise(3.1416, 1e-6), recognise(0.3712345, 1e-3)
    (3.141600, 0.371)
    """
    import sympy

    value = _validate.real("value", value)
    sigma = _validate.real("sigma", sigma, 0.0)
    max_complexity = _validate.real("max_complexity", max_complexity, 0.0)
    margin = _validate.real("margin", margin, 0.0)
    scale = _validate.real("scale", scale, np.nextafter(0.0, 1.0))
    sigma = max(sigma, _EPS * abs(value), np.finfo(np.float64).tiny)
    if abs(value) <= _WITHIN * sigma:
        if _ZERO_BITS + margin <= math.log2(scale / sigma):
            return sympy.Integer(0)
        return _rounded(value, sigma)
    most = min(max_complexity, math.log2(abs(value) / sigma) - margin)
    found = _simplest(abs(value), sigma, most)
    if found is None:
        return _rounded(value, sigma)
    p, q, kind = found
    number = sympy.Rational(p, q) * sympy.sympify(_kinds().text[kind])
    return number if value > 0 else -number


def _simplest(value: float, sigma: float, most: float) -> tuple[int, int, int] | None:
    """(p, q, kind) of least cost, at most `most` bits, within `_WITHIN` sigma of a positive value."""
    kinds = _kinds()
    room = most - kinds.bits - _PAIR_BITS
    # 2 log2(p q) is at least twice the logarithm of p/q, whichever of the two is larger
    able = np.flatnonzero(room >= 2.0 * np.abs(math.log2(value) - np.log2(kinds.value)) - 0.5)
    if able.size == 0:
        return None
    target = (value / kinds.value[able])[:, None]
    # p q <= 2^(room/2), so the smaller of the two is at most 2^(room/4)
    small = np.arange(1, int(2.0 ** (max(room[able].max(), 0.0) / 4)) + 2, dtype=float)
    over = target >= 1.0
    large = np.rint(np.where(over, target * small, small / target))
    p, q = np.where(over, large, small), np.where(over, small, large)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.abs(p / q * kinds.value[able, None] - value)
        cost = 2.0 * np.log2(p * q) + _PAIR_BITS + kinds.bits[able, None]
    good = (error <= _WITHIN * sigma) & (cost <= most) & (large >= 1)
    if not good.any():
        return None
    # of equal costs the nearest; a fraction that is not in lowest terms costs more than the same one that is
    cost = np.where(good, cost + np.where(good, error, 0.0) / sigma * 1e-6, np.inf)
    row, column = np.unravel_index(int(np.argmin(cost)), cost.shape)
    return int(p[row, column]), int(q[row, column]), int(able[row])


@lru_cache(maxsize=1)
def _kinds() -> _Kinds:
    listed: list[tuple[str, float, float]] = [
        ("1", 1.0, 1.0),
        ("pi", math.pi, 3.0),
        ("E", math.e, 4.0),
        ("1/pi", 1.0 / math.pi, 5.0),
        ("exp(-1)", 1.0 / math.e, 6.0),
        ("pi**2", math.pi**2, 6.0),
        ("sqrt(pi)", math.sqrt(math.pi), 6.0),
        ("1/sqrt(pi)", 1.0 / math.sqrt(math.pi), 7.0),
        ("1/sqrt(2*pi)", 1.0 / math.sqrt(2.0 * math.pi), 7.0),
        ("log(2)", math.log(2.0), 7.0),
    ]
    listed += [
        (f"sqrt({n})", math.sqrt(n), 2.0 + 2.0 * math.log2(n))
        for n in range(2, _LARGEST_ROOT + 1)
        if all(n % (k * k) for k in range(2, 6))
    ]
    text, value, bits = zip(*listed, strict=True)
    return _Kinds(text, np.array(value), np.array(bits))


def _rounded(value: float, sigma: float) -> Any:
    """The value with the digits down to that of sigma, at least one."""
    import sympy

    if value == 0.0:
        return sympy.Float(0)
    digits = 1 + math.floor(math.log10(abs(value))) - math.floor(math.log10(sigma))
    return sympy.Float(value, min(max(digits, 1), 17))

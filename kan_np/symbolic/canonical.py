"""Canonical form of the line u = a x + b inside c f(a x + b) + d.

Different (a, b, c, d) that give the same function are brought to one, so that equal fits have equal
constants:

    f scale free (powers, log, abs)       a = 1, or a = -1 where f has no mirror symmetry
    f shift free (exp)                    b = 0, unless exp(a x) itself would overflow
    both (x, 0)                           a = 1, b = 0
    f periodic up to a sign (sin, tan)    -P/2 < b <= P/2, the period P being pi for sin, cos and tan
    f mirrored (even, odd, arccos)        a > 0
"""

from __future__ import annotations

import numpy as np

from kan_np.functions.symbol import Symbol
from kan_np.symbolic.samples import Samples

#: exp(-600) times a normal number is still normal.
_LEAST_EXPONENT = -600.0


def canonical_line(symbol: Symbol, alpha: float, beta: float, samples: Samples) -> tuple[float, float]:
    """(a, b) of the line alpha t + beta in the canonical form, with all samples inside the domain of f.

    Parameters
    ----------
    symbol : Symbol
    alpha, beta : float
        The line in t = (x - middle) / half.
    samples : Samples
    """
    if symbol.scale_free and symbol.shift_free:
        return 1.0, 0.0
    half = samples.half if samples.half > 0 else 1.0
    if alpha == 0.0:
        return 0.0, beta
    if symbol.scale_free:
        a = float(np.sign(alpha))
        b = half * (beta / abs(alpha)) - a * samples.middle
    else:
        a = alpha / half
        b = beta - a * samples.middle
    if symbol.mirror and a < 0:
        a, b = -a, -b
    if symbol.shift_free and _fits(symbol, a * samples.x[0], a * samples.x[-1]):
        b = 0.0
    if np.isfinite(symbol.period):
        b -= symbol.period * np.round(b / symbol.period)
        b = b + symbol.period if b <= -symbol.period / 2 else b
    return _nudged(symbol, a, float(b) + 0.0, samples)


def _fits(symbol: Symbol, first: float, last: float) -> bool:
    low, high = min(first, last), max(first, last)
    return low > max(_LEAST_EXPONENT, symbol.reach[0]) and high < symbol.reach[1]


def _nudged(symbol: Symbol, a: float, b: float, samples: Samples) -> tuple[float, float]:
    """Move a line by roundings until its values at the first and last sample are inside the domain."""
    low, high = symbol.domain
    if np.isinf(low) and np.isinf(high):
        return a, b
    ends = samples.x[[0, -1]]
    step = float(np.finfo(np.float64).eps) * max(1.0, np.abs(a * ends).max(), abs(b))
    bounded = np.isfinite(low) and np.isfinite(high)
    centre = (low + high) / 2 if bounded else 0.0
    for _ in range(8):
        if symbol.contains(a * ends + b).all():
            break
        if bounded:
            a, b = a * (1.0 - step), centre + (b - centre) * (1.0 - step)
        else:
            b += step if np.isfinite(low) else -step
        step *= 2.0
    return a, b

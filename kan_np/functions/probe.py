"""Domain, poles and symmetries of a function that is given by a formula, found by evaluating it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.functions.guard import LARGEST, Function

if TYPE_CHECKING:
    import sympy

#: A local maximum of |f| counts as a pole if it exceeds this times the median of |f|; chosen by judgement.
_POLE = 1e7
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0
#: Largest argument at which special functions are evaluated; chosen by judgement.
_SPECIAL = 1e4
#: If f is not finite beyond this argument, the reason is overflow or SciPy: the end of `reach`, not of the
#: domain.
_FAR = 100.0
#: Most periodic functions in a formula whose period is searched; with 59 sympy takes half a minute.
_MOST_WAVES = 10
#: Two functions agree if they differ by less than this fraction of their size; chosen by judgement.
_SAME = 1e-9


@dataclass(frozen=True)
class Traits:
    """Domain, poles and symmetries of a function, as `kan_np.functions.symbol.Symbol` has them."""

    domain: tuple[float, float]
    poles: tuple[float, ...]
    reach: tuple[float, float]
    period: float
    mirror: bool
    scale_free: bool
    shift_free: bool


def probe(expression: sympy.Expr, value: Function, derivative: Function) -> Traits:
    """The traits of a function, from its values at about 25000 points.

    Points go up to 1e100, for special functions up to 1e4. The domain is the longest run of points where f
    and f' are finite and below 1e100; its ends are found by bisection. An end where f exceeds 1e100, or
    beyond |x| = 100, is due to float64 and becomes an end of `reach`. Poles are found within |x| < 50.

    Raises
    ------
    ValueError
        If there is no interval on which f is finite, or f is constant there.
    """
    largest = LARGEST if _is_elementary(expression) else _SPECIAL
    points = _probe_points(largest)
    good = _is_finite(value, derivative, points)
    # single points that are not finite among finite ones: poles, or 0/0
    holes = np.flatnonzero(~good[1:-1] & good[:-2] & good[2:]) + 1
    filled = good.copy()
    filled[holes] = True
    first, last = _longest_run(filled)
    if last - first < 3:
        raise ValueError(f"{expression} is finite and real on no interval; expected a real function.")
    low, reach_low = _end(value, derivative, points, (first, -1))
    high, reach_high = _end(value, derivative, points, (last, 1))
    dense = points[first : last + 1]
    dense = dense[np.abs(dense) <= 50.0]
    poles = {float(points[hole]) for hole in holes if first < hole < last}
    poles |= _poles(value, dense)
    sample = _sample(dense, low, high, poles)
    if np.ptp(value(sample)) <= _SAME * np.abs(value(sample)).max():
        raise ValueError(f"{expression} is constant where it is finite; expected a function that varies.")
    mirror = low == -high and _is_affine(value, sample, -sample)
    scale_free = _scale_free(value, sample, (low, high))
    shift_free = low == -np.inf and high == np.inf and not poles and _shift_free(value, sample)
    period = _period(expression, value, sample) if low == -np.inf and high == np.inf else np.inf
    if np.isfinite(period) and poles:
        nearest = min(poles, key=abs)
        apart = np.array([pole - nearest for pole in poles]) / period
        if np.abs(apart - np.round(apart)).max() < 1e-6:
            poles = {nearest}
        else:  # several poles in each period: keep those found, as poles that do not repeat
            period = np.inf
    return Traits(
        (low, high), tuple(sorted(poles)), (reach_low, reach_high), period, mirror, scale_free, shift_free
    )


def _is_elementary(expression: sympy.Expr) -> bool:
    """Whether NumPy can compute it without SciPy, whose functions may not return for huge arguments."""
    import sympy

    modules = {type(part).__module__ for part in expression.atoms(sympy.Function)}
    return all(module.startswith("sympy.functions.elementary.") for module in modules)


def _probe_points(largest: float) -> FloatArray:
    """0, both signs of 1e-12 to `largest` by magnitude, and |x| <= 100 in steps of 0.01."""
    decades = int(np.log10(largest)) + 12
    magnitudes = np.concatenate([np.geomspace(1e-12, largest, 20 * decades + 1), np.arange(1, 10001) / 100.0])
    magnitudes = np.unique(magnitudes)
    return np.concatenate([-magnitudes[::-1], [0.0], magnitudes])


def _is_finite(value: Function, derivative: Function, points: FloatArray) -> NDArray[np.bool_]:
    with np.errstate(all="ignore"):
        return np.asarray((np.abs(value(points)) <= LARGEST) & (np.abs(derivative(points)) <= LARGEST))


def _longest_run(good: NDArray[np.bool_]) -> tuple[int, int]:
    """First and last index of the longest run of True; of equals the last, which is the more positive."""
    padded = np.concatenate([[False], good, [False]]).astype(np.int8)
    starts, stops = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1)
    if starts.size == 0:
        return 0, -1
    longest = starts.size - 1 - int(np.argmax((stops - starts)[::-1]))
    return int(starts[longest]), int(stops[longest]) - 1


def _end(
    value: Function, derivative: Function, points: FloatArray, last: tuple[int, int]
) -> tuple[float, float]:
    """(end of the domain, reach) on one side of a run, given its last index there and the outward step."""
    index, outward = last
    unbounded, largest = outward * np.inf, outward * float(points[-1])
    if not 0 <= index + outward < points.size:
        return unbounded, largest
    inside, outside = float(points[index]), float(points[index + outward])
    for _ in range(200):
        middle = inside + (outside - inside) / 2
        if middle in (inside, outside):
            break
        if _is_finite(value, derivative, np.array([middle]))[0]:
            inside = middle
        else:
            outside = middle
    with np.errstate(all="ignore"):
        beyond = float(value(np.array([outside]))[0])
        just_inside = abs(float(value(np.array([inside]))[0]))
    if abs(inside) > _FAR or (just_inside > 1e80 and not np.isnan(beyond)):
        return unbounded, inside
    nearest = float(np.round(inside, 9)) + 0.0  # no -0.0
    edge = nearest if abs(nearest - inside) <= 1e-12 * max(1.0, abs(inside)) else inside
    return edge, largest


def _poles(value: Function, points: FloatArray) -> set[float]:
    """Positions of local maxima of |f| that grow without bound, by golden-section search for all at once."""
    size = _size(value, points)
    peak = np.flatnonzero((size[1:-1] >= size[:-2]) & (size[1:-1] >= size[2:]) & (size[1:-1] > 0)) + 1
    if peak.size == 0:
        return set()
    a, b = points[peak - 1], points[peak + 1]
    for _ in range(90):
        left, right = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
        rising = _size(value, left) < _size(value, right)
        a, b = np.where(rising, left, a), np.where(rising, b, right)
    top = np.maximum(_size(value, a), _size(value, b))
    found = ((a + b) / 2)[top > _POLE * (1.0 + np.median(size[np.isfinite(size)]))]
    return {float(np.round(p, 9)) if abs(np.round(p, 9) - p) < 1e-12 else float(p) for p in found}


def _size(value: Function, points: FloatArray) -> FloatArray:
    """|f|, infinite where f is not finite."""
    return np.nan_to_num(np.abs(value(points)), nan=np.inf, posinf=np.inf)


def _sample(dense: FloatArray, low: float, high: float, poles: set[float]) -> FloatArray:
    """About 40 uneven points of the domain near 0, away from its ends and poles."""
    inner = dense[(np.abs(dense) <= 4.0) & (np.abs(dense) > 1e-3)]
    inner = inner if inner.size >= 8 else dense
    points = inner[np.unique(np.geomspace(1, inner.size, 61).astype(int) - 1)]
    points = np.unique(np.concatenate([points, inner[:: max(1, inner.size // 40)]]))
    away = [np.abs(points - pole) > 1e-2 for pole in (*poles, low, high) if np.isfinite(pole)]
    return points[np.all(away, axis=0)] if away else points


def _is_affine(value: Function, points: FloatArray, images: FloatArray) -> bool:
    """Whether f(images) = c f(points) + d with constants c and d."""
    with np.errstate(all="ignore"):
        f, g = value(points), value(images)
    good = np.isfinite(f) & np.isfinite(g)
    if good.sum() < 8:
        return False
    f, g = f[good] - f[good].mean(), g[good] - g[good].mean()
    size = np.abs(g).max()
    return bool(size > 0 and np.abs(g - f * ((f @ g) / (f @ f))).max() <= _SAME * size)


def _scale_free(value: Function, sample: FloatArray, domain: tuple[float, float]) -> bool:
    if not all(end == 0.0 or np.isinf(end) for end in domain):
        return False
    return all(_is_affine(value, sample, scale * sample) for scale in (0.37, 1.7))


def _shift_free(value: Function, sample: FloatArray) -> bool:
    return all(_is_affine(value, sample, sample + shift) for shift in (0.71, -1.3))


def _period(expression: sympy.Expr, value: Function, sample: FloatArray) -> float:
    """Smallest P with f(u + P) = +-f(u) + const, from the period that sympy knows."""
    import sympy
    from sympy.functions.elementary.trigonometric import TrigonometricFunction

    if not 0 < len(expression.atoms(TrigonometricFunction)) <= _MOST_WAVES:
        return np.inf
    try:
        known = sympy.calculus.util.periodicity(expression, next(iter(expression.free_symbols)))
    except (NotImplementedError, ValueError, TypeError):
        known = None
    if known is None or not known.is_number or not float(known) > 0:
        return np.inf
    period = float(known)
    for _ in range(4):
        if not _is_affine(value, sample, sample + period / 2):
            break
        period /= 2
    return period

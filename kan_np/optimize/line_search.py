"""Line search: a step along a descent direction that satisfies the strong Wolfe conditions.

With phi(t) = f(x + t d), a step t is taken once

    phi(t) <= phi(0) + mu t phi'(0)    and    |phi'(t)| <= eta |phi'(0)|.

Until then steps come from cubics and parabolas through the last values and slopes, safeguarded so that the
interval around a minimum shrinks. Steps to where phi is not finite are shortened.

Source: J. J. More and D. J. Thuente (1994), Line search algorithms with guaranteed sufficient decrease, ACM
Trans. Math. Software 20, 286.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

#: mu and eta, as in L-BFGS-B (Zhu, Byrd, Lu and Nocedal 1997).
_DECREASE, _CURVATURE = 1e-3, 0.9
#: Most evaluations of one search, as in L-BFGS-B.
_MAX_EVALUATIONS = 20
#: The search ends when the interval around a minimum is at most this fraction of its far end, as the
#: tolerance of L-BFGS-B.
_SETTLED = 0.1
#: An interval that has not shrunk to this fraction after two steps is halved (More and Thuente's 0.66).
_SHRINK = 0.66
#: A step to where phi is not finite is shortened to this fraction; chosen by judgement.
_RETREAT = 0.1
#: As long as no minimum is bracketed the next step extends the last one by a factor between these (More and
#: Thuente's).
_SHORTEST_LEAP, _LONGEST_LEAP = 1.1, 4.0


class Point(NamedTuple):
    """A step with phi and phi' there."""

    step: float
    value: float
    slope: float

    @property
    def finite(self) -> bool:
        """Whether phi and phi' are finite."""
        return math.isfinite(self.value) and math.isfinite(self.slope)


def wolfe_search(evaluate: Callable[[float], Point], start: Point, first: float) -> Point | None:
    """The step that satisfies both conditions; it is the last one that was evaluated.

    Parameters
    ----------
    evaluate : callable
        Returns the `Point` of a step.
    start : Point
        Step 0, with a negative slope.
    first : float
        First step to try.

    Returns
    -------
    Point or None
        If no step satisfies both conditions: the lowest step with the first condition, or None.
    """
    trial = evaluate(first)
    if _is_wolfe(start, trial):  # nearly always
        return trial
    interval = _Interval(start)
    step = interval.step_after(trial)
    for _ in range(_MAX_EVALUATIONS - 1):
        if step is None:
            break
        trial = evaluate(step)
        if _is_wolfe(start, trial):
            return trial
        step = interval.step_after(trial)
    if interval.low.step == 0.0:
        return None
    best = trial if trial.step == interval.low.step else evaluate(interval.low.step)
    return best if best.value < start.value else None


def _is_wolfe(start: Point, trial: Point) -> bool:
    highest = start.value + _DECREASE * trial.step * start.slope
    return -math.inf < trial.value <= highest and abs(trial.slope) <= -_CURVATURE * start.slope


class _Interval:
    """The interval of the search: `low` is the better end, `high` the other end once it brackets a minimum.

    Its points are those of psi(t) = phi(t) - mu t phi'(0). A point with psi <= psi(0), such as `low`,
    satisfies the first condition; a minimum of psi satisfies both.
    """

    def __init__(self, start: Point) -> None:
        self._tilt = _DECREASE * start.slope
        self.low = self._tilted(start)
        self.high: Point | None = None
        self._widths = math.inf, math.inf

    def _tilted(self, point: Point) -> Point:
        return Point(point.step, point.value - self._tilt * point.step, point.slope - self._tilt)

    def step_after(self, trial: Point) -> float | None:
        """The next step after a refused point; None if the interval is short enough."""
        if not trial.finite:
            return self.low.step + _RETREAT * (trial.step - self.low.step)
        low, at = self.low, self._tilted(trial)
        step = _interpolate(low, at, self.high is not None)
        if at.value > low.value:
            self.high = at
        else:
            self.low, self.high = at, low if _opposite(at, low) else self.high
        return self._leap(step, at.step - low.step) if self.high is None else self._inside(step, self.high)

    def _leap(self, step: float, stretch: float) -> float:
        """Limit a step beyond `low` to the allowed extension."""
        shortest, longest = (self.low.step + factor * stretch for factor in (_SHORTEST_LEAP, _LONGEST_LEAP))
        return min(step if step > shortest else shortest, longest)

    def _inside(self, step: float, high: Point) -> float | None:
        """Limit a step to the interval, and bisect if that shrinks too slowly."""
        near, far = sorted((self.low.step, high.step))
        width = far - near
        if width <= _SETTLED * far:
            return None
        slow, self._widths = width >= _SHRINK * self._widths[0], (self._widths[1], width)
        return step if near < step < far and not slow else 0.5 * (near + far)


def _opposite(a: Point, b: Point) -> bool:
    return a.slope * math.copysign(1.0, b.slope) < 0.0


def _interpolate(low: Point, at: Point, bracketed: bool) -> float:
    """The next step, by the cases of More and Thuente, section 4; infinite if phi falls without bound."""

    def distance(step: float) -> float:
        return abs(step - at.step)

    cubic = _cubic_minimum(low, at)
    if at.value > low.value:
        parabola = _parabola_minimum(low, at)
        return cubic if abs(cubic - low.step) < abs(parabola - low.step) else 0.5 * (cubic + parabola)
    secant = _secant_zero(low, at)
    if _opposite(at, low):
        return max(cubic, secant, key=distance)
    if abs(at.slope) > abs(low.slope):
        return math.inf
    if not (cubic - at.step) * (at.step - low.step) > 0.0:  # the cubic has no minimum in that direction
        cubic = math.copysign(math.inf, at.step - low.step)
    return min(cubic, secant, key=distance) if bracketed else max(cubic, secant, key=distance)


def _cubic_minimum(a: Point, b: Point) -> float:
    """Minimum of the cubic with the values and slopes of two points; NaN where it has none."""
    h = b.step - a.step
    middle = a.slope + b.slope - 3.0 * _ratio(b.value - a.value, h)
    size = max(abs(middle), abs(a.slope), abs(b.slope)) or 1.0
    square = (middle / size) ** 2 - (a.slope / size) * (b.slope / size)
    root = math.copysign(size * math.sqrt(max(square, 0.0)), h)
    return b.step - _ratio(h * (b.slope + root - middle), b.slope - a.slope + 2.0 * root)


def _parabola_minimum(a: Point, b: Point) -> float:
    """Minimum of the parabola with the values of two points and the slope of the first."""
    h = b.step - a.step
    return a.step + 0.5 * _ratio(h * a.slope, a.slope - _ratio(b.value - a.value, h))


def _secant_zero(a: Point, b: Point) -> float:
    """Minimum of the parabola with the slopes of two points: the zero of the line through them."""
    return b.step - _ratio((b.step - a.step) * b.slope, b.slope - a.slope)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan

"""Functions with singularities, made finite and continuously differentiable on the whole axis.

A guarded function equals f on the domain of f, except within delta = 1e-8 max(1, |s|) of every singularity s
and at the far ends where |f| exceeds 1e100. Elsewhere it is

    over a pole s            the cubic with the values and slopes of f at s - delta and s + delta
    beside a closed end e    the cubic p through f(e), the value and slope of f one delta inside, p''(e) = 0
    beyond an end            the tangent there

with values held within +-1e120 (slope 0 where they are held). So value, slope and curvature are finite for
every finite u, and value and slope have no jump except where the bound takes hold. For u^-n the bridge over
|u| < delta is, with v = u / delta,

    delta^-n (1 + n/2 - n/2 v^2)               n even
    delta^-n ((n + 3)/2 v - (n + 1)/2 v^3)     n odd

Outside the domain f is continued by tangents and not by reflections such as log |u|: for a sample outside the
domain the slope is that at the end of the domain, so that a least-squares step moves it back inside. A
formula that fits is then defined on its samples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray

Function = Callable[[FloatArray], FloatArray]

#: Distance from a singularity s within which f is replaced, in units of max(1, |s|); chosen by judgement,
#: near the square root of the rounding unit of float64.
MARGIN = 1e-8
#: Arguments and values up to this size are exact.
LARGEST = 1e100
#: Values of tangents are limited to this size, whose square is still finite.
BOUND = 1e120


@dataclass(frozen=True)
class Patch:
    """The cubic sum_k cubic_k (u - origin)^k that replaces a function on [low, high]."""

    low: float
    high: float
    origin: float
    cubic: tuple[float, float, float, float]


@dataclass(frozen=True)
class Guard:
    """The intervals on which a function is exact, and the cubics that replace it on the others.

    Attributes
    ----------
    edges : ndarray of shape (m,)
        Increasing; they cut the axis into m + 1 intervals.
    exact : ndarray of shape (m + 1,), bool
    origin : ndarray of shape (m + 1,)
    cubic : ndarray of shape (m + 1, 4)
    widest : tuple of float
        The widest exact interval.
    start, period : float
        With a finite period, arguments are first brought into [start, start + period).
    """

    edges: FloatArray
    exact: NDArray[np.bool_]
    origin: FloatArray
    cubic: FloatArray
    widest: tuple[float, float]
    start: float = 0.0
    period: float = np.inf

    def __call__(self, functions: Sequence[Function], u: FloatArray) -> tuple[FloatArray, ...]:
        """Value and derivatives up to the fourth, as many as `functions`, at `u` of any shape."""
        if u.size and self.widest[0] <= u.min() and u.max() <= self.widest[1]:  # almost every call
            return tuple(f(u) for f in functions)
        v = u if np.isinf(self.period) else self.start + np.remainder(u - self.start, self.period)
        place = np.searchsorted(self.edges, v)
        outside = ~self.exact[place]
        if not outside.any():
            return tuple(f(u) for f in functions)
        exact_points = np.where(outside, self.widest[0], u)
        found = tuple(np.array(f(exact_points)) for f in functions)
        patched = self._patch(v[outside], place[outside])
        for array, values in zip(found, patched, strict=False):
            array[outside] = values
        return found

    def _patch(self, v: FloatArray, place: NDArray[np.intp]) -> tuple[FloatArray, ...]:
        z = v - self.origin[place]
        c0, c1, c2, c3 = self.cubic[place].T
        # a tangent is followed up to arguments whose square would overflow
        z2 = np.where((c2 != 0) | (c3 != 0), z, 0.0)
        with np.errstate(over="ignore"):
            value = c0 + z * c1 + z2 * z2 * (c2 + z2 * c3)
        held = np.abs(value) > BOUND
        slope = np.where(held, 0.0, c1 + z2 * (2 * c2 + 3 * z2 * c3))
        curvature, third = (np.where(held, 0.0, own) for own in (2 * c2 + 6 * z2 * c3, 6 * c3))
        return np.clip(value, -BOUND, BOUND), slope, curvature, third, np.zeros_like(third)


def build_guard(
    value: Function,
    derivative: Function,
    domain: tuple[float, float] = (-np.inf, np.inf),
    poles: Sequence[float] = (),
    period: float = np.inf,
    reach: tuple[float, float] = (-LARGEST, LARGEST),
) -> Guard:
    """The guard of a function, from its domain and poles.

    Parameters
    ----------
    value, derivative : callable
    domain : tuple of float
        Where the function is real; an end at which `value` is finite belongs to it.
    poles : sequence of float
        Singularities inside the domain; with a finite `period`, the single one in each period.
    period : float
        Period of the poles; infinite for poles that do not repeat.
    reach : tuple of float
        Arguments beyond these are not evaluated.
    """

    def at(u: float) -> tuple[float, float]:
        point = np.array([u])
        with np.errstate(all="ignore"):
            return float(value(point)[0]), float(derivative(point)[0])

    bridges = [_bridge(at, float(pole)) for pole in sorted(poles)]
    if np.isfinite(period):
        (first,) = bridges
        again = Patch(first.low + period, np.inf, first.origin + period, first.cubic)
        return _assemble([Patch(-np.inf, first.high, first.origin, first.cubic), again], first.origin, period)
    below = _end(at, domain[0], reach[0], 1.0)
    above = _end(at, domain[1], reach[1], -1.0)
    return _assemble([*below, *bridges, *reversed(above)])


def _assemble(patches: Sequence[Patch], start: float = 0.0, period: float = np.inf) -> Guard:
    """A guard from its patches; intervals between consecutive patches that do not touch are exact."""
    edges, exact, rows, widest = [], [False], [patches[0]], (0.0, 0.0)
    for previous, following in zip(patches[:-1], patches[1:], strict=True):
        edges.append(previous.high)
        if following.low > previous.high:
            edges.append(following.low)
            exact.append(True)
            rows.append(previous)
            widest = max(
                widest, (previous.high, following.low), key=lambda interval: interval[1] - interval[0]
            )
        exact.append(False)
        rows.append(following)
    origin, cubic = np.array([row.origin for row in rows]), np.array([row.cubic for row in rows])
    return Guard(np.array(edges), np.array(exact), origin, cubic, widest, start, period)


def _bridge(at: Callable[[float], tuple[float, float]], pole: float) -> Patch:
    """Hermite's cubic from pole - delta to pole + delta."""
    delta = MARGIN * max(1.0, abs(pole))
    (f0, s0), (f1, s1) = at(pole - delta), at(pole + delta)
    mean, half = (f0 + f1) / 2, (f1 - f0) / 2
    even, odd = (s1 - s0) * delta / 2, (s0 + s1) * delta / 2
    cubic = (
        mean - even / 2,
        (3 * half - odd) / (2 * delta),
        even / 2 / delta**2,
        (odd - half) / 2 / delta**3,
    )
    return Patch(pole - delta, pole + delta, pole, cubic)


def _end(at: Callable[[float], tuple[float, float]], edge: float, reach: float, inward: float) -> list[Patch]:
    """Patches at one end of the domain, from outside to inside; `inward` is 1 at the lower end."""

    def outside(u: float, value: float, slope: float) -> Patch:
        low, high = (-np.inf, u) if inward > 0 else (u, np.inf)
        return Patch(low, high, u, (value, slope, 0.0, 0.0))

    if not abs(edge) < abs(reach):
        return [outside(reach, *at(reach))]
    delta = MARGIN * max(1.0, abs(edge))
    inside = edge + inward * delta
    value, slope = at(inside)
    end = at(edge)[0]
    if not np.isfinite(end):
        return [outside(inside, value, slope)]
    secant = (value - end) / (inside - edge)
    first = (3 * secant - slope) / 2
    low, high = sorted((edge, inside))
    margin = Patch(low, high, edge, (end, first, 0.0, (slope - first) / (3 * delta**2)))
    return [outside(edge, end, first), margin]

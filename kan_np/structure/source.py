"""What derivatives are taken of: a function, independent fits of the same data, or samples alone.

Values and columns are taken in units of their own size (`unit_of`), so that no answer depends on the units of
the user's: products of four slopes of values of 1e-100 are no number any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.structure.derivatives import Derivatives, derivatives_of, spread_of, unit_of
from kan_np.structure.surrogate import LEARNED, fit_surrogate

#: What tests may be given.
Function = Callable[[FloatArray], ArrayLike]
#: Points at which derivatives are compared at most.
_MOST_POINTS = 300


@dataclass(frozen=True)
class Source:
    """Functions whose derivatives are compared, and the points at which they are.

    Attributes
    ----------
    functions : tuple of callables
        The first is the one that is asked about; where there are others they tell its error.
    x : ndarray of shape (n, d)
        In own units.
    units : ndarray of shape (d,)
        What one of `x` is in the user's units.
    """

    functions: tuple[Callable[[FloatArray], FloatArray], ...]
    x: FloatArray
    units: FloatArray

    @property
    def least(self) -> int:
        """Points that an answer needs."""
        return least_points(self.x.shape[1])

    def spread(self) -> float:
        """Standard deviation of the function at the points, as far as it is finite."""
        value = self.functions[0](self.x)
        return spread_of(value[np.isfinite(value)])

    def derivatives(self) -> Derivatives:
        """At the points where they are known best.

        Raises
        ------
        ValueError
            If there are hardly any points around which the function is finite.
        """
        own = _finite(_compared([derivatives_of(function, self.x) for function in self.functions]))
        if len(own.x) < self.least:
            raise ValueError(
                f"f is finite at all points, but NaN or infinite close to all except {len(own.x)} of "
                f"{len(self.x)}; derivatives need values up to 1 % of the range of x around at least "
                f"{self.least} points. Give points further inside of the domain of f."
            )
        return own.at(own.known_best())

    def slopes(self) -> list[Derivatives]:
        """Value, gradient and Hessian of the derivative by every x_i, where all are known best.

        There are fewer than `least` points if the function is not finite around more of them.
        """
        found = [
            _compared([derivatives_of(_slope(function, i, self.x), self.x) for function in self.functions])
            for i in range(self.x.shape[1])
        ]
        finite = np.logical_and.reduce([own.finite() for own in found])
        found = [own.at(np.flatnonzero(finite)) for own in found]
        if len(found[0].x) < self.least:
            return found
        kept = np.arange(len(found[0].x))
        for own in found:
            kept = np.intersect1d(kept, own.known_best())
        # of many variables hardly any point is among the best of all of them
        return [own.at(kept) for own in found] if len(kept) >= self.least else found

    def restricted(self, columns: Sequence[int], at: FloatArray) -> Source:
        """The same of some of the variables, the others being those of the point `at`, of shape (d,)."""
        own = list(columns)

        def fixed(function: Callable[[FloatArray], FloatArray]) -> Callable[[FloatArray], FloatArray]:
            def values(x: FloatArray) -> FloatArray:
                points = np.repeat(at[None, :], len(x), axis=0)
                points[:, own] = x
                return function(points)

            return values

        return Source(tuple(fixed(function) for function in self.functions), self.x[:, own], self.units[own])


def least_points(d: int) -> int:
    """Different points of d variables that an answer needs: of fewer, much holds by chance."""
    return min(2 * d + 2, _MOST_POINTS)


def source_of(f: Function | Sequence[Function] | ArrayLike, x: ArrayLike) -> Source:
    """The source that a user's `f` stands for.

    Parameters
    ----------
    f : callable, sequence of callables, or array_like of shape (n,)
        Labels of the samples `x` stand for a Gaussian process through them.
    x : array_like of shape (n, d)

    Raises
    ------
    ValueError, TypeError
        For points of which nothing can be told, values that are not finite, or complex, and labels of which
        nothing can be learnt.
    """
    points = _points(x)
    some = np.unique(np.linspace(0, len(points) - 1, min(len(points), _MOST_POINTS)).astype(int))
    units = np.array([unit_of(np.ptp(column)) for column in points.T])
    if callable(f):
        return _of_functions([_checked(f)], points, some, units)
    if isinstance(f, (list, tuple)) and f and all(callable(own) for own in f):
        return _of_functions([_checked(own) for own in f], points, some, units)
    labels = _validate.vector("f", f)  # type: ignore[arg-type]
    if len(labels) != len(points):
        raise ValueError(f"f has {len(labels)} labels and x {len(points)} rows; expected one label a row.")
    points, labels = points / units, labels / _spread_unit(labels)
    surrogate = fit_surrogate(points, labels)
    if surrogate is None or not surrogate.error <= LEARNED * float(np.std(labels)):
        raise ValueError(
            "The labels are no smooth function of x that a Gaussian process can learn from these samples; "
            "give more samples, or a function."
        )
    return Source((surrogate, *surrogate.halved()), points[some], units)


def _points(x: ArrayLike) -> FloatArray:
    """Points that are enough, and differ in every column."""
    points = _validate.matrix("x", x)
    n, d = len(np.unique(points, axis=0)), points.shape[1]
    if n < least_points(d):
        raise ValueError(
            f"x has {n} different rows; expected at least {least_points(d)} for {d} columns: of fewer points "
            "no property of a function can be told. Give more points, 100 for example."
        )
    same = [i for i in range(d) if np.ptp(points[:, i]) == 0.0]
    if same:
        raise ValueError(
            f"Columns {_validate.shown(same)} of x have one value in all rows; how f changes along them "
            "cannot be told. Vary them, or leave them out and fix their values inside f."
        )
    return points


def _of_functions(
    functions: Sequence[Callable[[FloatArray], FloatArray]],
    points: FloatArray,
    some: np.ndarray,
    units: FloatArray,
) -> Source:
    """Functions of points in own units, with values in units of the spread of the first."""
    values = [function(points[some]) for function in functions]
    for value in values:
        bad = np.flatnonzero(~np.isfinite(value))
        if bad.size:
            row = int(some[bad[0]])
            raise ValueError(
                f"f is {value[bad[0]]} at row {row} of x, {_validate.shown(points[row].tolist())}, and at "
                f"{bad.size} of {len(some)} rows in all; expected finite values. Leave those rows out."
            )
    unit = _spread_unit(values[0])

    def own(function: Callable[[FloatArray], FloatArray]) -> Callable[[FloatArray], FloatArray]:
        return lambda x: function(x * units) / unit

    return Source(tuple(own(function) for function in functions), points[some] / units, units)


def _spread_unit(values: FloatArray) -> float:
    """The unit of the deviation of values, or of their size where they are all the same."""
    return unit_of(spread_of(values) or float(np.abs(values).max()))


def _checked(function: Function) -> Callable[[FloatArray], FloatArray]:
    """The function, with real values (n,)."""

    def values(x: FloatArray) -> FloatArray:
        # NaN is looked for at the points themselves; a little outside of them it is no mistake of the user
        with np.errstate(all="ignore"):
            found = _validate.real_array("the value of f", function(x))
        if found.size != len(x):
            raise ValueError(
                f"f returns an array of shape {found.shape} for {len(x)} points; expected one value a point. "
                "Ask about one output at a time: lambda x: model(x)[:, 0]."
            )
        return found.reshape(len(x))

    return values


def _slope(
    function: Callable[[FloatArray], FloatArray], i: int, x: FloatArray
) -> Callable[[FloatArray], FloatArray]:
    """The derivative by x_i, by central differences of sixth order with one step for all points."""
    step = 0.01 * float(np.ptp(x[:, i]))

    def values(points: FloatArray) -> FloatArray:
        total = np.zeros(len(points))
        for far, weight in ((1, 45.0), (2, -9.0), (3, 1.0)):
            right, left = points.copy(), points.copy()
            right[:, i] += far * step
            left[:, i] -= far * step
            total += weight * (function(right) - function(left))
        return total / (60.0 * step)

    return values


def _compared(own: list[Derivatives]) -> Derivatives:
    """The first, with what tells its error beside it: differences of other steps, or the other functions."""
    if len(own) == 1:
        return own[0]
    return replace(own[0], others=tuple(replace(d, others=()) for d in own[1:]))


def _finite(own: Derivatives) -> Derivatives:
    return own.at(np.flatnonzero(own.finite()))

"""What derivatives are taken of: a function, independent fits of the same data, or samples alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.structure.derivatives import Derivatives, derivatives_of
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
    """

    functions: tuple[Callable[[FloatArray], FloatArray], ...]
    x: FloatArray

    def derivatives(self) -> Derivatives:
        """At the points where they are known best."""
        own = [derivatives_of(function, self.x) for function in self.functions]
        return _best(own)

    def of_slope(self, i: int) -> Derivatives:
        """Value, gradient and Hessian of the derivative by x_i, at all points."""
        own = [derivatives_of(_slope(function, i, self.x), self.x) for function in self.functions]
        return _compared(own)

    def restricted(self, columns: Sequence[int]) -> Source:
        """The same of some of the variables, the others being at the middle of the points."""
        own, middle = list(columns), np.median(self.x, axis=0)

        def fixed(function: Callable[[FloatArray], FloatArray]) -> Callable[[FloatArray], FloatArray]:
            def values(x: FloatArray) -> FloatArray:
                points = np.repeat(middle[None, :], len(x), axis=0)
                points[:, own] = x
                return function(points)

            return values

        return Source(tuple(fixed(function) for function in self.functions), self.x[:, own])


def source_of(f: Function | Sequence[Function] | ArrayLike, x: ArrayLike) -> Source:
    """The source that a user's `f` stands for.

    Parameters
    ----------
    f : callable, sequence of callables, or array_like of shape (n,)
        Labels of the samples `x` stand for a Gaussian process through them.
    x : array_like of shape (n, d)
    """
    points = _validate.matrix("x", x)
    some = np.unique(np.linspace(0, len(points) - 1, min(len(points), _MOST_POINTS)).astype(int))
    if callable(f):
        return Source((_checked(f),), points[some])
    if isinstance(f, (list, tuple)) and f and all(callable(own) for own in f):
        return Source(tuple(_checked(own) for own in f), points[some])
    labels = _validate.vector("f", f)  # type: ignore[arg-type]
    if len(labels) != len(points):
        raise ValueError(f"f has {len(labels)} labels and x {len(points)} rows; expected one label a row.")
    surrogate = fit_surrogate(points, labels)
    if surrogate is None or not surrogate.error <= LEARNED * float(np.std(labels)):
        raise ValueError(
            "The labels are no smooth function of x that a Gaussian process can learn from these samples; "
            "give more samples, or a function."
        )
    return Source((surrogate, *surrogate.halved()), points[some])


def _checked(function: Function) -> Callable[[FloatArray], FloatArray]:
    """The function, with values (n,)."""

    def values(x: FloatArray) -> FloatArray:
        found = np.asarray(function(x), dtype=np.float64)
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
    step = 0.01 * (float(np.ptp(x[:, i])) or max(float(np.abs(x[:, i]).max()), 1.0))

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


def _best(own: list[Derivatives]) -> Derivatives:
    found = _compared(own)
    return found.at(found.known_best())

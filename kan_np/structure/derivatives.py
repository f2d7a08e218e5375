"""First and second derivatives of a function at points, of a callable or of a smooth model of samples.

All tests of this room compare combinations of derivatives with the error that these have. The error is known
by computing everything twice from less: from a surrogate of each half of the samples, or from differences
with a wider step. What the two disagree by is how wrong each of them can be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kan_np._validate import FloatArray

#: Step of central differences, in parts of the range of each variable, and the wider steps beside it.
_STEP, _WIDER = 2e-3, (1.5, 2.0)
#: Part of the points, those that are known best, that statistics are taken of: surrogates err at the ends.
_COMPARED = 0.8
#: Deviations below this part of the values are rounding of a constant.
_CONSTANT = 1e-14


@dataclass(frozen=True)
class Derivatives:
    """Values, gradients and Hessians of one function at the same points.

    Attributes
    ----------
    x : ndarray of shape (n, d)
    value : ndarray of shape (n,)
    gradient : ndarray of shape (n, d)
    hessian : ndarray of shape (n, d, d)
    others : tuple of Derivatives
        The same at the same points from less: by their difference one knows the error.
    """

    x: FloatArray
    value: FloatArray
    gradient: FloatArray
    hessian: FloatArray
    others: tuple[Derivatives, ...] = ()

    @property
    def n_in(self) -> int:
        """Variables."""
        return self.x.shape[1]

    @property
    def spread(self) -> float:
        """Standard deviation of the values, 0 if they differ by rounding alone."""
        return spread_of(self.value)

    def transformed(
        self, forward: FloatArray, first: FloatArray, second: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Gradient and Hessian of T(f), given T(f), T'(f) and T''(f) at the points."""
        gradient = first[:, None] * self.gradient
        outer = self.gradient[:, :, None] * self.gradient[:, None, :]
        return gradient, first[:, None, None] * self.hessian + second[:, None, None] * outer

    def error_of(self, statistic: Callable[[Derivatives], FloatArray]) -> FloatArray:
        """The error, at each point, of a statistic (n, ...) of the derivatives; zeros if nothing is known.

        Of two independent halves the difference is sqrt(2) times the error of one of them, and the whole is
        at least as good as these.
        """
        mine = statistic(self)
        if not self.others:
            return np.zeros_like(mine)
        if len(self.others) == 1:
            return np.abs(mine - statistic(self.others[0]))
        first, second = (statistic(other) for other in self.others[:2])
        return np.abs(first - second) / np.sqrt(2.0)

    def finite(self) -> np.ndarray:
        """At which points all derivatives are finite, bool of shape (n,)."""
        n = len(self.x)
        parts = [own for d in (self, *self.others) for own in (d.value, d.gradient, d.hessian)]
        return np.logical_and.reduce([np.isfinite(own).reshape(n, -1).all(axis=1) for own in parts])

    def known_best(self) -> np.ndarray:
        """Numbers of the points at which the gradients are known best."""
        n = len(self.x)
        if not self.others:
            return np.arange(n)
        # in units of each slope's own size, so that all variables count alike
        usual = np.maximum(np.sqrt(np.mean(np.square(self.gradient), axis=0)), 1e-300)
        off = np.square(self.error_of(lambda d: d.gradient) / usual).sum(axis=1)
        off = np.where(np.isfinite(off), off, np.inf)
        return np.sort(np.argsort(off, kind="stable")[: max(int(_COMPARED * n), 1)])

    def at(self, rows: np.ndarray) -> Derivatives:
        """The same at some of the points."""
        return Derivatives(
            self.x[rows],
            self.value[rows],
            self.gradient[rows],
            self.hessian[rows],
            tuple(other.at(rows) for other in self.others),
        )


def spread_of(values: FloatArray) -> float:
    """Standard deviation of values of any size, 0 of none, and where they differ by rounding alone."""
    size = float(np.abs(values).max(initial=0.0))
    if size == 0.0:
        return 0.0
    # squares of values of 1e200 and of 1e-200 are no numbers
    relative = float(np.std(values / size))
    return relative * size if relative > _CONSTANT else 0.0


def unit_of(size: float) -> float:
    """The power of two below a size, by which one divides without rounding; 1 of 0."""
    return float(np.ldexp(1.0, int(np.frexp(size)[1]) - 1)) if size > 0.0 else 1.0


def derivatives_of(function: Callable[[FloatArray], FloatArray], x: FloatArray) -> Derivatives:
    """Derivatives of a callable by central differences.

    The step is a small part of each variable's range in `x`, so values are also needed a little outside of
    it. A wider step beside it tells the error.

    Parameters
    ----------
    function : callable
        Takes (n, d), gives (n,) or (n, 1).
    x : ndarray of shape (n, d)

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).uniform(1, 2, (50, 2))
    >>> found = derivatives_of(lambda x: x[:, 0] ** 2 * x[:, 1], x)
    >>> bool(np.abs(found.gradient[:, 0] - 2 * x[:, 0] * x[:, 1]).max() < 1e-8)
    True
    """
    x = np.asarray(x, dtype=np.float64)
    width = np.ptp(x, axis=0)
    width = np.where(width > 0, width, np.maximum(np.abs(x).max(axis=0, initial=0.0), 1.0))

    def values(points: FloatArray) -> FloatArray:
        return np.asarray(function(points), dtype=np.float64).reshape(len(points))

    first, second = (_differences(values, x, factor * _STEP * width) for factor in _WIDER)
    own = _differences(values, x, _STEP * width)
    others = (first, second)
    return Derivatives(own.x, own.value, own.gradient, own.hessian, others)


def _differences(values: Callable[[FloatArray], FloatArray], x: FloatArray, step: FloatArray) -> Derivatives:
    """Central differences of fourth order for slopes, of second order for the others."""
    n, d = x.shape
    middle = values(x)
    gradient, hessian = np.zeros((n, d)), np.zeros((n, d, d))

    def moved(*moves: tuple[int, float]) -> FloatArray:
        points = x.copy()
        for i, by in moves:
            points[:, i] += by * step[i]
        return values(points)

    for i in range(d):
        near = moved((i, 1.0)), moved((i, -1.0))
        far = moved((i, 2.0)), moved((i, -2.0))
        gradient[:, i] = (8 * (near[0] - near[1]) - (far[0] - far[1])) / (12 * step[i])
        hessian[:, i, i] = (16 * (near[0] + near[1]) - (far[0] + far[1]) - 30 * middle) / (12 * step[i] ** 2)
        for j in range(i):
            cross = moved((i, 1.0), (j, 1.0)) - moved((i, 1.0), (j, -1.0))
            cross = cross - moved((i, -1.0), (j, 1.0)) + moved((i, -1.0), (j, -1.0))
            hessian[:, i, j] = hessian[:, j, i] = cross / (4 * step[i] * step[j])
    return Derivatives(x, middle, gradient, hessian)

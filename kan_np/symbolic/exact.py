"""Which of the numbers of a fitted formula are exact ones, judged together.

A number is taken for the integer, fraction or multiple of pi, e or a root that `recognise` finds within its
standard error; all others are then fitted again. The step stands if the mean squared error has not risen by
more than what `_RISE` standard deviations of one number allow,

    n (mse - mse_before) <= _RISE^2 s^2,          s the noise of one sample,

so that nothing is replaced that the samples can tell from it. Numbers along which no sample moves are set to
the nearest whole number first, one by one: another number makes up for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.symbolic.constants import recognise
from kan_np.symbolic.skeleton import Fitted, Skeleton

if TYPE_CHECKING:
    import sympy

_RISE = 3.0
#: A network may come with constants that are far from settled.
_FIRST_STEPS = 500
#: Relative uncertainty of numbers that the samples do not determine, when no whole number will do.
_LOOSE = 1e-4
#: Rounding of a formula with some dozens of operations, relative to the size of its values.
_ROUNDING = 64 * float(np.finfo(np.float64).eps)


def with_exact_numbers(
    expression: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    x: FloatArray,
    y: FloatArray,
    *,
    noise: float = 0.0,
    functions: Mapping[str, Callable[[FloatArray], FloatArray]] | None = None,
) -> tuple[sympy.Expr, float]:
    """The expression fitted to samples, with the numbers that it can mean, and its RMSE.

    Parameters
    ----------
    expression : sympy.Expr
        Its Floats are the numbers in question; see `kan_np.symbolic.normal_form`.
    variables : sequence of sympy.Symbol
    x : ndarray of shape (n, n_var)
    y : ndarray of shape (n,)
    noise : float
        Standard deviation of y below which differences mean nothing.
    functions : mapping of str to callable, optional
        Numbers of undefined functions, by name.

    Examples
    --------
    >>> import numpy as np, sympy
    >>> x = sympy.Symbol("x", real=True)
    >>> points = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    >>> near = 2.001 * sympy.exp(-0.4999 * x**2) + 0.0002
    >>> with_exact_numbers(near, [x], points, 2 * np.exp(-(points[:, 0] ** 2) / 2))[0]
    2*exp(-x**2/2)
    """
    skeleton = Skeleton(expression, variables, functions)
    judge = _Judge(skeleton, x, y, noise)
    judge.settle_undetermined()
    judge.recognise_all()
    return skeleton.with_numbers(judge.numbers, judge.fitted.theta), judge.fitted.rmse


class _Judge:
    """The numbers of a skeleton that are settled, and the fit of the others."""

    def __init__(self, skeleton: Skeleton, x: FloatArray, y: FloatArray, noise: float) -> None:
        self.skeleton, self.x, self.y = skeleton, x, y
        self.noise = max(noise, _ROUNDING * float(np.sqrt(np.mean(np.square(y)))))
        self.numbers: dict[int, Any] = {}
        self.fitted = skeleton.fit(x, y, noise=self.noise, steps=_FIRST_STEPS)

    def settle_undetermined(self) -> None:
        """Set numbers that others make up for, until the samples determine all that are left."""
        import sympy

        while np.isfinite(self.fitted.rmse):
            loose = np.flatnonzero(np.isinf(self.fitted.stderr)).tolist()
            if not loose:
                return
            k = int(min(loose, key=lambda k: _distance_to_whole(float(self.fitted.theta[k]))))
            value = float(self.fitted.theta[k])
            if not self._accept({k: _whole(value)}):
                self._accept({k: recognise(value, _LOOSE * abs(value))})
            if k not in self.numbers:
                self.numbers[k] = sympy.Float(value, 17)
                held = {q: float(number) for q, number in self.numbers.items()}
                self.fitted = self.skeleton.fit(self.x, self.y, self.fitted.theta, held, self.noise)

    def recognise_all(self) -> None:
        """Replace all numbers that can be, at once or else one by one."""
        refused: set[int] = set()
        while True:
            found = self._recognised(refused)
            if not found or not np.isfinite(self.fitted.rmse):
                return
            if self._accept(found):
                continue
            for k, number in found.items():  # of which the first is the surest
                if not self._accept({k: number}):
                    refused.add(k)
                break

    def _recognised(self, refused: set[int]) -> dict[int, Any]:
        import sympy

        found: dict[int, tuple[float, Any]] = {}
        for k, (value, sigma) in enumerate(zip(self.fitted.theta, self.fitted.stderr, strict=True)):
            if k in self.numbers or k in refused or not np.isfinite(sigma):
                continue
            number = recognise(float(value), float(sigma))
            if not isinstance(number, sympy.Float):
                found[k] = (sigma / max(abs(value), 1.0), number)
        return {k: number for k, (_, number) in sorted(found.items(), key=lambda item: item[1][0])}

    def _accept(self, numbers: Mapping[int, Any]) -> bool:
        proposed = {**self.numbers, **numbers}
        held = {k: float(number) for k, number in proposed.items()}
        new = self.skeleton.fit(self.x, self.y, self.fitted.theta, held, self.noise)
        if not self._as_good(new, len(numbers)):
            return False
        self.numbers, self.fitted = proposed, new
        return True

    def _as_good(self, new: Fitted, count: int) -> bool:
        n = self.y.size
        spare = max(n - self.skeleton.theta.size, 1)
        variance = max(self.fitted.rmse**2 * n / spare, self.noise**2)
        return n * (new.rmse**2 - self.fitted.rmse**2) <= _RISE**2 * count * variance


def _whole(value: float) -> Any:
    import sympy

    return sympy.Integer(round(value)) if abs(value) >= 0.5 else sympy.Integer(1 if value > 0 else -1)


def _distance_to_whole(value: float) -> float:
    return abs(value - float(_whole(value))) / max(abs(value), 1.0)

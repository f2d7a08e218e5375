"""When one formula is as good as another on the same samples.

Residuals count in units of the labels while a formula is only near them: the noise is what the fit leaves. As
soon as it agrees with the labels (`kan_np.symbolic.rounding`) each residual counts in units of what rounding
and the labels' digits allow at its sample, so that numbers that matter to small labels alone are determined
beside large ones. A formula with some numbers fewer stands if

    n (mse - mse_before) <= 3^2 (numbers fewer) s^2,          s the noise of one sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kan_np._validate import FloatArray
from kan_np.symbolic.parametric_formula import Fitted, Skeleton
from kan_np.symbolic.rounding import Parts, agrees, allowed_residuals, half_units

if TYPE_CHECKING:
    import sympy

_RISE = 3.0
#: Formulas that are this near, in parts of the spread, are tried in units of what is allowed.
_NEAR = 1e-3
#: Rounding of a formula with some dozens of operations, relative to the size of its values.
_ROUNDING = 64 * float(np.finfo(np.float64).eps)
#: Rounding, and the deviation of labels that are rounded (uniform), in units of what is allowed.
_ROUNDED, _WRITTEN = 0.01, 3**-0.5


class Criterion:
    """Samples, and what errors on them mean.

    Parameters
    ----------
    variables : sequence of sympy.Symbol
    x : ndarray of shape (n, n_var)
    y : ndarray of shape (n,)
    noise : float
        Standard deviation of y below which differences mean nothing; 0 if the labels themselves say.
    functions : mapping of str to callable, optional
        Numbers of undefined functions, by name.
    """

    def __init__(
        self,
        variables: Sequence[sympy.Symbol],
        x: FloatArray,
        y: FloatArray,
        noise: float = 0.0,
        functions: Mapping[str, Callable[[FloatArray], FloatArray]] | None = None,
    ) -> None:
        self.variables, self.x, self.y = list(variables), x, y
        self.functions = functions
        self.weight: FloatArray | None = None
        largest = float(np.abs(y).max(initial=0.0)) or 1.0  # squares of large labels must not overflow
        self.noise = max(noise, _ROUNDING * float(np.sqrt(np.mean(np.square(y / largest)))) * largest)
        self._labels_say = noise == 0.0 and not functions
        self._spread = float(np.std(y / largest)) * largest

    def skeleton(self, expression: sympy.Expr) -> Skeleton:
        """The expression with its Floats as parameters."""
        return Skeleton(expression, self.variables, self.functions)

    def fit(
        self,
        skeleton: Skeleton,
        theta: FloatArray | None = None,
        held: Mapping[int, float] | None = None,
        steps: int = 60,
    ) -> Fitted:
        """Least squares of the residuals as they count now."""
        return skeleton.fit(self.x, self.y, theta, held, self.noise, steps, self.weight)

    def weigh(self, skeleton: Skeleton, fitted: Fitted) -> Fitted:
        """Count residuals in units of what is allowed, if a fit to these agrees with the labels."""
        if self.weight is not None or not self._labels_say or not fitted.rmse <= _NEAR * self._spread:
            return fitted
        parts = self.parts()
        _, rounding = parts.of(skeleton.with_numbers({}, fitted.theta))
        allowed = allowed_residuals(rounding, self.y)
        written = half_units(self.y) >= allowed / 2
        noise = float(np.median(np.where(written, _WRITTEN, _ROUNDED)))
        again = skeleton.fit(self.x, self.y, fitted.theta, None, noise, weight=1.0 / allowed)
        if not (np.isfinite(again.rmse) and agrees(skeleton(self.x, again.theta) - self.y, allowed)):
            return fitted
        self.weight, self.noise = 1.0 / allowed, noise
        return again

    def parts(self) -> Parts:
        """Values of parts of formulas on the samples."""
        return Parts(self.variables, self.x, self.functions)

    def rise(self, before: Fitted, fewer: int) -> float:
        """By how much the sum of squares may rise, in units of the larger of noise and error, squared."""
        unit = self.unit(before)
        spare = max(self.y.size - before.theta.size, 1)
        variance = max((before.rmse / unit) ** 2 * self.y.size / spare, (self.noise / unit) ** 2)
        return _RISE**2 * fewer * variance

    def unit(self, before: Fitted) -> float:
        """The larger of noise and error: with it squares neither vanish nor overflow in any units."""
        return max(before.rmse, self.noise, float(np.finfo(np.float64).tiny))

    def as_good(self, new: Fitted, before: Fitted, fewer: int) -> bool:
        """Whether `new` stands for `before`, with so many numbers fewer."""
        if not np.isfinite(new.rmse):
            return False
        unit = self.unit(before)
        with np.errstate(over="ignore"):
            rise = self.y.size * ((new.rmse / unit) ** 2 - (before.rmse / unit) ** 2)
        return bool(rise <= self.rise(before, fewer))

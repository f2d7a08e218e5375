"""Numbers of a formula fitted to classes: w (v - h(others; theta)) as the logit, up to a factor.

Minimises the mean of log(1 + exp(-t s w (v - h))), t = 1 or -1 for the two classes, by theta and the factor s
> 0. w is the slope of a classifier's logit by the column v at the boundary: classes may be told apart sharply
in one part of it and roughly in another. theta says where the boundary is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.functions.tape import Tape
from kan_np.symbolic.constants import recognise

if TYPE_CHECKING:
    import sympy

#: Largest factor: classes that are separated would make it infinite.
_SHARPEST = 1e3
_ITERATIONS = 200
#: A number is replaced where that costs less than so many times the squared error of one.
_COST = 4.0
#: Bits by which the classes must determine a number beyond the length of a simple one, see `recognise`; one
#: of four others is then taken for a simple number by chance, before the classes are asked.
_MARGIN = 2.0


@dataclass(frozen=True)
class Fit:
    """Numbers and factor of a formula, and how well it tells the classes apart.

    Attributes
    ----------
    theta : ndarray of shape (k,)
    factor : float
        s.
    loss : float
        Mean logarithmic loss, in units of log e.
    stderr : ndarray of shape (k,)
        By the sandwich of derivatives, summed over each group of rows, or by the curvature, whichever is
        larger.
    """

    theta: FloatArray
    factor: float
    loss: float
    stderr: FloatArray


class BoundaryFit:
    """A formula h of a column v by the others, its numbers to be fitted to classes.

    Parameters
    ----------
    expression : sympy.Expr
        h; its Floats, and the coefficients of the terms of its sum, are the numbers.
    variables : sequence of sympy.Symbol
        Of all columns.
    column : int
        Which of them is v.
    x : ndarray of shape (n, n_in)
    sign : ndarray of shape (n,)
        1 and -1.
    slope : ndarray of shape (n,)
        w.
    groups : ndarray of int of shape (n,)
        Rows of one group are not independent.
    """

    def __init__(
        self,
        expression: sympy.Expr,
        variables: Sequence[sympy.Symbol],
        column: int,
        x: FloatArray,
        sign: FloatArray,
        slope: FloatArray,
        groups: NDArray[Any],
    ) -> None:
        self.x, self.value, self.sign, self.slope = x, x[:, column], sign, slope
        self.groups = groups
        self.names, self.start, self.expression = _with_parameters(expression)
        self._tape = Tape([*variables, *self.names], self.expression)
        with np.errstate(all="ignore"):
            gap = self.value - self._tape(*x.T, *self.start)
        self.finite = bool(np.isfinite(gap).all())

    def fit(self, theta: FloatArray | None = None, held: Mapping[int, float] | None = None) -> Fit | None:
        """The best numbers from `theta` on, those of `held` at their values; None where g is not finite."""
        from scipy.optimize import minimize

        theta = np.array(self.start if theta is None else theta)
        for k, number in (held or {}).items():
            theta[k] = number
        free = np.array([k for k in range(theta.size) if k not in (held or {})], dtype=int)
        size = np.maximum(np.abs(theta[free]), 1e-3)

        def numbers(z: FloatArray) -> FloatArray:
            full = theta.copy()
            full[free] = z[1:] * size
            return full

        def cost(z: FloatArray) -> tuple[float, FloatArray]:
            loss, by_factor, by_theta = self._loss(z[0], numbers(z))
            return loss, np.concatenate([[by_factor], by_theta[free] * size])

        with np.errstate(all="ignore"):
            starts = [np.concatenate([[s], theta[free] / size]) for s in np.logspace(-2, 1, 13)]
            start = min(starts, key=lambda z: cost(z)[0])
            limits = [(1.0 / _SHARPEST, _SHARPEST), *[(None, None)] * free.size]
            best = minimize(
                cost, start, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": _ITERATIONS}
            )
            loss = float(best.fun)
            if not np.isfinite(loss):
                return None
            full = numbers(best.x)
            return Fit(full, float(best.x[0]), loss, self._errors(best.x[0], full, free))

    def _parts(self, factor: float, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """w (v - h), the derivative of the loss of every row by the logit, and dw(v - h) / dtheta, (n, k)."""
        from scipy.special import expit

        gap = self.slope * (self.value - self._tape(*self.x.T, *theta))
        by_logit = -self.sign * expit(-self.sign * factor * gap)
        slopes = self._tape.slopes(len(gap), *self.x.T, *theta)[self.x.shape[1] :]
        columns = np.stack(slopes, axis=1) if slopes else np.zeros((len(gap), 0))
        return gap, by_logit, -self.slope[:, None] * columns

    def _loss(self, factor: float, theta: FloatArray) -> tuple[float, float, FloatArray]:
        gap, by_logit, slopes = self._parts(factor, theta)
        loss = float(np.mean(np.logaddexp(0.0, -self.sign * factor * gap)))
        if not np.isfinite(loss):
            return 1e6, 0.0, np.zeros(theta.size)
        return loss, float(np.mean(by_logit * gap)), factor * (by_logit @ slopes) / len(gap)

    def _errors(self, factor: float, theta: FloatArray, free: NDArray[Any]) -> FloatArray:
        errors = np.zeros(theta.size)
        factor = self._told_apart(factor, theta)
        gap, by_logit, slopes = self._parts(factor, theta)
        columns = np.column_stack([gap, factor * slopes[:, free]])
        p = np.abs(by_logit)
        information = columns.T @ (columns * (p * (1.0 - p))[:, None])
        scores = np.zeros((int(self.groups.max()) + 1, columns.shape[1]))
        np.add.at(scores, self.groups, columns * by_logit[:, None])
        inverse = np.linalg.pinv(information, hermitian=True)
        sandwich = inverse @ (scores.T @ scores) @ inverse
        errors[free] = np.sqrt(np.maximum(np.diag(sandwich), np.diag(inverse)))[1:]
        return errors

    def _told_apart(self, factor: float, theta: FloatArray) -> float:
        """The factor, or a smaller one by which all rows together leave a loss of 1.

        Classes that are separated do not say how steep the logit is, and where it is very steep the
        derivatives at all rows vanish: they would say nothing of numbers that they determine well.
        """
        n = len(self.value)
        while factor > 1.0 / _SHARPEST and n * self._loss(factor, theta)[0] < 1.0:
            factor *= 0.8
        return factor

    def with_exact_numbers(self, found: Fit, margin: float = _MARGIN) -> tuple[Fit, dict[int, Any]]:
        """Replace numbers by simple ones where the classes cannot tell the difference, the surest first.

        A replacement may raise the loss by what `_COST` squared standard errors of one number are expected
        to. `margin` is of `recognise`: the less, the more numbers are taken for simple ones by chance.
        """
        numbers: dict[int, Any] = {}
        first = found
        refused: set[int] = set()
        while True:
            proposed = self._recognised(found, numbers.keys() | refused, margin)
            if proposed is None:
                return found, numbers
            k, number = proposed
            held = {q: float(value) for q, value in numbers.items()} | {k: float(number)}
            new = self.fit(found.theta, held)
            if new is None or not self._as_good(new, first, len(numbers) + 1):
                refused.add(k)
                continue
            numbers[k], found = number, new

    def _as_good(self, new: Fit, first: Fit, count: int) -> bool:
        """Whether the replacement of so many numbers costs no more than it would by chance."""
        rise = self.losses(new) - self.losses(first)
        allowed = max(float(np.sqrt(np.sum(np.square(rise - rise.mean())))), 0.5)
        return bool(rise.sum() <= _COST * count * allowed)

    def losses(self, found: Fit) -> FloatArray:
        """Logarithmic loss of every group of rows, the sum over its rows: (n_groups,)."""
        gap = self.slope * (self.value - self._tape(*self.x.T, *found.theta))
        own = np.logaddexp(0.0, -self.sign * found.factor * gap)
        return np.bincount(self.groups, own).astype(np.float64)

    def _recognised(self, found: Fit, settled: set[int], margin: float) -> tuple[int, Any] | None:
        import sympy

        options = []
        for k, (value, sigma) in enumerate(zip(found.theta, found.stderr, strict=True)):
            if k in settled or not 0.0 < sigma < np.inf:
                continue
            number = recognise(float(value), float(sigma), margin=margin)
            if not isinstance(number, sympy.Float):
                options.append((sigma / max(abs(value), 1.0), k, number))
        if not options:
            return None
        _, k, number = min(options, key=lambda one: one[0])
        return k, number

    def written(self, found: Fit, numbers: Mapping[int, Any]) -> sympy.Expr:
        """h with its numbers: those of `numbers` exactly, others with the digits that they have."""
        import sympy

        there = {}
        for k, name in enumerate(self.names):
            value, sigma = float(found.theta[k]), float(found.stderr[k])
            there[name] = numbers.get(k, sympy.Float(_shortest(value, 0.5 * sigma), 15))
        return self.expression.xreplace(there)


def _shortest(value: float, within: float) -> float:
    """The decimal number of fewest digits that is so near."""
    for digits in range(15):
        near = float(f"{value:.{digits}e}")
        if abs(near - value) <= within:
            return near
    return value


def _with_parameters(expression: Any) -> tuple[list[Any], FloatArray, Any]:
    """Parameters in place of Floats and of the coefficients of the terms of the sum, and their values."""
    import sympy

    names: list[Any] = []
    values: list[float] = []

    def parameter(value: Any) -> Any:
        names.append(sympy.Dummy(f"theta{len(names)}", real=True))
        values.append(float(value))
        return names[-1]

    def floats(part: Any) -> Any:
        if isinstance(part, sympy.Float):
            return parameter(part)
        return part.func(*[floats(a) for a in part.args]) if part.args else part

    terms = []
    for term in sympy.Add.make_args(sympy.expand_mul(expression)):
        number, rest = term.as_coeff_Mul()
        terms.append(parameter(number) * floats(rest))
    return names, np.array(values), sympy.Add(*terms)

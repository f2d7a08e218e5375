"""Numbers of a formula fitted to classes: w (v - h(others; theta)) as the logit, up to a factor.

Minimises the mean of -log(e + (1 - 2 e) / (1 + exp(-t s w (v - h)))), t = 1 or -1 for the two classes, by
theta, the factor s > 0 and the part e of labels that are wrong whatever the logit, which otherwise would move
the boundary by a lot. w is the slope of a classifier's logit by the column v at the boundary: classes may be
told apart sharply in one part of it and roughly in another. theta says where the boundary is.

Source of e: J. Copas, J. R. Stat. Soc. B 50 (1988), 225-265.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.boundary.many_logits import FLIPS, flipped_loss
from kan_np.functions.tape import Tape
from kan_np.symbolic.constants import recognise

if TYPE_CHECKING:
    import sympy

#: Largest factor: classes that are separated would make it infinite.
_SHARPEST = 1e3
_ITERATIONS = 200
#: Loss where a formula is not finite on all rows: larger than any other.
_NOT_FINITE = 1e6
#: Least and largest part of labels that are wrong.
_LEAST_FLIPS, _MOST_FLIPS = 1e-6, 0.3
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
    flips : float
        e.
    loss : float
        Mean of the above, in units of log e.
    stderr : ndarray of shape (k,)
        By the sandwich of derivatives, summed over each group of rows, or by the curvature, whichever is
        larger.
    """

    theta: FloatArray
    factor: float
    flips: float
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
        # in units of their own, whatever the units of the columns are
        size = np.where(theta[free] != 0.0, np.abs(theta[free]), 1.0)

        def numbers(z: FloatArray) -> FloatArray:
            full = theta.copy()
            full[free] = z[2:] * size
            return full

        def cost(z: FloatArray) -> tuple[float, FloatArray]:
            loss, by_factor, by_flips, by_theta = self._loss(z[0], z[1], numbers(z))
            return loss, np.concatenate([[by_factor, by_flips], by_theta[free] * size])

        with np.errstate(all="ignore"):
            starts = [np.concatenate([[s, FLIPS], theta[free] / size]) for s in np.logspace(-2, 1, 13)]
            start = min(starts, key=lambda z: cost(z)[0])
            if cost(start)[0] >= _NOT_FINITE:
                return None
            limits = [(1.0 / _SHARPEST, _SHARPEST), (_LEAST_FLIPS, _MOST_FLIPS), *[(None, None)] * free.size]
            best = minimize(
                cost, start, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": _ITERATIONS}
            )
            # a search along a line that meets points without a value ends there, with the value of such a one
            loss = cost(best.x)[0]
            if not loss < _NOT_FINITE:
                return None
            full, factor, flips = numbers(best.x), float(best.x[0]), float(best.x[1])
            return Fit(full, factor, flips, loss, self._errors(factor, flips, full, free))

    def _gap(self, theta: FloatArray) -> FloatArray:
        return np.asarray(self.slope * (self.value - self._tape(*self.x.T, *theta)))

    def _parts(self, factor: float, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """w (v - h), and the derivatives of s w (v - h) by s and theta, (n, 1 + k)."""
        gap = self._gap(theta)
        slopes = self._tape.slopes(len(gap), *self.x.T, *theta)[self.x.shape[1] :]
        columns = [gap, *(-factor * self.slope * own for own in slopes)]
        return gap, np.stack(columns, axis=1)

    def _loss(self, factor: float, flips: float, theta: FloatArray) -> tuple[float, float, float, FloatArray]:
        gap, columns = self._parts(factor, theta)
        losses, by_z, _ = flipped_loss(self.sign * factor * gap, flips)
        loss = float(np.mean(losses))
        if not (np.isfinite(loss) and np.isfinite(columns).all()):
            return _NOT_FINITE, 0.0, 0.0, np.zeros(theta.size)
        p = np.exp(-losses)
        by_flips = float(np.mean(-(1.0 - 2.0 * _sigma(p, flips)) / p))
        by_numbers = -(self.sign * by_z) @ columns / len(gap)
        return loss, float(by_numbers[0]), by_flips, by_numbers[1:]

    def _errors(self, factor: float, flips: float, theta: FloatArray, free: NDArray[Any]) -> FloatArray:
        errors = np.zeros(theta.size)
        factor = self._told_apart(factor, flips, theta)
        gap, columns = self._parts(factor, theta)
        losses, by_z, _ = flipped_loss(self.sign * factor * gap, flips)
        p = np.exp(-losses)
        # derivatives of log p by s, theta and e, the last only inside of its limits
        scores = (self.sign * by_z)[:, None] * columns[:, np.concatenate([[0], 1 + free])]
        if 2.0 * _LEAST_FLIPS < flips < 0.99 * _MOST_FLIPS:
            scores = np.column_stack([scores, (1.0 - 2.0 * _sigma(p, flips)) / p])
        weight = p / np.maximum(1.0 - p, np.finfo(np.float64).tiny)
        information = scores.T @ (scores * weight[:, None])
        sums = np.zeros((int(self.groups.max()) + 1, scores.shape[1]))
        np.add.at(sums, self.groups, scores)
        # in units of the numbers, so that none is lost beside the others
        size = np.sqrt(np.diag(information))
        size = np.where(size > 0.0, size, 1.0)
        if not (np.isfinite(information).all() and np.isfinite(np.outer(size, size)).all()):
            errors[free] = np.inf
            return errors
        inverse = np.linalg.pinv(information / np.outer(size, size), hermitian=True) / np.outer(size, size)
        sandwich = inverse @ (sums.T @ sums) @ inverse
        errors[free] = np.sqrt(np.maximum(np.diag(sandwich), np.diag(inverse)))[1 : 1 + free.size]
        return errors

    def _told_apart(self, factor: float, flips: float, theta: FloatArray) -> float:
        """The factor, or a smaller one by which the groups together lose no more than 1.

        Classes that are separated, but for wrong labels, do not say how steep the logit is, and where it is
        very steep the derivatives at all rows vanish: they would say nothing of numbers that they determine
        well.
        """
        z = self.sign * self._gap(theta)
        most = flipped_loss(factor * z, flips)[0].mean() + 1.0 / (int(self.groups.max()) + 1)
        while factor > 1.0 / _SHARPEST and flipped_loss(0.8 * factor * z, flips)[0].mean() < most:
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
        own = flipped_loss(self.sign * found.factor * self._gap(found.theta), found.flips)[0]
        return np.bincount(self.groups, own).astype(np.float64)

    def _recognised(self, found: Fit, settled: set[int], margin: float) -> tuple[int, Any] | None:
        import sympy

        options = []
        for k, (value, sigma) in enumerate(zip(found.theta, found.stderr, strict=True)):
            if k in settled or not 0.0 < sigma < np.inf:
                continue
            number = recognise(float(value), float(sigma), margin=margin)
            if not isinstance(number, sympy.Float):
                options.append((sigma / abs(value) if value != 0.0 else np.inf, k, number))
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
            near = _shortest(value, 0.5 * sigma)
            # a factor of 1 is none
            there[name] = numbers.get(
                k, sympy.Integer(int(near)) if abs(near) == 1.0 else sympy.Float(near, 15)
            )
        return self.expression.xreplace(there)


def _sigma(p: FloatArray, flips: float) -> FloatArray:
    """1 / (1 + exp(-z)) of the probability e + (1 - 2 e) / (1 + exp(-z))."""
    return (p - flips) / (1.0 - 2.0 * flips)


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

"""Skeleton: a formula whose numbers are parameters, fitted to samples with their covariance.

Every Float of an expression becomes a parameter theta_k; integers, fractions and exponents that were written
as such stay. The residuals r(theta) are minimised by Levenberg-Marquardt, with the derivatives of the formula
(`kan_np.functions.tape`): steps of differences would be large or small in some units.

A direction of theta along which no sample moves (c exp(u + d) has one) is seen in the singular values of the
Jacobian: what takes part in it has an infinite standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._threads import one_thread
from kan_np._time_limit import end_if_over
from kan_np._validate import FloatArray
from kan_np.functions.tape import Tape

if TYPE_CHECKING:
    import sympy

_EPS = float(np.finfo(np.float64).eps)
#: Singular values below this part of the largest belong to directions that no sample sees.
_BLIND = 1e-9
#: A parameter with this part of its length in blind directions is not determined.
_SHARE = 1e-3
#: Damping in units of the largest squared singular value.
_FIRST_DAMPING, _LEAST_DAMPING, _LARGEST_DAMPING = 1e-15, 1e-18, 1e3
#: Steps that gain less than this part are the last.
_SETTLED = 1e-10


@dataclass(frozen=True)
class Fitted:
    """Parameters of least squares.

    Attributes
    ----------
    theta : ndarray of shape (k,)
    rmse : float
        Infinite where the formula is not finite on all samples.
    stderr : ndarray of shape (k,)
        Infinite for parameters that the samples do not determine.
    """

    theta: FloatArray
    rmse: float
    stderr: FloatArray


class Skeleton:
    """Formula in variables and parameters.

    Parameters
    ----------
    expression : sympy.Expr
        Its Floats become parameters, in the order in which they are written.
    variables : sequence of sympy.Symbol
    functions : mapping of str to callable, optional
        Numbers of undefined functions, by name.

    Attributes
    ----------
    theta : ndarray of shape (k,)
        The numbers of the expression.

    Examples
    --------
    >>> import numpy as np, sympy
    >>> x = sympy.Symbol("x")
    >>> skeleton = Skeleton(1.5 * sympy.sin(3.1 * x), [x])
    >>> points = np.linspace(-1, 1, 50)[:, None]
    >>> fitted = skeleton.fit(points, np.sin(np.pi * points[:, 0]))
    >>> bool(np.abs(fitted.theta - [1, np.pi]).max() < 1e-12)
    True
    """

    def __init__(
        self,
        expression: sympy.Expr,
        variables: Sequence[sympy.Symbol],
        functions: Mapping[str, Callable[[FloatArray], FloatArray]] | None = None,
    ) -> None:
        import sympy

        self.variables = list(variables)
        self.parameters: list[sympy.Symbol] = []
        values: list[float] = []

        def parametrised(part: Any) -> Any:
            if isinstance(part, sympy.Float):
                self.parameters.append(sympy.Dummy(f"theta{len(values)}", real=True))
                values.append(float(part))
                return self.parameters[-1]
            return part.func(*[parametrised(a) for a in part.args]) if part.args else part

        self.expression = parametrised(expression)
        self.theta = np.array(values)
        self._tape = Tape([*self.variables, *self.parameters], self.expression, functions)

    def __call__(self, x: FloatArray, theta: FloatArray) -> FloatArray:
        """Values (n,) at samples (n, n_var); NaN where the formula is not real."""
        return self._tape(*x.T, *theta)

    def with_numbers(self, numbers: Mapping[int, Any], theta: FloatArray) -> sympy.Expr:
        """The expression with parameter k as ``numbers[k]``, or as the Float theta_k."""
        import sympy

        return self.expression.xreplace(
            {
                name: numbers[k] if k in numbers else sympy.Float(theta[k], 17)
                for k, name in enumerate(self.parameters)
            }
        )

    def fit(
        self,
        x: FloatArray,
        y: FloatArray,
        theta: FloatArray | None = None,
        held: Mapping[int, float] | None = None,
        noise: float = 0.0,
        steps: int = 60,
        weight: FloatArray | None = None,
    ) -> Fitted:
        """Least squares from `theta` with the parameters `held` at their values.

        Parameters
        ----------
        x : ndarray of shape (n, n_var)
        y : ndarray of shape (n,)
        theta : ndarray of shape (k,), optional
            The numbers of the expression if left out.
        held : mapping of int to float, optional
        noise : float
            Least standard deviation of y that standard errors assume; rounding is another.
        steps : int
        weight : ndarray of shape (n,), optional
            Factors of the residuals; errors and `noise` are in units of their products.
        """
        theta = np.array(self.theta if theta is None else theta)
        unit = 2.0 ** -np.frexp(np.abs(y).max(initial=0.0))[1] if weight is None else 1.0
        data = _Samples(x, y, np.full(y.shape, unit) if weight is None else weight)
        for k, value in (held or {}).items():
            theta[k] = value
        free = np.array([k for k in range(theta.size) if k not in (held or {})], dtype=int)
        # a step too far is refused; threads of BLAS cost more than they give to matrices of a few columns
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):
            theta, cost = self._descend(data, theta, free, steps)
            if not np.isfinite(cost):
                return Fitted(theta, np.inf, np.full(theta.size, np.inf))
            errors = self._errors(data, theta, free, cost, noise * unit)
        return Fitted(theta, float(np.sqrt(cost / y.size)) / unit, errors)

    def _descend(self, data: _Samples, theta: FloatArray, free: Any, steps: int) -> tuple[FloatArray, float]:
        """Parameters after some steps, and the sum of squares."""
        rest = data.residuals(self(data.x, theta))
        cost, damping = float(rest @ rest), _FIRST_DAMPING
        floor = (4 * _EPS) ** 2 * data.square
        for _ in range(steps if free.size and np.isfinite(cost) else 0):
            end_if_over()
            jacobian, length = self._jacobian(data, theta, free)
            u, s, vt = np.linalg.svd(jacobian, full_matrices=False)
            if s[0] == 0.0:  # no sample sees any of the parameters
                break
            before = cost
            while damping < _LARGEST_DAMPING:
                move = -(vt.T @ (s / (s**2 + damping * max(s[0], 1e-300) ** 2) * (u.T @ rest))) / length
                trial = theta.copy()
                trial[free] += move
                new = data.residuals(self(data.x, trial))
                trial_cost = float(new @ new)
                if trial_cost < cost:
                    theta, rest, cost = trial, new, trial_cost
                    damping = max(damping / 10, _LEAST_DAMPING)
                    break
                damping *= 10
            if cost <= floor or before - cost <= _SETTLED * before:
                break
        return theta, cost

    def _jacobian(self, data: _Samples, theta: FloatArray, free: Any) -> tuple[FloatArray, FloatArray]:
        """Derivatives by the free parameters in columns of unit length, and those lengths."""
        slopes = self._tape.slopes(data.x.shape[0], *data.x.T, *theta)[len(self.variables) :]
        columns = np.stack([slopes[k] for k in free], axis=1)
        columns *= data.weight[:, None]
        columns = np.where(np.isfinite(columns), columns, 0.0)
        largest = np.abs(columns).max(axis=0)  # whose square may be no float64
        largest[largest == 0.0] = 1.0
        length = np.linalg.norm(columns / largest, axis=0)
        length[length == 0.0] = 1.0
        return columns / largest / length, largest * length

    def _errors(self, data: _Samples, theta: FloatArray, free: Any, cost: float, noise: float) -> FloatArray:
        errors = np.zeros(theta.size)
        if free.size == 0:
            return errors
        jacobian, length = self._jacobian(data, theta, free)
        _, s, vt = np.linalg.svd(jacobian, full_matrices=False)
        seen = s > _BLIND * s[0] if s[0] > 0 else np.zeros(s.size, dtype=bool)
        n = data.y.size
        variance = cost / max(n - free.size, 1)
        deviation = np.sqrt(max(variance, noise**2, (4 * _EPS) ** 2 * data.square / n))
        errors[free] = deviation * np.sqrt(np.square(vt[seen] / s[seen, None]).sum(axis=0)) / length
        blind = np.sqrt(np.square(vt[~seen]).sum(axis=0)) > _SHARE
        errors[free[blind]] = np.inf
        return errors


class _Samples:
    """Samples with the factors of their residuals."""

    def __init__(self, x: FloatArray, y: FloatArray, weight: FloatArray) -> None:
        self.x, self.y, self.weight = x, y, weight
        self.square = float(np.square(y * weight).sum())

    def residuals(self, values: FloatArray) -> FloatArray:
        """(values - y) weight."""
        return np.asarray((values - self.y) * self.weight)

"""Levenberg-Marquardt: damped Gauss-Newton steps on a sum of squares.

With g the gradient of f and H its Gauss-Newton Hessian, every iteration solves

    (H + mu D) s = -g,    D = diag(d_i),  d_i = largest H_ii met so far,

by Cholesky's factorisation, and accepts s where f falls. The gain ratio rho = (f(theta) - f(theta + s)) /
predicted decrease controls the damping as in a trust region: mu is multiplied by max(1/5, 1 - (2 rho - 1)^3)
after an accepted step, and by 2, 4, 8, ... while steps are refused or the matrix is not positive definite in
float64.

Sources: K. Levenberg (1944), Quart. Appl. Math. 2, 164; D. W. Marquardt (1963), SIAM J. Appl. Math. 11, 431;
D from J. J. More (1978), The Levenberg-Marquardt algorithm: implementation and theory; the rule for mu from
H. B. Nielsen (1999), Damping parameter in Marquardt's method, with 1/5 for his 1/3.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import lapack

from kan_np._validate import FloatArray
from kan_np.objective.objective import Objective
from kan_np.optimize.outcome import Outcome
from kan_np.optimize.status import FitStatus

#: One step is one accepted iteration.
ITERATIONS_PER_STEP = 1

#: Largest number of parameters: the matrix then takes 1.2 GB.
MAX_PARAMS = 12_000

#: mu at the start and its bounds; at the upper bound no step lowers f, and the fit ends. Chosen by judgement.
_FIRST_DAMPING = 1e-2
_SMALLEST_DAMPING = 1e-15
_LARGEST_DAMPING = 1e12
#: Smallest gain ratio rho with which a step is accepted; chosen by judgement.
_SMALLEST_GAIN = 1e-4
#: Least d_i, as a fraction of the largest diagonal element: for parameters that no sample reaches. Chosen by
#: judgement.
_DIAGONAL_FLOOR = 1e-10
#: Converged after `_PATIENCE` iterations in a row that lower f by less than the fraction `_TOLERANCE`; chosen
#: by judgement.
_TOLERANCE, _PATIENCE = 1e-7, 5
#: Decreases of f below this fraction cannot be told from rounding.
_ROUNDING = 4 * np.finfo(np.float64).eps
#: Where no step lowers f, the fit counts as converged if the predicted decrease is below this fraction of f;
#: chosen by judgement.
_SETTLED = 1e-10


def minimize(
    objective: Objective,
    theta: FloatArray,
    max_iter: int,
    on_iteration: Callable[[FloatArray], bool],
    search: type[Search] | None = None,
) -> Outcome:
    """Minimise a sum of squares for at most `max_iter` accepted iterations.

    Parameters
    ----------
    objective : Objective
        Only `value` and `normal_equations` are called.
    theta : ndarray of shape (n_params,)
        Start; not changed.
    max_iter : int
    on_iteration : callable
        Called with the accepted parameters after every iteration (``objective.mse`` belongs to them);
        returning True stops.
    search : type of Search, optional
        How steps are found: `NormalSearch` if None.

    Returns
    -------
    Outcome
        With the best parameters. The status is CONVERGED when f can hardly be lowered any more, STALLED when
        no step lowers it or heavy damping makes all steps tiny (as at kinks of the model), NON_FINITE when f
        or its derivatives are NaN or infinite at the start. Nothing numerical raises.
    """
    state = (NormalSearch if search is None else search)(objective, theta.copy())
    n_iter = slow = 0
    while n_iter < max_iter:
        if not state.finite:
            return Outcome(state.theta, FitStatus.NON_FINITE, n_iter)
        before = state.f
        ended = state.iterate()
        if ended is not None:
            return Outcome(state.theta, ended, n_iter)
        n_iter += 1
        if on_iteration(state.theta.copy()):
            return Outcome(state.theta, FitStatus.STOPPED, n_iter)
        slow = slow + 1 if before - state.f <= _TOLERANCE * before else 0
        if slow >= _PATIENCE:  # either near a minimum, or heavy damping keeps the steps short
            settled = state.damping <= _FIRST_DAMPING
            return Outcome(state.theta, FitStatus.CONVERGED if settled else FitStatus.STALLED, n_iter)
        if n_iter < max_iter:
            state.linearise()
    return Outcome(state.theta, FitStatus.STEP_LIMIT, n_iter)


class Search(ABC):
    """State of a minimisation: parameters, f with its derivatives there, and the damping.

    Parameters
    ----------
    objective : Objective
    theta : ndarray of shape (n_params,)
    """

    f: float
    gradient: FloatArray
    diagonal: FloatArray  # of the Gauss-Newton Hessian

    def __init__(self, objective: Any, theta: FloatArray) -> None:
        self.objective, self.theta, self.damping = objective, theta, _FIRST_DAMPING
        self.scale = np.zeros(theta.size)
        self.linearise()

    @abstractmethod
    def evaluate(self) -> None:
        """Set f, gradient and diagonal at the present parameters, and what `solve` needs."""

    @abstractmethod
    def solve(self) -> FloatArray | None:
        """The step for the present damping; None where rounding makes that impossible."""

    def linearise(self) -> None:
        """Evaluate f and its derivatives at the present parameters."""
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is a status, not a warning
            self.evaluate()
            self.finite = bool(
                np.isfinite(self.f) and np.isfinite(self.gradient).all() and np.isfinite(self.diagonal).all()
            )
        if self.finite:
            largest = float(self.diagonal.max()) or 1.0
            self.scale = np.maximum(self.scale, np.maximum(self.diagonal, _DIAGONAL_FLOOR * largest))

    def iterate(self) -> FitStatus | None:
        """Move to a lower point; return None, or a status if there is no lower point."""
        growth = 2.0
        settled: bool | None = None
        while self.damping <= _LARGEST_DAMPING:
            step = self.solve()
            if step is not None:
                fall = -0.5 * float(step @ self.gradient) + 0.5 * self.damping * float(
                    step @ (self.scale * step)
                )
                if settled is None:  # only the first step counts: later ones are short because it was refused
                    settled = fall <= _SETTLED * self.f or self._is_negligible(step)
                if fall <= _ROUNDING * self.f:
                    break
                with np.errstate(over="ignore", invalid="ignore"):
                    new = self.objective.value(self.theta + step)
                gain = (self.f - new) / fall
                if np.isfinite(new) and gain > _SMALLEST_GAIN:
                    self.theta = self.theta + step
                    self.f = new
                    self.damping *= max(0.2, 1.0 - (2.0 * gain - 1.0) ** 3)
                    self.damping = max(self.damping, _SMALLEST_DAMPING)
                    return None
            self.damping *= growth
            growth *= 2.0
        return FitStatus.CONVERGED if settled else FitStatus.STALLED

    def _is_negligible(self, step: FloatArray) -> bool:
        """Whether |D^1/2 s| is at rounding size relative to |D^1/2 theta|."""
        size = np.sqrt(self.scale)
        with np.errstate(over="ignore", invalid="ignore"):  # of absurd data
            return bool(np.linalg.norm(size * step) <= 4 * _ROUNDING * np.linalg.norm(size * self.theta))


class NormalSearch(Search):
    """Steps by Cholesky's factorisation of H + mu D."""

    def __init__(self, objective: Objective, theta: FloatArray) -> None:
        n = theta.size
        self._factor = np.empty((n, n), order="F")
        self._factor_diagonal = self._factor.ravel(order="K")[:: n + 1]  # a view
        super().__init__(objective, theta)

    def evaluate(self) -> None:
        """See `Search`."""
        self.f, self.gradient, self.hessian = self.objective.normal_equations(self.theta)
        self.diagonal = self.hessian.diagonal().copy()

    def solve(self) -> FloatArray | None:
        """See `Search`; the matrix may be indefinite in float64."""
        factor = self._factor
        factor[:] = self.hessian
        with np.errstate(over="ignore"):  # of absurd data; the factorisation fails then
            self._factor_diagonal[:] = self.diagonal + self.damping * self.scale
        factor, failed = lapack.dpotrf(factor, lower=1, overwrite_a=1, clean=0)
        if failed:
            return None
        step, _ = lapack.dpotrs(factor, -self.gradient, lower=1)
        return step if np.isfinite(step).all() else None

"""Minimisers of scipy.optimize under their names there, with the interface and statuses of our own.

- "L-BFGS-B", "BFGS", "CG", "TNC" and "SLSQP" of `scipy.optimize.minimize` see value and gradient.
- "Newton-CG" and "trust-ncg" see products with the Gauss-Newton matrix in place of the Hessian.
- "trf" and "dogbox" of `scipy.optimize.least_squares` see residuals and a Jacobian. An objective offers the
  normal equations f, g = 2 J^T r and H = 2 J^T J. With H = V D V^T the n + 1 residuals

      D^(-1/2) V^T g  and  sqrt(2 f - |D^(-1/2) V^T g|^2),    with the Jacobian D^(1/2) V^T and 0,

  have the same J^T J = H, J^T r = g and half the sum of squares f, and both methods use nothing else.

SciPy's own tests of convergence are switched off where that is possible: they stop at a relative decrease of
1e-9 or a gradient of 1e-5, long before the precision of float64 is reached. A fit has converged when f falls
by less than the fraction 1e-12 in five iterations, when the gradient is zero, or when SciPy finds no lower
point after a decrease by less than the fraction 1e-7.

"trust-krylov" is left out: with SciPy 1.17 two runs from the same start in one process differed, and one
ended in NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import blas

from kan_np._validate import FloatArray
from kan_np.objective.objective import Objective
from kan_np.optimize.lbfgs import n_pairs
from kan_np.optimize.outcome import Outcome
from kan_np.optimize.status import FitStatus

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

#: Methods that see value and gradient, and those that see products with the Gauss-Newton matrix.
GRADIENT_METHODS = ("L-BFGS-B", "BFGS", "CG", "TNC", "SLSQP")
CURVATURE_METHODS = ("Newton-CG", "trust-ncg")
LEAST_SQUARES_METHODS = ("trf", "dogbox")

#: Converged after `_PATIENCE` iterations that together lower f by less than the fraction `_TOLERANCE`; chosen
#: by judgement.
_PATIENCE, _TOLERANCE = 5, 1e-12
#: Where a method gives up, the fit counts as converged if its last iteration lowered f by less than this
#: fraction; chosen by judgement.
_SETTLED = 1e-7
#: SciPy gets this many times the first value (at least this number) in place of a value that is NaN or
#: infinite, so that line searches shorten the step. Given infinity some of them interpolate to NaN.
_HUGE = 1e20
#: Eigenvalues of the Gauss-Newton matrix below this fraction of the largest are rounding.
_RANK = 1e-15
#: Parameters that no sample reaches get this fraction of the largest diagonal element, as in
#: `kan_np.optimize.levenberg_marquardt`.
_DIAGONAL_FLOOR = 1e-10
#: After this many refused steps in a row there is no lower point: a trust region that shrinks to a quarter
#: each time is then at 1e-18 of its size.
_MOST_REFUSED = 30
#: A search ends after this many evaluations without an accepted point: line searches of SciPy give up after
#: about 40, and "trf" does not end where a step is NaN.
_MOST_LOST = 300

_Watch = Callable[[FloatArray], bool]


def minimizer(method: str) -> Callable[[Objective, FloatArray, int, _Watch], Outcome]:
    """Return ``minimize(objective, theta, max_iter, on_iteration) -> Outcome`` for a method of SciPy."""

    def minimize(objective: Objective, theta: FloatArray, max_iter: int, on_iteration: _Watch) -> Outcome:
        search = _Search(objective, theta, max_iter, on_iteration)
        return search.run(method)

    minimize.__doc__ = f"Minimise by {method} of scipy.optimize for at most `max_iter` iterations."
    return minimize


class _Ended(Exception):  # noqa: N818  no error: the way out of SciPy's loops
    """Raised to leave SciPy's loop when this module ends a minimisation."""

    def __init__(self, status: FitStatus) -> None:
        super().__init__(status)
        self.status = status


class _Search:
    """An objective as functions for SciPy, and the best point that SciPy has accepted so far."""

    def __init__(self, objective: Objective, theta: FloatArray, max_iter: int, watch: _Watch) -> None:
        self.objective, self.max_iter, self._watch = objective, max_iter, watch
        self.theta = np.array(theta, dtype=np.float64)
        self.n_iter = 0
        self._curvature_at: FloatArray | None = None
        self._falls: list[float] = []
        self._refused = self._lost = 0
        self._errors = np.geterr()  # the caller's settings, restored while the callback runs
        self._wall_at = -_PATIENCE  # the last iteration in which a step led to a value that is not finite
        self._start, self._first = self.theta, objective(self.theta)
        self._huge = _HUGE * max(abs(float(self._first[0])), 1.0)
        self._now, _ = self._noted(self.theta, *self._first)

    def run(self, method: str) -> Outcome:
        if not self.last_finite:
            return Outcome(self.theta, FitStatus.NON_FINITE, 0)
        if not self._first[1].any():  # some methods divide by the gradient
            return Outcome(self.theta, FitStatus.CONVERGED, 0)
        try:
            with np.errstate(all="ignore"):  # divergence is a status, not a warning
                reached = -1
                while reached < self.n_iter:  # a failed line search may succeed after a restart
                    reached = self.n_iter
                    self._call(method)
            status = self._given_up()
        except _Ended as ended:
            status = ended.status
        return Outcome(self.theta, status, self.n_iter)

    def _call(self, method: str) -> None:
        from scipy.optimize import least_squares  # imported here, since the import takes 0.2 s
        from scipy.optimize import minimize as scipy_minimize

        if method in LEAST_SQUARES_METHODS:
            least_squares(
                self._residuals,
                self.theta,
                jac=self._jacobian,
                method=method,
                x_scale=self._scales(),
                ftol=None,
                xtol=1e-15,
                gtol=None,
                max_nfev=_MANY,
                callback=self._accept_result,
            )
            return
        options: dict[str, Any] = dict(_OPTIONS[method])
        if method == "L-BFGS-B":
            options["maxcor"] = n_pairs(self.theta.size)
        products = {"hessp": self._product} if method in CURVATURE_METHODS else {}
        scipy_minimize(
            self._value_and_gradient,
            self.theta,
            jac=True,
            method=method,
            callback=self._accept,
            options=options,
            **products,
        )

    def _value_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        if np.array_equal(theta, self._start):  # the start was evaluated before
            value, gradient = self._first
            return self._noted(theta, value, gradient.copy())
        return self._noted(theta, *self.objective(theta))

    def _noted(self, theta: FloatArray, value: float, gradient: FloatArray) -> tuple[float, FloatArray]:
        """Record an evaluation at theta as the last one; return a finite value and gradient for SciPy."""
        self._at = theta.copy()
        self.last_finite = bool(np.isfinite(value) and np.isfinite(gradient).all())
        if not self.last_finite and np.isfinite(theta).all():  # a theta that is not finite is SciPy's fault
            self._wall_at = self.n_iter
        self._lost += 1
        if self._lost > _MOST_LOST:
            raise _Ended(self._given_up())
        self._value = float(value) if self.last_finite else self._huge
        return self._value, gradient if self.last_finite else np.zeros_like(gradient)

    def _accept_result(self, intermediate_result: OptimizeResult) -> None:
        self._accept(intermediate_result.x)

    def _accept(self, theta: FloatArray) -> None:
        """Count an iteration of SciPy, and end the minimisation if it has converged."""
        if np.array_equal(theta, self.theta):  # trust regions come back with a step refused
            self._refuse()
            return
        if not np.array_equal(theta, self._at):
            self._noted(theta, *self.objective(theta))  # the parts of its last value are of theta
        if not self.last_finite or self._value > self._now:
            self._refuse()  # SLSQP reports steps before it shortens them
            return
        self._falls = [*self._falls[1 - _PATIENCE :], self._now - self._value]
        self._now, self.theta = self._value, theta.copy()
        self._refused = self._lost = 0
        self.n_iter += 1
        try:
            with np.errstate(**self._errors):
                stop = self._watch(self.theta.copy())
        except StopIteration as error:  # SciPy would take it as its own request to stop
            raise RuntimeError("the callback raised StopIteration; return True to stop a fit") from error
        if stop:
            raise _Ended(FitStatus.STOPPED)
        if len(self._falls) == _PATIENCE and sum(self._falls) <= _TOLERANCE * abs(self._now):
            raise _Ended(self._given_up())
        if self.n_iter >= self.max_iter:
            raise _Ended(FitStatus.STEP_LIMIT)

    def _refuse(self) -> None:
        self._refused += 1
        if self._refused > _MOST_REFUSED:
            raise _Ended(self._given_up())

    def _given_up(self) -> FitStatus:
        """The status of a minimisation in which SciPy finds no lower point."""
        if self.n_iter - self._wall_at < _PATIENCE:
            return FitStatus.NON_FINITE
        if self._falls:
            settled = self._falls[-1] <= _SETTLED * abs(self._now)
        else:  # the predicted change by a step of the size of the parameters
            reach = np.abs(self._first[1]) @ np.maximum(np.abs(self.theta), 1.0)
            settled = bool(reach <= _SETTLED * abs(self._now))
        return FitStatus.CONVERGED if settled else FitStatus.STALLED

    # ------------------------------------------------------------ curvature

    def _product(self, theta: FloatArray, direction: FloatArray) -> FloatArray:
        """The Gauss-Newton matrix at theta times a direction."""
        if self._curvature_at is None or not np.array_equal(theta, self._curvature_at):
            _, _, self._matrix = self.objective.normal_equations(theta)
            diagonal = self._matrix.diagonal()
            if not np.isfinite(diagonal).all():
                raise _Ended(FitStatus.NON_FINITE)
            self._matrix[np.diag_indices_from(self._matrix)] += _DIAGONAL_FLOOR * float(diagonal.max())
            self._curvature_at = theta.copy()
        product: FloatArray = blas.dsymv(1.0, self._matrix, direction, lower=1)
        return product

    def _scales(self) -> FloatArray:
        """Typical sizes of steps: one over the norms of the columns of the Jacobian, which have a floor."""
        diagonal = self.objective.normal_equations(self.theta)[2].diagonal()
        if not np.isfinite(diagonal).all():
            raise _Ended(FitStatus.NON_FINITE)
        floor = _DIAGONAL_FLOOR * (float(diagonal.max()) or 1.0)
        return np.asarray(1.0 / np.sqrt(np.maximum(diagonal, floor)))

    def _residuals(self, theta: FloatArray) -> FloatArray:
        """The n + 1 residuals of the module docstring."""
        value, gradient, lower = self.objective.normal_equations(theta)
        n = theta.size
        self._root = np.zeros((n + 1, n))
        matrix = np.tril(lower) + np.tril(lower, -1).T
        value, gradient = self._noted(theta, value, gradient)
        if not (self.last_finite and np.isfinite(matrix).all()):
            self.last_finite = False
            return np.full(n + 1, math.sqrt(2.0 * self._huge / (n + 1)))
        size, vectors = np.linalg.eigh(matrix)
        kept = size > _RANK * size[-1]
        roots = np.sqrt(size[kept])
        self._root[:n][kept] = roots[:, None] * vectors[:, kept].T
        residuals = np.zeros(n + 1)
        residuals[:n][kept] = (vectors[:, kept].T @ gradient) / roots
        residuals[n] = math.sqrt(max(2.0 * value - float(residuals @ residuals), 0.0))
        return residuals

    def _jacobian(self, theta: FloatArray) -> FloatArray:
        if not np.array_equal(theta, self._at):
            self._residuals(theta)
        return self._root


#: Options that switch off SciPy's own tests of convergence.
_MANY = 10**9
_OPTIONS: dict[str, dict[str, float | int]] = {
    "L-BFGS-B": {"ftol": 0.0, "gtol": 0.0, "maxiter": _MANY, "maxfun": _MANY},
    "BFGS": {"gtol": 0.0, "maxiter": _MANY},
    "CG": {"gtol": 0.0, "maxiter": _MANY},
    "TNC": {"ftol": 0.0, "xtol": 0.0, "gtol": 0.0, "maxfun": _MANY},
    "SLSQP": {"ftol": 0.0, "maxiter": _MANY},
    "Newton-CG": {"xtol": 0.0, "maxiter": _MANY},
    "trust-ncg": {"gtol": 0.0, "maxiter": _MANY},
}

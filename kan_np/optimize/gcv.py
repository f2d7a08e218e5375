"""Choice of the weight of the smoothing penalty by generalised cross-validation (GCV).

For a weight lambda with the fitted parameters theta, J the Jacobian of the outputs there and n the number of
residuals,

    GCV(lambda) = mse / (1 - edf / n)^2,    edf = tr[(J^T W J + lambda P)^-1 J^T W J],

where edf is the effective number of parameters, so that 1 - edf / n is the fraction of degrees of freedom
that the fit leaves to the residuals. Weights are tried from large to small, a factor of ten apart, each fit
starting from the previous one; then half a decade above and below the best.

Source: P. Craven and G. Wahba (1979), Smoothing noisy data with spline functions, Numer. Math. 31, 377; at
the converged fits of a nonlinear model as in F. O'Sullivan and G. Wahba (1985), J. Comput. Phys. 59, 441.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import lapack

from kan_np._validate import FloatArray
from kan_np.objective.objective import SampledObjective
from kan_np.optimize import Optimizer
from kan_np.optimize.status import FitStatus

#: Largest weight, which makes edges nearly straight, and how many decades are tried; chosen by judgement.
LARGEST = 1e4
_DECADES = 16
#: Largest number of parameters: several matrices of as many rows and columns (200 MB each) are in memory at
#: once.
MAX_PARAMS = 5000
#: The search ends after this many weights in a row whose GCV is this factor above the best. The factor is not
#: 1 since the scores of nearly straight fits differ by rounding only. Chosen by judgement.
_PATIENCE, _WORSE = 3, 1.01
#: Optimizer steps for each weight; chosen by judgement.
_STEPS_A_WEIGHT = 30
#: Ridge: this fraction of the mean diagonal element is added to the diagonal, so that the matrix can be
#: factorised where parameters have no data. Chosen by judgement.
_RIDGE = 1e-10


class Smoothed(SampledObjective, Protocol):
    """An objective with a smoothing weight that can be changed."""

    smoothing: float


@dataclass(frozen=True)
class Choice:
    """A weight, the parameters fitted with it, and how many iterations the search took."""

    smoothing: float
    theta: FloatArray
    n_iter: int
    stopped: bool


def choose_smoothing(
    objective: Smoothed,
    theta: FloatArray,
    optimizer: Optimizer,
    on_iteration: Callable[[FloatArray], bool],
) -> Choice:
    """Return the weight with the lowest GCV; `objective` is left with it."""
    path = _Path(objective, theta, optimizer, on_iteration)
    worse = 0
    for decade in range(_DECADES):
        score = path.try_weight(LARGEST * 10.0**-decade, theta)
        theta = path.theta
        worse = worse + 1 if score > _WORSE * path.best_score else 0
        if path.stopped or worse >= _PATIENCE:
            break
    best, start = path.best_weight, path.best_theta
    for factor in (np.sqrt(10.0), np.sqrt(0.1)):
        if not path.stopped:
            path.try_weight(best * factor, start)
    objective.smoothing = path.best_weight
    return Choice(path.best_weight, path.best_theta, path.n_iter, path.stopped)


class _Path:
    def __init__(
        self,
        objective: Smoothed,
        theta: FloatArray,
        optimizer: Optimizer,
        on_iteration: Callable[[FloatArray], bool],
    ) -> None:
        self.objective, self.optimizer, self.on_iteration = objective, optimizer, on_iteration
        self.theta = self.best_theta = theta
        self.best_score, self.best_weight = np.inf, LARGEST
        self.n_iter = self.n_tried = 0
        self.stopped = False

    def try_weight(self, weight: float, start: FloatArray) -> float:
        """GCV of the fit with a weight; also records the best fit so far."""
        self.objective.smoothing = weight
        steps = _STEPS_A_WEIGHT * self.optimizer.iterations_per_step
        outcome = self.optimizer.minimize(self.objective, start, steps, self.on_iteration)
        self.theta = outcome.theta
        self.n_iter += outcome.n_iter
        self.stopped = outcome.status is FitStatus.STOPPED
        score = gcv_score(self.objective, outcome.theta)
        self.n_tried += 1
        if self.n_tried == 1 or score < self.best_score:
            self.best_score, self.best_weight, self.best_theta = score, weight, outcome.theta
        return score


def gcv_score(objective: Smoothed, theta: FloatArray) -> float:
    """GCV at fitted parameters; infinite where edf >= n or the fit is not finite."""
    weight = objective.smoothing
    _, _, with_penalty = objective.normal_equations(theta)
    damped = with_penalty.copy(order="F")
    objective.smoothing = 0.0
    _, _, hessian = objective.normal_equations(theta)
    objective.smoothing = weight
    mse, n = objective.mse, objective.n_residuals
    if not (np.isfinite(mse) and np.isfinite(hessian.diagonal()).all()):
        return np.inf
    data = np.tril(hessian)
    data += np.tril(hessian, -1).T
    damped[np.diag_indices_from(damped)] += _RIDGE * max(float(data.diagonal().mean()), np.finfo(float).tiny)
    factor, failed = lapack.dpotrf(damped, lower=1, overwrite_a=1)
    if failed:
        return np.inf
    solved, _ = lapack.dpotrs(factor, data, lower=1)
    freedom = 1.0 - float(np.trace(solved)) / n
    return mse / freedom**2 if freedom > 0 else np.inf

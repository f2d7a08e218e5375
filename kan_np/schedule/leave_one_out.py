"""Leave-one-out cross-validation of a fitted model in a linear approximation, without fitting again.

With A = J^T V J + P half of the Gauss-Newton Hessian at the fitted parameters, V the weights of the samples
and P that of the smoothing, and H_s = v_s J_s A^-1 J_s^T the influence (leverage) of a sample on its own
outputs, the residual of the sample in a fit without it would be

    (1 - H_s)^-1 r_s

if the model were linear in its parameters. Unlike validation by a few hundred held-out samples this uses all
training samples, also those at the ends of the range, where a spline depends on single samples: [2,2,1] of
order 5, G = 50, on Ai(3x) + y^3, data seed 101, had a validation RMSE of 9e-10, 5e-7 by this, and a test RMSE
of 2e-6. On sin x + 7 sin^2 y + z^4 sin x / 10, data seed 100, validation took [3,2,1], G = 50, with 7.7e-9
and a test RMSE of 1.0e-6 over [3,4,1], G = 25, with 1.1e-8 and 1.2e-8; by this they have 1.6e-8 and 9.1e-9.
It can also mislead: where one sample alone determines a corner of the domain, a good model may look bad
(Franke's function, data seed 100: [2,8,1] and [2,4,1] have 7.8e-5 and 1.3e-5 by this, 6.5e-6 and 4.4e-6 by
validation, and test RMSE of 2.4e-6 and 1.1e-5).

Source: R. D. Cook and S. Weisberg (1982), Residuals and influence in regression, section 2.2.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import lapack

from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np.data.check import Dataset
from kan_np.data.standardize import common_unit
from kan_np.objective.evaluator import residual_weights
from kan_np.objective.smoothing import WEAK
from kan_np.objective.sparsity_penalty import Penalty
from kan_np.training.estimator import Estimator

#: Most residuals for which this is computed: with more, held-out samples are enough, and it takes long (0.3 s
#: of processor time for 1000 residuals and 500 parameters).
MOST_RESIDUALS = 4000
#: Ridges, as fractions of the mean diagonal element of A, that are tried in turn until A can be factorised.
_RIDGES = (1e-13, 1e-11, 1e-9)
#: Largest influence of a sample on itself; at 1 the residual without it is not determined.
_MOST_INFLUENCE = 1.0 - 1e-9


def leave_one_out_rmse(model: Estimator, data: Dataset, smoothing: float | str) -> float:
    """Leave-one-out RMSE of the training samples, in the units of the data.

    NaN if it cannot be computed, infinite if it overflows.

    Parameters
    ----------
    model : Estimator
        A model that was fitted by least squares.
    data : dict
        The samples of the fit.
    smoothing : float or str
        The smoothing of the fit; for words other than "weak" the result is NaN.
    """
    x, y, weight = data["train_input"], data["train_label"], data.get("train_weight")
    unit = data.get("label_unit", np.ones(y.shape[1]))
    size = float(unit.max())
    if y.size > MOST_RESIDUALS or (isinstance(smoothing, str) and smoothing != WEAK):
        return math.nan
    v = residual_weights(y, weight)
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        objective = model._objective(x, y, Penalty(), weight, smoothing)
        factor = _factor(objective.normal_equations(model._theta)[2])
        if factor is None:
            return math.inf
        outputs = model._forward(x)
        total = 0.0
        for s in range(y.shape[0]):
            jacobian = _jacobian(model, x[s : s + 1], outputs[s : s + 1])
            solved, _ = lapack.dtrtrs(factor, jacobian.T, lower=1)
            influence, directions = np.linalg.eigh(v[s] * (solved.T @ solved))
            left = 1.0 - np.minimum(influence, _MOST_INFLUENCE)
            residual = (outputs[s] - y[s]) @ directions / left
            if common_unit(data) is None:
                residual = unit / size * (directions @ residual)
            total += v[s] * float(np.sum(residual**2))
    return math.sqrt(total) * size if math.isfinite(total) else math.inf


def _factor(hessian: FloatArray) -> FloatArray | None:
    """Cholesky factor of half of a matrix whose lower triangle is given."""
    if not np.isfinite(hessian.diagonal()).all():
        return None
    half = 0.5 * np.tril(hessian)
    size = float(half.diagonal().mean())
    for ridge in _RIDGES:
        damped = half.copy(order="F")
        damped[np.diag_indices_from(damped)] += ridge * size
        factor, failed = lapack.dpotrf(damped, lower=1, overwrite_a=1)
        if not failed:
            return np.asarray(factor)
    return None


def _jacobian(model: Estimator, x: FloatArray, outputs: FloatArray) -> FloatArray:
    """Derivatives of the outputs of one sample by the parameters, shape (n_out, n_params).

    The gradient of a loss whose residual is 1 in one output and 0 in the others.
    """
    n_out = outputs.shape[1]
    rows = []
    for residual in np.eye(n_out):
        objective = model._objective(x, outputs - residual, Penalty(), None, 0.0)
        rows.append(0.5 * n_out * objective(model._theta)[1])
    return np.stack(rows)

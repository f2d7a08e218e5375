"""Size of the noise and weight of the prior by marginal likelihood (evidence) of a model linear in theta.

With H = sum_s w_s J_s^T J_s, J_s the derivatives of the outputs of a sample by the parameters theta, rss the
weighted sum of the n squared residuals, a prior of precision alpha R and Q = theta^T R theta, the logarithm
of the evidence at the fitted parameters is, up to a constant,

    -(n log sigma^2 + rss / sigma^2 + alpha Q + log |H / sigma^2 + alpha R| - log |alpha R|) / 2.

For t = alpha sigma^2 the best noise is sigma^2 = (rss + t Q) / n, and with the eigenvalues mu of H v = mu R v
what is left is a function of one variable, -2 log evidence = n log(rss + t Q) + sum log(1 + mu / t), whose
lowest value is looked for. There

    sigma^2 = rss / (n - gamma),  alpha = gamma / Q,  gamma = sum mu / (mu + t),

gamma being the effective number of parameters.

Source: D. J. C. MacKay (1992), Bayesian interpolation, Neural Computation 4, 415, eq. (4.8) to (4.10).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from kan_np._validate import FloatArray

#: Ends of log10 of t over the largest eigenvalue, and steps between them; chosen by judgement.
_LOWEST, _HIGHEST, _STEPS = -16.0, 4.0, 81


@dataclass(frozen=True)
class Evidence:
    """What the evidence says, and the posterior of the parameters.

    Attributes
    ----------
    noise_variance : float
        sigma^2.
    prior_precision : float
        alpha.
    n_effective : float
        gamma.
    root : ndarray of shape (n_params, n_params)
        C with sigma^2 C C^T = (H / sigma^2 + alpha R)^-1, the covariance of the parameters.
    """

    noise_variance: float
    prior_precision: float
    n_effective: float
    root: FloatArray


def best_evidence(
    curvature: FloatArray, prior: FloatArray, theta: FloatArray, rss: float, n_residuals: int
) -> Evidence:
    """The noise and the precision of the prior of highest evidence.

    Parameters
    ----------
    curvature : ndarray of shape (n_params, n_params)
        H.
    prior : ndarray of shape (n_params, n_params)
        R, positive definite.
    theta : ndarray of shape (n_params,)
        Fitted parameters.
    rss : float
        Weighted sum of squared residuals; the mean of the weights is 1.
    n_residuals : int
        n.
    """
    mu, vectors = eigh(curvature, prior)
    mu = np.maximum(mu, 0.0)
    square = float(theta @ prior @ theta)
    largest = float(mu.max(initial=0.0)) or 1.0

    def cost(log_t: float) -> float:
        """-2 log evidence."""
        t = largest * 10.0**log_t
        return n_residuals * math.log(max(rss + t * square, 5e-324)) + float(np.log1p(mu / t).sum())

    from scipy.optimize import minimize_scalar  # imported where used, since the import takes 0.06 s

    tried = np.linspace(_LOWEST, _HIGHEST, _STEPS)
    best = int(np.argmin([cost(one) for one in tried]))
    around = tried[max(best - 1, 0)], tried[min(best + 1, _STEPS - 1)]
    found = minimize_scalar(cost, bounds=around, method="bounded", options={"xatol": 1e-9})
    t = largest * 10.0 ** float(found.x)
    noise = max((rss + t * square) / n_residuals, np.finfo(float).tiny)
    gamma = float((mu / (mu + t)).sum())
    return Evidence(noise, t / noise, gamma, vectors / np.sqrt(mu + t))

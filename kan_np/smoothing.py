"""Difference penalties on spline coefficients: P-splines.

    S(c) = sum over edges of sum_m (c_{m+1} - 2 c_m + c_{m-1})^2,

and the objective becomes the mean squared error + smoothing * S. S vanishes for straight lines and is, up to
a power of the knot distance, the integral of the squared second derivative.

Two words stand for a weight. "gcv" chooses it by generalised cross-validation (`kan_np.optimize.gcv`).
"weak" lets it follow the loss: before every Levenberg-Marquardt iteration it becomes

    smoothing = 0.03 mse / (S(c) + v),

v the variance of the labels: at most three per cent of the loss whatever the scale of the data. It sinks
with the loss and so never limits the accuracy, but coefficients that few samples determine stay tied to
their neighbours. Without v a straight line, S = 0, would attract every fit.

Source: P. H. C. Eilers and B. D. Marx (1996), Flexible smoothing with B-splines and penalties, Statistical
Science 11, 89, with differences of order 2.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from kan_np._validate import FloatArray, choice, real

#: Order of the differences.
ORDER = 2

#: Words for a weight that is not given as a number.
GCV, WEAK = "gcv", "weak"

#: The word for no smoothing but where samples are few; see `kan_np.optimize.cross_validation`.
AUTO = "auto"

#: Share of S in the loss under "weak": of 0, 0.01, 0.03, 0.1 and 0.3 the best on three special functions.
_WEAK_SHARE = 0.03


def check_smoothing(value: object) -> float | str:
    """Return the weight as a float >= 0, "auto", "gcv" or "weak"."""
    if isinstance(value, str):
        return choice("smoothing", value, (AUTO, GCV, WEAK))
    return real("smoothing", value, 0.0)


def weak_weight(mse: float, coef: FloatArray, label_variance: float) -> float:
    """The weight that "weak" means for a loss, coefficients and the variance of the labels."""
    size = roughness(coef)[0] + label_variance
    return _WEAK_SHARE * mse / size if size > 0 and np.isfinite(mse) and np.isfinite(size) else 0.0


@cache
def difference_matrix(n_basis: int) -> FloatArray:
    """D of shape (n_basis, n_basis - 2): coef @ D are the second differences; no columns below 3."""
    if n_basis <= ORDER:
        return np.zeros((n_basis, 0))
    differences: FloatArray = np.ascontiguousarray(np.diff(np.eye(n_basis), ORDER, axis=0).T)
    differences.flags.writeable = False
    return differences


def roughness_matrix(n_basis: int) -> FloatArray:
    """D D^T of shape (n_basis, n_basis), the matrix of S for one edge."""
    d = difference_matrix(n_basis)
    return d @ d.T


def roughness(coef: FloatArray) -> tuple[float, FloatArray]:
    """S and its gradient; coef has shape (n_edges, n_basis)."""
    d = difference_matrix(coef.shape[1])
    bends = coef @ d
    return float(np.vdot(bends, bends)), 2.0 * bends @ d.T

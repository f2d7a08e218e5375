"""Penalties on the roughness of edges: P-splines.

For an edge e with coefficients c the roughness S_e is a sum of squared differences,

    S_e = sum_m (D c)_m^2,

and the objective becomes the mean squared error + sum over edges of lambda_e S_e.

A number, and "gcv", which chooses it by generalised cross-validation (`kan_np.optimize.gcv`), are one lambda
for all edges; D takes differences of order 2, (D c)_m = c_{m+1} - 2 c_m + c_{m-1}. S vanishes for straight
lines and is, up to a power of the knot distance, the integral of the squared second derivative: what noisy
data want.

"weak" is for data without noise. D takes the jumps of the k-th derivative at the knots inside the grid, on
even grids the differences of order k + 1: S vanishes for the polynomials that a spline of order k can be, so
that coefficients which few samples determine carry the polynomial of their neighbours on. The weights follow
the loss. Before every Levenberg-Marquardt iteration they become

    lambda_e = 0.5 mse s_e / sum over edges of s (S + r V),

where s_e is how much the outputs feel the edge (the trace of its block of the Gauss-Newton matrix), V_e =
sum_m (c_m - mean c)^2, and r = min(mse / v, 1) with v the variance of the labels. So the penalty is at most
half the loss, whatever the scales of data and edges, and sinks with it. What is minimised is log mse +
0.5 log sum(s S): the error, and the roughness in units of the outputs. Without r V edges that are
polynomials, S = 0, would attract every fit.

Sources: P. H. C. Eilers and B. D. Marx (1996), Flexible smoothing with B-splines and penalties, Statistical
Science 11, 89, for the differences; the jumps as in P. Dierckx (1993), Curve and Surface Fitting with
Splines, section 4.1 (FITPACK's smoothing norm).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from kan_np._validate import FloatArray, choice, real
from kan_np.pieces import SplineTable

#: Order of the differences for a weight that is a number.
ORDER = 2

#: Words for a weight that is not given as a number.
GCV, WEAK = "gcv", "weak"
#: The word for no smoothing but where samples are few; see `kan_np.optimize.cross_validation`.
AUTO = "auto"

#: Grids whose steps differ by less than this part of their mean are even.
_EVEN = 1e-9

#: Share of the penalty in the loss under "weak", at most. Chosen on data seeds 100 to 109, test RMSE:
#: exp(sin(pi x) + y^2), [2,1,1], 1000 samples, median at G = 100 and worst at G = 50:
#: 0.03 5.8e-8 and 9.6e-7, 0.3 4.4e-8 and 9.5e-7, 0.5 2.1e-8 and 4.9e-7, 0.7 2.1e-8 and 5.1e-7;
#: 3 % of differences of order 2, the rule before, 4.4e-8 and 9.5e-7 (and without a longer reach worst 8e-5).
#: On the special functions, geometric mean, 0.3 is 1.8 times better than the rule before; from 1 on an edge
#: that is smooth pays more than one that is right (Y_1^1 3e-7 in place of 8e-9).
_WEAK_SHARE = 0.5


def check_smoothing(value: object) -> float | str:
    """Return the weight as a float >= 0, "auto", "gcv" or "weak"."""
    if isinstance(value, str):
        return choice("smoothing", value, (AUTO, GCV, WEAK))
    return real("smoothing", value, 0.0)


@cache
def difference_matrix(n_basis: int, order: int = ORDER) -> FloatArray:
    """D of shape (n_basis, n_basis - order): coef @ D are the differences; no columns for fewer numbers."""
    if n_basis <= order:
        return np.zeros((n_basis, 0))
    differences: FloatArray = np.ascontiguousarray(np.diff(np.eye(n_basis), order, axis=0).T)
    differences.flags.writeable = False
    return differences


def jump_matrices(table: SplineTable) -> FloatArray:
    """D of shape (n_nodes, G + k, G - 1): coef @ D[i] are the jumps of the k-th derivative at inner knots.

    In units of the mean knot distance h, h^k times the jump, so that D is `difference_matrix` of order k + 1
    on even grids.
    """
    k, knots = table.k, table.knots
    matrices = np.repeat(difference_matrix(table.n_basis, k + 1)[None], knots.shape[0], axis=0)
    steps = np.diff(knots, axis=1)
    uneven = np.flatnonzero(np.ptp(steps, axis=1) > _EVEN * steps.mean(axis=1))
    if uneven.size:
        middles = 0.5 * (knots[uneven, :-1] + knots[uneven, 1:])  # derivatives of order k are constant there
        top = SplineTable.build(knots[uneven], k).design_matrices(middles, nu=k)
        jumps = np.diff(top, axis=1) * steps[uneven].mean(axis=1)[:, None, None] ** k
        matrices[uneven] = np.swapaxes(jumps, 1, 2)
    return matrices


def roughness(coef: FloatArray, differences: FloatArray) -> tuple[FloatArray, FloatArray]:
    """S of every edge, and its gradient.

    Parameters
    ----------
    coef : ndarray of shape (n_edges, n_basis)
    differences : ndarray of shape (n_basis, n_differences) or (n_edges, n_basis, n_differences)
        D, of all edges or of each.

    Returns
    -------
    tuple of ndarray
        S of shape (n_edges,) and dS/dc of the shape of coef.
    """
    bends = np.matmul(coef[:, None, :], differences)
    slope = 2.0 * np.matmul(bends, np.swapaxes(differences, -1, -2))
    return np.square(bends).sum(axis=(1, 2)), slope[:, 0]


def weak_weights(
    mse: float, coef: FloatArray, differences: FloatArray, sensitivity: FloatArray, label_variance: float
) -> FloatArray:
    """The weights lambda_e of all edges that "weak" means for a loss; zeros where nothing is finite.

    Parameters
    ----------
    mse : float
    coef : ndarray of shape (n_edges, n_basis)
    differences : ndarray
        As for `roughness`.
    sensitivity : ndarray of shape (n_edges,)
        s of every edge.
    label_variance : float
        v.
    """
    none = np.zeros(len(coef))
    with np.errstate(all="ignore"):  # divergence is a status of the fit
        size = np.square(coef - coef.mean(axis=1, keepdims=True)).sum(axis=1)
        unexplained = min(mse / label_variance, 1.0) if label_variance > 0 else 0.0
        total = float(sensitivity @ (roughness(coef, differences)[0] + unexplained * size))
        weights: FloatArray = _WEAK_SHARE * mse * sensitivity / total if total > 0 else none
    return weights if np.isfinite(total) and np.isfinite(weights).all() else none

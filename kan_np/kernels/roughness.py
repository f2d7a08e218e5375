"""Squared differences along the coefficients of edges, with their derivatives.

Coefficients c of an edge e lie in its row of `theta` from column `first` on. Differences are a band,

    (D c)_m = sum_i band[e, m, i] c_{m+i},    S_e = sum_m (D c)_m^2,

one for all edges, shape (1, n_differences, width), or one for each.
"""

from __future__ import annotations

from kan_np.kernels._jit import entry, jit_inline


@jit_inline
def difference(theta, e, at, band, own, m):
    """(D c)_m, with c_m in column `at`."""
    total = 0.0
    for i in range(band.shape[2]):
        total += band[own, m, i] * theta[e, at + i]
    return total


@entry
def squares(theta, first, band, rough):
    """Write S of every edge to `rough` and return their sum."""
    total = 0.0
    for e in range(theta.shape[0]):
        own, square = min(e, band.shape[0] - 1), 0.0
        for m in range(band.shape[1]):
            d = difference(theta, e, first + m, band, own, m)
            square += d * d
        rough[e] = square
        total += square
    return total


@entry
def add_gradient(theta, first, band, weight, grad):
    """Return sum_e weight_e S_e and add its derivatives to `grad`, of the shape of `theta`."""
    total = 0.0
    for e in range(theta.shape[0]):
        own, square = min(e, band.shape[0] - 1), 0.0
        for m in range(band.shape[1]):
            d = difference(theta, e, first + m, band, own, m)
            square += d * d
            slope = 2.0 * weight[e] * d
            for i in range(band.shape[2]):
                grad[e, first + m + i] += slope * band[own, m, i]
        total += weight[e] * square
    return total


@entry
def add_curvature(first, row_step, column_step, band, weight, out):
    """Add the second derivatives of sum_e weight_e S_e to `out`.

    Those of edge e by c_m and c_n go to row first + e row_step + m and column first + e column_step + n.
    """
    for e in range(weight.shape[0]):
        own, row, column = min(e, band.shape[0] - 1), first + e * row_step, first + e * column_step
        for m in range(band.shape[1]):
            for i in range(band.shape[2]):
                scaled = 2.0 * weight[e] * band[own, m, i]
                for j in range(band.shape[2]):
                    out[row + m + i, column + m + j] += scaled * band[own, m, j]

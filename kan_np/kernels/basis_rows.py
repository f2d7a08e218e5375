"""Edges of other families than B-splines, phi(x) = sum_r c_r psi_r(x), over a block of samples.

The functions of a source node and their derivatives are rows, filled once for all edges of the family that
leave it; values, derivatives by coefficients and by the node are sums over rows. A compiled family has a
number and a branch here (see `kan_np.edges.family`). Networks without such edges pass empty arrays, networks
of B-splines and sums alone pass None.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit

#: Numbers of the compiled families, `Basis.kernel`.
PIECEWISE_LINEAR, CHEBYSHEV = range(2)


@jit
def fill_rows(bases, b, x, i, n):
    """Functions and derivatives of block b, whose source is i, at the samples x[i]."""
    if bases.kind[b] == CHEBYSHEV:
        chebyshev_rows(bases, b, x, i, n)
    else:
        hat_rows(bases, b, x, i, n)


@jit
def chebyshev_rows(bases, b, x, i, n):
    """T_r(z) by T_{r+1} = 2 z T_r - T_{r-1}, T'_{r+1} = 2 T_r + 2 z T'_r - T'_{r-1}; tangents outside."""
    low, high, row = bases.low[b], bases.high[b], np.uint64(i)
    first, n_functions = bases.row_start[b], bases.n_functions[b]
    scale = 2.0 / (high - low)
    rows, slopes = bases.rows, bases.slopes
    for s in range(n):
        z = (x[row, s] - low) * scale - 1.0
        inside = -1.0 if z < -1.0 else (1.0 if z > 1.0 else z)
        value, before = inside, 1.0
        slope, slope_before = 1.0, 0.0
        rows[first, s], slopes[first, s] = 1.0, 0.0
        for r in range(1, n_functions):
            rows[first + r, s] = value + (z - inside) * slope
            slopes[first + r, s] = slope * scale
            value, before, slope, slope_before = (
                2.0 * inside * value - before,
                value,
                2.0 * value + 2.0 * inside * slope - slope_before,
                slope,
            )


@jit
def hat_rows(bases, b, x, i, n):
    """Hat functions of an even grid; the lines of the outermost intervals go on outside."""
    low, high, row = bases.low[b], bases.high[b], np.uint64(i)
    first, n_intervals = bases.row_start[b], bases.n_functions[b] - 1
    step = n_intervals / (high - low)
    rows, slopes = bases.rows, bases.slopes
    for r in range(n_intervals + 1):
        for s in range(n):
            rows[first + r, s], slopes[first + r, s] = 0.0, 0.0
    for s in range(n):
        u = (x[row, s] - low) * step
        p = np.int64(min(np.floor(u), n_intervals - 1.0)) if u >= 1.0 else np.int64(0)  # NaN goes to 0
        rows[first + p, s], rows[first + p + 1, s] = 1.0 - (u - p), u - p
        slopes[first + p, s], slopes[first + p + 1, s] = -step, step


@jit
def add_bases(bases, first, end, n, x, sums):
    """sums[target[e], s] += phi_e(x[i, s]) for the edges e that leave the nodes first <= i < end."""
    if bases is not None:
        for i in range(first, end):
            for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
                fill_rows(bases, b, x, i, n)
                for e in range(bases.edge_start[b], bases.edge_start[b + 1]):
                    add_edge_values(bases, b, e, n, sums, bases.target[e])


@jit
def add_edge_values(bases, b, e, n, out, row):
    """out[row, s] += phi_e, from the rows of block b."""
    j = np.uint64(row)
    for r in range(bases.n_functions[b]):
        c, q = bases.coef[bases.first_coef[e] + r], np.uint64(bases.row_start[b] + r)
        for s in range(n):
            out[j, s] += c * bases.rows[q, s]


@jit
def basis_values(bases, i, n, above):
    """above[target[e], s] = phi_e for the edges that leave node i, after `add_bases`."""
    if bases is not None:
        for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
            for e in range(bases.edge_start[b], bases.edge_start[b + 1]):
                j = np.uint64(bases.target[e])
                for s in range(n):
                    above[j, s] = 0.0
                add_edge_values(bases, b, e, n, above, bases.target[e])


@jit
def clear_basis_param_grad(bases):
    """Set the derivatives by all coefficients to zero."""
    if bases is not None:
        bases.gradient[:] = 0.0


@jit
def add_basis_param_grad(bases, first, end, n, by_sum):
    """Add derivatives by coefficients, given those by the values of the edges: rows of their targets."""
    if bases is not None:
        for i in range(first, end):
            for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
                for e in range(bases.edge_start[b], bases.edge_start[b + 1]):
                    j = np.uint64(bases.target[e])
                    for r in range(bases.n_functions[b]):
                        q, total = np.uint64(bases.row_start[b] + r), 0.0
                        for s in range(n):
                            total += by_sum[j, s] * bases.rows[q, s]
                        bases.gradient[bases.first_coef[e] + r] += total


@jit
def add_basis_input_grad(bases, first, end, n, by_sum, out):
    """out[i, s] += sum_e by_sum[target[e], s] phi'_e(x_is) for the nodes first <= i < end."""
    if bases is not None:
        for i in range(first, end):
            o = np.uint64(i)
            for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
                for e in range(bases.edge_start[b], bases.edge_start[b + 1]):
                    j = np.uint64(bases.target[e])
                    for r in range(bases.n_functions[b]):
                        c, q = bases.coef[bases.first_coef[e] + r], np.uint64(bases.row_start[b] + r)
                        for s in range(n):
                            out[o, s] += by_sum[j, s] * c * bases.slopes[q, s]


@jit
def basis_jacobian(bases, n, by_sum, work, first_row, jacobian, column):
    """Write the rows of a Jacobian that belong to coefficients, from first_row on.

    Derivatives by the sums are multiplied with work[0]; products with work[2] are added to the gradient.
    """
    if bases is not None:
        start = np.uint64(column)
        for b in range(bases.kind.shape[0]):
            for e in range(bases.edge_start[b], bases.edge_start[b + 1]):
                j = np.uint64(bases.target[e])
                for r in range(bases.n_functions[b]):
                    place = bases.first_coef[e] + r
                    to, q, total = np.uint64(first_row + place), np.uint64(bases.row_start[b] + r), 0.0
                    for s in range(n):
                        own = work[0, s] * by_sum[j, s] * bases.rows[q, s]
                        jacobian[to, start + np.uint64(s)] = own
                        total += own * work[2, s]
                    bases.gradient[place] += total

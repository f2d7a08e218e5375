"""Edges of other families than B-splines over a block of samples: values, and derivatives by everything.

The functions of a source node and their derivatives are rows, filled once for all edges of the family that
leave it; values, derivatives by parameters and by the node are sums over rows. Edges that are not linear in
their parameters have rows of their own. `kan_np.kernels.family_rows` says how a family fills them. Networks
without such edges pass empty arrays, networks of B-splines and sums alone pass None.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit, jit_inline
from kan_np.kernels.family_rows import call_rows


@jit
def fill_rows(bases, b, x, i, n):
    """Rows and slopes of block b, whose source is i, at the samples x[i]."""
    edges = (
        bases.row_start[b],
        bases.n_params[b],
        bases.size[b],
        bases.setting[b],
        bases.low[b],
        bases.high[b],
        bases.first_coef[bases.edge_start[b]],
    )
    call_rows(bases.kernel[b], edges, bases.coef, x, i, n, bases.rows, bases.slopes, bases.work)


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
    j, n_params = np.uint64(row), bases.n_params[b]
    if bases.is_pointwise[b]:
        value = np.uint64(bases.row_start[b] + n_params)
        for s in range(n):
            out[j, s] += bases.rows[value, s]
        return
    add_combination(bases.coef, bases.first_coef[e], n_params, bases.rows, bases.row_start[b], n, out, row)


@jit
def add_combination(coef, at, n_rows, rows, first, n, out, row):
    """out[row, s] += sum_r coef[at + r] rows[first + r, s]; four rows at a time, which spares stores."""
    j, r = np.uint64(row), 0
    while r + 4 <= n_rows:
        a, b, c, d = coef[at + r], coef[at + r + 1], coef[at + r + 2], coef[at + r + 3]
        p = np.uint64(first + r)
        q, t, u = p + np.uint64(1), p + np.uint64(2), p + np.uint64(3)
        for s in range(n):
            out[j, s] += (a * rows[p, s] + b * rows[q, s]) + (c * rows[t, s] + d * rows[u, s])
        r += 4
    while r < n_rows:
        a, p = coef[at + r], np.uint64(first + r)
        for s in range(n):
            out[j, s] += a * rows[p, s]
        r += 1


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
    """Set the derivatives by all parameters to zero."""
    if bases is not None:
        bases.gradient[:] = 0.0


@jit
def add_basis_param_grad(bases, first, end, n, by_sum):
    """Add derivatives by parameters, given those by the values of the edges: rows of their targets."""
    if bases is not None:
        for i in range(first, end):
            for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
                for e in range(bases.edge_start[b], bases.edge_start[b + 1]):
                    first, n_params, at = bases.row_start[b], bases.n_params[b], bases.first_coef[e]
                    add_products(by_sum, bases.target[e], bases.rows, first, n_params, n, bases.gradient, at)


@jit_inline
def add_products(by_sum, row, rows, first, n_rows, n, gradient, at):
    """gradient[at + r] += sum_s by_sum[row, s] rows[first + r, s]; four rows at a time."""
    j, r = np.uint64(row), 0
    while r + 4 <= n_rows:
        p = np.uint64(first + r)
        q, t, u = p + np.uint64(1), p + np.uint64(2), p + np.uint64(3)
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for s in range(n):
            by = by_sum[j, s]
            a += by * rows[p, s]
            b += by * rows[q, s]
            c += by * rows[t, s]
            d += by * rows[u, s]
        gradient[at + r] += a
        gradient[at + r + 1] += b
        gradient[at + r + 2] += c
        gradient[at + r + 3] += d
        r += 4
    while r < n_rows:
        p, a = np.uint64(first + r), 0.0
        for s in range(n):
            a += by_sum[j, s] * rows[p, s]
        gradient[at + r] += a
        r += 1


@jit
def add_basis_input_grad(bases, first, end, n, by_sum, out):
    """out[i, s] += sum_e by_sum[target[e], s] phi'_e(x_is) for the nodes first <= i < end."""
    if bases is not None:
        for i in range(first, end):
            for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
                for e in range(bases.edge_start[b], bases.edge_start[b + 1]):
                    add_edge_input_grad(bases, b, e, n, by_sum, out, i)


@jit
def add_edge_input_grad(bases, b, e, n, by_sum, out, row):
    """out[row, s] += by_sum[target[e], s] phi'_e, from the slopes of block b."""
    j, o = np.uint64(bases.target[e]), np.uint64(row)
    if bases.is_pointwise[b]:
        q = np.uint64(bases.row_start[b])
        for s in range(n):
            out[o, s] += by_sum[j, s] * bases.slopes[q, s]
        return
    work = bases.work
    for s in range(n):
        work[0, s] = 0.0
    add_combination(
        bases.coef, bases.first_coef[e], bases.n_params[b], bases.slopes, bases.row_start[b], n, work, 0
    )
    for s in range(n):
        out[o, s] += by_sum[j, s] * work[0, s]


@jit
def basis_jacobian(bases, n, by_sum, work, first_row, jacobian, column):
    """Write the rows of a Jacobian that belong to parameters, from first_row on.

    Derivatives by the sums are multiplied with work[0]; products with work[2] are added to the gradient.
    """
    if bases is not None:
        start = np.uint64(column)
        for b in range(bases.size.shape[0]):
            for e in range(bases.edge_start[b], bases.edge_start[b + 1]):
                j = np.uint64(bases.target[e])
                for r in range(bases.n_params[b]):
                    place = bases.first_coef[e] + r
                    to, q, total = np.uint64(first_row + place), np.uint64(bases.row_start[b] + r), 0.0
                    for s in range(n):
                        own = work[0, s] * by_sum[j, s] * bases.rows[q, s]
                        jacobian[to, start + np.uint64(s)] = own
                        total += own * work[2, s]
                    bases.gradient[place] += total

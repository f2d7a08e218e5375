"""Edges of other families than B-splines over a block of samples: values, and derivatives by everything.

The functions of a source node and their derivatives are rows, filled once for all edges of the family that
leave it; values, derivatives by parameters and by the node are sums over rows. Edges that are not linear in
their parameters have rows of their own (`kan_np.kernels.pointwise_rows`). A compiled family has a number and a
branch in one of both files (see `kan_np.edges.family`). Networks without such edges pass empty arrays,
networks of B-splines and sums alone pass None.
"""

from __future__ import annotations

import math

import numpy as np

from kan_np.kernels._jit import jit
from kan_np.kernels.pointwise_rows import FIRST_POINTWISE, fill_pointwise
from kan_np.kernels.scalar_functions import exponential_row, sine_cosine, tanh_row

#: Numbers of the compiled bases, `Basis.kernel`; other families have numbers from FIRST_POINTWISE on.
PIECEWISE_LINEAR, CHEBYSHEV, GAUSSIAN, FOURIER, LINEAR = range(5)

#: Gaussians at so many centres to each side are products of that at the middle with powers, where their
#: distance is at most `_NEAR` widths over that number: three exponentials for up to nine.
_SIDE, _NEAR = 4, 4.0
#: Beyond so many widths a Gaussian is 0.
_FAR = 27.0


@jit
def fill_rows(bases, b, x, i, n):
    """Rows and slopes of block b, whose source is i, at the samples x[i]."""
    kind = bases.kind[b]
    if kind >= FIRST_POINTWISE:
        fill_pointwise(bases, b, x, i, n)
    elif kind == CHEBYSHEV:
        chebyshev_rows(bases, b, x, i, n)
    elif kind == GAUSSIAN:
        gaussian_rows(bases, b, x, i, n)
    elif kind == FOURIER:
        fourier_rows(bases, b, x, i, n)
    elif kind == LINEAR:
        r, row = np.uint64(bases.row_start[b]), np.uint64(i)
        for s in range(n):
            bases.rows[r, s], bases.slopes[r, s] = x[row, s], 1.0
    else:
        hat_rows(bases, b, x, i, n)


@jit
def constant_row(bases, b, n):
    """The function 1, in the first row."""
    r = np.uint64(bases.row_start[b])
    for s in range(n):
        bases.rows[r, s], bases.slopes[r, s] = 1.0, 0.0


@jit
def chebyshev_rows(bases, b, x, i, n):
    """T_r(z) by T_{r+1} = 2 z T_r - T_{r-1}, T'_{r+1} = 2 T_r + 2 z T'_r - T'_{r-1}; tangents outside.

    z is tanh(x) where the first setting is 1.
    """
    low, high, row = bases.low[b], bases.high[b], np.uint64(i)
    first, scale = bases.row_start[b], 2.0 / (high - low)
    rows, slopes, work = bases.rows, bases.slopes, bases.work
    constant_row(bases, b, n)
    one = np.uint64(first + 1)
    squashed = bases.settings[b, 0] == 1.0
    if squashed:
        for s in range(n):
            work[0, s] = x[row, s]
        tanh_row(work, n, rows, slopes, first + 1)
        for s in range(n):  # z, its derivative, and how far outside
            work[0, s], work[1, s], work[2, s] = rows[one, s], slopes[one, s], 0.0
    else:
        for s in range(n):
            z = (x[row, s] - low) * scale - 1.0
            inside = -1.0 if z < -1.0 else (1.0 if z > 1.0 else z)
            work[0, s], work[1, s], work[2, s] = inside, scale, z - inside
    for s in range(n):
        rows[one, s], slopes[one, s] = work[0, s], 1.0
    for r in range(2, bases.n_params[b]):
        new, old, older = np.uint64(first + r), np.uint64(first + r - 1), np.uint64(first + r - 2)
        for s in range(n):
            z = 2.0 * work[0, s]
            rows[new, s] = z * rows[old, s] - rows[older, s]
            slopes[new, s] = 2.0 * rows[old, s] + z * slopes[old, s] - slopes[older, s]
    for r in range(1, bases.n_params[b]):
        q = np.uint64(first + r)
        for s in range(n):
            rows[q, s] += work[2, s] * slopes[q, s]
            slopes[q, s] *= work[1, s]


@jit
def fourier_rows(bases, b, x, i, n):
    """1, cos(k z), then sin(k z), by the sums of angles; z = 2 pi (t - 1/2) / period."""
    low, high, row = bases.low[b], bases.high[b], np.uint64(i)
    first, n_terms, length = bases.row_start[b], bases.size[b], 1.0 / (high - low)
    rows, slopes, work = bases.rows, bases.slopes, bases.work
    w = 2.0 * math.pi / bases.settings[b, 0]
    for s in range(n):
        work[0, s] = w * ((x[row, s] - low) * length - 0.5)
    sine_cosine(work, n, slopes, rows, first + 1)
    cos_1, sin_1 = np.uint64(first + 1), np.uint64(first + 1 + n_terms)
    for s in range(n):
        rows[sin_1, s] = slopes[cos_1, s]
    for k in range(1, n_terms):
        cosine, sine = np.uint64(first + 1 + k), np.uint64(first + 1 + n_terms + k)
        old_cosine, old_sine = np.uint64(first + k), np.uint64(first + n_terms + k)
        for s in range(n):
            c, d = rows[old_cosine, s], rows[old_sine, s]
            rows[cosine, s] = c * rows[cos_1, s] - d * rows[sin_1, s]
            rows[sine, s] = d * rows[cos_1, s] + c * rows[sin_1, s]
    for k in range(n_terms):
        cosine, sine, scale = (
            np.uint64(first + 1 + k),
            np.uint64(first + 1 + n_terms + k),
            (k + 1) * w * length,
        )
        for s in range(n):
            slopes[cosine, s] = -scale * rows[sine, s]
            slopes[sine, s] = scale * rows[cosine, s]
    constant_row(bases, b, n)


@jit
def gaussian_rows(bases, b, x, i, n):
    """1, and exp(-(v - r d)^2) at v = (x - low) / h for centres at distances d.

    With the middle centre a of a group and u = v - a d it is exp(-u^2) exp(2 u d)^m exp(-m^2 d^2) for the
    m-th centre beside it.
    """
    low, high, row = bases.low[b], bases.high[b], np.uint64(i)
    first, n_centres = bases.row_start[b] + 1, bases.size[b] + 1
    d = 1.0 / bases.settings[b, 0]
    scale = bases.size[b] * d / (high - low)
    rows, slopes, work = bases.rows, bases.slopes, bases.work
    side = min(_SIDE, int(_NEAR / d), bases.size[b] // 2)
    limit = _FAR + side * d
    for a in range(side, n_centres + side, 2 * side + 1):
        middle = min(a, n_centres - 1)
        for s in range(n):
            u = (x[row, s] - low) * scale - middle * d
            work[2, s] = -limit if u < -limit else (limit if u > limit else u)
            work[0, s] = -work[2, s] * work[2, s]
        exponential_row(work, n, rows, first + middle)
        lowest, highest = max(a - side, 0), min(a + side, n_centres - 1)
        if side > 0:
            for s in range(n):
                work[0, s] = 2.0 * d * work[2, s]
            exponential_row(work, n, work, 1)
        for m in range(1, highest - middle + 1):
            new, old, fall = (
                np.uint64(first + middle + m),
                np.uint64(first + middle + m - 1),
                math.exp(-(2 * m - 1) * d * d),
            )
            for s in range(n):
                rows[new, s] = rows[old, s] * work[1, s] * fall
        for s in range(n):
            work[0, s] = 1.0 / work[1, s]
        for m in range(1, middle - lowest + 1):
            new, old, fall = (
                np.uint64(first + middle - m),
                np.uint64(first + middle - m + 1),
                math.exp(-(2 * m - 1) * d * d),
            )
            for s in range(n):
                rows[new, s] = rows[old, s] * work[0, s] * fall
        for m in range(lowest - middle, highest - middle + 1):
            q, shift = np.uint64(first + middle + m), m * d
            for s in range(n):
                slopes[q, s] = -2.0 * scale * (work[2, s] - shift) * rows[q, s]
    constant_row(bases, b, n)


@jit
def hat_rows(bases, b, x, i, n):
    """Hat functions of an even grid; the lines of the outermost intervals go on outside."""
    low, high, row = bases.low[b], bases.high[b], np.uint64(i)
    first, n_intervals = bases.row_start[b], bases.size[b]
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
    j, n_params = np.uint64(row), bases.n_params[b]
    if bases.kind[b] >= FIRST_POINTWISE:
        value = np.uint64(bases.row_start[b] + n_params)
        for s in range(n):
            out[j, s] += bases.rows[value, s]
        return
    for r in range(n_params):
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
                    j = np.uint64(bases.target[e])
                    for r in range(bases.n_params[b]):
                        q, total = np.uint64(bases.row_start[b] + r), 0.0
                        for s in range(n):
                            total += by_sum[j, s] * bases.rows[q, s]
                        bases.gradient[bases.first_coef[e] + r] += total


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
    if bases.kind[b] >= FIRST_POINTWISE:
        q = np.uint64(bases.row_start[b])
        for s in range(n):
            out[o, s] += by_sum[j, s] * bases.slopes[q, s]
        return
    for r in range(bases.n_params[b]):
        c, q = bases.coef[bases.first_coef[e] + r], np.uint64(bases.row_start[b] + r)
        for s in range(n):
            out[o, s] += by_sum[j, s] * c * bases.slopes[q, s]


@jit
def basis_jacobian(bases, n, by_sum, work, first_row, jacobian, column):
    """Write the rows of a Jacobian that belong to parameters, from first_row on.

    Derivatives by the sums are multiplied with work[0]; products with work[2] are added to the gradient.
    """
    if bases is not None:
        start = np.uint64(column)
        for b in range(bases.kind.shape[0]):
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

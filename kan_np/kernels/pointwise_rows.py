"""Edges that are not linear in their parameters, over a block of samples: derivatives, value and slope as rows.

For a block b, which is one edge with the parameters theta, each function here writes

    rows[row_start + r, s] = d phi / d theta_r,    rows[row_start + n_params, s] = phi,
    slopes[row_start, s] = phi'

at the samples x[i, s], s < n. The other rows of `slopes` and `work` are scratch. Formulas, and the order of
parameters, are those of the families in `kan_np.edges`.
"""

from __future__ import annotations

import math

import numpy as np

from kan_np.kernels._jit import jit
from kan_np.kernels.activation import silu
from kan_np.kernels.scalar_functions import exponential_row, sine_cosine

#: Numbers of these families, `EdgeFamily.kernel`: all from FIRST_POINTWISE on.
FIRST_POINTWISE = 16
WAVELET, SINE, RATIONAL, MLP = range(FIRST_POINTWISE, FIRST_POINTWISE + 4)

_HEIGHT = 2.0 / (math.sqrt(3.0) * math.pi**0.25)
#: exp(-u^2 / 2) is 0 beyond.
_WIDEST = 40.0


@jit
def fill_pointwise(bases, b, x, i, n):
    """Rows of block b, an edge from node i."""
    if bases.kind[b] == WAVELET:
        wavelet_rows(bases, b, x, i, n)
    elif bases.kind[b] == SINE:
        sine_rows(bases, b, x, i, n)
    elif bases.kind[b] == RATIONAL:
        rational_rows(bases, b, x, i, n)
    else:
        mlp_rows(bases, b, x, i, n)


@jit
def wavelet_rows(bases, b, x, i, n):
    """w psi(u), u = (x - t) / s: psi, -w psi' / s, -u w psi' / s."""
    first, n_terms, row = bases.row_start[b], bases.size[b], np.uint64(i)
    at = bases.first_coef[bases.edge_start[b]]
    rows, slopes, work = bases.rows, bases.slopes, bases.work
    start_rows(bases, b, n)
    value, slope = np.uint64(first + bases.n_params[b]), np.uint64(first)
    for k in range(n_terms):
        w, t, inverse = (
            bases.coef[at + k],
            bases.coef[at + n_terms + k],
            1.0 / bases.coef[at + 2 * n_terms + k],
        )
        by_w, by_t, by_s = (
            np.uint64(first + k),
            np.uint64(first + n_terms + k),
            np.uint64(first + 2 * n_terms + k),
        )
        for s in range(n):
            u = (x[row, s] - t) * inverse
            u = -_WIDEST if u < -_WIDEST else (_WIDEST if u > _WIDEST else u)
            work[1, s] = u
            work[0, s] = -0.5 * u * u
        exponential_row(work, n, rows, first + k)
        for s in range(n):
            u = work[1, s]
            bell = _HEIGHT * rows[by_w, s]
            psi = (1.0 - u * u) * bell
            by_x = w * inverse * ((u * u - 3.0) * u * bell)
            rows[by_w, s] = psi
            rows[by_t, s] = -by_x
            rows[by_s, s] = -by_x * u
            rows[value, s] += w * psi
            slopes[slope, s] += by_x


@jit
def start_rows(bases, b, n):
    """Value and slope of the constant, which is the last parameter."""
    last = bases.row_start[b] + bases.n_params[b] - 1
    d = bases.coef[bases.first_coef[bases.edge_start[b]] + bases.n_params[b] - 1]
    by_d, value, slope = np.uint64(last), np.uint64(last + 1), np.uint64(bases.row_start[b])
    for s in range(n):
        bases.rows[by_d, s] = 1.0
        bases.rows[value, s] = d
        bases.slopes[slope, s] = 0.0


@jit
def sine_rows(bases, b, x, i, n):
    """a sin(u), u = w x + p: sin(u), x a cos(u), a cos(u)."""
    first, n_terms, row = bases.row_start[b], bases.size[b], np.uint64(i)
    at = bases.first_coef[bases.edge_start[b]]
    rows, slopes, work = bases.rows, bases.slopes, bases.work
    start_rows(bases, b, n)
    value, slope = np.uint64(first + bases.n_params[b]), np.uint64(first)
    for k in range(n_terms):
        a, w, p = bases.coef[at + k], bases.coef[at + n_terms + k], bases.coef[at + 2 * n_terms + k]
        by_a, by_w, by_p = (
            np.uint64(first + k),
            np.uint64(first + n_terms + k),
            np.uint64(first + 2 * n_terms + k),
        )
        for s in range(n):
            work[0, s] = w * x[row, s] + p
        sine_cosine(work, n, rows, slopes, first + n_terms + k)  # no slope is in this row
        for s in range(n):
            sine, inner = rows[by_w, s], a * slopes[by_w, s]
            rows[by_a, s] = sine
            rows[by_w, s] = x[row, s] * inner
            rows[by_p, s] = inner
            rows[value, s] += a * sine
            slopes[slope, s] += w * inner


@jit
def rational_rows(bases, b, x, i, n):
    """P / Q, Q = 1 + A^2: x^j / Q by p_j, -2 A phi x^j / Q by q_j, (P' - 2 A A' phi) / Q by x."""
    first, degree, row = bases.row_start[b], bases.size[b], np.uint64(i)
    at, half = bases.first_coef[bases.edge_start[b]], bases.size[b] // 2
    rows, slopes, work = bases.rows, bases.slopes, bases.work
    value, slope = np.uint64(first + bases.n_params[b]), np.uint64(first)
    for s in range(n):
        rows[value, s], slopes[slope, s] = bases.coef[at + degree], 0.0
        work[0, s], work[1, s] = 0.0, 0.0
    for j in range(degree - 1, -1, -1):
        c = bases.coef[at + j]
        for s in range(n):
            slopes[slope, s] = slopes[slope, s] * x[row, s] + rows[value, s]
            rows[value, s] = rows[value, s] * x[row, s] + c
    for j in range(half, -1, -1):
        c = bases.coef[at + degree + j] if j > 0 else 0.0
        for s in range(n):
            work[1, s] = work[1, s] * x[row, s] + work[0, s]
            work[0, s] = work[0, s] * x[row, s] + c
    by_first = np.uint64(first)
    for s in range(n):
        a = work[0, s]
        inverse = 1.0 / (1.0 + a * a)
        phi = rows[value, s] * inverse
        rows[value, s] = phi
        rows[by_first, s] = inverse
        slopes[slope, s] = (slopes[slope, s] - 2.0 * a * work[1, s] * phi) * inverse
        work[0, s] = -2.0 * a * phi * inverse
    for j in range(1, degree + 1):
        new, old = np.uint64(first + j), np.uint64(first + j - 1)
        for s in range(n):
            rows[new, s] = rows[old, s] * x[row, s]
    for j in range(1, half + 1):
        new = np.uint64(first + degree + j)
        for s in range(n):
            work[0, s] *= x[row, s]
            rows[new, s] = work[0, s]


@jit
def edge_features(bases, b, x, i, n, n_waves):
    """sin(2^j x) and cos(2^j x) in the rows of `slopes` behind the first, by doubling the angle."""
    first, row = bases.row_start[b] + 1, np.uint64(i)
    rows, slopes, work = bases.rows, bases.slopes, bases.work
    if n_waves > 0:
        for s in range(n):
            work[0, s] = x[row, s]
        sine_cosine(work, n, slopes, rows, first)
        to, at = np.uint64(first + n_waves), np.uint64(first)
        for s in range(n):
            slopes[to, s] = rows[at, s]
    for j in range(1, n_waves):
        old_sine, old_cosine = np.uint64(first + j - 1), np.uint64(first + n_waves + j - 1)
        sine, cosine = np.uint64(first + j), np.uint64(first + n_waves + j)
        for s in range(n):
            half, other = slopes[old_sine, s], slopes[old_cosine, s]
            slopes[sine, s] = 2.0 * half * other
            slopes[cosine, s] = 1.0 - 2.0 * half * half


@jit
def mlp_rows(bases, b, x, i, n):
    """W2 silu(z) + b2, z = W1 f + b1: f_j W2 silu'(z), W2 silu'(z), silu(z), 1."""
    first, n_hidden, row = bases.row_start[b], bases.size[b], np.uint64(i)
    n_waves = np.int64(bases.settings[b, 0])
    n_features, at = 1 + 2 * n_waves, bases.first_coef[bases.edge_start[b]]
    rows, slopes, work = bases.rows, bases.slopes, bases.work
    value, slope = np.uint64(first + bases.n_params[b]), np.uint64(first)
    edge_features(bases, b, x, i, n, n_waves)
    start_rows(bases, b, n)
    width = rows.shape[1]
    for h in range(n_hidden):
        own = h * n_features
        bias, w = bases.coef[at + n_hidden * n_features + h], bases.coef[at + n_hidden * (n_features + 1) + h]
        weight = bases.coef[at + own]
        for s in range(n):
            work[0, s] = weight * x[row, s] + bias
            work[1, s] = weight
        for j in range(n_waves):
            sine, cosine = np.uint64(first + 1 + j), np.uint64(first + 1 + n_waves + j)
            u, v, scale = bases.coef[at + own + 1 + j], bases.coef[at + own + 1 + n_waves + j], 2.0**j
            for s in range(n):
                work[0, s] += u * slopes[sine, s] + v * slopes[cosine, s]
                work[1, s] += scale * (u * slopes[cosine, s] - v * slopes[sine, s])
        by_bias, by_w = (
            np.uint64(first + n_hidden * n_features + h),
            np.uint64(first + n_hidden * (n_features + 1) + h),
        )
        flat = (first + n_hidden * (n_features + 1) + h) * width
        silu(work, 0, n, rows, slopes, flat)
        for s in range(n):
            inner = w * slopes[by_w, s]
            rows[by_bias, s] = inner
            rows[value, s] += w * rows[by_w, s]
            slopes[slope, s] += inner * work[1, s]
        by_x = np.uint64(first + own)
        for s in range(n):
            rows[by_x, s] = rows[by_bias, s] * x[row, s]
        for j in range(2 * n_waves):
            by_feature, feature = np.uint64(first + own + 1 + j), np.uint64(first + 1 + j)
            for s in range(n):
                rows[by_feature, s] = rows[by_bias, s] * slopes[feature, s]

"""Rows of the families of edges that are not linear in their parameters; see `kan_np.kernels.family_rows`.

Formulas, and the order of parameters, are those of the families in `kan_np.edges`.
"""

from __future__ import annotations

import math

import numpy as np

from kan_np.kernels._jit import jit, jit_exact
from kan_np.kernels.activation import silu
from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.scalar_functions import exponential_row, sine_cosine
from kan_np.kernels.waves import REDUCED, sine_panel

_HEIGHT = 2.0 / (math.sqrt(3.0) * math.pi**0.25)
#: exp(-u^2 / 2) is 0 beyond.
_WIDEST = 40.0


@jit
def wavelet_rows(edges, coef, x, i, n, rows, slopes, work):
    """w psi(u), u = (x - t) / s: psi, -w psi' / s, -u w psi' / s."""
    first, n_params, n_terms, _, _, _, at = edges
    row = np.uint64(i)
    start_rows(first, n_params, coef[at + n_params - 1], n, rows, slopes)
    value, slope = np.uint64(first + n_params), np.uint64(first)
    for k in range(n_terms):
        w, t, inverse = coef[at + k], coef[at + n_terms + k], 1.0 / coef[at + 2 * n_terms + k]
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
        scale = -w * inverse * _HEIGHT
        for s in range(n):
            u = work[1, s]
            rows[by_t, s] = scale * ((u * u - 3.0) * u * rows[by_w, s])
        for s in range(n):
            rows[by_s, s] = rows[by_t, s] * work[1, s]
        for s in range(n):
            rows[by_w, s] = _HEIGHT * (1.0 - work[1, s] * work[1, s]) * rows[by_w, s]
        for s in range(n):
            rows[value, s] += w * rows[by_w, s]
        for s in range(n):
            slopes[slope, s] -= rows[by_t, s]


@jit
def start_rows(first, n_params, d, n, rows, slopes):
    """Value and slope of the constant d, which is the last parameter."""
    by_d, value, slope = np.uint64(first + n_params - 1), np.uint64(first + n_params), np.uint64(first)
    for s in range(n):
        rows[by_d, s], rows[value, s], slopes[slope, s] = 1.0, d, 0.0


@jit_exact
def sine_rows(edges, coef, x, i, n, rows, slopes, work):
    """sum_k a_k sin(u_k) + d, u_k = w_k x + p_k: sin(u), x a cos(u), a cos(u), 1."""
    first, _, n_terms, _, _, _, at = edges
    width, far = rows.shape[1], False
    for s in range(0, n, PANEL):
        sample, to = i * x.shape[1] + s, first * width + s
        far |= sine_panel(coef, at, n_terms, x, sample, rows, slopes, to, width)
    if far:
        far_sines(edges, coef, x, i, n, rows, slopes)


@jit_exact
def far_sines(edges, coef, x, i, n, rows, slopes):
    """As `sine_rows` at those samples where an argument is too large for vector instructions."""
    first, n_params, n_terms, _, _, _, at = edges
    row, value, slope = np.uint64(i), np.uint64(first + n_params), np.uint64(first)
    for s in range(n):
        largest = 0.0
        for k in range(n_terms):
            u = abs(coef[at + n_terms + k] * x[row, s] + coef[at + 2 * n_terms + k])
            largest = largest if u <= largest else u
        if largest <= REDUCED:
            continue
        rows[value, s], slopes[slope, s] = coef[at + n_params - 1], 0.0
        for k in range(n_terms):
            a, w, p = coef[at + k], coef[at + n_terms + k], coef[at + 2 * n_terms + k]
            u = w * x[row, s] + p
            by_a, by_p = np.sin(u), a * np.cos(u)
            rows[first + k, s], rows[first + 2 * n_terms + k, s] = by_a, by_p
            rows[first + n_terms + k, s] = x[row, s] * by_p
            rows[value, s] += a * by_a
            slopes[slope, s] += w * by_p


@jit
def rational_rows(edges, coef, x, i, n, rows, slopes, work):
    """P / Q, Q = 1 + A^2: x^j / Q by p_j, -2 A phi x^j / Q by q_j, (P' - 2 A A' phi) / Q by x."""
    first, n_params, degree, _, _, _, at = edges
    row = np.uint64(i)
    half = degree // 2
    value, slope = np.uint64(first + n_params), np.uint64(first)
    for s in range(n):
        rows[value, s], slopes[slope, s] = coef[at + degree], 0.0
        work[0, s], work[1, s] = 0.0, 0.0
    for j in range(degree - 1, -1, -1):
        c = coef[at + j]
        for s in range(n):
            slopes[slope, s] = slopes[slope, s] * x[row, s] + rows[value, s]
            rows[value, s] = rows[value, s] * x[row, s] + c
    for j in range(half, -1, -1):
        c = coef[at + degree + j] if j > 0 else 0.0
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
def edge_features(first, x, i, n, n_waves, rows, slopes, work):
    """sin(2^j x) and cos(2^j x) in the rows of `slopes` behind the first, by doubling the angle."""
    row = np.uint64(i)
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
def mlp_rows(edges, coef, x, i, n, rows, slopes, work):
    """W2 silu(z) + b2, z = W1 f + b1: f_j W2 silu'(z), W2 silu'(z), silu(z), 1."""
    first, n_params, n_hidden, setting, _, _, at = edges
    row = np.uint64(i)
    n_waves = np.int64(setting)
    n_features = 1 + 2 * n_waves
    value, slope = np.uint64(first + n_params), np.uint64(first)
    edge_features(first + 1, x, i, n, n_waves, rows, slopes, work)
    start_rows(first, n_params, coef[at + n_params - 1], n, rows, slopes)
    width = rows.shape[1]
    for h in range(n_hidden):
        own = h * n_features
        bias, w = coef[at + n_hidden * n_features + h], coef[at + n_hidden * (n_features + 1) + h]
        weight = coef[at + own]
        for s in range(n):
            work[0, s] = weight * x[row, s] + bias
            work[1, s] = weight
        for j in range(n_waves):
            sine, cosine = np.uint64(first + 1 + j), np.uint64(first + 1 + n_waves + j)
            u, v, scale = coef[at + own + 1 + j], coef[at + own + 1 + n_waves + j], 2.0**j
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
            rows[by_bias, s] = w * slopes[by_w, s]
        for s in range(n):
            rows[value, s] += w * rows[by_w, s]
        for s in range(n):
            slopes[slope, s] += rows[by_bias, s] * work[1, s]
        by_x = np.uint64(first + own)
        for s in range(n):
            rows[by_x, s] = rows[by_bias, s] * x[row, s]
        for j in range(2 * n_waves):
            by_feature, feature = np.uint64(first + own + 1 + j), np.uint64(first + 1 + j)
            for s in range(n):
                rows[by_feature, s] = rows[by_bias, s] * slopes[feature, s]

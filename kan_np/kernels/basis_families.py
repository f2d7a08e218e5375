"""Rows of the families of edges that are linear in their parameters; see `kan_np.kernels.family_rows`.

Formulas, and the order of functions, are those of the families in `kan_np.edges`.
"""

from __future__ import annotations

import math

import numpy as np

from kan_np.kernels._jit import jit, jit_exact
from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.recursions import chebyshev_panel, gaussian_panel
from kan_np.kernels.scalar_functions import sine_cosine, tanh_row

#: Gaussians at so many centres to each side are products of that at the middle with powers, where their
#: distance is at most `_NEAR` widths over that number: three exponentials for up to nine.
_SIDE, _NEAR = 4, 4.0
#: Beyond so many widths a Gaussian counts as constant: it is below 1e-210 there.
_FAR = 22.0


@jit
def constant_row(first, n, rows, slopes):
    """The function 1."""
    r = np.uint64(first)
    for s in range(n):
        rows[r, s], slopes[r, s] = 1.0, 0.0


@jit_exact
def chebyshev_rows(edges, coef, x, i, n, rows, slopes, work):
    """T_r(z) and their derivatives; tangents outside of the interval. z is tanh(x) where squashed is 1."""
    first, _, degree, squashed, low, high, _ = edges
    width, row, one, scale = rows.shape[1], np.uint64(i), np.uint64(first + 1), 2.0 / (high - low)
    constant_row(first, n, rows, slopes)
    outside = False
    if squashed == 1.0:
        for s in range(n):
            work[0, s] = x[row, s]
        tanh_row(work, n, rows, slopes, first + 1)
    else:
        for s in range(n):
            z = (x[row, s] - low) * scale - 1.0
            inside = -1.0 if z < -1.0 else (1.0 if z > 1.0 else z)
            rows[one, s], slopes[one, s] = inside, scale
            work[0, s] = (z - inside) / scale
        for s in range(n):
            outside |= work[0, s] != 0.0
    for s in range(0, n, PANEL):
        chebyshev_panel(degree, rows, slopes, first * width + s, width)
    if outside:
        for r in range(1, degree + 1):
            q = np.uint64(first + r)
            for s in range(n):
                rows[q, s] += work[0, s] * slopes[q, s]


@jit
def fourier_rows(edges, coef, x, i, n, rows, slopes, work):
    """1, cos(k z), then sin(k z), by the sums of angles; z = 2 pi (t - 1/2) / period."""
    first, _, n_terms, period, low, high, _ = edges
    inverse = 1.0 / (high - low)
    row, w = np.uint64(i), 2.0 * math.pi / period
    for s in range(n):
        work[0, s] = w * ((x[row, s] - low) * inverse - 0.5)
    sine_cosine(work, n, slopes, rows, first + 1)
    cos_1, sin_1 = np.uint64(first + 1), np.uint64(first + 1 + n_terms)
    for s in range(n):
        rows[sin_1, s] = slopes[cos_1, s]
    for k in range(1, n_terms):
        cosine, sine = np.uint64(first + 1 + k), np.uint64(first + 1 + n_terms + k)
        old_cosine, old_sine = np.uint64(first + k), np.uint64(first + n_terms + k)
        for s in range(n):
            rows[cosine, s] = rows[old_cosine, s] * rows[cos_1, s] - rows[old_sine, s] * rows[sin_1, s]
        for s in range(n):
            rows[sine, s] = rows[old_sine, s] * rows[cos_1, s] + rows[old_cosine, s] * rows[sin_1, s]
    for k in range(n_terms):
        cosine, sine = np.uint64(first + 1 + k), np.uint64(first + 1 + n_terms + k)
        scale = (k + 1) * w * inverse
        for s in range(n):
            slopes[cosine, s] = -scale * rows[sine, s]
            slopes[sine, s] = scale * rows[cosine, s]
    constant_row(first, n, rows, slopes)


@jit_exact
def gaussian_rows(edges, coef, x, i, n, rows, slopes, work):
    """1, and exp(-(v - r d)^2) at v = (x - low) / h for centres at distances d, by groups of neighbours."""
    first, _, size, denominator, low, high, _ = edges
    n_centres, d, width = size + 1, 1.0 / denominator, rows.shape[1]
    scale = size * d / (high - low)
    constant_row(first, n, rows, slopes)
    side = min(_SIDE, int(_NEAR / d), size // 2)
    limit, fall = _FAR + side * d, math.exp(-d * d)
    for a in range(side, n_centres + side, 2 * side + 1):
        middle = min(a, n_centres - 1)
        left, right = middle - max(a - side, 0), min(a + side, n_centres - 1) - middle
        to = (first + 1 + middle) * width
        for s in range(0, n, PANEL):
            sample = i * x.shape[1] + s
            gaussian_panel(
                *(x, sample, low, scale, middle * d, d, limit, fall, left, right),
                *(rows, slopes, to + s, width),
            )


@jit
def hat_rows(edges, coef, x, i, n, rows, slopes, work):
    """Hat functions of an even grid; the lines of the outermost intervals go on outside."""
    first, _, n_intervals, _, low, high, _ = edges
    inverse = 1.0 / (high - low)
    row, step = np.uint64(i), n_intervals * inverse
    for r in range(n_intervals + 1):
        for s in range(n):
            rows[first + r, s], slopes[first + r, s] = 0.0, 0.0
    for s in range(n):
        u = (x[row, s] - low) * step
        p = np.int64(min(np.floor(u), n_intervals - 1.0)) if u >= 1.0 else np.int64(0)  # NaN goes to 0
        rows[first + p, s], rows[first + p + 1, s] = 1.0 - (u - p), u - p
        slopes[first + p, s], slopes[first + p + 1, s] = -step, step


@jit
def line_rows(edges, coef, x, i, n, rows, slopes, work):
    """x and its derivative, 1."""
    r, row = np.uint64(edges[0]), np.uint64(i)
    for s in range(n):
        rows[r, s], slopes[r, s] = x[row, s], 1.0

"""Design matrices: all B-splines of the nodes of one layer at samples, and their derivatives."""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import entry, jit
from kan_np.kernels.base import ZERO, base_function
from kan_np.kernels.simd4 import LANES
from kan_np.kernels.spline import locate


@entry
def basis_rows(net, x, sources, piece, work, base, slope, rows, slopes):
    """rows[q, m, s] = psi_m(x[i, s]) with i = sources[q] and psi = (b, B_0, ...); slopes: its derivative.

    Derivatives are not computed where `slopes` has no rows. `piece` (n_samples,) is scratch, and so are
    `work`, `base` and `slope` (1, block), where block is a multiple of 8.
    """
    n, has_base = x.shape[1], int(net.base != ZERO)
    steep = slopes.shape[0] > 0
    for q in range(sources.shape[0]):
        i = sources[q]
        locate(x[i], n, net.breaks[i], net.bucket[i], net.bucket_scale[i], piece)
        rows[q] = 0.0
        if steep:
            slopes[q] = 0.0
        if net.poly.shape[3] == LANES:
            cubic_rows(net, x, i, piece, has_base, rows, slopes, q, steep)
        else:
            polynomial_rows(net, x, i, piece, has_base, rows, slopes, q, steep)
        if has_base:
            base_rows(net, x, i, work, base, slope, rows, slopes, q, steep)


@jit
def cubic_rows(net, x, i, piece, shift, rows, slopes, q, steep):
    """B-splines up to order 3, whose polynomials have four coefficients."""
    order = np.uint64(net.poly.shape[2])
    node, row = np.uint64(i), np.uint64(q)
    for s in range(x.shape[1]):
        p, t = np.uint64(piece[s]), np.uint64(s)
        scale = net.scale[node, p]
        u = (x[node, t] - net.origin[node, p]) * scale
        m = np.uint64(shift + net.start[p])
        for r in range(order):
            c0, c1 = net.poly[node, p, r, 0], net.poly[node, p, r, 1]
            c2, c3 = net.poly[node, p, r, 2], net.poly[node, p, r, 3]
            a = c0 * u + c1
            b = a * u + c2
            rows[row, m + r, t] = b * u + c3
            if steep:
                slopes[row, m + r, t] = ((c0 * u + a) * u + b) * scale


@jit
def polynomial_rows(net, x, i, piece, shift, rows, slopes, q, steep):
    """B-splines of any order."""
    order, width = net.poly.shape[2], net.poly.shape[3]
    for s in range(x.shape[1]):
        p = np.uint64(piece[s])
        scale = net.scale[i, p]
        u = (x[i, s] - net.origin[i, p]) * scale
        m = shift + net.start[p]
        for r in range(order):
            value, by_u = 0.0, 0.0
            for d in range(width):
                by_u = by_u * u + value
                value = value * u + net.poly[i, p, r, d]
            rows[q, m + r, s] = value
            if steep:
                slopes[q, m + r, s] = by_u * scale


@jit
def base_rows(net, x, i, work, base, slope, rows, slopes, q, steep):
    """The first rows: b and b' at x[i], block by block."""
    n, block = x.shape[1], work.shape[1]
    for low in range(0, n, block):
        m = min(block, n - low)
        for s in range(m):
            work[0, s] = x[i, low + s]
        base_function(net.base, work, 0, m, base, slope, 0)
        for s in range(m):
            rows[q, 0, low + s] = base[0, s]
        if steep:
            for s in range(m):
                slopes[q, 0, low + s] = slope[0, s]

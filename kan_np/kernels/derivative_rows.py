"""Derivatives of functions of several orders at once, and rows of Jacobians that are sums over orders."""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import entry
from kan_np.kernels.jet_chain import BLOCK
from kan_np.kernels.spline import locate


@entry
def spline_rows(x, nodes, breaks, bucket, bucket_scale, origin, scale, poly, start, shift, piece, out):
    """out[q, shift + r, m, s] = d^m B_r / dx^m of node nodes[q] at x[q, s]; `out` is zero on entry.

    The derivatives of the polynomial of a piece follow from Horner's scheme for the polynomial itself.
    """
    order, width, n_orders = poly.shape[2], poly.shape[3], out.shape[2]
    for q in range(nodes.shape[0]):
        i = nodes[q]
        locate(x[q], x.shape[1], breaks[i], bucket[i], bucket_scale[i], piece)
        for s in range(x.shape[1]):
            p = np.uint64(piece[s])
            u, stretch = (x[q, s] - origin[i, p]) * scale[i, p], scale[i, p]
            first = shift + start[p]
            for r in range(order):
                to = first + r
                for d in range(width):
                    for m in range(n_orders - 1, 0, -1):
                        out[q, to, m, s] = out[q, to, m, s] * u + out[q, to, m - 1, s]
                    out[q, to, 0, s] = out[q, to, 0, s] * u + poly[i, p, r, d]
                factor = 1.0
                for m in range(1, n_orders):
                    factor *= m * stretch
                    out[q, to, m, s] *= factor


@entry
def chebyshev_derivatives(z, out):
    """out[i, r, m, s] = d^m T_r(z) / dx^m, given z and its derivatives by x: z[i, m, s], m = 0, 1, ...

    By T_r = 2 z T_(r-1) - T_(r-2) and Leibniz' rule for the product (DLMF 18.9.1).
    """
    n_orders, n_all = out.shape[2], out.shape[3]
    for i in range(out.shape[0]):
        for low in range(0, n_all, BLOCK):
            start, n = np.uint64(low), min(BLOCK, n_all - low)
            for r in range(out.shape[1]):
                for m in range(n_orders):
                    for s in range(n):
                        k = start + np.uint64(s)
                        if r == 0:
                            out[i, r, m, k] = 1.0 if m == 0 else 0.0
                        elif r == 1:
                            out[i, r, m, k] = z[i, m, k]
                        else:
                            out[i, r, m, k] = -out[i, r - 2, m, k]
                    factor = 2.0  # 2 binomial(m, j)
                    for j in range(m + 1 if r > 1 else 0):
                        for s in range(n):
                            k = start + np.uint64(s)
                            out[i, r, m, k] += factor * z[i, j, k] * out[i, r - 1, m - j, k]
                        factor *= (m - j) / (j + 1)


@entry
def sum_rows(by_curves, functions, fan, first_row, apart, out):
    """Row e n_params + r of `out` = sum_m by_curves[e, m, s] functions[fan[e], r, m, s].

    Row t begins at index (first_row + t) apart of the flat `out`.
    """
    n_params, n_all = functions.shape[1], by_curves.shape[2]
    for low in range(0, n_all, BLOCK):
        start, n = np.uint64(low), min(BLOCK, n_all - low)
        for e in range(by_curves.shape[0]):
            q = np.uint64(fan[e])
            for r in range(n_params):
                to = np.uint64((first_row + e * n_params + r) * apart + low)
                for s in range(n):
                    k = start + np.uint64(s)
                    out[to + np.uint64(s)] = by_curves[e, 0, k] * functions[q, r, 0, k]
                for m in range(1, by_curves.shape[1]):
                    for s in range(n):
                        k = start + np.uint64(s)
                        out[to + np.uint64(s)] += by_curves[e, m, k] * functions[q, r, m, k]

"""Derivatives of B-splines of several orders at once, and rows of Jacobians that are sums over orders."""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import entry
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
def sum_rows(by_curves, functions, fan, out):
    """out[e, r, s] = sum_m by_curves[e, m, s] functions[fan[e], r, m, s]."""
    for e in range(by_curves.shape[0]):
        q = np.uint64(fan[e])
        for r in range(functions.shape[1]):
            for s in range(by_curves.shape[2]):
                out[e, r, s] = by_curves[e, 0, s] * functions[q, r, 0, s]
            for m in range(1, by_curves.shape[1]):
                for s in range(by_curves.shape[2]):
                    out[e, r, s] += by_curves[e, m, s] * functions[q, r, m, s]

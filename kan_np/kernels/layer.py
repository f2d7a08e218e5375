"""Edges of one layer over a block of samples: forward, and backward to parameters and inputs.

An edge e carries phi_e(x) = w b(x) + sum_r c[first + r] B_{first + r}(x); its parameters are one row
(w, c_0, ..., c_{G+k-1}) of theta, without w where there is no residual function.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit

# Places are unsigned and rows are taken out of the loops: Numba then leaves out its test for negative
# indices, which otherwise costs as much as the arithmetic.
_1, _2, _3 = np.uint64(1), np.uint64(2), np.uint64(3)


@jit
def edge_forward(row, has_base, n, value, first, base, out):
    """out[s] += phi(x[s])."""
    if has_base:
        w = row[0]
        for s in range(n):
            out[s] += w * base[s]
    add_living(row, n, value, first, out)


@jit
def add_living(row, n, value, first, out):
    """out[s] += sum_r row[first[s] + r] value[r, s]: a spline, or with slopes its derivative."""
    order = value.shape[0]
    if order == 4:  # cubic splines are what nearly everybody uses: one pass, unrolled
        v0, v1, v2, v3 = value[0], value[1], value[2], value[3]
        for s in range(n):
            m = np.uint64(first[s])
            out[s] += row[m] * v0[s] + row[m + _1] * v1[s] + row[m + _2] * v2[s] + row[m + _3] * v3[s]
    else:
        for r in range(order):
            v = value[r]
            for s in range(n):
                out[s] += row[np.uint64(first[s] + r)] * v[s]


@jit
def edge_backward(has_base, n, value, first, base, delta, grad):
    """grad += sum_s delta[s] d phi / d(row) (x[s])."""
    if has_base:
        total = 0.0
        for s in range(n):
            total += delta[s] * base[s]
        grad[0] += total
    order = value.shape[0]
    if order == 4:
        v0, v1, v2, v3 = value[0], value[1], value[2], value[3]
        for s in range(n):
            m = np.uint64(first[s])
            d = delta[s]
            grad[m] += d * v0[s]
            grad[m + _1] += d * v1[s]
            grad[m + _2] += d * v2[s]
            grad[m + _3] += d * v3[s]
    else:
        for r in range(order):
            v = value[r]
            for s in range(n):
                grad[np.uint64(first[s] + r)] += delta[s] * v[s]


@jit
def edge_input(row, has_base, n, slope, first, dbase, delta, work, out):
    """out[s] += delta[s] phi'(x[s]); `work` is scratch."""
    for s in range(n):
        work[s] = row[0] * dbase[s] if has_base else 0.0
    add_living(row, n, slope, first, work)
    for s in range(n):
        out[s] += delta[s] * work[s]

"""Edges over a block of samples: forward, and backward to parameters and inputs.

An edge e carries phi_e(x) = w b(x) + sum_r c[first + r] B_{first + r}(x); its parameters are the row
theta[e] = (w, c_0, ..., c_{G+k-1}), without w where there is no residual function. The arrays of its source
node (value, slope, first, base, dbase) come as they are, those of many edges or nodes with the row to use:
taking a row out of an array costs a reference count, which for the block of an edge is as much as the
arithmetic.

Places are unsigned, so that Numba leaves out its test for negative indices.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit

_1, _2, _3 = np.uint64(1), np.uint64(2), np.uint64(3)


@jit
def edge_forward(theta, edge, has_base, n, value, first, base, out, row):
    """out[row, s] += phi(x[s])."""
    e, j = np.uint64(edge), np.uint64(row)
    if has_base:
        w = theta[e, 0]
        for s in range(n):
            out[j, s] += w * base[s]
    add_active(theta, edge, n, value, first, out, row)


@jit
def add_active(theta, edge, n, value, first, out, row):
    """out[row, s] += sum_r theta[edge, first[s] + r] value[r, s]: a spline, or with slopes its derivative."""
    e, j = np.uint64(edge), np.uint64(row)
    order = value.shape[0]
    if order == 4:  # cubic splines are what nearly everybody uses: one pass, unrolled
        for s in range(n):
            m = np.uint64(first[s])
            out[j, s] += (
                theta[e, m] * value[0, s]
                + theta[e, m + _1] * value[1, s]
                + theta[e, m + _2] * value[2, s]
                + theta[e, m + _3] * value[3, s]
            )
    else:
        for r in range(order):
            q = np.uint64(r)
            for s in range(n):
                out[j, s] += theta[e, np.uint64(first[s]) + q] * value[q, s]


@jit
def edge_backward(has_base, n, value, first, base, delta, row, grad, edge):
    """grad[edge] += sum_s delta[row, s] d phi / d theta[edge] (x[s])."""
    e, j = np.uint64(edge), np.uint64(row)
    if has_base:
        total = 0.0
        for s in range(n):
            total += delta[j, s] * base[s]
        grad[e, 0] += total
    order = value.shape[0]
    if order == 4:
        for s in range(n):
            m = np.uint64(first[s])
            d = delta[j, s]
            grad[e, m] += d * value[0, s]
            grad[e, m + _1] += d * value[1, s]
            grad[e, m + _2] += d * value[2, s]
            grad[e, m + _3] += d * value[3, s]
    else:
        for r in range(order):
            q = np.uint64(r)
            for s in range(n):
                grad[e, np.uint64(first[s]) + q] += delta[j, s] * value[q, s]


@jit
def edge_input(theta, edge, has_base, n, slope, first, dbase, delta, row, work, out, source):
    """out[source, s] += delta[row, s] phi'(x[s]); work[0] is scratch."""
    e, j, i = np.uint64(edge), np.uint64(row), np.uint64(source)
    w = theta[e, 0] if has_base else 0.0
    for s in range(n):
        work[0, s] = w * dbase[s] if has_base else 0.0
    add_active(theta, edge, n, slope, first, work, 0)
    for s in range(n):
        out[i, s] += delta[j, s] * work[0, s]

"""SiLU, tanh, ReLU and their derivatives, for the base functions of edges and the nodes of an MLP."""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit, jit_exact
from kan_np.kernels.exponential import OCTET, silu_octet, tanh_octet

SILU, TANH, RELU = 0, 1, 2


@jit_exact
def silu(x, at, n, value, slope, to):
    """SiLU and its derivative of n numbers from the flat index `at` on; n is rounded up to octets."""
    for s in range(0, n, OCTET):
        silu_octet(x, at + s, value, slope, to + s)


@jit_exact
def tanh(x, at, n, value, slope, to):
    """As `silu` for tanh."""
    for s in range(0, n, OCTET):
        tanh_octet(x, at + s, value, slope, to + s)


@jit
def relu(z, row, n, slope):
    """ReLU of the first n numbers of a row, in place, and its derivative; NaN stays, its derivative is 0."""
    r = np.uint64(row)
    for s in range(n):
        slope[r, s] = 1.0 if z[r, s] > 0.0 else 0.0
        z[r, s] = 0.0 if z[r, s] <= 0.0 else z[r, s]


@jit
def activate_rows(kind, z, slope, first, end, n):
    """Replace z[i, s] by a(z[i, s]), slope[i, s] by a'; first <= i < end, s < n rounded up to octets."""
    width = z.shape[1]
    for i in range(first, end):
        if kind == TANH:
            tanh(z, i * width, n, z, slope, i * width)
        elif kind == SILU:
            silu(z, i * width, n, z, slope, i * width)
        else:
            relu(z, i, n, slope)

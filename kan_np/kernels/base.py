"""Base functions b(x) of spline edges (residual activation functions in the KAN paper) and their derivatives.

To add one, write a branch here and a name in `kan_np.network.kernel_arrays.BASE_FUNCTIONS`.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import entry, jit_inline
from kan_np.kernels.activation import silu

ZERO, IDENTITY, SILU = 0, 1, 2


@jit_inline
def base_function(kind, x, row, n, value, slope, slot):
    """value[slot, s] = b(x[row, s]) and slope[slot, s] = b'(x[row, s]).

    SiLU: b = x S, b' = S (1 + x (1 - S)) with S = 1 / (1 + exp(-x)). Rows are read and written up to the next
    multiple of 8 samples.
    """
    r, q = np.uint64(row), np.uint64(slot)
    if kind == SILU:
        silu(x, row * x.shape[1], n, value, slope, slot * value.shape[1])
    elif kind == IDENTITY:
        for s in range(n):
            value[q, s] = x[r, s]
            slope[q, s] = 1.0


@entry
def base_row(kind, x, n, value, slope):
    """`base_function` of row 0, callable from Python."""
    base_function(kind, x, 0, n, value, slope, 0)

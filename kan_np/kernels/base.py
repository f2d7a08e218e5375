"""Residual functions b(x) of an edge, with derivatives, over a block of samples.

A new one is a branch here and a name in `kan_np.network.BASE_FUNCTIONS`.
"""

from __future__ import annotations

import math

import numpy as np

from kan_np.kernels._jit import entry, jit_exact
from kan_np.kernels.lanes import power_of_two

ZERO, IDENTITY, SILU = 0, 1, 2

_LOG2_E = 1.4426950408889634
_LN2_HIGH = 0.693147180369123816490
_LN2_LOW = 1.90821492927058770002e-10


@jit_exact
def exponential(x):
    """exp(x) to about 2 ulp for |x| <= 700; clipped there, NaN is not kept.

    exp(x) = 2^m exp(r) with |r| <= ln(2) / 2 and a Taylor polynomial of degree 13 for exp(r). A loop around
    it runs in vector registers; libm's scalar exp would cost three times as much.
    """
    y = min(max(x, -700.0), 700.0)
    m = math.floor(y * _LOG2_E + 0.5)
    r = (y - m * _LN2_HIGH) - m * _LN2_LOW
    p = 1.6059043836821613e-10
    p = p * r + 2.0876756987868098e-09
    p = p * r + 2.5052108385441720e-08
    p = p * r + 2.7557319223985888e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.4801587301587302e-05
    p = p * r + 1.9841269841269841e-04
    p = p * r + 1.3888888888888889e-03
    p = p * r + 8.3333333333333333e-03
    p = p * r + 4.1666666666666664e-02
    p = p * r + 1.6666666666666666e-01
    p = p * r + 0.5
    p = p * r + 1.0
    return (p * r + 1.0) * power_of_two(np.int64(np.int32(m)))


@entry
def residual(kind, x, row, n, value, slope, slot):
    """value[slot, s] = b(x[row, s]) and slope[slot, s] = b'(x[row, s]).

    SiLU: b = x S, b' = S (1 + x (1 - S)) with S = 1 / (1 + exp(-x)); the factors x keep NaN.
    """
    r, q = np.uint64(row), np.uint64(slot)
    if kind == SILU:
        for s in range(n):
            t = x[r, s]
            sigma = 1.0 / (1.0 + exponential(-t))
            value[q, s] = t * sigma
            slope[q, s] = sigma * (1.0 + t * (1.0 - sigma))
    elif kind == IDENTITY:
        for s in range(n):
            value[q, s] = x[r, s]
            slope[q, s] = 1.0

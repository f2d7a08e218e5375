"""The built-in functions of symbolic edges and their derivatives, a row of samples at a time.

Sine, cosine, exponentials and tanh are those of `kan_np.kernels.waves` and `kan_np.kernels.exponential`, in
vector registers; the other functions are libm's, one by one.

To add one, write a number here, a branch, and a line in `kan_np.edges.symbol.KERNELS`.
"""

from __future__ import annotations

import math

import numpy as np

from kan_np.kernels._jit import jit, jit_exact
from kan_np.kernels.exponential import OCTET, exp_octet, tanh_slope_octet
from kan_np.kernels.waves import REDUCED, sine_cosine_octet

#: Kinds of functions. POWER is x^p for a whole p, ROOT for any other; PROGRAM is a program of
#: `kan_np.kernels.program`.
POWER, ROOT, EXP, LOG, ABS, SIN, COS, TAN, TANH, SGN = range(10)
ARCSIN, ARCCOS, ARCTAN, ARCTANH, ZERO, GAUSSIAN, SINH, COSH, ERF, PROGRAM = range(10, 20)

_TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)


@jit
def function_row(kind, power, u, n, value, slope, row):
    """value[row, s] = f(u[0, s]) and slope[row, s] = f'(u[0, s]), s < n; rows have room for a full panel."""
    r = np.uint64(row)
    if kind == SIN:
        sine_cosine(u, n, value, slope, r)
    elif kind == COS:
        sine_cosine(u, n, slope, value, r)
        for s in range(n):
            slope[r, s] = -slope[r, s]
    elif kind == EXP:
        exponential_row(u, n, value, row)
        for s in range(n):
            slope[r, s] = value[r, s]
    elif kind == GAUSSIAN:
        gaussian_row(u, n, value, slope, row)
    elif kind == TANH:
        tanh_row(u, n, value, slope, row)
    elif kind == POWER:
        whole_power(np.int64(power), u, n, value, slope, r)
    elif kind == ROOT:
        half_power(power, u, n, value, slope, r)
    else:
        libm_row(kind, u, n, value, slope, r)


@jit_exact
def sine_cosine(u, n, sine, cosine, row):
    """sine[row, s] = sin(u[0, s]), cosine[row, s] = cos(u[0, s]); rows have room for whole octets."""
    r, far = np.uint64(row), False
    for s in range(0, n, OCTET):
        far |= sine_cosine_octet(u, s, sine, cosine, row * sine.shape[1] + s)
    if far:
        for s in range(n):
            if not abs(u[0, s]) <= REDUCED:
                sine[r, s], cosine[r, s] = np.sin(u[0, s]), np.cos(u[0, s])


@jit_exact
def exponential_row(u, n, value, row):
    """value[row, s] = exp(u[0, s]); the argument is held within +-700, NaN stays NaN."""
    for s in range(0, n, OCTET):
        exp_octet(u, s, value, row * value.shape[1] + s)
    for s in range(n):
        value[row, s] = value[row, s] if u[0, s] == u[0, s] else u[0, s]


@jit_exact
def gaussian_row(u, n, value, slope, row):
    """value[row, s] = exp(-u^2), slope[row, s] = -2 u exp(-u^2)."""
    for s in range((n + OCTET - 1) // OCTET * OCTET):
        slope[row, s] = -u[0, s] * u[0, s]
    at = row * value.shape[1]
    for s in range(0, n, OCTET):
        exp_octet(slope, at + s, value, at + s)
    for s in range(n):
        value[row, s] = value[row, s] if u[0, s] == u[0, s] else u[0, s]
        slope[row, s] = -2.0 * u[0, s] * value[row, s]


@jit_exact
def tanh_row(u, n, value, slope, row):
    """tanh(u) and its derivative, which does not cancel."""
    at = row * value.shape[1]
    for s in range(0, n, OCTET):
        tanh_slope_octet(u, s, value, slope, at + s)


@jit
def whole_power(p, u, n, value, slope, row):
    """u^p and p u^(p - 1) for a whole number p other than 0, by multiplications."""
    r, less = np.uint64(row), abs(p) - 1 if p > 0 else abs(p) + 1
    for s in range(n):
        slope[r, s] = 1.0
    for _ in range(less):
        for s in range(n):
            slope[r, s] *= u[0, s] if p > 0 else 1.0 / u[0, s]
    for s in range(n):
        value[r, s] = slope[r, s] * u[0, s]
        slope[r, s] *= p


@jit
def half_power(p, u, n, value, slope, row):
    """u^p and p u^(p - 1); for p = 1/2, 3/2 and -1/2 by a square root and multiplications."""
    r = np.uint64(row)
    if p == 0.5:
        for s in range(n):
            value[r, s] = np.sqrt(u[0, s])
            slope[r, s] = 0.5 / value[r, s]
    elif p == 1.5:
        for s in range(n):
            root = np.sqrt(u[0, s])
            value[r, s], slope[r, s] = root * u[0, s], 1.5 * root
    elif p == -0.5:
        for s in range(n):
            inverse = 1.0 / u[0, s]
            value[r, s] = np.sqrt(u[0, s]) * inverse
            slope[r, s] = -0.5 * value[r, s] * inverse
    else:
        for s in range(n):
            value[r, s] = u[0, s] ** p
            slope[r, s] = p * u[0, s] ** (p - 1.0)


@jit
def libm_row(kind, u, n, value, slope, row):
    """Functions that are evaluated one sample at a time, by libm or directly."""
    r = np.uint64(row)
    if kind == LOG:
        for s in range(n):
            value[r, s], slope[r, s] = np.log(u[0, s]), 1.0 / u[0, s]
    elif kind == ABS:
        for s in range(n):
            value[r, s], slope[r, s] = abs(u[0, s]), np.sign(u[0, s])
    elif kind == TAN:
        for s in range(n):
            t = np.tan(u[0, s])
            value[r, s], slope[r, s] = t, 1.0 + t * t
    elif kind == SGN:
        for s in range(n):
            value[r, s], slope[r, s] = np.sign(u[0, s]), 0.0
    elif kind == ARCSIN:
        for s in range(n):
            x = u[0, s]
            value[r, s], slope[r, s] = np.arcsin(x), 1.0 / np.sqrt((1.0 - x) * (1.0 + x))
    elif kind == ARCCOS:
        for s in range(n):
            x = u[0, s]
            value[r, s], slope[r, s] = np.arccos(x), -1.0 / np.sqrt((1.0 - x) * (1.0 + x))
    elif kind == ARCTAN:
        for s in range(n):
            x = u[0, s]
            value[r, s], slope[r, s] = np.arctan(x), 1.0 / (1.0 + x * x)
    elif kind == SINH:
        for s in range(n):
            value[r, s], slope[r, s] = np.sinh(u[0, s]), np.cosh(u[0, s])
    elif kind == COSH:
        for s in range(n):
            value[r, s], slope[r, s] = np.cosh(u[0, s]), np.sinh(u[0, s])
    elif kind == ERF:
        for s in range(n):
            value[r, s] = math.erf(u[0, s])
            slope[r, s] = _TWO_OVER_ROOT_PI * np.exp(-u[0, s] * u[0, s])
    elif kind == ARCTANH:
        for s in range(n):
            x = u[0, s]
            value[r, s], slope[r, s] = np.arctanh(x), 1.0 / ((1.0 - x) * (1.0 + x))
    else:
        for s in range(n):
            value[r, s], slope[r, s] = 0.0, 0.0

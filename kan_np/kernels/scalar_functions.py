"""The built-in functions of symbolic edges and their derivatives, a row of samples at a time.

Sine and cosine are computed together and in vector registers: the argument is brought into [-pi/4, pi/4] by
subtracting multiples of pi/2 in three parts (W. J. Cody and W. Waite 1980, Software Manual for the Elementary
Functions, chapter 8), and polynomials of degree 13 and 14 follow (those of FDLIBM's k_sin.c and k_cos.c). Up
to `_REDUCED` that is right to about 1 ulp; larger arguments take libm's, one by one. Exponentials are those
of `kan_np.kernels.exponential`; the other functions are libm's.

To add one, write a number here, a branch, and a line in `kan_np.edges.symbol.KERNELS`.
"""

from __future__ import annotations

import math

import numpy as np

from kan_np.kernels._jit import jit, jit_exact
from kan_np.kernels.exponential import OCTET, exp_octet, tanh_octet

#: Kinds of functions. POWER is x^p for a whole p, ROOT for any other; PROGRAM is a program of
#: `kan_np.kernels.program`.
POWER, ROOT, EXP, LOG, ABS, SIN, COS, TAN, TANH, SGN = range(10)
ARCSIN, ARCCOS, ARCTAN, ARCTANH, ZERO, GAUSSIAN, SINH, COSH, ERF, PROGRAM = range(10, 20)

#: Up to here the reduction of the argument is exact: multiples of pi/2 have at most 20 bits.
_REDUCED = 1e6
_TWO_OVER_PI = 2.0 / math.pi
_TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)
#: pi/2 in parts of 33 bits (FDLIBM, e_rem_pio2.c), and the rest.
_PI_2_A, _PI_2_B, _PI_2_C = 1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21
_S = (
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
)
_C = (
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
)
_S1, _S2, _S3, _S4, _S5, _S6 = _S
_C1, _C2, _C3, _C4, _C5, _C6 = _C


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
    """sine[row, s] = sin(u[0, s]), cosine[row, s] = cos(u[0, s])."""
    r = np.uint64(row)
    n_large = 0
    for s in range(n):
        x = u[0, s]
        k = np.floor(x * _TWO_OVER_PI + 0.5)
        y = ((x - k * _PI_2_A) - k * _PI_2_B) - k * _PI_2_C
        z = y * y
        polynomial = _S2 + z * (_S3 + z * (_S4 + z * (_S5 + z * _S6)))
        a = y + y * z * (_S1 + z * polynomial)
        polynomial = _C1 + z * (_C2 + z * (_C3 + z * (_C4 + z * (_C5 + z * _C6))))
        b = 1.0 - (0.5 * z - z * z * polynomial)
        quarter = k - 4.0 * np.floor(0.25 * k)
        odd = (quarter == 1.0) | (quarter == 3.0)
        p, q = b if odd else a, a if odd else b
        sine[r, s] = -p if quarter >= 2.0 else p
        cosine[r, s] = -q if (quarter == 1.0) | (quarter == 2.0) else q
        n_large += int(not abs(x) <= _REDUCED)
    if n_large > 0:
        for s in range(n):
            if not abs(u[0, s]) <= _REDUCED:
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
    """tanh(u) and its derivative 4 w / (1 + w)^2, w = exp(-2 |u|), which does not cancel."""
    at = row * value.shape[1]
    for s in range((n + OCTET - 1) // OCTET * OCTET):
        value[row, s] = -2.0 * abs(u[0, s])
    for s in range(0, n, OCTET):
        exp_octet(value, at + s, slope, at + s)
    for s in range(n):
        w = slope[row, s]
        value[row, s] = 4.0 * w / ((1.0 + w) * (1.0 + w))  # the derivative, kept here until tanh is computed
    for s in range(0, n, OCTET):
        # row 1 of the argument is scratch for the derivative
        for q in range(OCTET):
            u[1, s + q] = value[row, s + q]
        tanh_octet(u, s, value, slope, at + s)
    for s in range(n):
        slope[row, s] = u[1, s]


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

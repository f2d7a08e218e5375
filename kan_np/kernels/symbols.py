"""Symbolic edges phi(x) = c f(a x + b) + d over a block of samples: values and derivatives.

f and f' are exact where `kan_np.functions.guard` says so and cubics or tangents elsewhere. f and f' are kept
for the derivatives,

    d phi / d (a, b, c, d) = (x c f', c f', f, 1),        d phi / dx = a c f'.

Networks without such edges pass None in place of `Symbols`, and none of this file is compiled.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit
from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.program import run_program
from kan_np.kernels.scalar_functions import PROGRAM, function_row


@jit
def add_symbols(symbols, first, end, n, x, sums):
    """sums[target[e], s] += phi_e(x[i, s]) for the symbolic edges e that leave the nodes first <= i < end."""
    if symbols is not None:
        for i in range(first, end):
            for e in range(symbols.fan_start[i], symbols.fan_start[i + 1]):
                evaluate(symbols, e, i, n, x)
                c, d = symbols.constants[e, 2], symbols.constants[e, 3]
                j, r = np.uint64(symbols.target[e]), np.uint64(e)
                for s in range(n):
                    sums[j, s] += c * symbols.value[r, s] + d


@jit
def evaluate(symbols, e, i, n, x):
    """value[e, s] = f(u_s) and slope[e, s] = f'(u_s) at u = a x[i] + b."""
    a, b = symbols.constants[e, 0], symbols.constants[e, 1]
    u, value, slope = symbols.argument, symbols.value, symbols.slope
    row = np.uint64(i)
    for s in range(n):
        u[0, s] = a * x[row, s] + b
    for s in range(n, (n + PANEL - 1) // PANEL * PANEL):
        u[0, s] = symbols.inside[e]
    low, high = symbols.widest[e, 0], symbols.widest[e, 1]
    n_outside = 0
    for s in range(n):
        n_outside += int(not (low <= u[0, s] <= high))
    if symbols.kind[e] == PROGRAM:
        run_program(symbols, e, n, u, value, slope)
    else:
        function_row(symbols.kind[e], symbols.power[e], u, n, value, slope, e)
    if n_outside > 0:
        patch_row(symbols, e, n, u, value, slope)


@jit
def patch_row(symbols, e, n, u, value, slope):
    """Replace values and derivatives by those of the guard cubics where the function is not exact."""
    low, high = symbols.widest[e, 0], symbols.widest[e, 1]
    first, last = symbols.first_piece[e], symbols.first_piece[e + 1] - 1
    for s in range(n):
        if low <= u[0, s] <= high:
            continue
        v = u[0, s]
        if symbols.period[e] < np.inf:
            v = symbols.start[e] + (v - symbols.start[e]) % symbols.period[e]
        piece = first
        while piece < last and not v <= symbols.piece_end[piece]:
            piece += 1
        if symbols.exact[piece] == 1:
            continue
        z = v - symbols.origin[piece]
        c2, c3 = symbols.cubic[piece, 2], symbols.cubic[piece, 3]
        bent = z if c2 != 0.0 or c3 != 0.0 else 0.0
        height = symbols.cubic[piece, 0] + z * symbols.cubic[piece, 1] + bent * bent * (c2 + bent * c3)
        incline = symbols.cubic[piece, 1] + bent * (2.0 * c2 + 3.0 * bent * c3)
        if abs(height) > symbols.bound:
            height, incline = (symbols.bound if height > 0.0 else -symbols.bound), 0.0
        value[e, s], slope[e, s] = height, incline


@jit
def symbol_values(symbols, i, n, above):
    """above[target[e], s] = phi_e for the symbolic edges that leave node i, after `add_symbols`."""
    if symbols is not None:
        for e in range(symbols.fan_start[i], symbols.fan_start[i + 1]):
            c, d = symbols.constants[e, 2], symbols.constants[e, 3]
            j, r = np.uint64(symbols.target[e]), np.uint64(e)
            for s in range(n):
                above[j, s] = c * symbols.value[r, s] + d


@jit
def clear_symbol_param_grad(symbols):
    """Set the derivatives by all constants to zero."""
    if symbols is not None:
        for e in range(symbols.target.shape[0]):
            for q in range(4):
                symbols.gradient[e, q] = 0.0


@jit
def add_symbol_param_grad(symbols, first, end, n, x, by_sum):
    """Add derivatives by the constants, given those by the values of the edges: rows of their targets."""
    if symbols is not None:
        for i in range(first, end):
            for e in range(symbols.fan_start[i], symbols.fan_start[i + 1]):
                c, row = symbols.constants[e, 2], np.uint64(i)
                j, r = np.uint64(symbols.target[e]), np.uint64(e)
                by_a, by_b, by_c, by_d = 0.0, 0.0, 0.0, 0.0
                for s in range(n):
                    inner = by_sum[j, s] * c * symbols.slope[r, s]
                    by_a += inner * x[row, s]
                    by_b += inner
                    by_c += by_sum[j, s] * symbols.value[r, s]
                    by_d += by_sum[j, s]
                symbols.gradient[e, 0] += by_a
                symbols.gradient[e, 1] += by_b
                symbols.gradient[e, 2] += by_c
                symbols.gradient[e, 3] += by_d


@jit
def add_symbol_input_grad(symbols, first, end, n, by_sum, out):
    """out[i, s] += sum_e by_sum[target[e], s] phi'_e(x_is) for the nodes first <= i < end."""
    if symbols is not None:
        for i in range(first, end):
            for e in range(symbols.fan_start[i], symbols.fan_start[i + 1]):
                factor = symbols.constants[e, 0] * symbols.constants[e, 2]
                j, r, o = np.uint64(symbols.target[e]), np.uint64(e), np.uint64(i)
                for s in range(n):
                    out[o, s] += by_sum[j, s] * factor * symbols.slope[r, s]


@jit
def symbol_jacobian(symbols, n, x, by_sum, work, first_row, jacobian, column):
    """Rows first_row + 4 e + (0, 1, 2, 3) of a Jacobian: those of the constants a, b, c, d of edge e.

    Derivatives by the sums are multiplied with work[0]; products with work[2] are added to the gradient.
    """
    if symbols is not None:
        for e in range(symbols.target.shape[0]):
            c, row = symbols.constants[e, 2], np.uint64(symbols.source[e])
            j, r, to = np.uint64(symbols.target[e]), np.uint64(e), np.uint64(first_row + 4 * e)
            at = np.uint64(column)
            by_a, by_b, by_c, by_d = 0.0, 0.0, 0.0, 0.0
            for s in range(n):
                own = work[0, s] * by_sum[j, s]
                inner = own * c * symbols.slope[r, s]
                jacobian[to, at + np.uint64(s)] = inner * x[row, s]
                jacobian[to + np.uint64(1), at + np.uint64(s)] = inner
                jacobian[to + np.uint64(2), at + np.uint64(s)] = own * symbols.value[r, s]
                jacobian[to + np.uint64(3), at + np.uint64(s)] = own
            for s in range(n):  # of its own: see `_jit`
                by_a += jacobian[to, at + np.uint64(s)] * work[2, s]
                by_b += jacobian[to + np.uint64(1), at + np.uint64(s)] * work[2, s]
                by_c += jacobian[to + np.uint64(2), at + np.uint64(s)] * work[2, s]
                by_d += jacobian[to + np.uint64(3), at + np.uint64(s)] * work[2, s]
            symbols.gradient[e, 0] += by_a
            symbols.gradient[e, 1] += by_b
            symbols.gradient[e, 2] += by_c
            symbols.gradient[e, 3] += by_d

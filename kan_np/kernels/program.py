"""Interpreter of `kan_np.functions.program`: values and derivatives of a formula on a block of samples."""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit
from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.scalar_functions import function_row

#: Operations of a step.
NUMBER, ADD, MULTIPLY, FUNCTION = range(4)


@jit
def run_program(symbols, e, n, u, value, slope):
    """value[e, s] = f(u[0, s]) and slope[e, s] = f'(u[0, s]) for the program f of edge e."""
    first, last = symbols.program_start[e], symbols.program_start[e + 1]
    v, d, inner = symbols.step_value, symbols.step_slope, symbols.inner
    filled = (n + PANEL - 1) // PANEL * PANEL
    for s in range(filled):
        v[0, s], d[0, s] = u[0, s], 1.0
    for step in range(first, last):
        operation, to = symbols.operation[step], np.uint64(step - first + 1)
        p, q = np.uint64(symbols.left[step]), np.uint64(symbols.right[step])
        if operation == NUMBER:
            for s in range(filled):
                v[to, s], d[to, s] = symbols.number[step], 0.0
        elif operation == ADD:
            for s in range(filled):
                v[to, s], d[to, s] = v[p, s] + v[q, s], d[p, s] + d[q, s]
        elif operation == MULTIPLY:
            for s in range(filled):
                d[to, s] = d[p, s] * v[q, s] + v[p, s] * d[q, s]
                v[to, s] = v[p, s] * v[q, s]
        else:
            for s in range(filled):
                inner[0, s] = v[p, s]
            function_row(symbols.right[step], symbols.number[step], inner, n, v, d, step - first + 1)
            for s in range(filled):
                d[to, s] *= d[p, s]
    row, end = np.uint64(e), np.uint64(last - first)
    for s in range(n):
        value[row, s], slope[row, s] = v[end, s], d[end, s]
    if symbols.probed[e] == 1:
        for s in range(n):
            lost = not (np.isfinite(value[row, s]) and np.isfinite(slope[row, s]))
            if lost and np.isfinite(u[0, s]):
                value[row, s], slope[row, s] = 0.0, 0.0

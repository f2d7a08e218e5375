"""Least squares of c f(u) + d for many lines u = alpha t + beta: costs, their derivatives, and descent.

What is computed is written in `kan_np.symbolic.projection`: z has the weighted mean 0 and variance 1, and the
cost is the weighted mean square of z - c f(u) - d.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kan_np.kernels._jit import entry, jit
from kan_np.kernels.arrays import Floats
from kan_np.kernels.lines import line
from kan_np.kernels.symbols import evaluate

#: Values that vary less than this part of their size are constant but for rounding.
FLAT = 1e-14
TINY = 1e-290
#: Damping at first, at least, after the first trial that fails, and at most.
DAMPING, LEAST_DAMPING, FAILED_DAMPING, GIVE_UP = 1e-3, 1e-15, 1e-3, 1e5


class Descent(NamedTuple):
    """Samples of a descent, when it ends, and room."""

    t: Floats  # (1, n)
    weight: Floats  # (n,)
    z: Floats  # (n,)
    low: Floats  # (p,) least coordinates
    high: Floats  # (p,) largest ones
    steps: int  # trials of each start
    tolerance: float  # part of its cost that a step must gain
    rounding: float  # cost below which nothing is gained
    work: Floats  # (2 + p, n)
    slopes: Floats  # (5, p) derivatives of alpha and beta, a trial, its gradient and one before it
    normal: Floats  # (2 p, p) normal matrix, and that of a trial


@jit
def _projected(f, weight, z, unit, rest):
    """Unit (n,) and rest z - c f - d (n,) of values f, n of them; returns c and the cost."""
    n = weight.size
    mean = 0.0
    for s in range(n):
        mean += weight[s] * f[s]
    variance = 0.0
    for s in range(n):
        unit[s] = f[s] - mean
    for s in range(n):  # of its own, as those below: see `_jit`
        variance += weight[s] * unit[s] * unit[s]
    inverse = 0.0
    if not variance <= (FLAT * mean) ** 2 + TINY:
        inverse = 1.0 / np.sqrt(variance)
    amplitude = 0.0
    for s in range(n):
        unit[s] *= inverse
    for s in range(n):
        amplitude += weight[s] * z[s] * unit[s]
    cost = 0.0
    for s in range(n):
        rest[s] = z[s] - amplitude * unit[s]
    for s in range(n):
        cost += weight[s] * rest[s] * rest[s]
    return amplitude * inverse, cost


@entry
def projected_costs(f, weight, z, work, cost):
    """cost[i] of the values f[i, :]; `work` is (2, n)."""
    for i in range(cost.size):
        cost[i] = _projected(f[i], weight, z, work[0], work[1])[1]


@entry
def tabulated_costs(values, largest, alpha, beta, t, weight, z, work, cost):
    """As `projected_costs`, f straight between even points of [-largest, largest]; `work` is (3, n)."""
    f = work[2]
    count = values.size - 1
    scale = count / (2.0 * largest)
    for i in range(cost.size):
        for s in range(t.size):
            place = min(max((alpha[i] * t[s] + beta[i] + largest) * scale, 0.0), float(count))
            below = min(int(place), count - 1)
            f[s] = values[below] + (place - below) * (values[below + 1] - values[below])
        cost[i] = _projected(f, weight, z, work[0], work[1])[1]


@entry
def line_costs(symbols, alpha, beta, t, weight, z, work, cost):
    """As `projected_costs`, f being the function in `symbols`, at t (1, n)."""
    for i in range(cost.size):
        symbols.constants[0, 0], symbols.constants[0, 1] = alpha[i], beta[i]
        evaluate(symbols, 0, 0, weight.size, t)
        cost[i] = _projected(symbols.value[0], weight, z, work[0], work[1])[1]


@entry
def linearised(f, slope, t, weight, z, d_alpha, d_beta, work, cost, normal, gradient):
    """Cost (m,), normal matrix (m, p, p) and gradient (m, p) for values and slopes (m, n) of f.

    `work` is (2 + p, n).
    """
    for i in range(cost.size):
        cost[i] = _linearised(
            f[i], slope[i], t, weight, z, d_alpha[i], d_beta[i], work, normal[i], gradient[i]
        )


@jit
def _linearised(f, slope, t, weight, z, d_alpha, d_beta, work, normal, gradient):
    """As `linearised`, of one line; returns its cost."""
    p, n = d_alpha.size, weight.size
    unit, rest, column = work[0], work[1], work[2:]
    amplitude, cost = _projected(f, weight, z, unit, rest)
    for k in range(p):
        a, b = amplitude * d_alpha[k], amplitude * d_beta[k]
        mean = 0.0
        for s in range(n):
            column[k, s] = slope[s] * (a * t[s] + b)
        for s in range(n):
            mean += weight[s] * column[k, s]
        along = 0.0
        for s in range(n):
            column[k, s] -= mean
        for s in range(n):
            along += weight[s] * column[k, s] * unit[s]
        found = 0.0
        for s in range(n):
            column[k, s] -= along * unit[s]
        for s in range(n):
            found += weight[s] * column[k, s] * rest[s]
        gradient[k] = found
        for q in range(k + 1):
            found = 0.0
            for s in range(n):
                found += weight[s] * column[k, s] * column[q, s]
            normal[k, q] = found
            normal[q, k] = found
    return cost


@entry
def descended(symbols, chart, descent, theta, cost):
    """Levenberg-Marquardt from each row of theta (m, p), which is changed; returns how many lines were tried.

    `symbols` holds the one function; the costs are written to (m,).
    """
    n_fev = 0
    for i in range(cost.size):
        n_fev += _descended(symbols, chart, descent, theta[i], cost, i)
    return n_fev


@jit
def _descended(symbols, chart, descent, theta, costs, i):
    p = theta.size
    low, high, trial = descent.low, descent.high, descent.slopes[2]
    normal, gradient = descent.normal[:p], descent.slopes[3]
    new_normal, new_gradient = descent.normal[p : 2 * p], descent.slopes[4]
    for k in range(p):
        theta[k] = min(max(theta[k], low[k]), high[k])
    cost = _at(symbols, chart, descent, theta, normal, gradient)
    damping, n_fev = DAMPING, 1
    for _ in range(descent.steps):
        first, second = damped_step(normal, gradient, damping)
        gain = first * gradient[0] + (second * gradient[1] if p == 2 else 0.0)
        if not (gain > descent.tolerance * cost and cost > descent.rounding and damping < GIVE_UP):
            break
        trial[0] = min(max(theta[0] + first, low[0]), high[0])
        if p == 2:
            trial[1] = min(max(theta[1] + second, low[1]), high[1])
        new_cost = _at(symbols, chart, descent, trial, new_normal, new_gradient)
        n_fev += 1
        if new_cost < cost:
            cost = new_cost
            for k in range(p):
                theta[k], gradient[k] = trial[k], new_gradient[k]
                for q in range(p):
                    normal[k, q] = new_normal[k, q]
            damping = max(damping / 10.0, LEAST_DAMPING)
        else:
            damping = max(damping * 10.0, FAILED_DAMPING)
    costs[i] = cost
    return n_fev


@jit
def _at(symbols, chart, descent, theta, normal, gradient):
    """Cost, normal matrix and gradient of the line with coordinates theta."""
    d_alpha, d_beta = descent.slopes[0], descent.slopes[1]
    alpha, beta = line(chart, theta, d_alpha, d_beta)
    symbols.constants[0, 0], symbols.constants[0, 1] = alpha, beta
    evaluate(symbols, 0, 0, descent.weight.size, descent.t)
    return _linearised(
        symbols.value[0],
        symbols.slope[0],
        descent.t[0],
        descent.weight,
        descent.z,
        d_alpha,
        d_beta,
        descent.work,
        normal,
        gradient,
    )


@entry
def damped_steps(normal, gradient, damping, step):
    """Solves (A + damping diag A) step = gradient for each of m matrices A of one or two rows."""
    for i in range(damping.size):
        first, second = damped_step(normal[i], gradient[i], damping[i])
        step[i, 0] = first
        if step.shape[1] == 2:
            step[i, 1] = second


@jit
def damped_step(normal, gradient, damping):
    """A damped step of one or two coordinates, by the formula; 0 along what changes nothing."""
    first = normal[0, 0] * (1.0 + damping)
    if gradient.size == 1:
        alone = gradient[0] / first if first > 0.0 else 0.0
        return alone if np.isfinite(alone) else 0.0, 0.0
    # in units of the diagonal, as its squares may overflow
    p, q = np.sqrt(first), np.sqrt(normal[1, 1] * (1.0 + damping))
    if not (p > 0.0 and q > 0.0):
        return 0.0, 0.0
    off = normal[0, 1] / (p * q)
    a, b = gradient[0] / p, gradient[1] / q
    determinant = (1.0 - off) * (1.0 + off)
    if determinant == 0.0:
        return 0.0, 0.0
    one, other = (a - off * b) / determinant / p, (b - off * a) / determinant / q
    return one if np.isfinite(one) else 0.0, other if np.isfinite(other) else 0.0


@entry
def apart(order, points, distance, kept):
    """Writes the first rows of `order` whose points differ in a coordinate by `distance` to `kept`; how many.

    A row is compared with all that were written before it.
    """
    count = 0
    for i in order:
        new = True
        for k in range(count):
            near = True
            for q in range(points.shape[1]):
                near &= np.abs(points[kept[k], q] - points[i, q]) <= distance[q]
            if near:
                new = False
                break
        if new:
            kept[count] = i
            count += 1
            if count == kept.size:
                break
    return count

"""Variable projection: least squares in the coordinates of a line, its amplitude and offset solved for.

For a line u = alpha t + beta, with <p q> the weighted mean of a product and F = f(u) - <f(u)>,

    c = <F z> / <F F>,   r = z - c F,   cost = <r r>,

is the best c f(u) + d, z centred and of variance 1, so that cost = 1 - R^2. The derivatives of r by the
coordinates are -c P(dF/dtheta) up to terms of the size of r (Kaufman 1975), P = 1 - F F'/<F F>; with them
Levenberg-Marquardt steps solve

    (A + lambda diag A) step = g,   A_kl = c^2 <P F_k, P F_l>,   g_k = c <P F_k, r>.

One start after the other descends, in compiled code (`kan_np.symbolic.compiled_descent`); of functions that
are not compiled all do at once, as rows of arrays. Source: Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973),
413-432; Kaufman, BIT 15 (1975), 49-57.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kan_np._validate import FloatArray
from kan_np.functions.symbol import Symbol
from kan_np.kernels.projection import (
    DAMPING,
    FAILED_DAMPING,
    GIVE_UP,
    LEAST_DAMPING,
    damped_steps,
    linearised,
    projected_costs,
    tabulated_costs,
)
from kan_np.symbolic import compiled_descent
from kan_np.symbolic.line_coordinates import Chart
from kan_np.symbolic.samples import Samples

#: Values worked on at once, so that they stay in cache.
_BLOCK = 1 << 15
#: Values from which on a table is quicker, of functions without singularities and of others; its spacing.
_MANY, _VERY_MANY, _TABLE_STEP = 1 << 13, 1 << 18, 0.01
#: Ends of tables are these powers, so that few are made.
_TABLE_ENDS = 1.25
#: Part of the rounding of the samples below which a cost cannot be lowered.
_ROUNDING = 1e-4


@dataclass
class Candidates:
    """m starts on one chart, and where they have come to.

    Attributes
    ----------
    chart : Chart
    theta : ndarray of shape (m, p)
    cost : ndarray of shape (m,)
        1 - R^2 on the samples that were last used.
    n_fev : int
        Lines tried to get there.
    sharp : bool
        Whether neighbouring samples decide, so that none may be left out: steps, kinks, poles.
    """

    chart: Chart
    theta: FloatArray
    cost: FloatArray
    n_fev: int = 0
    sharp: bool = False

    def rows(self, rows: list[int]) -> Candidates:
        """Some of them."""
        return Candidates(self.chart, self.theta[rows], self.cost[rows], 0, self.sharp)


def costs(symbol: Symbol, chart: Chart, theta: FloatArray, samples: Samples) -> FloatArray:
    """1 - R^2 of the best c f(u) + d for each row of `theta`, shape (m,); of many rows to about 1e-4."""
    line = chart.lines(theta)
    found = np.empty(theta.shape[0])
    smooth = not symbol.poles and bool(np.isinf(symbol.domain).all())
    if found.size * samples.n > (_MANY if smooth else _VERY_MANY):
        table, largest = _table(symbol, _table_end(float((np.abs(line.alpha) + np.abs(line.beta)).max())))
        tabulated_costs(
            *(table, largest, line.alpha, line.beta),
            *(samples.t, samples.weight, samples.z, np.empty((3, samples.n)), found),
        )
        return found
    if compiled_descent.knows(symbol):
        return compiled_descent.costs(symbol, line.alpha, line.beta, samples)
    rows = max(1, _BLOCK // samples.n)
    for first in range(0, found.size, rows):
        block = slice(first, first + rows)
        (f,) = symbol.guarded(line.alpha[block, None] * samples.t + line.beta[block, None], order=0)
        projected_costs(
            *(np.ascontiguousarray(f), samples.weight, samples.z, np.empty((2, samples.n)), found[block])
        )
    return found


def _table_end(largest: float) -> float:
    return float(_TABLE_ENDS ** np.ceil(np.log(largest) / np.log(_TABLE_ENDS)))


@lru_cache(maxsize=128)
def _table(symbol: Symbol, largest: float) -> tuple[FloatArray, float]:
    """f at even points of |u| <= largest: some special functions take microseconds a value."""
    count = int(np.clip(2 * largest / _TABLE_STEP, 1 << 10, 1 << 16))
    return symbol.guarded(np.linspace(-largest, largest, count + 1), order=0)[0], largest


def refine(symbol: Symbol, found: Candidates, samples: Samples, steps: int, tolerance: float) -> Candidates:
    """Levenberg-Marquardt from every candidate, at most `steps` trials each.

    One ends where a step would lower its cost by less than the part `tolerance`, where its cost is rounding,
    or where no step lowers it.
    """
    if compiled_descent.knows(symbol):
        theta, cost, n_fev = compiled_descent.refined(
            symbol, found.chart, found.theta, samples, steps, tolerance, _ROUNDING * samples.rounding
        )
        return Candidates(found.chart, theta, cost, n_fev, found.sharp)
    return refine_by_numpy(symbol, found, samples, steps, tolerance)


def refine_by_numpy(
    symbol: Symbol, found: Candidates, samples: Samples, steps: int, tolerance: float
) -> Candidates:
    """As `refine`, for functions that are not compiled: all candidates step at once, as rows of arrays."""
    chart = found.chart
    low, high = np.array(chart.low), np.array(chart.high)
    theta = np.clip(found.theta, low, high)
    cost, normal, gradient = _linearise(symbol, chart, theta, samples)
    damping = np.full(cost.size, DAMPING)
    active, n_fev = np.arange(cost.size), cost.size
    rounding = _ROUNDING * samples.rounding
    for _ in range(steps):
        step = _solve(normal[active], gradient[active], damping[active])
        gain = (step * gradient[active]).sum(axis=1)
        going = (gain > tolerance * cost[active]) & (cost[active] > rounding) & (damping[active] < GIVE_UP)
        active, step = active[going], step[going]
        if active.size == 0:
            break
        trial = np.clip(theta[active] + step, low, high)
        new_cost, new_normal, new_gradient = _linearise(symbol, chart, trial, samples)
        n_fev += active.size
        better = new_cost < cost[active]
        won, lost = active[better], active[~better]
        theta[won], cost[won] = trial[better], new_cost[better]
        normal[won], gradient[won] = new_normal[better], new_gradient[better]
        damping[won] = np.maximum(damping[won] / 10.0, LEAST_DAMPING)
        damping[lost] = np.maximum(damping[lost] * 10.0, FAILED_DAMPING)
    return Candidates(chart, theta, cost, n_fev, found.sharp)


def _linearise(
    symbol: Symbol, chart: Chart, theta: FloatArray, samples: Samples
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cost (m,), normal matrix A (m, p, p) and gradient g (m, p) at each row of `theta`."""
    line = chart.lines(theta)
    f, slope = symbol.guarded(line.alpha[:, None] * samples.t + line.beta[:, None])
    m, p = theta.shape
    cost, normal, gradient = np.empty(m), np.empty((m, p, p)), np.empty((m, p))
    linearised(
        *(np.ascontiguousarray(f), np.ascontiguousarray(slope), samples.t, samples.weight, samples.z),
        *(line.d_alpha, line.d_beta, np.empty((2 + p, samples.n)), cost, normal, gradient),
    )
    return cost, normal, gradient


def _solve(normal: FloatArray, gradient: FloatArray, damping: FloatArray) -> FloatArray:
    """Damped steps of one or two coordinates; 0 along what changes nothing."""
    step = np.empty_like(gradient)
    damped_steps(normal, gradient, damping, step)
    return step

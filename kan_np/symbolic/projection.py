"""Variable projection: least squares in the coordinates of a line, its amplitude and offset solved for.

For a line u = alpha t + beta, with <p q> the weighted mean of a product and F = f(u) - <f(u)>,

    c = <F z> / <F F>,   r = z - c F,   cost = <r r>,

is the best c f(u) + d, z centred and of variance 1, so that cost = 1 - R^2. The derivatives of r by the
coordinates are -c P(dF/dtheta) up to terms of the size of r (Kaufman 1975), P = 1 - F F'/<F F>; with them
Levenberg-Marquardt steps solve

    (A + lambda diag A) step = g,   A_kl = c^2 <P F_k, P F_l>,   g_k = c <P F_k, r>.

All starts step at once, as rows of arrays. Source: Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973),
413-432; Kaufman, BIT 15 (1975), 49-57.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from kan_np._validate import FloatArray
from kan_np.functions.symbol import Symbol
from kan_np.symbolic.line_coordinates import Chart
from kan_np.symbolic.samples import Samples

#: Values worked on at once, so that they stay in cache.
_BLOCK = 1 << 15
#: Values from which on a table is quicker, and its spacing in u.
_MANY, _TABLE_STEP = 1 << 18, 0.01
_TINY = 1e-290
#: Part of the rounding of the samples below which a cost cannot be lowered.
_ROUNDING = 1e-4
#: Values that vary less than this part of their size are constant but for rounding.
_FLAT = 1e-14
#: Damping at first, at least, after the first trial that fails, and at most.
_DAMPING, _LEAST_DAMPING, _FAILED_DAMPING, _GIVE_UP = 1e-3, 1e-15, 1e-3, 1e5


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
    value: Callable[[FloatArray], tuple[FloatArray, ...]] = partial(symbol.guarded, order=0)
    if theta.shape[0] * samples.n > _MANY:
        value = _table(symbol, float((np.abs(line.alpha) + np.abs(line.beta)).max()))
    rows = max(1, _BLOCK // samples.n)
    found = np.empty(theta.shape[0])
    for first in range(0, found.size, rows):
        block = slice(first, first + rows)
        u = line.alpha[block, None] * samples.t + line.beta[block, None]
        (f,) = value(u)
        found[block] = np.square(_project(f, samples)[2]) @ samples.weight
    return found


def _table(symbol: Symbol, largest: float) -> Callable[[FloatArray], tuple[FloatArray, ...]]:
    """f by linear interpolation on |u| <= largest: some special functions take microseconds a value."""
    count = int(np.clip(2 * largest / _TABLE_STEP, 1 << 10, 1 << 16))
    (values,) = symbol.guarded(np.linspace(-largest, largest, count + 1), order=0)
    rise, scale = np.append(np.diff(values), 0.0), count / (2.0 * largest)

    def value(u: FloatArray) -> tuple[FloatArray, ...]:
        place = np.clip((u + largest) * scale, 0.0, count)
        whole = place.astype(np.intp)
        return (values[whole] + (place - whole) * rise[whole],)

    return value


def refine(symbol: Symbol, found: Candidates, samples: Samples, steps: int, tolerance: float) -> Candidates:
    """Levenberg-Marquardt from every candidate, at most `steps` trials each.

    One ends where a step would lower its cost by less than the part `tolerance`, where its cost is rounding,
    or where no step lowers it.
    """
    chart = found.chart
    low, high = np.array(chart.low), np.array(chart.high)
    theta = np.clip(found.theta, low, high)
    cost, normal, gradient = _linearise(symbol, chart, theta, samples)
    damping = np.full(cost.size, _DAMPING)
    active, n_fev = np.arange(cost.size), cost.size
    rounding = _ROUNDING * samples.rounding
    for _ in range(steps):
        step = _solve(normal[active], gradient[active], damping[active])
        gain = (step * gradient[active]).sum(axis=1)
        going = (gain > tolerance * cost[active]) & (cost[active] > rounding) & (damping[active] < _GIVE_UP)
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
        damping[won] = np.maximum(damping[won] / 10.0, _LEAST_DAMPING)
        damping[lost] = np.maximum(damping[lost] * 10.0, _FAILED_DAMPING)
    return Candidates(chart, theta, cost, n_fev, found.sharp)


def _project(f: FloatArray, samples: Samples) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(unit, c, r) of values f (m, n): F = f - <f> is unit / c times the amplitude, with <unit^2> = 1.

    An f that is constant but for rounding has unit = 0, so it explains nothing.
    """
    mean = f @ samples.weight
    centred = f - mean[:, None]
    variance = np.square(centred) @ samples.weight
    flat = variance <= np.square(_FLAT * mean) + _TINY
    inverse = 1.0 / np.sqrt(np.where(flat, np.inf, variance))
    unit = centred * inverse[:, None]
    amplitude = unit @ (samples.weight * samples.z)
    return unit, amplitude * inverse, samples.z - amplitude[:, None] * unit


def _linearise(
    symbol: Symbol, chart: Chart, theta: FloatArray, samples: Samples
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Cost (m,), normal matrix A (m, p, p) and gradient g (m, p) at each row of `theta`."""
    line = chart.lines(theta)
    t, weight = samples.t, samples.weight
    f, slope = symbol.guarded(line.alpha[:, None] * t + line.beta[:, None])
    unit, amplitude, rest = _project(f, samples)
    slope = slope * amplitude[:, None]
    m, p = theta.shape
    columns = []
    for k in range(p):
        column = slope * (line.d_alpha[:, k, None] * t + line.d_beta[:, k, None])
        column -= (column @ weight)[:, None]
        column -= ((column * unit) @ weight)[:, None] * unit
        columns.append(column)
    normal, gradient = np.empty((m, p, p)), np.empty((m, p))
    for k in range(p):
        gradient[:, k] = (columns[k] * rest) @ weight
        for i in range(k + 1):
            normal[:, k, i] = normal[:, i, k] = (columns[k] * columns[i]) @ weight
    return np.square(rest) @ weight, normal, gradient


def _solve(normal: FloatArray, gradient: FloatArray, damping: FloatArray) -> FloatArray:
    """Damped steps of one or two coordinates, by the formula; 0 along what changes nothing."""
    diagonal = np.diagonal(normal, axis1=1, axis2=2) * (1.0 + damping)[:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if diagonal.shape[1] == 1:
            step = gradient / diagonal
        else:
            # in units of the diagonal, as its squares may overflow
            scale = np.sqrt(diagonal)
            off = normal[:, 0, 1] / (scale[:, 0] * scale[:, 1])
            right = gradient / scale
            determinant = (1.0 - off) * (1.0 + off)
            step = (right - off[:, None] * right[:, ::-1]) / determinant[:, None] / scale
    return np.where(np.isfinite(step), step, 0.0)

"""The lines of `kan_np.symbolic.line_coordinates` as kernels compute them: one line, and its derivatives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kan_np.kernels._jit import jit

#: Kinds of charts.
CENTRE, EDGE, RATE, LINE, BETWEEN, RAY = range(6)


class Chart(NamedTuple):
    """A chart as numbers; those that its kind does not have are 0."""

    kind: int
    sign: float  # or side
    edge: float  # of the domain, or its lower end
    top: float  # of the domain
    outward: float
    offset: float
    closed: int


@jit
def line(chart, theta, d_alpha, d_beta):
    """(alpha, beta) of the line with coordinates theta (p,); writes their derivatives (p,)."""
    sign, edge, outward = chart.sign, chart.edge, chart.outward
    if chart.kind == CENTRE:
        d_alpha[0], d_beta[0] = 0.0, -sign * np.cosh(theta[0])
        return sign, -sign * np.sinh(theta[0])
    if chart.kind == EDGE:
        gap, slope = _gap(theta[0], chart.closed)
        d_alpha[0], d_beta[0] = 0.0, outward * slope
        return outward * sign, edge + outward * (gap + 1.0)
    if chart.kind == RATE:
        rate = np.exp(theta[0])
        d_alpha[0], d_beta[0] = sign * rate, -rate
        return sign * rate, -rate
    if chart.kind == LINE:
        alpha = sign * np.exp(theta[0])
        d_alpha[0], d_alpha[1] = alpha, 0.0
        d_beta[0], d_beta[1] = -alpha * theta[1], -alpha
        return alpha, -alpha * theta[1] + chart.offset
    if chart.kind == RAY:
        scale = np.exp(theta[0])
        gap, slope = _gap(theta[1], chart.closed)
        d_alpha[0], d_alpha[1] = outward * sign * scale, 0.0
        d_beta[0], d_beta[1] = outward * scale, outward * slope
        return outward * sign * scale, edge + outward * (gap + scale)
    middle, half = (edge + chart.top) / 2.0, (chart.top - edge) / 2.0
    first, first_slope = _end(theta[0], chart.closed)
    second, second_slope = _end(theta[1], chart.closed)
    d_alpha[0], d_alpha[1] = -half * first_slope / 2.0, half * second_slope / 2.0
    d_beta[0], d_beta[1] = half * first_slope / 2.0, half * second_slope / 2.0
    return half * (second - first) / 2.0, middle + half * (first + second) / 2.0


@jit
def _gap(theta, closed):
    if closed == 1:
        return theta * theta, 2.0 * theta
    gap = np.exp(theta)
    return gap, gap


@jit
def _end(theta, closed):
    if closed == 1:
        return np.sin(theta), np.cos(theta)
    end = np.tanh(theta)
    return end, 1.0 - end * end

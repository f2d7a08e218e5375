"""Costs and descents of lines in compiled code, for the functions that kernels know."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.symbol import kernel_of
from kan_np.functions.symbol import Symbol
from kan_np.kernels._jit import bound
from kan_np.kernels.arrays import Symbols
from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.projection import Descent, descended, line_costs
from kan_np.network.symbol_arrays import symbol_arrays, with_room
from kan_np.symbolic.line_coordinates import Chart
from kan_np.symbolic.samples import Samples


@lru_cache(maxsize=512)
def knows(symbol: Symbol) -> bool:
    """Whether a function is compiled."""
    return kernel_of(symbol) is not None


def costs(symbol: Symbol, alpha: FloatArray, beta: FloatArray, samples: Samples) -> FloatArray:
    """1 - R^2 of the best c f(alpha t + beta) + d for each line, shape (m,)."""
    found = np.empty(alpha.size)
    given = _arrays(symbol, samples.n), alpha, beta, samples.t[None, :], samples.weight, samples.z
    room = np.empty((2, samples.n)), found
    bound(line_costs, *given, *room)(*given, *room)
    return found


def refined(
    symbol: Symbol,
    chart: Chart,
    theta: FloatArray,
    samples: Samples,
    steps: int,
    tolerance: float,
    rounding: float,
) -> tuple[FloatArray, FloatArray, int]:
    """Coordinates (m, p) and costs (m,) after descent from `theta`, and how many lines were tried.

    See `kan_np.symbolic.projection.refine`.
    """
    p = theta.shape[1]
    descent = Descent(
        samples.t[None, :],
        samples.weight,
        samples.z,
        np.array(chart.low),
        np.array(chart.high),
        steps,
        tolerance,
        rounding,
        np.empty((2 + p, samples.n)),
        np.empty((5, p)),
        np.empty((2 * p, p)),
    )
    theta, cost = np.array(theta), np.empty(theta.shape[0])
    given = _arrays(symbol, samples.n), chart.numbers, descent, theta, cost
    n_fev = bound(descended, *given)(*given)
    return theta, cost, n_fev


def _arrays(symbol: Symbol, n: int) -> Symbols:
    return with_room(_function(symbol), -(-n // PANEL) * PANEL, (1, 0))


@lru_cache(maxsize=512)
def _function(symbol: Symbol) -> Symbols:
    first = np.zeros(1, dtype=np.int64)
    return symbol_arrays([symbol], np.array([0, 1]), first, first)

"""Starts of a fit: many lines on the charts of a symbol, of which the best go on.

Grids are laid in the coordinates of a chart (`kan_np.symbolic.line_coordinates`), fine enough that a start
lies in the basin of every minimum that the samples support. Three functions have a linear problem instead,
solved exactly at each frequency or split:

    sin, cos    z = p sin(alpha t) + q cos(alpha t) + d          least squares (Lomb-Scargle)
    tan         z (p cos - q sin)(alpha t) = (r cos + s sin)(alpha t)    smallest singular vector
    sgn         the split that leaves least variance on its two sides
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.functions.symbol import Symbol
from kan_np.kernels.projection import apart
from kan_np.symbolic.line_coordinates import Between, Centre, Chart, Edge, Line, Rate, Ray
from kan_np.symbolic.projection import Candidates, costs
from kan_np.symbolic.samples import Samples

#: Starts that are kept on a chart of one and of two coordinates.
_KEPT = (6, 12)
#: Values this many times the spread from the mean are looked at as poles.
_SPIKE = 3.0
#: Starts nearer than this in each of two coordinates count as one.
_APART = np.array([0.25, 0.5])
#: Half-range frequencies up to which every one is tried; higher ones come from the spectrum.
_SCANNED = 128.0
_TANGENT_SCANNED = 16.0
_FREQUENCY_STEP = 0.4
#: Spacing of shifts in units of u: features of the usual functions are about 1 wide.
_SHIFT_STEP = 0.75
_SLOPES = np.geomspace(0.05, 80.0, 28)
#: Functions are compared with the samples over this much of u beside their centre.
_REACH = 6.0


def starts(symbol: Symbol, coarse: Samples, samples: Samples) -> list[Candidates]:
    """The best starts of a symbol, those of each chart apart.

    Parameters
    ----------
    symbol : Symbol
        Not free of both scale and shift: such functions are straight lines.
    coarse, samples : Samples
        A thinned set for the grids, and all samples for what needs neighbours.
    """
    if symbol.expression in ("sin(x)", "cos(x)"):
        alpha, phase = _sine(symbol, samples.thinned(256), samples)
        return [
            _selected(symbol, Line(1.0, offset), _line_theta(alpha, _nearest(phase, offset) - offset), coarse)
            for offset in (0.0, np.pi / 2)
        ]
    found = []
    if symbol.scale_free:
        slopes = symbol.guarded([-2.0, -1.0, 1.0, 2.0])[1]
        if not slopes.any():
            return [_selected(symbol, Centre(1.0), _step(samples), samples, sharp=True)]
        laid = list(_scale_free(symbol))
        if symbol.poles and _has_spikes(samples):
            found = [_selected(symbol, Centre(1.0), _poles_inside(samples), samples, sharp=True)]
        elif slopes[0] == slopes[1] and slopes[2] == slopes[3]:
            laid = [(chart, np.vstack([theta, _between_samples(samples)])) for chart, theta in laid]
            some = samples.thinned(512)
            return [_selected(symbol, chart, theta, some, sharp=True) for chart, theta in laid]
    elif symbol.shift_free:
        laid = [(Rate(sign), np.linspace(-5.0, 5.5, 64)[:, None]) for sign in (1.0, -1.0)]
    else:
        laid = list(_general(symbol, samples))
    return found + [_selected(symbol, chart, theta, coarse) for chart, theta in laid]


def _selected(
    symbol: Symbol, chart: Chart, theta: FloatArray, samples: Samples, sharp: bool = False
) -> Candidates:
    """The best of a grid that are not neighbours."""
    if theta.shape[1] == 1:
        theta = theta[np.argsort(theta[:, 0])]
    cost = costs(symbol, chart, theta, samples)
    order = np.argsort(cost, kind="stable")
    kept: NDArray[np.intp] = np.empty(_KEPT[theta.shape[1] - 1], dtype=np.intp)
    if theta.shape[1] == 1:
        around = np.pad(cost, 1, constant_values=np.inf)
        order = order[(cost <= around[:-2])[order] & (cost <= around[2:])[order]]
        kept = order[: kept.size]
    else:
        second = chart.lines(theta).beta if isinstance(chart, Line) else theta[:, 1]
        kept = kept[: apart(order, np.stack([theta[:, 0], second], 1), _APART, kept)]
    return Candidates(chart, theta[kept], cost[kept], cost.size, sharp)


def _scale_free(symbol: Symbol) -> Iterator[tuple[Chart, FloatArray]]:
    low, high = symbol.domain
    if symbol.poles or np.isfinite(low) or np.isfinite(high):
        outward = -1.0 if np.isinf(low) and high == 0.0 else 1.0
        closed = _is_closed(symbol, 0.0)
        logs = np.linspace(-16.0, 7.0, 70)
        theta = np.concatenate([[0.0], np.exp(logs / 2)]) if closed else logs
        for side in (1.0, -1.0):
            yield Edge(0.0, outward, side, closed), theta[:, None]
        return
    theta = np.unique(np.concatenate([np.linspace(-7.0, 7.0, 141), np.arcsinh(np.linspace(-1, 1, 41))]))
    for sign in (1.0,) if symbol.mirror else (1.0, -1.0):
        yield Centre(sign), theta[:, None]


def _general(symbol: Symbol, samples: Samples) -> Iterator[tuple[Chart, FloatArray]]:
    low, high = symbol.domain
    if np.isfinite(low) and np.isfinite(high):
        yield _between(symbol, low, high)
        return
    if np.isfinite(low) or np.isfinite(high):
        yield from _rays(symbol, low, high)
        return
    if symbol.poles and np.isfinite(symbol.period):
        yield _between(symbol, symbol.poles[0] - symbol.period, symbol.poles[0])
        if not _has_spikes(samples):
            return
        if symbol.expression == "tan(x)":
            yield Line(1.0), _tangent(samples.thinned(256))
    elif symbol.poles and len(symbol.poles) <= 4:
        for left, right in zip(symbol.poles[:-1], symbol.poles[1:], strict=True):
            yield _between(symbol, left, right)
        yield from _rays(symbol, symbol.poles[-1], np.inf)
        yield from _rays(symbol, -np.inf, symbol.poles[0])
    theta = _line_grid(symbol, samples)
    for sign in (1.0,) if symbol.mirror else (1.0, -1.0):
        yield Line(sign), theta


def _between(symbol: Symbol, low: float, high: float) -> tuple[Chart, FloatArray]:
    closed = _is_closed(symbol, low) and _is_closed(symbol, high)
    ends = np.linspace(-np.pi / 2, np.pi / 2, 19) if closed else np.linspace(-5.0, 5.0, 23)
    first, second = np.meshgrid(ends, ends, indexing="ij")
    ordered = first < second if symbol.mirror and low == -high else first != second
    return Between(low, high, closed), np.stack([first[ordered], second[ordered]], 1)


def _rays(symbol: Symbol, low: float, high: float) -> Iterator[tuple[Chart, FloatArray]]:
    edge, outward = (low, 1.0) if np.isfinite(low) else (high, -1.0)
    closed = _is_closed(symbol, edge)
    logs = np.linspace(-9.0, 4.0, 24)
    gaps = np.concatenate([[0.0], np.exp(logs / 2)]) if closed else logs
    theta = np.stack(np.meshgrid(np.linspace(-4.0, 5.0, 28), gaps, indexing="ij"), -1).reshape(-1, 2)
    for side in (1.0, -1.0):
        yield Ray(edge, outward, side, closed), theta


def _is_closed(symbol: Symbol, edge: float) -> bool:
    return edge not in symbol.poles and bool(symbol.contains(edge))


def _line_grid(symbol: Symbol, samples: Samples) -> FloatArray:
    """Slopes by ratio, or evenly for functions that oscillate, each with shifts over all its window."""
    frequency = _own_frequency(symbol)
    if frequency > 0:
        top = min(_SCANNED if np.isfinite(symbol.period) else 40.0, _nyquist(samples))
        slopes = np.arange(0.2, top, 2 * _FREQUENCY_STEP) / frequency
        high = _spectrum(samples)[:, None] * [0.97, 1.0, 1.03]
        slopes = np.concatenate([slopes, high[high > top].ravel() / frequency])
    elif np.isinf(symbol.period):
        return _even_line_grid()
    else:
        slopes = _SLOPES
    if np.isfinite(symbol.period):
        phases = np.arange(12) * (symbol.period / 12)
        pairs = np.stack(np.meshgrid(slopes, phases, indexing="ij"), -1).reshape(-1, 2)
        return _line_theta(pairs[:, 0], pairs[:, 1])
    return _shifted(slopes, 1.2 / frequency)


@lru_cache(maxsize=1)
def _even_line_grid() -> FloatArray:
    grid = _shifted(_SLOPES, _SHIFT_STEP)
    grid.flags.writeable = False
    return grid


def _shifted(slopes: FloatArray, step: float) -> FloatArray:
    """Lines of each slope with shifts over all their window, about so far from each other."""
    rows = []
    for slope in slopes:
        width = slope + _REACH
        count = int(np.clip(2 * width / step, 25, 400))
        shifts: FloatArray = np.linspace(-width, width, count | 1)
        rows.append(_line_theta(np.full(shifts.size, slope), shifts))
    return np.concatenate(rows)


def _line_theta(alpha: FloatArray, beta: FloatArray) -> FloatArray:
    """Coordinates of the lines alpha t + beta, alpha > 0, on `Line`."""
    return np.stack([np.log(alpha), -beta / alpha], 1)


@lru_cache(maxsize=256)
def _own_frequency(symbol: Symbol) -> float:
    """Mean angular frequency of f on 0 < |u| < 60; 0 if it has fewer than 12 extrema there."""
    u = np.linspace(-60.0, 60.0, 6001)
    (slope,) = symbol.guarded(u, order=1)[1:]
    turns = int((np.sign(slope[1:]) * np.sign(slope[:-1]) < 0).sum())
    return np.pi * turns / 120.0 if turns >= 12 else 0.0


def _nyquist(samples: Samples) -> float:
    """Largest frequency, in radians per half range, that the samples resolve."""
    return np.pi / 2 * max(1, np.unique(samples.t).size - 1)


def _spectrum(samples: Samples) -> FloatArray:
    """Frequencies of the four largest peaks of the spectrum, in radians per half range."""
    count = 1 << int(np.clip(np.ceil(np.log2(4 * samples.n)), 8, 14))
    grid = np.linspace(-1.0, 1.0, count)
    window = np.square(np.cos(np.pi * grid / 2))
    power = np.abs(np.fft.rfft(np.interp(grid, samples.t, samples.z) * window, 2 * count))
    peaks = np.flatnonzero((power[1:-1] >= power[:-2]) & (power[1:-1] > power[2:])) + 1
    largest = peaks[np.argsort(power[peaks])[-4:]]
    frequency: FloatArray = largest * np.pi * (count - 1) / (2 * count)
    return frequency[frequency < _nyquist(samples)]


def _nearest(phase: FloatArray, offset: float) -> FloatArray:
    """The phase, modulo pi, within pi/2 of the offset."""
    return phase - np.pi * np.round((phase - offset) / np.pi)


def _sine(symbol: Symbol, some: Samples, samples: Samples) -> tuple[FloatArray, FloatArray]:
    """alpha and beta of sin or cos at every frequency, the phases by linear least squares."""
    top = min(_SCANNED, _nyquist(samples))
    alpha: FloatArray = np.concatenate(
        [np.geomspace(0.02, 0.4, 12), np.arange(0.5, top, _FREQUENCY_STEP), _spectrum(samples)]
    )
    phase: FloatArray = np.empty(alpha.size)
    for first in range(0, alpha.size, 64):
        block = slice(first, first + 64)
        angle = alpha[block, None] * some.t
        sine, cosine = np.sin(angle), np.cos(angle)
        sine -= (sine @ some.weight)[:, None]
        cosine -= (cosine @ some.weight)[:, None]
        ss, cc = np.square(sine) @ some.weight, np.square(cosine) @ some.weight
        sc = (sine * cosine) @ some.weight
        sz, cz = sine @ (some.weight * some.z), cosine @ (some.weight * some.z)
        phase[block] = np.arctan2(cz * ss - sz * sc, sz * cc - cz * sc)
    shift = np.pi / 2 if symbol.expression == "cos(x)" else 0.0
    return alpha, phase - shift


def _tangent(some: Samples) -> FloatArray:
    """Lines of tan from the frequencies at which z, times a cosine, is a sine and a cosine."""
    frequencies = np.arange(0.1, min(_TANGENT_SCANNED, _nyquist(some)), 0.1)
    misfit = np.concatenate([_null(block, some)[0] for block in np.array_split(frequencies, 8)])
    inner = np.flatnonzero((misfit[1:-1] <= misfit[:-2]) & (misfit[1:-1] <= misfit[2:])) + 1
    best = frequencies[inner[np.argsort(misfit[inner])[:6]]]
    offsets = np.linspace(-1.0, 1.0, 7)
    width = 0.1
    while width > 1e-8 and best.size:
        trials = best[:, None] + width * offsets
        nearest = _null(trials.ravel(), some)[0].reshape(trials.shape).argmin(axis=1)
        best = np.take_along_axis(trials, nearest[:, None], 1)[:, 0]
        width /= 3.0
    vector = _null(best, some)[1]
    return _line_theta(np.maximum(best, 1e-3), np.arctan2(-vector[:, 1], vector[:, 0]))


def _null(alpha: FloatArray, some: Samples) -> tuple[FloatArray, FloatArray]:
    """Smallest singular values squared and vectors of the columns z cos, z sin, cos, sin, of unit length."""
    angle = alpha[:, None] * some.t
    sine, cosine = np.sin(angle), np.cos(angle)
    columns = np.stack([some.z * cosine, some.z * sine, cosine, sine], 1) * np.sqrt(some.weight)
    length = np.linalg.norm(columns, axis=2, keepdims=True)
    columns /= length
    value, vector = np.linalg.eigh(columns @ columns.transpose(0, 2, 1))
    return np.abs(value[:, 0]), vector[:, :, 0] / length[:, :, 0]


def _step(samples: Samples) -> FloatArray:
    """Centre between the two neighbours whose split leaves least variance, as theta of a `Centre`."""
    weight, moment = np.cumsum(samples.weight)[:-1], np.cumsum(samples.weight * samples.z)[:-1]
    gain = np.square(moment) / (weight * (1.0 - weight))
    gain[samples.t[1:] == samples.t[:-1]] = -1.0
    split = int(np.argmax(gain))
    return np.arcsinh([[(samples.t[split] + samples.t[split + 1]) / 2]])


def _has_spikes(samples: Samples) -> bool:
    """Whether y may have poles between samples: some of its values stand out."""
    return bool(np.abs(samples.z).max() > _SPIKE)


def _between_samples(samples: Samples) -> FloatArray:
    """Centres between neighbouring samples, at most about 256, all of them near the ends."""
    t = np.unique(samples.t)
    between = (t[1:] + t[:-1]) / 2
    ends = 16
    if between.size > 256:
        inner = np.linspace(ends, between.size - ends - 1, 256 - 2 * ends).round().astype(int)
        between = np.concatenate([between[:ends], between[inner], between[-ends:]])
    return np.arcsinh(between)[:, None]


def _poles_inside(samples: Samples) -> FloatArray:
    """Centres between neighbouring samples beside the six that are farthest from the middle value.

    How near the pole is to one of the two decides their values, so there are many to an interval.
    """
    far = np.argsort(np.abs(samples.z - np.median(samples.z)))[-6:]
    left = np.unique(np.concatenate([far - 1, far]))
    left = left[(left >= 0) & (left < samples.n - 1)]
    left = left[samples.t[left] < samples.t[left + 1]]
    part = (1.0 + np.tanh(np.linspace(-4.0, 4.0, 25))) / 2.0
    centre = samples.t[left, None] + part * (samples.t[left + 1] - samples.t[left])[:, None]
    return np.arcsinh(centre.reshape(-1, 1))

"""Figures of the solutions of differential equations: maps over two coordinates, curves along one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from sweeps.page.style import house_style

_BLUE, _GRID = "#0072B2", "#eceef1"
#: Inches of a panel, and panels in a row.
_PANEL, _COLUMNS = (2.75, 2.45), 4
#: How many powers of ten below the greatest magnitude is shown.
_DECADES = 6
#: Colours of values of both signs, of values of one, and of magnitudes.
_BOTH, _ONE, _MAGNITUDE = "RdBu_r", "Blues", "viridis"


def solution_figure(solution: Mapping[str, Any]) -> Figure:
    """Draw the fields of a stored solution: every output, its error, the residual, and where it bends."""
    fields: Mapping[str, np.ndarray] = solution["fields"]
    columns = min(_COLUMNS, len(fields))
    rows = math.ceil(len(fields) / columns)
    with house_style():
        figure = Figure(figsize=(_PANEL[0] * columns, _PANEL[1] * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (title, field) in zip(panels, fields.items(), strict=False):
            is_magnitude = title.startswith("error of ") or title in ("residual", "bending")
            draw = _draw_curve if field.ndim == 1 else _draw_map
            draw(axes, solution["ranges"], field, is_magnitude)
            axes.set_title(title, parse_math=False)
            axes.set_xlabel(solution["coordinates"][0], parse_math=False)
            if field.ndim > 1:
                axes.set_ylabel(solution["coordinates"][1], parse_math=False, rotation=0)
        for axes in panels[len(fields) :]:
            axes.set_axis_off()
    return figure


def _draw_curve(axes: Axes, ranges: Any, field: np.ndarray, is_magnitude: bool) -> None:
    ((low, high),) = ranges
    shown = np.where(field > 0.0, field, np.nan) if is_magnitude else field
    axes.plot(np.linspace(low, high, field.size), shown, color=_BLUE, linewidth=1.3)
    axes.set_xlim(low, high)
    if is_magnitude and np.isfinite(shown).any():
        axes.set_yscale("log")
        top = float(np.nanmax(shown))
        axes.set_ylim(max(float(np.nanmin(shown)), top * 10.0**-_DECADES) / 1.5, top * 1.5)
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(True, color=_GRID, linewidth=0.8)
    axes.tick_params(length=0)


def _draw_map(axes: Axes, ranges: Any, field: np.ndarray, is_magnitude: bool) -> None:
    norm, colours = _scale(field, is_magnitude)
    image = axes.imshow(
        field.T,
        origin="lower",
        extent=(*ranges[0], *ranges[1]),
        aspect="auto",
        cmap=colours,
        norm=norm,
        interpolation="nearest",
    )
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.95, pad=0.03)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, labelsize=9)
    if isinstance(norm, LogNorm):
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
    for line, (low, high) in zip((axes.xaxis, axes.yaxis), ranges, strict=True):
        ticks = [low, 0.5 * (low + high), high]
        line.set_ticks(ticks, [f"{value:g}" for value in ticks])
    axes.tick_params(length=2)


def _scale(field: np.ndarray, is_magnitude: bool) -> tuple[Normalize, str]:
    """Return how numbers become colours: magnitudes by their logarithm, values of both signs around 0."""
    finite = field[np.isfinite(field)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if is_magnitude and high > 0.0:
        least = max(float(np.quantile(finite[finite > 0.0], 0.02)), high * 10.0**-_DECADES)
        if least < 0.1 * high:
            return LogNorm(least, high, clip=True), _MAGNITUDE
        return Normalize(low, high), _MAGNITUDE
    if low < 0.0 < high:
        most = max(-low, high)
        return TwoSlopeNorm(0.0, -most, most), _BOTH
    return Normalize(low, high), _ONE

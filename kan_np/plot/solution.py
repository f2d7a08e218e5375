"""Draws the solution of a differential equation: curves along one coordinate, maps over two."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure

from kan_np._validate import FloatArray
from kan_np.plot._style import BLUE, FONT_SIZE, GREY

#: Inches of a panel, and panels in a row.
_PANEL, _COLUMNS = (3.1, 2.6), 4
#: How far below the largest value a logarithmic scale goes, in powers of ten.
_DECADES = 6.0
#: Maps of values that have both signs, of positive ones, of magnitudes.
_BOTH, _ONE, _MAGNITUDE = "RdBu_r", "Blues", "viridis"


def plot_fields(
    coordinates: Sequence[str],
    axes: Sequence[FloatArray],
    values: Mapping[str, FloatArray],
    errors: Mapping[str, FloatArray],
    residual: FloatArray,
    bending: FloatArray,
) -> Figure:
    """Draw a solution on an even grid; the arguments are those of `kan_np.pde.fields.Fields`.

    Returns
    -------
    Figure
        A panel for every output, its error, the residual, and where the solution bends.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.plot.solution import plot_fields
    >>> t = np.linspace(0.0, 1.0, 5)
    >>> figure = plot_fields(("t",), (t,), {"u": t**2}, {"u": 1e-6 * t}, 1e-4 * t, 2.0 + 0.0 * t)
    >>> len(figure.axes)
    4
    """
    panels: list[tuple[str, FloatArray, bool]] = []
    for name, own in values.items():
        panels.append((name, own, False))
        if name in errors:
            panels.append((f"error of {name}", errors[name], True))
    panels += [("residual", residual, True), ("bending", bending, True)]
    columns = min(_COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(_PANEL[0] * columns, _PANEL[1] * rows), dpi=150, layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for place, (title, field, is_magnitude) in zip(places, panels, strict=False):
        draw = _draw_curve if len(axes) == 1 else _draw_map
        draw(place, axes, field, is_magnitude)
        place.set_title(title, fontsize=FONT_SIZE)
        place.set_xlabel(coordinates[0])
        if len(coordinates) > 1:
            place.set_ylabel(coordinates[1])
    for place in places[len(panels) :]:
        place.remove()
    return figure


def _draw_curve(place: Axes, axes: Sequence[FloatArray], field: FloatArray, is_magnitude: bool) -> None:
    shown = np.where(field > 0.0, field, np.nan) if is_magnitude else field
    place.plot(axes[0], shown, color=BLUE, linewidth=1.5)
    if is_magnitude and np.isfinite(shown).any():
        place.set_yscale("log")
    place.grid(True, color=GREY, alpha=0.25, linewidth=0.6)
    place.spines[["top", "right"]].set_visible(False)


def _draw_map(place: Axes, axes: Sequence[FloatArray], field: FloatArray, is_magnitude: bool) -> None:
    x, y = axes
    norm, colours = _scale(field, is_magnitude)
    image = place.imshow(
        field.T,
        origin="lower",
        extent=(float(x[0]), float(x[-1]), float(y[0]), float(y[-1])),
        aspect="auto",
        cmap=colours,
        norm=norm,
        interpolation="nearest",
    )
    place.figure.colorbar(image, ax=place, shrink=0.9)


def _scale(field: FloatArray, is_magnitude: bool) -> tuple[Normalize, str]:
    """How numbers become colours: magnitudes by their logarithm, values of both signs around 0."""
    finite = field[np.isfinite(field)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if is_magnitude and high > 0.0:
        positive = finite[finite > 0.0]
        least = max(float(np.quantile(positive, 0.02)), high * 10.0**-_DECADES)
        if least < 0.1 * high:
            return LogNorm(least, high, clip=True), _MAGNITUDE
        return Normalize(low, high), _MAGNITUDE
    if low < 0.0 < high:
        most = max(-low, high)
        return TwoSlopeNorm(0.0, -most, most), _BOTH
    return Normalize(low, high), _ONE

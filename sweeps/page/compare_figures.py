"""Figures of a comparison: the fronts of both sweeps for each function, and the ratios of all functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from sweeps.analysis.compare import SweepComparison, TaskPair
from sweeps.analysis.pareto import steps
from sweeps.analysis.results import Point
from sweeps.families import by_family
from sweeps.page.figures import PARAMETERS, Cost, log_ticks, network_limits
from sweeps.page.style import GREY, colour, decade_ticks, house_style, label, marker, plain_number, wrap

#: Inches: of a figure, and of a legend beside its frame; and the most fronts of a legend within the frame.
_WIDTH, _LEGEND_WIDTH = 6.1, 2.9
_MOST_WITHIN = 10
#: How far apart the families of a row are, and how much of the row they take at most.
_APART, _SPREAD = 0.22, 0.8
#: Most families of a legend above a figure in one row, and the columns of one of more.
_MOST_IN_A_ROW, _LEGEND_COLUMNS = 4, 2
#: Inches of the row of a function for each family.
_MARKER = 0.1


def pair_figure(pair: TaskPair, names: tuple[str, str], cost: Cost = PARAMETERS) -> Figure:
    """Draw the fronts of both sweeps: the first full, the second dashed and hollow."""
    with house_style():
        title = wrap(pair.first.formula)
        height = 4.35 + 0.22 * title.count("\n")
        n_fronts = len(pair.first.fronts) + len(pair.second.fronts)
        width = _WIDTH if n_fronts <= _MOST_WITHIN else _WIDTH + _LEGEND_WIDTH
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0.175 * _WIDTH / width, 0.6 / height, 0.805 * _WIDTH / width, 3.35 / height))
        axes.set_xscale("log")
        axes.set_yscale("log")
        limits = [
            own for task in (pair.first, pair.second) if (own := network_limits(task, cost)) is not None
        ]
        axes.set_title(title, loc="left", y=1.0, pad=9, parse_math=False)
        axes.set_xlabel(cost.label)
        axes.set_ylabel(f"{pair.first.test_name}, median over {pair.first.repeats}\n(↓ lower is better)")
        if not limits:
            axes.text(0.5, 0.5, "no finished run yet", transform=axes.transAxes, ha="center", color=GREY)
            return figure
        left, right, low, top = zip(*limits, strict=True)
        axes.set_xlim(min(left), max(right))
        axes.set_ylim(min(low), max(top))
        log_ticks(axes)
        handles: list[Line2D] = []
        for task, name, style in zip((pair.first, pair.second), names, _styles(), strict=True):
            for family in sorted(cost.fronts(task), key=by_family):
                front = [point for point in cost.fronts(task)[family] if point.test.median > 0]
                if front:
                    handles.append(_draw_front(axes, front, cost, style(family), f"{label(family)}, {name}"))
        # With many families the legend stands beside the frame.
        place: dict[str, Any] = {"loc": "upper right", "fontsize": 10}
        if n_fronts > _MOST_WITHIN:
            place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5), "fontsize": 8}
        axes.legend(handles=handles, **place, handlelength=2.6, labelspacing=0.4)
    return figure


def _draw_front(axes: Axes, front: Sequence[Point], cost: Cost, style: dict[str, Any], text: str) -> Line2D:
    """Draw a front as a step line with a marker at each point, and return its entry for the legend."""
    x, y = [cost.of(point) for point in front], [point.test.median for point in front]
    line = {"color": style["color"], "linestyle": style["linestyle"], "linewidth": 1.8}
    axes.plot(*steps(x, y, x_end=axes.get_xlim()[1]), **line)
    axes.plot(x, y, **style | {"linestyle": "none"})
    return Line2D([], [], label=text, **style)


def _styles() -> tuple[Any, Any]:
    """Return how the first and the second sweep are drawn, given a family."""
    return (
        lambda family: _style(family, "-", colour(family)),
        lambda family: _style(family, (0, (3.5, 1.6)), "white"),
    )


def _style(family: str, line: Any, face: str) -> dict[str, Any]:
    points = {"marker": marker(family), "markersize": 6, "markeredgecolor": colour(family)}
    return {"color": colour(family), "linestyle": line, "markerfacecolor": face, **points}


def ratios_figure(comparison: SweepComparison) -> Figure:
    """Draw the ratio of errors at equal parameters with its interval: a row a function, a marker a family."""
    first, second = comparison.names
    rows = comparison.pairs[::-1]
    with house_style():
        families = sorted({ratio.family for pair in rows for ratio in pair.ratios}, key=by_family)
        ncols = len(families) if len(families) <= _MOST_IN_A_ROW else _LEGEND_COLUMNS
        more = max(math.ceil(len(families) / max(ncols, 1)) - 1, 0)
        room = max(0.42, _MARKER * len(families))
        figure = Figure(figsize=(6.3, room * max(len(rows), 2) + 1.3 + 0.24 * more), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.axvline(1.0, color=GREY, linewidth=1.0, zorder=1)
        gap = min(_APART, _SPREAD / max(len(families), 1))
        for row, pair in enumerate(rows):
            for ratio in pair.ratios:
                if not math.isfinite(ratio.equal.value):
                    continue
                y = row + gap * (families.index(ratio.family) - (len(families) - 1) / 2)
                shade = colour(ratio.family)
                if not math.isnan(ratio.equal.low):
                    axes.plot([ratio.equal.low, ratio.equal.high], [y, y], color=shade, linewidth=1.4)
                axes.plot(
                    ratio.equal.value,
                    y,
                    color=shade,
                    marker=marker(ratio.family),
                    markersize=7,
                    linestyle="none",
                )
        axes.set_yticks(range(len(rows)), [wrap(pair.first.title, 26, 1) for pair in rows], parse_math=False)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, 0.5), max(high, 2.0))
        axes.xaxis.set_major_locator(FixedLocator(decade_ticks(*axes.get_xlim())))
        axes.xaxis.set_major_formatter(FuncFormatter(plain_number))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(True, axis="x", which="major", color="#eceef1", linewidth=0.8)
        axes.set_xlabel(
            f"error of {second} over error of {first} at equal parameters\n"
            f"(← {wrap(second, 24, 1)} better     {wrap(first, 24, 1)} better →)",
            parse_math=False,
        )
        handles = [
            Line2D(
                [],
                [],
                linestyle="none",
                marker=marker(family),
                color=colour(family),
                label=label(family),
            )
            for family in families
        ]
        if handles:
            figure.legend(handles=handles, loc="outside upper right", ncols=ncols)
    return figure

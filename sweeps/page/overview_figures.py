"""Figures of all functions together: small panels of their fronts, and their best models."""

from __future__ import annotations

import math
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from sweeps.analysis.results import KAN, MLP, Comparison, SweepResult, TaskResult
from sweeps.page.figures import draw_fronts, network_limits
from sweeps.page.style import (
    colour,
    decade_ticks,
    edge,
    face,
    family_handles,
    family_label,
    house_style,
    marker,
    power_of_ten,
    ratio_text,
    wrap,
)

#: Most entries of a legend above all panels that stand in one row; of more, inches of an entry and of a row.
_MOST_IN_A_ROW = 6
_LEGEND_WIDTH, _LEGEND_LINE = 2.9, 0.22
#: Inches of a letter of a legend, and of what stands before a label.
_LETTER, _HANDLE = 0.075, 0.5


def shown_tasks(result: SweepResult) -> list[TaskResult]:
    """Return the functions that have something to draw."""
    return [task for task in result.tasks if network_limits(task) is not None]


def compared_tasks(result: SweepResult) -> list[tuple[TaskResult, Comparison]]:
    """Return the functions with a KAN and an MLP, where the KAN is worst first."""
    compared = [(task, task.overall) for task in result.tasks if task.overall is not None]
    return sorted(compared, key=lambda pair: (pair[1].ratio, pair[0].task))


def all_tasks_figure(result: SweepResult, columns: int = 5, *, pictures: bool = False) -> Figure:
    """Draw the fronts of all functions as small multiples; with `pictures`, their dots as pictures."""
    tasks = shown_tasks(result)
    columns = max(1, min(columns, len(tasks)))
    rows = max(1, math.ceil(len(tasks) / columns))
    with house_style(), matplotlib.style.context({"font.size": 8.5, "axes.titlesize": 9.5}):
        width, handles = 2.35 * columns + 0.5, family_handles(tasks)
        needed = sum(_LETTER * len(str(handle.get_label())) + _HANDLE for handle in handles)
        in_a_row = len(handles) <= _MOST_IN_A_ROW and needed <= width
        ncols = len(handles) if in_a_row else max(1, int(width / _LEGEND_WIDTH))
        more = max(math.ceil(len(handles) / max(ncols, 1)) - 1, 0)
        height = 1.95 * rows + 0.75 + _LEGEND_LINE * more
        figure = Figure(figsize=(width, height), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, task in zip(grid.flat, tasks, strict=False):
            draw_fronts(axes, task, network_limits(task), pictures=pictures, small=True)
            axes.set_title(wrap(task.title, 26, 1), loc="left", y=1.0, pad=4, parse_math=False)
        for axes in grid.flat[len(tasks) :]:
            axes.set_axis_off()
        figure.supxlabel("trainable parameters   (← fewer is better)", fontsize=10)
        error = result.test_name
        room = f"{error}, median over seeds   (↓ lower is better)" if rows > 1 else f"{error}   (↓ better)"
        figure.supylabel(room, fontsize=10)
        if handles:
            figure.legend(handles=handles, loc="outside upper right", ncols=ncols, fontsize=10)
    return figure


def summary_figure(result: SweepResult) -> Figure:
    """Draw the best KAN and the best MLP of every function on one error axis, sorted by their ratio."""
    compared = compared_tasks(result)
    with house_style():
        figure = Figure(figsize=(6.3, 0.32 * max(len(compared), 2) + 1.2), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xscale("log")
        for row, (_, comparison) in enumerate(compared):
            _dumbbell(axes, row, comparison)
        axes.set_yticks(
            range(len(compared)), [wrap(task.title, 26, 1) for task, _ in compared], parse_math=False
        )
        axes.set_ylim(-0.7, len(compared) - 0.3)
        axes.set_xlabel(f"{result.test_name}, median and range over seeds   (← lower is better)")
        axes.grid(True, axis="x", which="major", color="#eceef1", linewidth=0.8)
        low, high = axes.get_xlim()
        axes.xaxis.set_major_locator(
            FixedLocator(decade_ticks(low, high)) if high / low < 60 else LogLocator(numticks=9)
        )
        axes.xaxis.set_major_formatter(FuncFormatter(power_of_ten))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        if compared:
            figure.legend(*_first_of_each(axes), loc="outside upper right", ncols=2)
        else:
            axes.text(
                0.5, 0.5, "no function has both a KAN and an MLP", transform=axes.transAxes, ha="center"
            )
    return figure


def _first_of_each(axes: Axes) -> tuple[list[Any], list[str]]:
    handles, labels = axes.get_legend_handles_labels()
    first = {name: handle for handle, name in reversed(list(zip(handles, labels, strict=True)))}
    return [first[name] for name in sorted(first)], sorted(first)


def _dumbbell(axes: Axes, row: int, comparison: Comparison) -> None:
    pair = {KAN: comparison.kan, MLP: comparison.mlp}
    x = [max(point.test.median, 1e-300) for point in pair.values()]
    axes.plot(x, [row, row], color="#c9cdd4", linewidth=3, zorder=1, solid_capstyle="butt")
    for family, point in pair.items():
        middle = max(point.test.median, 1e-300)
        high = point.test.high if math.isfinite(point.test.high) else middle
        axes.plot(
            [max(point.test.low, 1e-300), high], [row, row], color=colour(family), linewidth=1.3, zorder=2
        )
        axes.plot(
            middle,
            row,
            color=colour(family),
            marker=marker(family),
            markersize=8,
            linestyle="none",
            markerfacecolor=face(point.opt, colour(family)),
            markeredgecolor=edge(point.opt, colour(family)),
            zorder=3,
            label=family_label(family, point.opt, "best {}"),
        )
    winner = KAN if comparison.ratio >= 1 else MLP
    axes.annotate(
        ratio_text(comparison.ratio),
        (1.01, row),
        xycoords=axes.get_yaxis_transform(),
        va="center",
        fontsize=10,
        color=colour(winner),
        annotation_clip=False,
    )

"""Figures of a sweep whose KANs have different edges: who leads at which size, and the best models."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from sweeps.analysis.results import Interval, SweepResult, TaskResult
from sweeps.families import networks
from sweeps.page.style import (
    GREY,
    colour,
    decade_ticks,
    house_style,
    label,
    line,
    marker,
    plain_number,
    power_of_ten,
    wrap,
)

#: Columns of a legend that stands above a figure.
_LEGEND_COLUMNS = 3
#: Inches from row to row, and how much of that the networks of a row take.
_ROW, _ROW_SPREAD = 0.46, 0.62
#: How far apart the families of one limit are drawn, as a factor.
_APART = 1.022


def leaders_figure(result: SweepResult) -> Figure:
    """Draw the error of every network over that of the leader against the number of parameters.

    A point is the geometric mean over functions at equal parameters, a bar its 95 % interval.
    """
    ratios: dict[str, list[tuple[int, Interval]]] = {}
    for leader in result.leaders:
        ratios.setdefault(leader.family, []).append((leader.budget, Interval(1.0, 1.0, 1.0)))
        for rival in leader.rivals:
            ratios.setdefault(rival.family, []).append((leader.budget, rival.ratio))
    names = networks(ratios)
    with house_style():
        figure = Figure(figsize=(8.6, 4.6), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.axhline(1.0, color=GREY, linewidth=1.0, zorder=1)
        for number, name in enumerate(names):
            _draw_ratios(axes, name, ratios[name], _APART ** (number - (len(names) - 1) / 2))
        axes.set_xlabel("trainable parameters, at most")
        axes.set_ylabel("test error over that of the leader\n(↓ lower is better)")
        axes.xaxis.set_major_locator(FixedLocator([leader.budget for leader in result.leaders]))
        low, high = axes.get_ylim()
        ticks = decade_ticks(low, high) if high / low < 1e4 else None
        axes.yaxis.set_major_locator(FixedLocator(ticks) if ticks else LogLocator(numticks=8))
        for one in (axes.xaxis, axes.yaxis):
            one.set_minor_locator(NullLocator())
            one.set_major_formatter(FuncFormatter(plain_number))
        axes.grid(True, which="major", color="#eceef1", linewidth=0.8)
        axes.tick_params(length=0)
        if names:
            figure.legend(handles=[_handle(name) for name in names], loc="outside right center", fontsize=10)
    return figure


def _draw_ratios(axes: Axes, name: str, found: list[tuple[int, Interval]], shift: float) -> None:
    found = [(limit, ratio) for limit, ratio in found if math.isfinite(ratio.value)]
    x, y = [limit * shift for limit, _ in found], [ratio.value for _, ratio in found]
    ends = [
        [0.0 if math.isnan(end) else abs(end - ratio.value) for end in (ratio.low, ratio.high)]
        for _, ratio in found
    ]
    axes.errorbar(
        x,
        y,
        yerr=list(zip(*ends, strict=True)) if ends else None,
        color=colour(name),
        marker=marker(name),
        linestyle=line(name),
        markersize=7,
        markeredgecolor="white",
        markeredgewidth=0.7,
        elinewidth=1.0,
        linewidth=1.6,
    )


def _handle(name: str) -> Line2D:
    return Line2D(
        [], [], color=colour(name), marker=marker(name), linestyle=line(name), markersize=7, label=label(name)
    )


def compared_tasks(result: SweepResult) -> list[TaskResult]:
    """Return the functions with models of several networks, the last one first, as rows go from below."""
    return [task for task in result.tasks[::-1] if len(networks(task.best)) > 1]


def best_figure(result: SweepResult) -> Figure:
    """Draw the best model of every network on every function, whatever its size: a row a function."""
    tasks = compared_tasks(result)
    names = networks({name for task in tasks for name in task.best})
    with house_style():
        height = _ROW * max(len(tasks), 2) + 1.2 + 0.25 * math.ceil(len(names) / _LEGEND_COLUMNS)
        figure = Figure(figsize=(8.6, height), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xscale("log")
        for row, task in enumerate(tasks):
            own = {name: max(task.best[name].test.median, 1e-300) for name in networks(task.best)}
            axes.plot(
                [min(own.values()), max(own.values())], [row, row], color="#eceef1", linewidth=9, zorder=1
            )
            for name, error in own.items():
                place = names.index(name) / max(len(names) - 1, 1) - 0.5
                axes.plot(
                    error,
                    row - _ROW_SPREAD * place,
                    color=colour(name),
                    marker=marker(name),
                    markersize=8,
                    markeredgecolor="white",
                    markeredgewidth=0.7,
                    zorder=3,
                )
        axes.set_yticks(range(len(tasks)), [wrap(task.title, 26, 1) for task in tasks], parse_math=False)
        axes.set_ylim(-0.7, max(len(tasks), 1) - 0.3)
        axes.set_xlabel(f"{result.test_name} of the best model, median over its runs   (← lower is better)")
        axes.xaxis.set_major_locator(LogLocator(numticks=9))
        axes.xaxis.set_major_formatter(FuncFormatter(power_of_ten))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(True, axis="x", which="major", color="#eceef1", linewidth=0.8)
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        if names:
            handles = [_handle(name) for name in names]
            for handle in handles:
                handle.set_linestyle("none")
            figure.legend(handles=handles, loc="outside upper left", ncols=_LEGEND_COLUMNS, fontsize=10)
        else:
            axes.text(0.5, 0.5, "no function has two networks yet", transform=axes.transAxes, ha="center")
    return figure

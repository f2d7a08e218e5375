"""Figures of one function: test error against parameters, and against the time of a run.

Made with matplotlib's object interface only; they leave no state behind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from sweeps.analysis.formula_results import Formula
from sweeps.analysis.pareto import steps
from sweeps.analysis.results import LBFGS, Point, TaskResult
from sweeps.families import by_family, family_of
from sweeps.page.style import (
    FORMULA_COLOUR,
    GREY,
    cloud_handle,
    colour,
    decade_ticks,
    edge,
    face,
    family_handles,
    formula_handle,
    house_style,
    line,
    marker,
    plain_number,
    power_of_ten,
    superscript,
    wrap,
)

# Above this many dots on one page its figures carry them as pictures, for every dot is drawn in two figures
# and so many vectors take a browser seconds.
MAX_VECTOR_POINTS = 5000
Limits = tuple[float, float, float, float]
Cloud = Mapping[str, tuple[np.ndarray, np.ndarray]]
#: By what factor the frame may grow downwards for a formula; what is still below stands at its foot. Exact
#: formulas are many decades below every network.
_FORMULA_ROOM = 30.0
#: Inches: of a figure, and of a legend beside its frame; and the most families of a legend within the frame.
_WIDTH, _LEGEND_WIDTH = 6.1, 2.7
_MOST_WITHIN = 5


@dataclass(frozen=True)
class Cost:
    """What errors are drawn against: its name, the label of the axis, and where its numbers are."""

    name: str
    label: str
    of: Callable[[Point], float]
    fronts: Callable[[TaskResult], Mapping[str, list[Point]]]
    cloud: Callable[[TaskResult], Cloud]


def _cloud_of_time(task: TaskResult) -> Cloud:
    cloud: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for family in task.fronts:
        own = [p for p in task.points if p.family == family and math.isfinite(p.test.median) and p.time_s > 0]
        cloud[family] = (np.array([p.time_s for p in own]), np.array([p.test.median for p in own]))
    return cloud


PARAMETERS = Cost(
    "parameters",
    "trainable parameters   (← fewer is better)",
    attrgetter("n_params"),
    attrgetter("fronts"),
    attrgetter("cloud"),
)
SECONDS = Cost(
    "seconds",
    "seconds of training   (← less is better)",
    attrgetter("time_s"),
    attrgetter("time_fronts"),
    _cloud_of_time,
)


def has_pictures(tasks: Sequence[TaskResult]) -> bool:
    """Say whether the figures of a page about these functions carry their dots as pictures."""
    return sum(x.size for task in tasks for x, _ in task.cloud.values()) > MAX_VECTOR_POINTS


def task_figure(task: TaskResult, cost: Cost = PARAMETERS, *, pictures: bool = False) -> Figure:
    """Draw test RMSE against a cost on log axes for one function; with `pictures`, its dots as a picture.

    Every run's stage is a faint dot (against seconds: every configuration's); the front of each family,
    chosen on validation, is a step line with a marker at each point, hollow where LBFGS trained the model,
    and a bar from the best to the worst seed. Against parameters a grey curve shows how fast the error falls
    with the grid by spline theory, as G^-(k + 1), and formulas are diamonds at as many parameters as numbers
    stand in them; a triangle at the foot says that one is below.
    """
    with house_style():
        title = wrap(task.formula)
        height = 4.35 + 0.22 * title.count("\n")
        width = _WIDTH + _LEGEND_WIDTH if _legend_is_beside(task) else _WIDTH
        figure = Figure(figsize=(width, height))
        # Fixed margins: every function gets the same frame, and no layout has to be solved.
        axes = figure.add_axes((0.175 * _WIDTH / width, 0.6 / height, 0.805 * _WIDTH / width, 3.35 / height))
        limits = _limits(task) if cost is PARAMETERS else network_limits(task, cost)
        draw_fronts(axes, task, limits, cost, pictures=pictures)
        if limits is None:
            axes.text(0.5, 0.5, "no finished run yet", transform=axes.transAxes, ha="center", color=GREY)
            axes.set_xticks([])
            axes.set_yticks([])
        else:
            _annotate(axes, task, limits, cost)
        # A given height spares matplotlib measuring every label to find one.
        axes.set_title(title, loc="left", y=1.0, pad=9, parse_math=False)
        axes.set_xlabel(cost.label)
        axes.set_ylabel(error_axis(task))
    return figure


def _legend_is_beside(task: TaskResult) -> bool:
    """Say whether the frame has no room for a legend: errors of equations fall by many powers of ten."""
    return len(task.fronts) > _MOST_WITHIN or task.is_equation


def error_axis(task: TaskResult) -> str:
    """Return the name of the axis of test errors."""
    unit = f", {wrap(task.error_unit, 40, 1)}" if task.error_unit else ""
    room = "" if unit else f", median over {task.repeats}"
    return f"{task.test_name}{unit}{room}\n(↓ lower is better)"


def _annotate(axes: Axes, task: TaskResult, limits: Limits, cost: Cost) -> None:
    """Draw what the frame holds besides the fronts, and the legend."""
    handles = family_handles([task])
    found = cost is PARAMETERS and bool(_shown_formulas(task))
    if cost is PARAMETERS:
        _draw_formulas(axes, task, limits)
        _draw_guide(axes, task, limits)
        handles += [formula_handle(), cloud_handle()] if found else [cloud_handle()]
    else:
        handles.append(cloud_handle("every configuration"))
    _note_hidden(axes, cost.cloud(task), limits)
    # Formulas have few numbers: above them the left half of the frame is empty.
    place: dict[str, Any] = {"loc": "center left" if found else "upper right"}
    if _legend_is_beside(task):
        place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    axes.legend(
        handles=handles,
        **place,
        fontsize=10,
        handlelength=1.8,
        labelspacing=0.4,
        # A front that passes behind must not strike through what the legend says.
        frameon=True,
        facecolor="#ffffff",
        framealpha=0.85,
        edgecolor="none",
    )


def _limits(task: TaskResult) -> Limits | None:
    """Return x and y limits: all points, but what is thirty times worse than the worst front point.

    Formulas widen the frame, downwards up to a limit; without networks there is none.
    """
    limits, (x, y) = network_limits(task), _formula_points(task)
    if limits is None or not x.size:
        return limits
    left, right, low, top = limits
    foot = max(min(float(y.min()) / 2.2, low), low / _FORMULA_ROOM)
    return min(float(x.min()) / 1.35, left), max(float(x.max()) * 1.35, right), foot, top


def _shown_formulas(task: TaskResult) -> list[Formula]:
    frontier = task.search.frontier if task.search is not None else []
    return [formula for formula in frontier if math.isfinite(formula.test_rmse)]


def _formula_points(task: TaskResult) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers in the formulas of the frontier, at least 1 on a log axis, and their test RMSE."""
    shown = _shown_formulas(task)
    x = np.array([max(formula.n_params, 1) for formula in shown], dtype=np.float64)
    return x, np.array([formula.test_rmse for formula in shown], dtype=np.float64)


def network_limits(task: TaskResult, cost: Cost = PARAMETERS) -> Limits | None:
    """Return x and y limits for networks alone; None where there is nothing to draw."""
    shown = [p for front in cost.fronts(task).values() for p in front if p.test.median > 0]
    cloud = cost.cloud(task)
    x = np.concatenate([x for x, _ in cloud.values()] or [np.empty(0)])
    y = np.concatenate([y for _, y in cloud.values()] or [np.empty(0)])
    x, y = x[y > 0], y[y > 0]
    if not shown or not x.size:
        return None
    worst = max(p.test.median for p in shown)
    top = min(float(y.max()), 30 * worst)
    low = min(float(y.min()), *(p.test.low for p in shown if p.test.low > 0), worst)
    return float(x.min()) / 1.35, float(x.max()) * 1.35, low / 2.2, top * 2.2


def draw_fronts(
    axes: Axes,
    task: TaskResult,
    limits: Limits | None,
    cost: Cost = PARAMETERS,
    *,
    pictures: bool,
    small: bool = False,
) -> None:
    """Draw the dots and the front of every family, on log axes with these limits."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    if limits is None:
        return
    axes.set_xlim(limits[0], limits[1])
    axes.set_ylim(limits[2], limits[3])
    log_ticks(axes, small)
    cloud, fronts = cost.cloud(task), cost.fronts(task)
    for family in sorted(fronts, key=by_family, reverse=True):
        style: dict[str, Any] = {"color": colour(family), "marker": marker(family)}
        x, y = cloud[family]
        seen = y > 0
        axes.plot(
            x[seen],
            y[seen],
            linestyle="none",
            **style,
            markersize=2.2 if small else 3.8,
            markeredgewidth=0,
            alpha=0.3,
            rasterized=pictures,
            zorder=1.5,
        )
        front = [p for p in fronts[family] if p.test.median > 0]
        if not front:
            continue
        px, py = [cost.of(p) for p in front], [p.test.median for p in front]
        xs, ys = steps(px, py, x_end=limits[1])
        axes.plot(
            xs,
            ys,
            color=style["color"],
            linestyle=line(family),
            linewidth=1.4 if small else 2.0,
            zorder=3,
            solid_joinstyle="miter",
        )
        for opt in dict.fromkeys(point.opt for point in front):
            own = [point for point in front if point.opt == opt]
            _draw_markers(axes, own, cost, style, limits, small)


def _draw_formulas(axes: Axes, task: TaskResult, limits: Limits) -> None:
    x, y = _formula_points(task)
    below = y < limits[2]
    foot = limits[2] * (limits[3] / limits[2]) ** 0.03
    for symbol, own in (("D", ~below), ("v", below)):
        axes.plot(
            x[own],
            np.maximum(y[own], foot),
            color=FORMULA_COLOUR,
            marker=symbol,
            markersize=6.5,
            markeredgecolor="white",
            markeredgewidth=0.8,
            linestyle="none",
            zorder=5,
        )
    for i, formula in enumerate(_shown_formulas(task)):
        if formula.exact:
            at = (x[i], max(y[i], foot))
            style: dict[str, Any] = {"va": "center", "fontsize": 10, "color": FORMULA_COLOUR}
            axes.annotate("exact", at, xytext=(8, 1), textcoords="offset points", **style)


def _draw_markers(
    axes: Axes, points: Sequence[Point], cost: Cost, style: dict[str, Any], limits: Limits, small: bool
) -> None:
    """Draw front points that one optimizer trained, with the spread over their seeds."""
    opt, edge_width = points[0].opt, 0.4 if small else 0.8
    axes.errorbar(
        [cost.of(p) for p in points],
        [p.test.median for p in points],
        yerr=_bars(points, limits),
        **style,
        linestyle="none",
        markersize=3.4 if small else 6.5,
        markerfacecolor=face(opt, style["color"]),
        markeredgecolor=edge(opt, style["color"]),
        markeredgewidth=2.0 * edge_width if opt == LBFGS else edge_width,
        elinewidth=0.8 if small else 1.3,
        capsize=0 if small else 2.5,
        zorder=4,
    )


def _bars(front: Sequence[Point], limits: Limits) -> np.ndarray:
    """Return distances from the median down to the best and up to the worst seed, within the frame."""
    middle = np.array([p.test.median for p in front])
    low = np.clip([p.test.low for p in front], limits[2] / 10, middle)
    high = np.clip([p.test.high for p in front], middle, limits[3] * 10)
    return np.array([middle - low, high - middle])


def log_ticks(axes: Axes, small: bool = False) -> None:
    """Set few, round ticks on two log axes whose limits are set."""
    axes.grid(True, which="major", color="#eceef1", linewidth=0.8)
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(FixedLocator(decade_ticks(low, high, few=small)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(plain_number))
    low, high = axes.get_ylim()
    ticks = decade_ticks(low, high, few=small) if high / low < (60 if small else 200) else None
    axes.yaxis.set_major_locator(FixedLocator(ticks) if ticks else LogLocator(numticks=4 if small else 8))
    of_usual_size = low > 5e-3 and high < 1e5
    axes.yaxis.set_major_formatter(FuncFormatter(plain_number if of_usual_size else power_of_ten))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.tick_params(length=0)


def guide(task: TaskResult) -> tuple[list[Point], int] | None:
    """Return the chain of grids that most of the front of KANs of splines comes from, and its spline order k.

    The chain is one configuration's stages on the front; None unless there are two of them, so that a
    rate can be looked at.
    """
    chains: dict[str, list[Point]] = {}
    splines = [point for family, own in task.fronts.items() if family_of(family).has_splines for point in own]
    for point in splines:
        if point.grid is not None and point.k is not None and point.test.median > 0:
            chains.setdefault(point.group_id, []).append(point)
    if not chains:
        return None
    chain = max(chains.values(), key=lambda points: (len(points), -points[0].n_params, points[0].group_id))
    return (chain, int(chain[0].k or 0)) if len({p.n_params for p in chain}) > 1 else None


def _draw_guide(axes: Axes, task: TaskResult, limits: Limits) -> None:
    found = guide(task)
    if found is None:
        return
    chain, k = found
    first, finest = chain[0].grid or 1, max(point.grid or 1 for point in chain)
    edges = chain[0].n_params / (first + k + 1)
    # From a little below the first point of the chain, where refinement still pays.
    lowest = limits[2] * 1.6
    y0 = chain[0].test.median
    y0 /= min(2.5, max(y0 / lowest, 1.0) ** 0.35)
    last = min(finest, limits[1] / 1.05 / edges - k - 1, first * (y0 / lowest) ** (1 / (k + 1)))
    if last <= first:
        return
    # The error falls with G, the parameters grow with G + k + 1: on this axis a curve, not a line.
    grids = np.geomspace(first, last, 50)
    x, y = edges * (grids + k + 1), y0 * (grids / first) ** -(k + 1)
    axes.plot(x, y, color=GREY, linewidth=1.1, linestyle=(0, (5, 3)), zorder=2)
    axes.annotate(
        f"∝ G{superscript(-(k + 1))}",
        (float(x[-1]), float(y[-1])),
        xytext=(5, -1),
        textcoords="offset points",
        va="center",
        color="#6b717b",
        fontsize=10,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )


def _note_hidden(axes: Axes, cloud: Cloud, limits: Limits) -> None:
    hidden = sum(int(np.sum(y > limits[3])) for _, y in cloud.values())
    if hidden:
        text = f"↑ {hidden} worse point{'s' if hidden > 1 else ''} above the frame"
        axes.text(0.01, 0.985, text, transform=axes.transAxes, va="top", fontsize=9, color=GREY)

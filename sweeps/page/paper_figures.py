"""The scaling figure of the KAN paper: RMSE against parameters of KANs by grid and of MLPs by depth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sweeps.analysis.results import Point, TaskResult
from sweeps.families import KAN, MLP, family_of
from sweeps.page.figures import guide, log_ticks
from sweeps.page.style import GREY, house_style, superscript, wrap

#: Colours of MLPs by their number of layers, from light to dark.
_DEPTHS = {2: "#f7b58c", 3: "#ef8a4c", 4: "#d55e00", 5: "#8f3f00"}
_INCHES = 2.75


def scaling_figure(tasks: Sequence[TaskResult]) -> Figure:
    """Draw a panel a function, as figure 3.1 of the paper.

    KANs of the chain of grids that most of their front is from, medians with bars from the best to the worst
    set of samples; the grey curve falls as G^-(k + 1). MLPs of each depth, without those that a smaller one
    of the same depth beats.
    """
    shown = [task for task in tasks if task.points]
    with house_style(), matplotlib.style.context({"font.size": 8.5, "axes.titlesize": 9.5}):
        n = max(len(shown), 1)
        figure = Figure(figsize=(_INCHES * n + 0.4, 3.3), layout="constrained")
        row = figure.subplots(1, n, squeeze=False)[0]
        for axes, task in zip(row, shown, strict=False):
            _panel(axes, task)
        handles = {
            label: handle
            for axes in row
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        order = sorted(handles, key=lambda text: (not text.startswith("KAN"), text))
        if handles:
            figure.legend(
                [handles[name] for name in order],
                order,
                loc="outside upper center",
                ncols=len(order),
                fontsize=9,
            )
        figure.supxlabel("trainable parameters", fontsize=10)
        figure.supylabel("test RMSE", fontsize=10)
    return figure


def chain_of(task: TaskResult) -> list[Point]:
    """Return the KANs of one configuration on finer and finer grids: the chain that is most on the front."""
    found = guide(task)
    if found is None:
        return []
    group = found[0][0].group_id
    own = [p for p in task.points if p.group_id == group and math.isfinite(p.test.median)]
    return sorted(own, key=lambda point: point.n_params)


def mlps_by_depth(task: TaskResult) -> dict[int, list[Point]]:
    """Return the MLPs by their number of layers, without those that a smaller one of the same depth beats."""
    found: dict[int, list[Point]] = {}
    mlps = [p for p in task.points if family_of(p.family) is MLP and math.isfinite(p.test.median)]
    for point in sorted(mlps, key=lambda p: p.n_params):
        own = found.setdefault(len(point.width) - 1, [])
        if not own or point.test.median < own[-1].test.median:
            own.append(point)
    return dict(sorted(found.items()))


def _panel(axes: Axes, task: TaskResult) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for depth, points in mlps_by_depth(task).items():
        _draw(axes, points, _DEPTHS.get(depth, MLP.colour), MLP.marker, f"MLP, {depth} layers")
    chain = chain_of(task)
    if chain:
        _draw(axes, chain, KAN.colour, KAN.marker, "KAN, finer and finer grids")
        first, k = chain[0], int(chain[0].k or 0)
        grids = np.geomspace(first.grid or 1, chain[-1].grid or 1, 40)
        edges = first.n_params / ((first.grid or 1) + k + 1)
        y = first.test.median * (grids / grids[0]) ** -(k + 1)
        low = min(point.test.median for point in chain) / 5
        seen = y > low
        axes.plot(
            edges * (grids[seen] + k + 1),
            y[seen],
            color=GREY,
            linewidth=1.1,
            linestyle=(0, (5, 3)),
            zorder=1,
            label=f"theory, G{superscript(-(k + 1))}",
        )
    axes.set_title(wrap(task.formula, 40, 2), loc="left", parse_math=False)
    low, high = axes.get_xlim()
    axes.set_xlim(low, high)
    log_ticks(axes, small=True)


def _draw(axes: Axes, points: Sequence[Point], colour: str, marker: str, label: str) -> None:
    x, middle = [p.n_params for p in points], np.array([p.test.median for p in points])
    low = np.array([min(p.test.low, p.test.median) for p in points])
    high = np.array([p.test.high if math.isfinite(p.test.high) else p.test.median for p in points])
    axes.errorbar(
        x,
        middle,
        yerr=[middle - low, np.maximum(high - middle, 0.0)],
        color=colour,
        marker=marker,
        markersize=3.8,
        linewidth=1.3,
        elinewidth=0.8,
        label=label,
    )

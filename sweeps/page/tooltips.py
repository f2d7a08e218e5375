"""Tooltips of the dots of figures: their texts, and the positions of the dots in the SVG.

Front points are links in the figure itself, which a keyboard reaches and a page without scripts shows. Of all
other dots the page holds the numbers, and its script finds the nearest one.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sweeps.analysis.results import Point, TaskResult
from sweeps.analysis.target_units import test_error_words
from sweeps.page.figures import PARAMETERS, Cost
from sweeps.page.number_format import configuration_text, count, duration, number, share_of, width_text
from sweeps.page.style import label

#: With more dots than this only the points of fronts have tooltips, since browsers open such large pages
#: slowly.
MAX_DOTS = 60_000
_POINTS_PER_INCH = 72.0
_RADIUS = 7


@dataclass(frozen=True)
class Panel:
    """A frame with log axes in a picture: its function, its box and what the ends of the box stand for.

    Parameters
    ----------
    task : TaskResult
    cost : Cost
        What lies on the x axis.
    box : tuple of float
        Left, top, right and bottom in the units of the SVG file, y downwards.
    limits : tuple of float
        x at the left and right, y at the bottom and top.
    of : str
        What the texts of its points begin with; such points have no row in the page.
    """

    task: TaskResult
    cost: Cost
    box: tuple[float, float, float, float]
    limits: tuple[float, float, float, float]
    of: str = ""

    def place(self, x: float, y: float) -> tuple[float, float] | None:
        """Return where a point lies in the picture; None outside of the frame."""
        if not (x > 0 and y > 0):
            return None
        left, right, low, top = self.limits
        u = math.log(x / left) / math.log(right / left)
        v = math.log(y / low) / math.log(top / low)
        if not (0 <= u <= 1 and 0 <= v <= 1):
            return None
        x0, y0, x1, y1 = self.box
        return x0 + u * (x1 - x0), y1 - v * (y1 - y0)


def panel(
    figure: Figure, axes: Axes, task: TaskResult, cost: Cost = PARAMETERS, of: str = ""
) -> Panel | None:
    """Return where the axes of a drawn figure lie, and what they show; None if they show nothing."""
    if axes.get_xscale() != "log" or not any(cost.fronts(task).values()):
        return None
    unit = _POINTS_PER_INCH / figure.dpi
    height = figure.get_figheight() * _POINTS_PER_INCH
    extent = axes.get_window_extent()
    box = (extent.x0 * unit, height - extent.y1 * unit, extent.x1 * unit, height - extent.y0 * unit)
    return Panel(task, cost, box, (*axes.get_xlim(), *axes.get_ylim()), of)


def point_text(point: Point, error_name: str = "RMSE", spread: float = math.nan) -> str:
    """Return a point of a front in lines: what it is, its size and time, its errors, its run."""
    lines = [configuration_text(point), f"{count(point.n_params)} parameters, {duration(point.time_s)}"]
    error = f"{test_error_words(error_name)} {number(point.test.median)}"
    if point.n_runs > 1:
        error += f" ({number(point.test.low)} – {number(point.test.high)} over {point.n_runs} seeds)"
    if share := share_of(point.test.median, spread):
        error += f", {share} of the spread"
    lines += [error, f"run {point.run_id}, stage {point.stage}"]
    return "\n".join(lines)


def front_links(panel: Panel, name: str) -> str:
    """Return the points of a panel's fronts as links to their rows, in SVG.

    Parameters
    ----------
    panel : Panel
    name : str
        The name of the function in the addresses of the page; a point that has no row leads to its section.
    """
    rows = {id(point) for front in panel.task.fronts.values() for point in front}
    links = []
    for family in sorted(panel.cost.fronts(panel.task)):
        for point in panel.cost.fronts(panel.task)[family]:
            place = panel.place(panel.cost.of(point), point.test.median)
            if place is None:
                continue
            target = row_id(name, point) if id(point) in rows and not panel.of else name
            said = point_text(point, panel.task.error_name, panel.task.spread)
            text = f"{panel.of}: {said}" if panel.of else said
            links.append(link(target, text, _circle(*place)))
    return "".join(links)


def panel_link(panel: Panel, name: str) -> str:
    """Return a whole panel as a link to its function, in SVG."""
    x0, y0, x1, y1 = panel.box
    shape = f'<rect x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}"/>'
    return link(name, panel.task.title, shape)


def row_shapes(figure: Figure, axes: Axes, n: int) -> list[str]:
    """Return the rows at y = 0, 1, ..., n - 1 of a drawn figure as wide as it is, in SVG."""
    unit = _POINTS_PER_INCH / figure.dpi
    width, height = (value * _POINTS_PER_INCH for value in figure.get_size_inches())
    ends = [axes.transData.transform((axes.get_xlim()[0], row - 0.5))[1] * unit for row in range(n + 1)]
    return [
        f'<rect x="0" y="{height - upper:.1f}" width="{width:.1f}" height="{upper - lower:.1f}"/>'
        for lower, upper in pairwise(ends)
    ]


def link(target: str, text: str, shape: str) -> str:
    """Return an invisible shape that leads somewhere and has a text, in SVG."""
    said = html.escape("; ".join(text.split("\n")))
    return (
        f'<a class="hit" href="#{html.escape(target)}" aria-label="{said}">'
        f"<title>{html.escape(text)}</title>{shape}</a>"
    )


def _circle(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}"/>'


def row_id(name: str, point: Point) -> str:
    """Return the address of a front point's row in the page."""
    return f"{name}.{point.run_id}.{point.stage}"


def dots_json(tasks: Sequence[TaskResult], figures: Mapping[str, Iterable[Panel]]) -> str:
    """Return what the script of a page needs to name every dot, as JSON that may stand in a page.

    "tasks" has for every function a list of configurations, [family, shape and options, stages, grids,
    parameters, seconds, runs, errors by stage and run], empty where there are too many dots; "figures" has
    the panels of a figure by its name, [function, 1 where x is seconds, box, limits].
    """
    n_dots = sum(int((own.run_id != "").sum()) for task in tasks for own in task.samples.values())
    position = {task.task: i for i, task in enumerate(tasks)}
    data = {
        "tasks": [_configurations(task) if n_dots <= MAX_DOTS else [] for task in tasks],
        "figures": {
            name: [
                [
                    position[one.task.task],
                    int(one.cost is not PARAMETERS),
                    [round(value, 2) for value in one.box],
                    [float(f"{value:.6g}") for value in one.limits],
                ]
                for one in panels
            ]
            for name, panels in figures.items()
        },
    }
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _configurations(task: TaskResult) -> list[list[Any]]:
    found: dict[tuple[str, str], list[Any]] = {}
    row_of: dict[str, int] = {}
    for point in task.points:
        row = row_of.get(point.family, 0)
        row_of[point.family] = row + 1
        samples = task.samples[point.family]
        parts = (width_text(point), point.activation, point.opt_text, point.options)
        text = ", ".join(part for part in parts if part)
        own = found.setdefault(
            (point.family, point.group_id), [label(point.family), text, [], [], [], [], [], []]
        )
        own[2].append(point.stage)
        own[3].append(point.grid or 0)
        own[4].append(point.n_params)
        own[5].append(_short(point.time_s))
        n = int(samples.n_runs[row])
        names = samples.run_id[row][:n].tolist()
        # A run that stopped early is not in every stage.
        own[6] = [name[:8] or before for name, before in zip(names, own[6] or [""] * n, strict=True)]
        own[7].append([_short(value) for value in samples.test[row][:n].tolist()])
    return list(found.values())


def _short(value: float) -> float | None:
    return float(f"{value:.3g}") if math.isfinite(value) else None

"""What a page shows of differential equations: fields of the best solutions, and a table of their errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sweeps.analysis.results import Point, SweepResult, TaskResult
from sweeps.families import by_family, family_of
from sweeps.page.gallery import Gallery
from sweeps.page.number_format import count, number, width_text
from sweeps.page.solution_figures import solution_figure
from sweeps.page.style import label
from sweeps.page.tables import Column, ReportTable

#: What follows the name of an equation in the name of the figure of its solution.
SUFFIX = "-solution"
#: Errors besides the relative L2 error, as records name them.
_OTHERS = ("h1", "maximum")


def solutions_table(result: SweepResult) -> ReportTable:
    """Return the errors of the best of every family on every equation, and its seconds."""
    columns = [
        *(Column("equation"), Column("solved by"), Column("model"), Column("parameters", "count")),
        *(Column("relative L2", "error"), Column("least", "error"), Column("greatest", "error")),
        *(Column("relative H1", "error"), Column("largest error", "error"), Column("residual", "error")),
        Column("seconds", "seconds"),
    ]
    rows = [
        [
            *(task.title, label(family), _model(point), point.n_params),
            *(point.test.median, *_ends(point), *_others(result, point), _residual(point), point.time_s),
        ]
        for task in result.tasks
        if task.is_equation
        for family in sorted(task.best, key=by_family)
        for point in [task.best[family]]
    ]
    caption = "The errors of the best model of each family, chosen by its residual on fresh points."
    return ReportTable("solutions", caption, columns, rows)


def solution_texts(result: SweepResult, names: Mapping[str, str]) -> dict[str, str]:
    """Return by the address of an equation the sentence under the figure of its solution."""
    return {names[task]: _sentence(solution) for task, solution in result.solutions.items() if task in names}


def add_solutions(gallery: Gallery, result: SweepResult) -> None:
    """Put a figure of every stored solution into the gallery of a page."""
    for task in shown(result):
        figure = solution_figure(result.solutions[task.task])
        gallery.add_plain(figure, gallery.names[task.task] + SUFFIX, f"The best solution of {task.formula}")


def shown(result: SweepResult) -> Sequence[TaskResult]:
    """Return the equations with a stored solution."""
    return [task for task in result.tasks if task.task in result.solutions]


def _sentence(solution: Mapping[str, Any]) -> str:
    return (
        f"The {family_of(solution['family']).one_model} with the least residual on fresh points: "
        f"{count(solution['n_params'])} parameters, relative L2 error {number(solution['l2'])}, run "
        f"{solution['run_id']}, stage {solution['stage']}. Error: distance from the reference. Residual: by "
        "how much the equation is not met. Bending: root of the sum of the squared second derivatives; where "
        "it is large the network has most to do."
    )


def _model(point: Point) -> str:
    if family_of(point.family).is_baseline:
        return ""
    size = point.activation if point.grid is None else f"G = {point.grid}"
    return f"{width_text(point)} {size}".rstrip()


def _ends(point: Point) -> tuple[float | None, float | None]:
    return (point.test.low, point.test.high) if point.n_runs > 1 else (None, None)


def _others(result: SweepResult, point: Point) -> list[float | None]:
    """Return the other errors of the run nearest the median."""
    found = result.quantities.get((point.run_id, point.stage), {})
    return [found.get(name) for name in _OTHERS]


def _residual(point: Point) -> float | None:
    """Return the residual on fresh points; a baseline has none, for nothing was trained."""
    is_none = family_of(point.family).is_baseline or math.isnan(point.val.median)
    return None if is_none else point.val.median

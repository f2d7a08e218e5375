"""What the page about the KAN paper shows of its sweeps: figures, and tables beside the paper's numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sweeps._plural import counted
from sweeps.analysis.results import KAN, MLP, Point, SweepResult, TaskResult
from sweeps.analysis.statistics import slope
from sweeps.page.figures import task_figure
from sweeps.page.gallery import Gallery
from sweeps.page.number_format import interval_text, width_text
from sweeps.page.overview_figures import all_tasks_figure
from sweeps.page.paper_figures import chain_of, scaling_figure
from sweeps.page.solution_view import solutions_table
from sweeps.page.tables import Column, ReportTable

#: The equation of section 3.4.
_EQUATION = "poisson_paper"


def add_part(gallery: Gallery, name: str, result: SweepResult) -> dict[str, Any]:
    """Put the figures of a part into a gallery, and return its figures, tables and sentences.

    Parameters
    ----------
    gallery : Gallery
    name : str
        Of the part.
    result : SweepResult
        What its store has.
    """
    if result.of_equations:
        return _equations(gallery, name, result)
    if any(task.description.get("paper_kan_rmse") for task in result.tasks):
        return _beside_paper(gallery, name, result)
    return _scaling(gallery, name, result)


def _scaling(gallery: Gallery, name: str, result: SweepResult) -> dict[str, Any]:
    if not any(task.points for task in result.tasks):
        return {"figures": [], "tables": [], "sentences": []}
    title = "Test RMSE against parameters: KANs on finer and finer grids, MLPs of two to five layers"
    gallery.add_plain(scaling_figure(result.tasks), f"{name}-scaling", title)
    columns = [
        *(Column("function"), Column("best KAN"), Column("parameters", "count"), Column("RMSE", "error")),
        *(Column("worst", "error"), Column("error as parameters to the power of"), Column("best MLP")),
        *(Column("parameters ", "count"), Column("RMSE ", "error"), Column("worst ", "error")),
    ]
    rows = []
    for task in result.tasks:
        kan, mlp = task.best.get(KAN), task.best.get(MLP)
        found = slope(chain_of(task)) if len(chain_of(task)) > 1 else None
        power = "" if found is None or math.isnan(found.value) else interval_text(found)
        rows.append([task.title, *_cells(kan), power, *_cells(mlp)])
    caption = "The best model of each family, chosen by validation error." + _on_missing(rows)
    table = ReportTable(f"{name}-best", caption, columns, rows)
    sentence = (
        "The paper prints no numbers of figure 3.1. It says that KANs almost follow the power -4 of the "
        "theory for splines of order 3, and that MLPs fall slowly and soon level off."
    )
    return {"figures": [(f"{name}-scaling", title)], "tables": [table], "sentences": [sentence]}


def _cells(point: Point | None) -> list[Any]:
    """Return model, parameters, median and worst error; the worst only where there are several."""
    if point is None:
        return [None] * 4
    size = f" G = {point.grid}" if point.grid is not None else ""
    worst = point.test.high if point.n_runs > 1 else None
    return [f"{width_text(point)}{size}", point.n_params, point.test.median, worst]


def _on_missing(rows: list[list[Any]]) -> str:
    """Return what an infinite error means, if there is one."""
    if not any(isinstance(cell, float) and math.isinf(cell) for row in rows for cell in row):
        return ""
    return " ∞: on one set of samples at least, refining had ended before this grid, for it did not help."


def _beside_paper(gallery: Gallery, name: str, result: SweepResult) -> dict[str, Any]:
    figures = []
    if any(task.points for task in result.tasks):
        title = "Test RMSE against parameters: the fronts of KANs and MLPs"
        gallery.add_plain(all_tasks_figure(result), f"{name}-fronts", title)
        figures.append((f"{name}-fronts", title))
    columns = [
        *(Column("function"), Column("KAN here"), Column("parameters", "count"), Column("RMSE", "error")),
        *(Column("worst", "error"), Column("KAN in the paper", "error"), Column("MLP here")),
        *(Column("parameters ", "count"), Column("RMSE ", "error"), Column("worst ", "error")),
        Column("MLP in the paper", "error"),
    ]
    rows = [
        [
            *(task.title, *_cells(task.best.get(KAN)), task.description.get("paper_kan_rmse")),
            *(*_cells(task.best.get(MLP)), task.description.get("paper_mlp_rmse")),
        ]
        for task in result.tasks
    ]
    caption = (
        "The best model of each family, chosen by validation error, beside the paper's best by test error."
        + _on_missing(rows)
    )
    return {
        "figures": figures,
        "tables": [ReportTable(f"{name}-best", caption, columns, rows)],
        "sentences": _counts(result.tasks),
    }


def _counts(tasks: list[TaskResult]) -> list[str]:
    """Return on how many functions each is better, as sentences."""
    both = [task for task in tasks if task.overall is not None]
    if not both:
        return []
    here, n = sum(task.best[KAN].test.median < task.best[MLP].test.median for task in both), len(both)
    of_all = counted(n, "function")
    sentences = [
        f"Whatever their sizes, the best KAN has a smaller error than the best MLP on {here} of {of_all}."
    ]
    printed = [t.description for t in both if _is_printed(t.description)]
    if printed:
        there = sum(float(d["paper_kan_rmse"]) < float(d["paper_mlp_rmse"]) for d in printed)
        sentences.append(f"In the paper it is {there} of {len(printed)}.")
    beside = [
        (task.best[KAN].test.median, float(task.description["paper_kan_rmse"]))
        for task in both
        if task.description.get("paper_kan_rmse")
    ]
    if beside:
        smaller = sum(here < there for here, there in beside)
        sentences.append(
            f"The error of the KAN here is below the one that the paper prints on {smaller} of {len(beside)}."
        )
    return sentences


def _is_printed(description: Mapping[str, Any]) -> bool:
    return bool(description.get("paper_kan_rmse") and description.get("paper_mlp_rmse"))


def _equations(gallery: Gallery, name: str, result: SweepResult) -> dict[str, Any]:
    figures = []
    for task in result.tasks:
        if task.title == _EQUATION and task.points:
            title = f"Relative L2 error against parameters of {task.formula}"
            gallery.add_plain(task_figure(task), f"{name}-{task.title}", title)
            figures.append((f"{name}-{task.title}", title))
    return {"figures": figures, "tables": [solutions_table(result)], "sentences": []}

"""Writes a report: one HTML page without external resources, and its figures and tables as files.

Made from the store alone; no model is run. The same store gives the same bytes.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path

from sweeps._collection import spared_collection
from sweeps._files import write_file
from sweeps.analysis.aggregate import aggregate
from sweeps.analysis.formulas import formula_verdict
from sweeps.analysis.optimizers import compare_optimizers
from sweeps.analysis.results import Point, SweepResult
from sweeps.analysis.studies import read_studies
from sweeps.families import BASELINES, networks
from sweeps.page import leaders_figures, views
from sweeps.page.answer_view import add_figures, answer_view
from sweeps.page.figure_writer import FigureWriter
from sweeps.page.figures import PARAMETERS, SECONDS, has_pictures, task_figure
from sweeps.page.gallery import Gallery
from sweeps.page.html import render_page
from sweeps.page.number_format import configuration_text, number
from sweeps.page.overview_figures import all_tasks_figure, compared_tasks, shown_tasks, summary_figure
from sweeps.page.report_tables import front_csv, report_tables
from sweeps.page.solution_view import SUFFIX, add_solutions, shown, solution_texts, solutions_table
from sweeps.page.study_report import write_study_report
from sweeps.page.style import file_names
from sweeps.page.tables import ReportTable, write_tables
from sweeps.page.tooltips import MAX_DOTS, dots_json
from sweeps.page.verdict import baseline_verdict, chance_verdict, verdict
from sweeps.progress import figures_bar
from sweeps.records import canonical_json, text_id
from sweeps.storage.provenance import machine_line, machine_view, spec_view
from sweeps.storage.store import Store

REPORT_NAME = "report.html"
FRONT_NAME = "front.csv"
FIGURES_NAME = "figures"
TABLES_NAME = "tables"


def write_report(directory: str | Path, output: str | Path | None = None, *, progress: bool = False) -> Path:
    """Write report.html, figures/, tables/ and front.csv from the store of a sweep; return the page's path.

    Parameters
    ----------
    directory : path
        The directory of the sweep; it may still be running.
    output : path, optional
        Where the page goes. All else goes into a directory beside it that is named after it:
        talk_files/ for talk.html. Default: report.html in `directory`, with the rest there.
    progress : bool
        Show on a terminal how many figures are drawn.

    Raises
    ------
    UserError
        If there is no readable store, or the files cannot be written.

    Examples
    --------
    >>> write_report("runs/special")  # doctest: +SKIP
    PosixPath('runs/special/report.html')
    """
    directory = Path(directory)
    page = directory / REPORT_NAME if output is None else Path(output)
    at_home = page.resolve() == (directory / REPORT_NAME).resolve()
    # Elsewhere there may be another sweep's front.csv, or the user's own figures/.
    files = page.parent if at_home else page.parent / f"{page.stem}_files"
    with Store.open(directory, readonly=True) as store:
        result = aggregate(store)
        studies = read_studies(store)
    if studies:
        write_study_report(result, studies, page, files)
        return page
    names = file_names(task.task for task in result.tasks)
    # Two of a function and two or three of all of them.
    n_figures = 2 * len(result.tasks) + 2 + len(shown(result))
    bar = figures_bar(n_figures + (3 if result.answer is not None else 0), progress)
    with spared_collection(), bar as told, FigureWriter(n_figures) as writer:
        gallery = Gallery(files / FIGURES_NAME, names, writer, told)
        if result.answer is not None:
            add_figures(gallery, result.answer)
        _fill(gallery, result)
        add_solutions(gallery, result)
        tables = [*report_tables(result, names), *_solution_tables(result)]
        answer = answer_view(result)
        if answer is not None and answer["scores"] is not None:
            tables = [*tables, answer["scores"]]
        write_tables(tables, files / TABLES_NAME)
        write_file(files / FRONT_NAME, front_csv(result).encode())
        place = "" if at_home else f"{files.name}/"
        write_file(page, render_html(result, gallery, tables, directory, place).encode())
    return page


def _solution_tables(result: SweepResult) -> list[ReportTable]:
    return [solutions_table(result)] if result.of_equations else []


def render_html(
    result: SweepResult, gallery: Gallery, tables: Sequence[ReportTable], directory: Path, files: str = ""
) -> str:
    """Return the page; `files` is where its figures and tables are, seen from it."""
    from markupsafe import Markup

    tasks = result.tasks
    names = file_names(task.task for task in tasks)
    shown = [task for task in tasks if task.points]
    spec = result.meta.get("spec") or {}
    pairs = compare_optimizers(tasks, result.n_by_optimizer)
    values = {
        "result": result,
        "answer": answer_view(result),
        "error_name": result.error_name,
        "test_name": result.test_name,
        "single": len(tasks) == 1,
        "solution_suffix": SUFFIX,
        "solution_texts": solution_texts(result, names),
        "task_word": "equation" if result.of_equations else "function",
        "in_units": any(not math.isnan(task.spread) for task in tasks),
        "spreads": {task.task: task.spread for task in tasks},
        "verdict": verdict(result) if result.n_models or not views.searched(tasks) else "",
        "baseline_verdict": baseline_verdict(tasks),
        "chance_verdict": chance_verdict(tasks),
        "searched": views.searched(tasks),
        "formula_verdict": formula_verdict(tasks),
        "graphics": {name: Markup(text) for name, text in gallery.graphics.items()},  # noqa: S704 (ours)
        "dots": Markup(dots_json(tasks, gallery.panels)),  # noqa: S704 (escaped there)
        "all_dots": sum(x.size for task in tasks for x, _ in task.cloud.values()) <= MAX_DOTS,
        "tables": {table.name: table for table in tables},
        "functions": [views.function_view(task, names[task.task], directory) for task in tasks],
        "scores": [views.score_view(score) for score in views.all_scores(result)],
        "optimizers": sorted({opt for _, opt in result.n_by_optimizer if opt}),
        "optimizer_pairs": [views.optimizer_view(pair) for pair in pairs],
        "compares_optimizers": any(pair.n_pairs for pair in pairs),
        "uneven": any(score.n < result.overall.n for score in result.scores),
        "machines": [machine_view(environment) for environment in result.environments],
        "machine_line": [machine_line(environment) for environment in result.environments],
        "specification": spec_view(spec),
        "spec_id": text_id(canonical_json(spec)),
        "directory": shlex.quote(str(directory)),
        "files": files,
        "baselines": {family for task in tasks for family in task.best} & set(BASELINES),
        "unvalidated": [task.title for task in shown if task.selected_on == "test"],
        "validated": any(task.selected_on == "validation" for task in shown),
        "own_data": any(views.is_table(task) for task in tasks),
        "formulas": any(not views.is_table(task) for task in tasks),
        "several_seeds": any(point.n_runs > 1 for task in shown for point in task.points),
        "n_data_seeds": max((len(task.description.get("data_seeds") or ()) for task in shown), default=0),
        "folded": any(task.description.get("folds") for task in shown),
        "left_out": views.left_out(tasks),
        "pictures": has_pictures(tasks),
    }
    return render_page("report.html.j2", values)


def _fill(gallery: Gallery, result: SweepResult) -> None:
    """Put every figure of a report into its gallery."""
    pictures = has_pictures(result.tasks)
    if len(result.tasks) == 1 and not result.by_edges:
        pass  # the figures of the function say all
    elif result.by_edges:
        _fill_by_edges(gallery, result)
    else:
        rows = [
            (task, f"{task.title}\n{_best_text(comparison.kan)}\n{_best_text(comparison.mlp)}")
            for task, comparison in compared_tasks(result)
        ]
        title = f"{_upper(result.test_name)} of the best KAN and the best MLP of every function"
        gallery.add_rows(summary_figure(result), "summary", title, rows)
    overview = all_tasks_figure(result, pictures=pictures)
    tasks = shown_tasks(result)
    frames = [(axes, task, PARAMETERS, "") for axes, task in zip(overview.axes, tasks, strict=False)]
    gallery.add_overview(overview, "all-functions", "Pareto fronts of all functions", frames)
    for task in result.tasks:
        if not task.points and task.search is not None:
            continue
        for cost, suffix in ((PARAMETERS, ""), (SECONDS, "-time")):
            figure = task_figure(task, cost, pictures=pictures)
            title = f"{_upper(task.test_name)} against {cost.name} of {task.formula}"
            gallery.add_task(
                figure, gallery.names[task.task] + suffix, title, [(figure.axes[0], task, cost, "")]
            )


def _fill_by_edges(gallery: Gallery, result: SweepResult) -> None:
    """Put the figures that compare the networks of a sweep with different edges into a gallery."""
    title = "Test error of every network over that of the leader, against parameters"
    gallery.add_overview(leaders_figures.leaders_figure(result), "leaders", title, [])
    rows = [
        (task, "\n".join([task.title, *(_best_text(task.best[name]) for name in networks(task.best))]))
        for task in leaders_figures.compared_tasks(result)
    ]
    title = f"{_upper(result.test_name)} of the best model of every network on every function"
    gallery.add_rows(leaders_figures.best_figure(result), "summary", title, rows)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _best_text(point: Point) -> str:
    return f"{configuration_text(point)}: {number(point.test.median)}"

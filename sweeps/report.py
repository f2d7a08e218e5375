"""The report: one page that reads without a network, its figures as files, and the fronts as a table.

Made from the store alone; no model is run. The same store gives the same bytes.
"""

from __future__ import annotations

import csv
import html
import io
import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sweeps._files import write_file
from sweeps._made_by import machine_line, machine_view, spec_view
from sweeps._mathml import formula_html
from sweeps._results import LBFGS, LM, Comparison, Formula, Point, Score, Spread, SweepResult, TaskResult
from sweeps._style import by_family, colour, file_names, label, ratio_text, render, wrap
from sweeps.aggregate import aggregate, limit_text, verdict
from sweeps.figures import all_tasks_figure, has_pictures, summary_figure, task_figure
from sweeps.formulas import formula_verdict
from sweeps.optimizers import Duel, compare_optimizers
from sweeps.store import Store

REPORT_NAME = "report.html"
FRONT_NAME = "front.csv"
FIGURES_NAME = "figures"
_FRONT_COLUMNS = [
    *("task", "family", "width", "grid", "k", "activation", "opt", "opt_asked", "options"),
    *("n_params", "n_seeds", "n_runs"),
    *("train_rmse", "train_rmse_min", "train_rmse_max"),
    *("val_rmse", "val_rmse_min", "val_rmse_max"),
    *("test_rmse", "test_rmse_min", "test_rmse_max"),
    *("time_s", "selected_on", "run_id", "stage", "group_id"),
]


def write_report(directory: str | Path, output: str | Path | None = None) -> Path:
    """Write report.html, figures/ and front.csv from the store of a sweep, and return the path of the page.

    Parameters
    ----------
    directory : path
        The directory of the sweep; it may still be running.
    output : path, optional
        Where the page goes. The figures and front.csv go into a directory beside it that is named after it:
        talk_files/ for talk.html. Default: report.html in `directory`, with figures/ and front.csv there.

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
    graphics = _write_figures(result, files / FIGURES_NAME)
    write_file(files / FRONT_NAME, front_csv(result).encode())
    write_file(page, render_html(result, graphics, directory, "" if at_home else f"{files.name}/").encode())
    return page


def render_html(result: SweepResult, graphics: Mapping[str, str], directory: Path, files: str = "") -> str:
    """Return the page; `graphics` holds inline SVG text by file name, `files` where its files are."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    # A file path and not a package loader: templates lie beside this module wherever it is installed.
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {
        "rmse": number,
        "seconds": duration,
        "label": label,
        "colour": colour,
        "count": count,
    }
    environment.filters["formula"] = lambda text: Markup(formula_html(text))  # noqa: S704 (escaped there)
    names = file_names(task.task for task in result.tasks)
    shown = [task for task in result.tasks if task.points]
    return environment.get_template("report.html.j2").render(
        result=result,
        verdict=verdict(result) if result.n_models or not _searched(result.tasks) else "",
        searched=_searched(result.tasks),
        formula_verdict=formula_verdict(result.tasks),
        graphics={name: Markup(text) for name, text in graphics.items()},  # noqa: S704 (made by matplotlib)
        functions=[_function_view(task, names[task.task], directory) for task in result.tasks],
        scores=[_score_view(score) for score in _all_scores(result)],
        optimizers=sorted({opt for _, opt in result.n_by_optimizer if opt}),
        duels=[_duel_view(duel) for duel in compare_optimizers(result.tasks, result.n_by_optimizer)],
        uneven=any(score.n < result.overall.n for score in result.scores),
        machines=[machine_view(environment) for environment in result.environments],
        machine_line=[machine_line(environment) for environment in result.environments],
        specification=spec_view(result.meta.get("spec") or {}),
        directory=shlex.quote(str(directory)),
        files=files,
        unvalidated=[task.title for task in shown if task.selected_on == "test"],
        validated=any(task.selected_on == "validation" for task in shown),
        tables=any(_is_table(task) for task in result.tasks),
        formulas=any(not _is_table(task) for task in result.tasks),
        several_seeds=any(point.n_runs > 1 for task in shown for point in task.points),
        left_out=_left_out(result.tasks),
        pictures=has_pictures(result.tasks),
    )


def _sentences(task: TaskResult) -> list[str]:
    texts = (str(text) for text in task.description.get("left_out") or ())
    return [text[:1].upper() + text[1:] for text in texts]


def _all_scores(result: SweepResult) -> list[Score]:
    """Return the scores with a limit and the one without, if that one is of other models."""
    unlimited = replace(result.overall, budget=(math.inf, math.inf))
    repeats = bool(result.scores) and replace(result.scores[-1], budget=unlimited.budget) == unlimited
    return result.scores if repeats or not unlimited.n else [*result.scores, unlimited]


def _searched(tasks: Sequence[TaskResult]) -> bool:
    return any(task.search is not None for task in tasks)


def _is_table(task: TaskResult) -> bool:
    return task.task.startswith("csv/")


def _left_out(tasks: Sequence[TaskResult]) -> list[tuple[str, str]]:
    """Return what the specification's limits left out: sentences, and the functions of those not for all."""
    said: dict[str, list[str]] = {}
    for task in tasks:
        for sentence in _sentences(task):
            said.setdefault(sentence, []).append(task.title)
    return [(text, "" if len(names) == len(tasks) else ", ".join(names)) for text, names in said.items()]


def front_csv(result: SweepResult) -> str:
    """Return all fronts as CSV text: a row a point, errors as median, min and max over seeds.

    `opt` is the optimizer that was used, `opt_asked` what the configuration says; `options` are those of its
    other options in which the models of this sweep differ.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_FRONT_COLUMNS)
    for task in result.tasks:
        for point in _front_points(task):
            writer.writerow(_front_row(point))
    return buffer.getvalue()


def _front_points(task: TaskResult) -> Iterator[Point]:
    for family in sorted(task.fronts, key=by_family):
        yield from task.fronts[family]


def _front_row(point: Point) -> list[Any]:
    errors = [
        repr(float(value))
        for spread in (point.train, point.val, point.test)
        for value in (spread.median, spread.low, spread.high)
    ]
    return [
        point.task,
        point.family,
        width_text(point),
        "" if point.grid is None else point.grid,
        "" if point.k is None else point.k,
        point.activation,
        point.opt,
        point.asked,
        point.options,
        point.n_params,
        point.n_seeds,
        point.n_runs,
        *errors,
        repr(float(point.time_s)),
        point.selected_on,
        point.run_id,
        point.stage,
        point.group_id,
    ]


def _write_figures(result: SweepResult, directory: Path) -> dict[str, str]:
    """Write every figure as PNG and SVG; return the SVG texts for the page, by file name."""
    pictures = has_pictures(result.tasks)
    figures = {
        "summary": summary_figure(result),
        "all-functions": all_tasks_figure(result, pictures=pictures),
    }
    names = file_names(task.task for task in result.tasks)
    drawn = [task for task in result.tasks if task.points or task.search is None]
    figures |= {names[task.task]: task_figure(task, pictures=pictures) for task in drawn}
    titles = {names[task.task]: f"Test RMSE against parameters of {task.formula}" for task in result.tasks}
    titles["summary"] = "Test RMSE of the best KAN and the best MLP of every function"
    titles["all-functions"] = "Pareto fronts of all functions"
    graphics = {}
    for position, (name, figure) in enumerate(figures.items()):
        svg = render(figure, "svg")
        write_file(directory / f"{name}.svg", svg)
        # The layout has been solved; solving it again for the pixels would take as long as drawing.
        figure.set_layout_engine("none")
        write_file(directory / f"{name}.png", render(figure, "png"))
        graphics[name] = inline_svg(svg.decode(), f"g{position}-", titles[name])
    return graphics


def inline_svg(svg: str, prefix: str, title: str) -> str:
    """Return an SVG file as an element for a page: no prolog, comments, metadata or size; ids made unique."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    box = re.search(r'viewBox="([^"]*)"', body)
    body = body[body.index(">") + 1 :]
    body = re.sub(r'\bid="', f'id="{prefix}', body)
    body = re.sub(r'xlink:href="#', f'xlink:href="#{prefix}', body).replace("url(#", f"url(#{prefix}")
    body = re.sub(r"\s*\n\s*", " ", body)
    view = box.group(1) if box else "0 0 1 1"
    return f'<svg viewBox="{view}" role="img" aria-label="{html.escape(title)}">{body}'


def _function_view(task: TaskResult, name: str, directory: Path) -> dict[str, Any]:
    description = task.description
    samples = [f"{description[key]} {what}" for key, what in _SAMPLES if description.get(key)]
    return {
        "task": task,
        "name": name,
        # The figure carries the formula as its title; the page repeats it only where it had to be cut.
        "formula": "" if wrap(task.formula).replace("\n", " ") == task.formula else task.formula,
        "domain": _domain(description),
        "samples": ", ".join(samples),
        # Of a table nobody knows the true formula.
        "truth": "" if _is_table(task) else task.formula,
        "found": [(formula, _show_command(formula, directory)) for formula in _frontier(task)],
        "left_out": _sentences(task),
        "best": [task.best[family] for family in sorted(task.best, key=by_family)],
        "overall": _comparison_view(task.overall),
        "budgets": [_comparison_view(comparison) for comparison in _changes(task)],
        "rows": [_point_view(point, directory) for point in _front_points(task)],
    }


def _frontier(task: TaskResult) -> list[Formula]:
    return task.search.frontier if task.search is not None else []


def _show_command(formula: Formula, directory: Path) -> tuple[str, str, str]:
    """Return the command that draws the model of a formula, in three parts."""
    return f"kan-sweep show {shlex.quote(str(directory))}", formula.run_id, f"--stage {formula.stage}"


def _changes(task: TaskResult) -> list[Comparison]:
    """Return the comparisons at growing budgets, without those that repeat the models of the one before."""
    rows: list[Comparison] = []
    for comparison in sorted(task.budgets.values(), key=lambda c: c.budget):
        if not rows or (comparison.kan, comparison.mlp) != (rows[-1].kan, rows[-1].mlp):
            rows.append(comparison)
    return rows


_SAMPLES = (("n_train", "training"), ("n_val", "validation"), ("n_test", "test"))


def _domain(description: Mapping[str, Any]) -> str:
    variables = [str(name) for name in description.get("variables") or ()]
    ranges = description.get("ranges") or ()
    if len(variables) != len(ranges):
        return ", ".join(variables)
    return ", ".join(
        f"{name} in [{low:.4g}, {high:.4g}]" for name, (low, high) in zip(variables, ranges, strict=True)
    )


def _comparison_view(comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    return {
        "budget": comparison.budget,
        "kan": comparison.kan,
        "mlp": comparison.mlp,
        "ratio": ratio_text(comparison.ratio),
        "winner": "kan" if comparison.ratio > 1 else "mlp" if comparison.ratio < 1 else "",
    }


def _point_view(point: Point, directory: Path) -> dict[str, Any]:
    # Where a sweep keeps the best model of a run only, its other stages have numbers but cannot be drawn.
    stage = f"--stage {point.stage}" if point.has_model else ""
    return {
        "point": point,
        "width": width_text(point),
        "errors": [
            (number(spread.median), _range(spread, point)) for spread in (point.train, point.val, point.test)
        ],
        "command": ("kan-sweep show " + shlex.quote(str(directory)), point.run_id, stage),
    }


def _range(spread: Spread, point: Point) -> str:
    if point.n_runs < 2 or math.isnan(spread.median):
        return ""
    return f"{number(spread.low)} – {number(spread.high)}"


def _score_view(score: Score) -> dict[str, Any]:
    limit = limit_text(score) if math.isfinite(score.budget[1]) else "no limit"
    shares = [100 * wins / score.n for wins in (score.kan_wins, score.mlp_wins)]
    return {
        "score": score,
        "limit": limit,
        "ratio": ratio_text(score.mean_ratio),
        "shares": shares,
        "sizes": [_sizes(score.kan_sizes), _sizes(score.mlp_sizes)],
    }


def _duel_view(duel: Duel) -> dict[str, Any]:
    return {"duel": duel, "ratio": "–" if math.isnan(duel.ratio) else ratio_text(duel.ratio, LM, LBFGS)}


def _sizes(ends: tuple[int, int]) -> str:
    return count(ends[0]) if ends[0] == ends[1] else f"{count(ends[0])}–{count(ends[1])}"


def width_text(point: Point) -> str:
    """Return a model's shape, as in "[2, 5, 1]"."""
    return "[" + ", ".join(str(n) for n in point.width) + "]"


def number(value: float) -> str:
    """Return an error with three digits, as in "1.23e-5"; "–" where there is none.

    Examples
    --------
    >>> number(0.0000123)
    '1.23e-5'
    """
    if math.isnan(value):
        return "–"
    if value == 0:
        return "0"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def count(n: int) -> str:
    """Return a whole number with thin spaces between thousands."""
    return f"{n:,}".replace(",", "\u2009")


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it.

    Examples
    --------
    >>> duration(95)
    '1 min 35 s'
    """
    if math.isnan(seconds):
        return "–"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"

"""The tables of a report, which are shown on its page and written as CSV and LaTeX."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sweeps._safe_text import cell
from sweeps.analysis.results import Point, Score, SweepResult, TaskResult
from sweeps.analysis.statistics import slope
from sweeps.families import by_family
from sweeps.page.leaders_text import leaders_table, task_leaders_table
from sweeps.page.number_format import width_text
from sweeps.page.style import decade_ticks, label
from sweeps.page.tables import Column, ReportTable
from sweeps.page.verdict import limit_text

#: Most rows of a table of errors to reach.
_MAX_TARGETS = 6

_FRONT_COLUMNS = [
    *("task", "family", "width", "grid", "k", "activation", "opt", "opt_asked", "options"),
    *("n_params", "n_seeds", "n_runs"),
    *("train_rmse", "train_rmse_min", "train_rmse_max"),
    *("val_rmse", "val_rmse_min", "val_rmse_max"),
    *("test_rmse", "test_rmse_min", "test_rmse_max"),
    *("time_s", "selected_on", "run_id", "stage", "group_id"),
    *("error", "target_spread"),
]
#: The test error over the standard deviation of the target.
SHARE = Column("share of spread", "percent")


def report_tables(result: SweepResult, names: Mapping[str, str]) -> list[ReportTable]:
    """Return every table that has a row; `names` are the file names of the functions."""
    tables = [
        best_table(result),
        scores_table(result.scores),
        leaders_table(result),
        task_leaders_table(result),
        standings_table(result),
        slopes_table(result.tasks),
        *(reach_table(task, f"reach-{names[task.task]}") for task in result.tasks),
        *(fronts_table(task, f"front-{names[task.task]}") for task in result.tasks),
        compute_table(result),
        reasons_table(result),
    ]
    return [table for table in tables if table.rows]


def best_table(result: SweepResult) -> ReportTable:
    """Return the best model of every family on every function."""
    columns = [
        *(Column("function"), Column("family"), Column("shape"), Column("grid or activation")),
        *(Column("optimizer"), Column("parameters", "count"), Column(result.test_name, "error")),
        *(Column("least", "error"), Column("greatest", "error"), Column("seconds", "seconds")),
    ]
    in_units = any(not math.isnan(task.spread) for task in result.tasks)
    columns += [SHARE] if in_units else []
    rows: list[list[Any]] = []
    for task in result.tasks:
        for family in sorted(task.best, key=by_family):
            point = task.best[family]
            share = [point.test.median / task.spread] if in_units else []
            rows.append(
                [
                    *(task.title, label(family), *_model(point), point.n_params),
                    *(*_spread(point), point.time_s, *share),
                ]
            )
    return ReportTable(
        "best", "The best model of each family, chosen on validation, whatever its size.", columns, rows
    )


def scores_table(scores: Sequence[Score]) -> ReportTable:
    """Return wins and ratios of the best KANs and MLPs within growing limits."""
    columns = [
        *(Column("at most N parameters"), Column("functions", "count"), Column("KAN wins", "count")),
        *(
            Column("MLP wins", "count"),
            Column("share of KANs", "share"),
            Column("MLP error / KAN error", "plain"),
        ),
    ]
    rows = [
        [limit_text(score), score.n, score.kan_wins, score.mlp_wins, score.kan_share, score.ratio]
        for score in scores
    ]
    caption = "Wins and the geometric mean of the ratio of test errors within a number of parameters."
    return ReportTable("wins", caption, columns, rows)


def standings_table(result: SweepResult) -> ReportTable:
    """Return how often every family has the best model, and the mean area that its front dominates."""
    columns = [
        *(Column("family"), Column("functions", "count"), Column("best on", "count")),
        *(Column("share of functions", "share"), Column("mean hypervolume", "plain")),
    ]
    rows = [
        [label(own.family), own.n_tasks, own.n_best, own.share, own.hypervolume] for own in result.standings
    ]
    caption = "How often each family has the least test error, and the mean area that its front dominates."
    return ReportTable("standings", caption, columns, rows)


def slopes_table(tasks: Sequence[TaskResult]) -> ReportTable:
    """Return how fast the error falls along every front with at least two sizes."""
    columns = [
        *(Column("function"), Column("family"), Column("points", "count")),
        *(Column("with parameters", "plain"), Column("with seconds", "plain")),
    ]
    rows = []
    for task in tasks:
        for family in sorted(task.fronts, key=by_family):
            front = task.fronts[family]
            by_size = slope(front)
            if not math.isnan(by_size.value):
                by_time = slope(task.time_fronts[family], lambda point: point.time_s)
                rows.append([task.title, label(family), len(front), by_size, by_time])
    caption = "Slopes of log test error along the fronts, by least squares."
    return ReportTable("slopes", caption, columns, rows)


def reach_table(task: TaskResult, name: str) -> ReportTable:
    """Return the fewest parameters and the least time with which each family reaches an error."""
    families = sorted((family for family, front in task.fronts.items() if front), key=by_family)
    columns = [Column(f"{task.test_name} of at most", "round")]
    for family in families:
        columns += [
            Column(f"{label(family)}: parameters", "count"),
            Column(f"{label(family)}: time", "seconds"),
        ]
    rows: list[list[Any]] = []
    for target in _targets(task):
        row: list[Any] = [target]
        for family in families:
            sizes = [p.n_params for p in task.fronts[family] if p.test.median <= target]
            times = [p.time_s for p in task.time_fronts[family] if p.test.median <= target]
            row += [min(sizes, default=None), min(times, default=None)]
        rows.append(row)
    return ReportTable(name, f"What it takes to reach a test error: {task.title}.", columns, rows)


def _targets(task: TaskResult) -> list[float]:
    """Return round errors between the worst and the best on any front, the largest first."""
    errors = [p.test.median for front in task.fronts.values() for p in front if p.test.median > 0]
    if not errors or min(errors) == max(errors):
        return []
    ticks = [tick for tick in decade_ticks(min(errors), max(errors), few=True) if tick >= min(errors)]
    step = math.ceil(len(ticks) / _MAX_TARGETS) or 1
    # Thinned from the smallest error on, which matters most.
    return ticks[::step][::-1]


def fronts_table(task: TaskResult, name: str) -> ReportTable:
    """Return the fronts of a function."""
    chosen_by = "residual on fresh points" if task.is_equation else f"validation {task.error_name}"
    columns = [
        *(Column("family"), Column("shape"), Column("grid or activation"), Column("optimizer")),
        *(Column("parameters", "count"), Column(chosen_by, "error"), Column(task.test_name, "error")),
        *(Column("least", "error"), Column("greatest", "error"), Column("seconds", "seconds")),
    ]
    rows = [
        [label(p.family), *_model(p), p.n_params, p.val.median, *_spread(p), p.time_s]
        for p in front_points(task)
    ]
    if not math.isnan(task.spread):
        columns.append(SHARE)
        rows = [[*row, p.test.median / task.spread] for row, p in zip(rows, front_points(task), strict=True)]
    return ReportTable(name, f"Pareto fronts: {task.title}.", columns, rows)


def front_points(task: TaskResult) -> Iterator[Point]:
    """Yield the points of all fronts, family after family."""
    for family in sorted(task.fronts, key=by_family):
        yield from task.fronts[family]


def compute_table(result: SweepResult) -> ReportTable:
    """Return what every family cost."""
    columns = [
        *(Column("family"), Column("runs", "count"), Column("time", "seconds")),
        *(Column("processor time", "seconds"), Column("failed runs", "count")),
        Column("time of failed runs", "seconds"),
    ]
    rows = [
        [label(own.family), own.n_runs, own.wall_s, own.cpu_s, own.n_not_ok, own.not_ok_s]
        for own in sorted(result.compute, key=lambda own: by_family(own.family))
    ]
    return ReportTable("compute", "Time spent, summed over runs.", columns, rows)


def reasons_table(result: SweepResult) -> ReportTable:
    """Return why runs did not end well, the most frequent first; numbers do not make reasons different."""
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    where: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(
        lambda: {"families": set(), "tasks": set()}
    )
    for failure in result.failures:
        key = (failure.status, re.sub(r"\d+(\.\d+)?", "#", failure.reason))
        counts[key] += failure.count
        examples.setdefault(key, failure.reason)
        where[key]["families"].add(label(failure.family))
        where[key]["tasks"].add(failure.task)
    rows = [
        [key[0], n, examples[key], ", ".join(sorted(where[key]["families"])), len(where[key]["tasks"])]
        for key, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    columns = [
        *(Column("status"), Column("runs", "count"), Column("reason, or one of its kind")),
        *(Column("families"), Column("functions", "count")),
    ]
    return ReportTable("failures", "Runs that did not end well, by reason.", columns, rows)


def _model(point: Point) -> tuple[str, str, str]:
    return width_text(point), str(point.grid) if point.grid is not None else point.activation, point.opt_text


def _spread(point: Point) -> tuple[float, float, float]:
    return point.test.median, point.test.low, point.test.high


def front_csv(result: SweepResult) -> str:
    """Return all fronts as CSV text: a row a point, errors as median, min and max over seeds.

    Those of a table are in the units of its target, whose standard deviation is `target_spread`; where
    `error` is "log loss" the columns of RMSE hold such losses.

    `opt` is the optimizer that was used, `opt_asked` what the configuration says; `options` are those of its
    other options in which the models of this sweep differ.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_FRONT_COLUMNS)
    for task in result.tasks:
        for point in front_points(task):
            spread = "" if math.isnan(task.spread) else repr(task.spread)
            writer.writerow(map(cell, [*_front_row(point), task.error_name, spread]))
    return buffer.getvalue()


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

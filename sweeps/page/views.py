"""The values that templates of pages show: functions, scores and models as texts."""

from __future__ import annotations

import itertools
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sweeps.analysis.formula_results import Formula
from sweeps.analysis.optimizers import OptimizerComparison
from sweeps.analysis.results import (
    LBFGS,
    LM,
    Comparison,
    Point,
    Score,
    SeedRange,
    SweepResult,
    TaskResult,
)
from sweeps.analysis.statistics import slope
from sweeps.families import by_family
from sweeps.page.number_format import count, interval_text, number, percent, plain, width_text
from sweeps.page.report_tables import front_points, reach_table
from sweeps.page.style import ratio_text, wrap
from sweeps.page.tooltips import row_id
from sweeps.page.verdict import limit_text
from sweeps.spec.data_summary import legend_text


def _sentences(task: TaskResult) -> list[str]:
    told = (task.description.get(kind) or () for kind in ("notes", "left_out"))
    texts = (str(text) for text in itertools.chain.from_iterable(told))
    return [text[:1].upper() + text[1:] for text in texts]


def all_scores(result: SweepResult) -> list[Score]:
    """Return the scores with a limit and the one without, if that one is of other models."""
    unlimited = replace(result.overall, budget=(math.inf, math.inf))
    last = result.scores[-1:]
    repeats = any(_what_was_compared(score) == _what_was_compared(unlimited) for score in last)
    return result.scores if repeats or not unlimited.n else [*result.scores, unlimited]


def _what_was_compared(score: Score) -> tuple[Any, ...]:
    return score.kan_sizes, score.mlp_sizes, score.kan_wins, score.mlp_wins, score.ties, score.mean_ratio


def searched(tasks: Sequence[TaskResult]) -> bool:
    """Say whether a formula was looked for."""
    return any(task.search is not None for task in tasks)


def is_table(task: TaskResult) -> bool:
    """Say whether the samples come from a table of the user's."""
    return task.task.startswith("csv/")


def left_out(tasks: Sequence[TaskResult]) -> list[tuple[str, str]]:
    """Return what the specification's limits left out: sentences, and the functions of those not for all."""
    said: dict[str, list[str]] = {}
    for task in tasks:
        for sentence in _sentences(task):
            said.setdefault(sentence, []).append(task.title)
    return [(text, "" if len(names) == len(tasks) else ", ".join(names)) for text, names in said.items()]


def function_view(task: TaskResult, name: str, directory: Path) -> dict[str, Any]:
    """Return what the section of a function shows; `name` is its address in the page."""
    description = task.description
    samples = [f"{description[key]} {what}" for key, what in _SAMPLES if description.get(key)]
    return {
        "task": task,
        "name": name,
        # The figure carries the formula as its title; the page repeats it only where it had to be cut.
        "formula": "" if wrap(task.formula).replace("\n", " ") == task.formula else task.formula,
        "domain": _domain(description),
        "samples": ", ".join(samples),
        "points": description.get("n_points"),
        "noise": _noise(description),
        # Of a table nobody knows the true formula.
        "truth": "" if is_table(task) else task.formula,
        "legend": legend_text(description),
        "found": [(formula, _show_command(formula, directory)) for formula in _frontier(task)],
        "left_out": _sentences(task),
        "best": [task.best[family] for family in sorted(task.best, key=by_family)],
        "overall": _comparison_view(task.overall),
        "budgets": [_comparison_view(comparison) for comparison in _changes(task)],
        "rows": [_point_view(point, name, directory) for point in front_points(task)],
        "reach": reach_table(task, name),
        "families": sorted((family for family, front in task.fronts.items() if front), key=by_family),
        "slopes": [
            (family, _slope(task, family))
            for family in sorted(task.fronts, key=by_family)
            if _slope(task, family)
        ],
    }


def _noise(description: Mapping[str, Any]) -> str:
    noise = description.get("noise")
    return f"Noise of standard deviation {noise:g} on the training and validation samples." if noise else ""


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
    variables = [_visible(str(name)) for name in description.get("variables") or ()]
    ranges = description.get("ranges") or ()
    if len(variables) != len(ranges):
        return ", ".join(variables)
    return ", ".join(
        f"{name} in [{low:.4g}, {high:.4g}]" for name, (low, high) in zip(variables, ranges, strict=True)
    )


def _visible(name: str) -> str:
    """Return a name with its control characters written as Python writes them."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in name)


def _comparison_view(comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    return {
        "budget": comparison.budget,
        "kan": comparison.kan,
        "mlp": comparison.mlp,
        "ratio": ratio_text(comparison.ratio),
        "factor": comparison.ratio,
        "winner": "kan" if comparison.ratio > 1 else "mlp" if comparison.ratio < 1 else "",
    }


def _slope(task: TaskResult, family: str) -> str:
    """Return by which power of the parameters the error of a front falls, "" if that is not known."""
    found = slope(task.fronts[family])
    return "" if math.isnan(found.value) else interval_text(found)


def _point_view(point: Point, name: str, directory: Path) -> dict[str, Any]:
    # Where a sweep keeps the best model of a run only, its other stages have numbers but cannot be drawn.
    stage = f"--stage {point.stage}" if point.has_model else ""
    return {
        "point": point,
        "id": row_id(name, point),
        "width": width_text(point),
        "errors": [
            (errors.median, number(errors.median), _range(errors, point))
            for errors in (point.train, point.val, point.test)
        ],
        "command": ("kan-sweep show " + shlex.quote(str(directory)), point.run_id, stage),
    }


def _range(errors: SeedRange, point: Point) -> str:
    if point.n_runs < 2 or math.isnan(errors.median):
        return ""
    return f"{number(errors.low)} – {number(errors.high)}"


def score_view(score: Score) -> dict[str, Any]:
    """Return a score in words, and the shares of its bar."""
    limit = limit_text(score) if math.isfinite(score.budget[1]) else "no limit"
    shares = [100 * wins / score.n for wins in (score.kan_wins, score.mlp_wins)]
    return {
        "score": score,
        "limit": limit,
        "ratio": ratio_text(score.mean_ratio),
        "shares": shares,
        "share": percent(score.kan_share),
        "interval": "" if math.isnan(score.ratio.low) else _times(score),
        "sizes": [_sizes(score.kan_sizes), _sizes(score.mlp_sizes)],
    }


def _times(score: Score) -> str:
    """Return the interval of a ratio, as by what factor the error of the winner is smaller."""
    low, high = score.ratio.low, score.ratio.high
    if not score.mean_ratio >= 1:
        low, high = 1 / high, 1 / low
    return f"{plain(low)}–{plain(high)}"


def optimizer_view(pair: OptimizerComparison) -> dict[str, Any]:
    """Return a comparison of optimizers, its ratio in words."""
    return {"pair": pair, "ratio": "–" if math.isnan(pair.ratio) else ratio_text(pair.ratio, LM, LBFGS)}


def _sizes(ends: tuple[int, int]) -> str:
    return count(ends[0]) if ends[0] == ends[1] else f"{count(ends[0])}–{count(ends[1])}"

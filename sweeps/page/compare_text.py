"""The texts and tables of a comparison of two sweeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sweeps._plural import counted
from sweeps.analysis.compare import SweepComparison, overall_ratios
from sweeps.analysis.results import Interval, SweepResult
from sweeps.page.number_format import interval_text
from sweeps.page.number_format import plain as plain_number
from sweeps.page.style import label
from sweeps.page.tables import Column, ReportTable
from sweeps.records import canonical_json, text_id
from sweeps.storage.provenance import plain


def comparison_verdict(comparison: SweepComparison) -> str:
    """Return in sentences which sweep has the smaller errors at equal parameters, where that can be said."""
    first, second = comparison.names
    sentences = []
    for family, n, ratio in overall_ratios(comparison):
        where = f"{label(family)}, {counted(n, 'function')}: at equal parameters"
        if once := _once(comparison, family):
            sentences.append(
                f"{where} the errors of {second} over those of {first} are {plain_number(ratio.value)}, from "
                f"one run of every configuration of {' and of '.join(once)}: one seed tells nothing about "
                "chance, and there is no interval."
            )
            continue
        if ratio.low <= 1 <= ratio.high or ratio.value == 1:
            sentences.append(
                f"{where} the errors do not differ beyond chance; those of {second} over those of {first} "
                f"are {interval_text(ratio)}."
            )
            continue
        better, worse, shown = first, second, ratio
        if ratio.value < 1:
            better, worse = second, first
            shown = Interval(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)
        sentences.append(
            f"{where} the errors of {better} are {interval_text(shown)} times smaller than those of {worse}."
        )
    return " ".join(sentences) or "No family has a finished model of the same function in both sweeps."


def _once(comparison: SweepComparison, family: str) -> list[str]:
    """Return the names of the sweeps that ran every configuration of a family once, on some function."""
    own = [ratio.once for pair in comparison.pairs for ratio in pair.ratios if ratio.family == family]
    return [name for name, once in zip(comparison.names, zip(*own, strict=True), strict=True) if any(once)]


def left_out_lines(comparison: SweepComparison) -> list[str]:
    """Return what is not compared, and why, as lines of text."""
    lines = [f"left out: {task}: {reason}" for task, reason in comparison.left_out.items()]
    for name, tasks in zip(comparison.names, comparison.alone, strict=True):
        if tasks:
            lines.append(f"left out: only {name} has {', '.join(tasks)}")
    return lines


def ratios_table(comparison: SweepComparison) -> ReportTable:
    """Return the ratios of all functions and families."""
    first, second = comparison.names
    columns = [
        *(Column("function"), Column("family"), Column(f"best of {first}", "error")),
        *(Column(f"best of {second}", "error"), Column("ratio of the best", "plain")),
        Column("ratio at equal parameters", "plain"),
    ]
    rows: list[list[Any]] = []
    for pair in comparison.pairs:
        for ratio in pair.ratios:
            best = [task.best.get(ratio.family) for task in (pair.first, pair.second)]
            errors = [None if point is None else point.test.median for point in best]
            rows.append([pair.first.title, label(ratio.family), *errors, ratio.best, ratio.equal])
    caption = f"Test error of {second} over that of {first}: above 1, {first} is better."
    return ReportTable("ratios", caption, columns, rows)


def provenance_table(comparison: SweepComparison) -> ReportTable:
    """Return in what the origins of the two sweeps differ."""
    sides = [dict(_provenance(result)) for result in comparison.results]
    rows = [
        [key, sides[0].get(key, "–"), sides[1].get(key, "–")]
        for key in dict.fromkeys([*sides[0], *sides[1]])
        if sides[0].get(key) != sides[1].get(key)
    ]
    columns = [Column("what"), *(Column(name) for name in comparison.names)]
    return ReportTable("provenance", "What differs in how the sweeps were made.", columns, rows)


def _provenance(result: SweepResult) -> Iterator[tuple[str, str]]:
    spec = result.meta.get("spec") or {}
    yield "command", str(result.meta.get("command", ""))
    yield "specification", text_id(canonical_json(spec))
    for key, value in spec.items():
        # Where a table lies on somebody's disk is nobody else's business.
        yield f"specification: {key}", Path(value).name if key in ("csv", "test") else plain(value)
    for key in ("planned", "finished", "ok", "stages"):
        yield f"number: {key}", str(result.counts[key])
    yield "seconds of training", f"{result.compute_s:.0f}"
    for key in dict.fromkeys(key for environment in result.environments for key in environment):
        values = [environment.get(key) for environment in result.environments]
        if key == "versions":
            for name in sorted({name for value in values if value for name in value}):
                yield f"version: {name}", _each(value.get(name) for value in values if value)
        else:
            yield key, _each(values)


def _each(values: Any) -> str:
    return "; ".join(dict.fromkeys(plain(value) for value in values if value is not None)) or "–"

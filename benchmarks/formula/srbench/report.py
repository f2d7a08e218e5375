"""Tables and bars of results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from benchmarks._common import Bar, show_table
from benchmarks.formula.srbench.store import Result
from benchmarks.formula.srbench.verdicts import GOOD_R2

#: Percentages that have to be solved, by level of noise.
SOLVED = {0.0: 75.0, 0.001: 55.0, 0.01: 35.0, 0.1: 15.0}
#: Processor seconds of solved problems without noise, in the median.
SECONDS = 3.0


def show_result(result: Result) -> None:
    """A line about one search."""
    task = result["task"]
    verdict = "solved" if result["solved"] else f"missed, {result['missed']}"
    verdict += ", WRONGLY CALLED EXACT" if result["wrongly_called_exact"] else ""
    text = result.get("failed") or result["formula"] or "(splines)"
    print(
        f"{task['method']:9s} {task['name']:11s} noise {task['noise']:<5g} seed {task['data_seed']} "
        f"{result['error']:8.1e} {result['cpu']:5.1f} s  {verdict:17s} {text[:90]}",
        flush=True,
    )


def show_summary(results: Sequence[Result]) -> None:
    """A row for every method and level of noise; peers beside discover on the same problems."""
    rows = []
    for noise in sorted({result["task"]["noise"] for result in results}):
        here = [result for result in results if result["task"]["noise"] == noise]
        ours = {_problem(r): r for r in here if r["task"]["method"] == "discover"}
        for method in dict.fromkeys(result["task"]["method"] for result in here):
            theirs = [result for result in here if result["task"]["method"] == method]
            rows.append(_row(method, noise, theirs))
            same = [ours[_problem(r)] for r in theirs if _problem(r) in ours]
            if method != "discover" and same:
                rows.append(_row(f"  discover, the problems of {method}", noise, same))
    header = ("method", "noise", "searches", "solved", "exact", "solutions", "right constants", "R2 > 0.999")
    show_table("Found", (*header, "wrongly exact", "CPU s", "of solved", "length", "of solved"), rows)
    missed = Counter(
        (r["task"]["noise"], r["missed"])
        for r in results
        if r["task"]["method"] == "discover" and r["missed"]
    )
    if missed:
        lines = [(f"noise {noise:g}, {kind}", count) for (noise, kind), count in sorted(missed.items())]
        show_table("Missed by discover", ("kind", "searches"), lines)


def _problem(result: Result) -> tuple[str, int]:
    return result["task"]["name"], result["task"]["data_seed"]


def _row(method: str, noise: float, results: Sequence[Result]) -> tuple[object, ...]:
    solved = [result for result in results if result["solved"]]

    def share(field: str) -> str:
        return f"{100 * np.mean([result[field] for result in results]):.1f} %"

    good = 100 * np.mean([result["r2"] > GOOD_R2 for result in results])
    return (
        method,
        f"{noise:g}",
        len(results),
        *(share(field) for field in ("solved", "exact", "solution", "right_constants")),
        f"{good:.1f} %",
        sum(result["wrongly_called_exact"] for result in results),
        _median(results, "cpu"),
        _median(solved, "cpu"),
        _median(results, "complexity"),
        _median(solved, "complexity"),
    )


def _median(results: Sequence[Result], field: str) -> str:
    values = [result[field] for result in results if np.isfinite(result[field])]
    return f"{np.median(values):.1f}" if values else "-"


def bars_of(results: Sequence[Result]) -> list[Bar]:
    """Of discover alone."""
    ours = [result for result in results if result["task"]["method"] == "discover"]
    bars = []
    for noise, limit in SOLVED.items():
        here = [result for result in ours if result["task"]["noise"] == noise]
        if here:
            solved = 100 * float(np.mean([result["solved"] for result in here]))
            kind = "exact" if noise == 0 else "solutions"
            text = f"{kind} at noise {noise:g}, % of {len(here)} searches"
            bars.append(Bar(text, solved, limit, at_least=True))
    if ours:
        bars.append(Bar("wrongly called exact", float(sum(r["wrongly_called_exact"] for r in ours)), 0.0))
    times = [r["cpu"] for r in ours if r["solved"] and r["task"]["noise"] == 0]
    if times:
        bars.append(Bar("CPU seconds of solved at noise 0, median", float(np.median(times)), SECONDS))
    return bars

"""Two sweeps side by side: the same functions, errors at equal parameters, and what else differs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.analysis.aggregate import aggregate
from sweeps.analysis.results import Interval, SweepResult, TaskResult
from sweeps.analysis.statistics import (
    LEAST_ERROR,
    FloatArray,
    geometric_mean,
    interval,
    interval_over_tasks,
    ratio_at_equal_size,
    resampled_families,
)
from sweeps.errors import UserError
from sweeps.families import by_family
from sweeps.storage.store import Store
from sweeps.storage.task_data import Data, data_differences, task_data


@dataclass(frozen=True)
class Ratio:
    """A family of both sweeps on one function: by what factor the error of the first is smaller.

    `equal` is at equal parameters, see `sweeps.analysis.statistics.ratio_at_equal_size`, `best` that of the
    best models whatever their size; `replicates` are those of `equal`. `once` says which of the two sweeps
    ran every configuration once: then nothing is known of chance, and there is no interval.
    """

    family: str
    equal: Interval
    best: Interval
    replicates: FloatArray
    once: tuple[bool, bool]


@dataclass(frozen=True)
class TaskPair:
    """A function that both sweeps have learnt, from the same samples."""

    first: TaskResult
    second: TaskResult
    ratios: list[Ratio]


@dataclass(frozen=True)
class SweepComparison:
    """Two sweeps and what they have in common; `names` tell them apart.

    `alone` are the functions that only one of them has, `left_out` those that both have and that cannot be
    compared, with the reason.
    """

    names: tuple[str, str]
    results: tuple[SweepResult, SweepResult]
    pairs: list[TaskPair]
    alone: tuple[list[str], list[str]]
    left_out: Mapping[str, str]


def compare_sweeps(first: str | Path, second: str | Path) -> SweepComparison:
    """Read two sweeps and compare what they have in common.

    Two functions are the same if they have one name and the same samples to train, choose and test with:
    errors on other samples, or of another target of a table, are answers to another question.

    Parameters
    ----------
    first, second : path
        Their directories; they may still be running.

    Raises
    ------
    UserError
        If one of them is not a sweep, both are the same, or they have no function in common, or none with
        the same samples.

    Examples
    --------
    >>> found = compare_sweeps("runs/before", "runs/after")  # doctest: +SKIP
    >>> print(comparison_verdict(found))  # doctest: +SKIP
    """
    directories = [Path(first), Path(second)]
    if directories[0].resolve() == directories[1].resolve():
        raise UserError(f"{first} and {second} are the same sweep; expected two different ones.")
    results, data = [], []
    for directory in directories:
        with Store.open(directory, readonly=True) as store, store.snapshot():
            results.append(aggregate(store, target_units=False))
            data.append(task_data(store))
    if results[0].by_edges != results[1].by_edges:  # KANs of B-splines are one family of both then
        for i, directory in enumerate(directories):
            with Store.open(directory, readonly=True) as store:
                results[i] = aggregate(store, by_edges=True, target_units=False)
    names = _names(directories)
    tasks = [{task.task: task for task in result.tasks} for result in results]
    shared = [task for task in tasks[0] if task in tasks[1]]
    if not shared:
        raise UserError(
            f"{first} and {second} have no function in common: {_few(tasks[0])} in the one, "
            f"{_few(tasks[1])} in the other. Compare sweeps over the same functions."
        )
    left_out = _other_samples(shared, tasks, data)
    shared = [task for task in shared if task not in left_out]
    if not shared:
        raise UserError(
            f"nothing in {first} and {second} can be compared: "
            + "; ".join(f"{task}: {reason}" for task, reason in _first(left_out).items())
            + ". Compare sweeps that have learnt a function from the same samples."
        )
    unfinished = {
        task: f"no finished model in {' and '.join(lacking)}"
        for task in shared
        if (lacking := [name for name, own in zip(names, tasks, strict=True) if not own[task].points])
    }
    # Unless that is all: then there is a page that says so.
    if len(unfinished) < len(shared):
        left_out |= unfinished
    return SweepComparison(
        names=names,
        results=(results[0], results[1]),
        pairs=[_pair(tasks[0][task], tasks[1][task]) for task in shared if task not in left_out],
        alone=([t for t in tasks[0] if t not in tasks[1]], [t for t in tasks[1] if t not in tasks[0]]),
        left_out=left_out,
    )


def _other_samples(
    shared: Sequence[str],
    tasks: Sequence[Mapping[str, TaskResult]],
    data: Sequence[Mapping[str, Sequence[Data]]],
) -> dict[str, str]:
    """Return the functions that have one name and are not the same, with what differs."""
    found = {}
    for task in shared:
        descriptions = [own[task].description for own in tasks]
        if differs := data_differences(descriptions, [own.get(task, ()) for own in data]):
            found[task] = f"the samples differ ({'; '.join(differs)})"
    return found


def _first(reasons: Mapping[str, str]) -> dict[str, str]:
    return dict(list(reasons.items())[:3])


def _names(directories: Sequence[Path]) -> tuple[str, str]:
    first, second = (directory.resolve() for directory in directories)
    while first.name == second.name and first.parent != first:
        first, second = first.parent, second.parent
    return (first.name or "A", second.name or "B") if first.name != second.name else ("A", "B")


def _few(names: Mapping[str, Any]) -> str:
    shown = list(names)[:4]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "") if shown else "nothing"


def _pair(first: TaskResult, second: TaskResult) -> TaskPair:
    ours, theirs = resampled_families(first), resampled_families(second)
    ratios = []
    for family in sorted(ours.keys() & theirs.keys(), key=by_family):
        once = (first.ran_once(family), second.ran_once(family))
        equal = ratio_at_equal_size(ours[family], theirs[family])
        a, b = (np.maximum(own[family].at(math.inf), LEAST_ERROR) for own in (ours, theirs))
        with np.errstate(invalid="ignore"):
            best = b / a
        if any(once):
            # The replicates know of the chance in one of them at most.
            equal, best = equal[:1], best[:1]
        found = [interval(float(values[0]), values) for values in (equal, best)]
        ratios.append(Ratio(family, found[0], found[1], equal, once))
    return TaskPair(first, second, ratios)


def same_runs(comparison: SweepComparison) -> tuple[int, int]:
    """Return how many models (by run and stage) both sweeps have, and how many with the same test error."""
    found: list[dict[tuple[str, int], float]] = [{}, {}]
    for pair in comparison.pairs:
        for task, errors in zip((pair.first, pair.second), found, strict=True):
            errors |= _errors(task)
    shared = found[0].keys() & found[1].keys()
    return len(shared), sum(found[0][key] == found[1][key] for key in shared)


def _errors(task: TaskResult) -> dict[tuple[str, int], float]:
    errors: dict[tuple[str, int], float] = {}
    for family, samples in task.samples.items():
        points = [point for point in task.points if point.family == family]
        for point, names, values in zip(points, samples.run_id, samples.test.tolist(), strict=True):
            errors |= {(name, point.stage): value for name, value in zip(names, values, strict=True) if name}
    return errors


def overall_ratios(comparison: SweepComparison) -> list[tuple[str, int, Interval]]:
    """Return for every family on how many functions both have models, and the mean ratio over them."""
    found: dict[str, list[FloatArray]] = {}
    for pair in comparison.pairs:
        for ratio in pair.ratios:
            if math.isfinite(ratio.equal.value):
                found.setdefault(ratio.family, []).append(ratio.replicates)
    return [
        (family, len(own), interval_over_tasks(own, geometric_mean))
        for family, own in sorted(found.items(), key=lambda item: by_family(item[0]))
    ]

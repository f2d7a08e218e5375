"""Families against each other over all functions: wins, ratios and areas, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from sweeps.analysis.results import KAN, MLP, Comparison, Hidden, Score, Standing, TaskResult
from sweeps.analysis.statistics import (
    FloatArray,
    Resampled,
    geometric_mean,
    hypervolumes,
    interval_over_tasks,
)

Number = TypeVar("Number", int, float)
#: Every family of a function with its runs drawn again, by function.
Families = Mapping[str, Mapping[str, Resampled]]


def score_of(comparisons: Sequence[Comparison], families: Families) -> Score:
    """Return the score of the best KANs against the best MLPs, each within its budget."""
    ratios = [comparison.ratio for comparison in comparisons]
    usable = [ratio for ratio in ratios if 0 < ratio < math.inf]
    replicates = [_ratios(comparison, families[comparison.kan.task]) for comparison in comparisons]
    return Score(
        budget=_ends([comparison.budget for comparison in comparisons] or [math.inf]),
        kan_sizes=_ends([comparison.kan.n_params for comparison in comparisons] or [0]),
        mlp_sizes=_ends([comparison.mlp.n_params for comparison in comparisons] or [0]),
        kan_wins=sum(ratio > 1 for ratio in ratios),
        mlp_wins=sum(ratio < 1 for ratio in ratios),
        ties=sum(ratio == 1 for ratio in ratios),
        mean_ratio=math.exp(sum(map(math.log, usable)) / len(usable)) if usable else math.nan,
        kan_share=interval_over_tasks(replicates, _share),
        ratio=interval_over_tasks(replicates, geometric_mean),
    )


def scores_by_size(tasks: Sequence[TaskResult], families: Families) -> list[Score]:
    """Return a score for every MLP shape, by size; without those at which no function changes its models."""
    largest: dict[Hidden, float] = {}
    for task in tasks:
        for hidden, comparison in task.budgets.items():
            largest[hidden] = max(largest.get(hidden, 0), comparison.budget)
    scores, before = [], None
    for hidden in sorted(largest, key=lambda hidden: (largest[hidden], str(hidden))):
        compared = [task.budgets.get(hidden) for task in tasks]
        pairs = [None if c is None else (c.kan, c.mlp) for c in compared]
        if pairs != before:
            scores.append(
                score_of([comparison for comparison in compared if comparison is not None], families)
            )
        before = pairs
    return scores


def standings(tasks: Sequence[TaskResult], families: Families) -> list[Standing]:
    """Return how every family stands over the functions that have models of several, best hypervolume first.

    A family without a model on a function does not win there, and its front there has no area.
    """
    shared = [task for task in tasks if len(task.best) > 1]
    names = sorted({family for task in shared for family in task.best})
    wins: dict[str, list[FloatArray]] = {name: [] for name in names}
    areas: dict[str, list[FloatArray]] = {name: [] for name in names}
    for task in shared:
        own, area = families[task.task], hypervolumes(task, families[task.task])
        best = {name: own[name].at(math.inf) for name in names if name in own}
        errors = dict(zip(best, np.broadcast_arrays(*best.values()), strict=True))
        least = np.min(list(errors.values()), axis=0)
        n_least = np.sum([error == least for error in errors.values()], axis=0)
        for name in names:
            won = (errors[name] == least) / n_least if name in errors else np.zeros(1)
            wins[name].append(won)
            areas[name].append(area.get(name, np.zeros(1)))
    found = [
        Standing(
            family=name,
            n_tasks=sum(name in task.best for task in shared),
            n_best=sum(bool(won[0] > 0) for won in wins[name]),
            share=interval_over_tasks(wins[name], _mean),
            hypervolume=interval_over_tasks(areas[name], _mean),
        )
        for name in names
    ]
    return sorted(found, key=lambda standing: (-standing.hypervolume.value, standing.family))


def _ratios(comparison: Comparison, own: Mapping[str, Resampled]) -> FloatArray:
    """Return the ratio of the test errors of a comparison, one a replicate; NaN where neither has a model."""
    kan, mlp = own[KAN].at(comparison.budget), own[MLP].at(comparison.budget)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((kan == mlp) & np.isfinite(kan), 1.0, mlp / kan)


def _share(ratios: FloatArray) -> FloatArray:
    return np.where(ratios > 1, 1.0, np.where(ratios < 1, 0.0, 0.5)).mean(axis=-1)


def _mean(values: FloatArray) -> FloatArray:
    return values.mean(axis=-1)


def _ends(values: Sequence[Number]) -> tuple[Number, Number]:
    return min(values), max(values)

"""Which network has the smallest error with at most so many parameters, and which are level with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from sweeps.analysis.results import Leader, Rival, TaskResult
from sweeps.analysis.statistics import (
    LEAST_ERROR,
    FloatArray,
    Resampled,
    geometric_mean,
    interval_over_tasks,
)
from sweeps.families import networks

#: Every network of a function with its runs drawn again, by function.
Networks = Mapping[str, Mapping[str, Resampled]]
_MANTISSAS = (1, 2, 5)
#: A network without a small model on more than this share of functions is not compared at that size, for it
#: would leave few functions for the others; chosen by judgement.
_LEAST_SHARE = 0.5


def budgets(tasks: Sequence[TaskResult]) -> list[int]:
    """Return round numbers of parameters between the second smallest network and the largest on any front.

    Examples
    --------
    >>> budgets([])
    []
    """
    sizes = [
        [point.n_params for point in task.fronts[family]]
        for task in tasks
        for family in networks(task.fronts)
        if task.fronts[family]
    ]
    if not sizes:
        return []
    smallest = sorted(min(own) for own in sizes)
    low, high = smallest[min(1, len(smallest) - 1)], max(max(own) for own in sizes)
    decades = range(int(math.log10(max(low, 1))), int(math.log10(high)) + 2)
    ticks = [m * 10**d for d in decades for m in _MANTISSAS]
    # The largest of them bounds nothing: all models are below it.
    return [tick for i, tick in enumerate(ticks) if tick >= low and (i == 0 or ticks[i - 1] < high)]


def leaders(tasks: Sequence[TaskResult], families: Networks, limits: Sequence[int]) -> list[Leader]:
    """Return the leader at every limit at which two networks can be compared.

    Errors are those of the models that validation chooses among all that are not larger; see `Leader`.
    Intervals draw functions, sets of samples and runs again.
    """
    found = (_leader(limit, [dict(families[task.task]) for task in tasks]) for limit in limits)
    return [leader for leader in found if leader is not None]


def _leader(limit: int, tasks: Sequence[Mapping[str, Resampled]]) -> Leader | None:
    errors = [_errors(own, limit) for own in tasks]
    names = networks({name for own in errors for name in own})
    n_least = _LEAST_SHARE * sum(bool(own) for own in errors)
    compared = [name for name in names if sum(name in own for own in errors) >= n_least]
    shared = [own for own in errors if all(name in own for name in compared)]
    if len(compared) < 2 or not shared:
        return None
    means = {name: float(geometric_mean(np.array([own[name][0] for own in shared]))) for name in compared}
    first, *others = sorted(compared, key=lambda name: (means[name], name))
    rivals = [
        Rival(name, interval_over_tasks([_ratio(own[name], own[first]) for own in shared], geometric_mean))
        for name in others
    ]
    return Leader(limit, first, len(shared), rivals)


def _errors(own: Mapping[str, Resampled], limit: int) -> dict[str, FloatArray]:
    """Return the errors of networks that have a model within the limit, one a replicate."""
    errors = {name: own[name].at(limit) for name in networks(own)}
    return {name: np.maximum(found, LEAST_ERROR) for name, found in errors.items() if math.isfinite(found[0])}


def _ratio(theirs: FloatArray, ours: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):
        return np.asarray(theirs / ours)

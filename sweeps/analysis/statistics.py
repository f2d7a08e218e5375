"""Bootstrap intervals for the numbers of a report, hypervolumes of fronts, slopes of errors.

Intervals are percentiles of a bootstrap in levels (Davison and Hinkley, Bootstrap Methods and their
Application, 1997, section 3.8): runs are drawn again with replacement from those of each configuration,
medians and the choice by validation are made anew, and functions are drawn again from the functions. Where
runs were done with several sets of samples, sets are drawn first, the same for all models of a function. The
random numbers come from the configuration, so that the same store gives the same intervals, and runs that two
sweeps have in common are drawn together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweeps.analysis.pareto import hypervolume
from sweeps.analysis.results import Interval, Point, Samples, TaskResult

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
#: Bootstrap replicates of an interval, and its confidence.
N_REPLICATES = 1000
CONFIDENCE = 0.95
#: Smaller errors are rounding, and are raised to this for log axes; chosen by judgement.
LEAST_ERROR = 1e-17
#: How many numbers are resampled at once.
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Resampled:
    """Test errors of the models that validation chooses at every size, with the runs as found and resampled.

    Parameters
    ----------
    sizes : ndarray, shape (n_sizes,)
        Ascending numbers of parameters.
    test : ndarray, shape (n_replicates, n_sizes)
        Test RMSE of the model with at most so many parameters that validation chooses; the first row is what
        was found. Infinite where there is no model. One row only if no configuration ran twice.
    """

    sizes: FloatArray
    test: FloatArray

    def at(self, limit: float) -> FloatArray:
        """Return the test RMSE of the best model with at most `limit` parameters, one a replicate."""
        last = int(np.searchsorted(self.sizes, limit, side="right")) - 1
        return self.test[:, last] if last >= 0 else np.full(self.test.shape[0], np.inf)


def resampled(points: Sequence[Point], samples: Samples, n_replicates: int = N_REPLICATES) -> Resampled:
    """Draw the runs of one family of a task again and choose anew.

    The stages of a run stay together; a configuration keeps its number of runs.

    Parameters
    ----------
    points : sequence of Point
        All points of the family.
    samples : Samples
        Their runs, in the same order.
    n_replicates : int
        Rows of the answer, the first of which is what was found.
    """
    order = np.array(sorted(range(len(points)), key=lambda i: points[i].n_params), dtype=np.intp)
    usable = np.where(np.isinf(samples.test), np.inf, samples.criterion)[order]
    inside = np.arange(usable.shape[1]) < samples.n_runs[order, np.newaxis]
    # A point that is not chosen with its best run against the worst runs of smaller models is never chosen.
    least = np.where(inside, samples.criterion[order], np.inf).min(axis=1)
    most = np.where(inside, usable, -np.inf).max(axis=1)
    order = order[least <= np.minimum.accumulate(most)]
    sizes = np.array([points[i].n_params for i in order], dtype=np.float64)
    n_runs = samples.n_runs[order]
    if not order.size or n_runs.max() == 1:
        n_replicates = 1
    data_seeds = samples.data_seed[order]
    draws, chain = _draws([points[i] for i in order], n_runs, data_seeds, n_replicates)
    test = np.empty((n_replicates, order.size))
    step = max(1, _CHUNK // max(1, order.size * usable.shape[1]))
    for start in range(0, n_replicates, step):
        rows = slice(start, start + step)
        criteria, errors = _medians(samples, order, n_runs, draws[rows][:, chain])
        test[rows] = _chosen(criteria, errors)
    return Resampled(sizes, test)


def _draws(
    points: Sequence[Point], n_runs: IntArray, data_seeds: IntArray, n_replicates: int
) -> tuple[NDArray[np.uint16], IntArray]:
    """Return which runs of every configuration are drawn, and the number of each point's configuration.

    The first draw is all runs as they are.
    """
    groups = [point.group_id for point in points]
    names = list(dict.fromkeys(groups))
    number = {name: i for i, name in enumerate(names)}
    chain = np.array([number[name] for name in groups], dtype=np.intp)
    draws = np.zeros((n_replicates, len(names), int(n_runs.max(initial=1))), dtype=np.uint16)
    n_of = dict(zip(groups, n_runs.tolist(), strict=True))
    for i, name in enumerate(names):
        n = n_of[name]
        draws[0, i, :n] = np.arange(n)
        if n > 1:
            rng = np.random.default_rng(list(name.encode()))
            # A run that did not reach one stage says at another what its samples were. Of one that reached
            # none (-1) they are not known: it is a set of its own where there are several.
            sets = data_seeds[chain == i, :n].max(axis=0)
            if np.unique(sets[sets >= 0]).size < 2:
                draws[1:, i, :n] = rng.integers(0, n, (n_replicates - 1, n), dtype=np.uint16)
            else:
                draws[1:, i, :n] = _in_two_levels(points[0].task, sets, rng, n_replicates - 1)
    return draws, chain


def _in_two_levels(task: str, sets: IntArray, rng: np.random.Generator, n_draws: int) -> IntArray:
    """Draw sets of samples with replacement, and as many runs as there are from the runs of those drawn.

    Which sets are drawn is the same for all configurations of a task: they were trained on the same ones.
    """
    order = np.argsort(sets, kind="stable")
    _, start, count = np.unique(sets[order], return_index=True, return_counts=True)
    n_sets, n = start.size, sets.size
    shared = np.random.default_rng(list(task.encode())).random((n_draws, n_sets))
    drawn = (shared * n_sets).astype(np.intp)[:, np.arange(n) * n_sets // n]
    within = (rng.random((n_draws, n)) * count[drawn]).astype(np.intp)
    return np.asarray(order[start[drawn] + within], dtype=np.intp)


def _medians(
    samples: Samples, order: IntArray, n_runs: IntArray, draws: NDArray[np.uint16]
) -> tuple[FloatArray, FloatArray]:
    """Return medians of criterion and test error over the drawn runs, one a draw and point."""
    size = draws.shape[0]
    criteria, errors = np.empty((size, order.size)), np.empty((size, order.size))
    for n in np.unique(n_runs):
        own = np.flatnonzero(n_runs == n)
        columns = draws[:, own, :n].astype(np.intp)
        points = order[own][np.newaxis, :, np.newaxis]
        criteria[:, own] = np.median(samples.criterion[points, columns], axis=2)
        errors[:, own] = np.median(samples.test[points, columns], axis=2)
    return np.where(np.isinf(errors), np.inf, criteria), errors


def _chosen(criteria: FloatArray, errors: FloatArray) -> FloatArray:
    """Return at every size the error of the least criterion so far; of equal ones the first counts."""
    if not criteria.shape[1]:
        return errors
    least = np.minimum.accumulate(criteria, axis=1)
    better = np.ones(criteria.shape, dtype=bool)
    better[:, 1:] = criteria[:, 1:] < least[:, :-1]
    best = np.maximum.accumulate(np.where(better, np.arange(criteria.shape[1]), 0), axis=1)
    return np.where(np.isinf(least), np.inf, np.take_along_axis(errors, best, axis=1))


def resampled_families(task: TaskResult) -> dict[str, Resampled]:
    """Return every family of a task with its runs drawn again."""
    found = {}
    for family, samples in task.samples.items():
        found[family] = resampled([p for p in task.points if p.family == family], samples)
    return found


def hypervolumes(task: TaskResult, families: Mapping[str, Resampled]) -> dict[str, FloatArray]:
    """Return the hypervolume of every family's front, one number a replicate.

    On log10 axes of parameters and test RMSE, to the corner of the largest model and the largest error on any
    front of the function; so a number is an area in decades times decades, and only the families of one
    function can be compared with each other. At every size the model counts that validation chooses.
    """
    shown = [point for front in task.fronts.values() for point in front]
    if not shown:
        return {}
    corner = (
        math.log10(max(point.n_params for point in shown)),
        math.log10(max(LEAST_ERROR, *(point.test.median for point in shown))),
    )
    return {
        family: hypervolume(
            np.log10(np.maximum(own.sizes, 1.0)), np.log10(np.maximum(own.test, LEAST_ERROR)), corner
        )
        for family, own in families.items()
    }


def ratio_at_equal_size(first: Resampled, second: Resampled) -> FloatArray:
    """Return by what factor the error of the first is smaller at equal numbers of parameters.

    The geometric mean of error of the second over error of the first, over all sizes between the larger of
    the two smallest models and the smaller of the two largest ones, every decade with the same weight; one
    number a replicate, NaN where one of them has no model.
    """
    ends = [own.sizes[np.isfinite(own.test[0])] for own in (first, second)]
    if not all(own.size for own in ends):
        return np.array([math.nan])
    low = max(own[0] for own in ends)
    high = max(low, min(own[-1] for own in ends))
    sizes = np.unique(np.concatenate([*ends, [low]]))
    sizes = sizes[(sizes >= low) & (sizes <= high)]
    weights = np.diff(np.log(np.maximum(sizes, 1.0)), append=math.log(max(high, 1.0)))
    if not weights.sum() > 0:
        weights = np.ones(sizes.size)
    ours, theirs = (np.stack([own.at(size) for size in sizes], axis=1) for own in (first, second))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.maximum(theirs, LEAST_ERROR) / np.maximum(ours, LEAST_ERROR))
        return np.asarray(np.exp(logs @ weights / weights.sum()))


def interval_over_tasks(
    replicates: Sequence[FloatArray],
    statistic: Callable[[FloatArray], FloatArray],
    n_replicates: int = N_REPLICATES,
) -> Interval:
    """Return a statistic over functions with the interval that drawing functions and runs again gives.

    Parameters
    ----------
    replicates : sequence of ndarray, each of shape (n,)
        One array a function; its first element is what was found.
    statistic : callable
        Maps values of shape (..., n_functions) to (...).

    Examples
    --------
    >>> interval_over_tasks([np.array([1.0]), np.array([1.0])], lambda values: values.mean(axis=-1))
    Interval(value=1.0, low=1.0, high=1.0)
    """
    if not replicates:
        return Interval()
    value = float(statistic(np.array([own[0] for own in replicates])))
    n = len(replicates)
    if n == 1 and replicates[0].size == 1:
        return Interval(value)
    rng = np.random.default_rng(n)
    which = rng.integers(0, n, (n_replicates, n))
    draw = rng.random((n_replicates, n))
    length = np.array([own.size for own in replicates])
    flat, start = np.concatenate(replicates), np.cumsum(length) - length
    values = statistic(flat[start[which] + (draw * length[which]).astype(np.intp)])
    return interval(value, values)


def interval(value: float, replicates: FloatArray) -> Interval:
    """Return a value with the percentiles of its replicates, of those that are finite."""
    finite = replicates[np.isfinite(replicates)]
    if finite.size < 2 or not math.isfinite(value):
        return Interval(value)
    low, high = np.quantile(finite, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value, float(low), float(high))


def geometric_mean(values: FloatArray) -> FloatArray:
    """Return geometric means over the last axis of what is positive and finite; NaN where nothing is."""
    usable = np.isfinite(values) & (values > 0)
    logs = np.log(np.where(usable, values, 1.0)).sum(axis=-1)
    n = usable.sum(axis=-1)
    return np.where(n > 0, np.exp(logs / np.maximum(n, 1)), np.nan)


def slope(points: Sequence[Point], x: Callable[[Point], float] = lambda p: p.n_params) -> Interval:
    """Return d log(test RMSE) / d log(x) along points, by least squares, with its Student t interval.

    An error that falls as x^-2 has the slope -2. The interval takes the points for independent; that of a
    line through two points, or through points of one x, is NaN.

    Examples
    --------
    >>> slope([])
    Interval(value=nan, low=nan, high=nan)
    """
    own = [point for point in points if point.test.median > 0 and x(point) > 0]
    u = np.log([x(point) for point in own])
    v = np.log([point.test.median for point in own])
    if len(own) < 2 or np.ptp(u) == 0:
        return Interval()
    du = u - u.mean()
    value = float(du @ v / (du @ du))
    if len(own) == 2:
        return Interval(value)
    from scipy.stats import t

    residual = v - v.mean() - value * du
    half = float(t.ppf((1 + CONFIDENCE) / 2, len(own) - 2)) * math.sqrt(
        float(residual @ residual) / (len(own) - 2) / float(du @ du)
    )
    return Interval(value, value - half, value + half)

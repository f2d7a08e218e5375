"""Comparison of LM and LBFGS: errors and times of models that differ in the optimizer only."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from sweeps.analysis.results import LBFGS, LM, Point, TaskResult


@dataclass(frozen=True)
class OptimizerComparison:
    """LM and LBFGS within one family; pairs are in this order.

    `n_models` counts every trained model. `n_pairs` configurations of `n_tasks` functions were trained with
    both and have finite errors. `ratio` is the test RMSE of LBFGS over that of LM, above 1 if LM is better:
    the median over functions of the median over pairs, NaN without pairs. `seconds` is the median time of a
    model, over the pairs, or over all models if there are none.
    """

    family: str
    n_models: tuple[int, int]
    n_pairs: int
    n_tasks: int
    ratio: float
    seconds: tuple[float, float]


def compare_optimizers(
    tasks: Sequence[TaskResult], n_models: Mapping[tuple[str, str], int]
) -> list[OptimizerComparison]:
    """Return a comparison of LM and LBFGS for every family, none unless the sweep has models of both.

    Parameters
    ----------
    tasks : sequence of TaskResult
    n_models : mapping of (str, str) to int
        How many models were trained, by family and the optimizer that was used.
    """
    if not {LM, LBFGS} <= {opt for (_, opt), n in n_models.items() if n}:
        return []
    families = dict.fromkeys(family for family, opt in sorted(n_models) if opt in (LM, LBFGS))
    return [_comparison(family, tasks, n_models) for family in families]


def _comparison(
    family: str, tasks: Sequence[TaskResult], n_models: Mapping[tuple[str, str], int]
) -> OptimizerComparison:
    own = [[point for point in task.points if point.family == family] for task in tasks]
    pairs = [found for points in own if (found := _pairs(points))]
    everything = [point for points in own for point in points]
    seconds = []
    for position, opt in enumerate((LM, LBFGS)):
        compared = [pair[position] for found in pairs for pair in found]
        seconds.append(_median(p.stage_s for p in compared or everything if p.opt == opt))
    return OptimizerComparison(
        family=family,
        n_models=(n_models.get((family, LM), 0), n_models.get((family, LBFGS), 0)),
        n_pairs=sum(map(len, pairs)),
        n_tasks=len(pairs),
        ratio=_median(median(_ratio(*pair) for pair in found) for found in pairs),
        seconds=(seconds[0], seconds[1]),
    )


def _pairs(points: Iterable[Point]) -> list[tuple[Point, Point]]:
    """Return (LM, LBFGS) of every configuration and stage that has both with a finite error."""
    found: dict[tuple[str, int], dict[str, Point]] = defaultdict(dict)
    # What was asked for by name comes before what "auto" came to.
    for point in sorted(points, key=lambda point: (point.opt != point.asked, point.group_id)):
        if math.isfinite(point.test.median):
            found[point.twin_id, point.stage].setdefault(point.opt, point)
    return [(both[LM], both[LBFGS]) for both in found.values() if LM in both and LBFGS in both]


def _ratio(lm: Point, lbfgs: Point) -> float:
    ours, theirs = lm.test.median, lbfgs.test.median
    if ours == theirs:
        return 1.0
    return theirs / ours if ours > 0 else math.inf


def _median(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return median(known) if known else math.nan

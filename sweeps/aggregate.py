"""From the store to what a report shows: medians over seeds, fronts, comparisons, counts."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from sweeps._collection import paused_collection
from sweeps._database import Columns
from sweeps._results import (
    KAN,
    MLP,
    Comparison,
    Failure,
    Hidden,
    Point,
    Score,
    SweepResult,
    TaskResult,
)
from sweeps.formulas import searches_by_task
from sweeps.pareto import best_within, front
from sweeps.points import TaskPoints, points_by_task
from sweeps.records import FORMULA
from sweeps.store import Store

Number = TypeVar("Number", int, float)


@paused_collection()
def aggregate(store: Store) -> SweepResult:
    """Sum the store up.

    Only runs of the plan count (all runs, if there is no plan): a directory may also hold runs of earlier
    specifications. Every stored stage counts, however its run ended; a seed whose run did not reach a stage
    counts there as infinitely bad, so that luck with the other seeds is not mistaken for quality.

    Parameters
    ----------
    store : Store
        Open for reading or writing; a sweep may be going on.

    Returns
    -------
    SweepResult
        Tasks in the order of the sweep.

    Examples
    --------
    >>> with Store.open("runs/special", readonly=True) as store:  # doctest: +SKIP
    ...     print(verdict(aggregate(store)))
    """
    with store.snapshot():
        everything, stages, plan = store.runs(), store.stages(), store.plan_tasks()
        descriptions, environments, meta = store.tasks(), store.environments(), store.meta()
        with_model, formulas = store.model_stages(), store.formulas()
    runs = _only(everything, {run_id for run_id, _ in plan}) if plan else everything
    recorded = set(runs["run_id"])
    searched = _of(runs, runs["family"] == FORMULA)
    trained = _of(runs, runs["family"] != FORMULA)
    searches = searches_by_task(searched, _only(stages, set(searched["run_id"])), formulas)
    stages = _only(stages, set(trained["run_id"]))
    missing = Counter(task for run_id, task in plan if run_id not in recorded)
    known = [*descriptions, *(task for _, task in plan), *sorted(set(runs["task"]))]
    found = points_by_task(trained, stages, with_model)
    tasks = []
    for task in dict.fromkeys(known):
        status = runs["status"][runs["task"] == task]
        if status.size or missing[task]:
            own = found.get(task, TaskPoints([], {}, Counter()))
            result = _task_result(task, descriptions.get(task, {}), own, status, missing[task])
            tasks.append(replace(result, search=searches.get(task)))
    order = {task.task: position for position, task in enumerate(tasks)}
    counts = {
        "planned": len(plan),
        "finished": len(recorded),
        "stages": len(stages["run_id"]),
        "missing": missing.total(),
        "unplanned": len(everything["run_id"]) - len(recorded),
    }
    used = set(runs["env_id"])
    n_by_optimizer = sum((own.n_models for own in found.values()), Counter())
    n_models: Counter[str] = Counter()
    for (family, _), n in n_by_optimizer.items():
        n_models[family] += n
    return SweepResult(
        meta=meta,
        counts=counts
        | dict.fromkeys(("ok", "failed", "timeout", "diverged"), 0)
        | Counter(runs["status"].tolist()),
        environments=[values for env_id, values in environments.items() if env_id in used],
        tasks=tasks,
        failures=sorted(_failures(runs), key=lambda f: (order[f.task], f.family, f.status, f.reason)),
        overall=_score([task.overall for task in tasks if task.overall is not None]),
        scores=_scores(tasks),
        compute_s=float(np.nansum(runs["wall_s"])),
        last_finished=max(runs["finished_at"], default=""),
        n_models=dict(sorted(n_models.items())),
        n_by_optimizer=dict(sorted(n_by_optimizer.items())),
    )


def _only(columns: Columns, run_ids: set[str]) -> Columns:
    return _of(columns, np.array([run_id in run_ids for run_id in columns["run_id"]], dtype=bool))


def _of(columns: Columns, kept: np.ndarray) -> Columns:
    return {name: column[kept] for name, column in columns.items()}


class _Family:
    """The points of one family of a task, and what they are chosen by."""

    def __init__(self, points: list[Point]) -> None:
        self._points = points
        self._n_params = np.array([p.n_params for p in points], dtype=np.float64)
        # A point whose test RMSE is not finite cannot be shown, nor chosen.
        self._criteria = np.array(
            [p.criterion if math.isfinite(p.test.median) else math.nan for p in points], dtype=np.float64
        )

    def front(self) -> list[Point]:
        """Return the points that no other dominates in size and median validation RMSE, by size."""
        return [self._points[i] for i in front(self._n_params, self._criteria)]

    def best(self, budget: float) -> Point | None:
        """Return the best point with at most `budget` parameters, if there is one."""
        index = best_within(self._n_params, self._criteria, budget)
        return None if index is None else self._points[index]


def _task_result(
    task: str, description: Mapping[str, Any], found: TaskPoints, status: np.ndarray, n_missing: int
) -> TaskResult:
    points = found.points
    by_family: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        by_family[point.family].append(point)
    families = {family: _Family(own) for family, own in by_family.items()}
    best = {name: family.best(math.inf) for name, family in families.items()}
    # The limits are the sizes of the MLPs themselves: round numbers would lie just below some sizes.
    limits: dict[Hidden, int] = {point.width[1:-1]: point.n_params for point in by_family.get(MLP, [])}
    compared = {hidden: _compare(families, limit) for hidden, limit in limits.items()}
    return TaskResult(
        task=task,
        description=description,
        selected_on=points[0].selected_on if points else "validation",
        points=points,
        fronts={name: family.front() for name, family in families.items()},
        best={name: chosen for name, chosen in best.items() if chosen is not None},
        overall=_compare(families, math.inf),
        budgets={hidden: comparison for hidden, comparison in compared.items() if comparison is not None},
        cloud=found.cloud,
        n_runs=int(status.size),
        n_not_ok=int(np.sum(status != "ok")),
        n_missing=n_missing,
        n_excluded=sum(not (math.isfinite(p.criterion) and math.isfinite(p.test.median)) for p in points),
    )


def _compare(families: Mapping[str, _Family], budget: float) -> Comparison | None:
    if KAN not in families or MLP not in families:
        return None
    kan, mlp = families[KAN].best(budget), families[MLP].best(budget)
    return None if kan is None or mlp is None else Comparison(budget, kan, mlp)


def _failures(runs: Columns) -> list[Failure]:
    bad = runs["status"] != "ok"
    names = ("task", "family", "status", "reason")
    counted = Counter(zip(*(runs[name][bad].tolist() for name in names), strict=True))
    return [Failure(task, family, status, reason, n) for (task, family, status, reason), n in counted.items()]


def _scores(tasks: Sequence[TaskResult]) -> list[Score]:
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
            scores.append(_score([comparison for comparison in compared if comparison is not None]))
        before = pairs
    return scores


def _score(comparisons: Sequence[Comparison]) -> Score:
    ratios = [comparison.ratio for comparison in comparisons]
    usable = [ratio for ratio in ratios if 0 < ratio < math.inf]
    return Score(
        budget=_ends([comparison.budget for comparison in comparisons] or [math.inf]),
        kan_sizes=_ends([comparison.kan.n_params for comparison in comparisons] or [0]),
        mlp_sizes=_ends([comparison.mlp.n_params for comparison in comparisons] or [0]),
        kan_wins=sum(ratio > 1 for ratio in ratios),
        mlp_wins=sum(ratio < 1 for ratio in ratios),
        ties=sum(ratio == 1 for ratio in ratios),
        mean_ratio=math.exp(sum(map(math.log, usable)) / len(usable)) if usable else math.nan,
    )


def _ends(values: Sequence[Number]) -> tuple[Number, Number]:
    return min(values), max(values)


def verdict(result: SweepResult) -> str:
    """Return one sentence that says which family won, by how much, and how often at equal parameters."""
    score = result.overall
    if score.n == 0:
        trained = [family.upper() + "s" for family in result.n_models] or ["no model"]
        return f"No comparison yet: this sweep has results of {' and '.join(trained)} only."
    winner, loser, wins = (KAN, MLP, score.kan_wins)
    factor = score.mean_ratio
    if factor < 1:
        winner, loser, wins, factor = MLP, KAN, score.mlp_wins, 1 / factor
    functions = "function" if score.n == 1 else "functions"
    sentence = (
        f"The best {winner.upper()} has the lower test error on {wins} of {score.n} {functions}; "
        f"in the geometric mean over them its error is {_times(factor)} smaller "
        f"than that of the best {loser.upper()}."
    )
    # The smallest models that most functions have, and, if the lead changes as they grow, where it does.
    usual = [score for score in result.scores if 2 * score.n >= result.overall.n]
    changed = [score for score in usual if _lead(score) * _lead(usual[0]) < 0]
    for score in [*usual[:1], *changed[:1]]:
        sentence += (
            f" With at most {limit_text(score)} parameters each, the KAN is ahead on {score.kan_wins} "
            f"and the MLP on {score.mlp_wins} of {score.n}."
        )
    return sentence


def _lead(score: Score) -> int:
    return score.kan_wins - score.mlp_wins


def limit_text(score: Score) -> str:
    """Return the limit of a score, as in "51", or "51 to 86" where it differs between functions."""
    low, high = score.budget
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def _times(factor: float) -> str:
    return f"{factor:.1f} times" if factor < 100 else f"{factor:.0f} times"

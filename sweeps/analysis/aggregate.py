"""Aggregates all runs of a store into the result that a report shows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sweeps._collection import paused_collection
from sweeps.analysis.formulas import searches_by_task
from sweeps.analysis.grouping import over_data_seeds, with_compared_families
from sweeps.analysis.leaders import budgets, leaders
from sweeps.analysis.pareto import best_within, front
from sweeps.analysis.points import TaskPoints, points_by_task
from sweeps.analysis.results import (
    KAN,
    MLP,
    Comparison,
    Compute,
    Failure,
    Hidden,
    Point,
    SweepResult,
    TaskResult,
)
from sweeps.analysis.scores import score_of, scores_by_size, standings
from sweeps.analysis.statistics import resampled_families
from sweeps.analysis.target_units import in_target_units
from sweeps.answer.stored import stored_answer
from sweeps.answer.stored_solutions import stored_solutions
from sweeps.families import SEARCHES
from sweeps.storage.database import Columns
from sweeps.storage.store import Store


@paused_collection()
def aggregate(store: Store, by_edges: bool | None = None, *, target_units: bool = True) -> SweepResult:
    """Return the aggregated results of the runs in a store.

    Only runs of the plan count (all runs, if there is no plan): a directory may also hold runs of earlier
    specifications. Runs that another version or kernel computed than the last one are counted and left out.
    Every other stored stage counts, however its run ended; a seed whose run did not reach a stage counts
    there as infinitely bad, so that luck with the other seeds is not mistaken for quality.

    Parameters
    ----------
    store : Store
        Open for reading or writing; a sweep may be going on.
    by_edges : bool, optional
        Count KANs by their edges; by default where they have others than B-splines.
    target_units : bool
        Give the errors of a table in the units of its target, otherwise in its standard deviations.

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
        with_model, formulas, stale = store.model_stages(), store.formulas(), store.stale_ids()
        quantities = store.quantities()
    if target_units:
        stages = in_target_units(everything, stages, descriptions)
    there = set(everything["run_id"])
    planned = {run_id for run_id, _ in plan} if plan else there
    runs, by_edges = with_compared_families(_only(everything, planned - stale), by_edges)
    runs = over_data_seeds(runs, descriptions)
    is_search = np.isin(runs["family"], SEARCHES)
    searched, trained = _of(runs, is_search), _of(runs, ~is_search)
    searches = searches_by_task(searched, _only(stages, set(searched["run_id"])), formulas)
    stages = _only(stages, set(trained["run_id"]))
    missing = Counter(task for run_id, task in plan if run_id not in there)
    known = [*descriptions, *(task for _, task in plan), *sorted(set(runs["task"]))]
    found = points_by_task(trained, stages, with_model)
    tasks = []
    for task in dict.fromkeys(known):
        status = runs["status"][runs["task"] == task]
        if status.size or missing[task]:
            own = found.get(task, TaskPoints([], {}, Counter(), {}))
            result = _task_result(task, descriptions.get(task, {}), own, status, missing[task])
            if not target_units:
                result = replace(result, description=_without_scale(result.description))
            spent = float(np.nansum(runs["wall_s"][runs["task"] == task]))
            tasks.append(replace(result, search=searches.get(task), compute_s=spent))
    families = {task.task: resampled_families(task) for task in tasks}
    limits = budgets(tasks) if by_edges else []
    order = {task.task: position for position, task in enumerate(tasks)}
    counts = {
        "planned": len(plan),
        "finished": len(runs["run_id"]),
        "stages": len(stages["run_id"]),
        "missing": missing.total(),
        "unplanned": len(there - planned),
        "stale": len(there & planned & stale),
        **dict.fromkeys(("ok", "failed", "timeout", "diverged"), 0),
        **Counter(runs["status"].tolist()),
    }
    runs_on = Counter(runs["env_id"])
    n_by_optimizer = sum((own.n_models for own in found.values()), Counter())
    return SweepResult(
        meta=meta,
        counts=counts,
        environments=[values for env_id, values in environments.items() if runs_on[env_id]],
        tasks=tasks,
        failures=sorted(_failures(runs), key=lambda f: (order[f.task], f.family, f.status, f.reason)),
        overall=score_of([task.overall for task in tasks if task.overall is not None], families),
        scores=scores_by_size(tasks, families),
        compute_s=float(np.nansum(runs["wall_s"])),
        last_finished=max(runs["finished_at"], default=""),
        n_models=_by_family(n_by_optimizer),
        n_by_optimizer=dict(sorted(n_by_optimizer.items())),
        standings=standings(tasks, families),
        compute=_compute(runs),
        runs_on=[runs_on[env_id] for env_id in environments if runs_on[env_id]],
        by_edges=by_edges,
        answer=stored_answer(meta, (planned & there) - stale),
        quantities=quantities,
        solutions=stored_solutions(meta, (planned & there) - stale),
        leaders=leaders(tasks, families, limits),
        task_leaders={task.task: leaders([task], families, limits) for task in tasks},
    )


def _without_scale(description: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in description.items() if key != "target_scale"}


def _by_family(n_by_optimizer: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """Return how many models every family has."""
    n_models: Counter[str] = Counter()
    for (family, _), n in n_by_optimizer.items():
        n_models[family] += n
    return dict(sorted(n_models.items()))


def _compute(runs: Columns) -> list[Compute]:
    """Return what every family cost."""
    spent = []
    for family in sorted(set(runs["family"])):
        own = _of(runs, runs["family"] == family)
        bad = own["status"] != "ok"
        spent.append(
            Compute(
                family=family,
                n_runs=int(bad.size),
                wall_s=float(np.nansum(own["wall_s"])),
                cpu_s=float(np.nansum(own["cpu_s"])),
                n_not_ok=int(bad.sum()),
                not_ok_s=float(np.nansum(own["wall_s"][bad])),
            )
        )
    return spent


def _only(columns: Columns, run_ids: set[str]) -> Columns:
    return _of(columns, np.array([run_id in run_ids for run_id in columns["run_id"]], dtype=bool))


def _of(columns: Columns, kept: np.ndarray) -> Columns:
    return {name: column[kept] for name, column in columns.items()}


class _Family:
    """The points of one family of a task, and what they are chosen by."""

    def __init__(self, points: list[Point]) -> None:
        self._points = points
        self._n_params = np.array([p.n_params for p in points], dtype=np.float64)
        self._time_s = np.array([p.time_s for p in points], dtype=np.float64)
        # A point whose test RMSE is not finite can be neither shown nor chosen.
        self._criteria = np.array(
            [p.criterion if math.isfinite(p.test.median) else math.nan for p in points], dtype=np.float64
        )

    def front(self) -> list[Point]:
        """Return the points that no other dominates in size and median validation RMSE, by size."""
        return [self._points[i] for i in front(self._n_params, self._criteria)]

    def time_front(self) -> list[Point]:
        """Return the points that no other dominates in seconds and median validation RMSE, by seconds."""
        return [self._points[i] for i in front(self._time_s, self._criteria)]

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
        time_fronts={name: family.time_front() for name, family in families.items()},
        samples=found.samples,
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

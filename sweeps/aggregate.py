"""From the store to what a report shows: medians over seeds, fronts, comparisons, counts."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from sweeps._results import KAN, MLP, Comparison, Failure, Point, Score, Spread, SweepResult, TaskResult
from sweeps.pareto import best_within, front
from sweeps.store import Columns, Store

BUDGETS = (30, 50, 100, 200, 500, 1000, 2000)


def aggregate(store: Store, budgets: Sequence[int] = BUDGETS) -> SweepResult:
    """Sum the store up.

    Parameters
    ----------
    store : Store
        Open for reading or writing; a sweep may be going on.
    budgets : sequence of int
        Numbers of parameters up to which families are compared.

    Returns
    -------
    SweepResult
        Tasks in the order of the sweep; only runs with status "ok" enter points and fronts.

    Examples
    --------
    >>> with Store.open("runs/special", readonly=True) as store:  # doctest: +SKIP
    ...     print(verdict(aggregate(store)))
    """
    runs, stages, plan = store.runs(), store.stages(), store.plan()
    descriptions = store.tasks()
    recorded = set(runs["run_id"])
    missing = Counter(task for run_id, task, _, _ in plan if run_id not in recorded)
    known = [*descriptions, *(row[1] for row in plan), *sorted(set(runs["task"]))]
    members = _stages_by_task(runs, stages, store.model_stages())
    tasks = []
    for task in dict.fromkeys(known):
        status = runs["status"][runs["task"] == task]
        if status.size or missing[task]:
            description = descriptions.get(task, {})
            tasks.append(
                _task_result(task, description, members.get(task, []), status, missing[task], budgets)
            )
    order = {task.task: position for position, task in enumerate(tasks)}
    return SweepResult(
        meta=store.meta(),
        counts=store.counts(),
        environments=list(store.environments().values()),
        tasks=tasks,
        failures=sorted(_failures(runs), key=lambda f: (order[f.task], f.family, f.status, f.reason)),
        overall=_score(math.inf, [task.overall for task in tasks]),
        scores=[_score(budget, [task.budgets.get(budget) for task in tasks]) for budget in budgets],
        compute_s=float(np.nansum(runs["wall_s"])),
        last_finished=max(runs["finished_at"], default=""),
        n_models=dict(sorted(Counter(_family_of(runs, stages["run_id"])).items())),
    )


@dataclass(frozen=True)
class _Member:
    """One stage of one run that ended well."""

    run_id: str
    group_id: str
    stage: int
    family: str
    grid: int | None
    n_params: int
    train: float
    val: float
    test: float
    wall_s: float
    config: str
    has_model: bool


def _stages_by_task(
    runs: Columns, stages: Columns, with_model: set[tuple[str, int]]
) -> dict[str, list[_Member]]:
    row_of = {run_id: row for row, run_id in enumerate(runs["run_id"])}
    ok = runs["status"] == "ok"
    lists = {name: column.tolist() for name, column in stages.items()}
    members: dict[str, list[_Member]] = defaultdict(list)
    for i, run_id in enumerate(lists["run_id"]):
        row = row_of[run_id]
        if ok[row]:
            member = _Member(
                run_id,
                runs["group_id"][row],
                lists["stage"][i],
                runs["family"][row],
                lists["grid"][i] or None,
                lists["n_params"][i],
                lists["train_rmse"][i],
                lists["val_rmse"][i],
                lists["test_rmse"][i],
                lists["wall_s"][i],
                runs["config"][row],
                (run_id, lists["stage"][i]) in with_model,
            )
            members[runs["task"][row]].append(member)
    return members


def _task_result(
    task: str,
    description: Mapping[str, Any],
    members: list[_Member],
    status: np.ndarray,
    n_missing: int,
    budgets: Sequence[int],
) -> TaskResult:
    validated = any(math.isfinite(member.val) for member in members)
    selected_on = "validation" if validated or not members else "test"
    groups: dict[tuple[str, int], list[_Member]] = defaultdict(list)
    for member in members:
        groups[member.group_id, member.stage].append(member)
    points = [_point(task, group, selected_on) for group in groups.values()]
    points.sort(key=lambda p: (p.family, p.n_params, p.criterion, p.group_id, p.stage))
    families = list(dict.fromkeys(point.family for point in points))
    fronts = {family: select_front([p for p in points if p.family == family]) for family in families}
    best = {family: chosen for family in families if (chosen := _best(points, family, math.inf)) is not None}
    compared = {budget: _compare(points, budget) for budget in budgets}
    return TaskResult(
        task=task,
        description=description,
        selected_on=selected_on,
        points=points,
        fronts=fronts,
        best=best,
        overall=_compare(points, math.inf),
        budgets={budget: comparison for budget, comparison in compared.items() if comparison is not None},
        cloud={family: _cloud(members, family) for family in families},
        n_runs=int(status.size),
        n_not_ok=int(np.sum(status != "ok")),
        n_missing=n_missing,
        n_excluded=sum(not (math.isfinite(p.criterion) and math.isfinite(p.test.median)) for p in points),
    )


def select_front(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other dominates in parameters and median validation RMSE, by parameters."""
    return [points[i] for i in front([p.n_params for p in points], _criteria(points))]


def _criteria(points: Iterable[Point]) -> list[float]:
    """What points are chosen by; a point whose test RMSE is not finite cannot be shown, nor chosen."""
    return [p.criterion if math.isfinite(p.test.median) else math.nan for p in points]


def _best(points: Sequence[Point], family: str, budget: float) -> Point | None:
    own = [point for point in points if point.family == family]
    if not own:
        return None
    index = best_within([p.n_params for p in own], _criteria(own), budget)
    return None if index is None else own[index]


def _compare(points: Sequence[Point], budget: float) -> Comparison | None:
    kan, mlp = _best(points, KAN, budget), _best(points, MLP, budget)
    return None if kan is None or mlp is None else Comparison(budget, kan, mlp)


def _point(task: str, members: list[_Member], selected_on: str) -> Point:
    first = members[0]
    config = json.loads(first.config)
    val = _spread([member.val for member in members])
    test = _spread([member.test for member in members])
    criterion = (val if selected_on == "validation" else test).median
    values = [member.val if selected_on == "validation" else member.test for member in members]
    # With an even number of seeds no run is the median one; the nearest stands for it.
    distance = [abs(value - criterion) if math.isfinite(value) else math.inf for value in values]
    typical = min(range(len(members)), key=lambda i: (distance[i], members[i].run_id))
    k = config.get("k")
    return Point(
        task=task,
        group_id=first.group_id,
        stage=first.stage,
        family=first.family,
        width=tuple(config.get("width", ())),
        grid=first.grid,
        k=None if k is None else int(k),
        activation=str(config.get("activation", "")),
        opt=str(config.get("opt", "")),
        n_params=round(median(member.n_params for member in members)),
        n_seeds=len(members),
        train=_spread([member.train for member in members]),
        val=val,
        test=test,
        time_s=median(member.wall_s for member in members),
        run_id=members[typical].run_id,
        has_model=members[typical].has_model,
        selected_on=selected_on,
    )


def _spread(values: Sequence[float]) -> Spread:
    if all(math.isnan(value) for value in values):
        return Spread(math.nan, math.nan, math.nan)
    # A seed without a number is a bad seed, not an absent one.
    bad_last = [math.inf if math.isnan(value) else value for value in values]
    return Spread(median(bad_last), min(bad_last), max(bad_last))


def _cloud(members: Sequence[_Member], family: str) -> tuple[np.ndarray, np.ndarray]:
    pairs = [(m.n_params, m.test) for m in members if m.family == family and math.isfinite(m.test)]
    array = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def _failures(runs: Columns) -> list[Failure]:
    bad = runs["status"] != "ok"
    names = ("task", "family", "status", "reason")
    counted = Counter(zip(*(runs[name][bad].tolist() for name in names), strict=True))
    return [Failure(task, family, status, reason, n) for (task, family, status, reason), n in counted.items()]


def _score(budget: float, comparisons: Sequence[Comparison | None]) -> Score:
    ratios = [comparison.ratio for comparison in comparisons if comparison is not None]
    usable = [ratio for ratio in ratios if 0 < ratio < math.inf]
    return Score(
        budget=budget,
        kan_wins=sum(ratio > 1 for ratio in ratios),
        mlp_wins=sum(ratio < 1 for ratio in ratios),
        ties=sum(ratio == 1 for ratio in ratios),
        mean_ratio=math.exp(sum(map(math.log, usable)) / len(usable)) if usable else math.nan,
    )


def _family_of(runs: Columns, run_ids: np.ndarray) -> list[str]:
    family = dict(zip(runs["run_id"], runs["family"], strict=True))
    return [family[run_id] for run_id in run_ids]


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
    n = sum(score.n for score in result.scores)
    if n:
        kan_wins = sum(score.kan_wins for score in result.scores)
        budgets = [score.budget for score in result.scores if score.n]
        sentence += (
            f" Held to equal parameter budgets ({budgets[0]:g} to {budgets[-1]:g}), "
            f"the KAN is ahead in {kan_wins} of {n} comparisons."
        )
    return sentence


def _times(factor: float) -> str:
    return f"{factor:.1f} times" if factor < 100 else f"{factor:.0f} times"

"""From the store to what a report shows: medians over seeds, fronts, comparisons, counts."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

import numpy as np

from sweeps._results import (
    KAN,
    MLP,
    Comparison,
    Failure,
    Hidden,
    Point,
    Score,
    Spread,
    SweepResult,
    TaskResult,
)
from sweeps.pareto import best_within, front
from sweeps.records import twin_id
from sweeps.store import Columns, Store
from sweeps.variants import options_text, varied_options

Config = tuple[str, int]
Number = TypeVar("Number", int, float)


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
        everything, stages, plan = store.runs(), store.stages(), store.plan()
        descriptions, environments, meta = store.tasks(), store.environments(), store.meta()
        with_model = store.model_stages()
    runs = _only(everything, {row[0] for row in plan}) if plan else everything
    recorded = set(runs["run_id"])
    stages = _only(stages, recorded)
    missing = Counter(task for run_id, task, _, _ in plan if run_id not in recorded)
    known = [*descriptions, *(row[1] for row in plan), *sorted(set(runs["task"]))]
    members = _stages_by_task(runs, stages, with_model)
    varied = varied_options(map(json.loads, set(runs["config"])))
    seeds = Counter(runs["group_id"].tolist())
    tasks = []
    for task in dict.fromkeys(known):
        status = runs["status"][runs["task"] == task]
        if status.size or missing[task]:
            own, description = members.get(task, []), descriptions.get(task, {})
            points = _points(task, own, seeds, varied)
            tasks.append(_task_result(task, description, own, points, status, missing[task]))
    order = {task.task: position for position, task in enumerate(tasks)}
    counts = {
        "planned": len(plan),
        "finished": len(recorded),
        "stages": len(stages["run_id"]),
        "missing": missing.total(),
        "unplanned": len(everything["run_id"]) - len(recorded),
    }
    used = set(runs["env_id"])
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
        n_models=dict(sorted(Counter(m.family for found in members.values() for m in found).items())),
        n_by_optimizer=dict(
            sorted(Counter((m.family, m.opt) for found in members.values() for m in found).items())
        ),
    )


def _only(columns: Columns, run_ids: set[str]) -> Columns:
    kept = np.array([run_id in run_ids for run_id in columns["run_id"]], dtype=bool)
    return {name: column[kept] for name, column in columns.items()}


@dataclass(frozen=True)
class _Member:
    """One stage of one run."""

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
    stage_s: float
    opt: str
    config: str
    has_model: bool


def _stages_by_task(
    runs: Columns, stages: Columns, with_model: set[tuple[str, int]]
) -> dict[str, list[_Member]]:
    row_of = {run_id: row for row, run_id in enumerate(runs["run_id"])}
    lists = {name: column.tolist() for name, column in stages.items()}
    members: dict[str, list[_Member]] = defaultdict(list)
    for i, run_id in enumerate(lists["run_id"]):
        row = row_of[run_id]
        follows = i > 0 and lists["run_id"][i - 1] == run_id
        before = lists["wall_s"][i - 1] if follows else 0.0
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
            lists["wall_s"][i] - before,
            lists["opt"][i] or str(json.loads(runs["config"][row]).get("opt", "")),
            runs["config"][row],
            (run_id, lists["stage"][i]) in with_model,
        )
        members[runs["task"][row]].append(member)
    return members


def _task_result(
    task: str,
    description: Mapping[str, Any],
    members: list[_Member],
    points: list[Point],
    status: np.ndarray,
    n_missing: int,
) -> TaskResult:
    families = list(dict.fromkeys(point.family for point in points))
    fronts = {family: select_front([p for p in points if p.family == family]) for family in families}
    best = {family: chosen for family in families if (chosen := _best(points, family, math.inf)) is not None}
    # The limits are the sizes of the MLPs themselves: round numbers would lie just below some sizes.
    limits: dict[Hidden, int] = {}
    for point in points:
        if point.family == MLP:
            limits[point.width[1:-1]] = point.n_params
    compared = {hidden: _compare(points, limit) for hidden, limit in limits.items()}
    return TaskResult(
        task=task,
        description=description,
        selected_on=points[0].selected_on if points else "validation",
        points=points,
        fronts=fronts,
        best=best,
        overall=_compare(points, math.inf),
        budgets={hidden: comparison for hidden, comparison in compared.items() if comparison is not None},
        cloud={family: _cloud(members, family) for family in families},
        n_runs=int(status.size),
        n_not_ok=int(np.sum(status != "ok")),
        n_missing=n_missing,
        n_excluded=sum(not (math.isfinite(p.criterion) and math.isfinite(p.test.median)) for p in points),
    )


def _points(
    task: str, members: list[_Member], seeds: Mapping[str, int], varied: Mapping[str, list[str]]
) -> list[Point]:
    validated = any(math.isfinite(member.val) for member in members)
    selected_on = "validation" if validated else "test"
    groups: dict[Config, list[_Member]] = defaultdict(list)
    for member in members:
        groups[member.group_id, member.stage].append(member)
    points = [
        _point(task, group, seeds[group[0].group_id], selected_on, varied.get(group[0].family, []))
        for group in groups.values()
    ]
    return sorted(points, key=lambda p: (p.family, p.n_params, p.criterion, p.group_id, p.stage))


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


def _point(task: str, members: list[_Member], n_runs: int, selected_on: str, varied: Sequence[str]) -> Point:
    first = members[0]
    config = json.loads(first.config)
    absent = n_runs - len(members)
    values = [_bad_last(m.val if selected_on == "validation" else m.test) for m in members]
    # Of an even number of runs none is the median one; the better of its two neighbours stands for it.
    by_value = sorted(range(len(members)), key=lambda i: (values[i], members[i].run_id))
    typical = members[by_value[min((n_runs - 1) // 2, len(members) - 1)]]
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
        opt="/".join(sorted({member.opt for member in members})),
        asked=str(config.get("opt", "")),
        options=options_text(config, varied),
        twin_id=twin_id(config),
        n_params=round(median(member.n_params for member in members)),
        n_seeds=sum(math.isfinite(value) for value in values),
        n_runs=n_runs,
        train=_spread([member.train for member in members], absent),
        val=_spread([member.val for member in members], absent),
        test=_spread([member.test for member in members], absent),
        time_s=median(member.wall_s for member in members),
        stage_s=median(member.stage_s for member in members),
        run_id=typical.run_id,
        has_model=typical.has_model,
        selected_on=selected_on,
    )


def _bad_last(value: float) -> float:
    """A seed without a number is a bad seed, not an absent one."""
    return math.inf if math.isnan(value) else value


def _spread(values: Sequence[float], absent: int) -> Spread:
    if all(math.isnan(value) for value in values):
        return Spread(math.nan, math.nan, math.nan)
    all_seeds = [*map(_bad_last, values), *[math.inf] * absent]
    return Spread(median(all_seeds), min(all_seeds), max(all_seeds))


def _cloud(members: Sequence[_Member], family: str) -> tuple[np.ndarray, np.ndarray]:
    pairs = [(m.n_params, m.test) for m in members if m.family == family and math.isfinite(m.test)]
    array = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


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

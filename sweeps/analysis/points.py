"""Points of a report: one configuration at one stage, with medians and ranges over seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweeps.analysis.results import Point, Samples, SeedRange
from sweeps.analysis.variants import options_text, varied_options
from sweeps.families.widths import width_of
from sweeps.records import read_json, twin_id
from sweeps.storage.database import Columns

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


@dataclass(frozen=True)
class TaskPoints:
    """The points of a task, sorted by family, size and selection criterion, and the stages behind them.

    `cloud` holds parameters and test RMSE of every stage with a finite test RMSE, by family; `n_models`
    counts stages by family and the optimizer that was used; `samples` are what the points are medians of.
    """

    points: list[Point]
    cloud: dict[str, tuple[FloatArray, FloatArray]]
    n_models: Counter[tuple[str, str]]
    samples: dict[str, Samples]


class _Configuration(NamedTuple):
    """What runs have in common that differ only in their seed; `n_runs` is their number."""

    group_id: str
    task: str
    family: str
    width: tuple[Any, ...]
    k: int | None
    activation: str
    asked: str
    options: str
    twin_id: str
    n_runs: int


def points_by_task(runs: Columns, stages: Columns, with_model: set[tuple[str, int]]) -> dict[str, TaskPoints]:
    """Return the points of every task that has a stage.

    Parameters
    ----------
    runs, stages : mapping of str to ndarray
        From `Store.runs`, with the "data_seed" of `sweeps.analysis.grouping`, and from `Store.stages`; every
        stage belongs to one of the runs.
    with_model : set of (str, int)
        Run id and number of the stages whose model is stored.
    """
    made, made_in_run = _configurations(runs)
    row_of = {run_id: row for row, run_id in enumerate(runs["run_id"])}
    run_rows = np.array([row_of[run_id] for run_id in stages["run_id"]], dtype=np.intp)
    table = dict(stages) | {"made": made_in_run[run_rows], "stage_s": _stage_seconds(stages)}
    table["data_seed"] = runs["data_seed"][run_rows]
    table["column"] = _ranks(made_in_run)[run_rows]
    has_model = map(with_model.__contains__, zip(stages["run_id"], stages["stage"].tolist(), strict=True))
    table["has_model"] = np.fromiter(has_model, dtype=bool, count=len(run_rows))
    rows_of: dict[str, list[int]] = {}
    for row, number in enumerate(table["made"].tolist()):
        rows_of.setdefault(made[number].task, []).append(row)
    return {
        task: _task_points({name: column[rows] for name, column in table.items()}, made)
        for task, rows in rows_of.items()
    }


def _configurations(runs: Columns) -> tuple[list[_Configuration], IntArray]:
    """Return all configurations, and for every run the index of its configuration."""
    names = ("group_id", "task", "family", "config")
    rows = {row[0]: row for row in zip(*(runs[name] for name in names), strict=True)}
    n_runs = Counter(runs["group_id"].tolist())
    configs = read_json(row[3] for row in rows.values())
    varied = varied_options(configs, (family for _, _, family, _ in rows.values()))
    made = [
        _configuration(group, task, family, config, n_runs[group], varied.get(family, ()))
        for (group, task, family, _), config in zip(rows.values(), configs, strict=True)
    ]
    number_of = {group: number for number, group in enumerate(rows)}
    return made, np.array([number_of[group] for group in runs["group_id"]], dtype=np.intp)


def _configuration(
    group: str, task: str, family: str, config: Mapping[str, Any], n_runs: int, varied: Sequence[str]
) -> _Configuration:
    k = config.get("k")
    return _Configuration(
        group_id=group,
        task=task,
        family=family,
        width=width_of(config),
        k=None if k is None else int(k),
        activation=str(config.get("activation", "")),
        asked=str(config.get("opt", "")),
        options=options_text(config, varied),
        twin_id=twin_id(config),
        n_runs=n_runs,
    )


def _stage_seconds(stages: Columns) -> FloatArray:
    """Return the time of every stage alone: stages store the seconds since their run began."""
    wall = stages["wall_s"]
    seconds = np.diff(wall, prepend=0.0)
    begins = np.ones(wall.size, dtype=bool)
    begins[1:] = stages["run_id"][1:] != stages["run_id"][:-1]
    seconds[begins] = wall[begins]
    return seconds


def _task_points(table: Columns, made: Sequence[_Configuration]) -> TaskPoints:
    number, stage = table["made"], table["stage"]
    _, first, group = np.unique(number * (stage.max() + 1) + stage, return_index=True, return_inverse=True)
    of_point = [made[i] for i in number[first]]
    seeds = _Seeds(group, np.array([configuration.n_runs for configuration in of_point]))
    validated = bool(np.isfinite(table["val_rmse"]).any())
    criterion = table["val_rmse"] if validated else table["test_rmse"]
    typical = seeds.typical(criterion)
    opts = [opt or made[i].asked for opt, i in zip(table["opt"], number.tolist(), strict=True)]
    # Column by column, for there may be very many points; the names are those of the fields of a point.
    columns = {name: [getattr(one, name) for one in of_point] for name in _Configuration._fields} | {
        "stage": stage[first].tolist(),
        "grid": [grid or None for grid in table["grid"][first].tolist()],
        "opt": ["/".join(sorted({opts[row] for row in rows})) for rows in seeds.rows()],
        "n_params": np.rint(seeds.median(table["n_params"])).astype(int).tolist(),
        "n_seeds": np.bincount(group, np.isfinite(criterion)).astype(int).tolist(),
        "train": seeds.seed_ranges(table["train_rmse"]),
        "val": seeds.seed_ranges(table["val_rmse"]),
        "test": seeds.seed_ranges(table["test_rmse"]),
        "time_s": seeds.median(table["wall_s"]).tolist(),
        "stage_s": seeds.median(table["stage_s"]).tolist(),
        "run_id": table["run_id"][typical].tolist(),
        "has_model": table["has_model"][typical].tolist(),
        "selected_on": ["validation" if validated else "test"] * len(of_point),
    }
    points = list(map(Point, *(columns[field.name] for field in fields(Point))))
    keys = [(p.family, p.n_params, p.criterion, p.group_id, p.stage) for p in points]
    order = sorted(range(len(points)), key=keys.__getitem__)
    family = np.array([made[i].family for i in number], dtype=object)
    return TaskPoints(
        points=[points[i] for i in order],
        cloud={name: _cloud(table, family == name) for name in sorted(set(family))},
        n_models=Counter(zip(family.tolist(), opts, strict=True)),
        samples=_samples(table, criterion, group, of_point, order),
    )


def _samples(
    table: Columns,
    criterion: FloatArray,
    group: IntArray,
    of_point: Sequence[_Configuration],
    order: Sequence[int],
) -> dict[str, Samples]:
    """Return every seed of every point, by family; a run has the same column at all of its stages."""
    n_runs = np.array([configuration.n_runs for configuration in of_point], dtype=np.intp)
    row = np.full((len(of_point), int(n_runs.max())), -1, dtype=np.intp)
    row[group, table["column"]] = np.arange(group.size)
    made = {}
    for family in sorted({configuration.family for configuration in of_point}):
        own = np.array([i for i in order if of_point[i].family == family], dtype=np.intp)
        rows = row[own]
        made[family] = Samples(
            criterion=_at(criterion, rows),
            test=_at(table["test_rmse"], rows),
            run_id=np.where(rows >= 0, table["run_id"][rows], ""),
            data_seed=np.where(rows >= 0, table["data_seed"][rows], -1),
            n_runs=n_runs[own],
        )
    return made


def _at(values: FloatArray, rows: IntArray) -> FloatArray:
    """Return values by their rows, infinite where there is none."""
    found = values[rows]
    return np.where((rows < 0) | np.isnan(found), np.inf, found)


def _ranks(group: IntArray) -> IntArray:
    """Return for every element how many of its group come before it."""
    order = np.argsort(group, kind="stable")
    start = np.searchsorted(group[order], group[order], side="left")
    ranks = np.empty(group.size, dtype=np.intp)
    ranks[order] = np.arange(group.size) - start
    return ranks


def _cloud(table: Columns, own: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    own = own & np.isfinite(table["test_rmse"])
    return table["n_params"][own].astype(np.float64), table["test_rmse"][own]


class _Seeds:
    """Rows in groups: a group is a point, its rows are the seeds that reached it, in the order of run ids.

    Parameters
    ----------
    group : ndarray of int, shape (n_rows,)
        The group of every row.
    n_runs : ndarray of int, shape (n_groups,)
        How many rows a group would have if every seed had reached it.
    """

    def __init__(self, group: IntArray, n_runs: IntArray) -> None:
        self._group, self._n_runs = group, n_runs
        self._count = np.bincount(group, minlength=n_runs.size)
        self._start = np.cumsum(self._count) - self._count

    def rows(self) -> list[list[int]]:
        """Return the rows of every group."""
        order = np.argsort(self._group, kind="stable").tolist()
        ends = zip(self._start.tolist(), self._count.tolist(), strict=True)
        return [order[start : start + count] for start, count in ends]

    def median(self, values: NDArray[Any]) -> FloatArray:
        """Return the median of every group over the rows that it has."""
        ranked = values[self._order(values)]
        return _middle(ranked[self._start + (self._count - 1) // 2], ranked[self._start + self._count // 2])

    def typical(self, values: FloatArray) -> IntArray:
        """Return the row of every group that is the median one if a NaN, or no row, is infinitely bad.

        Of an even number of runs none is the median one; the better of its two neighbours stands for it.
        """
        order = self._order(np.where(np.isnan(values), np.inf, values))
        return order[self._start + np.minimum((self._n_runs - 1) // 2, self._count - 1)]

    def seed_ranges(self, values: FloatArray) -> list[SeedRange]:
        """Return median, least and greatest of every group, NaN and missing rows as in `SeedRange`."""
        nan = np.isnan(values)
        known = np.where(nan, np.inf, values)
        ranked = known[self._order(known)]

        def at(rank: IntArray) -> FloatArray:
            there = ranked[self._start + np.minimum(rank, self._count - 1)]
            return np.where(rank < self._count, there, np.inf)

        last = self._n_runs - 1
        found = np.stack([_middle(at(last // 2), at(self._n_runs // 2)), at(0 * last), at(last)])
        found[:, np.bincount(self._group, nan, self._count.size) == self._count] = np.nan
        return [SeedRange(*three) for three in found.T.tolist()]

    def _order(self, values: NDArray[Any]) -> IntArray:
        """Return all rows, group after group, in each by value; equal ones keep their order."""
        return np.lexsort((values, self._group))


def _middle(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the mean of two numbers; of two equal numbers, which may be infinite, it is either."""
    with np.errstate(all="ignore"):
        return np.where(low == high, low, (low + high) / 2)

"""The trainer of `kan-sweep auto`: trains the models of a search as runs of a sweep in a store."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sweeps.auto.answer import model_name
from sweeps.auto.search import BudgetOver, Fitted, TrainedConfiguration
from sweeps.backends import worker_count
from sweeps.backends.persistent_pool import PersistentPool
from sweeps.errors import UserError
from sweeps.records import canonical_json, group_id, text_id
from sweeps.run_one import RunOptions, current_code, squared_errors, tiny_configs, warm_up
from sweeps.runner import RunnerOptions, SweepEnd, run_plan
from sweeps.spec.expansion import expand
from sweeps.spec.plan import Plan
from sweeps.spec.run_config import RunConfig
from sweeps.spec.sweep_spec import ModelTable, SweepSpec, TaskInfo
from sweeps.spec.tasks import load_call, load_dataset, plan_of
from sweeps.storage.store import Store

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Say = Callable[[str], None]

#: Largest difference of a number after it was scaled and scaled back, as a fraction of the largest of its
#: column.
_ROUNDING = 1e-10


class StoreTrainer:
    """Trains what a search asks for, as runs of a sweep in a store; what is stored is not trained again.

    A context that ends its workers. Runs have worker processes even where there is one at a time, so that a
    run which takes its process with it is a failed row and not the end of the search.

    Parameters
    ----------
    store : Store
        Open for writing.
    spec, infos : SweepSpec, mapping
        What is to be learnt.
    options : RunOptions
        Where the tables are.
    runner_options : RunnerOptions
        How many processes.
    budget : float
        Seconds from when the kernels are compiled and a worker is ready.
    say : callable
        Takes lines for the eyes.
    """

    def __init__(
        self,
        store: Store,
        spec: SweepSpec,
        infos: Mapping[str, TaskInfo],
        options: RunOptions,
        runner_options: RunnerOptions,
        budget: float,
        say: Say,
    ) -> None:
        self._store, self._spec, self._infos = store, spec, infos
        self._options, self._runner_options = options, runner_options
        self._kinds: tuple[ModelTable, ...] = ()
        self._pool: PersistentPool | None = None
        self._say, self._budget = say, budget
        self._plan: dict[str, RunConfig] = {}
        self._tables: list[ModelTable] = []
        self._plan_of = text_id(canonical_json(["auto", plan_of(spec, infos)]))
        self._errors: dict[tuple[str, int, str], FloatArray] = {}
        self._rows: dict[tuple[str, tuple[int, ...]], IntArray] = {}
        # The time of a search is kept under what its runs follow from, for a store may see several searches.
        self._time_key = "searched_s " + text_id(canonical_json([self._plan_of, current_code()]))
        kept = store.meta().get(self._time_key)
        self._start, self._before = time.monotonic(), float(kept or 0.0)
        self._adds_up, self._counted = kept is None, set[str]()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.close()

    def expect(self, tables: Sequence[ModelTable]) -> None:
        """Take note of the kinds of models that may be asked for, to compile them before the first."""
        self._kinds = tuple(tables)

    def spent(self) -> float:
        """Return the seconds that this search has taken, earlier attempts with the same runs included."""
        return time.monotonic() - self._start + self._before

    def train(self, table: ModelTable, seeds: Sequence[int]) -> list[TrainedConfiguration]:
        """Return all stages of a table that every seed has; see `sweeps.auto.search.Trainer`."""
        runs = expand(replace(self._spec, models=(table,), seeds=tuple(seeds)), self._infos)
        self._enter(table, runs)
        todo = self._missing(runs)
        if todo:
            if self.spent() < self._budget:
                self._run(todo)
            elif not self._were_cut_short(todo):
                raise BudgetOver
        records = [self._store.run(run.run_id) for run in runs]
        found = _candidates(records)
        if todo and not found and self.spent() >= self._budget:
            raise BudgetOver
        if found:
            best = min(found, key=lambda candidate: candidate.val)
            self._say(f"{model_name(best)}: validation RMSE {best.val:.3g}, {best.n_params} parameters")
        for text in dict.fromkeys(map(_failure_text, filter(_is_failed, records))):
            self._say(text)
        return found

    def squared_errors(self, candidate: TrainedConfiguration, part: str) -> FloatArray:
        """Return the squared errors of the best model of every fold; see `sweeps.auto.search.Trainer`.

        A row that validates in several folds counts once, with its mean: its errors are not independent.
        """
        fitted = candidate.best_of_folds
        errors = np.concatenate([self._errors_of(one, candidate.stage, part) for one in fitted])
        if part != "val" or len(fitted) == 1:
            return errors
        rows = self._rows_of(fitted, part)
        return np.asarray(np.bincount(rows, errors) / np.bincount(rows))

    def label_scale(self) -> float | None:
        """Return what turns errors into the units of the target, None if it is more than one number."""
        config = next(iter(self._plan.values())).config
        scaler = load_dataset(config, self._options.csv_path, self._options.test_path)["scaler"]
        return float(scaler.label_scale[0]) if scaler.label_scale.size == 1 else None

    def rows_call(self, fitted: Fitted) -> str:
        """Return the call of `kan_np.load_csv` that gives the rows of a model in the units of the table."""
        return load_call(self._plan[fitted.run_id].config, self._options.csv_path, self._options.test_path)

    def _errors_of(self, fitted: Fitted, stage: int, part: str) -> FloatArray:
        key = (fitted.run_id, stage, part)
        if key not in self._errors:
            config = self._plan[fitted.run_id].config
            model = self._store.model(fitted.run_id, stage)
            self._errors[key] = squared_errors(model, config, self._options, part)
        return self._errors[key]

    def _rows_of(self, fitted: Sequence[Fitted], part: str) -> IntArray:
        """Return a number for every sample of a part of these folds, the same where it is the same row.

        Rows are told apart by what the table says; every fold is scaled by its own training rows.
        """
        key = (part, tuple(one.fold for one in fitted))
        if key not in self._rows:
            configs = [self._plan[one.run_id].config for one in fitted]
            tables = [
                unscaled(load_dataset(config, self._options.csv_path, self._options.test_path), part)
                for config in configs
            ]
            self._rows[key] = same_rows(np.concatenate(tables))
        return self._rows[key]

    def _enter(self, table: ModelTable, runs: Sequence[RunConfig]) -> None:
        """Put runs into the plan of the store, so that it tells what was asked for at any time."""
        if all(run.run_id in self._plan for run in runs):
            return
        self._plan |= {run.run_id: run for run in runs}
        rows = [(run.run_id, run.task, run.family, run.config) for run in self._plan.values()]
        self._store.set_plan(rows, self._plan_of)
        if table not in self._tables:
            self._tables.append(table)
            spec = replace(self._spec, models=tuple(self._tables))
            self._store.set_meta(spec=canonical_json(spec.to_dict()))

    def _missing(self, runs: Sequence[RunConfig]) -> list[RunConfig]:
        """Return the runs to do: those cut short by an earlier budget, or made by other code, once more.

        The time that the others took earlier is part of this budget. Where the store does not say how long
        the search took, it is their sum, which is too much for runs beside each other.
        """
        statuses, stale = self._store.statuses(), self._store.stale_ids(current_code())
        missing = [
            run for run in runs if statuses.get(run.run_id, "timeout") == "timeout" or run.run_id in stale
        ]
        if self._adds_up:
            ours = {run.run_id for run in runs} - self._counted
            for run_id in ours - {run.run_id for run in missing}:
                self._before += float(self._store.run(run_id)["wall_s"])
            self._counted |= ours
        return missing

    def _were_cut_short(self, todo: Sequence[RunConfig]) -> bool:
        """Say whether this code has begun all these runs before; what they have then is all there is."""
        statuses, stale = self._store.statuses(), self._store.stale_ids(current_code())
        return all(run.run_id in statuses and run.run_id not in stale for run in todo)

    def _prepare(self) -> PersistentPool:
        """Compile what will be needed, and return the workers, of which one is ready."""
        start = time.monotonic()
        self._say("compiling kernels once, or loading them from the cache ...")
        kinds = [run.config for run in expand(replace(self._spec, models=self._kinds), self._infos)]
        warm_up(kinds)
        self._pool = PersistentPool(worker_count(self._runner_options.jobs), tiny_configs(kinds))
        self._pool.start()
        seconds = time.monotonic() - start
        self._start += seconds
        return self._pool

    def _run(self, todo: Sequence[RunConfig]) -> None:
        """Carry out runs, which end with the budget; those that are not begun by then time out."""
        plan = Plan(planned=len(self._plan), todo=tuple(todo), recorded=self._store.n_recorded(), failed=0)
        pool = self._pool or self._prepare()
        options = replace(self._options, deadline=self._start + self._budget - self._before)
        outcome = run_plan(self._store, plan, options, self._runner_options, lambda line: None, backend=pool)
        if outcome.end not in (SweepEnd.FINISHED, SweepEnd.INTERRUPTED):
            raise UserError(f"{outcome.end.value}: {outcome.message}. The same command again goes on.")
        self._store.set_meta(**{self._time_key: repr(self.spent())})
        if outcome.end is SweepEnd.INTERRUPTED:
            raise KeyboardInterrupt


def unscaled(dataset: Mapping[str, Any], part: str) -> FloatArray:
    """Return inputs and labels of a part as the table has them, up to rounding, shape (n, n_in + n_out)."""
    x, y, scaler = dataset[f"{part}_input"], dataset[f"{part}_label"], dataset.get("scaler")
    if scaler is not None:
        x, y = x * scaler.input_scale + scaler.input_shift, scaler.unscale_label(y)
    return np.concatenate([x, y], axis=1)


def same_rows(table: FloatArray) -> IntArray:
    """Return a number for every row, from 0; rows that differ by rounding alone have the same.

    Examples
    --------
    >>> same_rows(np.array([[0.3, 5.0], [0.1, 5.0], [0.1 + 0.2, 5.0]])).tolist()
    [1, 0, 1]
    """
    unit = np.maximum(np.abs(table).max(axis=0), np.finfo(float).tiny) * _ROUNDING
    _, numbers = np.unique(np.round(table / unit), axis=0, return_inverse=True)
    return numbers.ravel()


def _candidates(records: Sequence[Mapping[str, Any]]) -> list[TrainedConfiguration]:
    """Return every stage that all records have with finite errors; records of one configuration."""
    by_stage: dict[int, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    for record in records:
        for stage in filter(_is_finite, record["stages"]):
            by_stage.setdefault(stage["stage"], []).append((record, stage))
    return [_candidate(number, rows) for number, rows in by_stage.items() if len(rows) == len(records)]


def _is_failed(record: Mapping[str, Any]) -> bool:
    return bool(record["status"] != "ok")


def _failure_text(record: Mapping[str, Any]) -> str:
    shape = ",".join(map(str, record["config"]["width"]))
    return f"{record['family']} [{shape}]: {record['status']}, {record['reason']}"


def _is_finite(stage: Mapping[str, Any]) -> bool:
    errors = (stage[f"{part}_rmse"] for part in ("train", "val", "test"))
    return stage["status"] != "non-finite" and all(map(math.isfinite, errors))


def _candidate(
    number: int, rows: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> TrainedConfiguration:
    record, stage = rows[0]
    config = record["config"]
    return TrainedConfiguration(
        group_id=group_id(config),
        family=record["family"],
        width=tuple(config["width"]),
        grid=stage["grid"],
        stage=number,
        n_params=stage["n_params"],
        runs=tuple(
            Fitted(
                run_id=record["run_id"],
                seed=record["config"]["seed"],
                fold=record["config"].get("fold", 0),
                train=stage["train_rmse"],
                val=stage["val_rmse"],
                test=stage["test_rmse"],
            )
            for record, stage in rows
        ),
    )

"""The trainer of `kan-sweep auto`: trains the models of a search as runs of a sweep in a store."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sweeps.answer.candidates import TrainedConfiguration, candidates_of_one
from sweeps.answer.stored_models import StoredModels
from sweeps.auto.answer import unit_of_errors
from sweeps.auto.search import BudgetOver
from sweeps.backends import worker_count
from sweeps.backends.persistent_pool import PersistentPool
from sweeps.errors import UserError
from sweeps.records import canonical_json, text_id
from sweeps.run_one import RunOptions, current_code, tiny_configs, warm_up
from sweeps.runner import RunnerOptions, SweepEnd, run_plan
from sweeps.spec.expansion import expand
from sweeps.spec.plan import Plan
from sweeps.spec.run_config import RunConfig
from sweeps.spec.sweep_spec import ModelTable, SweepSpec, TaskInfo
from sweeps.spec.tasks import plan_of
from sweeps.storage.store import Store

FloatArray = NDArray[np.float64]
Say = Callable[[str], None]


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
        (info,) = infos.values()
        self._unit = unit_of_errors(info)
        self._plan: dict[str, RunConfig] = {}
        self._tables: list[ModelTable] = []
        self._plan_of = text_id(canonical_json(["auto", plan_of(spec, infos)]))
        self._models = StoredModels(store, options)
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
        found = candidates_of_one(records)
        if todo and not found and self.spent() >= self._budget:
            raise BudgetOver
        if found:
            best = min(found, key=lambda candidate: candidate.val)
            error = f"validation {self._unit.error} {self._unit.text(best.val)}"
            self._say(f"{self._unit.name(best)}: {error}, {best.n_params} parameters")
        for text in dict.fromkeys(map(_failure_text, filter(_is_failed, records))):
            self._say(text)
        return found

    def losses(self, candidate: TrainedConfiguration, part: str) -> FloatArray:
        """Return the losses of the best model of every fold; see `sweeps.auto.search.Trainer`."""
        return self._models.losses(candidate, part)

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


def _is_failed(record: Mapping[str, Any]) -> bool:
    return bool(record["status"] != "ok")


def _failure_text(record: Mapping[str, Any]) -> str:
    shape = ",".join(map(str, record["config"]["width"]))
    return f"{record['family']} [{shape}]: {record['status']}, {record['reason']}"

"""`kan-sweep auto`: the smallest good model of a table, within a budget of time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.auto_answer import Answer, model_name, write_answer
from sweeps.auto_search import TOLERANCE, BudgetOver, Candidate, Fitted, Search
from sweeps.environment import code_of
from sweeps.errors import UserError
from sweeps.interrupts import EXIT_INTERRUPTED
from sweeps.own_data import TableOptions
from sweeps.plan import Plan
from sweeps.records import canonical_json, group_id, text_id
from sweeps.run_one import RunOptions, current_environment, squared_errors
from sweeps.runner import RunnerOptions, SweepEnd, run_plan
from sweeps.space import ModelTable, RunConfig, SweepSpec, TaskInfo, expand
from sweeps.spec_reader import parse_spec
from sweeps.store import DATABASE_NAME, Store
from sweeps.tasks import describe, descriptions, load_dataset, plan_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Say = Callable[[str], None]

#: Runs that are launched have together what is left of the budget, and at least so many seconds.
_LEAST_LIMIT_S = 1.0
#: What the same number may differ by after two scalings and back, as a part of the largest of its column.
_ROUNDING = 1e-10


@dataclass(frozen=True)
class AutoRequest:
    """What the command line asks of `auto`.

    `budget` is in seconds, `seeds` how many the answer rests on; for `tolerance` see
    `sweeps.auto_search.Search`.
    """

    source: str
    target: str
    features: tuple[str, ...] = ()
    table: TableOptions = field(default_factory=TableOptions)
    budget: float = 600.0
    tolerance: float = TOLERANCE
    seeds: int = 3
    out: Path | None = None
    report: bool = True

    @property
    def directory(self) -> Path:
        """Where the results go."""
        return self.out or Path("runs") / f"{Path(self.source).stem}-auto"


def find_model(request: AutoRequest, runner_options: RunnerOptions, command: str, say: Say, show: Say) -> int:
    """Search, write the answer beside the runs, show it, and return the exit code.

    The same command again goes on where it was, with what is left of its budget.

    Parameters
    ----------
    request : AutoRequest
        The table and the budget.
    runner_options : RunnerOptions
        How runs are carried out.
    command : str
        What was typed, for the store.
    say, show : callable
        Take lines for the eyes, and lines of the answer.

    Raises
    ------
    UserError
        If the table cannot be used, or the budget is not enough for one model.
    """
    spec = _spec(request)
    infos = describe(spec)
    (info,) = infos.values()
    if "n_val" not in info.description:
        raise UserError(f"{request.source} has no validation samples; expected some, to choose the model by.")
    csv_path, test_path = spec.table_paths
    _check_directory(request)
    try:
        with Store.create(request.directory, spec.to_dict(), command, csv_path) as store:
            store.set_tasks(descriptions(spec, infos))
            options = RunOptions(None, "all", csv_path, test_path)
            trainer = _Trainer(store, spec, infos, options, runner_options, request.budget, say)
            n_train = info.description["n_train"]
            search = Search(trainer, info.n_in, info.n_out, n_train, spec.seeds, request.tolerance)
            try:
                finding = search.run()
            except BudgetOver:
                raise UserError(
                    f"--budget {request.budget:g} s was over before the first model was trained; expected "
                    "more. The same command with a larger budget goes on."
                ) from None
            columns = tuple(info.description["variables"])
            answer = Answer(finding, trainer.label_scale(), columns, request.directory, trainer.spent())
            lines = write_answer(answer, trainer, store)
    except KeyboardInterrupt:
        say(f"interrupted; what was complete is stored.\ncontinue with: {command}")
        return EXIT_INTERRUPTED
    for line in lines:
        show(line)
    if request.report:
        from sweeps.report import write_report

        show(f"all models that were trained: {write_report(request.directory)}")
    return 0


def _check_directory(request: AutoRequest) -> None:
    """Raise UserError if the directory has an answer to another question, which this one would replace."""
    if not (request.directory / DATABASE_NAME).is_file():
        return
    with Store.open(request.directory, readonly=True, look_through=False) as store:
        held = store.meta()["spec"]
    if "target" not in held and "suite" not in held:
        return
    asked = f"{request.target} of {Path(request.source).name}"
    found = f"{held['target']} of {Path(held['csv']).name}" if "target" in held else f"suite {held['suite']}"
    if found != asked:
        raise UserError(
            f"{request.directory} holds {found}, and this is {asked}: what is there would be replaced. Give "
            "this search a directory of its own with --out."
        )


def _spec(request: AutoRequest) -> SweepSpec:
    if request.seeds < 1:
        raise UserError(f"--seeds is {request.seeds}; expected how many seeds, an integer >= 1.")
    if not 0.0 <= request.tolerance < 1.0:
        raise UserError(
            f"--tolerance is {request.tolerance:g}; expected an RMSE in standard deviations of the target, "
            "from 0 (no such end) to 1."
        )
    path = Path(request.source)
    values: dict[str, Any] = {"csv": str(path), "target": request.target}
    values |= {"features": list(request.features)} if request.features else {}
    values |= request.table.values([], {})
    values |= {"title": f"{request.target} of {path.name}, the smallest good model"}
    values |= {"seeds": request.seeds, "models": [{"family": "linear"}, {"family": "additive"}]}
    return parse_spec(values, request.source, default_title=path.stem)


class _Trainer:
    """Trains what a search asks for, as runs of a sweep in a store; what is stored is not trained again."""

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
        self._say, self._budget = say, budget
        self._plan: dict[str, RunConfig] = {}
        self._tables: list[ModelTable] = []
        self._plan_of = text_id(canonical_json(["auto", plan_of(spec, infos)]))
        self._errors: dict[tuple[str, int, str], FloatArray] = {}
        self._rows: dict[tuple[str, tuple[int, ...]], IntArray] = {}
        self._start, self._before = time.perf_counter(), 0.0
        self._counted: set[str] = set()

    def spent(self) -> float:
        """Return the seconds that this search has taken, earlier attempts with the same runs included."""
        return time.perf_counter() - self._start + self._before

    def train(self, table: ModelTable, seeds: Sequence[int]) -> list[Candidate]:
        """Return all stages of a table that every seed has; see `sweeps.auto_search.Trainer`."""
        runs = expand(replace(self._spec, models=(table,), seeds=tuple(seeds)), self._infos)
        self._enter(table, runs)
        todo = self._missing(runs)
        if todo:
            left = self._budget - self.spent()
            if left <= 0.0:
                raise BudgetOver
            self._run(todo, max(left, _LEAST_LIMIT_S))
        found = _candidates([self._store.run(run.run_id) for run in runs])
        if todo and not found and self.spent() >= self._budget:
            raise BudgetOver
        if found:
            best = min(found, key=lambda candidate: candidate.val)
            self._say(f"{model_name(best)}: validation RMSE {best.val:.3g}, {best.n_params} parameters")
        return found

    def squared_errors(self, candidate: Candidate, part: str) -> FloatArray:
        """Return the squared errors of the best model of every fold; see `sweeps.auto_search.Trainer`.

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

        The time that the others took earlier is part of this budget.
        """
        statuses, stale = self._store.statuses(), self._store.stale_ids(code_of(current_environment()))
        missing = [
            run for run in runs if statuses.get(run.run_id, "timeout") == "timeout" or run.run_id in stale
        ]
        ours = {run.run_id for run in runs} - self._counted
        for run_id in ours - {run.run_id for run in missing}:
            self._before += float(self._store.run(run_id)["wall_s"])
        self._counted |= ours
        return missing

    def _run(self, todo: Sequence[RunConfig], seconds: float) -> None:
        """Carry out runs, which have so many seconds together; those that are not begun by then time out."""
        plan = Plan(planned=len(self._plan), todo=tuple(todo), recorded=self._store.n_recorded(), failed=0)
        options = replace(self._options, timeout=seconds, deadline=time.monotonic() + seconds)
        outcome = run_plan(self._store, plan, options, self._runner_options, lambda line: None)
        if outcome.end is SweepEnd.INTERRUPTED:
            raise KeyboardInterrupt
        if outcome.end is not SweepEnd.FINISHED:
            raise UserError(f"{outcome.end.value}: {outcome.message}. The same command again goes on.")


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


def _candidates(records: Sequence[Mapping[str, Any]]) -> list[Candidate]:
    """Return every stage that all records have with finite errors; records of one configuration."""
    by_stage: dict[int, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    for record in records:
        for stage in filter(_is_finite, record["stages"]):
            by_stage.setdefault(stage["stage"], []).append((record, stage))
    return [_candidate(number, rows) for number, rows in by_stage.items() if len(rows) == len(records)]


def _is_finite(stage: Mapping[str, Any]) -> bool:
    errors = (stage[f"{part}_rmse"] for part in ("train", "val", "test"))
    return stage["status"] != "non-finite" and all(map(math.isfinite, errors))


def _candidate(number: int, rows: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Candidate:
    record, stage = rows[0]
    config = record["config"]
    return Candidate(
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

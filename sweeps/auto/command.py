"""`kan-sweep auto`: the smallest good model of a table, within a budget of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweeps import paths
from sweeps.answer.evidence import Question
from sweeps.auto.answer import Answer, unit_of_errors, write_answer
from sweeps.auto.search import TOLERANCE, BudgetOver, Search
from sweeps.auto.trainer import StoreTrainer
from sweeps.errors import UserError
from sweeps.interrupts import EXIT_INTERRUPTED
from sweeps.run_one import RunOptions
from sweeps.runner import RunnerOptions
from sweeps.spec.data_summary import summary_lines
from sweeps.spec.data_warnings import notes_of
from sweeps.spec.model_tables import baseline_tables
from sweeps.spec.spec_reader import parse_spec
from sweeps.spec.sweep_spec import SweepSpec, TaskInfo
from sweeps.spec.table_options import TableOptions, worded_as_options
from sweeps.spec.tasks import describe, descriptions
from sweeps.storage.store import DATABASE_NAME, Store

Say = Callable[[str], None]

#: Least number of validation rows, and of test rows: a standard deviation of errors needs two.
_LEAST_ROWS = 2


@dataclass(frozen=True)
class AutoRequest:
    """What the command line asks of `auto`.

    `budget` is in seconds, `seeds` how many the answer rests on; for `tolerance` see
    `sweeps.auto.search.Search`.
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
        return self.out or Path("runs") / f"{paths.stem(self.source)}-auto"


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
    with worded_as_options():
        infos = describe(spec)
    (info,) = infos.values()
    _check_rows(info, request.source)
    csv_path, test_path = spec.table_paths
    _check_directory(request, info)
    try:
        with Store.create(request.directory, spec.to_dict(), command, csv_path) as store:
            store.set_tasks(descriptions(spec, infos))
            options = RunOptions(None, "all", csv_path, test_path)
            for line in (*summary_lines(infos), *notes_of(infos)):
                say(line)
            with StoreTrainer(store, spec, infos, options, runner_options, request.budget, say) as trainer:
                lines = _search(request, spec, info, trainer, store, options)
    except KeyboardInterrupt:
        say(f"interrupted; what was complete is stored.\ncontinue with: {command}")
        return EXIT_INTERRUPTED
    for line in lines:
        show(line)
    if request.report:
        from sweeps.page.report import write_report

        show(f"all models that were trained: {write_report(request.directory, progress=True)}")
    return 0


def _search(
    request: AutoRequest,
    spec: SweepSpec,
    info: TaskInfo,
    trainer: StoreTrainer,
    store: Store,
    options: RunOptions,
) -> list[str]:
    """Search, write the answer and return it as lines."""
    of_classes = "class_names" in info.description
    n_labels = info.description["n_train"] * (1 if of_classes else info.n_out)
    search = Search(trainer, info.n_in, info.n_out, n_labels, spec.seeds, request.tolerance)
    trainer.expect(search.kinds())
    try:
        finding = search.run()
    except BudgetOver:
        raise UserError(
            f"--budget {request.budget:g} s was over before the first model was trained: nothing was tried, "
            "neither a linear model nor a network. The same command with a larger --budget goes on."
        ) from None
    answer = Answer(
        finding=finding,
        question=Question(info.name, request.target, info.description),
        unit=unit_of_errors(info),
        columns=tuple(info.description["variables"]),
        directory=request.directory,
        seconds=trainer.spent(),
        notes=tuple(info.description.get("notes", ())),
    )
    return write_answer(answer, trainer, store, options)


def _check_rows(info: TaskInfo, source: str) -> None:
    """Raise UserError if there are too few rows to tell one model from another."""
    counts = {part: info.description.get(f"n_{part}", 0) for part in ("train", "val", "test")}
    if min(counts["val"], counts["test"]) < _LEAST_ROWS:
        raise UserError(
            f"{source}: {counts['train']} rows train, {counts['val']} choose among the models and "
            f"{counts['test']} test the chosen one; expected at least {_LEAST_ROWS} for each: a single error "
            "does not tell one model from another. Use more rows."
        )


def _check_directory(request: AutoRequest, info: TaskInfo) -> None:
    """Raise UserError if the directory has an answer to another question, which this one would replace."""
    if not (request.directory / DATABASE_NAME).is_file():
        return
    with Store.open(request.directory, readonly=True, look_through=False) as store:
        meta, first = store.meta(), store.plan(limit=1)
    held = meta["spec"]
    if "target" not in held and "suite" not in held:
        return
    asked = f"{request.target} of {Path(request.source).name}"
    found = f"{held['target']} of {Path(held['csv']).name}" if "target" in held else f"suite {held['suite']}"
    if found == asked:
        here = str(Path(request.source).resolve())
        # A table that was moved is the same one, and so is one that was changed where it is.
        same = any(config.get("data", {}).get("sha256") == info.data["sha256"] for _, _, _, config in first)
        if same or meta["table"] in ("", here):
            return
        found, asked = f"{found} in {Path(meta['table']).parent}", f"{asked} in {Path(here).parent}"
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
    values |= {"seeds": request.seeds, "models": baseline_tables()}
    return parse_spec(values, request.source, default_title=paths.stem(path))

"""`kan-sweep run`, step by step: find the specification, plan, carry out, report."""

from __future__ import annotations

import csv
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.checks import nearest, pick
from sweeps.errors import UserError
from sweeps.interrupts import EXIT_INTERRUPTED
from sweeps.overview import failures_by_reason
from sweeps.plan import Plan, left_out_lines, make_plan, plan_lines
from sweeps.runner import Outcome, RunnerOptions, SweepEnd
from sweeps.space import (
    CONFIG_FORMAT,
    CsvSource,
    RunConfig,
    SweepSpec,
    TaskInfo,
    expand,
    left_out,
    with_scaled_bound,
)
from sweeps.spec_reader import csv_spec, read_spec, suite_spec
from sweeps.store import DATABASE_NAME, Store

DEFAULT_PRESET = "quick"
FAILURES = ("failed", "timeout", "diverged")
TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What the command line asks of `run`."""

    source: str
    preset: str | None = None
    target: str | None = None
    features: tuple[str, ...] = ()
    seeds: int | None = None
    out: Path | None = None
    limit: int | None = None
    timeout: str | None = None
    retry: str = "none"
    report: bool = True

    @property
    def directory(self) -> Path:
        """Where the results go."""
        return self.out or Path("runs") / Path(self.source).stem

    @property
    def is_table(self) -> bool:
        """Whether the source is a table, to be learnt with the models of a preset."""
        return Path(self.source).suffix.lower() in TABLE_SUFFIXES


def find_spec(request: Request) -> SweepSpec:
    """Return the specification that a request means: a TOML file, or a table or suite with a preset.

    Raises
    ------
    UserError
        If it means none of them, or an option does not go with it.
    """
    path = Path(request.source)
    if not request.is_table and (request.target or request.features):
        raise UserError(f"--target and --features go with a table (.csv), not with {request.source!r}.")
    if path.suffix.lower() == ".toml":
        if request.preset is not None:
            raise UserError(f"--preset goes with a suite or a table; {path.name} names its own models.")
        spec = read_spec(path)
    elif request.is_table:
        if request.target is None:
            raise UserError(f"which column of {path.name} is to be predicted? Say it with --target NAME.")
        spec = csv_spec(path, request.preset or DEFAULT_PRESET, request.target, request.features)
    else:
        spec = _named_suite(request)
    if request.seeds is None:
        return spec
    if request.seeds < 1:
        raise UserError(f"--seeds is {request.seeds}; expected how many seeds, an integer >= 1.")
    return replace(spec, seeds=tuple(range(request.seeds)))


def _named_suite(request: Request) -> SweepSpec:
    from sweeps.tasks import suite_overview

    suites = list(suite_overview())
    if request.source not in suites:
        raise UserError(
            f"{request.source!r} is neither a suite ({', '.join(suites)}) nor a .toml specification nor a "
            f".csv table.{nearest(request.source, suites)}"
        )
    return suite_spec(request.source, request.preset or DEFAULT_PRESET)


def parse_duration(text: str) -> float:
    """Return a duration such as 90, 1.5s, 10m or 1h30m in seconds.

    Raises
    ------
    UserError
        If it cannot be read, or is zero.

    Examples
    --------
    >>> parse_duration("1h30m")
    5400.0
    """
    match = _DURATION.fullmatch(text.strip().lower())
    hours, minutes, seconds = (float(part or 0) for part in match.groups()) if match else (0.0, 0.0, 0.0)
    total = 3600.0 * hours + 60.0 * minutes + seconds
    if total <= 0.0:
        raise UserError(f"timeout is {text!r}; expected a duration such as 90, 90s, 10m or 1h30m.")
    return total


def parse_features(text: str) -> tuple[str, ...]:
    """Return the names in one line of CSV; a name with a comma in it is quoted.

    Raises
    ------
    UserError
        If a name is empty or is there twice.

    Examples
    --------
    >>> parse_features('a, "b, c"')
    ('a', 'b, c')
    """
    names = [name.strip() for row in csv.reader([text], skipinitialspace=True) for name in row]
    example = "expected column names, as a,b,c, with quotes around a name that has a comma in it"
    if not names or not all(names):
        raise UserError(f"--features is {text!r}: a name is empty; {example}.")
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise UserError(f"--features is {text!r}: {twice[0]!r} is there twice; {example}.")
    return tuple(names)


@dataclass(frozen=True)
class _Prepared:
    """What a request means, checked: the same for `launch` and `dry_run`."""

    spec: SweepSpec
    infos: Mapping[str, TaskInfo]
    runs: list[RunConfig]
    timeout: float | None

    @property
    def left_out(self) -> list[str]:
        """Lines about what the bound on parameters leaves out."""
        return left_out_lines(left_out(self.spec, self.infos))


def _prepare(request: Request) -> _Prepared:
    from sweeps import tasks

    pick("retry", request.retry, ("failed", "none"))
    timeout = parse_duration(request.timeout) if request.timeout is not None else None
    spec = find_spec(request)
    infos = tasks.describe(spec)
    if request.is_table:
        spec = with_scaled_bound(spec, infos)
    return _Prepared(spec, infos, expand(spec, infos), timeout)


def launch(request: Request, runner_options: RunnerOptions, say: Say, show: Say) -> int:
    """Run a sweep, or what is left of it, and return the exit code.

    `say` takes lines for the user's eyes (stderr), `show` the results (stdout).
    """
    from sweeps import tasks
    from sweeps.run_one import RunOptions
    from sweeps.runner import run_plan

    prepared = _prepare(request)
    spec, runs = prepared.spec, prepared.runs
    csv_path = spec.source.path if isinstance(spec.source, CsvSource) else None
    _tell_about_change(request.directory, spec, say)
    command = command_line()
    try:
        with Store.create(request.directory, spec.to_dict(), command, csv_path) as store:
            _store_plan(store, runs, tasks.descriptions(spec, prepared.infos))
            plan = _plan(request, runs, store)
            for line in [*prepared.left_out, _intention(plan, request)]:
                say(line)
            options = RunOptions(prepared.timeout, spec.save_models, csv_path)
            outcome = run_plan(store, plan, options, runner_options, say)
            columns = store.runs()
        if outcome.end is not SweepEnd.FINISHED:
            return _stopped(outcome, request.directory, command, say)
        if request.report:
            _write_report(request.directory, say)
    except KeyboardInterrupt:
        say(f"interrupted; what was complete is stored.\ncontinue with: {command}")
        return EXIT_INTERRUPTED
    return _summary(columns, plan, outcome, request, show)


def dry_run(request: Request, show: Say) -> int:
    """Print what `launch` would do, and change nothing."""
    prepared = _prepare(request)
    runs = prepared.runs
    if (request.directory / DATABASE_NAME).is_file():
        with Store.open(request.directory, readonly=True) as store:
            plan = _plan(request, runs, store)
    else:
        plan = make_plan(runs, recorded=(), limit=request.limit)
    for line in [prepared.spec.title, *plan_lines(plan), *prepared.left_out]:
        show(line)
    return 0


def command_line(argv: list[str] | None = None) -> str:
    """Return the command that started this process, as one would type it.

    Examples
    --------
    >>> command_line(["/usr/bin/kan-sweep", "run", "special"])
    'kan-sweep run special'
    """
    argv = sys.argv if argv is None else argv
    program = Path(argv[0]).name
    start = ["python", "-m", "sweeps"] if program == "__main__.py" else [program]
    return shlex.join([*start, *argv[1:]])


def _plan(request: Request, runs: list[RunConfig], store: Store) -> Plan:
    return make_plan(
        runs,
        store.finished_ids(),
        store.finished_ids(FAILURES),
        retry_failed=request.retry == "failed",
        limit=request.limit,
    )


def _tell_about_change(directory: Path, spec: SweepSpec, say: Say) -> None:
    if not (directory / DATABASE_NAME).is_file():
        return
    with Store.open(directory, readonly=True) as store:
        changed = store.meta()["spec"] != spec.to_dict()
        older = any(config.get("format") != CONFIG_FORMAT for _, _, _, config in store.plan())
    if older:
        say(
            f"{directory} holds a sweep by an earlier version, which trained models in another way. From now "
            "on its plan is the new one: no run is removed, but none of them counts as done."
        )
    elif changed:
        say(
            f"{directory} holds a sweep of another specification. From now on its plan is the new one; "
            "runs that both ask for are not repeated, and no run is removed."
        )


def _store_plan(store: Store, runs: list[RunConfig], descriptions: Mapping[str, Mapping[str, Any]]) -> None:
    plan = [(run.run_id, run.task, run.family, run.config) for run in runs]
    if store.plan_ids() != [row[0] for row in plan]:
        store.set_plan(plan)
    store.set_tasks(descriptions)


def _intention(plan: Plan, request: Request) -> str:
    if plan.todo:
        left = f"{len(plan.runs)} runs planned, {plan.recorded} recorded, {len(plan.todo)} to launch"
        return f"{left} -> {request.directory}"
    hint = ""
    if plan.failed:
        hint = f" {plan.failed} of them failed; do these again with --retry failed."
    where = f"all {plan.recorded} runs of this sweep are recorded in {request.directory}"
    return f"nothing to launch: {where}.{hint}"


def _write_report(directory: Path, say: Say) -> None:
    from sweeps.report import write_report

    say("writing the report ...")
    write_report(directory)


def _stopped(outcome: Outcome, directory: Path, command: str, say: Say) -> int:
    if outcome.end is SweepEnd.WORKER_LOST:
        say(f"error: {outcome.end.value}: {outcome.message}")
    else:
        say("interrupted.")
    say(f"{outcome.done} runs were completed and are stored in {directory}; none of them is lost.")
    say(f"continue with: {command}")
    return EXIT_INTERRUPTED if outcome.end is SweepEnd.INTERRUPTED else 1


def _summary(
    columns: Mapping[str, np.ndarray], plan: Plan, outcome: Outcome, request: Request, show: Say
) -> int:
    ids = {run.run_id for run in plan.runs}
    mine = np.array([run_id in ids for run_id in columns["run_id"]], dtype=bool)
    failures = failures_by_reason({name: column[mine] for name, column in columns.items()})
    failed = sum(count for _, _, count in failures)
    recorded = int(mine.sum())
    left = f", {len(ids) - recorded} left" if recorded < len(ids) else ""
    show(f"{recorded} of {len(ids)} runs recorded, {failed} failed{left}.")
    if outcome.done:
        rate = f"{outcome.models_per_minute:.0f} a minute"
        show(f"{outcome.models} models trained in {outcome.wall_s:.0f} s, {rate}.")
    for status, reason, count in failures[:5]:
        show(f"  {count} x {status}: {reason}")
    if request.report:
        show(f"report: {request.directory / 'report.html'}")
    else:
        show(f"results: {request.directory / DATABASE_NAME}")
    return 1 if failed else 0

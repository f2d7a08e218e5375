"""The steps of `kan-sweep run`: read the specification, plan, compute, write the report."""

from __future__ import annotations

import csv
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sweeps import paths
from sweeps._plural import counted
from sweeps.checks import nearest, pick
from sweeps.commands.equation_pictures import draw_solutions
from sweeps.commands.table_answer import answer_table
from sweeps.errors import UserError
from sweeps.interrupts import EXIT_INTERRUPTED
from sweeps.runner import Outcome, RunnerOptions, SweepEnd
from sweeps.spec.data_summary import summary_lines
from sweeps.spec.data_warnings import notes_of
from sweeps.spec.expansion import check_size, expand, left_out, with_scaled_bound
from sweeps.spec.model_tables import with_formulas
from sweeps.spec.plan import NO_RUNS, Plan, left_out_lines, longest_first, make_plan, plan_lines
from sweeps.spec.run_config import CONFIG_FORMAT, RunConfig
from sweeps.spec.shard import Shard, shard_of
from sweeps.spec.spec_reader import DEFAULT_PRESET, csv_spec, read_spec, suite_spec
from sweeps.spec.sweep_spec import SweepSpec, TaskInfo
from sweeps.spec.table_options import TableOptions, worded_as_options
from sweeps.spec.target_question import which_target
from sweeps.storage.store import DATABASE_NAME, Store
from sweeps.units import parse_duration

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What the command line asks of `run`; `spec` is what is to be done where that is known already."""

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
    formula: bool = False
    table: TableOptions = field(default_factory=TableOptions)
    shard: Shard | None = None
    rerun: str = "none"
    force: bool = False
    spec: SweepSpec | None = None

    @property
    def directory(self) -> Path:
        """Where the results go."""
        home = Path("runs") / paths.stem(self.source)
        return self.out or (home / self.shard.folder if self.shard else home)

    @property
    def ends_with_report(self) -> bool:
        """Whether the report is written at the end; that of a part of a sweep would say little."""
        return self.report and self.shard is None

    @property
    def is_table(self) -> bool:
        """Whether the source is a table, to be learnt with the models of a preset."""
        return paths.is_table(self.source)


def find_spec(request: Request) -> SweepSpec:
    """Return the specification that a request means: a TOML file, or a table or suite with a preset.

    Raises
    ------
    UserError
        If it means none of them, or an option does not go with it.
    """
    path = Path(request.source)
    if not request.is_table and (request.target or request.features or request.table != TableOptions()):
        raise UserError(
            f"{request.source!r} is no table. --target, --features, --group, --test, --decimal, --folds, "
            "--classes, --missing, --dates, --task and --sklearn go with a table (.csv, .xlsx, .parquet)."
        )
    if request.spec is not None:
        spec = request.spec
    elif path.suffix.lower() == ".toml":
        if request.preset is not None:
            raise UserError(f"--preset goes with a suite or a table; {path.name} names its own models.")
        spec = read_spec(path)
    elif request.is_table:
        if request.target is None:
            raise which_target(request.source)
        preset = request.preset or DEFAULT_PRESET
        spec = csv_spec(path, preset, request.target, request.features, request.table)
    else:
        spec = _named_suite(request)
    if request.formula:
        spec = with_formulas(spec)
    if request.seeds is None:
        return spec
    if request.seeds < 1:
        raise UserError(f"--seeds is {request.seeds}; expected how many seeds, an integer >= 1.")
    check_size(spec.models, request.seeds * len(spec.data.seeds), spec.data.folds)
    return replace(spec, seeds=tuple(range(request.seeds)))


def _named_suite(request: Request) -> SweepSpec:
    from sweeps.spec.tasks import suite_overview

    suites = list(suite_overview())
    if request.source not in suites:
        raise UserError(
            f"{request.source!r} is neither a suite ({', '.join(suites)}) nor a .toml specification nor a "
            f".csv table.{nearest(request.source, suites)}"
        )
    return suite_spec(request.source, request.preset)


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
    """What a request means, checked: the same for `launch` and `dry_run`; see `sweeps.spec.tasks.plan_of`."""

    spec: SweepSpec
    infos: Mapping[str, TaskInfo]
    timeout: float | None
    plan_of: str
    sweep: str
    shard: Shard | None

    def runs(self) -> tuple[list[RunConfig], list[int]]:
        """Return the runs of the plan and their places in that of the whole sweep."""
        runs = expand(self.spec, self.infos)
        shard = self.shard
        places = [i for i, run in enumerate(runs) if shard is None or shard.has(run.config)]
        return [runs[i] for i in places], places


def _prepare(request: Request) -> _Prepared:
    from sweeps.spec import tasks

    pick("retry", request.retry, ("failed", "none"))
    pick("rerun", request.rerun, ("stale", "none"))
    timeout = parse_duration(request.timeout) if request.timeout is not None else None
    spec = find_spec(request)
    with worded_as_options(request.is_table):
        infos = tasks.describe(spec)
    if request.is_table:
        spec = with_scaled_bound(spec, infos)
    sweep, shard = tasks.plan_of(spec, infos), request.shard
    return _Prepared(spec, infos, timeout, sweep if shard is None else f"{sweep} {shard}", sweep, shard)


def launch(request: Request, runner_options: RunnerOptions, say: Say, show: Say) -> int:
    """Run a sweep, or what is left of it, and return the exit code.

    `say` takes lines for the user's eyes (stderr), `show` the results (stdout).
    """
    from sweeps.run_one import RunOptions
    from sweeps.runner import run_plan

    prepared = _prepare(request)
    spec = prepared.spec
    csv_path, test_path = spec.table_paths
    # A new plan is made before anything is written, for it may be found to be empty.
    runs = _changed_runs(request, prepared, say)
    command = command_line()
    try:
        with Store.create(request.directory, spec.to_dict(), command, csv_path) as store:
            if prepared.shard is not None:  # again: another shard may have started here since
                _check_shard(store, prepared)
            if store.meta()["plan_of"] != prepared.plan_of:
                # Without runs, another process has replaced the plan since it was looked at.
                _store_plan(store, prepared, runs or prepared.runs())
            runs = None  # from here on the plan is what the store says, and memory is for what is left of it
            plan = _plan(request, store)
            told = store.tasks()
            left = left_out_lines({name: told[name]["left_out"] for name in prepared.infos})
            for line in [
                *summary_lines(prepared.infos),
                *notes_of(prepared.infos),
                *left,
                *_stale_lines(request, store),
                _intention(plan, request),
            ]:
                say(line)
            options = RunOptions(prepared.timeout, spec.save_models, csv_path, test_path)
            outcome = run_plan(store, plan, options, runner_options, say)
            recorded, failures = store.n_recorded(), store.failures(planned=True)
            if outcome.end is SweepEnd.FINISHED and request.ends_with_report:
                draw_solutions(store, spec, say)
                answer_table(store, spec, prepared.infos, options, say, is_new=outcome.done > 0)
        if outcome.end is not SweepEnd.FINISHED:
            return _stopped(outcome, request.directory, command, say)
        if request.ends_with_report:
            _write_report(request.directory, say)
    except KeyboardInterrupt:
        say(f"interrupted; what was complete is stored.\ncontinue with: {command}")
        return EXIT_INTERRUPTED
    return _summary(plan.planned, recorded, failures, outcome, request, show)


def dry_run(request: Request, show: Say) -> int:
    """Print what `launch` would do, and change nothing."""
    prepared = _prepare(request)
    (runs, _), statuses, stale = prepared.runs(), {}, set()
    if (request.directory / DATABASE_NAME).is_file():
        with Store.open(request.directory, readonly=True) as store:
            _check_shard(store, prepared)
            statuses = store.statuses()
            stale = store.stale_ids(_code()) if request.rerun == "stale" else set()
    failed = {run_id for run_id, status in statuses.items() if status != "ok"}
    retry = request.retry == "failed"
    plan = make_plan(runs, statuses.keys(), failed, retry_failed=retry, stale=stale, limit=request.limit)
    left = left_out_lines(left_out(prepared.spec, prepared.infos))
    described = [*summary_lines(prepared.infos), *notes_of(prepared.infos)]
    for line in [prepared.spec.title, *plan_lines(runs, plan), *described, *left]:
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


def _changed_runs(
    request: Request, prepared: _Prepared, say: Say
) -> tuple[list[RunConfig], list[int]] | None:
    """Return the runs of a plan that has to be made anew, None if it is as it was; say what is new about it.

    Raises
    ------
    UserError
        If it leaves out runs of the plan that is there, and with them their report, and that is not forced.
    """
    directory = request.directory
    if not (directory / DATABASE_NAME).is_file():
        return prepared.runs()
    with Store.open(directory, readonly=True, look_through=False) as store:
        _check_shard(store, prepared)
        # A plan is set as a whole: its first run tells which version has made it.
        meta, first, held = store.meta(), store.plan(limit=1), dict(store.plan_tasks())
    if meta["plan_of"] == prepared.plan_of and meta["spec"] == prepared.spec.to_dict():
        return None
    runs = prepared.runs()
    if any(config.get("format") != CONFIG_FORMAT for _, _, _, config in first):
        say(
            f"{directory} holds a sweep by an earlier version, which trained models in another way. From now "
            "on its plan is the new one: no run is removed, but none of them counts as done."
        )
    elif meta["spec"] != prepared.spec.to_dict():
        lost = len(set(held) - {run.run_id for run in runs[0]})
        if lost and not request.force:
            raise UserError(
                f"{directory} holds a sweep of another specification ({meta['title']}): "
                f"{counted(lost, 'run')} of it would be in the plan and the report no more. Give this one "
                "another --out, or let it take over with --force: no run is removed, and those that both ask "
                "for are not repeated."
            )
        say(
            f"{directory} holds a sweep of another specification. From now on its plan is the new one; "
            "runs that both ask for are not repeated, and no run is removed."
        )
    return runs if meta["plan_of"] != prepared.plan_of else None


def _check_shard(store: Store, prepared: _Prepared) -> None:
    """Raise UserError if the store is that of another shard, or of a whole sweep."""
    held, asked = str(shard_of(store.meta()) or ""), str(prepared.shard or "")
    if held == asked or not (held or store.n_planned()):
        return
    names = [f"shard {text}" if text else "a whole sweep" for text in (held, asked)]
    raise UserError(
        f"{store.directory} holds {names[0]}, and this is {names[1]}. Give every shard an --out of its own, "
        "and join them at the end with: kan-sweep merge DIR1 DIR2 ... --out DIR"
    )


def _store_plan(store: Store, prepared: _Prepared, runs: tuple[list[RunConfig], list[int]]) -> None:
    from sweeps.spec import tasks

    store.set_tasks(tasks.descriptions(prepared.spec, prepared.infos))
    plan = [(run.run_id, run.task, run.family, run.config) for run in runs[0]]
    # With the plan at once: without its shard a plan is that of a whole sweep, which lacks nothing.
    shard = {"shard": str(prepared.shard), "sweep": prepared.sweep} if prepared.shard is not None else {}
    store.set_plan(plan, prepared.plan_of, runs[1], lacks="", plan_damaged="", **shard)


def _code() -> str:
    """Return the code that runs are computed with now."""
    from sweeps.run_one import current_code

    return current_code()


def _stale_lines(request: Request, store: Store) -> list[str]:
    """Say which recorded runs were computed by other code, unless they are done again."""
    if request.rerun == "stale":
        return []
    now = _code()
    return [
        f"{count} recorded runs were computed by {code}; this is {now}. They are not repeated; once this one "
        "has added a run they are stale and left out of the report. Do them again with: --rerun stale"
        for code, count in store.codes().items()
        if code != now
    ]


def _plan(request: Request, store: Store) -> Plan:
    missing = store.missing(
        retry_failed=request.retry == "failed",
        code=_code() if request.rerun == "stale" else None,
        limit=request.limit,
    )
    return Plan(
        planned=store.n_planned(),
        todo=longest_first(RunConfig(*row) for row in missing),
        recorded=store.n_recorded(),
        failed=sum(count for _, _, count in store.failures(planned=True)),
    )


def _intention(plan: Plan, request: Request) -> str:
    if plan.todo:
        left = f"{counted(plan.planned, 'run')} planned, {plan.recorded} recorded, {len(plan.todo)} to launch"
        return f"{left} -> {request.directory}"
    if not plan.planned:
        return NO_RUNS
    hint = ""
    if plan.failed:
        hint = f" {plan.failed} of them failed; do these again with --retry failed."
    where = f"all {plan.recorded} runs of this sweep are recorded in {request.directory}"
    return f"nothing to launch: {where}.{hint}"


def _write_report(directory: Path, say: Say) -> None:
    from sweeps.page.report import write_report

    say("writing the report ...")
    write_report(directory, progress=True)


def _stopped(outcome: Outcome, directory: Path, command: str, say: Say) -> int:
    if outcome.end is SweepEnd.WORKER_LOST:
        say(f"error: {outcome.message}")
    else:
        say("interrupted.")
    say(f"{counted(outcome.done, 'run')} completed this time; all that was completed is in {directory}.")
    say(f"continue with: {command}")
    return EXIT_INTERRUPTED if outcome.end is SweepEnd.INTERRUPTED else 1


def _summary(
    planned: int,
    recorded: int,
    failures: list[tuple[str, str, int]],
    outcome: Outcome,
    request: Request,
    show: Say,
) -> int:
    failed = sum(count for _, _, count in failures)
    left = f", {planned - recorded} left" if recorded < planned else ""
    show(f"{recorded} of {planned} runs recorded, {failed} failed{left}.")
    if outcome.done:
        rate = f"{outcome.models_per_minute:.0f} a minute"
        show(f"{outcome.models} models trained in {outcome.wall_s:.0f} s, {rate}.")
    for status, reason, count in failures[:5]:
        show(f"  {count} x {status}: {reason}")
    if request.ends_with_report:
        show(f"report: {request.directory / 'report.html'}")
    else:
        show(f"results: {request.directory / DATABASE_NAME}")
    return 1 if failed else 0

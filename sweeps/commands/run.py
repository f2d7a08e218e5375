"""`kan-sweep run`: compute the runs of a specification that are not in the store yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeps import paths, streams
from sweeps.commands._shared import (
    AGAIN_GROUP,
    RESULT_GROUP,
    RUN_GROUP,
    TABLE_GROUP,
    choice,
    exit_code_of_shown,
    grouped,
)
from sweeps.spec.sweep_spec import DAYS, DECIMALS, DROP, ONE_HOT, REFUSE, TASKS

if TYPE_CHECKING:
    from sweeps.runner import RunnerOptions

_Source = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        parser=paths.source,
        help="A suite (see: kan-sweep list), paper, a spec.toml, or a table (.csv, .xlsx, .parquet).",
    ),
]
_Preset = Annotated[
    str | None,
    choice(
        ("quick", "full", "paper", "families", "formula", "pde"),
        "What to try; by default quick, or that of the suite's name. Of paper and of studies: quick or full.",
    ),
]
_Parts = Annotated[
    list[str] | None,
    typer.Option("--part", metavar="NAME", help="Of paper: only this part; may be given several times."),
]
_Out = Annotated[
    Path | None,
    grouped(RESULT_GROUP, parser=paths.path, help="Directory of the results; runs/SPEC if not given."),
]
_Target = Annotated[str | None, grouped(TABLE_GROUP, help="The column to predict.")]
_Task = Annotated[
    str | None,
    choice(TASKS, "Numbers or classes; classes if the target is text and nothing is given.", TABLE_GROUP),
]
_Features = Annotated[
    str | None, grouped(TABLE_GROUP, help="Input columns, as a,b,c; all others if not given.")
]
_Group = Annotated[
    str | None, grouped(TABLE_GROUP, help="Column whose equal values stay together in a split.")
]
_TestRows = Annotated[
    str | None, grouped(TABLE_GROUP, parser=paths.source, help="A second table, with the test rows.")
]
_Folds = Annotated[int, grouped(TABLE_GROUP, help="k-fold cross-validation with so many folds.")]
_Classes = Annotated[
    str, choice((REFUSE, ONE_HOT), "What becomes of columns of text among the inputs.", TABLE_GROUP)
]
_Decimal = Annotated[
    str | None, choice(DECIMALS, "The decimal mark; found in the table if not given.", TABLE_GROUP)
]
_Missing = Annotated[str, choice((REFUSE, DROP), "What becomes of rows with missing cells.", TABLE_GROUP)]
_Dates = Annotated[
    str, choice((REFUSE, DAYS), "What becomes of dates: days are numbers of them.", TABLE_GROUP)
]
_Sklearn = Annotated[bool, grouped(TABLE_GROUP, "--sklearn", help="Also train scikit-learn's MLPRegressor.")]
_Formulas = Annotated[
    bool, typer.Option("--formula", help="Also look for formulas, one run a function and seed.")
]
_Seeds = Annotated[int | None, typer.Option(help="Number of seeds, in place of what SPEC says.")]
_Jobs = Annotated[int, grouped(RUN_GROUP, "--jobs", "-j", help="Processes; -1 is one per core.")]
_BackendName = Annotated[
    str,
    grouped(
        RUN_GROUP,
        help="What hands out runs: threading, loky or another backend of joblib, dask, sequential.",
    ),
]
_Scheduler = Annotated[
    str | None,
    grouped(RUN_GROUP, help="Dask only: tcp://HOST:PORT; a cluster is started here if not given."),
]
_Memory = Annotated[
    str | None,
    grouped(RUN_GROUP, help="Memory that a worker may use: 500M, 2G; a run over it fails."),
]
_Timeout = Annotated[str | None, grouped(RUN_GROUP, help="Time limit of a run: 90, 10m, 1h30m.")]
_ProgressKind = Annotated[
    str, choice(("auto", "bar", "plain", "none"), "How it is shown what is done.", RUN_GROUP)
]
_Limit = Annotated[int | None, grouped(AGAIN_GROUP, min=1, help="Launch at most so many runs.")]
_Retry = Annotated[str, choice(("failed", "none"), "Do runs again that failed.", AGAIN_GROUP)]
_Rerun = Annotated[
    str,
    choice(("stale", "none"), "Do runs again that another version or kernel computed.", AGAIN_GROUP),
]
_ShardText = Annotated[
    str | None,
    grouped(AGAIN_GROUP, help="i/n: only the i-th of n parts, in an --out of its own, no report; see merge."),
]
_Force = Annotated[
    bool, grouped(AGAIN_GROUP, "--force", help="Take over the --out of a sweep of another specification.")
]
_DryRun = Annotated[bool, grouped(RESULT_GROUP, "--dry-run", help="Print the plan; write nothing.")]
_WithReport = Annotated[
    bool, grouped(RESULT_GROUP, "--report/--no-report", help="Write the report at the end.")
]


def run(
    source: _Source,
    preset: _Preset = None,
    part: _Parts = None,
    out: _Out = None,
    target: _Target = None,
    task: _Task = None,
    features: _Features = None,
    group: _Group = None,
    test: _TestRows = None,
    folds: _Folds = 0,
    classes: _Classes = "refuse",
    decimal: _Decimal = None,
    missing: _Missing = "refuse",
    dates: _Dates = "refuse",
    sklearn: _Sklearn = False,
    formula: _Formulas = False,
    seeds: _Seeds = None,
    jobs: _Jobs = -1,
    backend: _BackendName = "threading",
    scheduler: _Scheduler = None,
    memory: _Memory = None,
    timeout: _Timeout = None,
    limit: _Limit = None,
    retry: _Retry = "none",
    rerun: _Rerun = "none",
    shard: _ShardText = None,
    force: _Force = False,
    progress: _ProgressKind = "auto",
    dry_run: _DryRun = False,
    report: _WithReport = True,
) -> int:
    """Run a sweep; the same command again runs what is missing.

    Examples:  kan-sweep run special --preset quick --out runs/special

    kan-sweep run data.csv --target y --folds 5 --out runs/data

    kan-sweep run paper --preset quick --part toy --part continual --out runs/paper
    """
    from sweeps.commands import launch as launching
    from sweeps.errors import UserError
    from sweeps.spec.paper import PAPER
    from sweeps.spec.shard import parse_shard
    from sweeps.spec.table_options import TableOptions

    runner_options = _runner_options(backend, jobs, progress, scheduler, memory)
    columns = launching.parse_features(features) if features is not None else ()
    table = TableOptions(group, test, folds, classes, sklearn, decimal, missing, dates, task)
    piece = parse_shard(shard) if shard is not None else None
    request = launching.Request(
        source,
        preset,
        target,
        columns,
        seeds,
        out,
        limit,
        timeout,
        retry,
        report,
        formula,
        table,
        piece,
        rerun,
        force,
    )
    if source == PAPER:
        from sweeps.commands.paper import dry_run_paper, launch_paper

        if dry_run:
            return dry_run_paper(request, part or (), streams.show) or exit_code_of_shown()
        return launch_paper(request, part or (), runner_options, streams.say, streams.show)
    if part:
        raise UserError(f"--part goes with {PAPER!r}; {source!r} is one sweep.")
    if dry_run:
        return launching.dry_run(request, streams.show) or exit_code_of_shown()
    return launching.launch(request, runner_options, streams.say, streams.show)


def _runner_options(
    backend: str, jobs: int, progress: str, scheduler: str | None, memory: str | None
) -> RunnerOptions:
    """Return how the plan is carried out; a UserError if that cannot be done here."""
    from sweeps.backends import check_choice, check_jobs, get_backend
    from sweeps.checks import pick
    from sweeps.progress import KINDS
    from sweeps.runner import RunnerOptions
    from sweeps.units import parse_memory

    get_backend(backend)
    check_jobs(jobs)
    n_bytes = parse_memory(memory) if memory is not None else None
    check_choice(backend, scheduler, n_bytes)
    pick("progress", progress, KINDS)
    return RunnerOptions(backend, jobs, progress, scheduler, n_bytes)

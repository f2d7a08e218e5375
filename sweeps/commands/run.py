"""`kan-sweep run`: compute the runs of a specification that are not in the store yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeps import paths, streams
from sweeps.commands._shared import exit_code_of_shown

if TYPE_CHECKING:
    from sweeps.runner import RunnerOptions

_Source = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        parser=paths.source,
        help="A suite (see: kan-sweep list), a spec.toml, or a table (.csv, .xlsx, .parquet).",
    ),
]
_Preset = Annotated[
    str | None,
    typer.Option(help="What to try on a suite or a table: quick (default), paper, families or formula."),
]
_Out = Annotated[
    Path | None, typer.Option(parser=paths.path, help="Directory of the results; runs/SPEC if not given.")
]
_Target = Annotated[str | None, typer.Option(help="Table only: the column to predict.")]
_Features = Annotated[
    str | None, typer.Option(help="Table only: input columns, as a,b,c; all others if not given.")
]
_Group = Annotated[
    str | None, typer.Option(help="Table only: column whose equal values stay together in a split.")
]
_TestRows = Annotated[
    str | None, typer.Option(parser=paths.source, help="Table only: a second table, with the test rows.")
]
_Folds = Annotated[int, typer.Option(help="Table only: k-fold cross-validation with so many folds.")]
_Classes = Annotated[
    str, typer.Option(help="Table only: what becomes of columns of text, refuse or one-hot.")
]
_Decimal = Annotated[
    str | None,
    typer.Option(help="Table only: the decimal mark, . or , ; found in the table if not given."),
]
_Missing = Annotated[
    str, typer.Option(help="Table only: what becomes of rows with missing cells, refuse or drop.")
]
_Dates = Annotated[
    str, typer.Option(help="Table only: what becomes of dates, refuse or days (numbers of them).")
]
_Sklearn = Annotated[
    bool, typer.Option("--sklearn", help="Table only: also train scikit-learn's MLPRegressor.")
]
_Formulas = Annotated[
    bool, typer.Option("--formula", help="Also look for formulas, one run a function and seed.")
]
_Seeds = Annotated[int | None, typer.Option(help="Number of seeds, in place of what SPEC says.")]
_Jobs = Annotated[int, typer.Option("--jobs", "-j", help="Processes; -1 is one per core.")]
_BackendName = Annotated[
    str,
    typer.Option(help="What hands out runs: threading, loky or another backend of joblib, dask, sequential."),
]
_Scheduler = Annotated[
    str | None, typer.Option(help="Dask only: tcp://HOST:PORT; a cluster is started here if not given.")
]
_Memory = Annotated[
    str | None, typer.Option(help="Memory that a worker may use: 500M, 2G; a run over it fails.")
]
_Timeout = Annotated[str | None, typer.Option(help="Time limit of a run: 90, 10m, 1h30m.")]
_Limit = Annotated[int | None, typer.Option(min=1, help="Launch at most so many runs.")]
_Retry = Annotated[str, typer.Option(help="'failed': do runs again that failed.")]
_Rerun = Annotated[str, typer.Option(help="'stale': do runs again that another version or kernel computed.")]
_ShardText = Annotated[
    str | None,
    typer.Option(help="i/n: only the i-th of n parts, in an --out of its own, no report; see merge."),
]
_ProgressKind = Annotated[str, typer.Option(help="auto, bar, plain or none.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan; write nothing.")]
_WithReport = Annotated[bool, typer.Option("--report/--no-report", help="Write the report at the end.")]


def run(
    source: _Source,
    preset: _Preset = None,
    out: _Out = None,
    target: _Target = None,
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
    progress: _ProgressKind = "auto",
    dry_run: _DryRun = False,
    report: _WithReport = True,
) -> int:
    """Run a sweep; the same command again runs what is missing.

    Examples:  kan-sweep run special --preset quick --out runs/special

    kan-sweep run data.csv --target y --folds 5 --out runs/data
    """
    from sweeps.commands import launch as launching
    from sweeps.spec.shard import parse_shard
    from sweeps.spec.table_options import TableOptions

    runner_options = _runner_options(backend, jobs, progress, scheduler, memory)
    columns = launching.parse_features(features) if features is not None else ()
    table = TableOptions(group, test, folds, classes, sklearn, decimal, missing, dates)
    part = parse_shard(shard) if shard is not None else None
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
        part,
        rerun,
    )
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

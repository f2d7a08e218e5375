"""`kan-sweep run`: train what a specification asks for, or what is left of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams
from sweeps.commands._shared import exit_code_of_shown


def run(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SPEC",
            parser=paths.source,
            help="A suite (see: kan-sweep list), a spec.toml, or a data.csv.",
        ),
    ],
    preset: Annotated[
        str | None, typer.Option(help="What to try on a suite or a table: quick (default), paper or formula.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(parser=paths.path, help="Directory of the results; runs/SPEC if not given.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Table only: the column to predict.")] = None,
    features: Annotated[
        str | None, typer.Option(help="Table only: input columns, as a,b,c; all others if not given.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Table only: column whose equal values stay together in a split.")
    ] = None,
    test: Annotated[
        str | None, typer.Option(parser=paths.source, help="Table only: a second table, with the test rows.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Table only: k-fold cross-validation with so many folds.")] = 0,
    classes: Annotated[
        str, typer.Option(help="Table only: what becomes of columns of text, refuse or one-hot.")
    ] = "refuse",
    decimal: Annotated[
        str | None,
        typer.Option(help="Table only: the decimal mark, . or , ; found in the table if not given."),
    ] = None,
    sklearn: Annotated[
        bool, typer.Option("--sklearn", help="Table only: also train scikit-learn's MLPRegressor.")
    ] = False,
    formula: Annotated[
        bool, typer.Option("--formula", help="Also look for formulas, one run a function and seed.")
    ] = False,
    seeds: Annotated[int | None, typer.Option(help="Number of seeds, in place of what SPEC says.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes; -1 is one per core.")] = -1,
    backend: Annotated[
        str,
        typer.Option(
            help="What hands out runs: threading, loky or another backend of joblib, dask, sequential."
        ),
    ] = "threading",
    scheduler: Annotated[
        str | None, typer.Option(help="Dask only: tcp://HOST:PORT; a cluster is started here if not given.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help="Memory that a worker may use: 500M, 2G; a run over it fails.")
    ] = None,
    timeout: Annotated[str | None, typer.Option(help="Time limit of a run: 90, 10m, 1h30m.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Launch at most so many runs.")] = None,
    retry: Annotated[str, typer.Option(help="'failed': do runs again that failed.")] = "none",
    rerun: Annotated[
        str, typer.Option(help="'stale': do runs again that another version or kernel computed.")
    ] = "none",
    shard: Annotated[
        str | None,
        typer.Option(help="i/n: only the i-th of n parts, in an --out of its own, no report; see merge."),
    ] = None,
    progress: Annotated[str, typer.Option(help="auto, bar, plain or none.")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; write nothing.")] = False,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write the report at the end.")] = True,
) -> int:
    """Run a sweep; the same command again runs what is missing.

    Examples:  kan-sweep run special --preset quick --out runs/special

    kan-sweep run data.csv --target y --folds 5 --out runs/data
    """
    from sweeps.backends import check_choice, check_jobs, get_backend
    from sweeps.checks import pick
    from sweeps.commands import launch as launching
    from sweeps.progress import KINDS
    from sweeps.runner import RunnerOptions
    from sweeps.spec.shard import parse_shard
    from sweeps.spec.table_options import TableOptions
    from sweeps.units import parse_memory

    get_backend(backend)
    check_jobs(jobs)
    n_bytes = parse_memory(memory) if memory is not None else None
    check_choice(backend, scheduler, n_bytes)
    pick("progress", progress, KINDS)
    columns = launching.parse_features(features) if features is not None else ()
    table = TableOptions(group, test, folds, classes, sklearn, decimal)
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
        parse_shard(shard) if shard is not None else None,
        rerun,
    )
    if dry_run:
        return launching.dry_run(request, streams.show) or exit_code_of_shown()
    return launching.launch(
        request, RunnerOptions(backend, jobs, progress, scheduler, n_bytes), streams.say, streams.show
    )

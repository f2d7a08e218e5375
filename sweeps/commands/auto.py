"""`kan-sweep auto`: find the smallest good model of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams


def auto(
    source: Annotated[
        str,
        typer.Argument(
            metavar="TABLE",
            parser=paths.source,
            help="A table with a header row (.csv, .xlsx, .parquet).",
        ),
    ],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    budget: Annotated[
        str, typer.Option(help="Time for the search, once kernels are compiled: 90, 10m, 1h30m.")
    ] = "10m",
    out: Annotated[
        Path | None, typer.Option(parser=paths.path, help="Directory of the results; runs/TABLE-auto.")
    ] = None,
    features: Annotated[str | None, typer.Option(help="Input columns, as a,b,c; all if not given.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Column whose equal values stay together in a split.")
    ] = None,
    test: Annotated[
        str | None, typer.Option(parser=paths.source, help="A second table, with the test rows.")
    ] = None,
    folds: Annotated[int, typer.Option(help="k-fold cross-validation with so many folds.")] = 0,
    classes: Annotated[
        str, typer.Option(help="What becomes of columns of text: refuse or one-hot.")
    ] = "refuse",
    decimal: Annotated[
        str | None, typer.Option(help="The decimal mark, . or , ; found in the table if not given.")
    ] = None,
    missing: Annotated[
        str, typer.Option(help="What becomes of rows with missing cells: refuse or drop.")
    ] = "refuse",
    dates: Annotated[
        str, typer.Option(help="What becomes of dates: refuse or days (numbers of them).")
    ] = "refuse",
    seeds: Annotated[int, typer.Option(help="Number of seeds that the error is given for.")] = 3,
    tolerance: Annotated[
        float, typer.Option(help="RMSE that is good enough, in standard deviations of the target.")
    ] = 1e-7,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes; -1 is one per core.")] = 1,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write the report at the end.")] = True,
) -> int:
    """Find the smallest good model of a table: finer grids, then wider, then deeper, while that pays.

    Example:  kan-sweep auto data.csv --target y --budget 10m
    """
    from sweeps.auto.command import AutoRequest, find_model
    from sweeps.backends import check_jobs
    from sweeps.commands import launch as launching
    from sweeps.runner import RunnerOptions
    from sweeps.spec.table_options import TableOptions
    from sweeps.units import parse_duration

    check_jobs(jobs)
    columns = launching.parse_features(features) if features is not None else ()
    options = TableOptions(group, test, folds, classes, decimal=decimal, missing=missing, dates=dates)
    seconds = parse_duration(budget, "budget")
    request = AutoRequest(source, target, columns, options, seconds, tolerance, seeds, out, report)
    command = launching.command_line()
    return find_model(request, RunnerOptions(jobs=jobs, progress="none"), command, streams.say, streams.show)

"""`kan-sweep auto`: find the smallest good model of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams
from sweeps.commands._shared import RESULT_GROUP, choice, grouped
from sweeps.spec.sweep_spec import DAYS, DECIMALS, DROP, ONE_HOT, REFUSE, TASKS

#: The options that say how rows and columns are used.
ROWS_GROUP = "Rows and columns"


def auto(
    source: Annotated[
        str,
        typer.Argument(
            metavar="TABLE",
            parser=paths.source,
            help="A table with a header row (.csv, .xlsx, .parquet).",
        ),
    ],
    target: Annotated[str | None, typer.Option(help="The column to predict.")] = None,
    budget: Annotated[
        str, typer.Option(help="Time for the search, once kernels are compiled: 90, 10m, 1h30m.")
    ] = "10m",
    out: Annotated[
        Path | None,
        grouped(RESULT_GROUP, parser=paths.path, help="Directory of the results; runs/TABLE-auto."),
    ] = None,
    features: Annotated[
        str | None, grouped(ROWS_GROUP, help="Input columns, as a,b,c; all if not given.")
    ] = None,
    group: Annotated[
        str | None, grouped(ROWS_GROUP, help="Column whose equal values stay together in a split.")
    ] = None,
    test: Annotated[
        str | None, grouped(ROWS_GROUP, parser=paths.source, help="A second table, with the test rows.")
    ] = None,
    folds: Annotated[int, grouped(ROWS_GROUP, help="k-fold cross-validation with so many folds.")] = 0,
    task: Annotated[
        str | None,
        choice(TASKS, "Numbers or classes; classes if the target is text and nothing is given.", ROWS_GROUP),
    ] = None,
    classes: Annotated[
        str, choice((REFUSE, ONE_HOT), "What becomes of columns of text among the inputs.", ROWS_GROUP)
    ] = REFUSE,
    decimal: Annotated[
        str | None, choice(DECIMALS, "The decimal mark; found in the table if not given.", ROWS_GROUP)
    ] = None,
    missing: Annotated[
        str, choice((REFUSE, DROP), "What becomes of rows with missing cells.", ROWS_GROUP)
    ] = REFUSE,
    dates: Annotated[
        str, choice((REFUSE, DAYS), "What becomes of dates: days are numbers of them.", ROWS_GROUP)
    ] = REFUSE,
    seeds: Annotated[int, typer.Option(help="Number of seeds that the error is given for.")] = 3,
    tolerance: Annotated[
        float, typer.Option(help="RMSE that is good enough, in standard deviations of the target.")
    ] = 1e-7,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes; -1 is one per core.")] = 1,
    report: Annotated[
        bool, grouped(RESULT_GROUP, "--report/--no-report", help="Write the report at the end.")
    ] = True,
) -> int:
    """Find the smallest good model of a table: finer grids, then wider, then deeper, while that pays.

    Example:  kan-sweep auto data.csv --target y --budget 10m
    """
    from sweeps.auto.command import AutoRequest, find_model
    from sweeps.backends import check_jobs
    from sweeps.commands import launch as launching
    from sweeps.runner import RunnerOptions
    from sweeps.spec.table_options import TableOptions
    from sweeps.spec.target_question import which_target
    from sweeps.units import parse_duration

    if target is None:
        raise which_target(source)
    check_jobs(jobs)
    columns = launching.parse_features(features) if features is not None else ()
    options = TableOptions(
        group, test, folds, classes, decimal=decimal, missing=missing, dates=dates, task=task
    )
    seconds = parse_duration(budget, "budget")
    request = AutoRequest(source, target, columns, options, seconds, tolerance, seeds, out, report)
    command = launching.command_line()
    return find_model(request, RunnerOptions(jobs=jobs, progress="none"), command, streams.say, streams.show)

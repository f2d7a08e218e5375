"""The command line: `kan-sweep`, also `python -m sweeps`.

Results go to stdout, everything for the eyes to stderr. Exit codes: 0 all went well; 1 some runs failed or
the workers were lost, what was merged or repaired is not all there, nothing could be compared, or what was to
be shown could not be; 2 bad input; 130 interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams
from sweeps.answering import Commands, answered
from sweeps.interrupts import stops_as_interrupts
from sweeps.storage.sqlite_errors import understood

app = typer.Typer(
    cls=Commands,
    name="kan-sweep",
    help="Train KANs and MLPs on functions or on a table, and draw accuracy against parameters.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)

Directory = Annotated[
    Path, typer.Argument(metavar="DIR", parser=paths.path, help="The --out directory of a sweep.")
]


EXIT_NOT_SHOWN = 1
_SHOW_ONLY = frozenset({"--help", "-h", "--version"})


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code; a mistake of the user is one message, no traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    with streams.forgiving(), stops_as_interrupts():
        code = answered(app, arguments)
        if reason := streams.output_error():
            streams.say(
                f"error: cannot write to standard output: {reason}. Not all of what it shows is there."
            )
            if _SHOW_ONLY.intersection(arguments or _SHOW_ONLY):
                return code or EXIT_NOT_SHOWN
        return code


def _shown() -> int:
    """Return the exit code of a command whose result is what it has shown."""
    return EXIT_NOT_SHOWN if streams.output_error() else 0


def _version(asked: bool) -> None:
    if asked:
        from sweeps.tasks import VERSION

        streams.show(f"kan-sweep {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command()
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
    from sweeps import launch as launching
    from sweeps.backends import check_choice, check_jobs, get_backend
    from sweeps.checks import pick
    from sweeps.progress import KINDS
    from sweeps.runner import RunnerOptions
    from sweeps.shard import parse_shard
    from sweeps.table_options import TableOptions
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
        return launching.dry_run(request, streams.show) or _shown()
    return launching.launch(
        request, RunnerOptions(backend, jobs, progress, scheduler, n_bytes), streams.say, streams.show
    )


@app.command()
def auto(
    source: Annotated[
        str, typer.Argument(metavar="TABLE", parser=paths.source, help="A table with a header row (.csv).")
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
    from sweeps import launch as launching
    from sweeps.auto.command import AutoRequest, find_model
    from sweeps.backends import check_jobs
    from sweeps.runner import RunnerOptions
    from sweeps.table_options import TableOptions
    from sweeps.units import parse_duration

    check_jobs(jobs)
    columns = launching.parse_features(features) if features is not None else ()
    options = TableOptions(group, test, folds, classes, decimal=decimal)
    seconds = parse_duration(budget, "budget")
    request = AutoRequest(source, target, columns, options, seconds, tolerance, seeds, out, report)
    command = launching.command_line()
    return find_model(request, RunnerOptions(jobs=jobs, progress="none"), command, streams.say, streams.show)


@app.command()
def status(
    directory: Directory,
    watch: Annotated[bool, typer.Option("--watch", help="Follow a running sweep until it ends.")] = False,
    every: Annotated[float, typer.Option(min=0.1, help="With --watch: seconds between two looks.")] = 2.0,
) -> int:
    """Say how far a sweep is: done, failed, left; the slowest runs; why runs failed."""
    from sweeps.overview import status_lines
    from sweeps.store import Store

    if watch:
        from sweeps.watch import watch_sweep

        with understood(directory):
            watch_sweep(directory, every, sys.stdout)
        return 0
    with understood(directory), Store.open(directory, readonly=True) as store:
        lines = status_lines(store)
    for line in lines:
        streams.show(line)
    return _shown()


@app.command()
def report(
    directory: Directory,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            parser=paths.path,
            help="The page, DIR/report.html if not given; for x.html its files go to x_files/. "
            "Its directory is made.",
        ),
    ] = None,
) -> int:
    """Write report.html, the figures and the fronts from what is stored."""
    from sweeps.report import write_report

    with understood(directory):
        path = write_report(directory, output)
    streams.show(str(path))
    return 0


@app.command()
def compare(
    first: Annotated[
        Path, typer.Argument(metavar="A", parser=paths.path, help="The --out directory of a sweep.")
    ],
    second: Annotated[Path, typer.Argument(metavar="B", parser=paths.path, help="That of another one.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            parser=paths.path,
            help="The page; for x.html its files go to x_files/. Its directory is made.",
        ),
    ] = Path("compare.html"),
) -> int:
    """Set two sweeps side by side: errors at equal parameters, fronts, what differs in their origins.

    Only functions that both have learnt from the same samples are compared; the others are named. Exit
    code 1: no model of one family is finished in both.
    """
    from sweeps.compare import compare_sweeps, comparison_verdict, left_out_lines, ratios_table
    from sweeps.page.compare_page import write_comparison
    from sweeps.page.tables import text_lines

    with understood(first), understood(second):
        found = compare_sweeps(first, second)
    write_comparison(found, output)
    told = (*left_out_lines(found), comparison_verdict(found))
    for line in (*text_lines(ratios_table(found)), *told, str(output)):
        streams.show(line)
    return 0 if any(pair.ratios for pair in found.pairs) else 1


@app.command()
def export(
    directory: Directory,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", parser=paths.path, help="runs.csv, .jsonl or .parquet; its directory is made."
        ),
    ],
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="CSV: no quote in front of texts that spreadsheets compute, such as -x + 1."
        ),
    ] = False,
) -> int:
    """Write every stage of every run as a table."""
    from sweeps.export import export_runs
    from sweeps.store import Store

    with understood(directory), Store.open(directory, readonly=True) as store:
        export_runs(store, output, raw=raw)
    streams.show(str(output))
    return 0


@app.command()
def merge(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...", parser=paths.path, help="Directories of shards of a sweep, or of copies."
        ),
    ],
    out: Annotated[
        Path, typer.Option(parser=paths.path, help="The directory of the whole; made if missing.")
    ],
    report: Annotated[bool, typer.Option("--report/--no-report", help="Write the report at the end.")] = True,
) -> int:
    """Join the stores of the shards of a sweep; a run that several have counts once.

    Stores of different sweeps are refused. Exit code 1: a shard or runs are missing in what was joined, or
    runs in it are stale.
    """
    from sweeps.merge import merge as merge_stores
    from sweeps.merge import merge_lines

    merged = merge_stores(directories, out)
    for line in merge_lines(merged):
        streams.show(line)
    if report:
        from sweeps.report import write_report

        streams.show(f"report: {write_report(out)}")
    return 0 if merged.complete else 1


@app.command()
def repair(
    directory: Directory,
    out: Annotated[Path, typer.Option(parser=paths.path, help="A new directory, for what is rescued.")],
) -> int:
    """Bring every run that is whole in a damaged store into a new one; the damaged one stays as it is.

    Exit code 1: something was lost, or planned runs are missing that may have been lost.
    """
    from sweeps.repair import repair as repair_store
    from sweeps.repair import repair_lines

    with understood(directory):
        repaired = repair_store(directory, out)
    for line in repair_lines(repaired, out):
        streams.show(line)
    return 0 if repaired.complete else 1


@app.command()
def show(
    directory: Directory,
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="A run id, or how it starts.")],
    stage: Annotated[
        int | None, typer.Option(min=0, help="Which stage; the best by validation error if not given.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=paths.path,
            help="The picture (.png if it has no suffix); DIR/figures/run-RUN_ID-stage-N.png.",
        ),
    ] = None,
) -> int:
    """Print a run, reload its model and draw it."""
    from sweeps.show import show_run
    from sweeps.store import Store

    with understood(directory), Store.open(directory, readonly=True) as store:
        show_run(store, run_id, stage, out, streams.show, streams.say)
    return _shown()


@app.command(name="list")
def list_(
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", parser=paths.path, help="List the runs of this sweep.")
    ] = None,
) -> int:
    """List suites, functions and presets, or the runs of a sweep."""
    from sweeps.overview import catalogue_lines, run_lines
    from sweeps.store import Store

    if directory is None:
        lines = catalogue_lines()
    else:
        with understood(directory), Store.open(directory, readonly=True) as store:
            lines = run_lines(store)
    for line in lines:
        streams.show(line)
    return _shown()

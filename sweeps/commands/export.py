"""`kan-sweep export`: all runs as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams
from sweeps.commands._shared import Directory
from sweeps.storage.sqlite_errors import understood


def export(
    directory: Directory,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", parser=paths.path, help="runs.csv, .jsonl, .parquet or .xlsx."),
    ],
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="CSV: no quote in front of texts that spreadsheets compute, such as -x + 1."
        ),
    ] = False,
) -> int:
    """Write every stage of every run as a table."""
    from sweeps.storage.export import export_runs
    from sweeps.storage.store import Store

    with understood(directory), Store.open(directory, readonly=True) as store:
        export_runs(store, output, raw=raw)
    streams.show(str(output))
    return 0

"""`kan-sweep merge`: join the stores of shards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams


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
    from sweeps.storage.merge import merge as merge_stores
    from sweeps.storage.merge import merge_lines

    merged = merge_stores(directories, out)
    for line in merge_lines(merged):
        streams.show(line)
    if report:
        from sweeps.page.report import write_report

        streams.show(f"report: {write_report(out, progress=True)}")
    return 0 if merged.complete else 1

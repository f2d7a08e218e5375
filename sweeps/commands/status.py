"""`kan-sweep status`: how far a sweep is."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from sweeps import streams
from sweeps.commands._shared import Directory, exit_code_of_shown
from sweeps.storage.sqlite_errors import understood


def status(
    directory: Directory,
    watch: Annotated[bool, typer.Option("--watch", help="Follow a running sweep until it ends.")] = False,
    every: Annotated[float, typer.Option(min=0.1, help="With --watch: seconds between two looks.")] = 2.0,
) -> int:
    """Say how far a sweep is: done, failed, left; the slowest runs; why runs failed."""
    from sweeps.commands.overview import paper_lines, status_lines
    from sweeps.storage.store import Store

    if watch:
        from sweeps.commands.watch import watch_sweep

        with understood(directory):
            watch_sweep(directory, every, sys.stdout)
        return 0
    lines = paper_lines(directory)
    if not lines:
        with understood(directory), Store.open(directory, readonly=True) as store:
            lines = status_lines(store)
    for line in lines:
        streams.show(line)
    return exit_code_of_shown()

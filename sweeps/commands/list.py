"""`kan-sweep list`: suites, functions and presets, or the runs of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams
from sweeps.commands._shared import exit_code_of_shown
from sweeps.storage.sqlite_errors import understood


def list_(
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", parser=paths.path, help="List the runs of this sweep.")
    ] = None,
) -> int:
    """List suites, functions and presets, or the runs of a sweep."""
    from sweeps.commands.overview import catalogue_lines, paper_lines, run_lines
    from sweeps.storage.store import Store

    if directory is None:
        lines = catalogue_lines()
    else:
        lines = paper_lines(directory)
        if not lines:
            with understood(directory), Store.open(directory, readonly=True) as store:
                lines = run_lines(store)
    for line in lines:
        streams.show(line)
    return exit_code_of_shown()

"""`kan-sweep repair`: rescue the runs of a damaged store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams
from sweeps.commands._shared import Directory
from sweeps.storage.sqlite_errors import understood


def repair(
    directory: Directory,
    out: Annotated[Path, typer.Option(parser=paths.path, help="A new directory, for what is rescued.")],
) -> int:
    """Bring every run that is whole in a damaged store into a new one; the damaged one stays as it is.

    Exit code 1: something was lost, or planned runs are missing that may have been lost.
    """
    from sweeps.storage.repair import repair as repair_store
    from sweeps.storage.repair import repair_lines

    with understood(directory):
        repaired = repair_store(directory, out)
    for line in repair_lines(repaired, out):
        streams.show(line)
    return 0 if repaired.complete else 1

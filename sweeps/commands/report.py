"""`kan-sweep report`: write the page and the figures of a sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams
from sweeps.commands._shared import Directory
from sweeps.storage.sqlite_errors import understood


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
    from sweeps.page.paper_report import is_paper, write_paper
    from sweeps.page.report import write_report

    with understood(directory):
        if is_paper(directory):
            path = write_paper(directory, output)
        else:
            path = write_report(directory, output, progress=True)
    streams.show(str(path))
    return 0

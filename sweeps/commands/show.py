"""`kan-sweep show`: a run, its model and a picture of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams
from sweeps.commands._shared import Directory, exit_code_of_shown
from sweeps.storage.sqlite_errors import understood


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
    from sweeps.commands.run_details import show_run
    from sweeps.storage.store import Store

    with understood(directory), Store.open(directory, readonly=True) as store:
        show_run(store, run_id, stage, out, streams.show, streams.say)
    return exit_code_of_shown()

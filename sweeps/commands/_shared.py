"""Common parts of commands: the argument that names a sweep, and the exit code of printing commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps import paths, streams

Directory = Annotated[
    Path, typer.Argument(metavar="DIR", parser=paths.path, help="The --out directory of a sweep.")
]
EXIT_NOT_SHOWN = 1


def exit_code_of_shown() -> int:
    """Return the exit code of a command whose result is what it has shown."""
    return EXIT_NOT_SHOWN if streams.output_error() else 0

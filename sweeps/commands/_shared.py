"""Common parts of commands: the argument that names a sweep, and the exit code of printing commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from sweeps import paths, streams

Directory = Annotated[
    Path, typer.Argument(metavar="DIR", parser=paths.path, help="The --out directory of a sweep.")
]
EXIT_NOT_SHOWN = 1
#: Groups of options in the help of a command.
TABLE_GROUP, RUN_GROUP, AGAIN_GROUP, RESULT_GROUP = (
    *("Tables only", "How it is carried out", "What is done again, or in part"),
    "What comes of it",
)


def choice(names: Sequence[str], text: str, group: str | None = None) -> Any:
    """Return an option that has one of some values, which its help shows and a shell completes.

    What is typed is checked where it is used, with a message in this program's words.
    """

    def complete(incomplete: str) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    metavar = f"[{'|'.join(names)}]"
    return typer.Option(help=text, metavar=metavar, autocompletion=complete, rich_help_panel=group)


def grouped(group: str, *names: str, **given: Any) -> Any:
    """Return an option that the help of a command shows in a group."""
    return typer.Option(*names, rich_help_panel=group, **given)


def exit_code_of_shown() -> int:
    """Return the exit code of a command whose result is what it has shown."""
    return EXIT_NOT_SHOWN if streams.output_error() else 0

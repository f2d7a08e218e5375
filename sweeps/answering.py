"""Executes a command and returns its exit code; user errors are one line of text, not a traceback."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from sweeps import streams
from sweeps._usage import usage_text
from sweeps.errors import UserError
from sweeps.interrupts import EXIT_INTERRUPTED

EXIT_BAD_INPUT = 2


class Interrupted(Exception):  # noqa: N818 - not a mistake
    """A command that does not handle Ctrl-C itself was interrupted by it."""


class Commands(TyperGroup):
    """The commands; typer would make a bare exit code of an interrupt, which `main` is to put into words."""

    def invoke(self, ctx: Any) -> Any:
        """Carry out the command that was typed."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted from None


def answered(app: typer.Typer, arguments: list[str]) -> int:
    """Run a command, say what went wrong, and return its exit code."""
    try:
        code = app(arguments or ["--help"], prog_name="kan-sweep", standalone_mode=False)
    except UserError as error:
        streams.say(f"error: {error}")
        return EXIT_BAD_INPUT
    except (Interrupted, KeyboardInterrupt, typer.Abort):
        streams.say(
            "interrupted; nothing that was stored is lost, and the same command goes on or begins again."
        )
        return EXIT_INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        streams.say(f"error: {where}{error.strerror or error}. What was stored is kept.")
        return EXIT_BAD_INPUT
    except Exception as error:
        # What typer raises for a wrong option knows its exit code and its message, under a name that differs
        # from release to release.
        if not hasattr(error, "format_message"):
            raise
        streams.say(f"error: {usage_text(error, error.format_message(), arguments)} See: kan-sweep --help")
        return EXIT_BAD_INPUT
    return int(code or 0)

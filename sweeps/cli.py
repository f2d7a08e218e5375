"""The command line: `kan-sweep`, also `python -m sweeps`.

Results go to stdout, everything for the eyes to stderr. Exit codes: 0 all went well; 1 some runs failed or
the workers were lost, what was merged or repaired is not all there, nothing could be compared, or what was to
be shown could not be; 2 bad input; 130 interrupted.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from sweeps import streams
from sweeps.answering import Commands, answered
from sweeps.commands._shared import EXIT_NOT_SHOWN
from sweeps.commands.auto import auto
from sweeps.commands.compare import compare
from sweeps.commands.export import export
from sweeps.commands.list import list_
from sweeps.commands.merge import merge
from sweeps.commands.predict import predict
from sweeps.commands.repair import repair
from sweeps.commands.report import report
from sweeps.commands.run import run
from sweeps.commands.show import show
from sweeps.commands.status import status
from sweeps.interrupts import stops_as_interrupts

app = typer.Typer(
    cls=Commands,
    name="kan-sweep",
    help="Train KANs and MLPs on functions or on a table, and draw accuracy against parameters.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
for command in (run, auto, predict, status, report, compare, export, merge, repair, show):
    app.command()(command)
app.command(name="list")(list_)

_SHOW_ONLY = frozenset({"--help", "-h", "--version"})


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code; a mistake of the user is one message, no traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    with streams.forgiving(), stops_as_interrupts():
        code = answered(app, arguments)
        if reason := streams.output_error():
            streams.say(
                f"error: cannot write to standard output: {reason}. Not all of what it shows is there."
            )
            if _SHOW_ONLY.intersection(arguments or _SHOW_ONLY):
                return code or EXIT_NOT_SHOWN
        return code


def _version(asked: bool) -> None:
    if asked:
        from sweeps.spec.tasks import VERSION

        streams.show(f"kan-sweep {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    """Take the options that stand before a command."""

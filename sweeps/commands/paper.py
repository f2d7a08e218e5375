"""`kan-sweep run paper`: the parts of the KAN paper one after the other, and the page about all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sweeps.checks import pick
from sweeps.commands import launch as launching
from sweeps.commands.launch import Request
from sweeps.errors import UserError
from sweeps.interrupts import EXIT_INTERRUPTED
from sweeps.runner import RunnerOptions
from sweeps.spec.paper import PAPER, PAPER_PRESETS, Part, parts
from sweeps.spec.spec_reader import FULL
from sweeps.spec.table_options import TableOptions

Say = Callable[[str], None]


def chosen_parts(names: Sequence[str]) -> list[Part]:
    """Return the parts of these names in their order, all if there are none; a UserError for another name."""
    known = parts()
    wanted = {pick("--part", name, known) for name in names}
    return [part for name, part in known.items() if not wanted or name in wanted]


def launch_paper(
    request: Request, names: Sequence[str], runner_options: RunnerOptions, say: Say, show: Say
) -> int:
    """Carry out the parts that are asked for, or what is left of them, write the page, return the exit code.

    Ctrl-C ends it after the page is written, with what is done; the same command goes on.
    """
    requests = _requests(request, names)
    worst = 0
    for number, (part, own) in enumerate(requests, start=1):
        say(f"part {number} of {len(requests)}, {part.name}: {part.title}")
        code = launching.launch(own, runner_options, say, show)
        worst = max(worst, code)
        if code == EXIT_INTERRUPTED:
            break
    if request.report:
        _write_page(request.directory, say)
        show(f"page: {request.directory / 'report.html'}")
    return worst


def dry_run_paper(request: Request, names: Sequence[str], show: Say) -> int:
    """Print what `launch_paper` would do, and change nothing."""
    for _, own in _requests(request, names):
        launching.dry_run(own, show)
        show("")
    return 0


def _requests(request: Request, names: Sequence[str]) -> list[tuple[Part, Request]]:
    """Return every part with its own request; a UserError for options that are for one sweep only."""
    preset = pick("--preset", request.preset or FULL, PAPER_PRESETS)
    if request.target or request.features or request.table != TableOptions() or request.formula:
        raise UserError(f"{PAPER!r} is no table and has its own models; options of tables do not go with it.")
    if request.shard is not None or request.limit is not None:
        raise UserError(f"--shard and --limit are for one sweep; {PAPER!r} is several. Take --part instead.")
    return [
        (part, replace(request, preset=None, out=request.directory / part.name, spec=part.spec(preset)))
        for part in chosen_parts(names)
    ]


def _write_page(directory: Path, say: Say) -> None:
    from sweeps.page.paper_report import write_paper

    say("writing the page about all parts ...")
    write_paper(directory)

"""Displays the progress of a sweep: a bar on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from sweeps.checks import pick
from sweeps.families import family_of
from sweeps.spec.plan import cost
from sweeps.spec.run_config import RunConfig

KINDS = ("auto", "bar", "plain", "none")
_LINE_EVERY_S = 5.0


class Tally:
    """Counts of a running sweep and what follows from them.

    Long runs come first, so the time left is judged by estimated costs. Those of a family are corrected by
    what its runs have really taken: beside the others they may be far off, for a search for a formula may use
    its time or end at once. It is a guess as long as no run of a family has ended.
    """

    def __init__(self, runs: Sequence[RunConfig]) -> None:
        self.total = len(runs)
        self.done = self.failed = self.models = 0
        self._left = {run.run_id: (run.family, cost(run.config)) for run in runs}
        self._n_left = Counter(run.family for run in runs)
        self._left_cost = dict.fromkeys(self._n_left, 0.0)
        for family, seconds in self._left.values():
            self._left_cost[family] += seconds
        self._done_cost = dict.fromkeys(self._n_left, 0.0)
        self._done_s = dict.fromkeys(self._n_left, 0.0)
        self._start = time.monotonic()

    def restart_clock(self) -> None:
        """Let the time count from now."""
        self._start = time.monotonic()

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one completed run."""
        self.done += 1
        self.failed += record["status"] != "ok"
        # The formulas of one search are one model, as in the plan.
        family, seconds = self._left.pop(record["run_id"])
        self.models += family_of(family).n_models(len(record["stages"]))
        self._n_left[family] -= 1
        self._left_cost[family] -= seconds
        self._done_cost[family] += seconds
        self._done_s[family] += record["wall_s"]

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    @property
    def models_per_minute(self) -> float:
        """Trained models a minute so far; every stage of a KAN is one."""
        return 60.0 * self.models / max(self.elapsed_s, 1e-9)

    @property
    def left_s(self) -> float | None:
        """Estimated seconds to the end, None before the first run is done."""
        spent = sum(self._done_s.values())
        if not self.done or spent <= 0.0:
            return None
        work = sum(
            self._pace(family) * self._left_cost[family] for family, n in self._n_left.items() if n > 0
        )
        return max(0.0, self.elapsed_s * work / spent)

    @property
    def left_text(self) -> str:
        """The time left in words: "perhaps" as long as it is a guess."""
        if self.left_s is None:
            return "time left not known yet"
        known = all(self._done_cost[family] > 0.0 for family, n in self._n_left.items() if n > 0)
        return f"{'about' if known else 'perhaps'} {clock(self.left_s)} left"

    def _pace(self, family: str) -> float:
        """Return measured over estimated seconds; 1 before a run of the family has ended."""
        done = self._done_cost[family]
        return self._done_s[family] / done if done > 0.0 else 1.0

    def line(self) -> str:
        """Return the counts as one line."""
        left = f", {self.left_text}" if self.left_s is not None else ""
        return (
            f"{self.done}/{self.total} runs, {self.failed} failed, {self.models} models "
            f"({self.models_per_minute:.0f} a minute), {clock(self.elapsed_s)} elapsed{left}"
        )


class Progress(Protocol):
    """Something that shows a tally while it grows."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def update(self) -> None:
        """Take notice that the tally has changed."""


def clock(seconds: float) -> str:
    """Return seconds as m:ss or h:mm:ss.

    Examples
    --------
    >>> clock(3725.0)
    '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def make_progress(kind: str, tally: Tally, stream: TextIO | None = None) -> Progress:
    """Return the display of that kind; "auto" is a bar on a terminal and plain lines elsewhere.

    Raises
    ------
    UserError
        If the kind is unknown.
    """
    stream = stream or sys.stderr
    pick("progress", kind, KINDS)
    if kind == "auto":
        kind = "bar" if stream.isatty() else "plain"
    if kind == "bar":
        return Bar(tally, stream)
    return Plain(tally, stream) if kind == "plain" else Silent()


@contextlib.contextmanager
def figures_bar(total: int, wanted: bool = True) -> Iterator[Callable[[str], None]]:
    """Show on a terminal how many figures of a page are drawn; yield what takes the name of one."""
    if not (wanted and sys.stderr is not None and sys.stderr.isatty()):
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("writing the report"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda name: bar.update(task, advance=1, description=name)


class Silent:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""

    def update(self) -> None:
        """Nothing to show."""


class Plain(Silent):
    """Writes a line every few seconds, and one at the end."""

    def __init__(self, tally: Tally, stream: TextIO, every_s: float = _LINE_EVERY_S) -> None:
        self._tally, self._stream, self._every_s = tally, stream, every_s
        self._last = time.monotonic()
        self._shown = -1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the last count, unless it was written already."""
        if self._tally.done > max(self._shown, 0):
            self._write()

    def update(self) -> None:
        """Write a line if the last one is old enough."""
        if time.monotonic() - self._last >= self._every_s:
            self._write()

    def _write(self) -> None:
        self._last, self._shown = time.monotonic(), self._tally.done
        self._stream.write(self._tally.line() + "\n")
        self._stream.flush()


class Bar:
    """A bar of rich."""

    def __init__(self, tally: Tally, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._tally = tally
        self._bar = RichProgress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("runs{task.fields[failed]}, {task.fields[rate]:.0f} models a minute,"),
            TimeElapsedColumn(),
            TextColumn("elapsed, {task.fields[left]}"),
            console=Console(file=stream),
        )
        self._task: Any = self._bar.add_task(
            "runs", total=tally.total, failed="", rate=0.0, left=tally.left_text
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        self._bar.stop()

    def update(self) -> None:
        """Redraw the bar."""
        tally = self._tally
        failed = f", {tally.failed} failed" if tally.failed else ""
        self._bar.update(
            self._task,
            completed=tally.done,
            failed=failed,
            rate=tally.models_per_minute,
            left=tally.left_text,
        )

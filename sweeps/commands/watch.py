"""`kan-sweep status --watch`: follows a running sweep from another terminal without writing to its store.

How fast it goes follows from the seconds at which runs were stored, by the clock of the sweep's own process
that nobody can set, and from the watcher's own such clock; never from the time of day.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from sweeps._safe_text import one_line
from sweeps.commands.overview import model_text
from sweeps.progress import clock
from sweeps.records import group_id
from sweeps.spec.plan import cost
from sweeps.storage.lock import Holder, holder
from sweeps.storage.store import Store
from sweeps.streams import reader_left

#: The speed is computed from this many latest runs.
_WINDOW = 200
_SHOWN = 5


@dataclass(frozen=True)
class Observation:
    """What one look at a sweep shows.

    `per_minute` is of runs, None where it is not known yet; `left_s` are the seconds that are left by the
    estimated costs of what is done and what is not. `slowest` and `failing` are configurations, whatever
    their seeds: their names with mean seconds and runs, or with status, reason and number of failures.
    """

    title: str
    planned: int
    recorded: int
    failed: int
    stale: int
    per_minute: float | None
    left_s: float | None
    slowest: tuple[tuple[str, float, int], ...]
    failing: tuple[tuple[str, str, int], ...]
    holder: Holder | None

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to wait for."""
        # A sweep that has just begun has no plan yet.
        return 0 < self.planned <= self.recorded or self.holder is None

    def line(self) -> str:
        """Return the counts as one line."""
        parts = [f"{self.recorded}/{self.planned} runs", f"{self.failed} failed"]
        if self.stale:
            parts.append(f"{self.stale} stale")
        if self.per_minute is not None:
            parts.append(f"{self.per_minute:.0f} a minute")
        if self.left_s is not None and self.recorded < self.planned:
            parts.append(f"about {clock(self.left_s)} left")
        return ", ".join(parts)

    def lines(self) -> list[str]:
        """Return everything as lines of text."""
        lines = [self.title, self.line()]
        lines.append(f"written by {self.holder}" if self.holder is not None else "no sweep is running")
        if self.slowest:
            lines += ["", "slowest configurations"]
            lines += [f"  {seconds:9.2f} s  {count:4d} x  {name}" for name, seconds, count in self.slowest]
        if self.failing:
            lines += ["", "failing configurations"]
            lines += [f"  {count:4d} x  {name}: {reason}" for name, reason, count in self.failing]
        return [one_line(line) for line in lines]


class Watch:
    """Looks at a store again and again, and reads only what is new each time.

    Parameters
    ----------
    store : Store
        Open for reading.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._plan_rows = ""
        self._start_over()

    def _start_over(self) -> None:
        """Forget everything, for there is a new plan: other runs than those that it asks for do not count."""
        self._left: dict[str, float] = {}
        self._planned: set[str] = set()
        self._last_row = 0
        self._names: dict[str, str] = {}
        self._seconds: dict[str, tuple[float, int]] = {}
        self._bad: Counter[tuple[str, str]] = Counter()
        self._recent: deque[tuple[int, float, float]] = deque(maxlen=_WINDOW)

    def look(self) -> Observation:
        """Return how the sweep is now."""
        # Asked first: what a sweep has stored that ended meanwhile is then counted.
        writer = holder(self._store.directory)
        with self._store.snapshot():
            meta, counts = self._store.meta(), self._store.counts()
            plan_rows = meta.get("plan_rows", meta["plan_of"])
            if plan_rows != self._plan_rows or not self._left:
                if plan_rows != self._plan_rows:
                    self._start_over()
                    self._planned = {run_id for run_id, _ in self._store.plan_tasks()}
                self._plan_rows = plan_rows
                self._left = {run_id: cost(config) for run_id, _, _, config in self._store.missing()}
            news = self._store.runs_after(self._last_row)
        for row, run in news:
            self._last_row = max(self._last_row, row)
            self._take(run)
        per_s, cost_per_s = self._speeds()
        left = sum(self._left.values())
        return Observation(
            title=str(meta["title"]),
            planned=counts["planned"],
            recorded=counts["planned"] - counts["missing"],
            failed=sum(count for _, _, count in self._store.failures(planned=True)),
            stale=counts["stale"],
            per_minute=60.0 * per_s if per_s else None,
            left_s=left / cost_per_s if cost_per_s else None,
            slowest=self._slowest(),
            failing=tuple(
                (self._names[group], reason, count)
                for (group, reason), count in self._bad.most_common(_SHOWN)
            ),
            holder=writer,
        )

    def _take(self, run: Mapping[str, Any]) -> None:
        if self._planned and run["run_id"] not in self._planned:
            return
        config = run["config"]
        group = group_id(config)
        self._names.setdefault(group, f"{run['task']}  {model_text(config)}")
        spent = self._left.pop(run["run_id"], None)
        seconds, count = self._seconds.get(group, (0.0, 0))
        self._seconds[group] = (seconds + (run["wall_s"] or 0.0), count + 1)
        if run["status"] != "ok":
            self._bad[group, f"{run['status']}: {run['reason']}"] += 1
        if run["session"] is not None:
            took = cost(config) if spent is None else spent
            self._recent.append((run["session"], run["at_s"], took))

    def _speeds(self) -> tuple[float, float]:
        """Return runs, and estimated cost, a second, over the last runs of one session; 0 if not known."""
        if not self._recent:
            return 0.0, 0.0
        session = self._recent[-1][0]
        own = [(at_s, took) for number, at_s, took in self._recent if number == session]
        # The clock of a session starts before its first run, whose own time counts.
        begin = own[0][0] if len(own) > 1 else 0.0
        counted = own[1:] if len(own) > 1 else own
        span = own[-1][0] - begin
        if span <= 0.0:
            return 0.0, 0.0
        return len(counted) / span, sum(took for _, took in counted) / span

    def _slowest(self) -> tuple[tuple[str, float, int], ...]:
        means = {group: (seconds / count, count) for group, (seconds, count) in self._seconds.items()}
        order = sorted(means, key=lambda group: (-means[group][0], group))[:_SHOWN]
        return tuple((self._names[group], *means[group]) for group in order)


def watch_sweep(directory: str | Path, every_s: float, stream: TextIO) -> None:
    """Show how a sweep goes until it ends, or Ctrl-C: a page that is redrawn on a terminal, else lines.

    It ends too when nobody reads the lines any more.

    Raises
    ------
    UserError
        If there is no readable store.
    """
    with Store.open(directory, readonly=True) as store:
        watch = Watch(store)
        if stream.isatty():
            _draw(watch, every_s, stream)
        else:
            _write_lines(watch, every_s, stream)


def _draw(watch: Watch, every_s: float, stream: TextIO) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(file=stream), auto_refresh=False) as live:
        while True:
            seen = watch.look()
            live.update(Text("\n".join(seen.lines()), overflow="ellipsis", no_wrap=True), refresh=True)
            if seen.ended or reader_left(stream):
                return
            time.sleep(every_s)


def _write_lines(watch: Watch, every_s: float, stream: TextIO) -> None:
    shown = -1
    while True:
        seen = watch.look()
        if seen.ended:
            stream.write("\n".join(seen.lines()) + "\n")
            stream.flush()
            return
        if seen.recorded != shown:
            shown = seen.recorded
            stream.write(seen.line() + "\n")
            stream.flush()
        if reader_left(stream):
            return
        time.sleep(every_s)

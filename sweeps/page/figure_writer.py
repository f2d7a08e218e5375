"""Writes figures as PDF, PNG and SVG files; many of them in parallel processes."""

from __future__ import annotations

import contextlib
import os
import pickle
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from matplotlib.figure import Figure

from sweeps._files import write_file
from sweeps._orphans import end_with
from sweeps.interrupts import ignore_terminal, start_trackers
from sweeps.page.style import render

#: Formats for papers and for slides; SVG files are written by `sweeps.page.gallery`, whose pages contain
#: them, too.
KINDS = ("pdf", "png")
#: A process is started for at least this many figures, which take as long to write as a process to start.
_WORTH_A_PROCESS = 8
#: Most figures that wait in memory to be written; with more the caller waits.
_MOST_WAITING = 64


class FigureWriter:
    """Writes figures as files while its owner goes on; leaving the `with` block waits for the last one.

    Parameters
    ----------
    n_figures : int
        About how many figures will come.
    cores : int, optional
        How many cores may be used; all that this process may use if not given.

    Raises
    ------
    UserError
        At the end of the block at the latest, if a file cannot be written.
    """

    def __init__(self, n_figures: int = 0, cores: int | None = None) -> None:
        self._waiting: deque[tuple[Any, bytes, Path]] = deque()
        self._pool: Any = None
        if n_figures < _WORTH_A_PROCESS:
            return
        from joblib import cpu_count
        from joblib.externals.loky import ProcessPoolExecutor

        helpers = min((cpu_count() if cores is None else cores) - 1, n_figures // _WORTH_A_PROCESS)
        if helpers > 0:
            start_trackers()
            self._pool = ProcessPoolExecutor(helpers, initializer=_begin, initargs=(os.getpid(),))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is None:
            return
        try:
            while error is None and self._waiting:
                self._settle()
        finally:
            # Not `kill_workers`: where work still waits, loky's thread may end in a KeyError.
            for future, _, _ in self._waiting:
                future.cancel()
            self._pool.shutdown()

    def add(self, figure: Figure, path: Path) -> None:
        """Write a figure that has been laid out to `path` with the suffix of each kind."""
        if self._pool is None:
            _write(figure, path)
            return
        content = pickle.dumps(figure)
        with self._unless_killed(content, path):
            self._waiting.append((self._pool.submit(_write_pickled, content, path), content, path))
        while len(self._waiting) > _MOST_WAITING:
            self._settle()

    def _settle(self) -> None:
        """Wait for the figure that has waited longest."""
        future, content, path = self._waiting.popleft()
        with self._unless_killed(content, path):
            future.result()

    @staticmethod
    @contextlib.contextmanager
    def _unless_killed(content: bytes, path: Path) -> Iterator[None]:
        """Write a figure here if the processes that were to write it are gone."""
        from joblib.externals.loky import BrokenProcessPool

        try:
            yield
        except BrokenProcessPool:
            _write_pickled(content, path)


def _write(figure: Figure, path: Path) -> None:
    for kind in KINDS:
        write_file(path.with_name(f"{path.name}.{kind}"), render(figure, kind))


def _write_pickled(content: bytes, path: Path) -> None:
    _write(pickle.loads(content), path)


def _begin(owner: int) -> None:
    """Leave what a terminal sends to every process in it to the one that started this one; end with it."""
    ignore_terminal()
    end_with(owner)

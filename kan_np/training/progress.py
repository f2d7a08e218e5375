"""Progress bars of what takes long; rich draws them, and they stay silent where there is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from kan_np import _validate

#: Takes how much is done, and a few words on what was found.
Show = Callable[[float, str], None]


@dataclass(frozen=True)
class SearchProgress:
    """Where a search for formulas or symbols is: what its callback takes.

    Attributes
    ----------
    done : float
        Seconds of processor time of `discover`, edges of `auto_symbolic`, outputs of `symbolic_formula`.
    total : float or None
        How much there is to do; None if nobody knows.
    text : str
        What was tried last, and what came of it.
    best : Candidate, optional
        Of `discover`, the best formula so far.
    """

    done: float
    total: float | None
    text: str
    best: Any = None


SearchCallback = Callable[[SearchProgress], object]


class Watch:
    """Shows progress, asks the callback of the user, and remembers that it answered True.

    Parameters
    ----------
    show : callable
    callback : callable, optional
    total : float, optional

    Raises
    ------
    TypeError
        For a callback that cannot be called.
    """

    def __init__(
        self, show: Show, callback: SearchCallback | None = None, total: float | None = None
    ) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(
                f"callback is {_validate.shown(callback)}; expected a function that takes a SearchProgress."
            )
        self._show, self._callback, self._total = show, callback, total
        self._before, self._name = 0.0, ""
        self.stopped = False

    def begin(self, before: float, name: str) -> None:
        """Say of what follows how much was done before it, and what it is for."""
        self._before, self._name = before, name

    def __call__(self, done: float, text: str, best: Any = None) -> None:
        """Show it, and ask."""
        done += self._before
        text = f"{self._name}: {text}" if self._name else text
        self._show(done, text)
        if self._callback is not None and not self.stopped:
            answer = self._callback(SearchProgress(done, self._total, text, best))
            self.stopped = isinstance(answer, bool | np.bool_) and bool(answer)  # only True


@contextmanager
def step_bar(steps: int) -> Iterator[Show]:
    """Show a bar on stderr while the block runs; call the yielded function with (steps done, text)."""
    with progress_bar("fit", steps) as show:
        yield show


@contextmanager
def progress_bar(what: str, total: float | None, wanted: bool = True, unit: str = "") -> Iterator[Show]:
    """Show on stderr what is done while the block runs; call the yielded function with (done, text).

    Parameters
    ----------
    what : str
        What is going on.
    total : float or None
        How much there is to do; None if nobody knows, for a bar that only moves.
    wanted : bool
        Nothing is shown, and rich is not imported, if it is False.
    unit : str
        Of `total`, as "s"; where it is empty these are whole numbers, and the time left is estimated.
    """
    if not wanted:
        yield lambda done, text: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    middle: list[Any] = [MofNCompleteColumn()] if total is not None and not unit else []
    last = TimeRemainingColumn() if middle else TimeElapsedColumn()
    of = "" if total is None or not unit else f"of {total:g} {unit}"
    columns = (TextColumn(what), BarColumn(), *middle, TextColumn("{task.description}"), last, TextColumn(of))
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)

        def show(done: float, text: str) -> None:
            bar.update(task, completed=done, description=text)

        yield show

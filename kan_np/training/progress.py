"""Progress bars of what takes long; rich draws them, and they stay silent where there is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Takes how much is done, and a few words on what was found.
Show = Callable[[float, str], None]


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

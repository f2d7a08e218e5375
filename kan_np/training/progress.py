"""A progress bar over training steps; rich draws it and stays silent where there is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def step_bar(steps: int) -> Iterator[Callable[[int, str], None]]:
    """Show a bar on stderr while the block runs; call the yielded function with (steps done, text)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("fit"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=steps)

        def show(done: int, text: str) -> None:
            bar.update(task, completed=done, description=text)

        yield show

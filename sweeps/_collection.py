"""Pauses Python's garbage collector while very many objects are created."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def paused_collection() -> Iterator[None]:
    """Keep Python from searching for reference cycles in the block, or in the function it decorates.

    While hundreds of thousands of objects are made that stay, it would walk through all of them again and
    again and find nothing: a third of the time. Reference counting goes on as ever.

    Examples
    --------
    >>> with paused_collection():
    ...     squares = [{"n": n, "square": n * n} for n in range(1000)]
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.contextmanager
def spared_collection() -> Iterator[None]:
    """Keep Python from searching in the block through what is there before it.

    What is made in the block is collected as ever: figures are full of reference cycles.

    Examples
    --------
    >>> with spared_collection():
    ...     squares = [{"n": n, "square": n * n} for n in range(1000)]
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()

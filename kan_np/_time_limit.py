"""A limit of wall-clock time for a block of Python that cannot be asked to stop, such as sympy's."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kan_np import _validate


def deadline(max_seconds: float | None) -> float | None:
    """When a limit that begins now is over, by `time.monotonic`; None without a limit.

    Raises
    ------
    ValueError, TypeError
        For anything but a number above 0 or None.
    """
    if max_seconds is None:
        return None
    seconds = _validate.real("max_seconds", max_seconds, 0.0)
    if seconds == 0.0:
        raise ValueError("max_seconds is 0; expected a number of seconds above 0, or None for no limit.")
    return time.monotonic() + seconds


class TimeOverError(BaseException):
    """The time of a block is over. No error that something on the way may catch as one of its own."""


@contextmanager
def ended_at(deadline: float | None) -> Iterator[None]:
    """Raise `TimeOverError` inside the block at the next call or return after `deadline`.

    Works in any thread, without signals: Python asks a profile function of this thread at every call. A
    profiler that was on before is back at the end.

    Parameters
    ----------
    deadline : float or None
        By `time.monotonic`; None for no limit, and then nothing is done.

    Raises
    ------
    TimeOverError

    Examples
    --------
    >>> try:
    ...     with ended_at(time.monotonic() + 0.01):
    ...         while True:
    ...             _ = abs(-1)
    ... except TimeOverError:
    ...     print("over")
    over
    """
    if deadline is None:
        yield
        return
    before = sys.getprofile()

    def check(frame: Any, event: str, argument: Any) -> None:
        if time.monotonic() > deadline:
            sys.setprofile(None)
            raise TimeOverError

    sys.setprofile(check)
    try:
        yield
    finally:
        sys.setprofile(before)

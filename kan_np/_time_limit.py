"""Limits of time for blocks of Python that cannot be asked to stop, such as sympy's."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

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


Found = TypeVar("Found")
#: What says that the time of the innermost block of a thread is over.
_running = threading.local()


def limits(seconds: float | None, max_seconds: float | None) -> Callable[[], str]:
    """Which of two limits that begin now is over, to be asked at any time: its name, "" for none.

    Parameters
    ----------
    seconds : float or None
        Processor time of this thread; None without a limit.
    max_seconds : float or None
        Wall-clock time.

    Raises
    ------
    ValueError, TypeError
        For anything but numbers above 0 or None.
    """
    end = deadline(max_seconds)
    if seconds is not None:
        seconds = _validate.real("seconds", seconds, 0.0)
        if seconds == 0.0:
            raise ValueError("seconds is 0; expected a number of seconds above 0, or None for no limit.")
    last = None if seconds is None else time.thread_time() + seconds

    def over() -> str:
        if end is not None and time.monotonic() > end:
            return "max_seconds"
        return "seconds" if last is not None and time.thread_time() > last else ""

    return over


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


@contextmanager
def ended_when(over: Callable[[], object]) -> Iterator[None]:
    """Raise `TimeOverError` inside the block at a call soon after `over()` has become true.

    For blocks that make many objects, as sympy's do, or call `end_if_over` in their loops. It is asked
    whenever Python looks for garbage, every some hundred new objects, which costs nothing; only when the time
    is over a profile function, which slows every call down, is set, and raises at the next call. Where
    looking for garbage is switched off it is set at once.

    Raises
    ------
    TimeOverError
        Also before the block if the time is over then.
    """
    if over():
        raise TimeOverError
    thread, before, outer = threading.get_ident(), sys.getprofile(), getattr(_running, "over", None)

    def check(frame: Any, event: str, argument: Any) -> None:
        # a return may be that of `ask`, whose errors go nowhere
        if event in ("call", "c_call") and over():
            sys.setprofile(None)
            raise TimeOverError

    def ask(phase: str, info: dict[str, int]) -> None:
        if phase == "stop" and threading.get_ident() == thread and over():
            sys.setprofile(check)

    if gc.isenabled():
        gc.callbacks.append(ask)
    else:
        sys.setprofile(check)
    _running.over = over
    try:
        yield
    finally:
        _running.over = outer
        if ask in gc.callbacks:
            gc.callbacks.remove(ask)
        sys.setprofile(before)


def end_if_over() -> None:
    """Raise `TimeOverError` if this is called in a block of `ended_when` whose time is over."""
    over = getattr(_running, "over", None)
    if over is not None and over():
        raise TimeOverError


def last_in_time(forms: Iterator[Found], over: Callable[[], object]) -> tuple[Found, bool]:
    """The last of what comes until `over()` is true, the first in any case, and whether it was the last.

    Examples
    --------
    >>> last_in_time(iter("abc"), lambda: False), last_in_time(iter("abc"), lambda: True)
    (('c', True), ('a', False))
    """
    found = next(forms)
    try:
        with ended_when(over):
            for found in forms:  # noqa: B007  what there is when the time is over
                pass
    except TimeOverError:
        return found, False
    return found, True

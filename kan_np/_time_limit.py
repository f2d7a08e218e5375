"""Limits of time for blocks of Python that cannot be asked to stop, such as sympy's."""

from __future__ import annotations

import gc
import inspect
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
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
#: Seconds before its end from which on every call of a block asks for it.
NEAR = 3.0
_CALLS = ("call", "c_call")
_GENERATORS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
#: Modules whose functions are called while objects are thrown away.
_TIDYING = {"weakref", "_weakrefset"}
#: What says that the time of the innermost block of a thread is over.
_running = threading.local()


class Limits:
    """Two limits that begin now, called for the name of the one that is over, "" while none is.

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

    def __init__(self, seconds: float | None, max_seconds: float | None) -> None:
        end = deadline(max_seconds)
        if seconds is not None:
            seconds = _validate.real("seconds", seconds, 0.0)
            if seconds == 0.0:
                raise ValueError("seconds is 0; expected a number of seconds above 0, or None for no limit.")
        self._end = float("inf") if end is None else end
        self._last = float("inf") if seconds is None else time.thread_time() + seconds

    def __call__(self) -> str:
        """The name of the limit that is over."""
        if time.monotonic() > self._end:
            return "max_seconds"
        return "seconds" if time.thread_time() > self._last else ""

    def near(self) -> bool:
        """Whether one of them is over soon."""
        return min(self._end - time.monotonic(), self._last - time.thread_time()) < NEAR


class TimeOverError(BaseException):
    """The time of a block is over. No error that something on the way may catch as one of its own."""


@contextmanager
def ended_at(deadline: float | None) -> Iterator[None]:
    """Raise `TimeOverError` inside the block at a call soon after `deadline`.

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
        if event in _CALLS and time.monotonic() > deadline and not errors_are_dropped(frame, event):
            sys.setprofile(None)
            raise TimeOverError

    sys.setprofile(check)
    try:
        yield
    finally:
        sys.setprofile(before)


def errors_are_dropped(frame: FrameType | None, event: str) -> bool:
    """Whether Python may run this frame to tidy up, and would only print an error that is raised in it.

    So it does where it closes a generator that nobody needs any more, with `__del__`, and with the functions
    that `weakref` and the collector call. A generator that begins or goes on may as well be in ordinary use:
    the calls that it makes are not passed over.

    Examples
    --------
    >>> errors_are_dropped(sys._getframe(), "call")
    False
    """
    if frame is not None and event == "call" and frame.f_code.co_flags & _GENERATORS:
        return True
    collecting = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        if frame.f_code.co_name == "__del__" or frame.f_globals.get("__name__") in _TIDYING:
            return True
        if frame.f_code in collecting:
            return True
        frame = frame.f_back
    return False


def never() -> bool:
    """No limit."""
    return False


@contextmanager
def ended_when(over: Callable[[], object], near: Callable[[], bool] = never) -> Iterator[None]:
    """Raise `TimeOverError` inside the block at a call soon after `over()` has become true.

    Where the end is `near` every call asks, which makes a block of many calls three times as slow. Where it
    is not, it is asked whenever Python looks for garbage, every some hundred new objects, and in
    `end_if_over`; that costs nothing, but a rule of sympy's that makes no more objects than it forgets is
    not ended.

    Parameters
    ----------
    over, near : callable

    Raises
    ------
    TimeOverError
        Also before the block if the time is over then.
    """
    if over():
        raise TimeOverError
    thread, before, outer = threading.get_ident(), sys.getprofile(), getattr(_running, "over", None)

    asking = False

    def check(frame: Any, event: str, argument: Any) -> None:
        # errors of `ask`, and of what it calls, go nowhere; a return may be its own
        if asking or frame.f_code is ask.__code__ or event not in _CALLS:
            return
        if over() and not errors_are_dropped(frame, event):
            sys.setprofile(None)
            raise TimeOverError

    def ask(phase: str, info: dict[str, int]) -> None:
        nonlocal asking
        asking = True
        try:
            if phase == "stop" and threading.get_ident() == thread and over():
                sys.setprofile(check)
        finally:
            asking = False

    _running.over = over
    gc.callbacks.append(ask)
    if near() or not gc.isenabled():
        sys.setprofile(check)
    try:
        yield
    finally:
        sys.setprofile(before)
        gc.callbacks.remove(ask)
        _running.over = outer


def end_if_over() -> None:
    """Raise `TimeOverError` if this is called in a block of `ended_when` whose time is over."""
    over = getattr(_running, "over", None)
    if over is not None and over():
        raise TimeOverError


def last_in_time(
    forms: Iterator[Found], over: Callable[[], object], near: Callable[[], bool] = never
) -> tuple[Found, bool]:
    """The last of what comes until `over()` is true, the first in any case, and whether it was the last.

    `near` is that of `ended_when`, asked before each.

    Examples
    --------
    >>> last_in_time(iter("abc"), lambda: False), last_in_time(iter("abc"), lambda: True)
    (('c', True), ('a', False))
    """
    found = next(forms)
    try:
        while True:
            with ended_when(over, near):
                found = next(forms)
    except StopIteration:
        return found, True
    except TimeOverError:
        return found, False

"""A limit on the processor time of Python code, for reading formulas from files."""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")
_LOOK_S = 0.05
#: Seconds after which the exception is raised again, since it may be swallowed, for instance in a destructor.
_AGAIN_S = 0.5


class _TimeIsOver(BaseException):
    """Raised within code that takes too long; `except Exception` does not catch it."""


def within(seconds: float, work: Callable[[], _Result]) -> _Result:
    """Return what `work` returns, or raise ValueError once it has used up its processor time.

    It runs in a thread, which can be interrupted between two steps of Python code, such as that of sympy. A
    single call that does not return, such as a huge power of integers, cannot be interrupted;
    `kan_np.functions.expression` refuses those before.

    Parameters
    ----------
    seconds : float
        Processor time, so that the load of the machine has no influence; elapsed time where that is not
        known.
    work : callable

    Raises
    ------
    ValueError
        If the time is over.

    Examples
    --------
    >>> within(10.0, lambda: 6 * 7)
    42
    """
    results: list[_Result] = []
    errors: list[BaseException] = []
    clocks: list[int] = []

    def run() -> None:
        try:
            if hasattr(
                time, "pthread_getcpuclockid"
            ):  # called inside the thread: the clock of a thread that has ended is not defined
                clocks.append(time.pthread_getcpuclockid(threading.get_ident()))
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    started = time.monotonic()
    thread.start()
    try:
        while thread.is_alive() and _used(clocks, started) <= seconds:
            thread.join(_LOOK_S)
    finally:
        # also if the caller is interrupted while it waits
        while thread.is_alive():
            _interrupt(thread)
            thread.join(_AGAIN_S)
    if results:
        return results[0]
    if errors and not isinstance(errors[0], _TimeIsOver):
        raise errors[0]
    raise ValueError(f"it takes more than {seconds:g} s to set up")


def _used(clocks: list[int], started: float) -> float:
    """Processor time of the thread that stored its clock in `clocks`, else the time since its start."""
    if clocks:
        with contextlib.suppress(OSError):  # the thread has ended in the meantime
            return time.clock_gettime(clocks[0])
    return time.monotonic() - started


def _interrupt(thread: threading.Thread) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_TimeIsOver)
    )

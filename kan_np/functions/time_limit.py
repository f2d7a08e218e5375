"""Python code that may take so much processor time and no more: for formulas from files."""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")
_LOOK_S = 0.05
#: What was raised may be lost, as in a destructor, and is then raised again.
_AGAIN_S = 0.5


class _TimeIsOver(BaseException):
    """Raised within code that takes too long; no handler of an Exception keeps it."""


def within(seconds: float, work: Callable[[], _Result]) -> _Result:
    """Return what `work` returns, or raise ValueError once it has used up its processor time.

    It is computed in a thread, where it can be interrupted between two steps of Python code: sympy is such
    code. A single call that does not return, as of a huge power, cannot be; `kan_np.functions.expression`
    refuses those before.

    Parameters
    ----------
    seconds : float
        Of processor time, so that a busy machine changes nothing; of time where that is not known.
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
            ):  # asked from within: that of a dead thread is no number
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
        # also where the caller is interrupted while it waits
        while thread.is_alive():
            _interrupt(thread)
            thread.join(_AGAIN_S)
    if results:
        return results[0]
    if errors and not isinstance(errors[0], _TimeIsOver):
        raise errors[0]
    raise ValueError(f"it takes more than {seconds:g} s to set up")


def _used(clocks: list[int], started: float) -> float:
    """Processor time of the thread that put its clock into a list, else the time since its start."""
    if clocks:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            return time.clock_gettime(clocks[0])
    return time.monotonic() - started


def _interrupt(thread: threading.Thread) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_TimeIsOver)
    )

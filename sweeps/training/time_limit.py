"""The time limit of a run: first checked by the callback of a fit, a second later enforced by an alarm."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Self

from sweeps.units import LONGEST_S

GRACE_S = 1.0


class RunTimeout(Exception):  # noqa: N818 - an outcome of a run, not a mistake
    """The run has used up its time."""


class TimeLimit:
    """A context in which at most `seconds` may pass.

    `check`, called between the iterations of a fit, raises `RunTimeout` once they have. Python code that
    never calls it is stopped a second later by SIGALRM, where that exists (POSIX, main thread); a call into
    native code that does not return cannot be stopped from within its process.

    Parameters
    ----------
    seconds : float or None
        The limit; None sets none.

    Attributes
    ----------
    forced : str
        What the alarm said, empty if it has not rung. The exception that it raises inside a callback of
        native code may be lost there, and come out as an error of another kind.

    Examples
    --------
    >>> with TimeLimit(60.0) as limit:
    ...     limit.check()
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._deadline = float("inf")
        self.forced = ""
        self._armed = False
        self._previous: Any = None

    def check(self, *_: object) -> None:
        """Raise `RunTimeout` if the time is over; takes and ignores what a callback is given."""
        if time.perf_counter() > self._deadline:
            raise RunTimeout(f"stopped after the limit of {self.seconds:g} s")

    def __enter__(self) -> Self:
        if self.seconds is None:
            return self
        self._deadline = time.perf_counter() + self.seconds
        if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGALRM, self._alarm)
            self._armed = True
            # The alarm repeats: Python drops an exception that happens to be raised inside a destructor.
            signal.setitimer(signal.ITIMER_REAL, min(self.seconds, LONGEST_S) + GRACE_S, GRACE_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._armed:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, self._previous)

    def _alarm(self, number: int, frame: FrameType | None) -> None:
        if self._armed:
            self.forced = f"stopped by force after the limit of {self.seconds:g} s: it did not answer"
            raise RunTimeout(self.forced)

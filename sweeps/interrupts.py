"""Handles Ctrl-C, SIGTERM and SIGHUP (a terminal that is closed) alike, as a request to stop cleanly."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from types import FrameType, TracebackType
from typing import Any, Self

EXIT_INTERRUPTED = 130
_STANDARD_ERROR = 2
_AT_ONCE = b"stopped at once; what was complete is stored, and the same command continues.\n"
#: What a terminal sends to every process in it: Ctrl-C, and that it hangs up, where there is such a signal.
_OF_TERMINALS = (signal.SIGINT, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))
_STOPS = (signal.SIGTERM, *_OF_TERMINALS)


class StopSignals:
    """A context in which the first signal to stop raises KeyboardInterrupt, though never inside `held`.

    Signals to stop are SIGINT, SIGTERM and SIGHUP, which a terminal sends as it hangs up; where that is
    ignored, as under nohup, it stays so.

    Python drops an exception that is raised inside a destructor or a callback from C. Hence `stopping` tells
    that a signal came, `check` and the end of `held` raise again, and so does the second signal; but if the
    first one is being answered, or was, the second ends the process at once. The third does so in any case.
    Nothing that is stored is harmed by that, and workers end when their parent is gone. So it remains after
    the block if there was a signal, since the process is about to end. Outside the main thread, where signals
    cannot be handled, the context changes nothing.

    Examples
    --------
    >>> with StopSignals() as signals:
    ...     with signals.held():
    ...         pass  # what must not be cut in two
    """

    def __init__(self) -> None:
        self._previous: dict[int, Any] = {}
        self._held = False
        self._left = False
        self._count = 0

    @property
    def stopping(self) -> bool:
        """Whether a signal came."""
        return self._count > 0

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal came, also when its own KeyboardInterrupt was lost."""
        if self.stopping:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Put off the interrupt to the end of the block."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        self.check()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _stops():
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left = True
        if self.stopping:
            return
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        answered = self._left or _is_answered()
        if self._count > 2 or (self._count == 2 and answered):
            with contextlib.suppress(OSError):  # a terminal that has hung up takes nothing
                os.write(_STANDARD_ERROR, _AT_ONCE)
            os._exit(EXIT_INTERRUPTED)
        if not self._held and not answered:
            raise KeyboardInterrupt


def _is_answered() -> bool:
    """Say whether the code that the signal came upon is dealing with a KeyboardInterrupt already."""
    error = sys.exception()
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__context__
    return False


def _stops() -> list[signal.Signals]:
    """Return the signals to stop that are to be heard: who starts this process with nohup wants no SIGHUP."""
    return [n for n in _STOPS if n.name != "SIGHUP" or signal.getsignal(n) is not signal.SIG_IGN]


@contextlib.contextmanager
def stops_as_interrupts() -> Iterator[None]:
    """Let signals to stop that would end the process without a word be the KeyboardInterrupt of Ctrl-C.

    That is for a whole command; `StopSignals` is for the part of it that must not be cut in two.
    """
    previous: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        silent = [number for number in _STOPS if signal.getsignal(number) is signal.SIG_DFL]
        previous = {number: signal.signal(number, signal.default_int_handler) for number in silent}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def ignore_terminal() -> None:
    """Leave Ctrl-C and the hanging up of a terminal to the process that started this one."""
    for number in _OF_TERMINALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _OF_TERMINALS)


@contextlib.contextmanager
def children_ignore_terminal() -> Iterator[None]:
    """Start processes in the block that Ctrl-C does not reach, and put off signals of this one to its end.

    Ctrl-C and SIGHUP go to every process of a terminal; the parent is the one that answers and ends its
    workers. Processes, and threads, that start in the block inherit a mask that blocks both, where there are
    masks. In the main thread signals to stop are noted and raised again after the block, so that none is lost
    and none cuts the start in two; Python calls no other thread for a signal.
    """
    if threading.current_thread() is not threading.main_thread():
        unblock = _block(_OF_TERMINALS)
        try:
            yield
        finally:
            unblock()
        return
    start_trackers()
    noted: list[int] = []
    previous = {number: signal.signal(number, lambda number, _: noted.append(number)) for number in _stops()}
    unblock = _block(_OF_TERMINALS)
    try:
        yield
    finally:
        unblock()  # a signal that waited is noted here
        for number, handler in previous.items():
            signal.signal(number, handler)
        for late in noted:
            signal.raise_signal(late)


def start_trackers() -> None:
    """Start the helpers that belong to processes; the first process would, and they unblock SIGINT then.

    They ignore Ctrl-C by themselves, and inherit that SIGHUP is blocked: without them this process, as it
    ends, would tell of things that it has left behind.
    """
    if os.name != "posix":
        return
    from multiprocessing import resource_tracker

    from joblib.externals.loky.backend import resource_tracker as loky_tracker

    unblock = _block(_OF_TERMINALS[1:])
    try:
        resource_tracker.ensure_running()
        loky_tracker.ensure_running()
    finally:
        unblock()


def _block(numbers: Collection[signal.Signals]) -> Callable[[], object]:
    """Block signals, here and in what is started, where there are masks; return what undoes it."""
    if not hasattr(signal, "pthread_sigmask"):
        return lambda: None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    return lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before)

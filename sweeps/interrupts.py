"""Ctrl-C and SIGTERM as one clean stop."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

EXIT_INTERRUPTED = 130
_PATIENCE = 3


class StopSignals:
    """A context in which the first SIGINT or SIGTERM raises KeyboardInterrupt, though never inside `held`.

    Python drops an exception that is raised inside a destructor or a callback from C. Hence `stopping` tells
    that a signal came, `check` and the end of `held` raise again, and so does the second signal, unless the
    first one is being answered: then it is ignored. The third ends the process at once. So it remains after
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
            for number in (signal.SIGINT, signal.SIGTERM):
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
        if self._count >= _PATIENCE:
            os._exit(EXIT_INTERRUPTED)
        if not self._held and not self._left and not _is_answered():
            raise KeyboardInterrupt


def _is_answered() -> bool:
    """Say whether the code that the signal came upon is dealing with a KeyboardInterrupt already."""
    error = sys.exception()
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__context__
    return False

"""Ctrl-C and SIGTERM as one clean stop."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

EXIT_INTERRUPTED = 130
_PATIENCE = 3


class StopSignals:
    """A context in which the first SIGINT or SIGTERM raises KeyboardInterrupt, though never inside `held`.

    The second signal is ignored, for the sweep is stopping already; the third ends the process at once. So it
    remains after the block if there was a signal, since the process is about to end. Outside the main thread,
    where signals cannot be handled, the context changes nothing.

    Examples
    --------
    >>> with StopSignals() as signals:
    ...     with signals.held():
    ...         pass  # what must not be cut in two
    """

    def __init__(self) -> None:
        self._previous: dict[int, Any] = {}
        self._held = False
        self._pending = False
        self._count = 0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Put off the interrupt to the end of the block."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._count:
            return
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count >= _PATIENCE:
            os._exit(EXIT_INTERRUPTED)
        if self._count > 1:
            return
        if self._held:
            self._pending = True
            return
        raise KeyboardInterrupt

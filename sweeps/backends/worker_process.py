"""A worker process as seen by the one that started it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Sequence
from multiprocessing import Pipe

from sweeps.backends.worker import ONE_THREAD, Terms, serve
from sweeps.run_one import RunOptions
from sweeps.space import RunConfig

#: How long a process that has closed its pipe may take to end.
_FAREWELL_S = 5.0


class WorkerProcess:
    """One process of loky's kind, started afresh and not forked, with a pipe to it.

    `held` are the runs that it was sent and has not answered, in that order; `connection` becomes readable
    when it answers, and when it ends.
    """

    def __init__(self, terms: Terms) -> None:
        from joblib.externals.loky.backend.process import LokyProcess

        self.connection, theirs = Pipe()
        self.ready = False
        self.held: deque[RunConfig] = deque()
        self.n_answered = 0
        self._since = 0.0
        self._overdue_since: float | None = None
        self._process = LokyProcess(
            target=serve, args=(theirs, terms, os.getpid()), env=dict(ONE_THREAD), daemon=True
        )
        try:
            self._process.start()
        except BaseException:
            self.connection.close()
            raise
        finally:
            theirs.close()  # so that the end of the process is the end of the pipe

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(self._process.pid or 0)

    @property
    def busy_s(self) -> float:
        """Seconds since it began the first of the runs that it holds, 0 if it holds none."""
        return time.monotonic() - self._since if self.held else 0.0

    def overdue_s(self, overdue: bool) -> float:
        """Return for how many seconds it has been called overdue without a break; 0 if it is not."""
        if not overdue:
            self._overdue_since = None
            return 0.0
        if self._overdue_since is None:
            self._overdue_since = time.monotonic()
        return time.monotonic() - self._overdue_since

    def send(self, group: Sequence[RunConfig], options: RunOptions) -> bool:
        """Give it runs to compute; return whether it is still there to take them."""
        try:
            self.connection.send(([run.config for run in group], options))
        except OSError:
            return False
        if not self.held:
            self._since = time.monotonic()
        self.held.extend(group)
        return True

    def answered(self) -> RunConfig:
        """Note that it has answered its first run, and return that."""
        self._since = time.monotonic()
        self.n_answered += 1
        return self.held.popleft()

    def kill(self) -> None:
        """End it at once, stopped or busy as it may be."""
        if self._process.exitcode is not None:
            return
        with contextlib.suppress(OSError):
            if hasattr(signal, "SIGKILL"):
                os.kill(self.pid, signal.SIGKILL)
            else:
                self._process.terminate()

    def bury(self) -> int | None:
        """Close the pipe, wait for the end of the process and return its exit code."""
        self.connection.close()
        self._process.join(_FAREWELL_S)
        self.kill()
        self._process.join()
        return self._process.exitcode

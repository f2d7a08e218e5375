"""A worker process as seen by the process that started it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from multiprocessing import Pipe, current_process

from sweeps.backends.worker import ONE_THREAD, Terms, serve

#: How long a process that has closed its pipe may take to end.
_END_S = 5.0


class WorkerProcess:
    """One process of loky's kind, started afresh and not forked, with a pipe to it.

    Parameters
    ----------
    terms : Terms
        What it is told to compute.

    Attributes
    ----------
    connection : multiprocessing.connection.Connection
        Becomes readable when the process answers, and when it ends.
    ready : bool
        Whether it has compiled its kernels.
    n_answered : int
        How many runs it has computed.
    """

    def __init__(self, terms: Terms) -> None:
        from joblib.externals.loky.backend.process import LokyProcess

        if current_process().daemon:
            # Dask, and joblib's multiprocessing backend, mark their processes as such that have no children,
            # which would outlive them; these do not.
            current_process().daemon = False
        self.connection, theirs = Pipe()
        self.ready = False
        self.n_answered = 0
        self._since = time.monotonic()
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
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.exitcode is None

    @property
    def busy_s(self) -> float:
        """Seconds since it began the run that it computes."""
        return time.monotonic() - self._since

    def begin_run(self) -> None:
        """Note that it begins a run now."""
        self._since = time.monotonic()

    def overdue_s(self, overdue: bool) -> float:
        """Return for how many seconds it has been called overdue without a break; 0 if it is not."""
        if not overdue:
            self._overdue_since = None
            return 0.0
        if self._overdue_since is None:
            self._overdue_since = time.monotonic()
        return time.monotonic() - self._overdue_since

    def kill(self) -> None:
        """End it at once, also if it is stopped or busy."""
        if not self.is_alive:
            return
        with contextlib.suppress(OSError):
            if hasattr(signal, "SIGKILL"):
                os.kill(self.pid, signal.SIGKILL)
            else:
                self._process.terminate()

    def close(self) -> int | None:
        """Close the pipe, wait for the end of the process, kill it if need be, and return its exit code."""
        self.connection.close()
        self._process.join(_END_S)
        self.kill()
        self._process.join()
        return self._process.exitcode

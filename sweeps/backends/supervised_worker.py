"""A supervised worker process: a run that hangs or crashes it fails alone, and the process is replaced.

A process that is killed, runs out of memory, hangs or crashes is replaced. The runs of its batch that it had
not computed are given to the new process; the one that it was computing is tried again, up to a few times,
and then recorded as failed.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.backends import failure_records
from sweeps.backends.failure_records import StartError, StoppedError, WorkerLostError
from sweeps.backends.resources import resident_bytes
from sweeps.backends.worker import DONE, READY, Terms
from sweeps.backends.worker_process import WorkerProcess
from sweeps.errors import UserError
from sweeps.interrupts import children_ignore_terminal
from sweeps.run_one import Record, RunOptions
from sweeps.spec.run_config import RunConfig

#: A run that has not answered so long after its time limit is killed. (It stops itself a second after it.)
GRACE_S = 5.0
#: The longest single wait for an answer; operating systems accept days, not years.
_LONGEST_WAIT_S = 3600.0
#: How often resident memory is looked at: meanwhile it can grow by a few hundred MB.
_MEMORY_INTERVAL_S = 0.1
#: How many processes in a row may end before they are ready.
_MAX_STARTS = 5
#: Processes are started one at a time: a start in one thread must not inherit what another is preparing.
_start_lock = threading.Lock()


@dataclass(frozen=True)
class _Fault:
    """What went wrong with a run: its record, and after how many attempts it is taken as the result."""

    record: Record
    attempts: int


class SupervisedWorker:
    """A worker process that computes batches of runs, and is replaced when it is lost.

    Used by one thread at a time; `stop` alone may be called from others.

    Parameters
    ----------
    terms : Terms
        What it computes.
    memory : int, optional
        Bytes of resident memory that the process may use.

    Examples
    --------
    >>> worker = SupervisedWorker(Terms(run_one, RunOptions()))  # doctest: +SKIP
    >>> records = worker.compute(runs)  # doctest: +SKIP
    >>> worker.close()  # doctest: +SKIP
    """

    def __init__(self, terms: Terms, memory: int | None = None) -> None:
        self._terms = terms
        self._memory = memory
        self._process: WorkerProcess | None = None
        self._stopped = False
        self._memory_checked = time.monotonic()

    @property
    def pid(self) -> int | None:
        """The id of its process, None while there is none."""
        process = self._process
        return None if process is None else process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has a process that has not ended."""
        process = self._process
        return process is not None and process.is_alive

    def start(self) -> None:
        """Start the process and wait until it is ready, so that the first run does not.

        Raises
        ------
        StartError, WorkerLostError, StoppedError, UserError
            As `compute` does.
        """
        self._ready_process()

    def compute(
        self, runs: Sequence[RunConfig], options: RunOptions | None = None, seconds: float = math.inf
    ) -> list[Record]:
        """Compute runs in their order and return their records.

        Parameters
        ----------
        runs : sequence of RunConfig
            What to compute.
        options : RunOptions, optional
            In place of those of the terms.
        seconds : float
            No further run is begun after that time, but for the first one: the records of the others are
            missing then.

        Raises
        ------
        StartError
            If no process can be started here.
        WorkerLostError
            If processes end as they start.
        StoppedError
            If `stop` was called.
        UserError
            If the memory limit is less than what a process needs before its first run.
        """
        options = options or self._terms.options
        waiting, records = deque(runs), list[Record]()
        end = time.monotonic() + seconds
        attempts = 0  # that were made at the first of `waiting`, and lost
        while waiting and (attempts or not records or time.monotonic() < end):
            n_before = len(waiting)
            fault = self._attempt(waiting, records, options, end)
            if fault is None:
                break
            attempts = attempts + 1 if len(waiting) == n_before else 1
            if attempts >= fault.attempts:
                records.append(fault.record)
                waiting.popleft()
                attempts = 0
        return records

    def stop(self) -> None:
        """Kill the process and start no other; what is being computed ends with StoppedError."""
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """Kill the process and wait for its end."""
        self.stop()
        if self._process is not None:
            self._end_process(self._process)

    def _attempt(
        self, waiting: deque[RunConfig], records: list[Record], options: RunOptions, end: float
    ) -> _Fault | None:
        """Move what is computed from `waiting` to `records`; return the fault of the first run that is left.

        It is None when the batch is at its end, by its runs or by its time.
        """
        process = self._ready_process()
        process.begin_run()
        try:
            seconds = max(end - time.monotonic(), 0.0)
            process.connection.send(([run.config for run in waiting], options, seconds))
        except OSError:  # it ended by itself just now, for it had nothing to do
            return self._lost(process, waiting)
        while True:
            try:
                if process.connection.poll(self._patience_s(process, options if waiting else None)):
                    news: Any = process.connection.recv()
                    if news == DONE:
                        return None
                    records.append(news)
                    waiting.popleft()
                    process.n_answered += 1
                    process.begin_run()
            except (EOFError, OSError):
                return self._lost(process, waiting)
            fault = self._offence(process, waiting[0], options) if waiting else None
            if fault is not None:
                process.kill()
                self._end_process(process)
                return fault

    def _ready_process(self) -> WorkerProcess:
        """Return a process that is ready for work: the present one, or one that takes its place."""
        failed = 0
        while True:
            process = self._process
            if process is not None and process.ready and process.connection.poll():
                self._end_process(process)  # without work nothing but its end can be heard of it
                process = None
            if self._stopped:
                raise StoppedError("the workers were told to stop")
            if process is None:
                process = self._start()
            if process.ready or self._becomes_ready(process):
                return process
            failed += 1
            code = self._end_process(process)
            if failed >= _MAX_STARTS and not self._stopped:
                how = failure_records.ending(code)
                raise WorkerLostError(f"{_MAX_STARTS} worker processes in a row ended as they started, {how}")

    def _start(self) -> WorkerProcess:
        try:
            with _start_lock, children_ignore_terminal():
                self._process = process = WorkerProcess(self._terms)
        except OSError as error:
            raise StartError(f"no worker process can be started here: {error}") from None
        if self._stopped:  # meanwhile: `stop` has not seen it
            process.kill()
        return process

    def _becomes_ready(self, process: WorkerProcess) -> bool:
        """Wait until a process has compiled its kernels; return whether it came so far."""
        try:
            while not process.connection.poll(None if self._memory is None else _MEMORY_INTERVAL_S):
                if self._memory is not None and resident_bytes(process.pid) > self._memory:
                    limit = failure_records.memory_text(self._memory)
                    raise UserError(
                        f"a worker needs more than the memory limit of {limit} before its first run: raise "
                        "the limit."
                    )
            process.ready = process.connection.recv() == READY
        except (EOFError, OSError):
            return False
        return process.ready

    def _patience_s(self, process: WorkerProcess, options: RunOptions | None) -> float | None:
        """Return how long to wait for news before the process is looked at; None: for ever."""
        patience = None if self._memory is None else _MEMORY_INTERVAL_S
        left = math.inf if options is None else _seconds_left(process, options)
        if left == math.inf:
            return patience
        # A run that is overdue is looked at a few times before it is killed.
        until = min(max(left, GRACE_S / 8), _LONGEST_WAIT_S)
        return until if patience is None else min(patience, until)

    def _offence(self, process: WorkerProcess, run: RunConfig, options: RunOptions) -> _Fault | None:
        """Return the fault of a run that hangs or has outgrown the memory, None if it does neither."""
        left = _seconds_left(process, options)
        # Counted from when this process notices it, for both may have been stopped for a while; and an answer
        # that waits to be read is an answer.
        if process.overdue_s(left < 0.0) > GRACE_S and not process.connection.poll():
            limit = round(process.busy_s + left, 1)
            return _Fault(failure_records.hung(run, limit, process.busy_s), 1)
        now = time.monotonic()
        if self._memory is None or now - self._memory_checked < _MEMORY_INTERVAL_S:
            return None
        self._memory_checked = now
        if resident_bytes(process.pid) <= self._memory:
            return None
        # Memory that earlier runs have left behind is not the fault of this one: it gets a fresh process.
        attempts = 2 if process.n_answered else 1
        return _Fault(failure_records.too_large(run, self._memory, process.busy_s), attempts)

    def _lost(self, process: WorkerProcess, waiting: deque[RunConfig]) -> _Fault | None:
        """Return the fault of the run that a process was computing when it ended, None if there was none."""
        seconds, code = process.busy_s, self._end_process(process)
        if self._stopped:
            raise StoppedError("the workers were told to stop")
        if not waiting:
            return None
        record = failure_records.lost(waiting[0], failure_records.ending(code), seconds)
        return _Fault(record, failure_records.ATTEMPTS)

    def _end_process(self, process: WorkerProcess) -> int | None:
        self._process = None
        return process.close()


def _seconds_left(process: WorkerProcess, options: RunOptions) -> float:
    """Return the seconds until the time of the present run is over, by its own limit or that of all runs."""
    busy = process.busy_s
    own = math.inf if options.timeout is None else options.timeout - busy
    if options.deadline is None:
        return own
    # A run that is begun after the deadline may say so itself.
    return min(own, max(options.deadline - time.monotonic(), -busy))

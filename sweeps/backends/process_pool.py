"""Worker processes on this machine, watched one by one.

Every worker has a pipe of its own, so that the end of one (killed, out of memory, hung and therefore killed)
touches no other: what it had in hand is done again by the one that takes its place, and so is the run that it
was computing, up to a few times.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Self

from sweeps.backends import failure_records
from sweeps.backends.failure_records import StoppedError, WorkerLostError
from sweeps.backends.resources import resident_bytes
from sweeps.backends.task_queue import Backlog, GroupSize, Pace
from sweeps.backends.worker import READY, Terms
from sweeps.backends.worker_process import WorkerProcess
from sweeps.errors import UserError
from sweeps.interrupts import deaf_children
from sweeps.run_one import Record, RunOptions
from sweeps.space import RunConfig

#: Tiny runs are sent so many seconds' worth at a time. A message costs some 0.1 ms.
_GROUP = GroupSize(seconds=0.05, runs=32)
#: A run that has not answered so long after its time limit is killed. (It stops itself a second after it.)
GRACE_S = 5.0
_LONGEST_WAIT_S = 3600.0
#: How often resident memory is looked at: meanwhile it can grow by a few hundred MB.
_LOOK_S = 0.1
#: How many workers in a row may end before they are ready.
_STARTS = 5


class Crew:
    """So many worker processes, which compute runs and are replaced when they are lost.

    Parameters
    ----------
    jobs : int
        Number of processes. They are started when there is work for them.
    terms : Terms
        What they compute.
    memory : int, optional
        Bytes of resident memory that each may use.

    Examples
    --------
    >>> with Crew(2, Terms(run_one, RunOptions())) as crew:  # doctest: +SKIP
    ...     for records in crew.compute(runs):
    ...         store.add_all(records)
    """

    def __init__(self, jobs: int, terms: Terms, memory: int | None = None) -> None:
        self.terms = terms
        self.memory = memory
        self._jobs = jobs
        self._workers: list[WorkerProcess] = []
        self._pace = Pace()
        self._failed_starts = 0
        self._losses: Counter[str] = Counter()
        self._looked = time.monotonic()
        self._closed = False
        self._options = terms.options
        self._deadline = math.inf

    def start(self) -> None:
        """Start a worker and wait until it is ready, so that the first run does not.

        Raises
        ------
        WorkerLostError, UserError
            As `compute` does.
        """
        nothing = Backlog((), self._pace, _GROUP)
        while not any(worker.ready for worker in self._workers):
            self._start_missing(1)
            for worker in self._with_news():
                self._hear(worker, nothing)

    def compute(
        self, runs: Sequence[RunConfig], options: RunOptions | None = None
    ) -> Generator[list[Record], None, None]:
        """Compute runs and yield their records as they come: together those that one worker had ready.

        Parameters
        ----------
        runs : sequence of RunConfig
            What to compute.
        options : RunOptions, optional
            In place of those of the terms.

        Raises
        ------
        WorkerLostError
            If workers cannot be started; a StoppedError if they were told to stop.
        UserError
            If the memory limit is less than what a worker needs before its first run.
        """
        self._options = options or self.terms.options
        deadline = self._options.deadline
        self._deadline = math.inf if deadline is None else deadline
        backlog = Backlog(runs, self._pace, _GROUP)
        while backlog or any(worker.held for worker in self._workers):
            if self._closed:
                raise StoppedError("the workers were told to stop")
            self._start_missing(len(backlog))
            for worker in self._workers:
                self._hand_out(worker, backlog)
            for worker in self._with_news():
                records = self._hear(worker, backlog)
                if records:
                    yield records
            yield from filter(None, self._stop_offenders(backlog))

    def close(self) -> None:
        """End all workers at once; may be called from another thread, or from a signal's answer."""
        self._closed = True
        for worker in self._workers:
            worker.kill()

    @property
    def closed(self) -> bool:
        """Whether it was told to stop; it does not start again."""
        return self._closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        while self._workers:
            self._dismiss(self._workers[-1])

    def _start_missing(self, n_waiting: int) -> None:
        busy = sum(bool(worker.held) for worker in self._workers)
        missing = min(self._jobs, busy + n_waiting) - len(self._workers)
        if missing <= 0:
            return
        try:
            with deaf_children():
                for _ in range(missing):
                    self._workers.append(WorkerProcess(self.terms))
        except OSError as error:
            # Those that run go on, and further ones are tried again: processes or files may be short for now.
            if not self._workers:
                raise WorkerLostError(f"no worker process can be started here: {error}") from None

    def _hand_out(self, worker: WorkerProcess, backlog: Backlog) -> None:
        """Send a worker its next group: if it is idle, or soon will be and others do not wait for work."""
        if not worker.ready or not backlog:
            return
        if worker.held and (
            len(backlog) < self._jobs
            or len(worker.held) > _GROUP.runs // 2
            or sum(map(self._pace.seconds, worker.held)) > _GROUP.seconds / 2
        ):
            return
        group = backlog.take(self._jobs)
        if not worker.send(group, self._options):
            backlog.give_back(group)

    def _with_news(self) -> list[WorkerProcess]:
        """Wait until a worker says something or ends, or one of them has to be looked at."""
        patience = None if self.memory is None else _LOOK_S
        left = min(map(self._left_s, self._workers), default=math.inf)
        if left < math.inf:
            # One that is overdue is looked at a few times before it goes; the system waits days, not years.
            until = min(max(left, GRACE_S / 8), _LONGEST_WAIT_S)
            patience = until if patience is None else min(patience, until)
        talking = wait([worker.connection for worker in self._workers], patience)
        return [worker for worker in self._workers if worker.connection in talking]

    def _hear(self, worker: WorkerProcess, backlog: Backlog) -> list[Record]:
        """Take what a worker has to say: it is ready, has records, or is gone; return the records."""
        records: list[Record] = []
        try:
            while not records or (len(records) < _GROUP.runs and worker.connection.poll()):
                news: Any = worker.connection.recv()
                if news == READY:
                    worker.ready, self._failed_starts = True, 0
                    break
                run = worker.answered()
                self._losses.pop(run.run_id, None)
                self._pace.learn(run, news["wall_s"])
                records.append(news)
        except (EOFError, OSError):
            # Where it has left records, its end is heard the next time.
            return records or self._lost(worker, backlog)
        return records

    def _lost(self, worker: WorkerProcess, backlog: Backlog) -> list[Record]:
        """Give the runs of a worker that is gone to others; return the record of one that is given up."""
        seconds, code = worker.busy_s, self._dismiss(worker)
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS:
                how = failure_records.ending(code)
                raise WorkerLostError(f"{_STARTS} worker processes in a row ended as they started, {how}")
        if not worker.held:
            return []
        # It computes in the order in which it was sent runs: the first of them was in its hands.
        run = worker.held[0]
        self._losses[run.run_id] += 1
        given_up = self._losses[run.run_id] >= failure_records.ATTEMPTS
        record = failure_records.lost(run, failure_records.ending(code), seconds) if given_up else None
        return self._take_back(worker, backlog, record)

    def _take_back(self, worker: WorkerProcess, backlog: Backlog, record: Record | None) -> list[Record]:
        """Put what a dismissed worker held to the front, but its first run if there is a record of that."""
        if record is not None:
            self._losses.pop(worker.held.popleft().run_id, None)
        backlog.give_back(worker.held)
        return [] if record is None else [record]

    def _stop_offenders(self, backlog: Backlog) -> Iterator[list[Record]]:
        """Kill workers that hang or have outgrown their memory, and yield the records of their runs."""
        for worker in [worker for worker in self._workers if self._hangs(worker)]:
            limit = round(worker.busy_s + self._left_s(worker), 1)
            record = failure_records.hung(worker.held[0], limit, worker.busy_s)
            worker.kill()
            self._dismiss(worker)
            yield self._take_back(worker, backlog, record)
        if self.memory is None or time.monotonic() - self._looked < _LOOK_S:
            return
        self._looked = time.monotonic()
        for worker in [worker for worker in self._workers if resident_bytes(worker.pid) > self.memory]:
            grown = self._outgrown(worker, self.memory)
            worker.kill()
            self._dismiss(worker)
            yield self._take_back(worker, backlog, grown)

    def _left_s(self, worker: WorkerProcess) -> float:
        """Return the seconds until the time of its run is over, by its own limit or that of all."""
        if not worker.held:
            return math.inf
        limit = self._options.timeout
        own = math.inf if limit is None else limit - worker.busy_s
        # A run that is given out after the deadline may say so itself.
        return min(own, max(self._deadline - time.monotonic(), -worker.busy_s))

    def _hangs(self, worker: WorkerProcess) -> bool:
        # From when this process notices it: both may have been stopped for a while. What the worker has said
        # by now is yet to be heard.
        return worker.overdue_s(self._left_s(worker) < 0.0) > GRACE_S and not worker.connection.poll()

    def _outgrown(self, worker: WorkerProcess, memory: int) -> Record | None:
        """Return the record of the run that is too large for its worker; None if it is to be done again.

        Memory that earlier runs have left behind is not its fault: a worker with a past is replaced first.
        """
        if not worker.ready:
            limit = failure_records.memory_text(memory)
            raise UserError(
                f"a worker needs more than the memory limit of {limit} before its first run: raise the limit."
            )
        if not worker.held:
            return None
        run = worker.held[0]
        self._losses[run.run_id] += 1
        if worker.n_answered > 0 and self._losses[run.run_id] == 1:
            return None
        return failure_records.too_large(run, memory, worker.busy_s)

    def _dismiss(self, worker: WorkerProcess) -> int | None:
        self._workers.remove(worker)
        return worker.bury()

"""Computes a batch of runs in a supervised worker process, inside a thread or process of joblib or Dask.

joblib and Dask hand batches to their threads and processes. None of these computes a run itself: each takes
a supervised worker (`sweeps.backends.supervised_worker`), or starts one if all are busy, so that there are
as many of them as batches at a time. Several sweeps may share a process, as on a Dask cluster; each has
workers of its own there, by the id that comes with its batches, and stopping one leaves the others alone.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence

from sweeps.backends.failure_records import StartError, StoppedError
from sweeps.backends.supervised_worker import SupervisedWorker
from sweeps.backends.worker import IDLE_S, Terms
from sweeps.run_one import Record, RunOptions
from sweeps.spec.run_config import RunConfig

#: A batch ends with the run in progress after this many seconds, so that finished records are returned soon
#: and the remaining runs may go to another worker. Chosen by judgement.
BATCH_S = 1.0
#: Seconds that the workers of a sweep may take to end.
_STOP_S = 30.0


class WorkerSet:
    """The supervised workers that a sweep has in this process, each used by one thread at a time.

    Parameters
    ----------
    terms : Terms
        What they compute.
    memory : int, optional
        Bytes of resident memory that each of their processes may use.
    """

    def __init__(self, terms: Terms, memory: int | None) -> None:
        self._terms, self._memory = terms, memory
        self._idle: list[SupervisedWorker] = []
        self._busy: list[SupervisedWorker] = []
        self._changed = threading.Condition()
        self._stopped = False
        self._used = time.monotonic()

    @property
    def workers(self) -> list[SupervisedWorker]:
        """All workers, those that wait for work first."""
        with self._changed:
            return [*self._idle, *self._busy]

    @property
    def is_forgotten(self) -> bool:
        """Whether nobody has used it for so long that its processes have ended by themselves."""
        with self._changed:
            return not self._busy and time.monotonic() - self._used > IDLE_S

    @contextlib.contextmanager
    def one(self) -> Iterator[SupervisedWorker]:
        """Lend a worker whose process is ready; it is closed if the block ends with an exception.

        Raises
        ------
        StoppedError
            If the workers were told to stop.
        StartError
            If no process can be started here, and there is none whose end of work could be waited for.
        """
        worker = self._take()
        kept = False
        try:
            yield worker
            kept = True
        finally:
            self._give_back(worker, kept)

    def _take(self) -> SupervisedWorker:
        while True:
            with self._changed:
                if self._stopped:
                    raise StoppedError("the workers were told to stop")
                worker = self._idle.pop() if self._idle else SupervisedWorker(self._terms, self._memory)
                self._busy.append(worker)
            started = False
            try:
                worker.start()
                started = True
            except StartError:
                if not self._another_comes(worker):
                    raise
            finally:
                if not started:
                    self._give_back(worker, kept=False)
            if started:
                return worker

    def _another_comes(self, failed: SupervisedWorker) -> bool:
        """Wait for a worker that others use, where no further process can be started: that may be so for now.

        Return whether there is one.
        """

        def others_work() -> bool:
            return any(worker is not failed and worker.is_alive for worker in self._busy)

        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._idle or not others_work())
            return self._stopped or bool(self._idle)

    def _give_back(self, worker: SupervisedWorker, kept: bool) -> None:
        if not kept:
            worker.close()
        with self._changed:
            self._busy.remove(worker)
            self._used = time.monotonic()
            if kept:
                self._idle.append(worker)
            self._changed.notify_all()

    def stop(self) -> None:
        """Kill all processes at once, without waiting for their end; batches end with StoppedError."""
        with self._changed:
            self._stopped = True
            for worker in [*self._idle, *self._busy]:
                worker.stop()
            self._changed.notify_all()

    def close(self) -> None:
        """Kill all processes and wait for their end."""
        self.stop()
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, _STOP_S)
            while self._idle:
                self._idle.pop().close()


_sets: dict[str, WorkerSet] = {}
_stopped_sweeps: set[str] = set()
_lock = threading.Lock()


def compute_batch(
    sweep: str,
    terms: Terms,
    memory: int | None,
    runs: Sequence[RunConfig],
    options: RunOptions | None = None,
    seconds: float = BATCH_S,
) -> list[Record]:
    """Compute a batch with a supervised worker of this process, and return the records of what was begun.

    Parameters
    ----------
    sweep : str
        Id of the sweep in which the workers are shared.
    terms, memory
        See `SupervisedWorker`.
    runs : sequence of RunConfig
        The batch. Without runs a worker is started, and waits for work.
    options : RunOptions, optional
        In place of those of the terms.
    seconds : float
        No further run is begun after that time.

    Raises
    ------
    WorkerLostError, UserError
        As `SupervisedWorker.compute`; but where a process cannot be started that of another thread is used,
        as soon as it is free.
    """
    with worker_set(sweep, terms, memory).one() as worker:
        return worker.compute(runs, options, seconds)


def worker_set(sweep: str, terms: Terms, memory: int | None) -> WorkerSet:
    """Return the workers that a sweep has in this process, and end those that other sweeps have forgotten.

    Raises
    ------
    StoppedError
        If `stop_workers` was called for the sweep.
    """
    with _lock:
        if sweep in _stopped_sweeps:
            raise StoppedError("the workers were told to stop")
        forgotten = [name for name, workers in _sets.items() if name != sweep and workers.is_forgotten]
        left = [_sets.pop(name) for name in forgotten]
        workers = _sets.setdefault(sweep, WorkerSet(terms, memory))
    for others in left:
        others.close()
    return workers


def stop_workers(sweep: str) -> None:
    """Kill what this process computes for a sweep, begin nothing of it any more, and wait for the end."""
    with _lock:
        _stopped_sweeps.add(sweep)
        workers = _sets.pop(sweep, None)
    if workers is not None:
        workers.close()

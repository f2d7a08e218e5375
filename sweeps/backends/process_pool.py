"""joblib hands out the runs of a sweep on this machine; supervised worker processes compute them.

`joblib.Parallel` keeps so many batches on their way, and returns them in the order in which they are done.
What a thread or process of joblib does with a batch is to have it computed by a supervised worker process
(`sweeps.backends.batch`), so that a run that hangs, crashes or outgrows its memory costs no more than itself,
whatever joblib's backend makes of lost processes.

The joblib backend "threading" does this best, and is the default: a thread that waits for a process needs no
memory and no interpreter of its own, it outlives every fault, and it is told to stop by killing the process
that it waits for. Under "loky" and other backends with processes each of these has the supervised one beside
it: twice as many processes, for the same results. They are there for backends that reach other machines, and
for who wants them.
"""

from __future__ import annotations

import contextlib
import itertools
import uuid
import warnings
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from types import TracebackType
from typing import Any, Self

from sweeps.backends.batch import compute_batch, stop_workers
from sweeps.backends.failure_records import ATTEMPTS, StoppedError, WorkerLostError
from sweeps.backends.joblib_backends import check_joblib_backend, open_parallel
from sweeps.backends.task_queue import DurationEstimate, GroupSize, TaskQueue
from sweeps.backends.worker import Terms
from sweeps.interrupts import children_ignore_terminal
from sweeps.run_one import Record, RunOptions
from sweeps.spec.run_config import RunConfig

DEFAULT_JOBLIB_BACKEND = "threading"
#: Tiny runs are sent so many seconds' worth at a time: a batch costs about a millisecond on its way.
_GROUP = GroupSize(seconds=0.05, runs=32)
#: Batches that a joblib backend without generators is given at once, for each of its processes.
_BATCHES_A_ROUND = 8

_Answer = tuple[int, list[Record]]


class ProcessPool:
    """So many worker processes, to which joblib hands out runs, and which are replaced when they are lost.

    They are kept from one call of `compute` to the next, unless that ends early. A context that ends them.

    Parameters
    ----------
    jobs : int
        Number of processes. They are started when there is work for them.
    terms : Terms
        What they compute.
    memory : int, optional
        Bytes of resident memory that each may use.
    joblib_backend : str
        Name of a registered backend of joblib, see `sweeps.backends.joblib_backends`.

    Raises
    ------
    UserError
        If joblib knows no such backend.

    Examples
    --------
    >>> with ProcessPool(2, Terms(run_one, RunOptions())) as pool:  # doctest: +SKIP
    ...     for records in pool.compute(runs):
    ...         store.add_all(records)
    """

    def __init__(
        self,
        jobs: int,
        terms: Terms,
        memory: int | None = None,
        joblib_backend: str = DEFAULT_JOBLIB_BACKEND,
    ) -> None:
        check_joblib_backend(joblib_backend)
        self.terms, self.memory = terms, memory
        self.sweep = uuid.uuid4().hex
        self._jobs = jobs
        self._joblib_backend = joblib_backend
        self._durations = DurationEstimate()
        self._engine = contextlib.ExitStack()
        self._parallel: Any = None
        self._has_generators = True
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it was told to stop; it does not start again."""
        return self._closed

    def start(self) -> None:
        """Start a worker and wait until it is ready, so that the first run does not.

        Raises
        ------
        WorkerLostError, UserError
            As `compute` does.
        """
        for _ in self._hand_out(iter([(0, [])]), self.terms.options):
            pass

    def compute(
        self, runs: Sequence[RunConfig], options: RunOptions | None = None
    ) -> Generator[list[Record], None, None]:
        """Compute runs and yield their records batch by batch, as they come; left early, it ends the pool.

        Parameters
        ----------
        runs : sequence of RunConfig
            What to compute, in the order in which runs are begun.
        options : RunOptions, optional
            In place of those of the terms.

        Raises
        ------
        WorkerLostError
            If workers cannot be started; a StoppedError if they were told to stop.
        UserError
            If the memory limit is less than what a worker needs before its first run.
        """
        queue = TaskQueue(runs, self._durations, _GROUP)
        finished = False
        try:
            yield from self._compute(queue, options or self.terms.options)
            finished = True
        finally:
            if not finished:
                self.close()

    def stop(self) -> None:
        """End all worker processes at once; the only method that another thread may call meanwhile."""
        self._closed = True
        stop_workers(self.sweep)

    def close(self) -> None:
        """End all worker processes, and the threads and processes of joblib."""
        self.stop()
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _compute(self, queue: TaskQueue, options: RunOptions) -> Iterator[list[Record]]:
        """Hand out batches until all runs are done; what is not begun in time goes back to the queue."""
        in_flight: dict[int, list[RunConfig]] = {}
        breakdowns = 0
        while queue:
            if self._closed:
                raise StoppedError("the workers were told to stop")
            try:
                for number, records in self._hand_out(self._batches(queue, in_flight), options):
                    self._settle(in_flight.pop(number), records, queue)
                    if records:
                        breakdowns = 0
                        yield records
            except BrokenExecutor as error:
                breakdowns += 1
                if breakdowns >= ATTEMPTS:
                    raise WorkerLostError(
                        f"processes of joblib's backend {self._joblib_backend!r} were lost {breakdowns} "
                        f"times in a row: {error}"
                    ) from None
                self._restart()
                queue.give_back(run for group in in_flight.values() for run in group)
                in_flight.clear()

    def _batches(
        self, queue: TaskQueue, in_flight: dict[int, list[RunConfig]]
    ) -> Iterator[tuple[int, list[RunConfig]]]:
        """Yield groups of runs with a number each, as joblib asks for them, from threads of its own."""
        number = 0
        while group := queue.take(self._jobs):
            in_flight[number] = group
            yield number, group
            number += 1

    def _settle(self, group: Sequence[RunConfig], records: Sequence[Record], queue: TaskQueue) -> None:
        """Learn from what was computed how long runs take, and give back what was not."""
        seconds = {record["run_id"]: record["wall_s"] for record in records}
        queue.give_back(run for run in group if run.run_id not in seconds)
        for run in group:
            if run.run_id in seconds:
                self._durations.learn(run, seconds[run.run_id])

    def _hand_out(
        self, batches: Iterator[tuple[int, list[RunConfig]]], options: RunOptions
    ) -> Iterator[_Answer]:
        """Let joblib have batches computed, and yield the number and the records of each as it is done."""
        from joblib import delayed

        if self._parallel is None:
            self._parallel, self._has_generators = self._engine.enter_context(
                open_parallel(self._joblib_backend, self._jobs)
            )
        tasks = (
            delayed(_numbered_batch)(number, self.sweep, self.terms, self.memory, runs, options)
            for number, runs in batches
        )
        if not self._has_generators:
            while some := list(itertools.islice(tasks, _BATCHES_A_ROUND * self._jobs)):
                yield from self._parallel(some)
            return
        answers: Any = None
        try:
            with children_ignore_terminal():
                answers = self._parallel(tasks)
            for answer in answers:  # noqa: UP028 - `yield from` would close them without the filter below
                yield answer
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that batches are left which nobody waits for
                if answers is not None:
                    answers.close()

    def _restart(self) -> None:
        """Give up joblib's processes, for those that take their place."""
        self._engine.close()
        self._parallel = None


def _numbered_batch(number: int, *batch: Any) -> _Answer:
    """Compute a batch and return its records with its number: batches are done in any order."""
    return number, compute_batch(*batch)

"""Runs on a Dask cluster: groups of them are its tasks, and each of its threads watches a process of its own.

A thread of a Dask worker does not compute; it hands the runs of a task to a worker process beside it (see
`sweeps.backends.cluster_task`). So a run that hangs, outgrows its memory or crashes takes nothing of the
cluster with it, a worker with many threads keeps as many cores busy, and the heartbeats of a worker go on
whatever its runs do. A Dask worker on which tasks fail time and again is left out, while there are others.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import queue
import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.backends import faults
from sweeps.backends.backlog import Backlog, GroupSize, Pace
from sweeps.backends.cluster_task import Answer, compute_group, stop_crews
from sweeps.backends.faults import SchedulerLostError, StoppedError, WorkerLostError
from sweeps.backends.resources import Resources
from sweeps.backends.worker import ONE_THREAD, Terms
from sweeps.errors import UserError
from sweeps.interrupts import deaf_children
from sweeps.run_one import Record
from sweeps.space import RunConfig

#: Is told how many threads a cluster has, and sees to it that they are not too few.
Revive = Callable[[int], None]

#: What a task should take: its way there and back costs a few milliseconds.
_GROUP = GroupSize(seconds=0.5, runs=256)
#: Tasks beyond two for every thread, so that a cluster which grows on demand sees some.
_SPARE = 4
#: How often the size of the cluster and the connection are looked at.
_LOOK_S = 1.0
_CONNECT_S = 30.0
#: How many tasks in a row may fail (not: be lost) on a Dask worker before it is given no more of them, and
#: how often a cluster here may fail to start.
_ATTEMPTS = 3
#: In place of an address, for tasks that fail before they come to a Dask worker.
_SCHEDULER = ""


def compute_on_cluster(
    runs: Sequence[RunConfig], terms: Terms, resources: Resources
) -> Generator[list[Record], None, None]:
    """Yield the records of runs as their tasks are completed; see `sweeps.backends.dask`."""
    _keep_quiet()
    connect = _own(resources.jobs) if resources.scheduler is None else _foreign(resources.scheduler)
    with connect as (client, revive):
        tasks = _Tasks(client, revive, terms, resources)
        try:
            yield from tasks.compute(runs)
        finally:
            tasks.stop()


@dataclass(frozen=True)
class _Task:
    """A group of runs on its way, and the addresses of the Dask workers that may take it (None: all)."""

    group: list[RunConfig]
    workers: frozenset[str] | None


class _Tasks:
    """The tasks of one sweep on a cluster, which it may share with other sweeps."""

    def __init__(self, client: Any, revive: Revive, terms: Terms, resources: Resources) -> None:
        self._client = client
        self._revive = revive
        self._terms = terms
        self._resources = resources
        self._where = resources.scheduler or "the cluster on this machine"
        self._pace = Pace()
        self._in_flight: dict[Any, _Task] = {}
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._sweep = uuid.uuid4().hex
        self._numbers = itertools.count()
        #: By the address of a Dask worker: how many tasks in a row have failed there, and how many threads
        #: those have on which fewer have.
        self._failures: Counter[str] = Counter()
        self._failure = ""
        self._threads: dict[str, int] = {}
        self._looked = -_LOOK_S

    def compute(self, runs: Sequence[RunConfig]) -> Iterator[list[Record]]:
        """Yield records as tasks come back; tasks that are lost are split and given out again."""
        backlog = Backlog(runs, self._pace, _GROUP)
        while backlog or self._in_flight:
            self._look(backlog)
            threads = sum(self._threads.values())
            while backlog and len(self._in_flight) < 2 * threads + _SPARE:
                self._submit(backlog.take(threads))
            with contextlib.suppress(queue.Empty):
                future = self._answers.get(timeout=_LOOK_S)
                task = self._in_flight.pop(future, None)
                if task is not None:  # it was not withdrawn
                    yield from self._collect(future, task.group, backlog)

    def stop(self) -> None:
        """Give up what is in flight, and end the processes of this sweep with what they compute."""
        given_up, self._in_flight = list(self._in_flight), {}
        if self._client.status == "running":
            with contextlib.suppress(Exception):  # the cluster may be gone, which is as well
                self._client.cancel(given_up, force=True)
                self._client.run(stop_crews, self._sweep, on_error="ignore")

    def _look(self, backlog: Backlog) -> None:
        """Count the threads of the cluster, which may grow and shrink, and replace what is lost for good."""
        if time.monotonic() - self._looked < _LOOK_S:
            return
        try:
            threads: dict[str, int] = self._client.nthreads()
        except Exception:  # of several kinds: what follows is the same
            raise self._scheduler_lost() from None
        self._threads = {name: n for name, n in threads.items() if self._failures[name] < _ATTEMPTS}
        if (threads and not self._threads) or self._failures[_SCHEDULER] >= _ATTEMPTS:
            raise WorkerLostError(f"the workers of {self._where} cannot compute: {self._failure}")
        self._withdraw(set(threads), backlog)
        self._revive(sum(threads.values()))
        self._looked = time.monotonic()

    def _withdraw(self, present: set[str], backlog: Backlog) -> None:
        """Take back the tasks that wait for Dask workers which have left."""
        for future, task in list(self._in_flight.items()):
            if task.workers is not None and task.workers.isdisjoint(present) and not future.done():
                del self._in_flight[future]
                self._client.cancel([future], force=True)
                backlog.give_back(task.group)

    def _submit(self, group: list[RunConfig]) -> None:
        """Send a group on its way, past the Dask workers on which tasks fail."""
        shunned = any(number >= _ATTEMPTS for number in self._failures.values())
        workers = frozenset(self._threads) if shunned and self._threads else None
        future = self._client.submit(
            compute_group,
            self._sweep,
            self._terms,
            self._resources.memory,
            group,
            key=f"runs-{self._sweep}-{next(self._numbers)}",
            workers=None if workers is None else sorted(workers),
            pure=False,
        )
        self._in_flight[future] = _Task(group, workers)
        future.add_done_callback(self._answers.put)

    def _collect(self, future: Any, group: list[RunConfig], backlog: Backlog) -> Iterator[list[Record]]:
        """Yield the records of a task that came back, or see what has become of it."""
        from distributed import KilledWorker

        try:
            answer: Answer = future.result()
        except KilledWorker:
            # Dask has begun it anew several times, with a worker lost each time.
            if len(group) == 1:
                yield [faults.lost(group[0], "with its Dask worker", 0.0)]
            else:
                backlog.give_back(group, alone=True)
        except UserError:
            raise
        except StoppedError:
            backlog.give_back(group)
        except Exception as error:
            # A task's own error may be of any kind, an OSError too: only its state tells that it is its own.
            if future.status != "error" or self._client.status != "running":
                raise self._scheduler_lost() from None
            backlog.give_back(group)
            self._failed(future, error)
        else:
            records = answer.records
            self._failures.pop(answer.worker, None)
            self._failures.pop(_SCHEDULER, None)
            by_id = {record["run_id"]: record for record in records}
            backlog.give_back(run for run in group if run.run_id not in by_id)
            for run in group:
                if run.run_id in by_id:
                    self._pace.learn(run, by_id[run.run_id]["wall_s"])
            yield records

    def _failed(self, future: Any, error: Exception) -> None:
        """Count the failure of a task against the Dask worker that had it; the scheduler knows which."""
        key = future.key

        def failed_on(dask_scheduler: Any) -> list[str]:  # nested, for it travels as code
            task = dask_scheduler.tasks.get(key)
            return [] if task is None else sorted(task.erred_on or ())

        try:
            workers: list[str] = self._client.run_on_scheduler(failed_on)
        except Exception:  # of several kinds, as above
            raise self._scheduler_lost() from None
        self._failure = f"{type(error).__name__}: {error}"
        self._failures.update(workers or [_SCHEDULER])
        self._looked = -math.inf

    def _scheduler_lost(self) -> SchedulerLostError:
        return SchedulerLostError(f"the scheduler of {self._where} is gone or does not answer")


@contextlib.contextmanager
def _foreign(address: str) -> Iterator[tuple[Any, Revive]]:
    """Connect to a cluster that others look after."""
    from distributed import Client

    try:
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise SchedulerLostError(f"the scheduler {address} cannot be reached ({error})") from None
    with client:
        yield client, lambda n_threads: None


@contextlib.contextmanager
def _own(jobs: int) -> Iterator[tuple[Any, Revive]]:
    """Start a cluster of so many processes on this machine."""
    from distributed import Client

    with _start(jobs) as cluster, Client(cluster, set_as_default=False) as client:

        def revive(n_threads: int) -> None:
            # Dask restarts a worker that was killed, but gives up one that does not come back in time.
            if n_threads < jobs:
                cluster.scale(jobs)

        yield client, revive


def _start(jobs: int) -> Any:
    from distributed import LocalCluster

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with deaf_children():
                return LocalCluster(
                    n_workers=jobs,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                    silence_logs=logging.CRITICAL,
                    env=dict(ONE_THREAD),
                )
        except (RuntimeError, OSError, TimeoutError) as error:
            # One worker that does not start, or is killed meanwhile, takes the whole cluster with it.
            if attempt == _ATTEMPTS:
                raise WorkerLostError(f"a Dask cluster cannot be started here: {error}") from None
    raise AssertionError("the last attempt returns or raises")


def _keep_quiet() -> None:
    """Keep Dask's log of lost workers and connections off the screen: a sweep tells in its own words.

    For good, since the threads of a client that was closed may log until the process ends.
    """
    import distributed  # noqa: F401 - it sets the levels of its loggers as it is imported

    logging.getLogger("distributed").setLevel(logging.CRITICAL)

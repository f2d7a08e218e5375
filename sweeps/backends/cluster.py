"""Runs on a Dask cluster: groups of them are its tasks, and each of its threads watches a process of its own.

A thread of a Dask worker does not compute; it hands the runs of a task to a worker process beside it (see
`sweeps.backends.crew`). So a run that hangs, outgrows its memory or crashes takes nothing of the cluster with
it, a worker with many threads keeps as many cores busy, and the heartbeats of a worker go on whatever its
runs do.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import multiprocessing
import queue
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from sweeps.backends import faults
from sweeps.backends.backlog import Backlog, GroupSize, Pace
from sweeps.backends.crew import Crew
from sweeps.backends.faults import SchedulerLostError, WorkerLostError
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
#: How often a task may fail (not: be lost) before the cluster counts as unable to compute anything.
_ATTEMPTS = 3


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


class _Tasks:
    """The tasks of one sweep on a cluster."""

    def __init__(self, client: Any, revive: Revive, terms: Terms, resources: Resources) -> None:
        self._client = client
        self._revive = revive
        self._terms = terms
        self._resources = resources
        self._where = resources.scheduler or "the cluster on this machine"
        self._pace = Pace()
        self._in_flight: dict[Any, list[RunConfig]] = {}
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._names = (f"runs-{uuid.uuid4().hex[:8]}-{number}" for number in itertools.count())
        self._failures = 0
        self._threads = 0
        self._looked = -_LOOK_S

    def compute(self, runs: Sequence[RunConfig]) -> Iterator[list[Record]]:
        """Yield records as tasks come back; tasks that are lost are split and given out again."""
        backlog = Backlog(runs, self._pace, _GROUP)
        while backlog or self._in_flight:
            self._look()
            while backlog and len(self._in_flight) < 2 * self._threads + _SPARE:
                self._submit(backlog.take(self._threads))
            with contextlib.suppress(queue.Empty):
                future = self._answers.get(timeout=_LOOK_S)
                yield from self._collect(future, self._in_flight.pop(future), backlog)

    def stop(self) -> None:
        """Give up what is in flight; runs that are being computed are stopped."""
        given_up, self._in_flight = list(self._in_flight), {}
        if given_up and self._client.status == "running":
            with contextlib.suppress(Exception):  # the cluster may be gone, which is as well
                self._client.cancel(given_up, force=True)
                self._client.run(stop_crews, on_error="ignore")

    def _look(self) -> None:
        """Count the threads of the cluster, which may grow and shrink, and replace what is lost for good."""
        if time.monotonic() - self._looked < _LOOK_S:
            return
        try:
            self._threads = sum(self._client.nthreads().values())
        except Exception:  # of several kinds: what follows is the same
            raise self._scheduler_lost() from None
        self._revive(self._threads)
        self._looked = time.monotonic()

    def _submit(self, group: list[RunConfig]) -> None:
        future = self._client.submit(
            compute_group, self._terms, self._resources.memory, group, key=next(self._names), pure=False
        )
        self._in_flight[future] = group
        future.add_done_callback(self._answers.put)

    def _collect(self, future: Any, group: list[RunConfig], backlog: Backlog) -> Iterator[list[Record]]:
        """Yield the records of a task that came back, or see what has become of it."""
        from distributed import CancelledError, KilledWorker

        try:
            records: list[Record] = future.result()
        except KilledWorker:
            # Dask has begun it anew several times, with a worker lost each time.
            if len(group) == 1:
                yield [faults.lost(group[0], "with its Dask worker", 0.0)]
            else:
                backlog.give_back(group, alone=True)
        except (CancelledError, TimeoutError, OSError):
            raise self._scheduler_lost() from None
        except UserError:
            raise
        except Exception as error:
            self._failures += 1
            if self._failures >= _ATTEMPTS:
                raise WorkerLostError(
                    f"the workers of {self._where} cannot compute: {type(error).__name__}: {error}"
                ) from None
            backlog.give_back(group)
        else:
            self._failures = 0
            by_id = {record["run_id"]: record for record in records}
            backlog.give_back(run for run in group if run.run_id not in by_id)
            for run in group:
                if run.run_id in by_id:
                    self._pace.learn(run, by_id[run.run_id]["wall_s"])
            yield records

    def _scheduler_lost(self) -> SchedulerLostError:
        return SchedulerLostError(f"the scheduler of {self._where} is gone or does not answer")


#: Of a Dask worker: the crew of each of its threads.
_thread = threading.local()
_crews: list[Crew] = []


def compute_group(terms: Terms, memory: int | None, group: list[RunConfig]) -> list[Record]:
    """Compute a group of runs in the process that belongs to this thread of a Dask worker.

    A group that takes longer than was thought ends early: nobody waits long for what is done, and the runs
    that were not begun go elsewhere.
    """
    crew: Crew | None = getattr(_thread, "crew", None)
    if crew is None or crew.closed or (crew.terms, crew.memory) != (terms, memory):
        _dismiss(crew)
        # Dask marks its workers as processes without children; ours end when it does.
        multiprocessing.current_process().daemon = False
        crew = _thread.crew = Crew(1, terms, memory)
        _crews.append(crew)
    records: list[Record] = []
    begin = time.monotonic()
    try:
        for run in group:
            if records and time.monotonic() - begin > 2 * _GROUP.seconds:
                break
            for computed in crew.compute([run]):
                records += computed
        return records
    except BaseException:
        _dismiss(crew)
        _thread.crew = None
        raise


def stop_crews() -> None:
    """Kill the processes of this Dask worker, and with them what they compute."""
    for crew in _crews:
        crew.close()


def _dismiss(crew: Crew | None) -> None:
    if crew is not None:
        with crew:
            _crews.remove(crew)


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

"""Runs on a Dask cluster: each task is a group of runs, computed by a process that a Dask thread supervises.

A thread of a Dask worker does not compute; it hands the runs of a task to a worker process beside it (see
`sweeps.backends.cluster_task`). So a run that hangs, outgrows its memory or crashes takes nothing of the
cluster with it, a worker with many threads keeps as many cores busy, and the heartbeats of a worker go on
whatever its runs do. A Dask worker on which tasks fail repeatedly is no longer used, as long as there are
others; a run whose tasks fail on workers that compute other runs is tried alone, and finally recorded as
failed.

Dask gives up a task after several of its workers were lost, even if the task only waited there behind the one
that killed the worker. Runs of such tasks are therefore tried once more at the very end, one run at a time on
the whole cluster: if a worker is lost then, that run is the cause.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import pickle
import queue
import time
import uuid
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.backends import failure_records
from sweeps.backends.batch import stop_workers
from sweeps.backends.cluster_client import Revive, connect, in_time, mismatches
from sweeps.backends.cluster_task import Answer, compute_task
from sweeps.backends.failure_records import SchedulerLostError, StoppedError, WorkerLostError
from sweeps.backends.resources import Resources
from sweeps.backends.task_queue import DurationEstimate, GroupSize, TaskQueue
from sweeps.backends.worker import Terms
from sweeps.backends.worker_health import SCHEDULER, WorkerHealth
from sweeps.errors import UserError
from sweeps.run_one import Record
from sweeps.spec.run_config import RunConfig

#: Target size of a task; sending it and its answer takes a few milliseconds.
_GROUP = GroupSize(seconds=0.5, runs=256)
#: Tasks beyond two for every thread, which make a cluster that grows on demand start more workers.
_SPARE = 4
#: Seconds to wait for the result of a finished task.
_FETCH_S = 60.0
#: Seconds between two checks of the size of the cluster and of the connection.
_LOOK_S = 1.0
#: After this many checks without a Dask worker the user is told that the sweep waits for one.
_PATIENT_LOOKS = 5


def compute_on_cluster(
    runs: Sequence[RunConfig], terms: Terms, resources: Resources
) -> Generator[list[Record], None, None]:
    """Yield the records of runs as their tasks are completed; see `sweeps.backends.dask`."""
    with connect(resources) as (client, revive):
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
        self._durations = DurationEstimate()
        self._in_flight: dict[Any, _Task] = {}
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._sweep = uuid.uuid4().hex
        self._numbers = itertools.count()
        self._health = WorkerHealth()
        #: Runs that are tried with nothing else on the cluster, once the others are done.
        self._suspects: deque[RunConfig] = deque()
        #: By the address of a Dask worker: how many threads it has, of those that are not bad.
        self._threads: dict[str, int] = {}
        self._known: set[str] = set()
        self._idle_looks = 0
        self._looked = -math.inf

    def compute(self, runs: Sequence[RunConfig]) -> Iterator[list[Record]]:
        """Yield records as tasks come back; tasks that are lost are split and given out again."""
        waiting = TaskQueue(runs, self._durations, _GROUP)
        while waiting or self._in_flight or self._suspects:
            self._look(waiting)
            self._give_out(waiting)
            with contextlib.suppress(queue.Empty):
                future = self._answers.get(timeout=_LOOK_S)
                task = self._in_flight.pop(future, None)
                if task is not None:  # it was not withdrawn
                    yield from self._collect(future, task.group, waiting)

    def stop(self) -> None:
        """Give up what is in flight, and end the processes of this sweep with what they compute."""
        given_up, self._in_flight = list(self._in_flight), {}
        if self._client.status == "running":
            # The cluster may be gone, which is as well, and a Dask worker may be stopped, and not answer.
            with contextlib.suppress(Exception):
                in_time(self._client, self._client.cancel, given_up, force=True)
                in_time(self._client, self._client.run, stop_workers, self._sweep, on_error="ignore")

    def _look(self, waiting: TaskQueue) -> None:
        """Count the threads of the cluster, which may grow and shrink, and replace what is lost for good."""
        if time.monotonic() - self._looked < _LOOK_S:
            return
        try:
            threads: dict[str, int] = self._client.nthreads()
        except Exception:  # of several kinds: what follows is the same
            raise self._scheduler_lost() from None
        self._greet(set(threads) - self._known)
        self._threads = {name: n for name, n in threads.items() if not self._health.is_bad(name)}
        if (threads and not self._threads) or self._health.is_bad(SCHEDULER):
            raise WorkerLostError(f"the workers of {self._where} cannot compute: {self._health.reason}")
        self._withdraw(set(threads), waiting)
        self._revive(sum(threads.values()))
        self._tell_of_waiting(bool(threads))
        self._looked = time.monotonic()

    def _greet(self, new: set[str]) -> None:
        """Give nothing to Dask workers whose installation does not go together with this one."""
        if self._resources.scheduler is None or not new:
            return  # those of a cluster that was started here are the same installation
        try:
            others = mismatches(self._client, sorted(new))
        except Exception:  # of several kinds, as above
            raise self._scheduler_lost() from None
        for address, text in others.items():
            self._health.refuse(address, f"{address} has {text}; install the same versions on both sides")
        self._known |= new

    def _tell_of_waiting(self, has_workers: bool) -> None:
        """Say that there are no Dask workers, once they are missed for a while, and when there are again."""
        if has_workers:
            if self._idle_looks >= _PATIENT_LOOKS:
                self._resources.say(f"{self._where} has workers now: the sweep goes on.")
            self._idle_looks = 0
            return
        self._idle_looks += 1
        if self._idle_looks == _PATIENT_LOOKS:
            self._resources.say(
                f"{self._where} has no workers. The sweep waits as long as it takes, and goes on when one "
                f"comes, as by: dask worker {self._where}. Ctrl-C ends it: nothing is lost, and the same "
                "command continues."
            )

    def _withdraw(self, present: set[str], waiting: TaskQueue) -> None:
        """Take back the tasks that wait for Dask workers which have left."""
        for future, task in list(self._in_flight.items()):
            if task.workers is not None and task.workers.isdisjoint(present) and not future.done():
                del self._in_flight[future]
                self._client.cancel([future], force=True)
                waiting.give_back(task.group)

    def _give_out(self, waiting: TaskQueue) -> None:
        """Keep the cluster busy; runs that may have killed their worker follow at the end, one at a time."""
        threads = sum(self._threads.values())
        while waiting and len(self._in_flight) < 2 * threads + _SPARE:
            self._submit(waiting.take(threads))
        if self._suspects and not self._in_flight:
            self._submit([self._suspects.popleft()])

    def _submit(self, group: list[RunConfig]) -> None:
        """Send a group on its way, past the Dask workers on which tasks fail."""
        workers = self._health.choice(group, self._threads)
        future = self._client.submit(
            compute_task,
            self._sweep,
            self._resources.memory,
            pickle.dumps((self._terms, group)),
            key=f"runs-{self._sweep}-{next(self._numbers)}",
            workers=None if workers is None else sorted(workers),
            pure=False,
        )
        self._in_flight[future] = _Task(group, workers)
        future.add_done_callback(self._answers.put)

    def _collect(self, future: Any, group: list[RunConfig], waiting: TaskQueue) -> Iterator[list[Record]]:
        """Yield the records of a task that came back, or deal with its failure."""
        from distributed import KilledWorker

        try:
            answer: Answer = future.result(timeout=_FETCH_S)
        except KilledWorker:
            # Dask has given it out anew several times, with a worker lost each time.
            if self._health.killed(group):
                yield [failure_records.lost(group[0], "with its Dask worker", 0.0)]
            else:
                self._suspects.extend(group)
        except UserError:
            raise
        except StoppedError:
            waiting.give_back(group)
        except Exception as error:
            # A task's own error may be of any kind, an OSError too: only its state tells that it is its own.
            # An answer that cannot be read here belongs to a task that is finished, and one that does not
            # come to a Dask worker that was stopped, or is cut off, since.
            kept_back = isinstance(error, TimeoutError) and future.status != "error"
            if self._client.status != "running" or not (kept_back or future.status in ("error", "finished")):
                raise self._scheduler_lost() from None
            given_up = list(self._failed(future, group, error, waiting))
            if kept_back:  # nobody waits for it any more
                with contextlib.suppress(TimeoutError):
                    in_time(self._client, self._client.cancel, [future], force=True)
            yield from given_up
        else:
            records = answer.records
            self._health.worked(answer.worker)
            by_id = {record["run_id"]: record for record in records}
            waiting.give_back(run for run in group if run.run_id not in by_id)
            for run in group:
                if run.run_id in by_id:
                    self._durations.learn(run, by_id[run.run_id]["wall_s"])
            yield records

    def _failed(
        self, future: Any, group: list[RunConfig], error: Exception, waiting: TaskQueue
    ) -> Iterator[list[Record]]:
        """Count a failed task against its worker or its run; yield the record of a run that is given up."""
        reason = f"{type(error).__name__}: {error}"
        self._health.failed(self._places(future), group, reason)
        self._looked = -math.inf
        if len(group) == 1 and self._health.is_hopeless(group[0]):
            yield [failure_records.never_answered(group[0], reason)]
        else:
            waiting.give_back(group, alone=True)

    def _places(self, future: Any) -> list[str]:
        """Return the Dask workers on which a task has failed; the scheduler knows them."""
        key = future.key

        def failed_on(dask_scheduler: Any) -> list[str]:  # nested, for it travels as code
            task = dask_scheduler.tasks.get(key)
            return [] if task is None else sorted(task.erred_on or (at.address for at in task.who_has or ()))

        try:
            places: list[str] = self._client.run_on_scheduler(failed_on)
        except Exception:  # of several kinds, as above
            raise self._scheduler_lost() from None
        return places

    def _scheduler_lost(self) -> SchedulerLostError:
        return SchedulerLostError(f"the scheduler of {self._where} is gone or does not answer")

"""Which runs are to blame for lost Dask workers, on a made-up cluster on which nothing is left to chance."""

from __future__ import annotations

import math
import pickle
import queue
from typing import Any

import pytest
from loopback import by_fault
from misbehaving import made_up, misbehave

pytest.importorskip("distributed")

from distributed import KilledWorker

from sweeps.backends import Resources, cluster
from sweeps.backends.cluster_task import Answer
from sweeps.backends.worker import Terms
from sweeps.run_one import RunOptions, RunStatus, make_record
from sweeps.spec.run_config import RunConfig

LOST = ("failed", "worker lost: its process ended in every attempt, at last with its Dask worker")


class Future:
    """A task: done once it has an answer, which may be an error."""

    def __init__(self, group: list[RunConfig]) -> None:
        self.group = group
        self.answer: Answer | Exception | None = None

    def add_done_callback(self, callback: Any) -> None:
        """Nothing to do: the cluster is asked for what is done."""

    def done(self) -> bool:
        return self.answer is not None

    def result(self, timeout: float) -> Answer:
        if isinstance(self.answer, Answer):
            return self.answer
        assert self.answer is not None
        raise self.answer


class OneWorker:
    """A cluster, its client and the queue of its answers in one: a single Dask worker, which holds all tasks.

    A run that kills takes along whatever else is there; all of it is then given up by the scheduler.
    """

    status = "running"

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads
        self.held: list[Future] = []
        self.trials: list[list[str]] = []

    def nthreads(self) -> dict[str, int]:
        return {"tcp://a:1": self.n_threads}

    def submit(self, function: Any, sweep: str, memory: None, work: bytes, **_: Any) -> Future:
        self.held.append(Future(pickle.loads(work)[1]))
        return self.held[-1]

    def get(self, timeout: float) -> Future:
        if not self.held:
            raise queue.Empty
        if not any(future.done() for future in self.held):
            self._go_on()
        future = next(future for future in self.held if future.done())
        self.held.remove(future)
        return future

    def put(self, future: Future) -> None:
        raise AssertionError("no task is done before it is asked for")

    def _go_on(self) -> None:
        faults = [run.config["fault"] for future in self.held for run in future.group]
        if "kill" in faults:
            self.trials.append(faults)
            for future in self.held:
                future.answer = KilledWorker("key", None, 3)
        else:
            first = self.held[0]
            records = [make_record(run.config, RunStatus.OK, "", 0.01) for run in first.group]
            first.answer = Answer(records, "tcp://a:1")


@pytest.mark.parametrize("n_threads", [1, 16])
@pytest.mark.parametrize("seconds", [0.01, 10.0])
@pytest.mark.parametrize("faults", [["kill", *[""] * 40], ["", "kill", *[""] * 30, "kill", "kill", ""]])
def test_runs_that_are_lost_with_the_culprit_are_computed_once_it_is_alone(
    faults: list[str], seconds: float, n_threads: int
) -> None:
    runs = made_up(*faults, seconds=seconds)
    worker = OneWorker(n_threads)
    tasks = cluster._Tasks(worker, lambda n: None, Terms(misbehave, RunOptions()), Resources())
    tasks._answers = worker  # type: ignore[assignment]
    tasks._looked = math.inf
    tasks._threads = worker.nthreads()
    assert by_fault(runs, tasks.compute(runs)) == {"": ("ok", ""), "kill": LOST}
    assert not worker.held
    # every culprit is given up for what it did with nothing beside it, and tried no more often than that
    assert worker.trials.count(["kill"]) == faults.count("kill")
    assert sum(trial.count("kill") for trial in worker.trials) == 2 * faults.count("kill")

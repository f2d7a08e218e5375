"""One supervised worker process: what is left of a batch whose time is over, and who may stop it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from misbehaving import made_up, misbehave

from sweeps.backends import batch, supervised_worker
from sweeps.backends.batch import WorkerSet, compute_batch, stop_workers, worker_set
from sweeps.backends.failure_records import StartError, StoppedError
from sweeps.backends.supervised_worker import SupervisedWorker
from sweeps.backends.worker import Terms
from sweeps.run_one import RunOptions

TERMS = Terms(misbehave, RunOptions())

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes by signals")


@pytest.fixture
def worker() -> Iterator[SupervisedWorker]:
    worker = SupervisedWorker(TERMS)
    yield worker
    worker.close()
    assert not worker.is_alive
    assert worker.pid is None


@pytest.mark.slow
def test_a_batch_whose_time_is_over_ends_with_the_run_that_is_computed(
    worker: SupervisedWorker, tmp_path: Path
) -> None:
    runs = made_up("", "die once", "", "", folder=tmp_path)
    assert worker.compute([]) == []
    # The first run is always computed; one that is lost is tried until it is decided.
    assert [record["run_id"] for record in worker.compute(runs, seconds=0.0)] == [runs[0].run_id]
    assert [record["run_id"] for record in worker.compute(runs[1:], seconds=0.0)] == [runs[1].run_id]
    records = worker.compute(runs[2:])
    assert [record["run_id"] for record in records] == [run.run_id for run in runs[2:]]


@pytest.mark.slow
def test_a_worker_that_was_killed_without_work_is_replaced(worker: SupervisedWorker) -> None:
    worker.start()
    first = worker.pid
    assert first is not None
    assert worker.is_alive
    os.kill(first, signal.SIGKILL)
    assert [record["status"] for record in worker.compute(made_up("", ""))] == ["ok", "ok"]
    assert worker.pid not in (None, first)


@pytest.mark.slow
def test_a_run_that_only_needs_a_fresh_process_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What earlier runs have left in memory is not held against the next one."""
    worker = SupervisedWorker(TERMS, 500 * 2**20)
    try:
        records = worker.compute(made_up("", "grow", ""))
    finally:
        worker.close()
    assert [record["status"] for record in records] == ["ok", "failed", "ok"]


def test_a_worker_is_stopped_by_another_thread(worker: SupervisedWorker) -> None:
    threading.Timer(0.1, worker.stop).start()
    with pytest.raises(StoppedError, match="told to stop"):
        worker.compute(made_up("wait"))
    with pytest.raises(StoppedError, match="told to stop"):
        worker.start()


@pytest.mark.slow
def test_threads_share_the_workers_of_a_sweep_and_stopping_it_ends_all(tmp_path: Path) -> None:
    runs = made_up("held", "", "", folder=tmp_path)
    outcomes: list[object] = []

    def compute_held() -> None:
        try:
            outcomes.append(compute_batch("one", TERMS, None, runs[:1]))
        except StoppedError as error:
            outcomes.append(error)

    thread = threading.Thread(target=compute_held)
    thread.start()
    while not (tmp_path / "begun-0").exists():
        time.sleep(0.01)
    assert len(compute_batch("one", TERMS, None, runs[1:])) == 2
    assert len(compute_batch("other", TERMS, None, runs[1:])) == 2
    assert len(worker_set("one", TERMS, None).workers) == 2
    stop_workers("one")
    thread.join(30.0)
    assert isinstance(outcomes[0], StoppedError)
    with pytest.raises(StoppedError):
        compute_batch("one", TERMS, None, runs[1:])
    assert len(compute_batch("other", TERMS, None, runs[1:])) == 2
    stop_workers("other")


def test_workers_that_a_sweep_has_forgotten_are_ended_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    compute_batch("forgotten", TERMS, None, made_up(""))
    (worker,) = worker_set("forgotten", TERMS, None).workers
    monkeypatch.setattr(batch, "IDLE_S", 0.0)
    worker_set("next", TERMS, None)
    assert not worker.is_alive
    stop_workers("next")


def test_a_thread_that_cannot_start_a_process_waits_for_that_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unavailable(terms: Terms) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    runs, records = made_up("", ""), list[object]()
    workers = worker_set("short", TERMS, None)
    thread = threading.Thread(target=lambda: records.extend(compute_batch("short", TERMS, None, runs)))
    try:
        with workers.one():
            monkeypatch.setattr(supervised_worker, "WorkerProcess", unavailable)
            thread.start()
            thread.join(0.3)
            assert thread.is_alive()
            assert records == []
        thread.join(30.0)
        assert len(records) == 2
        assert len(workers.workers) == 1
        with pytest.raises(StartError, match=r"no worker process can be started here: .*unavailable"):
            compute_batch("alone", TERMS, None, runs)
    finally:
        stop_workers("short")
        stop_workers("alone")


def test_a_closed_set_lends_no_workers() -> None:
    workers = WorkerSet(TERMS, None)
    workers.close()
    with pytest.raises(StoppedError), workers.one():
        pass

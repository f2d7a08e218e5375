"""Worker processes that are killed, hang, grow or cannot start: real faults, each with its outcome."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from misbehaving import made_up, misbehave

from sweeps.backends import batch, supervised_worker
from sweeps.backends.failure_records import WorkerLostError
from sweeps.backends.persistent_pool import PersistentPool
from sweeps.backends.process_pool import ProcessPool
from sweeps.backends.resources import Resources
from sweeps.backends.worker import Terms
from sweeps.backends.worker_process import WorkerProcess
from sweeps.errors import UserError
from sweeps.run_one import Record, RunOptions
from sweeps.spec.run_config import RunConfig

TERMS = Terms(misbehave, RunOptions())
LIMIT = 500 * 2**20

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes by signals")


@pytest.fixture
def pool() -> Iterator[ProcessPool]:
    with ProcessPool(2, TERMS) as pool:
        yield pool


def pids_of(pool: ProcessPool) -> list[int]:
    """Return the ids of the worker processes of a pool whose threads are in this process."""
    workers = batch.worker_set(pool.sweep, pool.terms, pool.memory).workers
    return [worker.pid for worker in workers if worker.pid is not None]


def by_fault(runs: list[RunConfig], groups: Iterator[list[Record]]) -> dict[str, tuple[str, str]]:
    """Return status and reason by fault; every run must have been answered once."""
    records = [record for group in groups for record in group]
    assert sorted(record["run_id"] for record in records) == sorted(run.run_id for run in runs)
    return {record["config"]["fault"]: (record["status"], record["reason"]) for record in records}


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_but_time(pool: ProcessPool, tmp_path: Path) -> None:
    runs = made_up("", "die once", *[""] * 40, "die once", "", folder=tmp_path)
    assert set(by_fault(runs, pool.compute(runs)).values()) == {("ok", "")}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
def test_a_run_that_kills_every_worker_is_a_failed_row_and_the_sweep_goes_on(pool: ProcessPool) -> None:
    runs = made_up("", "die", "", "exit", "")
    found = by_fault(runs, pool.compute(runs))
    assert found[""] == ("ok", "")
    start = "worker lost: its process ended in every attempt, at last "
    assert found["die"] == ("failed", start + "by SIGKILL (killed from outside, or out of memory)")
    assert found["exit"] == ("failed", start + "with exit code 3")


@pytest.mark.slow
def test_a_run_that_hangs_in_native_code_is_killed_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised_worker, "GRACE_S", 0.2)
    runs = made_up("", "hang", *[""] * 5)
    with ProcessPool(2, Terms(misbehave, RunOptions(timeout=0.3))) as pool:
        found = by_fault(runs, pool.compute(runs))
    assert found == {
        "": ("ok", ""),
        "hang": ("timeout", "timeout: killed after the limit of 0.3 s, for it did not answer"),
    }


@pytest.mark.slow
def test_a_run_that_eats_memory_is_killed_at_the_limit() -> None:
    runs = made_up("", "grow", "", "")
    with ProcessPool(1, TERMS, LIMIT) as pool:
        found = by_fault(runs, pool.compute(runs))
    assert found == {
        "": ("ok", ""),
        "grow": ("failed", "memory: killed, for its process used more than the limit of 500M"),
    }


def test_a_limit_below_what_a_worker_needs_is_refused() -> None:
    with (
        ProcessPool(1, TERMS, 10 * 2**20) as pool,
        pytest.raises(UserError, match="more than the memory limit of 10M before"),
    ):
        list(pool.compute(made_up("wait")))


class Leaving:
    """Ends the process that is given it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (3,)

    def __call__(self, config: object, options: object) -> Record:
        raise AssertionError


def test_workers_that_cannot_start_are_an_error() -> None:
    message = "5 worker processes in a row ended as they started, with exit code 3"
    with (
        ProcessPool(2, Terms(Leaving(), RunOptions())) as pool,
        pytest.raises(WorkerLostError, match=message),
    ):
        list(pool.compute(made_up("")))


@pytest.mark.parametrize("possible", [0, 1])
def test_a_pool_makes_do_with_the_processes_that_it_can_start(
    possible: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[WorkerProcess] = []

    def start(terms: Terms) -> WorkerProcess:
        if len(started) == possible:
            raise OSError(11, "Resource temporarily unavailable")
        started.append(real(terms))
        return started[-1]

    real = WorkerProcess
    monkeypatch.setattr(supervised_worker, "WorkerProcess", start)
    runs = made_up("", "", "")
    with ProcessPool(2, TERMS) as pool:
        if possible:
            assert by_fault(runs, pool.compute(runs)) == {"": ("ok", "")}
        else:
            with pytest.raises(
                WorkerLostError, match=r"no worker process can be started here: .*unavailable"
            ):
                list(pool.compute(runs))


@pytest.mark.slow
def test_a_pool_computes_again_and_a_worker_that_left_is_no_loss(pool: ProcessPool) -> None:
    first, second = made_up("", ""), made_up("", "", "")[2:]
    assert by_fault(first, pool.compute(first)) == {"": ("ok", "")}
    for pid in pids_of(pool):
        os.kill(pid, signal.SIGKILL)
    assert by_fault(second, pool.compute(second)) == {"": ("ok", "")}


@pytest.mark.slow
def test_leaving_early_kills_the_workers(pool: ProcessPool) -> None:
    records = pool.compute(made_up("", "wait", "wait"))
    assert next(records)[0]["status"] == "ok"
    pids = pids_of(pool)
    assert pids
    records.close()
    assert pool.closed
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.slow
def test_a_pool_that_is_told_to_stop_from_elsewhere_says_so(pool: ProcessPool) -> None:
    records = pool.compute(made_up("", "wait", "wait"))
    next(records)
    threading.Timer(0.1, pool.stop).start()
    with pytest.raises(WorkerLostError, match="told to stop"):
        list(records)


ORPHANING = """
import os, signal, sys, time
sys.path.insert(0, {folder!r})
from misbehaving import made_up, misbehave
from sweeps.backends.batch import worker_set
from sweeps.backends.process_pool import ProcessPool
from sweeps.backends.worker import Terms
from sweeps.run_one import RunOptions
pool = ProcessPool(2, Terms(misbehave, RunOptions()))
records = pool.compute(made_up("", "hang", "hang"))
next(records)
while len(pids := [w.pid for w in worker_set(pool.sweep, pool.terms, None).workers if w.pid]) < 2:
    time.sleep(0.01)
print(*pids, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing ends a process that never lets go")
def test_even_a_hanging_worker_ends_with_its_parent() -> None:
    code = ORPHANING.format(folder=str(Path(__file__).parents[1]))
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    deadline = time.monotonic() + 20.0
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline, "workers have outlived their parent"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.slow
def test_a_run_that_hangs_is_killed_after_the_deadline_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised_worker, "GRACE_S", 0.2)
    runs = made_up("", "hang", "")
    with ProcessPool(2, Terms(misbehave, RunOptions(deadline=time.monotonic() + 6.0))) as pool:
        found = by_fault(runs, pool.compute(runs))
    assert found[""] == ("ok", "")
    status, reason = found["hang"]
    assert status == "timeout"
    assert reason.startswith("timeout: killed after the limit of")


def test_what_is_given_out_after_the_deadline_may_answer() -> None:
    runs = made_up("", "", "")
    with ProcessPool(1, Terms(misbehave, RunOptions(deadline=time.monotonic() - 100.0))) as pool:
        assert by_fault(runs, pool.compute(runs)) == {"": ("ok", "")}


@pytest.mark.slow
def test_kept_workers_serve_one_plan_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(*given: object) -> WorkerProcess:
        started.append(WorkerProcess(*given))  # type: ignore[arg-type]
        return started[-1]

    monkeypatch.setattr(supervised_worker, "WorkerProcess", start)
    first, second = made_up("", "exit"), made_up("", "", "")
    later = RunOptions(deadline=time.monotonic() + 600.0)
    with PersistentPool(1) as backend:
        found = by_fault(first, backend(first, RunOptions(), Resources(), misbehave))
        assert [status for status, _ in found.values()] == ["ok", "failed"]
        n_started = len(started)
        for _ in range(3):  # with the worker that took the place of the last one that was lost
            assert by_fault(second, backend(second, RunOptions(), Resources(), misbehave)) == {"": ("ok", "")}
        assert len(started) == n_started + 1
        n_started = len(started)
        assert by_fault(second, backend(second, later, Resources(), misbehave)) == {"": ("ok", "")}
        assert len(started) == n_started
        # A plan that is given up leaves no work behind for the next one.
        groups = backend(made_up("", "wait"), later, Resources(), misbehave)
        assert [record["status"] for record in next(groups)] == ["ok"]
        groups.close()
        assert by_fault(second, backend(second, later, Resources(), misbehave)) == {"": ("ok", "")}
    assert not any(worker_is_alive(worker.pid) for worker in started)


def worker_is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_a_pool_may_be_ready_before_its_first_run() -> None:
    runs = made_up("", "")
    with ProcessPool(2, TERMS) as pool:
        pool.start()
        (pid,) = pids_of(pool)
        assert by_fault(runs, pool.compute(runs)) == {"": ("ok", "")}
        assert pid in pids_of(pool)


def test_time_in_which_nobody_looked_is_not_held_against_a_worker() -> None:
    worker = WorkerProcess.__new__(WorkerProcess)
    worker._overdue_since = None
    worker.overdue_s(True)
    time.sleep(0.05)
    assert worker.overdue_s(True) > 0.04
    assert worker.overdue_s(False) == 0.0
    first = worker.overdue_s(True)
    time.sleep(0.05)
    assert worker.overdue_s(True) - first > 0.04


def test_a_limit_of_many_years_is_a_limit() -> None:
    runs = made_up("", "")
    with ProcessPool(1, Terms(misbehave, RunOptions(timeout=1e9))) as pool:
        assert by_fault(runs, pool.compute(runs)) == {"": ("ok", "")}

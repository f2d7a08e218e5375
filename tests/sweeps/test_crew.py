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

from sweeps.backends import process_pool as module
from sweeps.backends.failure_records import WorkerLostError
from sweeps.backends.persistent_pool import KeptCrew
from sweeps.backends.process_pool import Crew
from sweeps.backends.resources import Resources
from sweeps.backends.worker import Terms
from sweeps.backends.worker_process import WorkerProcess
from sweeps.errors import UserError
from sweeps.run_one import Record, RunOptions
from sweeps.space import RunConfig

TERMS = Terms(misbehave, RunOptions())
LIMIT = 500 * 2**20

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="kills processes by signals"),
]


@pytest.fixture
def crew() -> Iterator[Crew]:
    with Crew(2, TERMS) as crew:
        yield crew


def by_fault(runs: list[RunConfig], groups: Iterator[list[Record]]) -> dict[str, tuple[str, str]]:
    """Return status and reason by fault; every run must have been answered once."""
    records = [record for group in groups for record in group]
    assert sorted(record["run_id"] for record in records) == sorted(run.run_id for run in runs)
    return {record["config"]["fault"]: (record["status"], record["reason"]) for record in records}


def test_a_killed_worker_costs_nothing_but_time(crew: Crew, tmp_path: Path) -> None:
    runs = made_up("", "die once", *[""] * 40, "die once", "", folder=tmp_path)
    assert set(by_fault(runs, crew.compute(runs)).values()) == {("ok", "")}
    assert len(list(tmp_path.iterdir())) == 2


def test_a_run_that_kills_every_worker_is_a_failed_row_and_the_sweep_goes_on(crew: Crew) -> None:
    runs = made_up("", "die", "", "exit", "")
    found = by_fault(runs, crew.compute(runs))
    assert found[""] == ("ok", "")
    start = "worker lost: its process ended in every attempt, at last "
    assert found["die"] == ("failed", start + "by SIGKILL (killed from outside, or out of memory)")
    assert found["exit"] == ("failed", start + "with exit code 3")


def test_a_run_that_hangs_in_native_code_is_killed_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_S", 0.2)
    runs = made_up("", "hang", *[""] * 5)
    with Crew(2, Terms(misbehave, RunOptions(timeout=0.3))) as crew:
        found = by_fault(runs, crew.compute(runs))
    assert found == {
        "": ("ok", ""),
        "hang": ("timeout", "timeout: killed after the limit of 0.3 s, for it did not answer"),
    }


def test_a_run_that_eats_memory_is_killed_at_the_limit() -> None:
    runs = made_up("", "grow", "", "")
    with Crew(1, TERMS, LIMIT) as crew:
        found = by_fault(runs, crew.compute(runs))
    assert found == {
        "": ("ok", ""),
        "grow": ("failed", "memory: killed, for its process used more than the limit of 500M"),
    }


def test_a_limit_below_what_a_worker_needs_is_refused() -> None:
    with (
        Crew(1, TERMS, 10 * 2**20) as crew,
        pytest.raises(UserError, match="more than the memory limit of 10M before"),
    ):
        list(crew.compute(made_up("wait")))


class Leaving:
    """Ends the process that is given it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (3,)

    def __call__(self, config: object, options: object) -> Record:
        raise AssertionError


def test_workers_that_cannot_start_are_an_error() -> None:
    message = "5 worker processes in a row ended as they started, with exit code 3"
    with Crew(2, Terms(Leaving(), RunOptions())) as crew, pytest.raises(WorkerLostError, match=message):
        list(crew.compute(made_up("")))


@pytest.mark.parametrize("possible", [0, 1])
def test_a_crew_makes_do_with_the_processes_that_it_can_start(
    possible: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[module.WorkerProcess] = []

    def start(terms: Terms) -> module.WorkerProcess:
        if len(started) == possible:
            raise OSError(11, "Resource temporarily unavailable")
        started.append(real(terms))
        return started[-1]

    real = module.WorkerProcess
    monkeypatch.setattr(module, "WorkerProcess", start)
    runs = made_up("", "", "")
    with Crew(2, TERMS) as crew:
        if possible:
            assert by_fault(runs, crew.compute(runs)) == {"": ("ok", "")}
        else:
            with pytest.raises(
                WorkerLostError, match=r"no worker process can be started here: .*unavailable"
            ):
                list(crew.compute(runs))


def test_a_crew_computes_again_and_a_worker_that_left_is_no_loss(crew: Crew) -> None:
    first, second = made_up("", ""), made_up("", "", "")[2:]
    assert by_fault(first, crew.compute(first)) == {"": ("ok", "")}
    for worker in crew._workers:
        worker.kill()
    assert by_fault(second, crew.compute(second)) == {"": ("ok", "")}


def test_leaving_early_kills_the_workers(crew: Crew) -> None:
    records = crew.compute(made_up("", "wait", "wait"))
    assert next(records)[0]["status"] == "ok"
    pids = [worker.pid for worker in crew._workers]
    with crew:
        records.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_crew_that_is_told_to_stop_from_elsewhere_says_so(crew: Crew) -> None:
    records = crew.compute(made_up("", "wait", "wait"))
    next(records)
    threading.Timer(0.1, crew.close).start()
    with pytest.raises(WorkerLostError, match="told to stop"):
        list(records)


ORPHANING = """
import os, signal, sys, time
sys.path.insert(0, {folder!r})
from misbehaving import made_up, misbehave
from sweeps.backends.process_pool import Crew
from sweeps.backends.worker import Terms
from sweeps.run_one import RunOptions
crew = Crew(2, Terms(misbehave, RunOptions()))
next(crew.compute(made_up("", "hang", "hang")))
print(*(worker.pid for worker in crew._workers), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing ends a process that never lets go")
def test_even_a_hanging_worker_ends_with_its_parent() -> None:
    code = ORPHANING.format(folder=str(Path(__file__).parent))
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


def test_a_run_that_hangs_is_killed_after_the_deadline_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_S", 0.2)
    runs = made_up("", "hang", "")
    with Crew(2, Terms(misbehave, RunOptions(deadline=time.monotonic() + 6.0))) as crew:
        found = by_fault(runs, crew.compute(runs))
    assert found[""] == ("ok", "")
    status, reason = found["hang"]
    assert status == "timeout"
    assert reason.startswith("timeout: killed after the limit of")


def test_what_is_given_out_after_the_deadline_may_answer() -> None:
    runs = made_up("", "", "")
    with Crew(1, Terms(misbehave, RunOptions(deadline=time.monotonic() - 100.0))) as crew:
        assert by_fault(runs, crew.compute(runs)) == {"": ("ok", "")}


def test_kept_workers_serve_one_plan_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(*given: object) -> WorkerProcess:
        started.append(WorkerProcess(*given))  # type: ignore[arg-type]
        return started[-1]

    monkeypatch.setattr(module, "WorkerProcess", start)
    first, second = made_up("", "exit"), made_up("", "", "")
    later = RunOptions(deadline=time.monotonic() + 600.0)
    with KeptCrew(1) as backend:
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


def test_a_crew_may_be_ready_before_its_first_run() -> None:
    runs = made_up("", "")
    with Crew(2, TERMS) as crew:
        crew.start()
        (worker,) = crew._workers
        assert worker.ready
        assert by_fault(runs, crew.compute(runs)) == {"": ("ok", "")}
        assert crew._workers[0] is worker


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
    with Crew(1, Terms(misbehave, RunOptions(timeout=1e9))) as crew:
        assert by_fault(runs, crew.compute(runs)) == {"": ("ok", "")}

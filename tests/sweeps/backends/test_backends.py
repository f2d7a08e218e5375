"""Backends: the same numbers everywhere, one thread each."""

from __future__ import annotations

import contextlib
import inspect
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import joblib
import pytest
from misbehaving import made_up, misbehave
from small_sweep import STOPS
from threadpoolctl import threadpool_info, threadpool_limits

from sweeps import _orphans, interrupts
from sweeps.backends import (
    BACKENDS,
    DEFAULT_BACKEND,
    Resources,
    WorkerLostError,
    get_backend,
    joblib_backends,
    worker,
    worker_count,
    worker_process,
)
from sweeps.backends.joblib_backends import check_joblib_backend, joblib_backend_names
from sweeps.commands.run import run
from sweeps.errors import UserError
from sweeps.run_one import RunOptions
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.run_config import RunConfig
from sweeps.spec.spec_reader import parse_spec


def small_runs() -> list[RunConfig]:
    values: dict[str, Any] = {
        "suite": "toy",
        "tasks": ["product"],
        "seeds": 2,
        "data": {"n_train": 50, "n_test": 20},
        "models": [
            {"family": "kan", "hidden": [[2]], "grids": [3, 5], "steps": 2},
            {"family": "mlp", "hidden": [[30, 30]], "steps": 2},
        ],
    }
    spec = parse_spec(values, "test", "test")
    return expand(spec, tasks.describe(spec))


def metrics(groups: Iterator[list[dict[str, Any]]]) -> dict[str, Any]:
    drop = ("wall_s", "model")
    return {
        record["run_id"]: [{k: v for k, v in row.items() if k not in drop} for row in record["stages"]]
        for records in groups
        for record in records
    }


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if n != "loky" else ()) for n in BACKENDS],
)
def test_every_backend_gives_the_same_bits(name: str) -> None:
    if name == "dask":
        pytest.importorskip("distributed")
    runs = small_runs()
    expected = metrics(BACKENDS["sequential"](runs, RunOptions(), Resources()))
    assert list(expected) == [run.run_id for run in runs]
    assert metrics(BACKENDS[name](runs, RunOptions(), Resources(jobs=2))) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_may_be_left_early(name: str) -> None:
    if name == "dask":
        pytest.importorskip("distributed")
    records = BACKENDS[name](small_runs(), RunOptions(), Resources(jobs=2))
    assert next(records)[0]["status"] == "ok"
    records.close()


def test_computing_in_this_process_uses_one_thread_and_gives_the_others_back() -> None:
    def threads() -> list[int]:
        return [library["num_threads"] for library in threadpool_info()]

    with threadpool_limits(2):
        before = threads()
        records = BACKENDS["sequential"](small_runs(), RunOptions(), Resources())
        next(records)
        assert set(threads()) == {1}
        records.close()
        assert set(before) == {2}
        assert threads() == before


def test_a_worker_ignores_ctrl_c_and_watches_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: started.append(thread))
    monkeypatch.setattr("threadpoolctl.threadpool_limits", lambda limits: started.append(limits))
    monkeypatch.setattr(worker.gc, "freeze", lambda: started.append("frozen"))
    monkeypatch.setattr(worker.sys, "platform", "of another kind")
    before = {number: signal.getsignal(number) for number in STOPS}
    try:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        worker.prepare_worker(os.getppid())
        for number in STOPS:
            if number is signal.SIGTERM:  # that is for this process alone
                continue
            if hasattr(signal, "pthread_sigmask"):
                assert number not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
            assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        for number, handler in before.items():
            signal.signal(number, handler)
    assert started[0].daemon
    assert started[1:] == [1, "frozen"]


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_while_workers_start_comes_after_the_start(number: int) -> None:
    got: list[int] = []

    def send() -> None:
        """To this thread: others, which earlier tests may have left, do not hold signals back."""
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.get_ident(), number)
        else:
            os.kill(os.getpid(), number)

    before = {n: signal.signal(n, lambda n, _: got.append(n)) for n in STOPS}
    try:
        with interrupts.children_ignore_terminal():
            send()
            assert got == []
        assert got == [number]
        with contextlib.suppress(ZeroDivisionError), interrupts.children_ignore_terminal():
            send()
            raise ZeroDivisionError
        assert got == [number, number]
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs signal masks")
def test_a_process_started_meanwhile_does_not_hear_the_terminal() -> None:
    code = (
        "import signal\n"
        "print({signal.SIGINT, signal.SIGHUP} <= signal.pthread_sigmask(signal.SIG_BLOCK, []))\n"
    )
    ended = []
    with interrupts.children_ignore_terminal():
        ended.append(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True))
    ended.append(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True))
    assert [process.stdout for process in ended] == ["True\n", "False\n"]


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where the shell that started the tests told them to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_while_workers_start_ends_the_backend(
    jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = worker_process.WorkerProcess.__init__
    before = set(multiprocessing.active_children())  # joblib keeps processes of its own for further calls

    signals = [signal.SIGINT]  # a second one would end the waiting for the end of the workers

    def interrupted(*arguments: Any) -> None:
        if signals:
            os.kill(os.getpid(), signals.pop())
        start(*arguments)

    monkeypatch.setattr(worker_process.WorkerProcess, "__init__", interrupted)
    records = BACKENDS["threading"](small_runs(), RunOptions(), Resources(jobs=jobs))
    with pytest.raises(KeyboardInterrupt):
        next(records)
    assert set(multiprocessing.active_children()) <= before


def test_an_orphan_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter([7, 7, 1])
    monkeypatch.setattr(_orphans, "_CHECK_S", 0.0)
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    _orphans._watch(7)
    assert codes == [1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("slurm", "backend is 'slurm'; expected one of sequential, threading, loky, dask, multiprocessing."),
        ("lokey", "Did you mean 'loky'?"),
    ],
)
def test_an_unknown_backend_is_refused_with_the_choices(name: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        get_backend(name)
    assert message in str(caught.value)


def test_the_command_line_has_the_default_backend() -> None:
    assert inspect.signature(run).parameters["backend"].default == DEFAULT_BACKEND
    assert get_backend(DEFAULT_BACKEND) is BACKENDS[DEFAULT_BACKEND]


def test_jobs_counts_processes_or_leaves_cores_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    assert [worker_count(jobs) for jobs in (1, 5, 20, -1, -2, -20)] == [1, 5, 20, 8, 7, 1]
    with pytest.raises(UserError, match="jobs is 0"):
        worker_count(0)


@pytest.mark.slow
def test_a_backend_of_joblib_without_generators_is_given_rounds_of_batches() -> None:
    runs = made_up("", "die", *[""] * 150)
    groups = get_backend("multiprocessing")(runs, RunOptions(), Resources(jobs=2), misbehave)
    records = [record for group in groups for record in group]
    assert sorted(record["run_id"] for record in records) == sorted(run.run_id for run in runs)
    assert [record["config"]["fault"] for record in records if record["status"] != "ok"] == ["die"]
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_a_backend_that_another_package_brings_is_registered_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = types.ModuleType("ray.util.joblib")
    package.register_ray = lambda: joblib.register_parallel_backend(  # type: ignore[attr-defined]
        "ray", joblib.parallel.ThreadingBackend
    )
    with pytest.raises(UserError, match=r"^backend is 'ray'; expected one of "):
        get_backend("ray")
    with pytest.raises(UserError, match="the backend ray needs the package ray: pip install ray"):
        check_joblib_backend("ray")
    monkeypatch.setattr(joblib_backends, "_is_installed", lambda module: module == "ray.util.joblib")
    monkeypatch.setitem(sys.modules, "ray", types.ModuleType("ray"))
    monkeypatch.setitem(sys.modules, "ray.util", types.ModuleType("ray.util"))
    monkeypatch.setitem(sys.modules, "ray.util.joblib", package)
    monkeypatch.setattr(joblib.parallel, "BACKENDS", dict(joblib.parallel.BACKENDS))
    runs = made_up("", "", "")
    assert "ray" in joblib_backend_names()
    groups = get_backend("ray")(runs, RunOptions(), Resources(jobs=2), misbehave)
    assert {record["status"] for group in groups for record in group} == {"ok"}


class LosesItsProcesses(joblib.parallel.ThreadingBackend):  # type: ignore[misc]
    """A backend whose first batches are lost, as those of loky with one of its processes."""

    n_lost = 0

    def submit(self, func: Any, callback: Any = None) -> Any:
        def lost() -> None:
            raise BrokenProcessPool("a process was terminated abruptly")

        if LosesItsProcesses.n_lost > 0:
            LosesItsProcesses.n_lost -= 1
            return super().submit(lost, callback)
        return super().submit(func, callback)


@pytest.mark.slow
def test_what_was_on_its_way_when_joblib_lost_a_process_is_computed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(joblib.parallel, "BACKENDS", joblib.parallel.BACKENDS | {"loses": LosesItsProcesses})
    runs = made_up(*[""] * 80)
    LosesItsProcesses.n_lost = 1
    groups = get_backend("loses")(runs, RunOptions(), Resources(jobs=2), misbehave)
    records = [record for group in groups for record in group]
    assert sorted(record["run_id"] for record in records) == sorted(run.run_id for run in runs)
    LosesItsProcesses.n_lost = 1000
    groups = get_backend("loses")(runs, RunOptions(), Resources(jobs=2), misbehave)
    with pytest.raises(WorkerLostError, match="backend 'loses' were lost 3 times in a row: a process was"):
        list(groups)
    LosesItsProcesses.n_lost = 0

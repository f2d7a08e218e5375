"""Carrying out a plan in this process: what is stored, and what stops it."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from misbehaving import made_up, misbehave
from small_sweep import STOPS

import kan_np
from sweeps import backends, interrupts, runner
from sweeps.backends import Resources, WorkerLostError
from sweeps.errors import UserError
from sweeps.interrupts import StopSignals
from sweeps.run_one import RunOptions, RunStatus, make_record
from sweeps.runner import Outcome, RunnerOptions, SweepEnd, run_plan
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.plan import Plan, make_plan
from sweeps.spec.spec_reader import parse_spec
from sweeps.storage.store import Store

VALUES: dict[str, Any] = {
    "suite": "toy",
    "tasks": ["product"],
    "seeds": 2,
    "data": {"n_train": 50, "n_test": 20},
    "models": [
        {"family": "kan", "hidden": [[2]], "grids": [3], "steps": 1},
        {"family": "mlp", "hidden": [[3], [4]], "steps": 1},
    ],
}
SPEC = parse_spec(VALUES, "test", "test")
RUNS = expand(SPEC, tasks.describe(SPEC))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "out", SPEC.to_dict(), "kan-sweep run test") as store:
        yield store


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    numbers = STOPS
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def plan_for(store: Store, **options: Any) -> Plan:
    bad = store.finished_ids(("failed", "timeout", "diverged"))
    return make_plan(RUNS, store.finished_ids(), bad, **options)


def carry_out(store: Store, **options: Any) -> tuple[Outcome, list[str]]:
    said: list[str] = []
    how = RunnerOptions(backend="sequential", progress="none")
    return run_plan(store, plan_for(store, **options), RunOptions(), how, said.append), said


def interrupt_in_run(monkeypatch: pytest.MonkeyPatch, number: int, at: int) -> None:
    """Let the process get a signal while its run number `at` is computed."""
    original, calls = backends.run_one, []

    def run_one(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == at:
            os.kill(os.getpid(), number)
        return original(*arguments)

    monkeypatch.setattr(backends, "run_one", run_one)


def test_every_run_is_stored_once(store: Store) -> None:
    outcome, said = carry_out(store)
    assert (outcome.end, outcome.done, outcome.failed) == (SweepEnd.FINISHED, len(RUNS), 0)
    assert outcome.models == len(RUNS)
    assert store.finished_ids() == {run.run_id for run in RUNS}
    assert any("compiling kernels once" in line for line in said)


def test_a_finished_sweep_launches_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(store)
    monkeypatch.setattr(backends, "run_one", lambda *_: pytest.fail("a run was launched"))
    monkeypatch.setattr("sweeps.runner.warm_up", lambda *_: pytest.fail("kernels were compiled"))
    outcome, said = carry_out(store)
    assert (outcome.end, outcome.done, said) == (SweepEnd.FINISHED, 0, [])


def test_a_failing_run_is_a_row_with_a_reason_and_may_be_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("this one is broken")

    with monkeypatch.context() as patch:
        patch.setattr(kan_np, "fit_schedule", broken)
        outcome, _ = carry_out(store)
    assert (outcome.end, outcome.done, outcome.failed) == (SweepEnd.FINISHED, len(RUNS), 2)
    columns = store.runs()
    failed = columns["status"] == "failed"
    assert set(columns["family"][failed]) == {"kan"}
    assert all("RuntimeError: this one is broken (" in reason for reason in columns["reason"][failed])

    assert plan_for(store).todo == ()
    outcome, _ = carry_out(store, retry_failed=True)
    assert (outcome.done, outcome.failed) == (2, 0)
    assert set(store.runs()["status"]) == {"ok"}


@pytest.mark.slow
@pytest.mark.usefixtures("signals_are_heard")
@pytest.mark.parametrize("number", STOPS)
def test_an_interrupt_keeps_what_is_complete(
    number: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_in_run(monkeypatch, number, at=3)
    outcome, _ = carry_out(store)
    assert (outcome.end, outcome.done) == (SweepEnd.INTERRUPTED, 2)
    assert len(store.finished_ids()) == 2
    monkeypatch.undo()
    outcome, _ = carry_out(store)
    assert (outcome.end, outcome.done) == (SweepEnd.FINISHED, len(RUNS) - 2)


def test_an_interrupt_never_cuts_a_record_in_two(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add_all = store.add_all

    def interrupted_add(records: list[dict[str, Any]]) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        add_all(records)

    monkeypatch.setattr(store, "add_all", interrupted_add)
    outcome, _ = carry_out(store)
    assert (outcome.end, outcome.done) == (SweepEnd.INTERRUPTED, 1)
    assert len(store.finished_ids()) == 1


def test_workers_that_are_gone_are_an_outcome(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(runs: Any, options: RunOptions, *_: Any) -> Any:
        yield [backends.run_one(runs[0].config, options)]
        raise WorkerLostError("the scheduler is gone")

    monkeypatch.setitem(backends.BACKENDS, "sequential", dying)
    outcome, _ = carry_out(store)
    assert (outcome.end, outcome.message) == (SweepEnd.WORKER_LOST, "the scheduler is gone")
    assert len(store.finished_ids()) == outcome.done == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills processes by signals")
@pytest.mark.parametrize(("faults", "jobs"), [(("die",), -1), (("", "die", ""), 1)])
def test_a_run_that_kills_its_process_is_a_failed_row_also_where_one_process_is_enough(
    faults: tuple[str, ...], jobs: int, store: Store
) -> None:
    runs = made_up(*faults)
    options = RunnerOptions(jobs=jobs, progress="none")
    outcome = run_plan(store, make_plan(runs, {}), RunOptions(), options, lambda line: None, misbehave)
    assert (outcome.end, outcome.done, outcome.failed) == (SweepEnd.FINISHED, len(runs), 1)
    columns = store.runs()
    assert sorted(columns["status"]) == ["failed", *["ok"] * (len(runs) - 1)]
    assert any(reason.startswith("worker lost: ") for reason in columns["reason"])


@pytest.mark.parametrize("name", backends.BACKENDS)
def test_one_process_is_of_the_kind_that_was_asked_for(name: str) -> None:
    assert runner._engine(10, RunnerOptions(name, 1), print) == (
        backends.get_backend(name),
        Resources(jobs=1),
    )


def test_no_more_processes_are_started_than_there_are_runs() -> None:
    assert runner._engine(3, RunnerOptions("loky", 8), print)[1].jobs == 3


def test_another_computation_takes_the_place_of_training(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(config: Any, options: RunOptions) -> Any:
        return make_record(config, RunStatus.OK, "", 0.0)

    monkeypatch.setattr(backends, "run_one", lambda *_: pytest.fail("a model was trained"))
    monkeypatch.setattr("sweeps.runner.warm_up", lambda *_: pytest.fail("kernels were compiled"))
    options = RunnerOptions(backend="sequential", progress="none")
    outcome = run_plan(store, plan_for(store), RunOptions(), options, lambda line: None, at_once)
    assert (outcome.end, outcome.done, outcome.models) == (SweepEnd.FINISHED, len(RUNS), 0)


def test_a_store_that_fails_ends_the_sweep(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(records: list[dict[str, Any]]) -> None:
        raise UserError("the disk is full") from sqlite3.OperationalError()

    monkeypatch.setattr(store, "add_all", full)
    with pytest.raises(UserError, match="the disk is full"):
        carry_out(store)


def test_signals_are_given_back_after_a_block_without_any() -> None:
    before = signal.getsignal(signal.SIGINT)
    with StopSignals():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Exit codes of a process that would have ended at once."""
    found: list[int] = []
    monkeypatch.setattr(interrupts.os, "_exit", found.append)
    monkeypatch.setattr(interrupts.os, "write", lambda file, text: None)
    return found


def test_the_first_signal_stops_the_second_ends_at_once(codes: list[int]) -> None:
    with pytest.raises(KeyboardInterrupt), StopSignals():
        signal.raise_signal(signal.SIGINT)
    assert codes == []
    signal.raise_signal(signal.SIGTERM)
    assert codes == [130]


def test_signals_while_a_record_is_stored_wait_for_its_end_but_for_the_third(codes: list[int]) -> None:
    found: list[list[int]] = []

    def store() -> None:
        with StopSignals() as signals, signals.held():
            for _ in range(3):
                signal.raise_signal(signal.SIGINT)
                found.append(list(codes))

    with pytest.raises(KeyboardInterrupt):
        store()
    assert found == [[], [], [130]]


class InterruptedAtItsEnd:
    """Python drops what is raised while this is destroyed, and tells `sys.unraisablehook`."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def dropped(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    kinds: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: kinds.append(lost.exc_type))
    return kinds


def test_an_interrupt_that_python_drops_is_not_forgotten(dropped: list[Any]) -> None:
    with StopSignals() as signals:
        assert not signals.stopping
        signals.check()
        InterruptedAtItsEnd()
        assert dropped == [KeyboardInterrupt]
        assert signals.stopping
        with pytest.raises(KeyboardInterrupt):
            signals.check()
    with StopSignals():
        InterruptedAtItsEnd()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_signal_while_the_first_is_answered_ends_the_process(codes: list[int]) -> None:
    cleaned: list[str] = []

    def records() -> Iterator[int]:
        try:
            yield 1
        finally:
            cleaned.append("generator")
            signal.raise_signal(signal.SIGINT)

    def stopped() -> None:
        with StopSignals(), contextlib.closing(records()) as numbers:
            next(numbers)
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert (cleaned, codes) == (["generator"], [130])


def test_an_interrupt_that_python_drops_ends_the_sweep_after_the_run(
    store: Store, monkeypatch: pytest.MonkeyPatch, dropped: list[Any]
) -> None:
    original = backends.run_one

    def run_one(*arguments: Any) -> Any:
        InterruptedAtItsEnd()
        return original(*arguments)

    monkeypatch.setattr(backends, "run_one", run_one)
    outcome, _ = carry_out(store)
    assert dropped == [KeyboardInterrupt]
    assert (outcome.end, outcome.done) == (SweepEnd.INTERRUPTED, 1)

    monkeypatch.setattr("sweeps.runner.warm_up", lambda *_: InterruptedAtItsEnd())
    outcome, _ = carry_out(store)
    assert (outcome.end, outcome.done) == (SweepEnd.INTERRUPTED, 0)

"""Dask: real clusters of processes on the loopback, and everything that can be lost of one."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from loopback import by_fault, dask_cluster, wait_for
from misbehaving import NeedsRoom, made_up, misbehave

from sweeps import backends
from sweeps.backends import Resources, SchedulerLostError, WorkerLostError, check_choice, cluster_client
from sweeps.errors import UserError
from sweeps.run_one import RunOptions

pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="kills processes by signals"),
    # Dask leaves sockets of connections that broke to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]


def test_faults_of_runs_have_the_same_outcomes_as_on_one_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = made_up("", "die", "die once", "hang", "grow", *[""] * 8, folder=tmp_path)
    resources = Resources(jobs=1, memory=500 * 2**20)
    found = by_fault(runs, backends.dask(runs, RunOptions(timeout=1.0), resources, misbehave))
    assert (found[""], found["die once"]) == (("ok", ""), ("ok", ""))
    assert found["die"][1].startswith("worker lost: its process ended in every attempt, at last by SIGKILL")
    assert found["hang"][0] == "timeout"
    assert found["grow"][1] == "memory: killed, for its process used more than the limit of 500M"


@pytest.mark.parametrize(
    ("faults", "seconds"),
    [
        (("", "kill parent", "", ""), 0.01),  # in one task with the culprit
        (("kill parent", "", "", ""), 10.0),  # each in a task of its own, which waits behind the culprit's
    ],
)
def test_only_the_culprit_is_given_up_with_the_dask_workers_that_it_kills(
    faults: tuple[str, ...], seconds: float
) -> None:
    import dask

    runs = made_up(*faults, seconds=seconds)
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        found = by_fault(runs, backends.dask(runs, RunOptions(), Resources(jobs=1), misbehave))
    reason = "worker lost: its process ended in every attempt, at last with its Dask worker"
    assert found == {"": ("ok", ""), "kill parent": ("failed", reason)}


def test_a_dask_worker_that_is_killed_while_it_is_restarted_is_no_loss() -> None:
    runs = made_up(*[""] * 5, seconds=10.0)
    records = backends.dask(runs, RunOptions(), Resources(jobs=1), misbehave)
    first = next(records)
    killed: set[int | None] = set()
    deadline = time.monotonic() + 60.0
    while len(killed) < 2:
        assert time.monotonic() < deadline, "Dask has not restarted its worker"
        for process in multiprocessing.active_children():
            if process.pid not in killed:
                process.kill()
                killed.add(process.pid)
    assert by_fault(runs, itertools.chain([first], records)) == {"": ("ok", "")}


def test_a_worker_that_has_left_for_good_is_replaced() -> None:
    import dask

    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "0.1s"}),
        cluster_client._own(1) as (client, revive),
    ):
        client.retire_workers()
        deadline = time.monotonic() + 60.0
        while client.nthreads():
            assert time.monotonic() < deadline, "the worker has not left"
        while not client.nthreads():
            assert time.monotonic() < deadline, "the worker was not replaced"
            revive(0)
            time.sleep(0.1)


def test_a_lost_dask_worker_costs_nothing_but_time(tmp_path: Path) -> None:
    runs = made_up(*[""] * 60)
    with dask_cluster(2) as (address, processes):
        records = backends.dask(runs, RunOptions(), Resources(scheduler=address), misbehave)
        first = next(records)
        os.killpg(processes[1].pid, signal.SIGKILL)
        assert by_fault(runs, itertools.chain([first], records)) == {"": ("ok", "")}


def test_a_lost_scheduler_ends_the_sweep_with_a_word() -> None:
    import dask

    runs = made_up(*[""] * 10, *["wait"] * 10)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
        dask_cluster(1, "--no-nanny") as (address, processes),
    ):
        records = backends.dask(runs, RunOptions(), Resources(scheduler=address), misbehave)
        assert next(records)[0]["status"] == "ok"
        processes[0].kill()
        with pytest.raises(SchedulerLostError, match=f"scheduler of {address} is gone or does not answer"):
            list(records)


def test_a_scheduler_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_client, "_CONNECT_S", 0.5)
    resources = Resources(scheduler="tcp://127.0.0.1:9")
    with pytest.raises(
        UserError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9: waited for 0\.5 s .*Check"
    ):
        next(backends.dask(made_up(""), RunOptions(), resources, misbehave))


def test_leaving_early_stops_what_a_foreign_cluster_computes(tmp_path: Path) -> None:
    from distributed import Client

    runs = made_up("", *["wait"] * 4, seconds=10.0)
    with dask_cluster(1) as (address, _):
        records = backends.dask(runs, RunOptions(), Resources(scheduler=address), misbehave)
        assert next(records)[0]["status"] == "ok"
        records.close()
        deadline = time.monotonic() + 60.0
        with Client(address, set_as_default=False) as client:
            while any(client.processing().values()) or any(client.run(_n_children).values()):
                assert time.monotonic() < deadline, "the cluster is still busy"
                time.sleep(0.1)
        again = backends.dask(runs[:1], RunOptions(), Resources(scheduler=address), misbehave)
        assert by_fault(runs[:1], again) == {"": ("ok", "")}


def _n_children() -> int:
    import multiprocessing

    return len(multiprocessing.active_children())


def test_a_sweep_that_is_stopped_leaves_another_on_the_same_cluster_alone(tmp_path: Path) -> None:
    runs = made_up("held", *[""] * 5, folder=tmp_path, seconds=10.0)
    with dask_cluster(2) as (address, _):
        resources = Resources(scheduler=address)
        mine = backends.dask(runs, RunOptions(), resources, misbehave)
        found = [next(mine)]
        wait_for((tmp_path / "begun-0").exists, "the run has not begun")
        others = backends.dask(made_up(*[""] * 20, "wait", seconds=10.0), RunOptions(), resources, misbehave)
        assert next(others)[0]["status"] == "ok"
        others.close()
        (tmp_path / "go").touch()
        assert by_fault(runs, itertools.chain(found, mine)) == {"held": ("ok", ""), "": ("ok", "")}
    assert (tmp_path / "begun-0").read_text() == "begun\n"


ELSEWHERE = os.pathsep.join(folder for folder in sys.path if folder != str(Path(__file__).parents[1]))


@pytest.mark.parametrize("bad", [{"SCRATCH": "/dev/full"}, {"PYTHONPATH": ELSEWHERE}])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_a_bad_node_is_left_out_and_the_others_do_its_work(bad: dict[str, str]) -> None:
    from distributed import Client

    runs = made_up(*[""] * 40, seconds=10.0)
    with dask_cluster(1, bad=bad) as (address, _):
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        records = backends.dask(runs, RunOptions(), Resources(scheduler=address), NeedsRoom())
        assert by_fault(runs, records) == {"": ("ok", "")}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_where_no_node_works_the_true_reason_is_told() -> None:
    with dask_cluster(0, bad={"SCRATCH": "/dev/full"}) as (address, _):
        records = backends.dask(made_up("", ""), RunOptions(), Resources(scheduler=address), NeedsRoom())
        message = f"the workers of {address} cannot compute: .*No space left on device"
        with pytest.raises(WorkerLostError, match=message) as caught:
            next(records)
    assert not isinstance(caught.value, SchedulerLostError)


def test_a_cluster_that_cannot_import_what_it_computes_is_an_error() -> None:
    elsewhere = [folder for folder in sys.path if folder != str(Path(__file__).parents[1])]
    with dask_cluster(1, path=elsewhere) as (address, _):
        records = backends.dask(made_up(""), RunOptions(), Resources(scheduler=address), misbehave)
        with pytest.raises(WorkerLostError, match=f"the workers of {address} cannot compute: "):
            next(records)


def test_a_mistake_that_a_worker_finds_is_told_as_such() -> None:
    records = backends.dask(made_up(""), RunOptions(), Resources(1, memory=10 * 2**20), misbehave)
    with pytest.raises(UserError, match="more than the memory limit of 10M before its first run"):
        next(records)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (("loky", "tcp://a:1", None), "a scheduler goes with the backend dask, not with loky"),
        (("dask", "a:1", None), "scheduler is 'a:1'; expected the address"),
        (("sequential", None, 1), "a memory limit needs worker processes"),
    ],
)
def test_choices_that_do_not_go_together_are_refused(choice: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_choice(*choice)


def test_dask_is_asked_for_in_one_line_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'kan_np\[dask\]'"):
        check_choice("dask", None, None)

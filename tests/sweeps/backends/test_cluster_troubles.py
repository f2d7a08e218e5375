"""Clusters that are not as they should be: the sweep ends, or goes on, and says why."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path

import pytest
from loopback import by_fault, dask_cluster, dask_worker
from misbehaving import made_up, misbehave, unreadable

from sweeps import backends
from sweeps.backends import Resources, WorkerLostError, cluster, cluster_client
from sweeps.errors import UserError
from sweeps.run_one import RunOptions

pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="stops processes by signals"),
    # Dask leaves sockets of connections that broke to the garbage collector, and tells of versions itself.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:(?s).*Mismatched versions found"),
]


@pytest.mark.parametrize("jobs", [1, 2])
def test_runs_whose_tasks_fail_on_every_node_are_failed_rows_and_the_others_are_computed(jobs: int) -> None:
    good = made_up(*[""] * 40)
    bad = [unreadable(run) for run in made_up(*[""] * 40, *["bad"] * 6)[40:]]
    runs = [*good[:20], *bad, *good[20:]]
    found = by_fault(runs, backends.dask(runs, RunOptions(), Resources(jobs), misbehave))
    assert found[""] == ("ok", "")
    status, reason = found["bad"]
    assert status == "failed"
    assert reason.startswith("worker failed: no attempt came as far as an answer, the last one ended with ")
    assert "cannot be read here" in reason


@pytest.mark.parametrize("alone", [False, True])
def test_tasks_of_a_dask_worker_that_is_stopped_are_done_by_another(
    alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if alone:  # tasks that only this worker may take, as where the others are bad
        first: list[frozenset[str]] = []

        def choice(self: object, group: object, threads: dict[str, int]) -> frozenset[str]:
            if not first:
                first.append(frozenset(sorted(threads)[:1]))
            return first[0] if first[0] <= set(threads) else frozenset(threads)

        monkeypatch.setattr(cluster.WorkerHealth, "choice", choice)
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "3s")
    monkeypatch.setattr(cluster, "_FETCH_S", 2.0)
    runs = made_up(*[""] * 40, seconds=10.0)
    with dask_cluster(2, "--no-nanny") as (address, processes):
        records = backends.dask(runs, RunOptions(), Resources(scheduler=address), misbehave)
        found = [next(records)]
        stopped = processes[1]
        os.kill(stopped.pid, signal.SIGSTOP)
        assert by_fault(runs, itertools.chain(found, records)) == {"": ("ok", "")}


def test_an_answer_that_does_not_come_is_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import Future

    result, late = Future.result, ["late"]

    def slow(future: Future, timeout: float | None = None) -> object:
        if late:
            raise TimeoutError(late.pop())
        return result(future, timeout)

    monkeypatch.setattr(Future, "result", slow)
    runs = made_up(*[""] * 12)
    assert by_fault(runs, backends.dask(runs, RunOptions(), Resources(1), misbehave)) == {"": ("ok", "")}
    assert not late


def test_leaving_does_not_wait_for_a_dask_worker_that_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_client, "_ANSWER_S", 0.5)
    runs = made_up("", *["wait"] * 4, seconds=10.0)
    with dask_cluster(1, "--no-nanny") as (address, processes):
        records = backends.dask(runs, RunOptions(), Resources(scheduler=address), misbehave)
        assert next(records)[0]["status"] == "ok"
        os.kill(processes[1].pid, signal.SIGSTOP)
        records.close()  # would not return


def test_a_cluster_without_workers_is_waited_for_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_LOOK_S", 0.1)
    said: list[str] = []
    with dask_cluster(0) as (address, processes):

        def say(line: str) -> None:
            said.append(line)
            if len(said) == 1:
                processes.append(dask_worker(address))

        runs = made_up("", "")
        resources = Resources(scheduler=address, say=say)
        assert by_fault(runs, backends.dask(runs, RunOptions(), resources, misbehave)) == {"": ("ok", "")}
    assert said[0].startswith(f"{address} has no workers. The sweep waits as long as it takes")
    assert f"dask worker {address}" in said[0]
    assert said[1:] == [f"{address} has workers now: the sweep goes on."]


OTHER_VERSION = """
import distributed.versions as versions

real = versions.get_package_info
versions.get_package_info = lambda packages: real(packages) | {"python": "3.9.1.final.0", "dask": "1.0"}
"""


def test_dask_workers_of_other_versions_are_left_out_and_that_is_the_reason(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(OTHER_VERSION)
    import distributed

    other = {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    with dask_cluster(0, bad=other) as (address, _):
        records = backends.dask(made_up("", ""), RunOptions(), Resources(scheduler=address), misbehave)
        message = (
            rf"the workers of {address} cannot compute: .* has python 3\.9 \(here: .*, "
            rf"dask 1\.0 \(here: {distributed.__version__}\); install the same versions on both sides"
        )
        with pytest.raises(WorkerLostError, match=message):
            next(records)


def test_a_scheduler_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text(OTHER_VERSION)
    with dask_cluster(0, path=[str(tmp_path)]) as (address, _):
        records = backends.dask(made_up(""), RunOptions(), Resources(scheduler=address), misbehave)
        with pytest.raises(UserError, match=rf"the scheduler at {address} has python 3\.9 \(here: "):
            next(records)


@pytest.mark.parametrize("address", ["nonsense://a:1", "tls://127.0.0.1:9", "tcp://127.0.0.1:port"])
def test_an_address_that_is_none_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_client, "_CONNECT_S", 0.5)
    with pytest.raises(UserError, match=address):
        next(backends.dask(made_up(""), RunOptions(), Resources(scheduler=address), misbehave))

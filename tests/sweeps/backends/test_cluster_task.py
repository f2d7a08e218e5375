"""A task of a Dask worker: whose records it returns, and what cannot be read is its error alone."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

pytest.importorskip("distributed")

from types import SimpleNamespace

from misbehaving import made_up

from sweeps.backends import cluster_task
from sweeps.backends.worker import Terms
from sweeps.run_one import RunOptions, RunStatus, make_record, run_one


def test_a_task_returns_what_its_worker_has_computed_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = made_up("", "", "")
    terms = Terms(run_one, RunOptions(timeout=3.0))
    given: list[Any] = []

    def compute(*batch: Any) -> list[Any]:
        given.append(batch)
        return [make_record(run.config, RunStatus.OK, "", 0.1) for run in batch[3][:2]]

    monkeypatch.setattr(cluster_task, "compute_batch", compute)
    monkeypatch.setattr("distributed.get_worker", lambda: SimpleNamespace(address="tcp://here"))
    answer = cluster_task.compute_task("sweep", 2**30, pickle.dumps((terms, runs)))
    assert given == [("sweep", terms, 2**30, runs)]
    assert [record["run_id"] for record in answer.records] == [run.run_id for run in runs[:2]]
    assert answer.worker == "tcp://here"


def test_work_that_cannot_be_read_is_an_error_of_the_task() -> None:
    with pytest.raises(pickle.UnpicklingError):
        cluster_task.compute_task("sweep", None, b"\x80\x04nothing")

"""A task of a Dask worker: how many runs its process is given at once, and when the task ends."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from types import SimpleNamespace

import pytest

pytest.importorskip("distributed")

from sweeps.backends import cluster_task
from sweeps.backends.worker import Terms
from sweeps.run_one import Record, RunOptions, RunStatus, make_record, run_one
from sweeps.space import RunConfig


class Timed:
    """A crew whose runs take as long as their configurations say, by a clock of its own."""

    closed = False

    def __init__(self) -> None:
        self.now = 0.0
        self.given: list[int] = []

    def compute(self, runs: Sequence[RunConfig]) -> Iterator[list[Record]]:
        self.given.append(len(runs))
        for run in runs:
            self.now += run.config["seconds"]
            yield [make_record(run.config, RunStatus.OK, "", run.config["seconds"])]


@pytest.mark.parametrize(
    ("seconds", "given"),
    [
        ([0.001] * 40, [1, 2, 4, 8, 16, 9]),
        # Four of 30 ms take longer than runs should go together; the next four have to show it again.
        ([0.03] * 12, [1, 2, 4, 1, 2, 2]),
        ([0.4] * 12, [1, 1, 1]),
        ([5.0] * 3, [1]),
    ],
)
def test_quick_runs_go_together_and_a_long_task_ends_early(
    seconds: list[float], given: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    crew = Timed()
    member = SimpleNamespace(crew=crew, used=-1.0)
    monkeypatch.setattr(cluster_task, "_member", lambda *_: member)
    monkeypatch.setattr(cluster_task.time, "monotonic", lambda: crew.now)
    monkeypatch.setattr("distributed.get_worker", lambda: SimpleNamespace(address="tcp://here"))
    configs = [
        {"task": "toy/product", "family": "kan", "seed": i, "seconds": s} for i, s in enumerate(seconds)
    ]
    group = [RunConfig(str(i), "toy/product", "kan", config) for i, config in enumerate(configs)]
    answer = cluster_task.compute_group("s", None, pickle.dumps((Terms(run_one, RunOptions()), group)))
    assert crew.given == given
    assert [record["config"] for record in answer.records] == configs[: sum(given)]
    assert answer.worker == "tcp://here"
    assert member.used == crew.now

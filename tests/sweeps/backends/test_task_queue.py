"""Groups of runs: tiny ones travel together, long ones alone, and none is lost on the way."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from sweeps.backends.task_queue import DurationEstimate, GroupSize, TaskQueue
from sweeps.spec.run_config import RunConfig


def runs_of(*seconds: float) -> list[RunConfig]:
    return [
        RunConfig(str(i), "toy/product", "formula", {"family": "formula", "seconds": s})
        for i, s in enumerate(seconds)
    ]


def ids(group: list[RunConfig]) -> list[str]:
    return [run.run_id for run in group]


def test_tiny_runs_are_put_together_and_long_ones_travel_alone() -> None:
    queue = TaskQueue(
        runs_of(5.0, 0.375, 0.375, 0.375, *[0.0625] * 200), DurationEstimate(), GroupSize(0.5, 7)
    )
    assert ids(queue.take(2)) == ["0"]
    assert ids(queue.take(2)) == ["1", "2"]
    assert ids(queue.take(2)) == ["3", "4", "5"]
    assert len(queue.take(2)) == 7


def test_the_last_groups_are_small() -> None:
    queue = TaskQueue(runs_of(*[0.0] * 10), DurationEstimate(), GroupSize(1.0, 64))
    sizes = []
    while queue:
        sizes.append(len(queue.take(2)))
    assert sizes == [3, 2, 2, 1, 1, 1]
    assert queue.take(2) == []


def test_measured_times_correct_the_estimate_by_family() -> None:
    durations, (run,) = DurationEstimate(), runs_of(2.0)
    assert durations.seconds(run) == 2.0
    durations.learn(run, 1.0)
    assert durations.seconds(run) == 1.0
    for _ in range(200):
        durations.learn(run, 4.0)
    assert math.isclose(durations.seconds(run), 4.0, rel_tol=1e-3)
    durations.learn(run, math.nan)
    assert math.isclose(durations.seconds(run), 4.0, rel_tol=1e-3)


def test_what_is_given_back_comes_next_or_last_and_alone() -> None:
    queue = TaskQueue(runs_of(*[0.0] * 9), DurationEstimate(), GroupSize(1.0, 4))
    group = queue.take(1)
    queue.give_back(group)
    assert queue.take(1) == group
    queue.give_back(group, alone=True)
    rest = [ids(queue.take(1)) for _ in range(6)]
    assert rest == [["4", "5", "6", "7"], ["8"], ["0"], ["1"], ["2"], ["3"]]


@given(
    st.lists(st.floats(0.0, 2.0), max_size=40),
    st.integers(0, 9),
    st.lists(st.sampled_from(["done", "lost", "split"]), max_size=60),
)
def test_every_run_is_computed_once_whatever_is_lost(
    seconds: list[float], workers: int, fates: list[str]
) -> None:
    queue = TaskQueue(runs_of(*seconds), DurationEstimate(), GroupSize(0.5, 5))
    done: list[str] = []
    fate = iter(fates)
    while queue:
        group = queue.take(workers)
        assert 1 <= len(group) <= 5
        match next(fate, "done"):
            case "done":
                done += ids(group)
            case "lost":
                queue.give_back(group)
            case "split":
                queue.give_back(group, alone=True)
    assert sorted(done, key=int) == [str(i) for i in range(len(seconds))]

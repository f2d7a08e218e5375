"""Sweeps with several edge families: how runs are grouped, over samples too, and who leads beyond chance."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic

from sweeps.analysis.aggregate import aggregate
from sweeps.analysis.compare import compare_sweeps
from sweeps.analysis.leaders import budgets, leaders
from sweeps.analysis.results import SweepResult
from sweeps.analysis.statistics import Resampled
from sweeps.storage.export import table
from sweeps.storage.store import Store

TASKS = ("special/jv", "special/yv", "special/kv")


def build(
    directory: Path,
    scales: dict[str, float],
    *,
    seeds: int = 3,
    data_seeds: tuple[int, ...] = (0,),
    tasks: tuple[str, ...] = TASKS,
) -> SweepResult:
    """Write a sweep in which the errors of an edge family are `scales` of those of B-splines."""
    rng, made = np.random.default_rng(3), []
    for task in tasks:
        for seed in range(seeds):
            for data_seed in data_seeds:
                data = {"n_train": 1000, "n_test": 1000, "seed": data_seed, "val_fraction": 0.2}
                for edges, scale in scales.items():
                    options: dict[str, Any] = {"data": data}
                    if edges != "bspline":
                        options["edges"] = edges.split("+") if "+" in edges else edges
                    made.append(
                        synthetic.kan_record(task, [2, 3, 1], seed, rng, scale=scale, options=options)
                    )
                made.append(
                    synthetic.mlp_record(
                        task, [2, 9, 1], "tanh", seed, rng, scale=1e3, options={"data": data}
                    )
                )
    descriptions = synthetic.descriptions(tasks)
    if len(data_seeds) > 1:
        for description in descriptions.values():
            description["data_seeds"] = list(data_seeds)
    with Store.create(directory, {"name": "edges", "title": "Edges"}, synthetic.COMMAND) as store:
        store.set_tasks(descriptions)
        store.set_plan([(r["run_id"], r["task"], r["family"], r["config"]) for r in made])
        for one in made:
            store.add(one)
    with Store.open(directory, readonly=True) as store:
        return aggregate(store)


def test_kans_of_every_edge_family_are_a_family_of_their_own(tmp_path: Path) -> None:
    result = build(tmp_path, {"bspline": 1.0, "chebyshev": 10.0, "linear+bspline": 3.0})
    names = {"kan/bspline", "kan/chebyshev", "kan/mixed", "mlp"}
    assert result.by_edges
    assert set(result.n_models) == {own.family for own in result.compute} == names
    assert {standing.family for standing in result.standings} == names
    for task in result.tasks:
        assert set(task.fronts) == set(task.best) == set(task.cloud) == set(task.samples) == names
        # Edges are what tells the families apart, and are not said again as an option.
        assert {point.options for point in task.points} == {""}
    with Store.open(tmp_path, readonly=True) as store:
        columns, _ = table(store)
    assert set(columns["family"]) == names
    assert set(columns["p_family"]) == {"kan", "mlp"}


def test_a_sweep_of_splines_is_counted_as_ever(tmp_path: Path) -> None:
    result = build(tmp_path, {"bspline": 1.0})
    assert not result.by_edges
    assert set(result.n_models) == {"kan", "mlp"}
    assert result.overall.n == len(TASKS)
    assert (result.leaders, set(map(len, result.task_leaders.values()))) == ([], {0})


def test_the_leader_is_ahead_of_those_that_are_worse_and_level_with_its_like(tmp_path: Path) -> None:
    result = build(tmp_path, {"bspline": 1.0, "chebyshev": 1.02, "piecewise_linear": 50.0}, seeds=6)
    assert result.leaders
    for leader in result.leaders:
        ratios = {rival.family: rival.ratio for rival in leader.rivals}
        assert leader.family in ("kan/bspline", "kan/chebyshev")
        (like,) = {"kan/bspline", "kan/chebyshev"} - {leader.family}
        assert [rival.family for rival in leader.level] == [like]
        assert ratios[like].low <= 1 <= ratios[like].value
        worse = ratios["kan/piecewise_linear"]
        assert 1 < worse.low < worse.value < worse.high
        values = [rival.ratio.value for rival in leader.rivals]
        assert values == sorted(values)
        assert leader.n_tasks == len(TASKS)
    for own in result.task_leaders.values():
        assert {leader.n_tasks for leader in own} == {1}


def test_limits_are_round_and_the_last_one_holds_every_model(tmp_path: Path) -> None:
    result = build(tmp_path, {"bspline": 1.0, "chebyshev": 2.0})
    limits = budgets(result.tasks)
    assert limits == sorted(set(limits))
    assert all(str(limit).strip("0") in ("1", "2", "5") for limit in limits)
    sizes = [p.n_params for task in result.tasks for front in task.fronts.values() for p in front]
    assert limits[-1] >= max(sizes) > limits[-2]


def test_a_network_without_small_models_is_left_out_there() -> None:
    class Task:
        task = "t"

    def one(size: float, error: float) -> Resampled:
        return Resampled(np.array([size]), np.array([[error]]))

    own = {
        "kan/bspline": one(10, 2.0),
        "mlp": one(10, 1.0),
        "kan/sine": one(100, 0.1),
        "linear": one(3, 0.01),
    }
    small, large = leaders([Task()], {"t": own}, [20, 200])  # type: ignore[list-item]
    assert (small.family, [rival.family for rival in small.rivals]) == ("mlp", ["kan/bspline"])
    assert small.rivals[0].ratio.value == pytest.approx(2.0)
    assert math.isnan(small.rivals[0].ratio.low)
    assert not small.rivals[0].is_behind
    # Baselines are no networks: they lead nowhere.
    assert (large.family, [rival.family for rival in large.rivals]) == ("kan/sine", ["mlp", "kan/bspline"])


def test_runs_with_several_sets_of_samples_are_repetitions(tmp_path: Path) -> None:
    result = build(tmp_path, {"bspline": 1.0, "chebyshev": 10.0}, seeds=2, data_seeds=(0, 5, 9))
    for task in result.tasks:
        assert {point.n_runs for point in task.points} == {6}
        assert task.repeats == "seeds and samples"
        for samples in task.samples.values():
            for row in samples.data_seed:
                assert sorted(row) == [0, 0, 5, 5, 9, 9]


def test_sets_of_samples_are_drawn_together_for_all_models(tmp_path: Path) -> None:
    from sweeps.analysis.statistics import _draws

    sets = np.array([[0, 0, 5, 5, 9, 9], [9, 5, 0, 9, 5, 0]])
    points = [type("Point", (), {"group_id": name, "task": "t"})() for name in ("a", "b")]
    draws, chain = _draws(points, np.array([6, 6]), sets, 400)
    assert chain.tolist() == [0, 1]
    assert draws[0].tolist() == [list(range(6))] * 2
    drawn = [np.sort(sets[i][draws[1:, i]], axis=1) for i in range(2)]
    assert (drawn[0] == drawn[1]).all()
    # Whole sets are drawn, each as often as another, and both runs of a set come.
    assert {tuple(np.unique(row, return_counts=True)[1] % 2) for row in drawn[0]} <= {(0,), (0, 0), (0, 0, 0)}
    assert np.bincount(np.searchsorted([0, 5, 9], drawn[0].ravel())).min() > 600
    assert set(draws[1:, 0].ravel().tolist()) == set(range(6))


def test_a_run_that_reached_nothing_changes_nothing_where_samples_are_the_same() -> None:
    from sweeps.analysis.statistics import _draws

    points = [type("Point", (), {"group_id": "a", "task": "t"})()]
    whole, _ = _draws(points, np.array([4]), np.array([[0, 0, 0, 0]]), 50)
    failed, _ = _draws(points, np.array([4]), np.array([[0, -1, 0, 0]]), 50)
    assert (whole == failed).all()


def test_a_sweep_of_splines_is_compared_with_one_of_several_families(tmp_path: Path) -> None:
    build(tmp_path / "a", {"bspline": 1.0, "chebyshev": 2.0})
    build(tmp_path / "b", {"bspline": 1.0}, seeds=4)
    for first, second in (("a", "b"), ("b", "a")):
        found = compare_sweeps(tmp_path / first, tmp_path / second)
        for pair in found.pairs:
            assert [ratio.family for ratio in pair.ratios] == ["kan/bspline", "mlp"]


def test_sweeps_with_the_same_sets_of_samples_are_compared(tmp_path: Path) -> None:
    build(tmp_path / "a", {"bspline": 1.0}, data_seeds=(0, 1))
    build(tmp_path / "b", {"bspline": 2.0}, data_seeds=(0, 1))
    build(tmp_path / "c", {"bspline": 2.0}, data_seeds=(1, 2))
    assert len(compare_sweeps(tmp_path / "a", tmp_path / "b").pairs) == len(TASKS)
    with pytest.raises(Exception, match=r"seeds of the samples: 0, 1 \| 1, 2"):
        compare_sweeps(tmp_path / "a", tmp_path / "c")

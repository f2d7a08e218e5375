"""Medians, fronts and comparisons against the same things worked out plainly from the records."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest
import synthetic

from sweeps.aggregate import BUDGETS, aggregate, verdict
from sweeps.store import Store, group_id


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sweep")
    records = synthetic.build(directory, missing=4)
    with Store.open(directory, readonly=True) as store:
        return records, aggregate(store)


def made_of(directory, records, plan=None):
    with Store.create(directory, {"name": "made"}, "kan-sweep run made") as store:
        store.set_plan(plan or [(r["run_id"], r["task"], r["family"], r["config"]) for r in records])
        for record in records:
            store.add(record)
        return aggregate(store)


def expected_points(records, task):
    groups = {}
    for record in records:
        if record["task"] == task and record["status"] == "ok":
            for stage in record["stages"]:
                key = (group_id(record["config"]), stage["stage"])
                groups.setdefault(key, []).append((record, stage))
    return groups


def test_every_configuration_and_stage_is_a_point_with_its_medians_and_ranges(sweep):
    records, result = sweep
    for task in result.tasks:
        expected = expected_points(records, task.task)
        assert {(p.group_id, p.stage) for p in task.points} == set(expected)
        for point in task.points:
            members = expected[point.group_id, point.stage]
            record, stage = members[0]
            assert point.n_seeds == len(members)
            assert point.width == tuple(record["config"]["width"])
            assert (point.grid, point.n_params) == (stage["grid"], stage["n_params"])
            assert point.time_s == median(s["wall_s"] for _, s in members)
            for spread, name in (
                (point.train, "train_rmse"),
                (point.val, "val_rmse"),
                (point.test, "test_rmse"),
            ):
                values = [s[name] for _, s in members]
                assert (spread.median, spread.low, spread.high) == (median(values), min(values), max(values))


def test_the_run_of_a_point_is_the_one_whose_validation_error_is_in_the_middle(sweep):
    records, result = sweep
    value = {(r["run_id"], s["stage"]): s["val_rmse"] for r in records for s in r["stages"]}
    three = [p for task in result.tasks for p in task.points if p.n_seeds == 3]
    assert three
    assert all(value[p.run_id, p.stage] == p.val.median for p in three)
    two = [p for task in result.tasks for p in task.points if p.n_seeds == 2]
    assert two
    assert all(p.val.low <= value[p.run_id, p.stage] <= p.val.high for p in two)


def dominates(a, b):
    return (
        a.n_params <= b.n_params
        and a.val.median <= b.val.median
        and (a.n_params < b.n_params or a.val.median < b.val.median)
    )


def test_fronts_are_those_of_brute_force_on_validation(sweep):
    _, result = sweep
    for task in result.tasks:
        assert task.selected_on == "validation"
        for family, front in task.fronts.items():
            own = [p for p in task.points if p.family == family]
            assert set(front) == {p for p in own if not any(dominates(q, p) for q in own)}
            assert [p.n_params for p in front] == sorted(p.n_params for p in front)


def test_the_test_error_has_no_say_in_what_is_chosen(tmp_path):
    rng = np.random.default_rng(0)
    records = [synthetic.kan_record("t", [2, n, 1], 0, rng) for n in (1, 2)]
    for record in records:
        record["stages"] = record["stages"][:1]
        record["stages"][0]["n_params"] = 10
    records[0]["stages"][0] |= {"val_rmse": 0.1, "test_rmse": 0.9}
    records[1]["stages"][0] |= {"val_rmse": 0.2, "test_rmse": 0.0}
    (task,) = made_of(tmp_path, records).tasks
    assert [p.test.median for p in task.fronts["kan"]] == [0.9]
    assert task.best["kan"].test.median == 0.9


def test_comparisons_are_the_best_by_validation_within_each_budget(sweep):
    _, result = sweep
    for task in result.tasks:
        for budget in (*BUDGETS, math.inf):
            best = {}
            for family in ("kan", "mlp"):
                fits = [p for p in task.points if p.family == family and p.n_params <= budget]
                best[family] = min(fits, key=lambda p: p.val.median) if fits else None
            found = task.overall if budget == math.inf else task.budgets.get(budget)
            if None in best.values():
                assert found is None
            else:
                assert (found.kan, found.mlp) == (best["kan"], best["mlp"])
                assert found.ratio == best["mlp"].test.median / best["kan"].test.median


def test_scores_count_wins_and_take_the_geometric_mean(sweep):
    _, result = sweep
    for score in result.scores:
        ratios = [task.budgets[score.budget].ratio for task in result.tasks if score.budget in task.budgets]
        assert score.n == len(ratios) == score.kan_wins + score.mlp_wins + score.ties
        assert score.kan_wins == sum(r > 1 for r in ratios)
        assert score.mean_ratio == pytest.approx(np.exp(np.mean(np.log(ratios))))


def test_failures_are_counted_by_task_family_and_reason(sweep):
    records, result = sweep
    bad = [r for r in records if r["status"] != "ok"]
    assert sum(f.count for f in result.failures) == len(bad) == 3
    assert {(f.task, f.family, f.status, f.reason) for f in result.failures} == {
        (r["task"], r["family"], r["status"], r["reason"]) for r in bad
    }
    assert sum(task.n_not_ok for task in result.tasks) == len(bad)


def test_totals_are_those_of_the_records(sweep):
    records, result = sweep
    assert result.compute_s == pytest.approx(sum(r["wall_s"] for r in records))
    for family in ("kan", "mlp"):
        assert result.n_models[family] == sum(len(r["stages"]) for r in records if r["family"] == family)
    assert sum(task.n_missing for task in result.tasks) == result.counts["missing"] == 4
    assert [task.task for task in result.tasks] == list(synthetic.FORMULAS)


def test_a_seed_without_a_number_counts_as_the_worst(tmp_path):
    rng = np.random.default_rng(1)
    records = [synthetic.mlp_record("t", [2, 5, 1], "tanh", seed, rng) for seed in range(3)]
    values = (0.1, math.nan, 0.3)
    for record, value in zip(records, values, strict=True):
        record["stages"][0] |= {"val_rmse": value, "test_rmse": value}
    (task,) = made_of(tmp_path, records).tasks
    (point,) = task.points
    assert (point.val.median, point.val.low, point.val.high) == (0.3, 0.1, math.inf)
    assert task.n_excluded == 0
    assert point.run_id == records[2]["run_id"]


def test_points_without_a_finite_error_are_left_out_and_counted(tmp_path):
    rng = np.random.default_rng(1)
    good, bad, blind = (synthetic.mlp_record("t", [2, n, 1], "tanh", 0, rng) for n in (5, 6, 7))
    bad["stages"][0] |= {"val_rmse": math.inf}
    blind["stages"][0] |= {"val_rmse": 1e-9, "test_rmse": math.nan}
    (task,) = made_of(tmp_path, [good, bad, blind]).tasks
    assert [p.run_id for p in task.fronts["mlp"]] == [good["run_id"]]
    assert task.best["mlp"].run_id == good["run_id"]
    assert task.n_excluded == 2


def test_without_a_validation_split_models_are_chosen_on_test_and_it_is_said(tmp_path):
    records = synthetic.build(tmp_path, validation=False)
    with Store.open(tmp_path, readonly=True) as store:
        result = aggregate(store)
    assert records
    for task in result.tasks:
        assert task.selected_on == "test"
        assert not any(math.isfinite(p.val.median) for p in task.points)
        for family in ("kan", "mlp"):
            own = [p for p in task.points if p.family == family]
            assert task.best[family].test.median == min(p.test.median for p in own)


def test_exactly_equal_errors_are_a_tie_and_an_exact_model_wins(tmp_path):
    rng = np.random.default_rng(1)
    records = []
    for task, kan_error, mlp_error in (("a", 0.5, 0.5), ("b", 0.0, 0.5), ("c", 0.5, 0.0), ("d", 0.0, 0.0)):
        records += [
            synthetic.kan_record(task, [2, 1], 0, rng),
            synthetic.mlp_record(task, [2, 5, 1], "tanh", 0, rng),
        ]
        for record, error in zip(records[-2:], (kan_error, mlp_error), strict=True):
            for stage in record["stages"]:
                stage |= {"val_rmse": error, "test_rmse": error}
    result = made_of(tmp_path, records)
    assert (result.overall.kan_wins, result.overall.mlp_wins, result.overall.ties) == (1, 1, 2)
    assert result.overall.mean_ratio == 1.0
    assert "1 of 4 functions" in verdict(result)


def test_the_verdict_names_the_winner_and_its_factor(tmp_path):
    rng = np.random.default_rng(1)
    for kan_error, mlp_error, winner, loser in ((0.01, 0.5, "KAN", "MLP"), (0.5, 0.01, "MLP", "KAN")):
        records = [
            synthetic.kan_record("a", [2, 1], 0, rng),
            synthetic.mlp_record("a", [2, 5, 1], "tanh", 0, rng),
        ]
        for record, error in zip(records, (kan_error, mlp_error), strict=True):
            for stage in record["stages"]:
                stage |= {"val_rmse": error, "test_rmse": error}
        sentence = verdict(made_of(tmp_path / winner, records))
        assert f"The best {winner} has the lower test error on 1 of 1 function;" in sentence
        assert f"50.0 times smaller than that of the best {loser}" in sentence


def test_a_sweep_of_one_family_or_of_nothing_has_no_winner(tmp_path):
    rng = np.random.default_rng(1)
    result = made_of(tmp_path / "one", [synthetic.kan_record("a", [2, 1], 0, rng)])
    assert "results of KANs only" in verdict(result)
    result = made_of(tmp_path / "none", [], plan=[("id", "a", "kan", {})])
    assert "No comparison yet" in verdict(result)
    assert [task.n_missing for task in result.tasks] == [1]

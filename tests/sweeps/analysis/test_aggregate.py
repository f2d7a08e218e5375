"""Medians, fronts and comparisons against the same things worked out plainly from the records."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest
import synthetic

from sweeps.analysis.aggregate import aggregate
from sweeps.page.verdict import chance_verdict, verdict
from sweeps.records import group_id
from sweeps.storage.store import Store


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
        if record["task"] == task:
            for stage in record["stages"]:
                key = (group_id(record["config"]), stage["stage"])
                groups.setdefault(key, []).append((record, stage))
    return groups


def n_recorded(records, group):
    return sum(group_id(record["config"]) == group for record in records)


def bad_last(values):
    return [math.inf if math.isnan(value) else value for value in values]


def test_every_configuration_and_stage_is_a_point_with_its_medians_and_ranges(sweep):
    records, result = sweep
    for task in result.tasks:
        expected = expected_points(records, task.task)
        assert {(p.group_id, p.stage) for p in task.points} == set(expected)
        for point in task.points:
            members = expected[point.group_id, point.stage]
            record, stage = members[0]
            assert point.n_runs == n_recorded(records, point.group_id)
            assert point.n_seeds == sum(math.isfinite(s["val_rmse"]) for _, s in members)
            assert point.width == tuple(record["config"]["width"])
            assert (point.grid, point.n_params) == (stage["grid"], stage["n_params"])
            assert point.time_s == median(s["wall_s"] for _, s in members)
            for spread, name in (
                (point.train, "train_rmse"),
                (point.val, "val_rmse"),
                (point.test, "test_rmse"),
            ):
                values = bad_last([s[name] for _, s in members])
                values += [math.inf] * (point.n_runs - len(members))
                assert (spread.median, spread.low, spread.high) == (median(values), min(values), max(values))


def test_the_run_of_a_point_is_the_one_whose_validation_error_is_in_the_middle(sweep):
    records, result = sweep
    value = {(r["run_id"], s["stage"]): s["val_rmse"] for r in records for s in r["stages"]}
    three = [p for task in result.tasks for p in task.points if p.n_seeds == 3]
    assert three
    assert all(value[p.run_id, p.stage] == p.val.median for p in three)


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


def test_comparisons_are_the_best_by_validation_up_to_the_size_of_each_mlp(sweep):
    _, result = sweep
    for task in result.tasks:
        sizes = {p.width[1:-1]: p.n_params for p in task.points if p.family == "mlp"}
        assert set(sizes) == {tuple(width[1:-1]) for width in synthetic.MLP_WIDTHS}
        for hidden, budget in [*sizes.items(), (None, math.inf)]:
            best = {}
            for family in ("kan", "mlp"):
                fits = [p for p in task.points if p.family == family and p.n_params <= budget]
                best[family] = min(fits, key=lambda p: p.val.median) if fits else None
            found = task.overall if hidden is None else task.budgets.get(hidden)
            if None in best.values():
                assert found is None
            else:
                assert (found.kan, found.mlp) == (best["kan"], best["mlp"])
                assert found.ratio == best["mlp"].test.median / best["kan"].test.median
                assert found.budget == budget


def test_scores_count_wins_and_take_the_geometric_mean(sweep):
    _, result = sweep
    by_budget = {}
    for task in result.tasks:
        for comparison in task.budgets.values():
            by_budget.setdefault(comparison.budget, []).append(comparison)
    assert 1 < len(result.scores) <= len(by_budget)
    for score in result.scores:
        compared = by_budget[score.budget[0]]
        ratios = [comparison.ratio for comparison in compared]
        assert score.budget[0] == score.budget[1]
        assert score.n == len(ratios) == score.kan_wins + score.mlp_wins + score.ties
        assert score.kan_wins == sum(r > 1 for r in ratios)
        assert score.mean_ratio == pytest.approx(np.exp(np.mean(np.log(ratios))))
        for sizes, family in ((score.kan_sizes, "kan"), (score.mlp_sizes, "mlp")):
            used = [getattr(comparison, family).n_params for comparison in compared]
            assert sizes == (min(used), max(used))


def with_errors(record, *errors):
    """Give the stages of a record these validation and test errors; further stages go."""
    record["stages"] = record["stages"][: len(errors)]
    for stage, error in zip(record["stages"], errors, strict=True):
        stage |= {"val_rmse": error, "test_rmse": error}
    return record


def test_a_limit_at_which_no_model_changes_is_not_counted_again(tmp_path):
    rng = np.random.default_rng(0)
    # 21, 51 and 151 parameters; the larger two are worse than the first, so there is one pair of models.
    records = [with_errors(synthetic.kan_record("t", [2, 1], 0, rng), 0.01)]
    for n, error in (([2, 5, 1], 0.1), ([2, 5, 5, 1], 0.2), ([2, 10, 10, 1], 0.3)):
        records.append(with_errors(synthetic.mlp_record("t", n, "tanh", 0, rng), error))
    result = made_of(tmp_path, records)
    assert len(result.tasks[0].budgets) == 3
    assert [score.budget for score in result.scores] == [(21, 21)]
    assert verdict(result).endswith(" With at most 21 parameters each, the KAN is ahead.")


def test_limits_follow_the_inputs_of_a_function(tmp_path):
    rng = np.random.default_rng(0)
    records = []
    for task, n_in in (("two", 2), ("four", 4)):
        records.append(with_errors(synthetic.kan_record(task, [n_in, 1], 0, rng), 0.01))
        records.append(with_errors(synthetic.mlp_record(task, [n_in, 5, 1], "tanh", 0, rng), 0.1))
    (score,) = made_of(tmp_path, records).scores
    assert score.budget == (21, 31)
    assert score.n == 2
    assert score.kan_sizes == (14, 28)


def test_the_verdict_says_where_the_lead_changes(tmp_path):
    rng = np.random.default_rng(0)
    records = [
        with_errors(synthetic.kan_record("t", [2, 1], 0, rng), 0.2, 0.2, 0.2, 0.01),
        with_errors(synthetic.mlp_record("t", [2, 5, 1], "tanh", 0, rng), 0.1),
        with_errors(synthetic.mlp_record("t", [2, 5, 5, 1], "tanh", 0, rng), 0.05),
    ]
    sentence = verdict(made_of(tmp_path, records))
    assert "With at most 21 parameters each, the MLP is ahead." in sentence
    assert "With at most 51 parameters each, the KAN is ahead." in sentence


def test_runs_of_earlier_specifications_are_only_counted(tmp_path):
    rng = np.random.default_rng(0)
    old = with_errors(synthetic.mlp_record("t", [2, 5, 1], "tanh", 0, rng), 1e-9)
    new = with_errors(synthetic.mlp_record("t", [2, 5, 1], "relu", 0, rng), 0.1)
    gone = synthetic.mlp_record("gone", [2, 5, 1], "relu", 0, rng, status="failed", reason="old")
    plan = [(new["run_id"], "t", "mlp", new["config"])]
    result = made_of(tmp_path, [old, new, gone], plan=plan)
    (task,) = result.tasks
    assert [p.run_id for p in task.points] == [new["run_id"]]
    assert result.failures == []
    assert result.n_models == {"mlp": 1}
    assert result.compute_s == new["wall_s"]
    counted = {name: result.counts[name] for name in ("planned", "finished", "ok", "stages", "unplanned")}
    assert counted == {"planned": 1, "finished": 1, "ok": 1, "stages": 1, "unplanned": 2}


def test_a_seed_that_did_not_reach_a_stage_counts_there_as_infinitely_bad(tmp_path):
    rng = np.random.default_rng(0)
    errors = ((0.1, 0.01, 0.001), (0.2, 0.02), (0.3,))
    records = [
        with_errors(synthetic.kan_record("t", [2, 1], seed, rng, status=status), *values)
        for seed, (values, status) in enumerate(zip(errors, ("ok", "timeout", "diverged"), strict=True))
    ]
    (task,) = made_of(tmp_path, records).tasks
    spreads = [(p.val.low, p.val.median, p.val.high, p.n_seeds, p.n_runs) for p in task.points]
    assert spreads == [
        (0.1, 0.2, 0.3, 3, 3),
        (0.01, 0.02, math.inf, 2, 3),
        (0.001, math.inf, math.inf, 1, 3),
    ]
    assert [p.stage for p in task.fronts["kan"]] == [0, 1]
    assert [p.run_id for p in task.fronts["kan"]] == [records[1]["run_id"]] * 2
    assert task.n_excluded == 1
    assert sorted(task.cloud["kan"][1]) == [0.001, 0.01, 0.02, 0.1, 0.2, 0.3]


def test_of_two_seeds_the_better_is_the_run_of_the_point(tmp_path):
    rng = np.random.default_rng(0)
    # 0.1 + 0.7 is such that the distances to the mean differ by rounding.
    records = [
        with_errors(synthetic.mlp_record("t", [2, 5, 1], "tanh", seed, rng), error)
        for seed, error in enumerate((0.7, 0.1))
    ]
    (task,) = made_of(tmp_path, records).tasks
    assert [p.run_id for p in task.points] == [records[1]["run_id"]]


def test_a_sweep_that_writes_meanwhile_does_not_disturb(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    first, second = (synthetic.kan_record("t", [2, 1], seed, rng) for seed in (0, 1))
    read = Store.runs
    with Store.create(tmp_path, {}, "") as writer, Store.open(tmp_path, readonly=True) as reader:
        writer.add(first)

        def then_one_more_ends(self):
            found = read(self)
            writer.add(second)
            return found

        monkeypatch.setattr(Store, "runs", then_one_more_ends)
        assert aggregate(reader).counts["stages"] == len(first["stages"])
        monkeypatch.undo()
        assert aggregate(reader).counts["finished"] == 2


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
        assert f"The best {winner} has a test RMSE of 1.00e-2" in sentence
        assert f"the best {loser} 0.500 with" in sentence
        assert ": 50.0 times the error." in sentence
        assert "geometric mean" not in sentence


def test_what_one_seed_shows_is_not_stated_without_a_word_of_chance(tmp_path):
    rng = np.random.default_rng(1)

    def compared(task, seeds):
        for seed in range(seeds):
            yield synthetic.kan_record(task, [2, 1], seed, rng)
            yield synthetic.mlp_record(task, [2, 5, 1], "tanh", seed, rng)

    one, two = list(compared("one", 1)), list(compared("two", 2))
    said = "one seed tells nothing about chance, and a difference that it shows has no interval."
    tasks = made_of(tmp_path / "one", one).tasks
    assert chance_verdict(tasks) == f"KANs and MLPs were trained from one seed only: {said}"
    tasks = made_of(tmp_path / "both", [*one, *two]).tasks
    where = "on 1 of 2 functions"
    assert chance_verdict(tasks) == f"KANs and MLPs were trained from one seed only {where}: {said}"
    assert chance_verdict(made_of(tmp_path / "two", two).tasks) == ""
    assert chance_verdict(made_of(tmp_path / "alone", one[:1]).tasks) == ""


def test_a_sweep_of_two_seeds_that_is_still_running_is_not_called_one_of_a_single_seed(tmp_path):
    rng = np.random.default_rng(1)
    mlps = [synthetic.mlp_record("t", [2, 5, 1], "tanh", seed, rng) for seed in (0, 1)]
    kans = [synthetic.kan_record("t", [2, 1], seed, rng) for seed in (0, 1)]
    better = synthetic.kan_record("t", [2, 2, 1], 0, rng)
    for stage in better["stages"]:
        stage |= {"val_rmse": 1e-9, "test_rmse": 1e-9}
    # The best model has one run so far, others of its family have two.
    assert chance_verdict(made_of(tmp_path / "both", [*mlps, *kans, better]).tasks) == ""
    told = chance_verdict(made_of(tmp_path / "one", [*mlps, kans[0]]).tasks)
    assert told.startswith("KANs were trained from one seed only: one seed tells nothing")
    tasks = [
        synthetic.kan_record("u", [2, 1], 0, rng),
        *(synthetic.mlp_record(task, [2, 5, 1], "tanh", 0, rng) for task in "uv"),
        *(synthetic.kan_record("v", [2, 1], seed, rng) for seed in (0, 1)),
    ]
    told = chance_verdict(made_of(tmp_path / "some", tasks).tasks)
    assert told.startswith(
        "KANs were trained from one seed only on 1 of 2 functions, MLPs were trained from one seed only: "
    )


def test_a_sweep_of_one_family_or_of_nothing_has_no_winner(tmp_path):
    rng = np.random.default_rng(1)
    result = made_of(tmp_path / "one", [synthetic.kan_record("a", [2, 1], 0, rng)])
    assert "results of KANs only" in verdict(result)
    result = made_of(tmp_path / "none", [], plan=[("id", "a", "kan", {})])
    assert "No comparison yet" in verdict(result)
    assert [task.n_missing for task in result.tasks] == [1]

"""The store keeps whole runs through anything, and says clearly what is wrong with a file."""

from __future__ import annotations

import math
import sqlite3

import numpy as np
import pytest
import synthetic

from sweeps.errors import UserError
from sweeps.records import best_stage, group_id
from sweeps.storage.store import Store


def record(number=1, **changes):
    rng = np.random.default_rng(number)
    made = synthetic.kan_record("special/jv", [2, 2, 1], number, rng)
    return made | {"run_id": f"{number:016x}"} | changes


def same(a, b):
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path, {"name": "quick"}, "kan-sweep run special") as opened:
        yield opened


def test_a_record_comes_back_as_it_was_given(store):
    given = record()
    given["stages"][1] |= {"val_rmse": math.nan, "test_rmse": math.inf, "train_rmse": -math.inf}
    given["stages"][2] |= {"grid": None, "model": None}
    store.add(given)
    found = store.run("0000")
    for name in ("run_id", "task", "family", "config", "status", "reason", "wall_s", "cpu_s", "environment"):
        assert found[name] == given[name]
    assert found["group_id"] == group_id(given["config"])
    for got, expected in zip(found["stages"], given["stages"], strict=True):
        assert got["has_model"] == (expected["model"] is not None)
        for name in set(expected) - {"model"}:
            assert same(got[name], expected[name]), name
    assert store.model("0000", 3) == given["stages"][3]["model"]


def test_numpy_numbers_are_stored_as_plain_ones(store):
    given = record(wall_s=np.float64(2.5))
    given["stages"][0] |= {"n_params": np.int64(12), "test_rmse": np.float32(0.5), "n_iter": np.int32(3)}
    store.add(given)
    found = store.run("0000")["stages"][0]
    assert (found["n_params"], found["test_rmse"], found["n_iter"]) == (12, 0.5, 3)


def test_adding_a_run_again_replaces_it_with_all_its_stages(store):
    store.add(record())
    shorter = record(status="timeout", reason="late")
    shorter["stages"] = shorter["stages"][:1]
    store.add(shorter)
    store.add(shorter)
    assert store.counts()["finished"] == 1
    assert store.stages()["stage"].tolist() == [0]
    assert store.model_stages() == {("0000000000000001", 0)}
    assert store.runs()["status"].tolist() == ["timeout"]


def test_a_record_that_cannot_be_added_leaves_no_trace(store):
    broken = record(2)
    del broken["stages"][2]["n_params"]
    store.add(record(1))
    with pytest.raises(KeyError):
        store.add(broken)
    doubled = record(3)
    doubled["stages"][1]["stage"] = 0
    with pytest.raises(sqlite3.IntegrityError):
        store.add(doubled)
    assert store.finished_ids() == {f"{1:016x}"}
    assert set(store.stages()["run_id"]) == {f"{1:016x}"}


def test_finished_ids_can_be_asked_by_status(store):
    store.add(record(1))
    store.add(record(2, status="failed", reason="no"))
    store.add(record(3, status="timeout", reason="late"))
    assert len(store.finished_ids()) == 3
    assert store.finished_ids("ok") == {f"{1:016x}"}
    assert store.finished_ids(["failed", "timeout"]) == {f"{2:016x}", f"{3:016x}"}


def test_the_plan_is_replaced_as_a_whole(store):
    store.set_plan([("b", "t", "kan", {"seed": 0}), ("a", "t", "mlp", {"seed": 1})])
    assert store.plan_tasks() == [("b", "t"), ("a", "t")]
    assert store.plan()[1] == ("a", "t", "mlp", {"seed": 1})

    def breaks_off():
        yield ("c", "t", "kan", {})
        raise OSError("the power failed")

    with pytest.raises(OSError, match="power"):
        store.set_plan(breaks_off())
    with pytest.raises(sqlite3.IntegrityError):
        store.set_plan([("d", "t", "kan", {}), ("d", "t", "kan", {})])
    assert store.plan_tasks() == [("b", "t"), ("a", "t")]
    store.set_plan([("c", "t", "kan", "{}")])
    assert store.plan_tasks() == [("c", "t")]


def plan_of_numbers(*numbers):
    return [(f"{n:016x}", "t", "kan", {"number": n, "grids": [3, 5]}) for n in numbers]


def test_what_is_missing_comes_in_the_order_of_the_plan(store):
    assert store.missing() == []
    rows = plan_of_numbers(5, 1, 4, 2, 3)
    store.set_plan(rows)
    assert store.missing() == store.plan() == rows
    store.add(record(1))
    store.add(record(2, status="failed", reason="no"))
    store.add(record(9, status="failed", reason="not asked for"))
    assert store.missing() == plan_of_numbers(5, 4, 3)
    assert store.missing(limit=2) == plan_of_numbers(5, 4)
    assert store.missing(retry_failed=True) == plan_of_numbers(5, 4, 2, 3)
    assert store.missing(retry_failed=True, limit=3) == plan_of_numbers(5, 4, 2)
    assert store.plan(limit=1) == plan_of_numbers(5)
    assert (store.n_planned(), store.n_recorded()) == (5, 2)
    assert store.statuses() == {f"{1:016x}": "ok", f"{2:016x}": "failed", f"{9:016x}": "failed"}
    assert store.plan_families() == {"kan": 5}
    assert store.plan_models() == {"kan": 10}
    store._connection.execute("DELETE FROM meta WHERE key = 'plan_models'")  # as by an earlier version
    assert store.plan_models() == {"kan": 10}
    assert (store.plan_missing(), store.plan_failed()) == ({"kan": 3}, {"kan": 1})


def test_failures_come_by_frequency_and_of_the_plan_only_if_asked(store):
    store.set_plan(plan_of_numbers(1, 2, 3, 4))
    for number, (status, reason) in enumerate(
        [("failed", "b"), ("timeout", "late"), ("failed", "a"), ("failed", "a"), ("failed", "b")], start=1
    ):
        store.add(record(number, status=status, reason=reason))
    store.add(record(6))
    assert store.failures() == [("failed", "b", 2), ("failed", "a", 2), ("timeout", "late", 1)]
    assert store.failures(planned=True) == [("failed", "a", 2), ("failed", "b", 1), ("timeout", "late", 1)]


def test_the_slowest_runs_come_first_and_unknown_times_last(store):
    for number, wall_s in enumerate([2.0, math.nan, 3.0, 2.0], start=1):
        store.add(record(number, wall_s=wall_s))
    found = store.slowest(3)
    assert [int(run_id, 16) for run_id, *_ in found] == [3, 1, 4]
    assert found[0][1:] == (3.0, "special/jv", record(3)["config"])
    assert math.isnan(store.slowest(9)[-1][1])


def test_a_plan_may_say_what_it_was_made_of(store):
    assert store.meta()["plan_of"] == ""
    store.set_plan(plan_of_numbers(1), "a specification")
    assert store.meta()["plan_of"] == "a specification"
    with pytest.raises(sqlite3.IntegrityError):
        store.set_plan(plan_of_numbers(1, 1), "another")
    assert store.meta()["plan_of"] == "a specification"
    store.set_plan(plan_of_numbers(2))
    assert store.meta()["plan_of"] == ""


def test_counts_are_of_the_plan_and_of_what_is_recorded(store):
    store.set_plan([(f"{n:016x}", "t", "kan", {}) for n in (1, 2, 5)])
    store.add(record(1))
    store.add(record(2, status="diverged", reason="nan"))
    store.add(record(9))
    counts = store.counts()
    assert counts["planned"] == 3
    assert counts["finished"] == 3
    assert counts["missing"] == 1
    assert counts["unplanned"] == 1
    assert (counts["ok"], counts["diverged"], counts["failed"], counts["timeout"]) == (2, 1, 0, 0)
    assert counts["stages"] == 12


def test_tables_do_not_depend_on_the_order_of_adding(tmp_path):
    tables = []
    for name, order in (("a", [1, 2, 3, 4]), ("b", [3, 1, 4, 2])):
        with Store.create(tmp_path / name, {"name": "x"}, "") as store:
            for number in order:
                store.add(record(number))
            columns = store.runs() | store.stages()
            del columns["finished_at"]
            tables.append({key: column.tolist() for key, column in columns.items()})
    assert tables[0] == tables[1]


def test_columns_of_an_empty_store_have_their_types(store):
    assert store.runs()["seed"].dtype == np.int64
    assert store.stages()["test_rmse"].dtype == np.float64
    assert store.stages()["run_id"].size == 0


def test_the_best_model_is_chosen_by_validation_then_by_training_never_by_test(store):
    given = record()
    errors = [(0.3, 0.1, 0.4), (0.1, 0.4, 0.3), (0.2, 0.3, 0.1), (math.nan, 0.0, math.inf)]
    for stage, (val, test, train) in enumerate(errors):
        given["stages"][stage] |= {"val_rmse": val, "test_rmse": test, "train_rmse": train}
    store.add(given)
    assert store.model("0000") == given["stages"][1]["model"]
    for stage in given["stages"]:
        stage["val_rmse"] = math.nan
    store.add(given)
    assert store.model("0000") == given["stages"][2]["model"]
    given["stages"][2]["model"] = None
    store.add(given)
    assert store.model("0000") == given["stages"][1]["model"]


def test_the_best_stage_of_ties_is_the_first_and_without_numbers_the_last():
    rows = [
        {"stage": i, "val_rmse": math.nan, "train_rmse": value} for i, value in enumerate([0.2, 0.1, 0.1])
    ]
    assert best_stage(rows) == 1
    assert best_stage([row | {"train_rmse": math.inf} for row in rows]) == 2


def test_a_stage_without_a_model_is_refused_with_those_that_have_one(store):
    given = record()
    given["stages"][0]["model"] = None
    store.add(given)
    with pytest.raises(UserError, match="no model for stage 0; its stages are 1, 2, 3"):
        store.model("0000", 0)
    store.add(record(2, stages=[], status="failed", reason="broke"))
    with pytest.raises(UserError, match=r"no stored model; its status is failed \(broke\)"):
        store.model(f"{2:016x}")


def test_a_run_is_found_by_the_start_of_its_id(store):
    store.add(record(1, run_id="abcd000000000001"))
    store.add(record(2, run_id="abce000000000002"))
    assert store.find("abcd") == "abcd000000000001"
    with pytest.raises(UserError, match=r"'abc' fits 2 runs: abcd000000000001, abce000000000002"):
        store.find("abc")
    with pytest.raises(UserError, match="nearest is abcd000000000001"):
        store.find("abcd00000000000f")
    with pytest.raises(UserError, match="kan-sweep list"):
        store.find("zzz")


def test_many_stages_come_back_in_order(tmp_path):
    with Store.create(tmp_path, {}, "") as store:
        given = record()
        one = given["stages"][0] | {"model": None, "val_rmse": None}
        given["stages"] = [one | {"stage": i, "n_params": i} for i in range(20000)]
        store.add(given)
        stages = store.stages()
    assert np.array_equal(stages["n_params"], np.arange(20000))
    assert np.isnan(stages["val_rmse"]).all()

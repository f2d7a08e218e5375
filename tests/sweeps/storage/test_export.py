"""Tables of all runs: every stage a row, one type a column, nothing lost."""

from __future__ import annotations

import csv
import json
import math
import sys

import numpy as np
import pytest
import synthetic

from sweeps.errors import UserError
from sweeps.storage.export import export_runs, flatten
from sweeps.storage.store import Store


@pytest.fixture
def store(tmp_path):
    synthetic.build(tmp_path / "sweep")
    with Store.open(tmp_path / "sweep", readonly=True) as opened:
        yield opened


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_for_every_stage_and_for_every_run_without_one(store, tmp_path):
    rows = rows_of(export_runs(store, tmp_path / "runs.csv"))
    runs, stages = store.runs(), store.stages()
    without = set(runs["run_id"]) - set(stages["run_id"])
    assert len(without) == 1
    assert len(rows) == len(stages["run_id"]) + len(without)
    assert [(r["run_id"], r["stage"]) for r in rows] == sorted((r["run_id"], r["stage"]) for r in rows)
    (failed,) = [r for r in rows if r["run_id"] in without]
    assert failed["status"] == "failed"
    assert failed["reason"] == "ValueError: grid is 0 & <small>"
    assert failed["test_rmse"] == failed["stage"] == ""


def test_a_run_that_ends_while_the_table_is_made_waits_for_the_next_one(tmp_path, monkeypatch):
    records = synthetic.records(("t",))[4:6]
    read = Store.runs
    with Store.create(tmp_path, {}, "") as writer, Store.open(tmp_path, readonly=True) as reader:
        writer.add(records[0])

        def then_one_more_ends(self):
            found = read(self)
            writer.add(records[1] | {"environment": {"python": "9"}})
            return found

        monkeypatch.setattr(Store, "runs", then_one_more_ends)
        rows = rows_of(export_runs(reader, tmp_path / "runs.csv"))
        assert {row["run_id"] for row in rows} == {records[0]["run_id"]}


def test_csv_brings_numbers_back_exactly(store, tmp_path):
    rows = rows_of(export_runs(store, tmp_path / "runs.csv"))
    found = {(r["run_id"], int(r["stage"])): r for r in rows if r["stage"]}
    stages = store.stages()
    for i, run_id in enumerate(stages["run_id"]):
        row = found[run_id, stages["stage"][i]]
        for name in ("train_rmse", "val_rmse", "test_rmse"):
            value = stages[name][i]
            assert (row[name] == "") if math.isnan(value) else (float(row[name]) == value)
        assert int(row["n_params"]) == stages["n_params"][i]
        assert row["grid"] == (str(stages["grid"][i]) if stages["grid"][i] else "")


def test_the_configuration_is_flat_and_the_machine_is_there(store, tmp_path):
    rows = rows_of(export_runs(store, tmp_path / "runs.csv"))
    kan = next(r for r in rows if r["family"] == "kan")
    assert json.loads(kan["p_grids"]) == list(synthetic.GRIDS)
    assert kan["p_data_n_train"] == "1000"
    assert kan["p_activation"] == ""
    assert kan["env_versions_numpy"] == "2.4.6"
    assert kan["schema_version"] == "5"


def test_the_optimizer_that_was_used_stands_beside_the_one_that_was_asked_for(tmp_path):
    rng = np.random.default_rng(0)
    records = [synthetic.mlp_record("t", [2, n, 1], "tanh", 0, rng, opt="auto") for n in (5, 6)]
    records[1]["stages"][0]["opt"] = ""
    with Store.create(tmp_path, {}, "") as store:
        for record in records:
            store.add(record)
        rows = {row["p_width"]: row for row in rows_of(export_runs(store, tmp_path / "runs.csv"))}
        lines = export_runs(store, tmp_path / "runs.jsonl").read_text().splitlines()
    assert [(rows[w]["opt"], rows[w]["p_opt"]) for w in sorted(rows)] == [("LM", "auto"), ("", "auto")]
    assert {json.loads(line)["opt"] for line in lines} == {"LM", None}


def test_columns_start_in_the_same_order_whatever_is_in_the_store(store, tmp_path):
    full = list(rows_of(export_runs(store, tmp_path / "full.csv"))[0])
    with Store.create(tmp_path / "empty", {}, "") as empty:
        header = export_runs(empty, tmp_path / "empty.csv").read_text().strip().split(",")
    assert full[: len(header)] == header
    assert header[:7] == ["run_id", "group_id", "task", "family", "seed", "status", "reason"]


def test_jsonl_keeps_types_and_infinities(store, tmp_path):
    lines = export_runs(store, tmp_path / "runs.jsonl").read_text().splitlines()
    rows = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert len(rows) == len(rows_of(export_runs(store, tmp_path / "runs.csv")))
    assert len({tuple(row) for row in rows}) == 1
    assert any(row["test_rmse"] == math.inf for row in rows)
    assert any(row["test_rmse"] is None for row in rows)
    for row in rows:
        assert isinstance(row["p_steps"], int)
        assert row["grid"] is None or isinstance(row["grid"], int)
        assert row["train_rmse"] is None or isinstance(row["train_rmse"], float)


def test_options_of_mixed_type_become_one_type(tmp_path):
    with Store.create(tmp_path, {}, "") as store:
        for seed, (lamb, limit) in enumerate([(0, 1), (0.5, "none")]):
            config = {"task": "t", "family": "kan", "seed": seed, "lamb": lamb, "limit": limit}
            store.add(synthetic.record(config, []))
        rows = [json.loads(s) for s in export_runs(store, tmp_path / "x.jsonl").read_text().splitlines()]
    assert {type(row["p_lamb"]) for row in rows} == {float}
    assert {row["p_limit"] for row in rows} == {"1", "none"}


def test_two_exports_have_the_same_bytes(store, tmp_path):
    for name in ("a.csv", "a.jsonl"):
        first = export_runs(store, tmp_path / name).read_bytes()
        assert export_runs(store, tmp_path / name).read_bytes() == first


def test_parquet_has_the_same_table(store, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(export_runs(store, tmp_path / "runs.parquet")).to_pydict()
    lines = export_runs(store, tmp_path / "runs.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert table == {name: [row[name] for row in rows] for name in rows[0]}


def test_parquet_without_pyarrow_says_what_to_install(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"pip install 'kan_np\[parquet\]'"):
        export_runs(store, tmp_path / "runs.parquet")
    assert not (tmp_path / "runs.parquet").exists()


def test_an_unknown_suffix_names_the_known_ones(store, tmp_path):
    with pytest.raises(UserError, match=r"suffix is '.ods'; expected one of .csv, .jsonl, .parquet, .xlsx"):
        export_runs(store, tmp_path / "runs.ods")


def test_a_place_that_cannot_be_written_is_a_clear_error(store, tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UserError, match="cannot write"):
        export_runs(store, file / "runs.csv")


def test_flatten_joins_names_and_keeps_plain_values():
    assert flatten({"a": {"b": {"c": 1}}, "d": True, "e": [1, 2], "f": None}, "p") == {
        "p_a_b_c": 1,
        "p_d": True,
        "p_e": "[1, 2]",
        "p_f": None,
    }

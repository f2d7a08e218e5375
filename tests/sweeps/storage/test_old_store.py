"""A store of the first version: read as it is, brought up to date by the next writer, its runs kept."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import synthetic
from small_sweep import write_spec

from sweeps.analysis.aggregate import aggregate
from sweeps.cli import main
from sweeps.page.report import write_report
from sweeps.records import canonical_json, group_id
from sweeps.storage.export import export_runs
from sweeps.storage.schema import SCHEMA_VERSION
from sweeps.storage.store import Store

#: The tables as the first version made them.
FIRST_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE environments (env_id TEXT PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE tasks (task TEXT PRIMARY KEY, position INTEGER NOT NULL, json TEXT NOT NULL);
CREATE TABLE plan (
    run_id TEXT PRIMARY KEY, position INTEGER NOT NULL, task TEXT NOT NULL, family TEXT NOT NULL,
    config TEXT NOT NULL);
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, task TEXT NOT NULL, family TEXT NOT NULL, group_id TEXT NOT NULL,
    seed INTEGER NOT NULL, config TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    wall_s REAL, cpu_s REAL, env_id TEXT NOT NULL, finished_at TEXT NOT NULL);
CREATE TABLE stages (
    run_id TEXT NOT NULL, stage INTEGER NOT NULL, grid INTEGER, n_params INTEGER NOT NULL,
    train_rmse REAL, val_rmse REAL, test_rmse REAL, wall_s REAL, n_iter INTEGER, n_fev INTEGER,
    status TEXT NOT NULL, PRIMARY KEY (run_id, stage));
CREATE TABLE models (
    run_id TEXT NOT NULL, stage INTEGER NOT NULL, npz BLOB NOT NULL, PRIMARY KEY (run_id, stage));
"""
FIRST_STAGE = (
    *("stage", "grid", "n_params", "train_rmse", "val_rmse", "test_rmse"),
    *("wall_s", "n_iter", "n_fev", "status"),
)


def first_records():
    """Runs as the first version knew them: format 1, L-BFGS, an MLP without restarts."""
    rng = np.random.default_rng(3)
    made = [
        synthetic.kan_record("special/jv", [2, 2, 1], seed, rng, opt="LBFGS", options={"format": 1})
        for seed in (0, 1)
    ]
    made.append(synthetic.mlp_record("special/jv", [2, 5, 1], "tanh", 0, rng, opt="LBFGS"))
    records = []
    for record in made:
        config = record["config"] | {"format": 1}
        if config["family"] == "mlp":
            del config["restarts"]
        records.append(synthetic.record(config, record["stages"]))
    return records


def build(directory: Path, spec: dict | None = None) -> list[dict]:
    """Write a store of the first version and return its records."""
    directory.mkdir(parents=True, exist_ok=True)
    records = first_records()
    connection = sqlite3.connect(directory / "results.db")
    connection.executescript(FIRST_SCHEMA)
    meta = {
        "schema_version": "1",
        "created": "2025-01-01T00:00:00+00:00",
        "spec": json.dumps(spec or {}),
        "command": "kan-sweep run old",
        "title": "old",
        "table": "",
    }
    connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    connection.execute("INSERT INTO environments VALUES ('e', ?)", (json.dumps(synthetic.ENVIRONMENT),))
    for position, r in enumerate(records):
        config = canonical_json(r["config"])
        what = (r["run_id"], r["task"], r["family"])
        connection.execute("INSERT INTO plan VALUES (?, ?, ?, ?, ?)", (what[0], position, *what[1:], config))
        run = (*what, group_id(r["config"]), r["config"]["seed"], config, "ok", "", 1.0, 1.0, "e", "2025")
        connection.execute(f"INSERT INTO runs VALUES ({', '.join('?' * len(run))})", run)  # noqa: S608
        for stage in r["stages"]:
            values = (r["run_id"], *(stage[name] for name in FIRST_STAGE))
            connection.execute(f"INSERT INTO stages VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608
            model = (r["run_id"], stage["stage"], stage["model"])
            connection.execute("INSERT INTO models VALUES (?, ?, ?)", model)
    connection.commit()
    connection.close()
    return records


def numbers(stages: list[dict]) -> list[tuple]:
    return [tuple(stage[name] for name in FIRST_STAGE) for stage in stages]


@pytest.mark.parametrize("writable", [False, True])
def test_an_old_store_says_what_it_said_and_no_optimizer(tmp_path, writable):
    records = build(tmp_path)
    with Store.open(tmp_path, readonly=not writable) as store:
        assert store.counts()["finished"] == len(records)
        assert set(store.stages()["opt"]) == {""}
        for record in records:
            found = store.run(record["run_id"])
            assert found["config"] == record["config"]
            assert numbers(found["stages"]) == numbers(record["stages"])
            assert {stage["opt"] for stage in found["stages"]} == {""}
            assert store.model(record["run_id"], 0) == record["stages"][0]["model"]
        assert store.meta()["schema_version"] == (SCHEMA_VERSION if writable else 1)


def test_reading_changes_nothing(tmp_path):
    build(tmp_path)
    before = (tmp_path / "results.db").read_bytes()
    write_report(tmp_path)
    for arguments in (["status"], ["list"]):
        assert main([*arguments, str(tmp_path)]) == 0
    assert (tmp_path / "results.db").read_bytes() == before


def test_a_writer_brings_it_up_to_date_once_and_adds_to_it(tmp_path):
    records = build(tmp_path)
    fresh = synthetic.kan_record("special/jv", [2, 5, 1], 0, np.random.default_rng(0), opt="auto")
    with Store.create(tmp_path, {"title": "new"}, "kan-sweep run new") as store:
        store.add(fresh)
        assert store.meta()["created"].startswith("2025")
    with Store.open(tmp_path) as store:
        assert store.meta()["schema_version"] == SCHEMA_VERSION
        assert {stage["opt"] for stage in store.run(fresh["run_id"])["stages"]} == {"LM"}
        for record in records:
            assert numbers(store.run(record["run_id"])["stages"]) == numbers(record["stages"])
    with sqlite3.connect(tmp_path / "results.db") as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(stages)")]
    connection.close()
    assert columns.count("opt") == 1


def test_a_reader_keeps_reading_while_a_writer_brings_the_store_up_to_date(tmp_path):
    records = build(tmp_path)
    fresh = synthetic.mlp_record("special/jv", [2, 9, 1], "tanh", 0, np.random.default_rng(0))
    with Store.open(tmp_path, readonly=True) as reader:
        assert set(reader.stages()["opt"]) == {""}
        with Store.open(tmp_path) as writer:
            writer.add(fresh)
        assert set(reader.stages()["opt"]) == {"", "LM"}
        assert reader.counts()["finished"] == len(records) + 1


def test_a_migration_that_breaks_off_leaves_the_old_store(tmp_path, monkeypatch):
    build(tmp_path)
    broken = (
        "ALTER TABLE stages ADD COLUMN opt TEXT NOT NULL DEFAULT ''",
        "INSERT INTO nowhere VALUES (1)",
    )
    with monkeypatch.context() as patch:
        patch.setattr("sweeps.storage.schema.MIGRATIONS", {1: broken})
        with pytest.raises(Exception, match="nowhere"):
            Store.open(tmp_path)
    with Store.open(tmp_path, readonly=True) as store:
        assert store.meta()["schema_version"] == 1
        assert set(store.stages()["opt"]) == {""}
    Store.open(tmp_path).close()


def test_what_reads_a_store_takes_the_optimizer_from_the_configuration(tmp_path, capsys):
    records = build(tmp_path)
    with Store.open(tmp_path, readonly=True) as store:
        (task,) = aggregate(store).tasks
        assert {point.opt_text for point in task.points} == {"LBFGS"}
        rows = [json.loads(row) for row in export_runs(store, tmp_path / "x.jsonl").read_text().splitlines()]
    assert {(row["opt"], row["p_opt"], row["schema_version"]) for row in rows} == {(None, "LBFGS", 1)}
    page = write_report(tmp_path).read_text()
    assert "LBFGS" in page
    assert "LM and LBFGS" not in page
    assert main(["list", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("LBFGS") == len(records)


def test_the_same_specification_is_done_anew_and_it_is_said_why(tmp_path, capsys):
    spec = write_spec(tmp_path / "s.toml", seeds=1, steps=1)
    records = build(tmp_path / "out")
    arguments = ["run", str(spec), "--out", str(tmp_path / "out"), "--no-report", "--backend", "sequential"]
    assert main([*arguments, "--limit", "1", "--progress", "none"]) == 0
    captured = capsys.readouterr()
    assert "holds a sweep by an earlier version" in captured.err
    assert "12 runs planned, 0 recorded" in captured.err
    with Store.open(tmp_path / "out", readonly=True) as store:
        assert {record["run_id"] for record in records} < store.finished_ids()
        assert store.counts()["unplanned"] == len(records)
    assert main([*arguments, "--limit", "1", "--progress", "none"]) == 0
    assert "earlier version" not in capsys.readouterr().err


@pytest.mark.parametrize("writable", [False, True])
def test_a_store_of_the_fourth_version_has_no_quantities_until_one_is_added(tmp_path, writable):
    record = synthetic.mlp_record("special/jv", [2, 9, 1], "tanh", 0, np.random.default_rng(0))
    with Store.create(tmp_path, {"title": "fourth"}, "kan-sweep run fourth") as store:
        store.add(record)
        # A check sum belongs to the row of the version; the last writer of that version wrote it so.
        store.set_meta(schema_version="4")
    with sqlite3.connect(tmp_path / "results.db") as connection:
        connection.execute("DROP TABLE quantities")
    connection.close()
    with Store.open(tmp_path, readonly=not writable) as store:
        assert store.quantities() == {}
        assert store.run(record["run_id"])["stages"][0]["n_params"] == record["stages"][0]["n_params"]
        if writable:
            other = synthetic.mlp_record("special/jv", [2, 5, 1], "tanh", 1, np.random.default_rng(1))
            other["stages"][0]["quantities"] = {"h1": 0.1, "maximum": 1e-7 / 3.0}
            store.add(other)
            assert store.quantities() == {(other["run_id"], 0): {"h1": 0.1, "maximum": 1e-7 / 3.0}}
            assert store.run(other["run_id"])["stages"][0]["quantities"] == other["stages"][0]["quantities"]

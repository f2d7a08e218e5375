"""Rows that were changed in a store, or deleted from it: every command tells."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest
import synthetic

from sweeps.cli import main
from sweeps.errors import UserError
from sweeps.storage.repair import repair
from sweeps.storage.store import Store


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two tasks in which a run was done again, two are missing and models fill several pages."""
    directory = tmp_path_factory.mktemp("whole")
    tasks = list(synthetic.FORMULAS)[:2]
    records = synthetic.build(directory, tasks, seeds=2, missing=2)
    bytes_of = random.Random(1)
    with Store.open(directory) as store:
        store.add(records[0] | {"status": "ok", "reason": ""})
        for record in records[10:14]:
            stages = [stage | {"model": bytes_of.randbytes(9000)} for stage in record["stages"]]
            store.add(record | {"stages": stages})
        search = synthetic.formula_record(
            tasks[0], 0, [("x", 1.0, 0, 0.1, False), ("x**2", 2.0, 1, 0.0, True)]
        )
        store.add(search)
    return directory


def test_a_changed_number_is_told_by_whoever_reads_it(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "sweep")
    connection = sqlite3.connect(tmp_path / "sweep" / "results.db")
    with connection:
        connection.execute("UPDATE stages SET test_rmse = test_rmse / 2 WHERE rowid = 5")
        run_id = connection.execute("SELECT run_id FROM stages WHERE rowid = 5").fetchone()[0]
        connection.execute("UPDATE plan SET config = replace(config, '1000', '1001') WHERE rowid = 1")
        connection.execute("UPDATE meta SET value = 'other' WHERE key = 'title'")
    connection.close()
    with Store.open(tmp_path / "sweep", readonly=True) as store:
        for read in (store.stages, lambda: store.run(run_id), store.plan, store.meta):
            with pytest.raises(UserError, match="is not what was written"):
                read()
        assert len(store.runs()["run_id"]) == store.counts()["finished"]


def test_a_stage_that_is_gone_is_told(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "sweep")
    connection = sqlite3.connect(tmp_path / "sweep" / "results.db")
    with connection:
        run_id = connection.execute("SELECT run_id FROM stages WHERE stage = 3 LIMIT 1").fetchone()[0]
        connection.execute("DELETE FROM stages WHERE run_id = ? AND stage = 3", (run_id,))
    connection.close()
    with (
        Store.open(tmp_path / "sweep", readonly=True) as store,
        pytest.raises(UserError, match=f"run {run_id} does not have the stages"),
    ):
        store.run(run_id)
    repaired = repair(tmp_path / "sweep", tmp_path / "new")
    # What SQLite deletes stays in its page until something else is written there.
    assert repaired.incomplete in ((), (run_id,))


def test_nothing_to_repair_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no file results\.db to repair"):
        repair(tmp_path, tmp_path / "new")
    (tmp_path / "results.db").write_bytes(b"a,b,c\n" * 5000)
    with pytest.raises(UserError, match=r"nothing in .* is a whole row"):
        repair(tmp_path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


GONE = {
    "DELETE FROM stages WHERE run_id = ?": "run {} does not have the stages it had",
    "DELETE FROM stages WHERE run_id = ? AND stage = 1": "run {} does not have the stages it had",
    "DELETE FROM formulas WHERE run_id = ?": "run {} does not have the formulas it had",
    "DELETE FROM runs WHERE run_id = ?": "run {} is gone, and its",
    "DELETE FROM environments WHERE ? != ''": "was computed is missing",
    "DELETE FROM plan WHERE run_id = ?": "the plan does not have the 13 runs it had",
}


def with_search(directory: Path) -> tuple[str, str]:
    """A finished sweep of one task with a search for formulas; a trained run, and the search."""
    records = synthetic.build(directory, ("t",), seeds=1)
    search = synthetic.formula_record("t", 0, [("x", 1.0, 0, 0.1, False), ("x**2", 2.0, 1, 0.0, True)])
    with Store.open(directory) as store:
        store.add(search)
        store.set_plan([(r["run_id"], r["task"], r["family"], r["config"]) for r in (*records, search)])
    return next(r["run_id"] for r in records if len(r["stages"]) > 1), search["run_id"]


@pytest.mark.parametrize("loss", GONE)
def test_rows_that_were_deleted_are_told_by_every_command(
    loss: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    run_id = with_search(a)["formulas" in loss]
    shutil.copytree(a, b)
    connection = sqlite3.connect(a / "results.db")
    with connection:
        connection.execute(loss, (run_id,))
    connection.close()
    for arguments in (
        ["export", str(a), "-o", str(tmp_path / "runs.csv")],
        ["report", str(a), "-o", str(tmp_path / "x.html")],
        ["status", str(a)],
        ["status", str(a), "--watch"],
        ["list", str(a)],
        ["compare", str(b), str(a), "-o", str(tmp_path / "y.html")],
        ["merge", str(a), "--out", str(tmp_path / "joined")],
    ):
        assert main(arguments) == 2, arguments
        told = capsys.readouterr()
        if arguments[0] == "merge" and "plan" in loss:
            assert f"the plan of {a} has gaps" in told.err
        else:
            assert GONE[loss].format(run_id) in told.err, arguments
            assert f"kan-sweep repair {a} --out NEW" in told.err
        assert len(told.err.strip().splitlines()) == 1
        assert told.out == ""
    assert not (tmp_path / "runs.csv").exists()
    assert not (tmp_path / "joined" / "results.db").exists()
    with Store.create(a, {"name": "x"}, "kan-sweep run x") as store:  # as a sweep that goes on
        for ask in (store.statuses, store.missing, store.n_recorded, store.counts):
            store._complete = False
            with pytest.raises(UserError, match=GONE[loss].format(run_id)):
                ask()
    code = main(["repair", str(a), "--out", str(tmp_path / "rescued")])
    with Store.open(tmp_path / "rescued", readonly=True) as store:
        # What SQLite deletes may still lie in its page; what does not is to be done again.
        assert code == (1 if store.counts()["missing"] or store.counts()["planned"] < 13 else 0)


def test_rows_that_are_gone_from_a_store_without_their_names_cannot_be_told(tmp_path: Path) -> None:
    with_search(tmp_path)
    connection = sqlite3.connect(tmp_path / "results.db")
    with connection:
        connection.execute("ALTER TABLE runs DROP COLUMN parts")
        connection.execute("ALTER TABLE runs DROP COLUMN crc")
        connection.execute("DELETE FROM stages WHERE stage > 0")
    connection.close()
    with Store.open(tmp_path, readonly=True) as store:
        assert store.counts()["missing"] == 0

"""A damaged store: reading it tells, or tells the truth; repairing it brings back what was whole."""

from __future__ import annotations

import contextlib
import hashlib
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import synthetic

from sweeps.cli import main
from sweeps.errors import UserError
from sweeps.storage.repair import repair
from sweeps.storage.rows import checked
from sweeps.storage.store import Store

OFFSETS = 50
#: The first pages of a file are the roots of its tables and indexes.
HEAD = 20 * 4096


def everything(store: Store) -> dict[str, Any]:
    """All that can be read of a store, but for what depends on when and where it was opened."""
    records = {record["run_id"]: record for batch in store.records() for record in batch}
    columns = {name: table.tolist() for name, table in (store.runs() | store.stages()).items()}
    meta = store.meta()
    # A repaired store goes on with a command of its own.
    del meta["plan_of"], meta["command"]
    return {
        "records": repr(records),
        "columns": repr(columns),
        "plan": store.plan(),
        "tasks": store.tasks(),
        "environments": store.environments(),
        "meta": meta,
        "counts": store.counts(),
    }


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


@pytest.fixture(scope="module")
def truth(whole: Path) -> dict[str, Any]:
    with Store.open(whole, readonly=True) as store:
        return everything(store)


def records_of(directory: Path) -> dict[str, dict[str, Any]]:
    with Store.open(directory, readonly=True) as store:
        return {record["run_id"]: record for batch in store.records() for record in batch}


def truncate(data: bytearray, draw: random.Random) -> None:
    del data[draw.randrange(1, len(data)) :]


def overwrite(data: bytearray, draw: random.Random) -> None:
    size = draw.choice([1, 2, 16, 300, 5000])
    start = draw.randrange(0, len(data) - size)
    data[start : start + size] = draw.randbytes(size)


def flip(data: bytearray, draw: random.Random) -> None:
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [truncate, overwrite, flip])
def test_damage_anywhere_is_told_or_harmless_and_whole_runs_are_rescued(
    damage: Callable[[bytearray, random.Random], None], whole: Path, truth: dict[str, Any], tmp_path: Path
) -> None:
    originals = records_of(whole)
    told = 0
    for number in range(OFFSETS):
        directory, rescued = tmp_path / f"broken-{number}", tmp_path / f"rescued-{number}"
        directory.mkdir()
        data = bytearray((whole / "results.db").read_bytes())
        damage(data, random.Random(f"{damage.__name__} {number}"))
        (directory / "results.db").write_bytes(data)
        before = hashlib.sha256(data).digest()
        try:
            with Store.open(directory, readonly=True) as store:
                found = everything(store)
        except UserError:
            told += 1
        else:
            assert found == truth
        assert hashlib.sha256((directory / "results.db").read_bytes()).digest() == before
        if len(data) < HEAD:
            with contextlib.suppress(UserError):
                repair(directory, rescued)
            continue
        repaired = repair(directory, rescued)
        kept = records_of(rescued)
        assert len(kept) == repaired.runs
        for run_id, record in kept.items():
            assert_rescued(record, originals[run_id], run_id in repaired.without_model)
        for lost in repaired.incomplete:
            assert lost in originals
            assert lost not in kept
        if damage is flip:
            # One bit touches one row, or the list of rows of one page.
            assert len(originals) - len(kept) <= 12
        shutil.rmtree(directory)
        shutil.rmtree(rescued)
    assert told > OFFSETS / 4


def assert_rescued(record: dict[str, Any], original: dict[str, Any], without_model: bool) -> None:
    """A rescued run is the original, or what was replaced by it; its machine and its models may be lost."""

    def numbers(of: dict[str, Any]) -> str:
        stages = [{k: v for k, v in stage.items() if k != "model"} for stage in of["stages"]]
        return repr([of[name] for name in ("task", "family", "config", "wall_s", "cpu_s")] + stages)

    assert numbers(record) == numbers(original)
    assert record["environment"] in ({}, original["environment"])
    if not without_model:
        assert [s["model"] for s in record["stages"]] == [s["model"] for s in original["stages"]]


def test_a_whole_store_is_rescued_whole(whole: Path, truth: dict[str, Any], tmp_path: Path) -> None:
    repaired = repair(whole, tmp_path / "new")
    assert (repaired.incomplete, repaired.without_model, repaired.missing) == ((), (), 2)
    with Store.open(tmp_path / "new", readonly=True) as store:
        assert everything(store) == truth
        assert store.meta()["command"] == f"kan-sweep run special --preset quick --out {tmp_path / 'new'}"
    with pytest.raises(UserError, match="has a store already"):
        repair(whole, tmp_path / "new")


def finished(directory: Path) -> list[str]:
    """A store with nothing to do, and its runs."""
    records = synthetic.build(directory, ("t",), seeds=1)
    return [record["run_id"] for record in records]


def repaired_by_command(directory: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["repair", str(directory), "--out", str(out)])
    return code, capsys.readouterr().out


def test_a_repair_that_loses_nothing_ends_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_ids = finished(tmp_path / "a")
    code, told = repaired_by_command(tmp_path / "a", tmp_path / "b", capsys)
    assert code == 0
    assert told.startswith(f"{len(run_ids)} runs found, {len(run_ids)} whole and now in")
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ("UPDATE runs SET crc = 0 WHERE run_id = ?", "11 whole and now in"),
        (
            "UPDATE stages SET crc = 0 WHERE run_id = ?",
            "1 run is left out, for a part that counts is lost:\n  {}",
        ),
        ("UPDATE models SET crc = 0 WHERE run_id = ?", "1 run has its numbers and lost a model"),
        ("UPDATE plan SET crc = 0 WHERE run_id = ?", "The plan has lost 1 run;"),
    ],
)
def test_what_a_repair_lost_shows_in_its_exit_code_and_its_words(
    loss: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = finished(tmp_path / "a")[-1]
    connection = sqlite3.connect(tmp_path / "a" / "results.db")
    with connection:
        connection.execute(loss, (run_id,))
    connection.close()
    code, text = repaired_by_command(tmp_path / "a", tmp_path / "b", capsys)
    assert code == 1
    assert text.startswith("12 runs found, ")
    assert told.format(run_id) in text
    assert run_id in text or "plan" in loss
    assert f"--out {tmp_path / 'b'}" in text.splitlines()[-1]


def test_a_plan_whose_extent_is_not_known_may_have_lost_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished(tmp_path / "a")
    connection = sqlite3.connect(tmp_path / "a" / "results.db")
    with connection:
        connection.execute("UPDATE meta SET crc = 0 WHERE key = 'plan_rows'")
    connection.close()
    code, told = repaired_by_command(tmp_path / "a", tmp_path / "b", capsys)
    assert code == 1
    assert "The plan may have lost runs too" in told


def test_a_small_file_cut_in_half_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished(tmp_path / "a")
    path = tmp_path / "a" / "results.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    code, told = repaired_by_command(tmp_path / "a", tmp_path / "b", capsys)
    assert code == 1
    assert "12 planned runs are not there" in told


def test_what_is_still_in_the_log_of_a_killed_process_is_rescued(tmp_path: Path) -> None:
    records = synthetic.records(("t",))[4:8]
    with Store.create(tmp_path / "a", {"name": "x"}, "") as store:
        for record in records:
            store.add(record)
        (tmp_path / "b").mkdir()
        for name in ("results.db", "results.db-wal"):
            shutil.copy(tmp_path / "a" / name, tmp_path / "b" / name)
    broken = tmp_path / "b" / "results.db"
    broken.write_bytes(b"\xff" * 200 + broken.read_bytes()[200:])
    assert repair(tmp_path / "b", tmp_path / "c").runs == len(records)
    assert records_of(tmp_path / "c").keys() == {record["run_id"] for record in records}


def plan_of(letter: str, count: int) -> list[tuple[str, str, str, dict[str, Any]]]:
    return [(f"{letter}{n:015x}", "t", "kan", {"seed": n, "padding": letter * 100}) for n in range(count)]


def repaired_plan(directory: Path, copy: Path) -> list[tuple[str, str, str, dict[str, Any]]]:
    """The plan after a repair of the files as they are now, while somebody writes to them."""
    copy.mkdir()
    for path in directory.glob("results.db*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, copy / path.name)
    repair(copy, copy / "new")
    with Store.open(copy / "new", readonly=True) as rescued:
        return rescued.plan()


@pytest.mark.parametrize(("before", "after"), [(100, 100), (300, 20), (20, 300), (50, 0)])
def test_a_plan_that_was_replaced_does_not_come_back(before: int, after: int, tmp_path: Path) -> None:
    with Store.create(tmp_path / "a", {"name": "x"}, "") as store:
        # The frames of the plan lie behind all that the log is given in its next lap.
        for record in synthetic.records(("t",)):
            store.add(record)
        store.set_plan(plan_of("a", before))
        store._connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        store.set_plan(plan_of("b", after))
        assert repaired_plan(tmp_path / "a", tmp_path / "b") == store.plan() == plan_of("b", after)
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        assert repaired_plan(tmp_path / "a", tmp_path / "c") == plan_of("b", after)
        store.set_plan(plan_of("c", 30))
        assert repaired_plan(tmp_path / "a", tmp_path / "d") == plan_of("c", 30)


def test_a_plan_without_its_row_numbers_is_that_of_the_last_lap_of_the_log(tmp_path: Path) -> None:
    with Store.create(tmp_path / "a", {"name": "x"}, "") as store:
        for record in synthetic.records(("t",)):
            store.add(record)
        connection = store._connection
        for letter in "ab":
            # As an earlier version set it: the numbers start at 1 again, and nothing says which they are.
            store.set_plan(plan_of(letter, 100))
            with store._transaction():
                connection.execute("UPDATE plan SET rowid = rowid - (SELECT min(rowid) - 1 FROM plan)")
                connection.execute("DELETE FROM meta WHERE key = 'plan_rows'")
            if letter == "a":
                connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        assert repaired_plan(tmp_path / "a", tmp_path / "b") == plan_of("b", 100)


def test_a_plan_that_was_not_committed_is_not_rescued(tmp_path: Path) -> None:
    with Store.create(tmp_path / "a", {"name": "x"}, "") as store:
        store.set_plan(plan_of("a", 100))
        # A transaction larger than the cache of SQLite goes to the log before it is committed.
        store._connection.execute("PRAGMA cache_size = 1")
        rows = [(run_id, n, "t", "kan", "{}") for n, (run_id, *_) in enumerate(plan_of("b", 500))]
        with contextlib.suppress(KeyboardInterrupt), store._transaction() as connection:
            connection.execute("DELETE FROM plan")
            connection.executemany("INSERT INTO plan VALUES (?, ?, ?, ?, ?, ?)", checked("plan", rows))
            assert b"b000" in (tmp_path / "a" / "results.db-wal").read_bytes()
            assert repaired_plan(tmp_path / "a", tmp_path / "b") == plan_of("a", 100)
            raise KeyboardInterrupt

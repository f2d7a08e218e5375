"""Making and opening the file of a store: what is there before, what is damaged, what is in the way."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import synthetic

from sweeps.errors import UserError
from sweeps.storage import schema
from sweeps.storage.store import Store

ROOT = Path(__file__).parents[3]


def record(number=1, **changes):
    rng = np.random.default_rng(number)
    made = synthetic.kan_record("special/jv", [2, 2, 1], number, rng)
    return made | {"run_id": f"{number:016x}"} | changes


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path, {"name": "quick"}, "kan-sweep run special") as opened:
        yield opened


def test_an_existing_store_is_continued(tmp_path):
    with Store.create(tmp_path, {"name": "one"}, "first") as store:
        store.add(record())
        created = store.meta()["created"]
    with Store.create(tmp_path, {"name": "two", "title": "Two"}, "second") as store:
        meta = store.meta()
        assert (meta["created"], meta["command"], meta["title"]) == (created, "second", "Two")
        assert meta["spec"] == {"name": "two", "title": "Two"}
        assert store.finished_ids() == {f"{1:016x}"}


def test_a_second_writer_is_turned_away_and_a_reader_is_not(store):
    store.add(record(1))
    with pytest.raises(UserError, match="another sweep is writing"):
        Store.create(store.directory, {}, "")
    with pytest.raises(UserError, match="another sweep is writing"):
        Store.open(store.directory)
    with Store.open(store.directory, readonly=True) as reader:
        assert reader.finished_ids() == {f"{1:016x}"}
        store.add(record(2))
        assert len(reader.finished_ids()) == 2
        with pytest.raises(UserError, match="reading only"):
            reader.add(record(3))


def test_a_closed_store_can_be_opened_by_the_next_writer(tmp_path):
    first = Store.create(tmp_path, {}, "")
    first.close()
    first.close()
    Store.open(tmp_path).close()


def test_a_store_on_a_disk_that_cannot_be_written_is_read(tmp_path, monkeypatch):
    with Store.create(tmp_path, {}, "") as store:
        store.add(record())
    real = sqlite3.connect

    def readonly_disk(path, *args, **kwargs):
        # What SQLite does on such a disk: the file opens, the first statement fails.
        if "mode=rw" in str(path):
            return real("file::memory:?mode=rw", *args, factory=Refusing, **kwargs)
        return real(path, *args, **kwargs)

    monkeypatch.setattr(sqlite3, "connect", readonly_disk)
    with Store.open(tmp_path, readonly=True) as store:
        assert store.finished_ids() == {f"{1:016x}"}


class Refusing(sqlite3.Connection):
    def execute(self, *args):
        raise sqlite3.OperationalError("attempt to write a readonly database")


WRITER = """
import sys
sys.path[:0] = [{root!r}, {here!r}]
import numpy as np, synthetic
from sweeps.storage.store import Store
with Store.create({directory!r}, {{"name": "kill"}}, "") as store:
    print("ready", flush=True)
    for number in range(1, 2000):
        made = synthetic.kan_record("special/jv", [2, 2, 1], number, np.random.default_rng(number))
        for stage in made["stages"]:
            stage["model"] = bytes([number % 251]) * 20000
        run_id = f"{{number:016x}}"
        if run_id not in store.finished_ids():
            store.add(made | {{"run_id": run_id}})
            print(run_id, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 4, 19])
def test_kill_at_any_moment_leaves_whole_runs(tmp_path, lines):
    code = WRITER.format(root=str(ROOT), here=str(Path(__file__).parents[1]), directory=str(tmp_path))
    promised = 0
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout.readline() == "ready\n"
            for _ in range(lines):
                promised = int(writer.stdout.readline(), 16)
            os.kill(writer.pid, signal.SIGKILL)
            rest = writer.stdout.read().split()
            promised = int(rest[-1], 16) if rest and len(rest[-1]) == 16 else promised
        # What was said to be stored is stored, in order, and nothing is there in part.
        with Store.open(tmp_path, readonly=True) as store:
            runs, stages = store.runs(), store.stages()
            n = len(runs["run_id"])
            assert n in (promised, promised + 1)
            assert runs["run_id"].tolist() == [f"{number:016x}" for number in range(1, n + 1)]
            assert stages["stage"].tolist() == [0, 1, 2, 3] * n
            assert len(store.model_stages()) == 4 * n
            assert store.model(runs["run_id"][-1], 3) == bytes([n % 251]) * 20000
        with Store.open(tmp_path) as store:
            assert len(store.finished_ids()) == n


def test_a_file_that_a_killed_start_left_empty_is_started_again(tmp_path):
    (tmp_path / "results.db").touch()
    with pytest.raises(UserError, match="is empty: no sweep was started"):
        Store.open(tmp_path, readonly=True)
    with Store.create(tmp_path, {}, "") as store:
        store.add(record())


def test_a_start_that_breaks_off_leaves_an_empty_file_that_can_be_started_again(tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sweeps.storage.store.check_schema", killed)
        with pytest.raises(KeyboardInterrupt):
            Store.create(tmp_path, {"name": "x"}, "")
    with pytest.raises(UserError, match="is empty: no sweep was started"):
        Store.open(tmp_path, readonly=True)
    with Store.create(tmp_path, {"name": "x"}, "again") as store:
        assert store.meta()["spec"] == {"name": "x"}


def test_a_store_that_is_being_made_is_told_from_an_empty_one(tmp_path, monkeypatch):
    """Two starts in one instant: who looks after the making of the file and before its tables waits."""
    make, found = schema.make_schema, []

    def reader():
        with Store.open(tmp_path, readonly=True) as store:
            found.append(store.meta()["spec"])
        with pytest.raises(UserError, match="another sweep is writing to") as raised:
            Store.create(tmp_path, {"name": "second"}, "")
        found.append(str(raised.value))

    others = threading.Thread(target=reader)

    def slow(connection, path):
        assert path.is_file()
        others.start()
        time.sleep(0.3)
        assert found == []
        make(connection, path)

    with monkeypatch.context() as patch:
        patch.setattr("sweeps.storage.store.make_schema", slow)
        with Store.create(tmp_path, {"name": "first"}, ""):
            others.join(60)
    assert found[0] == {"name": "first"}
    assert f"process {os.getpid()} on" in found[1]


def test_a_start_that_does_not_go_on_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("sweeps.storage.store._START_S", 0.1)

    def stuck(*_):
        with pytest.raises(UserError, match=r"another sweep is being started in .* does not go on"):
            Store.open(tmp_path, readonly=True)
        raise KeyboardInterrupt

    monkeypatch.setattr("sweeps.storage.store.make_schema", stuck)
    with pytest.raises(KeyboardInterrupt):
        Store.create(tmp_path, {}, "")
    with pytest.raises(UserError, match="is empty: no sweep was started"):
        Store.open(tmp_path, readonly=True)


def test_a_store_without_a_specification_is_read_and_continued(tmp_path):
    Store.create(tmp_path, {"name": "x"}, "").close()
    with sqlite3.connect(tmp_path / "results.db") as connection:
        connection.execute("DELETE FROM meta WHERE key NOT IN ('schema_version', 'created')")
    connection.close()
    with Store.open(tmp_path, readonly=True) as store:
        meta = store.meta()
        assert (meta["spec"], meta["command"], meta["table"]) == ({}, "", "")
        assert meta["title"] == tmp_path.name
    with Store.create(tmp_path, {"name": "y"}, "go on") as store:
        assert store.meta()["command"] == "go on"


def test_the_path_of_a_table_is_kept_as_an_absolute_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Store.create("out", {}, "", "mine.csv") as store:
        assert store.meta()["table"] == str((tmp_path / "mine.csv").resolve())
    with Store.create("out", {}, "") as store:
        assert store.meta()["table"] == ""


def large_store(directory):
    with Store.create(directory, {}, "") as store:
        for number in range(1, 40):
            store.add(record(number))
    return (directory / "results.db").read_bytes()


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("damage", ["text", "truncated", "overwritten", "header"])
def test_a_damaged_file_gives_one_clear_error_and_is_left_alone(tmp_path, damage, readonly):
    whole = large_store(tmp_path)
    broken = {
        "text": b"a,b,c\n1,2,3\n" * 1000,
        "truncated": whole[: len(whole) // 2 + 100],
        "overwritten": whole[:4096] + b"\xff" * (len(whole) - 4096),
        "header": b"\x00" * 100 + whole[100:],
    }[damage]
    path = tmp_path / "results.db"
    path.write_bytes(broken)

    def use():
        with Store.open(tmp_path, readonly=readonly) as store:
            store.runs(), store.stages(), store.counts(), store.meta(), store.plan()

    with pytest.raises(UserError, match=r"damaged or not a store of kan-sweep .* run the same command again"):
        use()
    with pytest.raises(UserError, match="damaged or not a store"):
        Store.create(tmp_path, {}, "")
    assert path.read_bytes() == broken
    # The lock is free again: the user can put the file right and go on.
    path.write_bytes(whole)
    with Store.open(tmp_path) as store:
        assert store.counts()["finished"] == 39


def test_models_are_not_read_to_open_a_store_and_damage_in_them_is_told_when_one_is(tmp_path):
    large_store(tmp_path)
    path = tmp_path / "results.db"
    with sqlite3.connect(path) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = 'models'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    broken = bytearray(path.read_bytes())
    broken[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(broken)
    with Store.open(tmp_path) as store:
        assert store.counts()["finished"] == 39
        with pytest.raises(UserError, match="damaged or not a store"):
            store.model(f"{1:016x}", 0)
        with pytest.raises(UserError, match="damaged or not a store"):
            store.add(record(50))
        assert store.counts()["finished"] == 39


def test_a_store_of_a_newer_version_is_refused(tmp_path):
    Store.create(tmp_path, {}, "").close()
    with sqlite3.connect(tmp_path / "results.db") as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()
    for readonly in (False, True):
        with pytest.raises(UserError, match="newer version of kan_np: it has store format 99"):
            Store.open(tmp_path, readonly=readonly)


def test_somebody_elses_database_is_refused_and_not_touched(tmp_path):
    path = tmp_path / "results.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE precious (value TEXT)")
    connection.close()
    before = path.read_bytes()
    for use in (lambda: Store.open(tmp_path, readonly=True), lambda: Store.create(tmp_path, {}, "")):
        with pytest.raises(UserError, match="is not a store of kan-sweep"):
            use()
    assert path.read_bytes() == before


def test_a_missing_store_says_how_to_start_one(tmp_path):
    for directory in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match=r"has no sweep in it.*kan-sweep run SPEC --out"):
            Store.open(directory, readonly=True)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(UserError, match="is not a directory"):
        Store.open(file)
    assert not (tmp_path / "nowhere").exists()


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path):
    file = tmp_path / "file"
    file.write_text("keep me")
    for directory in (file, file / "below"):
        with pytest.raises(UserError, match=r"cannot write to .*Choose another --out"):
            Store.create(directory, {}, "")
    assert file.read_text() == "keep me"


def test_a_full_disk_is_a_clear_error_and_keeps_what_is_there(store):
    store.add(record(1))
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    big = record(2)
    big["stages"][0]["model"] = b"x" * 10**6
    with pytest.raises(UserError, match=r"is full.*everything added so far is kept"):
        store.add(big)
    assert store.finished_ids() == {f"{1:016x}"}

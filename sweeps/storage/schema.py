"""The tables of a store, their version, and how an older version becomes this one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from sweeps.errors import UserError
from sweeps.storage.rows import CHECKS, checked, part_name
from sweeps.storage.sqlite_errors import sqlite_errors

SCHEMA_VERSION = 5

FORMULAS_TABLE = """
CREATE TABLE formulas (
    run_id TEXT NOT NULL, stage INTEGER NOT NULL, formula TEXT NOT NULL, latex TEXT NOT NULL,
    complexity REAL, n_constants INTEGER NOT NULL, exact INTEGER NOT NULL, best INTEGER NOT NULL,
    PRIMARY KEY (run_id, stage))
"""
QUANTITIES_TABLE = """
CREATE TABLE quantities (
    run_id TEXT NOT NULL, stage INTEGER NOT NULL, json TEXT NOT NULL, crc INTEGER,
    PRIMARY KEY (run_id, stage))
"""
# What the fourth version added at the end of every table: `crc` is described in `_rows`; `session` counts the
# times that the store was opened to be written, `at_s` are the seconds from there on by a clock that nobody
# can set, NULL for a run that came from another store.
_CRC = "crc INTEGER"
_RUN_ADDITIONS = ("session INTEGER", "at_s REAL", "parts TEXT NOT NULL DEFAULT ''", _CRC)
SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, {_CRC});
CREATE TABLE environments (env_id TEXT PRIMARY KEY, json TEXT NOT NULL, {_CRC});
CREATE TABLE tasks (task TEXT PRIMARY KEY, position INTEGER NOT NULL, json TEXT NOT NULL, {_CRC});
CREATE TABLE plan (
    run_id TEXT PRIMARY KEY, position INTEGER NOT NULL, task TEXT NOT NULL, family TEXT NOT NULL,
    config TEXT NOT NULL, {_CRC});
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, task TEXT NOT NULL, family TEXT NOT NULL, group_id TEXT NOT NULL,
    seed INTEGER NOT NULL, config TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    wall_s REAL, cpu_s REAL, env_id TEXT NOT NULL, finished_at TEXT NOT NULL, {", ".join(_RUN_ADDITIONS)});
CREATE TABLE stages (
    run_id TEXT NOT NULL, stage INTEGER NOT NULL, grid INTEGER, n_params INTEGER NOT NULL,
    train_rmse REAL, val_rmse REAL, test_rmse REAL, wall_s REAL, n_iter INTEGER, n_fev INTEGER,
    status TEXT NOT NULL, opt TEXT NOT NULL DEFAULT '', {_CRC}, PRIMARY KEY (run_id, stage));
CREATE TABLE models (
    run_id TEXT NOT NULL, stage INTEGER NOT NULL, npz BLOB NOT NULL, {_CRC}, PRIMARY KEY (run_id, stage));
CREATE TABLE formulas (
    run_id TEXT NOT NULL, stage INTEGER NOT NULL, formula TEXT NOT NULL, latex TEXT NOT NULL,
    complexity REAL, n_constants INTEGER NOT NULL, exact INTEGER NOT NULL, best INTEGER NOT NULL, {_CRC},
    PRIMARY KEY (run_id, stage));
{QUANTITIES_TABLE};
"""
_UNCHECKED = ("meta", "environments", "tasks", "plan", "stages", "formulas", "models")
#: What turns a file of one version into one of the next.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: ("ALTER TABLE stages ADD COLUMN opt TEXT NOT NULL DEFAULT ''",),
    2: (FORMULAS_TABLE,),
    3: (
        *(f"ALTER TABLE {table} ADD COLUMN {_CRC}" for table in _UNCHECKED),
        *(f"ALTER TABLE runs ADD COLUMN {column}" for column in _RUN_ADDITIONS),
    ),
    4: (QUANTITIES_TABLE,),
}
#: The version from which on rows have check sums.
CHECKED_SINCE = 4
#: The tables of every version, and those that came later, with the version they came in.
TABLES = frozenset({"meta", "environments", "tasks", "plan", "runs", "stages", "models"})
LATER_TABLES = {"formulas": 3, "quantities": 5}


def make_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables if the file has none; the caller has begun a transaction and ends it."""
    with sqlite_errors(path):
        if has_tables(connection, path):
            return
        for statement in filter(None, map(str.strip, SCHEMA.split(";"))):
            connection.execute(statement)
    set_meta(connection, [("schema_version", str(SCHEMA_VERSION)), ("created", timestamp())])


def set_meta(connection: sqlite3.Connection, pairs: Iterable[tuple[str, str]]) -> None:
    """Add or replace entries of `meta`; the caller has begun a transaction and ends it."""
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", checked("meta", pairs))


def has_tables(connection: sqlite3.Connection, path: Path) -> bool:
    """Say whether there is anything in the file."""
    with sqlite_errors(path):
        return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise UserError unless the file has the tables of this version."""
    with sqlite_errors(path):
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        names = {row[0] for row in rows}
        version = ""
        if "meta" in names:
            row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
            version = str(row[0]) if row else ""
    if not names:
        raise UserError(
            f"{path} is empty: no sweep was started in it. "
            f"Start one with: kan-sweep run SPEC --out {path.parent}"
        )
    if version.isdecimal() and int(version) > SCHEMA_VERSION:
        raise UserError(
            f"{path} was written by a newer version of kan_np: it has store format {version}, this version "
            f"reads {SCHEMA_VERSION}. Install the newer version, or choose another --out. "
            "The file was left as it is."
        )
    later = {table for table, since in LATER_TABLES.items() if version.isdecimal() and since <= int(version)}
    missing = ", ".join(sorted((TABLES | later) - names))
    if missing or not version.isdecimal():
        raise UserError(
            f"{path} is not a store of kan-sweep (missing: {missing or 'its version'}). "
            "Choose another directory. The file was left as it is."
        )


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the tables of an older version up to this one; the caller has begun a transaction and ends it."""
    with sqlite_errors(path):
        row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
        version = int(row[0])
        for number in range(version, SCHEMA_VERSION):
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
        if version < CHECKED_SINCE:
            _add_checks(connection)
        if version < SCHEMA_VERSION:
            set_meta(connection, [("schema_version", str(SCHEMA_VERSION))])


def _add_checks(connection: sqlite3.Connection) -> None:
    """Give the rows of an earlier version their check sums.

    Models keep none: they are most of the bytes, every row of them would have to be written again, and the
    arrays in them have check sums of their own.
    """
    parts: dict[str, list[str]] = {}
    for table in ("meta", "environments", "tasks", "plan", "stages", "formulas", "runs"):
        check = CHECKS[table]
        if table == "runs":
            texts = ((" ".join(found), run_id) for run_id, found in parts.items())
            connection.executemany("UPDATE runs SET parts = ? WHERE run_id = ?", texts)
        rows = connection.execute(f"SELECT {', '.join(check.columns)}, rowid FROM {table}").fetchall()  # noqa: S608
        sums = [(check(row), row[-1]) for row in rows]
        if table in ("stages", "formulas"):
            for row, (check_sum, _) in zip(rows, sums, strict=True):
                parts.setdefault(row[0], []).append(part_name(table, check_sum))
        connection.executemany(f"UPDATE {table} SET crc = ? WHERE rowid = ?", sums)  # noqa: S608


def timestamp() -> str:
    """Return the time now in UTC, to the second, in ISO format."""
    return datetime.now(UTC).isoformat(timespec="seconds")

"""The SQLite file under the store: its tables, how it is opened, and what its errors mean to a user."""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from filelock import FileLock, Timeout

from sweeps.errors import UserError

SCHEMA_VERSION = 3
DATABASE_NAME = "results.db"
LOCK_NAME = ".lock"

FORMULAS_TABLE = """
CREATE TABLE formulas (
    run_id TEXT NOT NULL, stage INTEGER NOT NULL, formula TEXT NOT NULL, latex TEXT NOT NULL,
    complexity REAL, n_constants INTEGER NOT NULL, exact INTEGER NOT NULL, best INTEGER NOT NULL,
    PRIMARY KEY (run_id, stage))
"""
SCHEMA = f"""
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
    status TEXT NOT NULL, opt TEXT NOT NULL DEFAULT '', PRIMARY KEY (run_id, stage));
CREATE TABLE models (
    run_id TEXT NOT NULL, stage INTEGER NOT NULL, npz BLOB NOT NULL, PRIMARY KEY (run_id, stage));
{FORMULAS_TABLE};
"""
#: What turns a file of one version into one of the next.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: ("ALTER TABLE stages ADD COLUMN opt TEXT NOT NULL DEFAULT ''",),
    2: (FORMULAS_TABLE,),
}
#: The tables of every version, and those that came later, with the version they came in.
TABLES = frozenset({"meta", "environments", "tasks", "plan", "runs", "stages", "models"})
LATER_TABLES = {"formulas": 3}

RUN_COLUMNS = {
    "run_id": str,
    "task": str,
    "family": str,
    "group_id": str,
    "seed": int,
    "config": str,
    "status": str,
    "reason": str,
    "wall_s": float,
    "cpu_s": float,
    "env_id": str,
    "finished_at": str,
}
STAGE_COLUMNS = {
    "run_id": str,
    "stage": int,
    "grid": int,
    "n_params": int,
    "train_rmse": float,
    "val_rmse": float,
    "test_rmse": float,
    "wall_s": float,
    "n_iter": int,
    "n_fev": int,
    "status": str,
    "opt": str,
}

#: `formula` is text as sympy writes it, `n_constants` how many numbers stand in it; `exact` and `best` are 0
#: or 1: whether its error is rounding, and whether it is the one of its run that the search recommends.
FORMULA_COLUMNS = {
    "run_id": str,
    "stage": int,
    "formula": str,
    "latex": str,
    "complexity": float,
    "n_constants": int,
    "exact": int,
    "best": int,
}

Columns = dict[str, np.ndarray]


def lock_for_writing(directory: Path) -> FileLock:
    """Take the lock of `directory`; raise UserError if another process holds it or it cannot be made."""
    lock = FileLock(directory / LOCK_NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"another sweep is writing to {directory}. Wait until it ends, stop it, or choose another --out; "
            "kan-sweep status and report can be used meanwhile."
        ) from None
    except OSError as error:
        raise unwritable(directory, error) from None
    return lock


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open the file for writing, made if missing, and check that it is whole.

    Models are not read for it: they are most of the bytes of a long sweep, and damage in them is found by
    whoever adds or reads one.
    """
    with sqlite_errors(path):
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        try:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
            # WAL lets readers in while a run is committed; NORMAL keeps every commit when a process is killed
            # and a consistent file when the power fails. Somebody else's database is not touched.
            if not names or names >= TABLES:
                connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            checked = (TABLES | LATER_TABLES.keys()) & names - {"models"}
            for table in sorted(checked) if names >= TABLES else (1,):
                finding = connection.execute(f"PRAGMA quick_check({table})").fetchone()[0]
                if finding != "ok":
                    raise damaged(path, finding)
        except BaseException:
            connection.close()
            raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the file for reading, also while it is being written and on a disk that cannot be written."""
    uri = f"file:{quote(str(path.resolve()))}"
    with sqlite_errors(path):
        connection = sqlite3.connect(f"{uri}?mode=rw", uri=True, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            # Even to be read, a WAL file wants a writable directory. Where there is none there is no writer,
            # and the file may be read as immutable, unless its last runs are still in the WAL.
            if "readonly" not in str(error) and "unable to open" not in str(error):
                raise
            wal = path.with_name(path.name + "-wal")
            if wal.is_file() and wal.stat().st_size:
                raise unwritable(path.parent, error) from None
            connection = sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None)
        except BaseException:
            connection.close()
            raise
    return connection


def make_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables if the file has none; the caller has begun a transaction and ends it."""
    with sqlite_errors(path):
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return
        for statement in filter(None, map(str.strip, SCHEMA.split(";"))):
            connection.execute(statement)
        meta = [("schema_version", str(SCHEMA_VERSION)), ("created", timestamp())]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", meta)


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
    if missing or not version:
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
        if version < SCHEMA_VERSION:
            connection.execute(
                "UPDATE meta SET value = ? WHERE key = 'schema_version'", (str(SCHEMA_VERSION),)
            )


def stage_expressions(connection: sqlite3.Connection) -> list[str]:
    """Return what to select for `STAGE_COLUMNS`: a file that may only be read can be of an older version."""
    present = {row[1] for row in connection.execute("PRAGMA table_info(stages)")}
    return [name if name in present else "''" for name in STAGE_COLUMNS]


def has_formulas(connection: sqlite3.Connection) -> bool:
    """Say whether the file has a table of formulas: one that may only be read can be of an older version."""
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'formulas'"
    return bool(connection.execute(query).fetchone()[0])


def timestamp() -> str:
    """Return the time now in UTC, to the second, in ISO format."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def to_null(value: Any) -> float | None:
    """Return a number as SQLite keeps it: NaN as NULL."""
    number = math.nan if value is None else float(value)
    return None if math.isnan(number) else number


def to_nan(value: float | None) -> float:
    """Return a number as it was before `to_null`."""
    return math.nan if value is None else value


def stage_values(stage: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a stage of a record as SQLite takes it, in the order of `STAGE_COLUMNS` without the run id."""
    return _values(stage, list(STAGE_COLUMNS.items())[1:])


def formula_values(stage: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the formula of a stage as SQLite takes it, in the order of `FORMULA_COLUMNS` without run id."""
    return _values({**stage["formula"], "stage": stage["stage"]}, list(FORMULA_COLUMNS.items())[1:])


def _values(record: Mapping[str, Any], kinds: Iterable[tuple[str, type]]) -> tuple[Any, ...]:
    values: list[Any] = []
    for name, kind in kinds:
        value = record[name]
        if kind is float:
            values.append(to_null(value))
        else:
            values.append(None if value is None else kind(value))
    return tuple(values)


def stage_record(row: Sequence[Any], with_model: set[int]) -> dict[str, Any]:
    """Return a row of `STAGE_COLUMNS` as a stage of a record; `has_model` instead of the model."""
    stage = dict(zip(STAGE_COLUMNS, row, strict=True))
    del stage["run_id"]
    for name, kind in STAGE_COLUMNS.items():
        if kind is float:
            stage[name] = to_nan(stage[name])
    return stage | {"has_model": stage["stage"] in with_model}


def formula_record(row: Sequence[Any]) -> dict[str, Any]:
    """Return a row of `FORMULA_COLUMNS` as the formula of a stage."""
    formula = dict(zip(FORMULA_COLUMNS, row, strict=True))
    del formula["run_id"], formula["stage"]
    flags = {name: bool(formula[name]) for name in ("exact", "best")}
    return formula | flags | {"complexity": to_nan(formula["complexity"])}


def marks(columns: Mapping[str, type]) -> str:
    """Return the place holders of an INSERT."""
    return ", ".join("?" * len(columns))


def to_columns(rows: Sequence[Sequence[Any]], kinds: Mapping[str, type]) -> Columns:
    """Turn rows into typed arrays: text as objects, missing numbers as NaN or, for integers, 0."""
    values: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(kinds)
    columns: Columns = {}
    for (name, kind), column in zip(kinds.items(), values, strict=True):
        if kind is str:
            columns[name] = np.array(column, dtype=object)
        elif kind is float:
            columns[name] = np.array(column, dtype=np.float64)  # None becomes NaN
        else:
            columns[name] = np.array([value or 0 for value in column], dtype=np.int64)
    return columns


@contextlib.contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite reports about the file into one message for the user."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            raise UserError(
                f"{path} is locked by another program ({text}). Close it and run the command again."
            ) from None
        if "full" in text:
            raise UserError(
                f"the disk of {path} is full; everything added so far is kept. Free some space and rerun."
            ) from None
        if "readonly" in text or "unable to open" in text or "disk I/O" in text:
            raise unwritable(path.parent, error) from None
        raise damaged(path, text) from error
    except (
        sqlite3.IntegrityError,
        sqlite3.ProgrammingError,
        sqlite3.InterfaceError,
        sqlite3.NotSupportedError,
    ):
        raise
    except sqlite3.DatabaseError as error:
        raise damaged(path, str(error)) from error


def damaged(path: Path, finding: str) -> UserError:
    """Return the error for a file that SQLite cannot make sense of."""
    finding = finding.replace("\n", " ")
    return UserError(
        f"{path} is damaged or not a store of kan-sweep ({finding}). It was left as it is. Restore it from "
        f"a copy, or move {path.name} and its -wal and -shm companions away (sqlite3 {path.name} .recover "
        "shows what can be read of them) and run the same command again."
    )


def unwritable(directory: Path, error: Exception) -> UserError:
    """Return the error for a directory in which nothing can be made."""
    reason = getattr(error, "strerror", None) or str(error)
    return UserError(
        f"cannot write to {directory}: {reason}. Choose another --out or make the directory writable."
    )

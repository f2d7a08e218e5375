"""The store: all results of a sweep in one SQLite file, with one writer and any number of readers.

Every run is added in one transaction, so whatever moment a process is killed at, the file holds whole runs
only. A run is addressed by its id, the hash of its configuration; adding it again replaces it.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sized
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sweeps.environment import code_of
from sweeps.errors import UserError
from sweeps.records import canonical_json, group_id, text_id
from sweeps.spec.plan import models_by_family
from sweeps.storage.database import DATABASE_NAME, check_structure, connect_reader, connect_writer
from sweeps.storage.lock import WriterLock, holder
from sweeps.storage.queries import StoreQueries
from sweeps.storage.rows import CHECKS, PART_TABLES, RUN_COLUMNS, checked, part_name, part_rows, to_null
from sweeps.storage.schema import check_schema, has_tables, make_schema, migrate, set_meta, timestamp
from sweeps.storage.sqlite_errors import sqlite_errors, unwritable

#: How long the first tables of a store may take, over a network file system too, and how often one looks.
_START_S, _LOOK_S = 30.0, 0.02
#: A row of a plan: run_id, task, family, and the configuration, as plain values or as canonical JSON.
PlanRow = tuple[str, str, str, Mapping[str, Any] | str]


class Store(StoreQueries):
    """The results of one sweep, in `DIR/results.db`.

    Open it with `Store.create` (a sweep that starts or continues) or `Store.open` (everything else) and close
    it with `close` or a `with` block. A store that is open for writing holds the lock `DIR/.lock`; readers
    need none and see whole runs only, also while a sweep is writing.

    Raises
    ------
    UserError
        From every method, if the directory cannot be written, the file is damaged, is of a newer version or
        is in use by another sweep. No file is ever deleted.

    Examples
    --------
    >>> with Store.create("runs/demo", {"name": "demo"}, "kan-sweep run demo") as store:  # doctest: +SKIP
    ...     store.add(record)
    """

    def __init__(self, directory: Path, connection: sqlite3.Connection, lock: WriterLock | None) -> None:
        super().__init__(directory, connection)
        self.readonly = lock is None
        self._lock = lock
        self._session = 0
        self._opened = time.monotonic()
        self._code = ""

    @classmethod
    def create(
        cls, directory: str | Path, spec: Mapping[str, Any], command: str, table: str | Path | None = None
    ) -> Store:
        """Open the store of `directory` for writing; make the directory and the file if they are missing.

        An existing store keeps its runs, its plan and its date; its specification and command become the
        given ones. The title is `spec["title"]`, else `spec["name"]`, else the name of the directory. `table`
        is the path of the table that is learnt, if one is; it is kept as an absolute path.
        """
        directory = Path(directory)
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(directory, error) from None
        store = cls._open_writer(directory)
        with store._closing_on_error():
            meta = {
                "spec": canonical_json(dict(spec)),
                "command": command,
                "title": str(spec.get("title") or spec.get("name") or directory.resolve().name),
                "table": "" if table is None else str(Path(table).resolve()),
            }
            # One transaction: a process killed here leaves an empty file or a whole store.
            with store._transaction() as connection:
                make_schema(connection, store.path)
                check_schema(connection, store.path)
                migrate(connection, store.path)
                set_meta(connection, meta.items())
        return store

    @classmethod
    def open(cls, directory: str | Path, readonly: bool = False, *, look_through: bool = True) -> Store:
        """Open an existing store; `readonly=True` takes no lock and changes nothing.

        Whoever asks a reader for a few rows only, which have their check sums, can spare it to look through
        the whole file for damage at first.

        A store of an older version is read as it is; opened for writing, it is brought up to this version.
        """
        directory = Path(directory)
        path = directory / DATABASE_NAME
        if not path.is_file():
            what = (
                "is not a directory"
                if directory.exists() and not directory.is_dir()
                else "has no sweep in it"
            )
            raise UserError(
                f"{directory} {what}: expected a directory with a file {DATABASE_NAME}. "
                f"Check the path, or start a sweep there with: kan-sweep run SPEC --out {directory}"
            )
        store = cls(directory, connect_reader(path), None) if readonly else cls._open_writer(directory)
        with store._closing_on_error():
            if readonly:
                _wait_for_tables(store._connection, path)
            if readonly and look_through:
                check_structure(store._connection, store.path)
            check_schema(store._connection, store.path)
            if not readonly:
                with store._transaction() as connection:
                    migrate(connection, store.path)
        return store

    @classmethod
    def _open_writer(cls, directory: Path) -> Store:
        lock = WriterLock(directory, timestamp())
        try:
            return cls(directory, connect_writer(directory / DATABASE_NAME), lock)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Close the file and release the lock; a second call does nothing."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def set_plan(
        self,
        plan: Iterable[PlanRow],
        plan_of: str = "",
        positions: Iterable[int] | None = None,
        **meta: str,
    ) -> None:
        """Replace the plan, in one transaction, by rows (run_id, task, family, config).

        `plan_of` stands for all that the plan was made from; with the same one it need not be made again.
        `positions` are the places of the rows in a larger plan of which this one is a part. `meta` are
        entries of `meta` that go with the plan, as `shard`: they are set in the same transaction.
        """
        places = iter(positions) if positions is not None else itertools.count()
        rows = [
            (
                run_id,
                next(places),
                task,
                family,
                config if isinstance(config, str) else canonical_json(dict(config)),
            )
            for run_id, task, family, config in plan
        ]
        with self._transaction() as connection:
            # No plan has the row numbers of an earlier one, so that what is left of that in the file, which
            # `sweeps.storage.repair` reads, is told apart.
            first = _last_row(connection) + 1
            meta |= {"plan_of": plan_of, "plan_rows": f"{first} {first + len(rows) - 1}"}
            meta["plan_models"] = canonical_json(models_by_family((row[3], row[4]) for row in rows))
            numbered = [(first + i, *row) for i, row in enumerate(checked("plan", rows))]
            connection.execute("DELETE FROM plan")
            names = ", ".join(("rowid", *CHECKS["plan"].columns, "crc"))
            connection.executemany(f"INSERT INTO plan ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)", numbered)  # noqa: S608
            set_meta(connection, meta.items())

    def set_tasks(self, tasks: Mapping[str, Mapping[str, Any]]) -> None:
        """Add or replace the descriptions of tasks (formula, variables, sample counts), in their order."""
        with self._transaction() as connection:
            known = dict(connection.execute("SELECT task, position FROM tasks").fetchall())
            rows = [
                (task, known.setdefault(task, len(known)), canonical_json(dict(description)))
                for task, description in tasks.items()
            ]
            connection.executemany("INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?)", checked("tasks", rows))

    def set_meta(self, **values: str) -> None:
        """Add or replace entries of `meta`, in one transaction."""
        with self._transaction() as connection:
            set_meta(connection, values.items())

    def add(self, record: Mapping[str, Any]) -> None:
        """Add a finished run with its stages, models and formulas, or replace it, in one transaction."""
        self.add_all([record])

    def add_all(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Add several runs as `add` does, in one transaction: all of them or none.

        A record may say when it was finished (`finished_at`); then it comes from another store, and nothing
        is noted of the speed of this sweep, nor of the code it computes with (see `last_code`).
        """
        records = list(records)
        codes = [code_of(record["environment"]) for record in records if not record.get("finished_at")]
        code = codes[-1] if codes else self._code
        with self._transaction() as connection:
            if not self._session:
                last = connection.execute("SELECT max(session) FROM runs").fetchone()[0]
                self._session = (last or 0) + 1
            for record in records:
                self._insert(connection, record)
            if code != self._code:
                set_meta(connection, [("code", code)])
        self._code = code

    def _insert(self, connection: sqlite3.Connection, record: Mapping[str, Any]) -> None:
        run_id, config = record["run_id"], record["config"]
        environment = canonical_json(record["environment"])
        parts = part_rows(record)
        run = (
            run_id,
            record["task"],
            record["family"],
            group_id(config),
            int(config["seed"]),
            canonical_json(config),
            str(record["status"]),
            str(record["reason"]),
            to_null(record["wall_s"]),
            to_null(record["cpu_s"]),
            text_id(environment),
            record.get("finished_at") or timestamp(),
        )
        text = " ".join(part_name(table, row[-1]) for table in PART_TABLES for row in parts[table])
        came = (None, None) if record.get("finished_at") else (self._session, time.monotonic() - self._opened)
        check_sum = CHECKS["runs"]((*run, text))
        environments = checked("environments", [(text_id(environment), environment)])
        connection.executemany("INSERT OR IGNORE INTO environments VALUES (?, ?, ?)", environments)
        names = ", ".join((*RUN_COLUMNS, "session", "at_s", "parts", "crc"))
        values = (*run, *came, text, check_sum)
        connection.execute(f"INSERT OR REPLACE INTO runs ({names}) VALUES ({_marks(values)})", values)  # noqa: S608
        for table, rows in parts.items():
            connection.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))  # noqa: S608
            if rows:
                names = ", ".join((*CHECKS[table].columns, "crc"))
                connection.executemany(
                    f"INSERT INTO {table} ({names}) VALUES ({_marks(rows[0])})",  # noqa: S608
                    rows,
                )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self.readonly:
            raise UserError(f"the store in {self.directory} was opened for reading only.")
        if self._lock is not None:
            self._lock.check()
        with sqlite_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                # After some errors, a full disk among them, SQLite has rolled back by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def _closing_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise


def _wait_for_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Wait for the tables of a sweep that is starting in this moment: its file is there before them.

    Raises
    ------
    UserError
        If they do not come in time.
    """
    deadline = time.monotonic() + _START_S
    while not has_tables(connection, path):
        starting = holder(path.parent)
        if starting is None:
            return  # it has ended, or there was none: what is in the file by now says which
        if time.monotonic() > deadline:
            raise UserError(
                f"another sweep is being started in {path.parent} ({starting}), and does not go on. Look "
                "again in a moment, stop it, or choose another --out."
            )
        time.sleep(_LOOK_S)


def _last_row(connection: sqlite3.Connection) -> int:
    """Return the greatest row number that a plan has had, as far as it is known."""
    kept = connection.execute("SELECT value FROM meta WHERE key = 'plan_rows'").fetchone()
    held = connection.execute("SELECT max(rowid) FROM plan").fetchone()[0]
    return max(held or 0, int(kept[0].split()[1]) if kept else 0)


def _marks(values: Sized) -> str:
    """Return the place holders of an INSERT."""
    return ", ".join("?" * len(values))

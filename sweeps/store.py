"""The results of a sweep: one SQLite file, one writer, any number of readers.

Every run is added in one transaction, so whatever moment a process is killed at, the file holds whole runs
only. A run is addressed by its id, the hash of its configuration; adding it again replaces it.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock

from sweeps._database import (
    DATABASE_NAME,
    FORMULA_COLUMNS,
    RUN_COLUMNS,
    STAGE_COLUMNS,
    check_schema,
    connect_reader,
    connect_writer,
    formula_values,
    lock_for_writing,
    make_schema,
    marks,
    migrate,
    sqlite_errors,
    stage_values,
    timestamp,
    to_null,
    unwritable,
)
from sweeps._reading import Reading
from sweeps.errors import UserError
from sweeps.records import canonical_json, group_id, text_id


class Store(Reading):
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

    def __init__(self, directory: Path, connection: sqlite3.Connection, lock: FileLock | None) -> None:
        super().__init__(directory, connection)
        self.readonly = lock is None
        self._lock = lock

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
                connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(meta.items()))
        return store

    @classmethod
    def open(cls, directory: str | Path, readonly: bool = False) -> Store:
        """Open an existing store; `readonly=True` takes no lock and changes nothing.

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
            check_schema(store._connection, store.path)
            if not readonly:
                with store._transaction() as connection:
                    migrate(connection, store.path)
        return store

    @classmethod
    def _open_writer(cls, directory: Path) -> Store:
        lock = lock_for_writing(directory)
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
        self, plan: Iterable[tuple[str, str, str, Mapping[str, Any] | str]], plan_of: str = ""
    ) -> None:
        """Replace the plan, in one transaction, by rows (run_id, task, family, config).

        `plan_of` stands for all that the plan was made from; with the same one it need not be made again.
        """
        rows = [
            (
                run_id,
                position,
                task,
                family,
                config if isinstance(config, str) else canonical_json(dict(config)),
            )
            for position, (run_id, task, family, config) in enumerate(plan)
        ]
        with self._transaction() as connection:
            connection.execute("DELETE FROM plan")
            connection.executemany("INSERT INTO plan VALUES (?, ?, ?, ?, ?)", rows)
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('plan_of', ?)", (plan_of,))

    def set_tasks(self, tasks: Mapping[str, Mapping[str, Any]]) -> None:
        """Add or replace the descriptions of tasks (formula, variables, sample counts), in their order."""
        with self._transaction() as connection:
            for task, description in tasks.items():
                connection.execute(
                    "INSERT INTO tasks VALUES (?, (SELECT count(*) FROM tasks), ?) "
                    "ON CONFLICT (task) DO UPDATE SET json = excluded.json",
                    (task, canonical_json(dict(description))),
                )

    def add(self, record: Mapping[str, Any]) -> None:
        """Add a finished run with its stages, models and formulas, or replace it, in one transaction."""
        run_id, config, environment = (
            record["run_id"],
            record["config"],
            canonical_json(record["environment"]),
        )
        env_id = text_id(environment)
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
            env_id,
            timestamp(),
        )
        stages = [(run_id, *stage_values(stage)) for stage in record["stages"]]
        models = [
            (run_id, int(stage["stage"]), bytes(stage["model"]))
            for stage in record["stages"]
            if stage.get("model") is not None
        ]
        formulas = [(run_id, *formula_values(stage)) for stage in record["stages"] if stage.get("formula")]
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO environments VALUES (?, ?)", (env_id, environment))
            connection.execute(f"INSERT OR REPLACE INTO runs VALUES ({marks(RUN_COLUMNS)})", run)  # noqa: S608
            for table in ("stages", "models", "formulas"):
                connection.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))  # noqa: S608
            names = ", ".join(STAGE_COLUMNS)
            connection.executemany(
                f"INSERT INTO stages ({names}) VALUES ({marks(STAGE_COLUMNS)})",  # noqa: S608
                stages,
            )
            connection.executemany("INSERT INTO models VALUES (?, ?, ?)", models)
            connection.executemany(f"INSERT INTO formulas VALUES ({marks(FORMULA_COLUMNS)})", formulas)  # noqa: S608

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self.readonly:
            raise UserError(f"the store in {self.directory} was opened for reading only.")
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

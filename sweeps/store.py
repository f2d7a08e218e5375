"""The results of a sweep: one SQLite file, one writer, any number of readers.

Every run is added in one transaction, so whatever moment a process is killed at, the file holds whole runs
only. A run is addressed by its id, the hash of its configuration; adding it again replaces it.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock

from sweeps._database import (
    DATABASE_NAME,
    RUN_COLUMNS,
    STAGE_COLUMNS,
    Columns,
    check_schema,
    connect_reader,
    connect_writer,
    lock_for_writing,
    make_schema,
    marks,
    migrate,
    sqlite_errors,
    stage_expressions,
    stage_record,
    stage_values,
    timestamp,
    to_columns,
    to_nan,
    to_null,
    unwritable,
)
from sweeps.errors import UserError
from sweeps.records import best_stage, canonical_json, group_id


class Store:
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
        self.directory = directory
        self.readonly = lock is None
        self._connection = connection
        self._lock = lock

    @property
    def path(self) -> Path:
        """The database file."""
        return self.directory / DATABASE_NAME

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

    def set_plan(self, plan: Iterable[tuple[str, str, str, Mapping[str, Any] | str]]) -> None:
        """Replace the plan, in one transaction, by rows (run_id, task, family, config)."""
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
        """Add a finished run with its stages and models, or replace it, in one transaction."""
        run_id, config, environment = (
            record["run_id"],
            record["config"],
            canonical_json(record["environment"]),
        )
        env_id = hashlib.sha256(environment.encode()).hexdigest()[:16]
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
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO environments VALUES (?, ?)", (env_id, environment))
            connection.execute(f"INSERT OR REPLACE INTO runs VALUES ({marks(RUN_COLUMNS)})", run)  # noqa: S608
            for table in ("stages", "models"):
                connection.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id,))  # noqa: S608
            names = ", ".join(STAGE_COLUMNS)
            connection.executemany(
                f"INSERT INTO stages ({names}) VALUES ({marks(STAGE_COLUMNS)})",  # noqa: S608
                stages,
            )
            connection.executemany("INSERT INTO models VALUES (?, ?, ?)", models)

    def finished_ids(self, status: str | Iterable[str] | None = None) -> set[str]:
        """Return the ids of the recorded runs, whatever came of them, or only of those with `status`."""
        rows = self._rows("SELECT run_id, status FROM runs")
        if status is None:
            return {run_id for run_id, _ in rows}
        wanted = {status} if isinstance(status, str) else set(status)
        return {run_id for run_id, ended in rows if ended in wanted}

    def plan_ids(self) -> list[str]:
        """Return the ids of the planned runs, in the order of the plan."""
        return [row[0] for row in self._rows("SELECT run_id FROM plan ORDER BY position")]

    def plan(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Return the plan as it was set: (run_id, task, family, config) for every run."""
        rows = self._rows("SELECT run_id, task, family, config FROM plan ORDER BY position")
        return [(run_id, task, family, json.loads(config)) for run_id, task, family, config in rows]

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Return the descriptions of the tasks, in the order in which they were set."""
        rows = self._rows("SELECT task, json FROM tasks ORDER BY position")
        return {task: json.loads(text) for task, text in rows}

    def runs(self) -> Columns:
        """Return one array a column, one element a run, sorted by run id; `config` is JSON text."""
        rows = self._rows(f"SELECT {', '.join(RUN_COLUMNS)} FROM runs ORDER BY run_id")  # noqa: S608
        return to_columns(rows, RUN_COLUMNS)

    def stages(self) -> Columns:
        """Return one array a column, one element a stage, sorted by run id and stage.

        `grid` is 0 for a model without a grid; `opt` is the optimizer that was used, empty where an older
        version did not record it.
        """
        rows = self._rows(f"SELECT {self._stage_names()} FROM stages ORDER BY run_id, stage")  # noqa: S608
        return to_columns(rows, STAGE_COLUMNS)

    def environments(self) -> dict[str, dict[str, Any]]:
        """Return the machines and versions that made the runs, by env_id."""
        rows = self._rows("SELECT env_id, json FROM environments ORDER BY env_id")
        return {env_id: json.loads(text) for env_id, text in rows}

    def find(self, prefix: str) -> str:
        """Return the one run id that starts with `prefix`; raise UserError if there is none or several."""
        ids = [row[0] for row in self._rows("SELECT run_id FROM runs ORDER BY run_id")]
        found = [run_id for run_id in ids if run_id.startswith(prefix)]
        if len(found) == 1:
            return found[0]
        if prefix in found:
            return prefix
        if found:
            shown = ", ".join(found[:5]) + (", ..." if len(found) > 5 else "")
            raise UserError(
                f"run id {prefix!r} fits {len(found)} runs: {shown}. Give more of its characters."
            )
        near = difflib.get_close_matches(prefix, ids, n=1, cutoff=0.3)
        hint = f" The nearest is {near[0]}." if near else ""
        raise UserError(
            f"there is no run {prefix!r} in {self.directory} ({len(ids)} runs).{hint} "
            f"List them with: kan-sweep list {self.directory}"
        )

    def run(self, prefix: str) -> dict[str, Any]:
        """Return the record of one run, found by the start of its id.

        It has the keys that `add` takes and group_id, seed, finished_at; instead of the model, a stage says
        `has_model`.
        """
        run_id = self.find(prefix)
        row = self._rows(f"SELECT {', '.join(RUN_COLUMNS)} FROM runs WHERE run_id = ?", (run_id,))[0]  # noqa: S608
        record: dict[str, Any] = dict(zip(RUN_COLUMNS, row, strict=True))
        record["config"] = json.loads(record["config"])
        record["environment"] = self.environments()[record.pop("env_id")]
        for name in ("wall_s", "cpu_s"):
            record[name] = to_nan(record[name])
        with_model = {row[0] for row in self._rows("SELECT stage FROM models WHERE run_id = ?", (run_id,))}
        query = f"SELECT {self._stage_names()} FROM stages WHERE run_id = ? ORDER BY stage"  # noqa: S608
        record["stages"] = [stage_record(row, with_model) for row in self._rows(query, (run_id,))]
        return record

    def model(self, run_id: str, stage: int | None = None) -> bytes:
        """Return the stored model of a stage as npz bytes.

        Without `stage` it is the `best_stage` of those that have a model.
        """
        record = self.run(run_id)
        with_model = [row for row in record["stages"] if row["has_model"]]
        if not with_model:
            raise UserError(
                f"run {record['run_id']} has no stored model; its status is {record['status']}"
                + (f" ({record['reason']})." if record["reason"] else ".")
            )
        if stage is None:
            stage = best_stage(with_model)
        if stage not in {row["stage"] for row in with_model}:
            known = ", ".join(str(row["stage"]) for row in with_model)
            raise UserError(f"run {record['run_id']} has no model for stage {stage}; its stages are {known}.")
        rows = self._rows("SELECT npz FROM models WHERE run_id = ? AND stage = ?", (record["run_id"], stage))
        return bytes(rows[0][0])

    def model_stages(self) -> set[tuple[str, int]]:
        """Return (run_id, stage) of every stored model, without reading one."""
        return set(self._rows("SELECT run_id, stage FROM models"))

    def counts(self) -> dict[str, int]:
        """Return how many runs are planned, recorded (`finished`), missing, and of each status.

        `unplanned` runs were asked for by an earlier specification; `stages` counts the trained models.
        """
        one = self._rows(
            "SELECT (SELECT count(*) FROM plan), (SELECT count(*) FROM runs), (SELECT count(*) FROM stages), "
            "(SELECT count(*) FROM plan WHERE run_id NOT IN (SELECT run_id FROM runs)), "
            "(SELECT count(*) FROM runs WHERE run_id NOT IN (SELECT run_id FROM plan))"
        )[0]
        counts = dict(zip(("planned", "finished", "stages", "missing", "unplanned"), one, strict=True))
        counts |= dict.fromkeys(("ok", "failed", "timeout", "diverged"), 0)
        counts |= dict(self._rows("SELECT status, count(*) FROM runs GROUP BY status"))
        return counts

    def meta(self) -> dict[str, Any]:
        """Return schema_version, created, command, title, spec (a dict) and table (a path, or "").

        What the file does not say, as after a start that was killed, is empty; the title is the directory's.
        """
        meta: dict[str, Any] = {"created": "", "command": "", "spec": "{}", "table": ""}
        meta |= {"title": self.directory.resolve().name}
        meta |= dict(self._rows("SELECT key, value FROM meta"))
        meta["schema_version"] = int(meta["schema_version"])
        meta["spec"] = json.loads(meta["spec"])
        return meta

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one state of the file within the `with` block, whatever a running sweep adds meanwhile.

        Nothing can be written within it. One inside another is part of the outer one.

        Examples
        --------
        >>> with store.snapshot():  # doctest: +SKIP
        ...     runs, stages = store.runs(), store.stages()
        """
        if self._connection.in_transaction:
            yield
            return
        with sqlite_errors(self.path):
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

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

    def _stage_names(self) -> str:
        with sqlite_errors(self.path):
            return ", ".join(stage_expressions(self._connection))

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with sqlite_errors(self.path):
            return self._connection.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _closing_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

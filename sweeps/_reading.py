"""What a store can be asked: the reading half of `sweeps.store.Store`."""

from __future__ import annotations

import contextlib
import difflib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sweeps._database import (
    DATABASE_NAME,
    FORMULA_COLUMNS,
    RUN_COLUMNS,
    STAGE_COLUMNS,
    Columns,
    formula_record,
    has_formulas,
    sqlite_errors,
    stage_expressions,
    stage_record,
    to_columns,
    to_nan,
)
from sweeps.errors import UserError
from sweeps.records import best_stage, read_json


class Reading:
    """The results in `directory`, read through an open connection.

    Questions about all runs are answered by SQLite where it can: a sweep may have very many.
    """

    def __init__(self, directory: Path, connection: sqlite3.Connection) -> None:
        self.directory = directory
        self._connection = connection

    @property
    def path(self) -> Path:
        """The database file."""
        return self.directory / DATABASE_NAME

    def finished_ids(self, status: str | Iterable[str] | None = None) -> set[str]:
        """Return the ids of the recorded runs, whatever came of them, or only of those with `status`."""
        found = self.statuses()
        if status is None:
            return set(found)
        wanted = {status} if isinstance(status, str) else set(status)
        return {run_id for run_id, ended in found.items() if ended in wanted}

    def statuses(self) -> dict[str, str]:
        """Return how every recorded run ended, by its id."""
        return dict(self._rows("SELECT run_id, status FROM runs"))

    def plan(self, limit: int | None = None) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Return the plan as it was set, (run_id, task, family, config) for every run, or its beginning."""
        query = "SELECT run_id, task, family, config FROM plan ORDER BY position LIMIT ?"
        return _with_configs(self._rows(query, (-1 if limit is None else limit,)))

    def missing(
        self, *, retry_failed: bool = False, limit: int | None = None
    ) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Return the rows of the plan that are not recorded, or only the first `limit` of them.

        With `retry_failed` also those that did not end well.
        """
        done = "SELECT run_id FROM runs WHERE status = 'ok'" if retry_failed else "SELECT run_id FROM runs"
        # The ids are compared by themselves, in the indexes: then only what is missing has to be read.
        query = (
            "SELECT run_id, task, family, config FROM plan WHERE run_id IN "  # noqa: S608
            f"(SELECT run_id FROM plan WHERE run_id NOT IN ({done})) ORDER BY position LIMIT ?"
        )
        return _with_configs(self._rows(query, (-1 if limit is None else limit,)))

    def n_planned(self) -> int:
        """Return how many runs are planned."""
        return int(self._rows("SELECT count(*) FROM plan")[0][0])

    def n_recorded(self) -> int:
        """Return how many of the planned runs are recorded."""
        return int(self._rows("SELECT count(*) FROM plan WHERE run_id IN (SELECT run_id FROM runs)")[0][0])

    def plan_tasks(self) -> list[tuple[str, str]]:
        """Return (run_id, task) of every planned run, in the order of the plan."""
        return self._rows("SELECT run_id, task FROM plan ORDER BY position")

    def plan_configs(self) -> list[tuple[str, str]]:
        """Return (family, config) of every planned run, in the order of the plan; `config` is JSON text."""
        # Rows were inserted in the order of their positions: by rowid nothing has to be sorted.
        return self._rows("SELECT family, config FROM plan ORDER BY rowid")

    def plan_missing(self) -> dict[str, int]:
        """Return how many planned runs of a family are not recorded."""
        return dict(
            self._rows(
                "SELECT family, count(*) FROM plan WHERE run_id IN "
                "(SELECT run_id FROM plan WHERE run_id NOT IN (SELECT run_id FROM runs)) GROUP BY family"
            )
        )

    def plan_failed(self) -> dict[str, int]:
        """Return how many planned runs of a family did not end well."""
        return dict(
            self._rows(
                "SELECT plan.family, count(*) FROM runs JOIN plan USING (run_id) WHERE status != 'ok' "
                "GROUP BY plan.family"
            )
        )

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

    def formulas(self) -> Columns:
        """Return one array a column, one element a stage that is a formula, sorted by run id and stage."""
        return to_columns(self._formula_rows("ORDER BY run_id, stage"), FORMULA_COLUMNS)

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
        `has_model`; a stage that is a formula has it as `formula`.
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
        formulas = {row[1]: formula_record(row) for row in self._formula_rows("WHERE run_id = ?", (run_id,))}
        for stage in record["stages"]:
            if stage["stage"] in formulas:
                stage["formula"] = formulas[stage["stage"]]
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

    def slowest(self, count: int) -> list[tuple[str, float, str, dict[str, Any]]]:
        """Return (run_id, wall_s, task, config) of the runs that took longest, the longest first."""
        rows = self._rows(
            "SELECT run_id, wall_s, task, config FROM runs ORDER BY wall_s DESC, run_id LIMIT ?", (count,)
        )
        return [(run_id, to_nan(wall_s), task, json.loads(text)) for run_id, wall_s, task, text in rows]

    def failures(self, *, planned: bool = False) -> list[tuple[str, str, int]]:
        """Return (status, reason, count) of the runs that did not end well, the most frequent first.

        With `planned` only runs of the plan are counted.
        """
        # "IN" would make SQLite look every run of the plan up, not the few that failed.
        only = "AND EXISTS (SELECT 1 FROM plan WHERE plan.run_id = runs.run_id)" if planned else ""
        return self._rows(
            f"SELECT status, reason, count(*) FROM runs WHERE status != 'ok' {only} "  # noqa: S608
            "GROUP BY status, reason ORDER BY count(*) DESC, min(run_id)"
        )

    def meta(self) -> dict[str, Any]:
        """Return schema_version, created, command, title, spec (a dict), table (a path, or "") and plan_of.

        What the file does not say, as after a start that was killed, is empty; the title is the directory's.
        """
        meta: dict[str, Any] = {"created": "", "command": "", "spec": "{}", "table": "", "plan_of": ""}
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

    def _formula_rows(self, which: str, values: Sequence[object] = ()) -> list[Any]:
        with sqlite_errors(self.path):
            if not has_formulas(self._connection):
                return []
        return self._rows(f"SELECT {', '.join(FORMULA_COLUMNS)} FROM formulas {which}", values)  # noqa: S608

    def _stage_names(self) -> str:
        with sqlite_errors(self.path):
            return ", ".join(stage_expressions(self._connection))

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with sqlite_errors(self.path):
            return self._connection.execute(query, values).fetchall()


def _with_configs(rows: list[Any]) -> list[tuple[str, str, str, dict[str, Any]]]:
    configs = read_json(row[3] for row in rows)
    return [
        (run_id, task, family, config)
        for (run_id, task, family, _), config in zip(rows, configs, strict=True)
    ]

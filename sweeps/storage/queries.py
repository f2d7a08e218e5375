"""Queries of a store: the methods of `sweeps.storage.store.Store` that only read."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sweeps.environment import code_of
from sweeps.errors import UserError
from sweeps.records import best_stage, read_json
from sweeps.spec.plan import models_by_family
from sweeps.storage.checksums import CheckedRows
from sweeps.storage.database import Columns
from sweeps.storage.rows import (
    FORMULA_COLUMNS,
    PART_TABLES,
    RUN_COLUMNS,
    STAGE_COLUMNS,
    formula_record,
    part_name,
    stage_record,
    to_columns,
    to_nan,
)
from sweeps.storage.sqlite_errors import damaged


class StoreQueries(CheckedRows):
    """The results in `directory`, read through an open connection.

    Questions about all runs are answered by SQLite where it can: a sweep may have very many. What is read of
    a run, a stage, a formula, a model, the plan or the rest is compared with its check sum; a row that is not
    what was written raises a `UserError`, and so does a run whose rows are not all there.
    """

    def finished_ids(self, status: str | Iterable[str] | None = None) -> set[str]:
        """Return the ids of the recorded runs, whatever came of them, or only of those with `status`."""
        found = self.statuses()
        if status is None:
            return set(found)
        wanted = {status} if isinstance(status, str) else set(status)
        return {run_id for run_id, ended in found.items() if ended in wanted}

    def statuses(self) -> dict[str, str]:
        """Return how every recorded run ended, by its id."""
        self.check_complete()
        return dict(self._rows("SELECT run_id, status FROM runs"))

    def plan(self, limit: int | None = None) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Return the plan as it was set, (run_id, task, family, config) for every run, or its beginning."""
        return _with_configs(self._checked("plan", "ORDER BY position LIMIT ?", (_no_limit(limit),)))

    def plan_rows(self) -> list[tuple[int, tuple[str, str, str, str]]]:
        """Return the plan with the place of every run in that of the whole sweep; `config` is JSON text."""
        rows = self._checked("plan", "ORDER BY position")
        return [(position, (run_id, task, family, text)) for run_id, position, task, family, text, _ in rows]

    def missing(
        self, *, retry_failed: bool = False, code: str | None = None, limit: int | None = None
    ) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Return the rows of the plan that are not recorded, or only the first `limit` of them.

        With `retry_failed` also those that did not end well; with `code` (see
        `sweeps.environment.code_of`) also those that were computed by another one.
        """
        self.check_complete()
        conditions = ["status = 'ok'"] if retry_failed else []
        values: list[object] = []
        if code is not None:
            values += (other := self._other_environments(code))
            conditions.append(f"env_id NOT IN ({', '.join('?' * len(other))})")
        done = f"SELECT run_id FROM runs WHERE {' AND '.join(conditions) or 'TRUE'}"  # noqa: S608
        # The ids are compared by themselves, in the indexes: then only what is missing has to be read.
        missing = f"SELECT run_id FROM plan WHERE run_id NOT IN ({done})"  # noqa: S608
        which = f"WHERE run_id IN ({missing}) ORDER BY position LIMIT ?"
        return _with_configs(self._checked("plan", which, (*values, _no_limit(limit))))

    def stale_ids(self, code: str | None = None) -> set[str]:
        """Return the ids of the recorded runs that were computed by other code than `code`.

        Without `code` it is `last_code`: what a sweep that goes on computes now.
        """
        other = self._other_environments(self.last_code() if code is None else code)
        query = f"SELECT run_id FROM runs WHERE env_id IN ({', '.join('?' * len(other))})"  # noqa: S608
        return {row[0] for row in self._rows(query, other)} if other else set()

    def last_code(self) -> str:
        """Return the code (`sweeps.environment.code_of`) that the sweep computed with last, or "".

        A store that was merged or repaired keeps what its sources had, in whatever order it holds their runs.
        """
        self.check_complete()
        kept = self._checked("meta", "WHERE key = 'code'")
        if kept:
            return str(kept[0][1])
        # A store of an earlier version: by the order of writing and not by the time of day, which may be set.
        found = self._rows("SELECT env_id FROM runs ORDER BY rowid DESC LIMIT 1")
        return code_of(self.environments()[found[0][0]]) if found else ""

    def codes(self) -> dict[str, int]:
        """Return how many recorded runs were computed by each code, the most frequent first."""
        self.check_complete()
        names = {env_id: code_of(values) for env_id, values in self.environments().items()}
        counts: Counter[str] = Counter()
        for env_id, count in self._rows("SELECT env_id, count(*) FROM runs GROUP BY env_id"):
            counts[names[env_id]] += count
        return dict(counts.most_common())

    def _other_environments(self, code: str) -> list[str]:
        return [env_id for env_id, values in self.environments().items() if code_of(values) != code]

    def n_planned(self) -> int:
        """Return how many runs are planned."""
        return int(self._rows("SELECT count(*) FROM plan")[0][0])

    def n_recorded(self) -> int:
        """Return how many of the planned runs are recorded."""
        self.check_complete()
        return int(self._rows("SELECT count(*) FROM plan WHERE run_id IN (SELECT run_id FROM runs)")[0][0])

    def plan_tasks(self) -> list[tuple[str, str]]:
        """Return (run_id, task) of every planned run, in the order of the plan."""
        return self._rows("SELECT run_id, task FROM plan ORDER BY position")

    def plan_families(self) -> dict[str, int]:
        """Return how many runs of each family are planned, in the order in which the plan comes to them."""
        return dict(self._rows("SELECT family, count(*) FROM plan GROUP BY family ORDER BY min(rowid)"))

    def plan_models(self) -> dict[str, int]:
        """Return how many models the planned runs of each family train."""
        kept = self._checked("meta", "WHERE key = 'plan_models'")
        if kept:
            return dict(json.loads(kept[0][1]))
        # A store of an earlier version did not count them.
        return models_by_family(self._rows("SELECT family, config FROM plan"))

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
        return {task: json.loads(text) for task, _, text, _ in self._checked("tasks", "ORDER BY position")}

    def runs(self) -> Columns:
        """Return one array a column, one element a run, sorted by run id; `config` is JSON text."""
        self.check_complete()
        return to_columns(self._all("runs", "run_id"), RUN_COLUMNS)

    def stages(self) -> Columns:
        """Return one array a column, one element a stage, sorted by run id and stage.

        `grid` is 0 for a model without a grid; `opt` is the optimizer that was used, empty where an older
        version did not record it.
        """
        self.check_complete()
        return to_columns(self._all("stages", "run_id, stage"), STAGE_COLUMNS)

    def formulas(self) -> Columns:
        """Return one array a column, one element a stage that is a formula, sorted by run id and stage."""
        self.check_complete()
        return to_columns(self._all("formulas", "run_id, stage"), FORMULA_COLUMNS)

    def quantities(self) -> dict[tuple[str, int], dict[str, float]]:
        """Return the further numbers of stages by run id and stage; of most sweeps there are none."""
        self.check_complete()
        rows = self._all("quantities", "run_id, stage")
        return {(run_id, stage): json.loads(text) for run_id, stage, text, _ in rows}

    def environments(self) -> dict[str, dict[str, Any]]:
        """Return the machines and versions that made the runs, by env_id."""
        return {env_id: json.loads(text) for env_id, text, _ in self._checked("environments", "")}

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
        (record,) = self._records([self.find(prefix)])
        for stage in record["stages"]:
            stage["has_model"] = stage.pop("model") is not None
        return record

    def records(self, size: int = 500) -> Iterator[list[dict[str, Any]]]:
        """Yield all records in the order of their ids, up to `size` at a time.

        They have the keys that `add` takes, the models among them, and group_id, seed, finished_at.
        """
        ids = sorted(self.statuses())
        for start in range(0, len(ids), size):
            yield self._records(ids[start : start + size])

    def _records(self, run_ids: Sequence[str]) -> list[dict[str, Any]]:
        which = f"WHERE run_id IN ({', '.join('?' * len(run_ids))}) ORDER BY run_id"
        with self.snapshot():
            runs = self._checked("runs", which, run_ids)
            parts = {table: self._checked(table, f"{which}, stage", run_ids) for table in PART_TABLES}
            environments = self.environments()
        found = Counter(
            (row[0], part_name(table, row[-1]))
            for table, rows in parts.items()
            for row in rows
            if row[-1] is not None
        )
        named = Counter((row[0], part) for row in runs for part in row[len(RUN_COLUMNS)].split())
        if found != named:
            run_id = min(run_id for run_id, _ in (found - named) | (named - found))
            raise damaged(self.path, f"run {run_id} does not have the stages, formulas and models it had")
        stages: dict[str, dict[int, dict[str, Any]]] = {row[0]: {} for row in runs}
        for row in parts["stages"]:
            stages[row[0]][row[1]] = stage_record(row) | {"model": None}
        for run_id, number, model, _ in parts["models"]:
            stages[run_id][number]["model"] = model
        for row in parts["formulas"]:
            stages[row[0]][row[1]]["formula"] = formula_record(row)
        for run_id, number, text, _ in parts["quantities"]:
            stages[run_id][number]["quantities"] = json.loads(text)
        made = []
        for row in runs:
            record: dict[str, Any] = dict(zip(RUN_COLUMNS, row, strict=False))
            record["config"] = json.loads(record["config"])
            record["environment"] = environments[record.pop("env_id")]
            for name in ("wall_s", "cpu_s"):
                record[name] = to_nan(record[name])
            made.append(record | {"stages": list(stages[row[0]].values())})
        return made

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
        place = (record["run_id"], stage)
        return bytes(self._checked("models", "WHERE run_id = ? AND stage = ?", place)[0][2])

    def model_stages(self) -> set[tuple[str, int]]:
        """Return (run_id, stage) of every stored model, without reading one."""
        return set(self._rows("SELECT run_id, stage FROM models"))

    def counts(self) -> dict[str, int]:
        """Return how many runs are planned, recorded (`finished`), missing, and of each status.

        `unplanned` runs were asked for by an earlier specification, `stale` ones are those of `stale_ids`;
        `stages` counts the trained models. All but `planned` and `missing` count these runs too.
        """
        self.check_complete()
        one = self._rows(
            "SELECT (SELECT count(*) FROM plan), (SELECT count(*) FROM runs), "
            "(SELECT count(*) FROM stages NOT INDEXED), "
            "(SELECT count(*) FROM plan WHERE run_id NOT IN (SELECT run_id FROM runs)), "
            "(SELECT count(*) FROM runs WHERE run_id NOT IN (SELECT run_id FROM plan))"
        )[0]
        counts = dict(zip(("planned", "finished", "stages", "missing", "unplanned"), one, strict=True))
        counts |= dict.fromkeys(("ok", "failed", "timeout", "diverged"), 0)
        counts |= dict(self._rows("SELECT status, count(*) FROM runs GROUP BY status"))
        counts["stale"] = len(self.stale_ids())
        return counts

    def slowest(self, count: int, *, planned: bool = False) -> list[tuple[str, float, str, dict[str, Any]]]:
        """Return (run_id, wall_s, task, config) of the runs that took longest, the longest first.

        With `planned` only runs of the plan are looked at.
        """
        only = "WHERE run_id IN (SELECT run_id FROM plan)" if planned else ""
        rows = self._rows(
            f"SELECT run_id, wall_s, task, config FROM runs {only} "  # noqa: S608
            "ORDER BY wall_s DESC, run_id LIMIT ?",
            (count,),
        )
        return [(run_id, to_nan(wall_s), task, json.loads(text)) for run_id, wall_s, task, text in rows]

    def n_planned_stages(self) -> int:
        """Return how many models the recorded runs of the plan have trained."""
        query = "SELECT count(*) FROM stages WHERE run_id IN (SELECT run_id FROM plan)"
        return int(self._rows(query)[0][0])

    def runs_after(self, row: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the runs that were stored after a row of the table, in that order, each with its row.

        They have run_id, task, status, reason, wall_s, config, session and at_s: which opening of the store
        they were added in, and how many seconds after it; None for a run from another store.
        """
        names = ["run_id", "task", "status", "reason", "wall_s", "config", "session", "at_s"]
        present = self._present("runs")
        chosen = ", ".join(name if name in present else "NULL" for name in names)
        rows = self._rows(f"SELECT rowid, {chosen} FROM runs WHERE rowid > ? ORDER BY rowid", (row,))  # noqa: S608
        found = [(number, dict(zip(names, values, strict=True))) for number, *values in rows]
        for _, run in found:
            run["config"] = json.loads(run["config"])
        return found

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

        Also `shard`, "i/n" or "", and `sweep`, which is the `plan_of` of the whole sweep of a shard; `lacks`,
        the shards that a joined store has no plan of; if they are known, `code` (see `last_code`) and
        `plan_rows`, the first and the last row of the plan.

        What the file does not say, as after a start that was killed, is empty; the title is the directory's.
        """
        meta: dict[str, Any] = {"created": "", "command": "", "spec": "{}", "table": "", "plan_of": ""}
        meta |= {"shard": "", "sweep": "", "lacks": ""}
        meta |= {"title": self.directory.resolve().name}
        meta |= {key: value for key, value, _ in self._checked("meta", "")}
        meta["schema_version"] = int(meta["schema_version"])
        meta["spec"] = json.loads(meta["spec"])
        return meta


def _no_limit(limit: int | None) -> int:
    return -1 if limit is None else limit


def _with_configs(rows: list[Any]) -> list[tuple[str, str, str, dict[str, Any]]]:
    configs = read_json(row[4] for row in rows)
    return [
        (run_id, task, family, config)
        for (run_id, _, task, family, *_), config in zip(rows, configs, strict=True)
    ]

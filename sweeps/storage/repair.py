"""`kan-sweep repair`: copies the undamaged rows of a store to a new store."""

from __future__ import annotations

import contextlib
import json
import struct
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sweeps._command import command_for
from sweeps._plural import are, counted
from sweeps.errors import UserError
from sweeps.storage.database import DATABASE_NAME
from sweeps.storage.lock import WriterLock
from sweeps.storage.page_recovery import rows_in
from sweeps.storage.rows import (
    CHECKS,
    ENVIRONMENT_COLUMNS,
    FORMULA_COLUMNS,
    META_COLUMNS,
    MODEL_COLUMNS,
    PART_TABLES,
    PLAN_COLUMNS,
    QUANTITY_COLUMNS,
    RUN_COLUMNS,
    STAGE_COLUMNS,
    TASK_COLUMNS,
    formula_record,
    part_name,
    stage_record,
    to_nan,
)
from sweeps.storage.schema import timestamp
from sweeps.storage.store import Store

#: Runs in one transaction. Their ids are spread over all pages of the indices, so that smaller transactions
#: would write most pages once for every run.
_AT_ONCE = 5000
#: The columns of every table as they lie in the file, check sum last.
_STORED: dict[str, dict[str, type]] = {
    "meta": META_COLUMNS,
    "environments": ENVIRONMENT_COLUMNS,
    "tasks": TASK_COLUMNS,
    "plan": PLAN_COLUMNS,
    "runs": RUN_COLUMNS | {"session": int, "at_s": float, "parts": str},
    "stages": STAGE_COLUMNS,
    "formulas": FORMULA_COLUMNS,
    "models": MODEL_COLUMNS,
    "quantities": QUANTITY_COLUMNS,
}
#: Entries of `meta` that are copied besides those that a new store gets when it is created.
_KEPT = ("title", "created", "shard", "sweep", "lacks", "code")


@dataclass(frozen=True)
class Repaired:
    """What was rescued: runs, stages and models; and the ids of runs of which a part is lost.

    `without_model` are runs whose numbers are whole while a model is not: they count as done, and what is
    lost of them is not computed again. `incomplete` are runs left out because a part that counts is damaged
    or gone: they are to be computed again. What is damaged beyond recognition shows in neither; `missing`
    counts the planned runs that the new store does not hold, which were lost or had not been computed, and
    `plan_lost` how many runs the plan itself has lost, None where that is not known. `command` goes on with
    the sweep in the new store.
    """

    runs: int
    stages: int
    models: int
    incomplete: tuple[str, ...]
    without_model: tuple[str, ...]
    missing: int
    plan_lost: int | None
    command: str

    @property
    def complete(self) -> bool:
        """Whether it is certain that nothing was lost, and nothing that was planned is missing."""
        return not (self.incomplete or self.without_model or self.missing or self.plan_lost != 0)


def repair(directory: str | Path, output: str | Path) -> Repaired:
    """Bring every run that is whole in the store of `directory` into a new store in `output`.

    The file is read page by page, not through its trees, and a row counts only if its check sum says that it
    is what was written. The damaged store is left as it is.

    Raises
    ------
    UserError
        If there is no store, somebody is writing to it, `output` has one already, or nothing in the file is
        whole: it is no store, or one of a version that kept no check sums.

    Examples
    --------
    >>> repair("runs/special", "runs/special-repaired")  # doctest: +SKIP
    Repaired(runs=481, stages=1603, models=1603, incomplete=(), without_model=(), missing=4, ...)
    """
    directory, output = Path(directory), Path(output)
    path = directory / DATABASE_NAME
    if not path.is_file():
        raise UserError(f"{directory} has no file {DATABASE_NAME} to repair. Check the path.")
    if (output / DATABASE_NAME).exists():
        raise UserError(f"{output} has a store already; choose a new directory for what is rescued.")
    lock = WriterLock(directory, timestamp())
    try:
        found = _find(path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}.") from None
    finally:
        lock.release()
    if not any(found.values()):
        raise UserError(
            f"nothing in {path} is a whole row of a store of kan-sweep with check sums: it is another file, "
            "or was written by an earlier version. Restore it from a copy."
        )
    return _write(found, output)


#: For every table the undamaged rows by row id, each with its check sum at the end.
_Found = Mapping[str, Mapping[int, tuple[Any, ...]]]


def _find(path: Path) -> _Found:
    """Return the rows of every table that are what was written; of two with one row id the later one read.

    `rows_in` yields what was replaced before what replaced it.
    """
    of_length: dict[int, list[str]] = defaultdict(list)
    for table, columns in _STORED.items():
        of_length[len(columns) + 1].append(table)
    found: dict[str, dict[int, tuple[Any, ...]]] = {table: {} for table in _STORED}
    parts: dict[str, dict[int, tuple[Any, ...]]] = {table: {} for table in PART_TABLES}
    for rowid, values in rows_in(path):
        for table in of_length.get(len(values), ()):
            row = _whole(table, values)
            if row is None:
                continue
            if table in parts:
                # A row of a run that was replaced may have left its row id to another one: the run tells.
                parts[table][hash(row)] = row
            else:
                found[table][rowid] = row
    return found | parts


def _whole(table: str, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Return a row in the columns of `CHECKS` with its check sum behind; None unless that is right."""
    kinds = _STORED[table]
    named: dict[str, Any] = {}
    for (name, kind), value in zip(kinds.items(), values, strict=False):
        # SQLite keeps a whole number in a column of floats as an integer.
        named[name] = float(value) if kind is float and isinstance(value, int) else value
    check = CHECKS[table]
    row = tuple(named[name] for name in check.columns)
    with contextlib.suppress(TypeError, ValueError, struct.error):
        if check(row) == values[-1]:
            return (*row, values[-1])
    return None


def _write(found: _Found, output: Path) -> Repaired:
    meta = {key: value for key, value, _ in _latest(found["meta"]).values()}
    plan_lost = _n_lost(found["plan"], meta.get("plan_rows", ""))
    found = {**found, "plan": _current_plan(found["plan"], meta.get("plan_rows", ""))}
    latest = {table: _latest(rows) for table, rows in found.items() if table not in PART_TABLES}
    parts = {table: _by_run(table, found[table].values()) for table in PART_TABLES}
    environments = {row[0]: json.loads(row[1]) for row in latest["environments"].values()}
    # What a run has left behind is all that is known of one whose own row is lost.
    incomplete = sorted(set().union(*parts.values()) - latest["runs"].keys())
    without_model: list[str] = []

    def whole_runs() -> Iterator[dict[str, Any]]:
        for run_id, row in latest["runs"].items():
            record, lost = _assemble(row, {table: parts[table].get(run_id, {}) for table in PART_TABLES})
            if any(part[0] != "m" for part in lost):
                incomplete.append(run_id)
                continue
            if lost:
                without_model.append(run_id)
            yield record | {"environment": environments.get(record["env_id"], {})}

    spec = json.loads(meta.get("spec", "{}"))
    command = command_for(meta.get("command", ""), output)
    with Store.create(output, spec, command, meta.get("table") or None) as store:
        store.set_meta(**{name: meta[name] for name in _KEPT if name in meta})
        tasks = sorted(latest["tasks"].values(), key=lambda task: task[1])
        store.set_tasks({task: json.loads(text) for task, _, text, _ in tasks})
        plan = sorted(latest["plan"].values(), key=lambda row: row[1])
        rows = [(run_id, task, family, config) for run_id, _, task, family, config, _ in plan]
        # Nobody is to take what is left of a plan for the whole.
        damage = {"plan_damaged": "yes"} if plan_lost != 0 else {}
        store.set_plan(rows, positions=[row[1] for row in plan], **damage)
        # In the order of writing, which tells the code that counts where the entry of it is lost.
        n_runs, records = 0, whole_runs()
        while some := list(islice(records, _AT_ONCE)):
            store.add_all(some)
            n_runs += len(some)
        counts, n_models = store.counts(), len(store.model_stages())
    return Repaired(
        runs=n_runs,
        stages=counts["stages"],
        models=n_models,
        incomplete=tuple(incomplete),
        without_model=tuple(without_model),
        missing=counts["missing"],
        plan_lost=plan_lost,
        command=command,
    )


def _n_lost(rows: Mapping[int, tuple[Any, ...]], span: str) -> int | None:
    """Return how many rows of the last plan were not found, None where its extent is not known."""
    if not span:
        return None
    first, last = map(int, span.split())
    return last - first + 1 - len(_current_plan(rows, span))


def _current_plan(rows: Mapping[int, tuple[Any, ...]], span: str) -> Mapping[int, tuple[Any, ...]]:
    """Return those rows of plans that are of the last one: it has the row ids from one to another."""
    # Where the entry is lost, or of an earlier version, rows of several plans cannot be told apart.
    if not span:
        return rows
    first, last = map(int, span.split())
    return {rowid: row for rowid, row in rows.items() if first <= rowid <= last}


def _latest(rows: Mapping[int, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """Return rows by their key in the order of writing; the older of two with one key was left in a page."""
    found = {row[0]: (rowid, row) for rowid, row in sorted(rows.items())}
    return {key: row for key, (_, row) in sorted(found.items(), key=lambda item: item[1][0])}


def _by_run(table: str, rows: Iterable[tuple[Any, ...]]) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Return rows by run id and by name as `parts` has it."""
    found: dict[str, dict[str, tuple[Any, ...]]] = defaultdict(dict)
    for row in rows:
        found[row[0]][part_name(table, row[-1])] = row
    return found


def _assemble(
    run: tuple[Any, ...], parts: Mapping[str, Mapping[str, tuple[Any, ...]]]
) -> tuple[dict[str, Any], list[str]]:
    """Return the record of a run from the parts that it names, and the names of those that are lost."""
    named = run[len(RUN_COLUMNS)].split()
    own = {table: [rows[part] for part in named if part in rows] for table, rows in parts.items()}
    stages = {row[1]: stage_record(row) | {"model": None} for row in own["stages"]}
    for row in own["formulas"]:
        if row[1] in stages:
            stages[row[1]]["formula"] = formula_record(row)
    for row in own["quantities"]:
        if row[1] in stages:
            stages[row[1]]["quantities"] = json.loads(row[2])
    for row in own["models"]:
        if row[1] in stages:
            stages[row[1]]["model"] = row[2]
    record: dict[str, Any] = dict(zip(RUN_COLUMNS, run, strict=False))
    record["config"] = json.loads(record["config"])
    for name in ("wall_s", "cpu_s"):
        record[name] = to_nan(record[name])
    record["stages"] = [stages[number] for number in sorted(stages)]
    return record, [part for part in named if not any(part in rows for rows in parts.values())]


def repair_lines(repaired: Repaired, output: Path) -> list[str]:
    """Return what was rescued, and what was not, as lines of text."""
    n_seen = repaired.runs + len(repaired.incomplete)
    lines = [
        f"{counted(n_seen, 'run')} found, {repaired.runs} whole and now in {output}, with "
        f"{counted(repaired.stages, 'stage')} and {counted(repaired.models, 'model')}."
    ]
    if n := len(repaired.incomplete):
        lines.append(f"{counted(n, 'run')} {are(n)} left out, for a part that counts is lost:")
        lines += _wrapped(repaired.incomplete)
    if n := len(repaired.without_model):
        has, count = ("has its", "counts") if n == 1 else ("have their", "count")
        lines.append(
            f"{counted(n, 'run')} {has} numbers and lost a model; {count} as done, so that the report has "
            "the errors, and the model is not made again:"
        )
        lines += _wrapped(repaired.without_model)
    if n := repaired.missing:
        lines.append(
            f"{counted(n, 'planned run')} {are(n)} not there: lost beyond recognition, left out as said, or "
            "not computed before."
        )
    if repaired.plan_lost is None:
        lines.append("The plan may have lost runs too: where it is written how many it had is damaged.")
    elif n := repaired.plan_lost:
        lines.append(f"The plan has lost {counted(n, 'run')}; the command below makes it anew.")
    if not repaired.complete:
        lines.append(
            f"Compute what is missing with: {repaired.command or f'the same command, --out {output}'}"
        )
    return lines


def _wrapped(run_ids: tuple[str, ...]) -> list[str]:
    return textwrap.wrap(" ".join(run_ids), 100, initial_indent="  ", subsequent_indent="  ")

"""Rows of the tables of a store: their columns, their check sums, and how records become rows and back.

SQLite tells when the structure of a file is broken, not when a number in it has changed. So every row carries
the CRC-32 of its values, and a run names those of its stages, formulas and models in `parts`: what is read is
what was written, all of it.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from sweeps.records import canonical_json
from sweeps.storage.database import Columns

META_COLUMNS: dict[str, type] = {"key": str, "value": str}
ENVIRONMENT_COLUMNS: dict[str, type] = {"env_id": str, "json": str}
TASK_COLUMNS = {"task": str, "position": int, "json": str}
PLAN_COLUMNS = {"run_id": str, "position": int, "task": str, "family": str, "config": str}
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
#: `json` has further numbers of a stage by their names, as errors in other norms.
QUANTITY_COLUMNS = {"run_id": str, "stage": int, "json": str}
MODEL_COLUMNS = {"run_id": str, "stage": int, "npz": bytes}


class RowCheck:
    """The check sum of rows of one table: the CRC-32 of its name and of a row's values.

    Parameters
    ----------
    table : str
        The name of the table.
    kinds : mapping of str to type
        The columns that are covered, in the order of the values.

    Examples
    --------
    >>> check = RowCheck("meta", {"key": str, "value": str})
    >>> check(("title", "Bessel")) == check(("title", "bessel"))
    False
    """

    def __init__(self, table: str, kinds: Mapping[str, type]) -> None:
        self.columns = tuple(kinds)
        places: dict[type, list[int]] = {kind: [] for kind in (str, int, float, bytes)}
        for place, kind in enumerate(kinds.values()):
            places[kind].append(place)
        self._start = zlib.crc32(table.encode())
        self._texts, self._ints, self._floats, self._blobs = places.values()
        self._pick = {kind: _picker(found) for kind, found in places.items()}
        self._pack_ints = struct.Struct(f"<{len(self._ints)}q").pack
        self._pack_floats = struct.Struct(f"<{len(self._floats)}d").pack

    def __call__(self, row: Sequence[Any]) -> int:
        """Return the check sum of a row; values beyond the columns that are covered do not count."""
        total = zlib.crc32("\0".join(self._pick[str](row)).encode("utf-8", "surrogatepass"), self._start)
        if self._ints:
            ints = self._pick[int](row)
            if None in ints:
                ints = tuple(_NO_INTEGER if value is None else value for value in ints)
            total = zlib.crc32(self._pack_ints(*ints), total)
        if self._floats:
            floats = self._pick[float](row)
            if None in floats:
                floats = tuple(math.nan if value is None else value for value in floats)
            total = zlib.crc32(self._pack_floats(*floats), total)
        for place in self._blobs:
            total = zlib.crc32(row[place], total)
        return total


#: Stands for a missing integer in a check sum; no valid integer is that small.
_NO_INTEGER = -(2**63)


def _picker(places: Sequence[int]) -> Any:
    """Return a function that picks values of a row as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda row: tuple(row[place] for place in places)


CHECKS = {
    "meta": RowCheck("meta", META_COLUMNS),
    "environments": RowCheck("environments", ENVIRONMENT_COLUMNS),
    "tasks": RowCheck("tasks", TASK_COLUMNS),
    "plan": RowCheck("plan", PLAN_COLUMNS),
    "runs": RowCheck("runs", {**RUN_COLUMNS, "parts": str}),
    "stages": RowCheck("stages", STAGE_COLUMNS),
    "formulas": RowCheck("formulas", FORMULA_COLUMNS),
    "models": RowCheck("models", MODEL_COLUMNS),
    "quantities": RowCheck("quantities", QUANTITY_COLUMNS),
}
#: Where the values lie that belong to a run, in the order in which `parts` names them.
PART_TABLES = ("stages", "formulas", "models", "quantities")


def checked(table: str, rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Return rows of a table with their check sums behind them."""
    check = CHECKS[table]
    return [(*row, check(row)) for row in rows]


def part_rows(record: Mapping[str, Any]) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of the stages of a record and what belongs to them, with check sums, by table."""
    run_id, stages = record["run_id"], record["stages"]
    return {
        "stages": checked("stages", [(run_id, *stage_values(stage)) for stage in stages]),
        "formulas": checked(
            "formulas", [(run_id, *formula_values(stage)) for stage in stages if stage.get("formula")]
        ),
        "models": checked(
            "models",
            [
                (run_id, int(stage["stage"]), bytes(stage["model"]))
                for stage in stages
                if stage.get("model") is not None
            ],
        ),
        "quantities": checked(
            "quantities",
            [
                (run_id, int(stage["stage"]), canonical_json(stage["quantities"]))
                for stage in stages
                if stage.get("quantities")
            ],
        ),
    }


def part_name(table: str, check_sum: int) -> str:
    """Return the name by which `runs.parts` has a row: the first letter of its table and its check sum.

    Examples
    --------
    >>> part_name("stages", 255)
    's000000ff'
    """
    return f"{table[0]}{check_sum:08x}"


def to_null(value: Any) -> float | None:
    """Return a number as SQLite keeps it: NaN as NULL, and no minus before a zero."""
    number = math.nan if value is None else float(value)
    return None if math.isnan(number) else number + 0.0


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


def stage_record(row: Sequence[Any]) -> dict[str, Any]:
    """Return a row that begins with `STAGE_COLUMNS` as a stage of a record, without its model."""
    stage = dict(zip(STAGE_COLUMNS, row, strict=False))
    del stage["run_id"]
    for name, kind in STAGE_COLUMNS.items():
        if kind is float:
            stage[name] = to_nan(stage[name])
    return stage


def formula_record(row: Sequence[Any]) -> dict[str, Any]:
    """Return a row that begins with `FORMULA_COLUMNS` as the formula of a stage."""
    formula = dict(zip(FORMULA_COLUMNS, row, strict=False))
    del formula["run_id"], formula["stage"]
    flags = {name: bool(formula[name]) for name in ("exact", "best")}
    return formula | flags | {"complexity": to_nan(formula["complexity"])}


def to_columns(rows: Sequence[Sequence[Any]], kinds: Mapping[str, type]) -> Columns:
    """Turn rows that begin with columns of these kinds into typed arrays.

    Text becomes objects; missing numbers become NaN or, where they are integers, 0.
    """
    values: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(kinds)
    columns: Columns = {}
    for (name, kind), column in zip(kinds.items(), values, strict=False):
        if kind is str:
            columns[name] = np.array(column, dtype=object)
        elif kind is float:
            columns[name] = np.array(column, dtype=np.float64)  # None becomes NaN
        else:
            columns[name] = np.array([value or 0 for value in column], dtype=np.int64)
    return columns

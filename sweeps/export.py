"""All runs and stages of a store as one table: CSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sweeps._database import Columns
from sweeps._files import write_file
from sweeps.errors import UserError
from sweeps.store import Store

_STAGE_COLUMNS = {
    "stage": int,
    "grid": int,
    "opt": str,
    "n_params": int,
    "train_rmse": float,
    "val_rmse": float,
    "test_rmse": float,
    "stage_wall_s": float,
    "n_iter": int,
    "n_fev": int,
    "stage_status": str,
}
_RUN_COLUMNS = {
    "run_id": str,
    "group_id": str,
    "task": str,
    "family": str,
    "seed": int,
    "status": str,
    "reason": str,
}
_LAST_COLUMNS = {"wall_s": float, "cpu_s": float, "finished_at": str, "env_id": str, "schema_version": int}
#: Only where a sweep has looked for formulas.
_FORMULA_COLUMNS = {
    "formula": str,
    "latex": str,
    "complexity": float,
    "n_constants": int,
    "exact": bool,
    "best": bool,
}
_RENAMED = {"stage_wall_s": "wall_s", "stage_status": "status"}

Table = dict[str, list[Any]]
Types = dict[str, type]


def export_runs(store: Store, output: str | Path) -> Path:
    """Write one row a stage (a run without a stage: one row) to `output`; its suffix decides the format.

    Columns come in a fixed order: what a run is (run_id to reason), its stage, its times, its configuration
    as p_* (nested names joined by "_", lists as JSON text), the machine and versions as env_*. `opt` is the
    optimizer that trained the stage, `p_opt` the one that the configuration asks for. Where formulas were
    looked for, their columns (formula to best) come before the times. A column has one type; a missing value
    is empty in CSV, null otherwise, and so is a NaN. Rows are sorted by run id
    and stage.

    Raises
    ------
    UserError
        If the suffix is none of .csv, .jsonl, .parquet, the file cannot be written, or pyarrow is missing.

    Examples
    --------
    >>> export_runs(store, "runs.csv")  # doctest: +SKIP
    PosixPath('runs.csv')
    """
    output = Path(output)
    writers: dict[str, Callable[[Table, Types], bytes]] = {
        ".csv": _csv,
        ".jsonl": _jsonl,
        ".parquet": _parquet,
    }
    if output.suffix.lower() not in writers:
        known = ", ".join(writers)
        raise UserError(
            f"cannot export to {output}: its suffix is {output.suffix!r}; expected one of {known}."
        )
    write_file(output, writers[output.suffix.lower()](*table(store)))
    return output


def table(store: Store) -> tuple[Table, Types]:
    """Return the columns of the table, None where there is no value, and their types."""
    with store.snapshot():
        runs, stages, formulas = store.runs(), store.stages(), store.formulas()
        version = store.meta()["schema_version"]
        environments = {env_id: flatten(values, "env") for env_id, values in store.environments().items()}
    first: dict[str, int] = {}
    length: dict[str, int] = {}
    for row, run_id in enumerate(stages["run_id"]):
        first.setdefault(run_id, row)
        length[run_id] = length.get(run_id, 0) + 1
    stage_lists = {name: stages[_RENAMED.get(name, name)].tolist() for name in _STAGE_COLUMNS}
    run_lists = {name: column.tolist() for name, column in runs.items()}
    places = zip(formulas["run_id"], formulas["stage"].tolist(), strict=True)
    formula_of = dict(zip(places, _rows(formulas, _FORMULA_COLUMNS), strict=True))
    rows: list[dict[str, Any]] = []
    for i, run_id in enumerate(run_lists["run_id"]):
        common = {name: run_lists[name][i] for name in _RUN_COLUMNS}
        common |= {name: run_lists[name][i] for name in _LAST_COLUMNS if name != "schema_version"}
        common["schema_version"] = version
        common |= flatten(json.loads(run_lists["config"][i]), "p")
        common |= environments[run_lists["env_id"][i]]
        start = first.get(run_id, 0)
        rows += [
            common
            | {name: column[row] for name, column in stage_lists.items()}
            | formula_of.get((run_id, stage_lists["stage"][row]), {})
            for row in range(start, start + length.get(run_id, 0))
        ]
        if run_id not in first:
            rows.append(common)
    return _typed(rows, _FORMULA_COLUMNS if formula_of else {})


def _rows(columns: Columns, names: Iterable[str]) -> list[dict[str, Any]]:
    """Return the rows of some columns."""
    lists = [columns[name].tolist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*lists, strict=True)]


def flatten(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return nested mappings as one, names joined by "_"; lists become JSON text.

    Examples
    --------
    >>> flatten({"data": {"n_train": 10}, "width": [2, 1]}, "p")
    {'p_data_n_train': 10, 'p_width': '[2, 1]'}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}_{key}"
        if isinstance(value, Mapping):
            flat |= flatten(value, name)
        elif value is None or isinstance(value, (str, bool, int, float)):
            flat[name] = value
        else:
            flat[name] = json.dumps(value)
    return flat


def _typed(rows: list[dict[str, Any]], further: Types) -> tuple[Table, Types]:
    fixed = _RUN_COLUMNS | _STAGE_COLUMNS | further | _LAST_COLUMNS
    names = {name for row in rows for name in row}
    types: Types = dict(fixed)
    for prefix in ("p_", "env_"):
        for name in sorted(n for n in names if n.startswith(prefix) and n not in fixed):
            types[name] = _common_type(row[name] for row in rows if row.get(name) is not None)
    columns = {name: [_cast(row.get(name), kind) for row in rows] for name, kind in types.items()}
    # The store says 0 for "no grid" and "" for an optimizer that was not recorded.
    for name in ("grid", "opt"):
        columns[name] = [value or None for value in columns[name]]
    return columns, types


def _common_type(values: Iterable[Any]) -> type:
    kinds = {type(value) for value in values}
    if len(kinds) == 1:
        return kinds.pop()
    return float if kinds == {int, float} else str


def _cast(value: Any, kind: type) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if kind is str and not isinstance(value, str):
        return json.dumps(value)
    return kind(value)


def _csv(columns: Table, types: Types) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(types)
    # Python writes floats with the digits that bring them back exactly.
    writer.writerows(zip(*columns.values(), strict=True))
    return buffer.getvalue().encode()


def _jsonl(columns: Table, types: Types) -> bytes:
    lines = []
    for values in zip(*columns.values(), strict=True):
        pairs = (f"{json.dumps(name)}: {_json(value)}" for name, value in zip(types, values, strict=True))
        lines.append("{" + ", ".join(pairs) + "}\n")
    return "".join(lines).encode()


def _json(value: Any) -> str:
    # JSON has no infinity; a number beyond every float is read back as one.
    if isinstance(value, float) and math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    return json.dumps(value)


def _parquet(columns: Table, types: Types) -> bytes:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UserError(
            "exporting to .parquet needs pyarrow, which is not installed. "
            "Install it with: pip install 'kan_np[parquet]', or export to .csv or .jsonl."
        ) from None
    kinds = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    arrays = [pyarrow.array(columns[name], type=kinds[kind]) for name, kind in types.items()]
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(arrays, names=list(types)), buffer)
    return buffer.getvalue()

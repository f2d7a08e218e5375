"""All runs and stages of a store as one table: CSV, JSON lines, Parquet or Excel."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sweeps._collection import paused_collection
from sweeps._files import write_file
from sweeps._safe_text import latex_formula
from sweeps._table_files import ExportColumns, suffixes, writer_for
from sweeps.errors import UserError
from sweeps.families.compared import compared_families, have_other_edges
from sweeps.records import read_json
from sweeps.storage.database import Columns
from sweeps.storage.store import Store

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

_PLAIN = frozenset({str, bool, int, float, type(None)})


def export_runs(store: Store, output: str | Path, *, raw: bool = False) -> Path:
    """Write one row a stage (a run without a stage: one row) to `output`; its suffix decides the format.

    Columns come in a fixed order: what a run is (run_id to reason), its stage, its times, its configuration
    as p_* (nested names joined by "_", lists as JSON text), the machine and versions as env_*. `opt` is the
    optimizer that trained the stage, `p_opt` the one that the configuration asks for. Where formulas were
    looked for, their columns (formula to best) come before the times, and after them further numbers of
    stages as q_*, such as other norms of an error. A column has one type; a missing value
    is empty in CSV, null otherwise, and so is a NaN. Rows are sorted by run id
    and stage. Where KANs have other edges than B-splines `family` is that of a report, as in "kan/chebyshev".

    In CSV and Excel a text that a spreadsheet would compute, such as one that starts with "=", gets a quote
    in front, in CSV unless `raw` asks for the text alone. LaTeX has the commands of formulas only.

    Raises
    ------
    UserError
        If the suffix is none of .csv, .jsonl, .parquet, .xlsx, the file cannot be written, or a package is
        missing.

    Examples
    --------
    >>> export_runs(store, "runs.csv")  # doctest: +SKIP
    PosixPath('runs.csv')
    """
    output = Path(output)
    write = writer_for(output.suffix, raw=raw)
    if write is None:
        raise UserError(
            f"cannot export to {output}: its suffix is {output.suffix!r}; expected one of {suffixes()}."
        )
    write_file(output, write(*table(store)))
    return output


@paused_collection()
def table(store: Store) -> tuple[ExportColumns, dict[str, type]]:
    """Return the columns of the table, None where there is no value, and their types."""
    with store.snapshot():
        runs, stages, formulas = store.runs(), store.stages(), store.formulas()
        quantities = store.quantities()
        version = store.meta()["schema_version"]
        environments = store.environments()
    if have_other_edges(runs["config"]):
        runs = {**runs, "family": np.array(compared_families(runs["family"], runs["config"]), dtype=object)}
    run_rows, stage_rows = _row_numbers(runs["run_id"].tolist(), stages["run_id"].tolist())
    configs = [flatten(config, "p") for config in read_json(runs["config"].tolist())]
    number_of = {env_id: number for number, env_id in enumerate(environments)}
    machine_rows = _spread([number_of[env_id] for env_id in runs["env_id"].tolist()], run_rows)
    machines = [flatten(environment, "env") for environment in environments.values()]
    columns: ExportColumns = {}
    types: dict[str, type] = {}
    # There may be very many rows: whatever belongs to a run is made once for it, column by column.
    for name, kind in _RUN_COLUMNS.items():
        columns[name], types[name] = _spread(_plain(runs[name], kind), run_rows), kind
    for name, kind in _STAGE_COLUMNS.items():
        values = _plain(stages[_RENAMED.get(name, name)], kind)
        columns[name], types[name] = [None if i is None else values[i] for i in stage_rows], kind
    # The store says 0 for "no grid" and "" for an optimizer that was not recorded.
    for name in ("grid", "opt"):
        columns[name] = [value or None for value in columns[name]]
    for name, values in _formula_columns(formulas, columns["run_id"], columns["stage"]).items():
        columns[name], types[name] = values, _FORMULA_COLUMNS[name]
    for name, values in _quantity_columns(quantities, columns["run_id"], columns["stage"]).items():
        columns[name], types[name] = values, float
    for name, kind in _LAST_COLUMNS.items():
        own = [version] * len(configs) if name == "schema_version" else _plain(runs[name], kind)
        columns[name], types[name] = _spread(own, run_rows), kind
    for flat, rows in ((configs, run_rows), (machines, machine_rows)):
        for name in sorted(set(itertools.chain.from_iterable(flat))):
            own, types[name] = _of_one_type([values.get(name) for values in flat])
            columns[name] = _spread(own, rows)
    return columns, types


def _row_numbers(run_ids: list[str], stage_run_ids: list[str]) -> tuple[list[int], list[int | None]]:
    """Return for every row of the table which run it belongs to, and which stage, if any; both are sorted."""
    run_rows: list[int] = []
    stage_rows: list[int | None] = []
    stage, end = 0, len(stage_run_ids)
    for number, run_id in enumerate(run_ids):
        first = stage
        while stage < end and stage_run_ids[stage] == run_id:
            stage += 1
        own: list[int | None] = [*range(first, stage)] or [None]
        run_rows += [number] * len(own)
        stage_rows += own
    return run_rows, stage_rows


def _spread(values: list[Any], rows: list[int]) -> list[Any]:
    return [values[row] for row in rows]


def _plain(column: np.ndarray, kind: type) -> list[Any]:
    """Return a column of the store as Python values, None for NaN."""
    values = column.tolist()
    return [None if value != value else value for value in values] if kind is float else values


def _formula_columns(formulas: Columns, run_ids: list[Any], numbers: list[Any]) -> ExportColumns:
    """Return the columns of formulas for the rows of the table; none if no formula was looked for."""
    places = zip(formulas["run_id"].tolist(), formulas["stage"].tolist(), strict=True)
    row_of = {place: row for row, place in enumerate(places)}
    if not row_of:
        return {}
    rows = [row_of.get(place) for place in zip(run_ids, numbers, strict=True)]
    columns: ExportColumns = {}
    for name, kind in _FORMULA_COLUMNS.items():
        values = [_cast(value, kind) for value in formulas[name].tolist()]
        if name == "latex":
            values = list(map(latex_formula, values))
        columns[name] = [None if row is None else values[row] for row in rows]
    return columns


def _quantity_columns(
    quantities: Mapping[tuple[str, int], Mapping[str, float]], run_ids: list[Any], numbers: list[Any]
) -> ExportColumns:
    """Return a column for each name of further numbers of stages, as q_h1; none if there are no such."""
    names = dict.fromkeys(name for own in quantities.values() for name in own)
    rows = [quantities.get(place, {}) for place in zip(run_ids, numbers, strict=True)]
    return {f"q_{name}": [_cast(row.get(name), float) for row in rows] for name in names}


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
        if type(value) in _PLAIN:
            flat[name] = value
        elif isinstance(value, Mapping):
            flat |= flatten(value, name)
        else:
            flat[name] = json.dumps(value)
    return flat


def _of_one_type(values: list[Any]) -> tuple[list[Any], type]:
    """Return values brought to a type that all of them have, None apart, and that type."""
    kinds = set(map(type, values)) - {type(None)}
    kind = kinds.pop() if len(kinds) == 1 else float if kinds == {int, float} else str
    # Most columns are of one type already; a NaN among floats is no value.
    return (values if not kinds and kind is not float else [_cast(value, kind) for value in values]), kind


def _cast(value: Any, kind: type) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if kind is str and not isinstance(value, str):
        return json.dumps(value)
    return kind(value)

"""What a table holds, as a table for the terminal, printed before anything is trained."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sweeps._plural import counted
from sweeps._safe_text import one_line
from sweeps.spec.sweep_spec import TaskInfo

_COLUMNS = 30  # columns that are shown; of wider tables the target and the first ones
_CLASSES = 6  # classes of a column that are shown
_WIDEST = 110


def summary_lines(infos: Mapping[str, TaskInfo]) -> list[str]:
    """Return the lines of the summaries of all tables among the tasks; none for functions."""
    return [line for info in infos.values() for line in table_lines(info.description)]


def described_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a description keeps of ``dataset["table"]``: the columns that are shown, target first."""
    columns = sorted(table["columns"], key=lambda column: column["role"] != "target")
    return {**table, "n_columns": len(columns), "columns": columns[:_COLUMNS]}


def table_lines(description: Mapping[str, Any], width: int | None = None) -> list[str]:
    """Return the summary of a table from the description of its task, at most `width` characters wide.

    Examples
    --------
    >>> column = {"name": "T", "role": "input", "kind": "number", "n_missing": 1}
    >>> column |= {"low": 20.0, "median": 50.0, "high": 80.0}
    >>> held = described_table({"n_rows": 9, "n_dropped": 1, "n_duplicates": 0, "columns": [column]})
    >>> print(*table_lines({"name": "lab", "table": held, "n_train": 6, "n_test": 3}, 80), sep="\\n")
    lab: 9 rows, 1 left out; 6 train, 3 test.
     column  is     holds                             missing
     T       input  numbers from 20 to 80, median 50        1
    """
    held = description.get("table")
    if held is None:
        return []
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = width or min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)
    columns = held["columns"]
    table = Table(box=None, pad_edge=True, padding=(0, 1), show_edge=False)
    for name in ("column", "is", "holds"):
        table.add_column(name, overflow="fold")
    some_missing = any(column["n_missing"] for column in columns)
    if some_missing:
        table.add_column("missing", justify="right")
    for column in columns[:_COLUMNS]:
        missing = [str(column["n_missing"] or "")] if some_missing else []
        cells = [column["name"], column["role"], _holds(column), *missing]
        table.add_row(*(Text(one_line(cell)) for cell in cells))
    buffer = io.StringIO()
    Console(file=buffer, width=max(width, 40), color_system=None).print(table)
    lines = [line.rstrip() for line in buffer.getvalue().splitlines()]
    if held["n_columns"] > _COLUMNS:
        lines.append(f" and {counted(held['n_columns'] - _COLUMNS, 'more column')}")
    return [f"{one_line(description['name'])}: {_rows(held, description)}", *lines]


def legend_text(description: Mapping[str, Any]) -> str:
    """Return what the symbols of formulas stand for, as "t = t / h"; empty where they are the columns.

    Examples
    --------
    >>> legend_text({"symbols": {"t": "t / h", "T": "T / K"}})
    't = t / h, T = T / K'
    """
    symbols = description.get("symbols") or {}
    return ", ".join(f"{one_line(symbol)} = {one_line(name)}" for symbol, name in symbols.items())


def _rows(held: Mapping[str, Any], description: Mapping[str, Any]) -> str:
    parts = [counted(held["n_rows"], "row")]
    if held["n_dropped"]:
        parts.append(f"{held['n_dropped']} left out")
    if held["n_duplicates"]:
        parts.append(counted(held["n_duplicates"], "duplicate"))
    words = (("n_train", "train"), ("n_val", "choose among models"), ("n_test", "test"))
    uses = [f"{description[key]} {word}" for key, word in words if description.get(key)]
    folds = f" in each of {description['folds']} folds" if description.get("folds") else ""
    return f"{', '.join(parts)}; {', '.join(uses)}{folds}."


def _holds(column: Mapping[str, Any]) -> str:
    if column["kind"] == "classes":
        counts = sorted(column["classes"].items(), key=lambda item: -item[1])
        said = ", ".join(f"{name} {count}" for name, count in counts[:_CLASSES])
        more = f", and {len(counts) - _CLASSES} more" if len(counts) > _CLASSES else ""
        return f"{len(counts)} {'class' if len(counts) == 1 else 'classes'}: {said}{more}"
    low, median, high = (column[name] for name in ("low", "median", "high"))
    if column["kind"] == "date":
        return f"dates from {date_of(low)} to {date_of(high)}, as days"
    if low == high:
        return f"the number {low:.6g} in every row"
    return f"numbers from {low:.6g} to {high:.6g}, median {median:.4g}"


def date_of(days: float) -> str:
    """Return the date so many days after 1970-01-01, with the time of day if there is one."""
    moment = datetime(1970, 1, 1) + timedelta(days=days)
    return moment.strftime("%Y-%m-%d" if days == int(days) else "%Y-%m-%d %H:%M")

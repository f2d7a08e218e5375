"""What a table holds, as plain values: rows, columns with ranges or classes, missing cells, duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kan_np.data.cells import Cells

INPUT, TARGET, GROUP = "input", "target", "group"


def table_summary(
    cells: Cells, features: Sequence[str], targets: Sequence[str], n_duplicates: int
) -> dict[str, Any]:
    """Return what the rows that are used hold, for ``dataset["table"]``.

    Returns
    -------
    dict
        ``n_rows`` that are used, ``n_dropped`` because of missing cells, ``n_duplicates`` that are equal to
        an earlier row, and ``columns``, a dict for each: ``name``, ``role`` ("input" or "target"), ``kind``
        ("number", "date" or "classes"), ``n_missing`` cells in the file, and ``low``, ``median`` and ``high``
        of numbers and of dates as days, or ``classes`` with their numbers of rows.
    """
    values = cells.values
    columns = []
    for j, name in enumerate([*features, *targets]):
        column: dict[str, Any] = {
            "name": name,
            "role": INPUT if j < len(features) else TARGET,
            "n_missing": int(cells.missing.get(name, 0)),
        }
        if name in cells.classes:
            counts = np.bincount(values[:, j].astype(np.intp), minlength=len(cells.classes[name]))
            column["kind"] = "classes"
            column["classes"] = dict(zip(cells.classes[name], counts.tolist(), strict=True))
        else:
            column["kind"] = "date" if name in cells.dates else "number"
            with np.errstate(over="ignore"):
                middle = float(np.median(values[:, j]))
            column |= {"low": float(values[:, j].min()), "median": middle, "high": float(values[:, j].max())}
        columns.append(column)
    return {
        "n_rows": len(values),
        "n_dropped": cells.n_rows - len(values),
        "n_duplicates": n_duplicates,
        "columns": columns,
    }


def dropped_note(cells: Cells, kept_for: str = "used") -> str:
    """Return a sentence about the rows that were left out; empty if there are none.

    Examples
    --------
    >>> dropped_note(Cells(np.zeros((3, 1)), None, {}, missing={"T": 1}, n_rows=4, kept=np.arange(3)))
    "1 of the 4 rows has a missing cell and is left out: 1 in 'T'. The other 3 are used."
    """
    n = cells.n_rows - len(cells.values)
    if not n:
        return ""
    counts = sorted(cells.missing.items(), key=lambda item: -item[1])
    said = ", ".join(f"{count} in {name!r}" for name, count in counts[:8])
    said += f", and more in {len(counts) - 8} other columns" if len(counts) > 8 else ""
    verb = "has a missing cell and is" if n == 1 else "have a missing cell and are"
    rest = f"The other {len(cells.values)} are {kept_for}."
    return f"{n} of the {cells.n_rows} rows {verb} left out: {said}. {rest}"

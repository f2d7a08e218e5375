"""Tables as the content of files: CSV, JSON lines, Parquet and Excel."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from sweeps._safe_text import cell, one_line
from sweeps.errors import UserError

ExportColumns = dict[str, list[Any]]
Types = Mapping[str, type]


def writer_for(suffix: str, *, raw: bool = False) -> Callable[[ExportColumns, Types], bytes] | None:
    """Return the function that turns columns, None for a missing value, and their types into a file.

    In CSV and Excel a text that a spreadsheet would compute, such as one that starts with "=", gets a quote
    in front, in CSV unless `raw` asks for the text alone. None for a suffix that is not known.

    Examples
    --------
    >>> writer_for(".csv")({"a": ["=1+1", "b"]}, {"a": str})
    b"a\\n'=1+1\\nb\\n"
    """
    return {
        ".csv": _raw_csv if raw else _csv,
        ".jsonl": _jsonl,
        ".parquet": _parquet,
        ".xlsx": _excel,
    }.get(suffix.lower())


def suffixes() -> str:
    """Return the suffixes that `writer_for` knows, for messages."""
    return ".csv, .jsonl, .parquet, .xlsx"


def _safe(columns: ExportColumns, types: Types) -> tuple[ExportColumns, Types]:
    """Return columns in which no text is computed by a spreadsheet."""
    safe = {
        str(cell(name)): list(map(cell, values)) if types[name] is str else values
        for name, values in columns.items()
    }
    return safe, {str(cell(name)): kind for name, kind in types.items()}


def _csv(columns: ExportColumns, types: Types) -> bytes:
    return _raw_csv(*_safe(columns, types))


def _raw_csv(columns: ExportColumns, types: Types) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(types)
    # Python writes floats with the digits that bring them back exactly.
    writer.writerows(zip(*columns.values(), strict=True))
    return buffer.getvalue().encode()


def _jsonl(columns: ExportColumns, types: Types) -> bytes:
    template = ", ".join(f"{json.dumps(name)}: %s".replace("%", "%%").replace("%%s", "%s") for name in types)
    texts = [_json_texts(columns[name]) for name in types]
    return "".join(["{" + template % values + "}\n" for values in zip(*texts, strict=True)]).encode()


def _json_texts(values: list[Any]) -> list[str]:
    """Return values as JSON; texts are mostly the same few."""
    known: dict[str, str] = {}
    texts = []
    for value in values:
        if isinstance(value, str):
            if value not in known:
                known[value] = json.dumps(value)
            texts.append(known[value])
        else:
            texts.append(_json(value))
    return texts


def _json(value: Any) -> str:
    # JSON has no infinity; a number beyond every float is read back as one.
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "1e999" if value > 0 else "-1e999"
    return json.dumps(value)


def _parquet(columns: ExportColumns, types: Types) -> bytes:
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


def _excel(columns: ExportColumns, types: Types) -> bytes:
    try:
        import openpyxl
    except ImportError:
        raise UserError(
            "exporting to .xlsx needs openpyxl, which is not installed. "
            "Install it with: pip install 'kan_np[excel]', or export to .csv."
        ) from None
    columns, types = _safe(columns, types)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("table")
    sheet.append([one_line(name) for name in types])
    for row in zip(*columns.values(), strict=True):
        sheet.append([_excel_cell(value) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _excel_cell(value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value

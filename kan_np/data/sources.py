"""Tables in files of several formats, opened as text: CSV, also packed with gzip, Excel, and Parquet."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

#: Formats by the last suffix of a file; any other is text.
EXCEL, PARQUET, GZIP = (".xlsx", ".xlsm"), (".parquet", ".pq"), ".gz"
#: What separates the cells of the text that stands for a spreadsheet, and its decimal mark.
_DELIMITER = ","


def is_text(path: Path) -> bool:
    """Whether a table is text, whose delimiter has to be found."""
    return path.suffix.lower() not in (*EXCEL, *PARQUET)


@contextlib.contextmanager
def opened_table(path: Path) -> Iterator[tuple[TextIO, str | None]]:
    """Open a table as text that can be read from the start again, with its delimiter if that is known.

    Of an Excel file it is the first sheet, with the values that formulas had when it was saved. True and
    False become 1 and 0, and dates are written as in ISO 8601. Rows are numbered as in the sheet.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not what its name says, or needs a package that is not installed.
    """
    suffix = path.suffix.lower()
    if suffix in EXCEL:
        yield io.StringIO(_excel_text(path)), _DELIMITER
    elif suffix in PARQUET:
        yield io.StringIO(_parquet_text(path)), _DELIMITER
    elif suffix == GZIP:
        try:
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as packed:
                yield packed, None
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is no whole gzip file ({error}); pack the table again.") from None
    else:
        _refuse_other_kinds(path)
        with path.open(encoding="utf-8-sig", newline="") as handle:
            yield handle, None


def _refuse_other_kinds(path: Path) -> None:
    """Raise ValueError for a file that is no text, by its first bytes."""
    with path.open("rb") as file:
        start = file.read(4)
    if start in (b"PK\x03\x04", b"PAR1"):
        what, name = ("Excel", ".xlsx") if start[:2] == b"PK" else ("Parquet", ".parquet")
        raise ValueError(f"{path} is no text, but looks like a file of {what}; name it {name}.")
    if start[:2] == b"\x1f\x8b":
        raise ValueError(f"{path} is packed with gzip; name it {path.name}.gz.")


def _excel_text(path: Path) -> str:
    path.open("rb").close()  # a file that is not there is a matter of its own
    try:
        import openpyxl
    except ImportError:
        raise ValueError(
            f"{path} is an Excel file, which needs openpyxl, and that is not installed. Install it with: "
            "pip install 'kan_np[excel]', or save the sheet as 'CSV UTF-8'."
        ) from None
    with path.open("rb") as file:
        try:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # files of other programs may say too few
            rows = [[_cell_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
            book.close()
        except Exception as error:  # a damaged archive can make the readers fail in any way
            raise ValueError(
                f"{path} cannot be read as an Excel file ({error}); expected .xlsx. Save it again, or as "
                "'CSV UTF-8'."
            ) from None
    return _text_of(rows)


def _text_of(rows: list[list[str]]) -> str:
    """Return rows as CSV, without the empty columns and rows behind the last one that is filled."""
    filled = [max((i + 1 for i, cell in enumerate(row) if cell.strip()), default=0) for row in rows]
    width = max(filled, default=0)
    last = max((i + 1 for i, count in enumerate(filled) if count), default=0)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=_DELIMITER, lineterminator="\n")
    writer.writerows((row + [""] * width)[:width] for row in rows[:last])
    text.seek(0)
    return text.getvalue()


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    if hasattr(value, "isoformat"):
        text = str(value.isoformat())
        return text.removesuffix("T00:00:00")
    return str(value)


def _parquet_text(path: Path) -> str:
    path.open("rb").close()
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        raise ValueError(
            f"{path} is a Parquet file, which needs pyarrow, and that is not installed. Install it with: "
            "pip install 'kan_np[parquet]', or save the table as CSV."
        ) from None
    with path.open("rb") as file:
        try:
            table = pyarrow.parquet.read_table(file)
        except Exception as error:  # as that of a damaged archive
            raise ValueError(f"{path} cannot be read as a Parquet file ({error}).") from None
    # The index of a pandas frame that has no name is no column of the table.
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    columns = []
    for name in names:
        column = table[name]
        if pyarrow.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pyarrow.types.is_boolean(column.type):
            column = column.cast(pyarrow.int8())
        elif pyarrow.types.is_nested(column.type):
            column = pyarrow.array(["(nested)"] * len(column))
        elif pyarrow.types.is_timestamp(column.type):
            column = column.cast(pyarrow.timestamp("us")).cast(pyarrow.string())
        columns.append(column)
    buffer = io.BytesIO()
    if names:
        pyarrow.csv.write_csv(pyarrow.table(columns, names=names), buffer)
    return buffer.getvalue().decode()

"""The cells of a table as text, as they are written in its file."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from kan_np.data.preamble import records
from kan_np.data.sources import opened_table
from kan_np.data.table import read_header


def read_table_text(
    path: str | PathLike[str], *, delimiter: str | None = None
) -> tuple[list[str], list[list[str]]]:
    """Return the column names of a table and its rows as text; empty rows are left out.

    Parameters
    ----------
    path : path
        As for `load_table`.
    delimiter : str, optional
        The character between fields; found in the table if not given.

    Raises
    ------
    ValueError
        If the header cannot be used, or a row has another number of fields.
    OSError
        If the file cannot be opened.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "t.csv"
    ...     _ = path.write_text("a; b\\n1,50; THF\\n")
    ...     read_table_text(path)
    (['a', 'b'], [['1,50', 'THF']])
    """
    path = Path(path)
    with opened_table(path) as (handle, known):
        table = read_header(handle, path, known or delimiter)
        found = []
        for row, record in enumerate(records(handle, table.delimiter, table.n_above), table.n_above + 1):
            if row <= table.header_row or not any(map(str.strip, record)):
                continue
            if len(record) != len(table.header):
                raise ValueError(
                    f"{path}: row {row} has {len(record)} fields; expected {len(table.header)}, as in the "
                    "header."
                )
            found.append([cell.strip() for cell in record])
    return list(table.header), found

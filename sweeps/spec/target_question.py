"""The question that is asked where nobody said which column of a table is to be predicted."""

from __future__ import annotations

from pathlib import Path

from kan_np.data.sources import opened_table
from kan_np.data.table import read_header
from sweeps.errors import UserError

#: So many names are listed.
_SHOWN = 12


def which_target(source: str) -> UserError:
    """The error that lists the columns of the table, as far as it can be read."""
    path = Path(source)
    question = f"which column of {path.name} is to be predicted? Say it with --target NAME"
    try:
        with opened_table(path) as (handle, delimiter):
            header = read_header(handle, path, delimiter, ()).header
    except (OSError, ValueError):
        return UserError(f"{question}.")
    names = [repr(name) for name in header[:_SHOWN]]
    more = f" and {len(header) - _SHOWN} more" if len(header) > _SHOWN else ""
    return UserError(f"{question}: one of {', '.join(names)}{more}.")

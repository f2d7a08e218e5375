"""The question that is asked where nobody said which column of a table is to be predicted."""

from __future__ import annotations

from pathlib import Path

from sweeps.errors import UserError
from sweeps.spec.table_rows import column_names

#: So many names are listed.
_SHOWN = 12


def which_target(source: str) -> UserError:
    """The error that lists the columns of the table, as far as it can be read."""
    question = f"which column of {Path(source).name} is to be predicted? Say it with --target NAME"
    names = column_names(source)
    if not names:
        return UserError(f"{question}.")
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return UserError(f"{question}: one of {', '.join(map(repr, names[:_SHOWN]))}{more}.")

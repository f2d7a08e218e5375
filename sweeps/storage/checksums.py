"""Check sums of the rows of a store: damaged and deleted rows are errors, not wrong numbers."""

from __future__ import annotations

import contextlib
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sweeps.storage.database import DATABASE_NAME
from sweeps.storage.rows import CHECKS
from sweeps.storage.sqlite_errors import damaged, sqlite_errors


def _named(letter: str) -> str:
    return f"(length(parts) - length(replace(parts, '{letter}', '')))"


# How many rows of a table a run names: a part is a letter and eight hexadecimal digits, between blanks; s, m
# and q are no such digits.
_STAGES, _QUANTITIES = _named("s"), _named("q")
_FORMULAS = f"(length(parts) + 1) / 10 - {_STAGES} - {_named('m')} - {_QUANTITIES}"


def _incomplete(table: str, named: str) -> str:
    found = f"SELECT run_id, count(*) AS n FROM {table} GROUP BY run_id"  # noqa: S608
    return (
        f"SELECT runs.run_id FROM runs LEFT JOIN ({found}) AS found USING (run_id) "  # noqa: S608
        f"WHERE coalesce(n, 0) != {named} ORDER BY runs.run_id LIMIT 1"
    )


def _orphans(table: str) -> str:
    return f"SELECT run_id FROM (SELECT DISTINCT run_id FROM {table} EXCEPT SELECT run_id FROM runs) LIMIT 1"  # noqa: S608


#: Queries that find rows whose related rows were deleted, and the messages about them; `_GONE_QUANTITIES` are
#: of a table that a file of an earlier version does not have.
_GONE = {
    _incomplete("stages", _STAGES): "run {} does not have the stages it had",
    _incomplete("formulas", _FORMULAS): "run {} does not have the formulas it had",
    _orphans("stages"): "run {} is gone, and its stages are there",
    _orphans("formulas"): "run {} is gone, and its formulas are there",
    "SELECT run_id FROM runs WHERE env_id NOT IN (SELECT env_id FROM environments) LIMIT 1": (
        "the environment in which run {} was computed is missing"
    ),
    "SELECT last - first + 1 FROM (SELECT CAST(value AS INTEGER) AS first, "
    "CAST(substr(value, instr(value, ' ') + 1) AS INTEGER) AS last FROM meta WHERE key = 'plan_rows') "
    "WHERE last - first + 1 != (SELECT count(*) FROM plan)": "the plan does not have the {} runs it had",
}
_GONE_QUANTITIES = {
    _incomplete("quantities", _QUANTITIES): "run {} does not have the quantities it had",
    _orphans("quantities"): "run {} is gone, and its quantities are there",
}


class CheckedRows:
    """The tables of the store in `directory`, read through an open connection; see `sweeps.storage.rows`."""

    def __init__(self, directory: Path, connection: sqlite3.Connection) -> None:
        self.directory = directory
        self._connection = connection
        self._complete = False

    @property
    def path(self) -> Path:
        """The database file."""
        return self.directory / DATABASE_NAME

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one state of the file within the `with` block, whatever a running sweep adds meanwhile.

        Nothing can be written within it. One inside another is part of the outer one.

        Examples
        --------
        >>> with store.snapshot():  # doctest: +SKIP
        ...     runs, stages = store.runs(), store.stages()
        """
        if self._connection.in_transaction:
            yield
            return
        with sqlite_errors(self.path):
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def check_complete(self) -> None:
        """Raise UserError if rows are gone: stages and formulas of a run, its machine, runs of the plan.

        Whoever counts rows, or reads all of a table, asks for it first; it is done once. It is looked at in
        numbers: every row has a check sum, and a run names the rows that belong to it. A file of an older
        version, which only readers see, does not say how many there were.
        """
        if self._complete or "parts" not in self._present("runs"):
            return
        self._complete = True
        questions = _GONE | (_GONE_QUANTITIES if self._present("quantities") else {})
        for question, finding in questions.items():
            for (name,) in self._rows(question):
                raise damaged(self.path, finding.format(name))

    def _all(self, table: str, order: str) -> list[Any]:
        """Return all rows of a table in the order of the file, without its indices, which may be damaged."""
        return self._checked(table, f"NOT INDEXED ORDER BY {order}")

    def _checked(self, table: str, which: str, values: Sequence[object] = ()) -> list[Any]:
        """Return rows in the columns of `CHECKS`, with their check sums behind, compared with them.

        A file that may only be read can be of an older version: a column that it does not have is empty, a
        table that it does not have too, and without check sums nothing is compared.
        """
        check, present = CHECKS[table], self._present(table)
        if not present:
            return []
        names = [name if name in present else "''" for name in check.columns]
        names.append("crc" if "crc" in present else "NULL")
        rows = self._rows(f"SELECT {', '.join(names)} FROM {table} {which}", values)  # noqa: S608
        if "crc" not in present:
            return rows
        for row in rows:
            try:
                same = check(row) == row[-1]
            except (TypeError, ValueError, struct.error):
                same = False
            # Models that an earlier version stored have no check sum.
            if not same and not (table == "models" and row[-1] is None):
                raise damaged(self.path, f"a row of {table} is not what was written: {row[0]}")
        return rows

    def _present(self, table: str) -> list[str]:
        """Return the columns that a table has in this file; a writer may be about to add some."""
        return [row[1] for row in self._rows(f"PRAGMA table_info({table})")]

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[Any]:
        with sqlite_errors(self.path):
            return self._connection.execute(query, values).fetchall()

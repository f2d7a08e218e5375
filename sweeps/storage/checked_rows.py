"""Rows of a store as they were written, or an error that says which are not."""

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


class CheckedRows:
    """The tables of the store in `directory`, read through an open connection; see `sweeps.storage.rows`."""

    def __init__(self, directory: Path, connection: sqlite3.Connection) -> None:
        self.directory = directory
        self._connection = connection

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

    def _all(self, table: str, order: str) -> list[Any]:
        """Return all rows of a table; it is read as it lies, for an index may be damaged by itself."""
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

"""The header of a delimited text file, and the columns that are asked for."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from kan_np._validate import choice

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Table:
    """Where the data records of a file begin, and what they are to be read for.

    `header_row` counts as a spreadsheet does, from 1. `wanted` are the positions of the columns to read, in
    this order; `group` is that of the column that says which rows belong together.
    """

    path: Path
    delimiter: str
    header: tuple[str, ...]
    header_row: int
    wanted: tuple[int, ...] = ()
    group: int | None = None

    def place(self, row: int, column: int) -> str:
        """Say where a cell is, for messages."""
        return f"{self.path}: row {row}, column {self.header[column]!r} (column {column + 1})"


@dataclass(frozen=True)
class Chosen:
    """The names of the columns that are read: inputs, targets, and the one that names groups."""

    features: tuple[str, ...]
    targets: tuple[str, ...]
    group: str | None = None


def records(handle: TextIO, delimiter: str) -> Iterator[list[str]]:
    """Return the records of a file from its beginning."""
    handle.seek(0)
    return csv.reader(handle, delimiter=delimiter, skipinitialspace=True, strict=True)


def number(cell: str) -> float | None:
    """Return the number in a cell, infinities and NaN too; None for anything else.

    `float` takes 1_000 and digits of other scripts for numbers, a scientist does not.
    """
    if "_" in cell or not cell.isascii():
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def read_header(handle: TextIO, path: Path, delimiter: str | None) -> Table:
    """Find delimiter and column names; raise ValueError for a header that cannot be used."""
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1):
        raise ValueError(f"delimiter is {delimiter!r}; expected one character, or None to find it.")
    candidates = _DELIMITERS if delimiter is None else (delimiter,)
    # max() keeps the first of equals: a header of one column counts as comma-separated.
    row, names, found = max((_first_record(handle, one) for one in candidates), key=lambda c: len(c[1]))
    header = tuple(name.strip() for name in names)
    if not header:
        raise ValueError(f"{path} has no readable header row; expected column names in its first row.")
    if all(number(name) is not None for name in header):
        raise ValueError(
            f"{path}: the first row holds only numbers ({', '.join(header[:5])}); expected a header with "
            "column names. Add one."
        )
    for name in header:
        places = [i + 1 for i, other in enumerate(header) if other == name]
        if name and len(places) > 1:
            raise ValueError(
                f"{path}: the column name {name!r} appears {len(places)} times in the header (columns "
                f"{', '.join(map(str, places))}); expected distinct names. Rename or remove columns."
            )
    return Table(path, found, header, row)


def _first_record(handle: TextIO, delimiter: str) -> tuple[int, list[str], str]:
    """Return the row number and fields of the first record that is not blank; no fields if there is none."""
    try:
        for row, record in enumerate(records(handle, delimiter), start=1):
            if any(map(str.strip, record)):
                return row, record, delimiter
    except csv.Error:
        pass  # quotes that make no sense with this delimiter: it is not the one
    return 0, [], delimiter


def choose(
    table: Table, target: str | Sequence[str], features: Sequence[str] | None, group: str | None
) -> Chosen:
    """Return the names of feature, target and group columns, checked against the header."""
    path = table.path
    targets = _known_names("target", [target] if isinstance(target, str) else list(target), table)
    if group is not None:
        (group,) = _known_names("group", [group], table)
        if group in targets:
            raise ValueError(f"{path}: {group!r} is both the group and a target; expected different columns.")
    if features is not None:
        if isinstance(features, str):
            features = [features]
        inputs = _known_names("features", list(features), table)
        both = [name for name in inputs if name in targets]
        if both:
            raise ValueError(f"{path}: {both[0]!r} is both a feature and a target; expected one of them.")
        return Chosen(tuple(inputs), tuple(targets), group)
    inputs = [name for name in table.header if name not in targets and name != group]
    if "" in inputs:
        raise ValueError(
            f"{path}: column {table.header.index('') + 1} of the header has no name; expected a name for "
            "every column. Name it, or choose the inputs with features=[...]."
        )
    if not inputs:
        besides = f"the target {targets}" + (f" and the group {group!r}" if group is not None else "")
        raise ValueError(
            f"{path} has no column besides {besides}; expected at least one input column. "
            f"(It was read with the delimiter {table.delimiter!r}.)"
        )
    return Chosen(tuple(inputs), tuple(targets), group)


def looking_for(table: Table, chosen: Chosen) -> Table:
    """Return a table that is read for the chosen columns; raise ValueError if it does not have them."""
    missing = [name for name in (*chosen.features, *chosen.targets) if name not in table.header]
    if missing:
        raise ValueError(
            f"{table.path} has no column {missing[0]!r}; expected the columns "
            f"{', '.join([*chosen.features, *chosen.targets])}, as in the training table."
        )
    wanted = tuple(table.header.index(name) for name in (*chosen.features, *chosen.targets))
    group = None if chosen.group is None else table.header.index(chosen.group)
    return replace(table, wanted=wanted, group=group)


def _known_names(role: str, names: list[str], table: Table) -> list[str]:
    if not names:
        raise ValueError(f"{role} is empty; expected the name of at least one column of {table.path}.")
    known = [choice(f"{table.path}: {role}", name, filter(None, table.header)) for name in names]
    if len(set(known)) < len(known):
        raise ValueError(f"{role} is {known}; expected every name once.")
    return known

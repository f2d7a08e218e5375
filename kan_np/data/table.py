"""The header of a delimited text file, and the columns that are asked for."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from kan_np._validate import choice
from kan_np.data.numerals import COMMA, comma_number, number

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Table:
    """Where the data records of a file begin, and what they are to be read for.

    `header_row` counts as a spreadsheet does, from 1. `wanted` are the positions of the columns to read, in
    this order; `group` is that of the column that says which rows belong together. `decimal` is the decimal
    mark that was asked for, None to find it.
    """

    path: Path
    delimiter: str
    header: tuple[str, ...]
    header_row: int
    wanted: tuple[int, ...] = ()
    group: int | None = None
    decimal: str | None = None

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


def read_header(handle: TextIO, path: Path, delimiter: str | None) -> Table:
    """Find delimiter and column names; raise ValueError for a header that cannot be used."""
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1):
        raise ValueError(f"delimiter is {delimiter!r}; expected one character, or None to find it.")
    found = _find_delimiter(handle, path) if delimiter is None else delimiter
    (row, names), _ = _first_records(handle, found)
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


def _find_delimiter(handle: TextIO, path: Path) -> str:
    """Return the delimiter that splits the header and the row below it alike, and leaves numbers.

    Where none splits them alike the row is at fault, and the header alone decides.
    """
    ranks: dict[str, tuple[float, ...]] = {}
    for one in _DELIMITERS:
        (_, names), (_, cells) = _first_records(handle, one)
        alike = len(names) == len(cells) > 1
        numbers = sum(
            number(cell) is not None or (one != COMMA and comma_number(cell) is not None) for cell in cells
        )
        ranks[one] = (alike, numbers / len(cells) if alike else 0.0, len(names))
    best = [one for one in _DELIMITERS if ranks[one] == max(ranks.values())]
    if len(best) > 1 and ranks[best[0]][0]:
        raise ValueError(
            f"{path} may have the delimiter {' or '.join(map(repr, best))}; expected that its rows tell "
            "which. Put names and cells that have such a character in them between double quotes."
        )
    return best[0]  # a header of one column counts as comma-separated


def _first_records(handle: TextIO, delimiter: str) -> tuple[tuple[int, list[str]], tuple[int, list[str]]]:
    """Return row number and fields of the first two records that are not blank; 0 and none if missing."""
    found: list[tuple[int, list[str]]] = []
    try:
        for row, record in enumerate(records(handle, delimiter), start=1):
            if any(map(str.strip, record)):
                found.append((row, record))
            if len(found) == 2:
                break
    except csv.Error:
        pass  # quotes that make no sense with this delimiter: it is not the one, or the row is named later
    found += [(0, [])] * (2 - len(found))
    return found[0], found[1]


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

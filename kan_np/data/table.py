"""The layout of a delimited text file: delimiter, column names, and the columns to be read."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TextIO

from kan_np._validate import choice
from kan_np.data.numerals import number
from kan_np.data.preamble import COMMENT, find_delimiter, first_records, read_preamble

_SHOWN = 20  # most names in a message; a table may have a hundred thousand columns
_COMPARED = 10_000  # names among which a similar spelling is searched; more would take seconds


@dataclass(frozen=True)
class TextTable:
    """The layout of a text file: where its records begin, its column names, and the columns to be read.

    `header_row` counts from 1, as in a spreadsheet; the first `n_above` lines are comments or titles, and
    `first_name` is the first name as it is written, which may be in a comment. `wanted` are the positions of
    the columns to read, in this order; `group` is the position of the column of groups, rows of which are
    kept together in a split. `decimal` is the decimal mark, None to detect it.
    """

    path: Path
    delimiter: str
    header: tuple[str, ...]
    header_row: int
    n_above: int = 0
    first_name: str = ""
    wanted: tuple[int, ...] = ()
    group: int | None = None
    decimal: str | None = None

    @cached_property
    def position(self) -> Mapping[str, int]:
        """The position of every name in the header, from 0; of several empty names the first."""
        return {name: i for i, name in list(enumerate(self.header))[::-1]}

    def place(self, row: int, column: int) -> str:
        """The position of a cell in words, for messages."""
        return f"{self.path}: row {row}, column {self.header[column]!r} (column {column + 1})"


@dataclass(frozen=True)
class Chosen:
    """The names of the columns to be read: inputs, targets, and the column of groups."""

    features: tuple[str, ...]
    targets: tuple[str, ...]
    group: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs, then the targets."""
        return (*self.features, *self.targets)


def read_header(handle: TextIO, path: Path, delimiter: str | None, asked: Collection[str] = ()) -> TextTable:
    """Return the layout of a file from its header; raise ValueError for a header that cannot be used.

    Parameters
    ----------
    handle : file
        Open for reading as text.
    path : Path
        For messages.
    delimiter : str or None
        None to detect it.
    asked : collection of str
        Column names that are expected; they help to tell the header from the lines above and below it.
    """
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1):
        raise ValueError(f"delimiter is {delimiter!r}; expected one character, or None to find it.")
    above = read_preamble(handle, delimiter, asked)
    found = above.delimiter or _found_delimiter(handle, path, above.n_lines)
    ((row, names),) = first_records(handle, found, above.n_lines, 1)
    header = tuple(name.strip() for name in names)
    if not header:
        raise ValueError(f"{path} has no readable header row; expected column names in its first row.")
    if above.commented and header[0] == COMMENT and found.isspace() and found != "\t":
        header = header[1:]  # the blank behind # is no delimiter
    written = header[0]
    if above.commented:
        header = (written.lstrip(COMMENT).strip() or written, *header[1:])
    if all(number(name) is not None for name in header):
        raise ValueError(
            f"{path}: the first row holds only numbers ({', '.join(header[:5])}); expected a header with "
            "column names. Add one."
        )
    _refuse_names_twice(path, header)
    return TextTable(path, found, header, row, above.n_lines, written)


def _refuse_names_twice(path: Path, header: Sequence[str]) -> None:
    """Raise ValueError for a name that several columns have; linear in the number of columns."""
    counts = Counter(header)
    for name, count in counts.items():
        if name and count > 1:
            places = [str(i) for i, other in enumerate(header, start=1) if other == name]
            shown = ", ".join(places[:_SHOWN]) + (", ..." if count > _SHOWN else "")
            raise ValueError(
                f"{path}: the column name {name!r} appears {count} times in the header (columns {shown}); "
                "expected distinct names. Rename or remove columns."
            )


def _found_delimiter(handle: TextIO, path: Path, n_lines: int) -> str:
    best = find_delimiter(handle, n_lines)
    if len(best) > 1:
        raise ValueError(
            f"{path} may have the delimiter {' or '.join(map(repr, best))}; expected rows that tell "
            "which. Put names and cells that contain such a character between double quotes, or pass "
            "delimiter=."
        )
    return best[0]


def choose(
    table: TextTable, target: str | Sequence[str] | None, features: Sequence[str] | None, group: str | None
) -> Chosen:
    """Return the names of feature, target and group columns, checked against the header."""
    path, targets = table.path, list[str]()
    if target is not None:
        targets = _known_names("target", [target] if isinstance(target, str) else list(target), table)
    if group is not None:
        (group,) = _known_names("group", [group], table)
        if group in targets:
            raise ValueError(f"{path}: {group!r} is both the group and a target; expected different columns.")
    if features is not None:
        if isinstance(features, str):
            features = [features]
        inputs = _known_names("features", list(features), table)
        both = [name for name in inputs if name in set(targets)]
        if both:
            raise ValueError(f"{path}: {both[0]!r} is both a feature and a target; expected one of them.")
        return Chosen(tuple(inputs), tuple(targets), group)
    others = {*targets, group}
    inputs = [name for name in table.header if name not in others]
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


def looking_for(table: TextTable, chosen: Chosen) -> TextTable:
    """Return the layout with the chosen columns to be read; raise ValueError if the file lacks one."""
    names = chosen.names
    missing = [name for name in names if name not in table.position]
    if missing:
        hint = ""
        if missing[0] in chosen.targets:
            hint = (
                " The test error needs the target. Rows without a target, to be passed to predict, are read "
                "by load_csv with None for the target."
            )
        raise ValueError(
            f"{table.path} has no column {missing[0]!r}; expected the columns {_listed(names)}, as in the "
            f"training table.{hint}"
        )
    wanted = tuple(table.position[name] for name in names)
    group = None if chosen.group is None else table.position[chosen.group]
    return replace(table, wanted=wanted, group=group)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _known_names(role: str, names: list[str], table: TextTable) -> list[str]:
    if not names:
        raise ValueError(f"{role} is empty; expected the name of at least one column of {table.path}.")
    known = [_known_name(role, name, table) for name in names]
    if len(set(known)) < len(known):
        raise ValueError(f"{role} is {known}; expected every name once.")
    return known


def _known_name(role: str, name: str, table: TextTable) -> str:
    """Return a name that the table has; raise ValueError for any other."""
    if name == table.first_name:
        return table.header[0]
    if name and name in table.position:
        return name
    options = [option for option in table.header if option]
    if len(options) > _SHOWN:
        # Searching among very many names takes seconds, and a message cannot list them all.
        near = difflib.get_close_matches(str(name), options[:_COMPARED], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"{table.path}: {role} is {name!r}; expected one of the {len(options)} columns "
            f"{', '.join(map(repr, options[:_SHOWN]))}, ....{hint}"
        )
    hint = ""
    if len(options) == 1 and any(map(str.isspace, options[0])):
        hint = f" (Read with the delimiter {table.delimiter!r}; pass delimiter=' ' if blanks separate.)"
    elif table.n_above:
        hint = f" (The names are those of row {table.header_row}.)"
    try:
        return choice(f"{table.path}: {role}", name, options)
    except ValueError as error:
        raise ValueError(f"{error}{hint}") from None

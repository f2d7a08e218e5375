"""Lines above the column names of a text file: comments, titles, and "sep=;", which names the delimiter."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TextIO

from kan_np.data.numerals import COMMA, comma_number, number

COMMENT = "#"
BLANKS = " "  # one or several
DELIMITERS = (",", ";", "\t")
_SEP = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # spreadsheets write and read this in the first line
_TITLES = 20  # most title lines above the names; chosen by judgement


@dataclass(frozen=True)
class Preamble:
    """The lines above the column names: their number, and the delimiter if one of them names it.

    `commented` says that the names themselves are in a comment, as `numpy.savetxt` writes them.
    """

    n_lines: int = 0
    delimiter: str | None = None
    commented: bool = False


class Records(Iterator[list[str]], Protocol):
    """Records of a text file, read one after the other."""

    @property
    def line_num(self) -> int:
        """Lines that have been read."""
        ...


def records(handle: TextIO, delimiter: str, n_lines: int = 0) -> Records:
    """Return the records of a file behind its first `n_lines` lines."""
    handle.seek(0)
    for _ in range(n_lines):
        handle.readline()
    lines: Iterable[str] = handle
    if delimiter == BLANKS:
        lines = (BLANKS.join(line.split()) + "\n" for line in handle)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)


def first_records(
    handle: TextIO, delimiter: str, n_lines: int = 0, n: int = 2
) -> list[tuple[int, list[str]]]:
    """Return row number and fields of the first n records that are not blank; (0, []) for missing ones."""
    found: list[tuple[int, list[str]]] = []
    try:
        for row, record in enumerate(records(handle, delimiter, n_lines), start=n_lines + 1):
            if any(map(str.strip, record)):
                found.append((row, record))
            if len(found) == n:
                break
    except csv.Error:
        pass  # unbalanced quotes with this delimiter: it is another one, or reading the cells reports the row
    return found + [(0, [])] * (n - len(found))


def read_preamble(handle: TextIO, delimiter: str | None, asked: Collection[str]) -> Preamble:
    """Find the lines above the column names of a file; `asked` are column names that are known."""
    lines, below = _first_lines(handle)
    said = _SEP.fullmatch(lines[0]) if lines else None
    start = 1 if said else 0
    delimiter = said[1] if said and delimiter is None else delimiter
    above = Preamble(start, delimiter)
    comments = [i for i, line in enumerate(lines) if line and i >= start]
    among = DELIMITERS if delimiter is None else (delimiter,)
    if comments:
        if _has_names(lines[comments[-1]], below, (*among, BLANKS) if delimiter is None else among, asked):
            return Preamble(comments[-1], delimiter, True)
        above = Preamble(comments[-1] + 1, delimiter)
    return _below_titles(handle, above, among)


def _first_lines(handle: TextIO) -> tuple[list[str], str]:
    """Return the first line that is no comment and does not name the delimiter, and the lines above it."""
    handle.seek(0)
    lines: list[str] = []
    for line in map(str.strip, iter(handle.readline, "")):
        if line and line[0] != COMMENT and not (_SEP.fullmatch(line) and not lines):
            return lines, line
        lines.append(line)
    return lines, ""


def _has_names(comment: str, below: str, among: Sequence[str], asked: Collection[str]) -> bool:
    """Whether a comment holds the column names, and the line below it the first row."""
    for delimiter in among:
        names, cells = (_fields(line, delimiter) for line in (comment.lstrip("# "), below))
        if (len(names) != len(cells) or (delimiter == BLANKS and len(names) == 1)) and below:
            continue
        known = [set(asked) <= set(fields) for fields in (names, cells)] if asked else [False, False]
        if known[0] != known[1]:
            return known[0]
        if any(number(cell) is not None or comma_number(cell) is not None for cell in cells):
            return not all(number(name) is not None for name in names)
    # A file of comments only is a table without rows, whose names are the comment.
    return not below


def _fields(line: str, delimiter: str) -> list[str]:
    if delimiter == BLANKS:
        line = BLANKS.join(line.split())
    try:
        (fields,) = csv.reader([line], delimiter=delimiter, skipinitialspace=True)
    except (csv.Error, ValueError):
        return []
    return [field.strip() for field in fields]


def _below_titles(handle: TextIO, above: Preamble, among: Sequence[str]) -> Preamble:
    """Skip title lines of one field each if a table of several columns follows."""
    for delimiter in among:
        (_, first), (_, second) = first_records(handle, delimiter, above.n_lines)
        if len(first) == len(second) and sum(map(bool, map(str.strip, first))) > 1:
            return above
    for delimiter in among:
        found = first_records(handle, delimiter, above.n_lines, _TITLES)
        filled = [sum(bool(field.strip()) for field in record) for _, record in found]
        n = next((i for i, count in enumerate(filled) if count > 1), 0)
        if n and n + 1 < len(found) and len(found[n][1]) == len(found[n + 1][1]):
            return Preamble(found[n][0] - 1, above.delimiter)
    return above


def find_delimiter(handle: TextIO, n_lines: int) -> list[str]:
    """Return the delimiters that split header and first row into as many fields, with most numbers.

    Several are returned if they cannot be told apart. If none splits both into as many fields, blanks may, or
    else the header alone decides, and reading reports the row. A header of a single column counts as
    comma-separated.
    """
    ranks: dict[str, tuple[float, ...]] = {}
    for one in DELIMITERS:
        (_, names), (_, cells) = first_records(handle, one, n_lines)
        alike = len(names) == len(cells) > 1
        numbers = sum(
            number(cell) is not None or (one != COMMA and comma_number(cell) is not None) for cell in cells
        )
        ranks[one] = (alike, numbers / len(cells) if alike else 0.0, len(names))
    best = [one for one in DELIMITERS if ranks[one] == max(ranks.values())]
    if ranks[best[0]][0]:
        return best
    return [BLANKS] if _is_blank_separated(handle, n_lines) else best[:1]


def _is_blank_separated(handle: TextIO, n_lines: int) -> bool:
    """Whether blanks, one or several, separate names and below them as many cells with a number in them."""
    (_, names), (_, cells) = first_records(handle, BLANKS, n_lines)
    names = names[1:] if names[:1] == [COMMENT] else names
    return len(names) == len(cells) > 1 and any(number(cell) is not None for cell in cells)

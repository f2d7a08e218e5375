"""Reading the cells of a text file: numbers, classes written as text, and errors that name row and column.

Types are inferred by column: a column with more text than numbers holds classes; in any other column a text
is a mistake, and the error names its row.
"""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import NoReturn, TextIO

import numpy as np

from kan_np._validate import FloatArray
from kan_np.data.disguised import Disguise, disguise, disguised
from kan_np.data.numerals import COMMA, POINT, comma_number, is_grouped, may_be_grouped, number
from kan_np.data.preamble import COMMENT, records
from kan_np.data.table import TextTable

_MISSING = frozenset(
    {"", "na", "n/a", "#n/a", "nan", "null", "none", "-", "?", ".", "\u2212", "\u2013", "\u2014"}
)
_CHUNK = 1 << 16  # records converted at a time: bounds the memory held as Python strings
_NAMED = 10  # missing cells that a message names
#: A column of more classes is refused: it rather holds the name of every row. Chosen by judgement.
_MOST_CLASSES = 100

Classes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Cells:
    """The cells of the wanted columns as numbers, and the group of every row if there are groups.

    `classes` maps the name of each column of classes to its classes; in such a column `values` holds the
    index of a cell's class. `decimal` is "," if the numbers have a decimal comma, else None.
    """

    values: FloatArray
    groups: tuple[str, ...] | None
    classes: Classes
    decimal: str | None = None


def read_cells(
    handle: TextIO, table: TextTable, one_hot: bool, known: Classes | None = None, usual: str | None = None
) -> Cells:
    """Return the wanted columns of a table, shape (n_rows, n_wanted).

    Parameters
    ----------
    handle : file
        Open for reading as text.
    table : TextTable
        What to read.
    one_hot : bool
        Whether classes are accepted.
    known : mapping, optional
        The classes of the columns, from the training table; others are refused.
    usual : str, optional
        The decimal mark of the training table, which decides how 1,234 is read. Where it is a comma, numbers
        with a point are refused, since the point may separate thousands.

    Raises
    ------
    ValueError
        For missing cells, cells that do not suit their column, and classes that are not accepted.
    """
    # numpy's parser is several times faster than the csv module, but it counts rows differently in its
    # errors, does not notice rows of a wrong length if it reads only some columns, and does not report
    # whether numbers have a decimal point.
    plain = table.group is None and not known and COMMA not in (table.decimal, usual)
    if plain and len(table.wanted) == len(table.header):
        values = _read_fast(handle, table)
        if values is not None:
            return Cells(values, None, {})
    return _Reading(table, usual).of(handle, one_hot, known)


def _read_fast(handle: TextIO, table: TextTable) -> FloatArray | None:
    """Return the values of a table that is clean in every cell, or None."""
    lines = records(handle, table.delimiter, table.n_above)
    for _ in range(table.header_row - table.n_above):
        next(lines)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a table without rows: the caller raises an error
            values = np.loadtxt(handle, delimiter=table.delimiter, comments=None, quotechar='"', ndmin=2)
    except ValueError:
        return None
    if values.shape[1] != len(table.header) or not np.isfinite(values).all():
        return None
    return np.ascontiguousarray(values[:, table.wanted])


@dataclass
class _Column:
    """The cells of one column that are no finite numbers, and how its numbers are written.

    `texts` are triples of position among the data, row in the file and text. `infinite` are pairs of row and
    text, and so are the first number with a point, the first with a comma, and the first with a comma that
    must be decimal. `disguise` is an example of its texts where those are numbers or dates with other
    characters.
    """

    texts: list[tuple[int, int, str]] = field(default_factory=list)
    infinite: list[tuple[int, str]] = field(default_factory=list)
    point: tuple[int, str] | None = None
    comma: tuple[int, str] | None = None
    decimal_comma: tuple[int, str] | None = None
    disguise: Disguise | None = None

    def is_numbers(self, n_rows: int, one_hot: bool) -> bool:
        """Whether its texts are numbers in a form that is not supported.

        Codes such as 192.168.100 look like numbers with separated thousands. Where classes are accepted,
        texts count as codes if they fill every row and occur twice or more, on average.
        """
        texts = [text for _, _, text in self.texts]
        if one_hot and len(texts) == n_rows >= 2 * len(set(texts)) and all(map(is_grouped, texts)):
            return False
        return all(is_grouped(text) or comma_number(text) is not None for text in texts)

    def first_text(self) -> list[tuple[int, str]]:
        """Return row and text of the first cell that is no number; an empty list if there is none.

        Where the texts are numbers with a unit or the like, it is the first of these.
        """
        wanted = self.disguise and self.disguise.text
        return [(row, text) for _, row, text in self.texts if wanted in (None, text)][:1]


class _Reading:
    """One pass through a text file by the csv module, which collects everything that errors need."""

    def __init__(self, table: TextTable, usual: str | None) -> None:
        self._table, self._usual = table, usual
        self._columns = [_Column() for _ in table.wanted]
        self._missing: list[tuple[int, int, str]] = []  # row, column, text
        self._groups: list[str] = []
        self._n_rows = 0
        # Where commas separate cells, a quoted cell with a comma is more often a mistake than a decimal
        # comma.
        self._commas = table.decimal == COMMA or (table.decimal is None and table.delimiter != COMMA)

    def of(self, handle: TextIO, one_hot: bool, known: Classes | None) -> Cells:
        """Return the cells, or raise ValueError."""
        values = np.concatenate([np.empty((0, len(self._columns))), *self._blocks(handle)])
        if self._missing:
            self._raise_for_missing()
        classes = self._infer(values, one_hot, known)
        self._raise_for_bad_cell(classes)
        decimal = self._decimal(classes)
        for j, column in enumerate(self._columns):
            name = self._name(j)
            if name in classes:
                values[:, j] = self._positions(values[:, j], column, name, classes[name])
        groups = None if self._table.group is None else tuple(self._groups)
        return Cells(values, groups, classes, decimal)

    def _name(self, j: int) -> str:
        return self._table.header[self._table.wanted[j]]

    def _blocks(self, handle: TextIO) -> Iterator[FloatArray]:
        lines = records(handle, self._table.delimiter, self._table.n_above)
        row = self._table.header_row + 1
        try:
            next(islice(lines, self._table.header_row - self._table.n_above - 1, None))  # the header
            while chunk := list(islice(lines, _CHUNK)):
                block = self._clean_block(chunk, row)
                yield self._block(chunk, row) if block is None else block
                row += len(chunk)
        except csv.Error as error:
            line = self._table.n_above + lines.line_num
            raise ValueError(
                f"{self._table.path}: line {line} cannot be read ({error}); expected fields separated by "
                f"{self._table.delimiter!r} with balanced quotes. Correct the file there."
            ) from None

    def _clean_block(self, chunk: list[list[str]], first_row: int) -> FloatArray | None:
        """Return the values of records that are clean in every wanted cell, or None."""
        table = self._table
        if set(map(len, chunk)) != {len(table.header)}:
            return None
        block = np.empty((len(chunk), len(table.wanted)))
        for j, column in enumerate(table.wanted):
            cells = list(map(itemgetter(column), chunk))
            text = "".join(cells)
            if "_" in text or not text.isascii():  # see `number`
                return None
            try:
                block[:, j] = np.fromiter(map(float, cells), np.float64, len(cells))
            except ValueError:
                return None
            points_matter = self._commas or self._usual == COMMA
            if points_matter and POINT in text and self._columns[j].point is None:
                i = next(i for i, cell in enumerate(cells) if POINT in cell)
                self._columns[j].point = (first_row + i, cells[i])
        if not np.isfinite(block).all():
            return None
        if table.group is not None:
            groups = [record[table.group].strip() for record in chunk]
            if any(group.lower() in _MISSING for group in groups):
                return None
            self._groups += groups
        self._n_rows += len(chunk)
        return block

    def _block(self, chunk: list[list[str]], first_row: int) -> FloatArray:
        """Return the values of the records that are not blank, NaN where a cell is not a finite number."""
        table = self._table
        rows = []
        for row, record in enumerate(chunk, start=first_row):
            if not any(map(str.strip, record)):
                continue
            if len(record) != len(table.header):
                raise ValueError(
                    f"{table.path}: row {row} has {len(record)} fields; expected {len(table.header)}, as in "
                    f"the header. Fields that contain {table.delimiter!r} must be quoted."
                    f"{_comment_hint(record[0])}"
                )
            rows.append([self._cell(record[column], row, j) for j, column in enumerate(table.wanted)])
            if table.group is not None:
                self._group(record[table.group].strip(), row, table.group)
            self._n_rows += 1
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(table.wanted))

    def _cell(self, cell: str, row: int, j: int) -> float:
        text, column = cell.strip(), self._columns[j]
        value = number(cell)
        if value is not None and math.isfinite(value):
            if POINT in cell and column.point is None:
                column.point = (row, text)
            return value
        if self._commas and value is None and (value := comma_number(cell)) is not None:
            column.comma = column.comma or (row, text)
            if not may_be_grouped(cell):
                column.decimal_comma = column.decimal_comma or (row, text)
            if math.isfinite(value):
                return value
        if text.lower() in _MISSING:
            self._missing.append((row, self._table.wanted[j], text))
        elif value is not None:
            column.infinite.append((row, cell))
        else:
            column.texts.append((self._n_rows, row, text))
        return math.nan

    def _group(self, text: str, row: int, column: int) -> None:
        if text.lower() in _MISSING:
            self._missing.append((row, column, text))
        self._groups.append(text)

    def _infer(self, values: FloatArray, one_hot: bool, known: Classes | None) -> Classes:
        """Return the classes of every column that has them."""
        if known is not None:
            return known
        found: dict[str, tuple[str, ...]] = {}
        for j, column in enumerate(self._columns):
            if 2 * len(column.texts) <= len(values) or column.is_numbers(len(values), one_hot):
                continue
            labels = {text for _, _, text in column.texts}
            column.disguise = disguised(text for _, _, text in column.texts)
            if column.disguise is not None:
                continue  # refused as a mistake later, in any mode of `classes`
            labels |= set(map(_number_text, values[np.isfinite(values[:, j]), j].tolist()))
            found[self._name(j)] = tuple(sorted(labels))
            if not one_hot:
                self._refuse_classes(j, found[self._name(j)])
            elif len(labels) > _MOST_CLASSES:
                raise ValueError(
                    f"{self._table.path}: column {self._name(j)!r} holds {len(labels)} different texts in "
                    f"{len(values)} rows; expected at most {_MOST_CLASSES} classes. If it names rows, leave "
                    "it out with features=[...], or pass group= if it names which rows belong together."
                )
        return found

    def _decimal(self, classes: Classes) -> str | None:
        """Return "," if the numbers have decimal commas, else None; raise ValueError if they are mixed."""
        held = [(j, column) for j, column in enumerate(self._columns) if self._name(j) not in classes]
        points = [(column.point[0], j, column.point[1]) for j, column in held if column.point]
        commas = [(column.comma[0], j, column.comma[1]) for j, column in held if column.comma]
        if points and (commas or COMMA in (self._table.decimal, self._usual)):
            row, j, text = min(points)
            where = f"{self._table.place(row, self._table.wanted[j])} holds {text!r}, with a decimal point"
            if commas:
                row, j, text = min(commas)
                other = f"row {row}, column {self._name(j)!r} holds {text!r}, with a comma"
            elif self._table.decimal == COMMA:
                other = "decimal=',' was given"
            else:
                other = "the training table has decimal commas"
            raise ValueError(
                f"{where}, and {other}; expected one decimal mark in all numbers, and no separators of "
                "thousands. Write all numbers in one way."
            )
        if not commas:
            return None
        sure = COMMA in (self._table.decimal, self._usual)
        if not sure and not any(column.decimal_comma for _, column in held):
            row, j, text = min(commas)
            readings = f"{text.replace(COMMA, POINT)} or {text.replace(COMMA, '')}"
            raise ValueError(
                f"{self._table.place(row, self._table.wanted[j])} holds {text!r}, and every comma of the "
                f"table stands before three digits, so that it may mean {readings}; expected an unambiguous "
                "number. Pass decimal=',' if the commas are decimal, or delete them if they separate "
                "thousands."
            )
        return COMMA

    def _refuse_classes(self, j: int, labels: Sequence[str]) -> NoReturn:
        _, row, text = self._columns[j].texts[0]
        some = ", ".join(map(repr, labels[:5])) + (", ..." if len(labels) > 5 else "")
        kinds = f"{len(labels)} different texts" if len(labels) > 1 else "one text"
        raise ValueError(
            f"{self._table.place(row, self._table.wanted[j])} holds the text {text!r}, and the column holds "
            f"{kinds} ({some}): classes; expected numbers. Make a column of 0 and 1 of every class with "
            "classes='one-hot', or leave the column out with features=[...]."
        )

    def _positions(self, values: FloatArray, column: _Column, name: str, labels: Sequence[str]) -> FloatArray:
        """Return the class of every cell of a column, as its position among the labels."""
        position = {label: i for i, label in enumerate(labels)}
        texts = {place: (row, text) for place, row, text in column.texts}
        found = np.empty(len(values))
        for i, value in enumerate(values.tolist()):
            row, text = texts.get(i, (None, _number_text(value)))
            if text not in position:
                where = f"{self._table.path}: " + (f"row {row}, " if row else "") + f"column {name!r}"
                raise ValueError(
                    f"{where} holds {text!r}, a class that the training table does not have; expected one of "
                    f"{', '.join(map(repr, labels))}. Correct the cell or delete the row."
                )
            found[i] = position[text]
        return found

    def _raise_for_missing(self) -> NoReturn:
        (row, column, text), *others = self._missing
        got = "is empty" if not text else f"holds {text!r}, a missing value"
        more = ""
        if others:
            named = [f"row {row} {self._table.header[column]!r}" for row, column, _ in others[:_NAMED]]
            named += [f"{len(others) - _NAMED} more"] if len(others) > _NAMED else []
            more = f" {len(others)} other cells are missing too: {', '.join(named)}."
        raise ValueError(
            f"{self._table.place(row, column)} {got}; expected a number. Fill in the cell, delete the row, "
            f"or leave the column out with features=[...].{more}"
        )

    def _raise_for_bad_cell(self, classes: Classes) -> None:
        bad = []
        for j, column in enumerate(self._columns):
            bad += [(row, j, text, True) for row, text in column.infinite[:1]]
            if self._name(j) not in classes:
                bad += [(row, j, text, False) for row, text in column.first_text()]
        if not bad:
            return
        row, j, text, infinite = min(bad)
        where = self._table.place(row, self._table.wanted[j])
        if infinite:
            raise ValueError(
                f"{where} holds {text.strip()!r}; expected a finite number. Correct the cell or delete the "
                "row."
            )
        hint = ""
        if comma_number(text) is not None:
            hint = " Numbers are written with a decimal point, not a comma, unless you say decimal=','."
        elif is_grouped(text):
            hint = " Write numbers without separators of thousands: 1234.5, or with a decimal comma 1234,5."
        elif text.startswith(COMMENT):
            hint = _comment_hint(text)
        elif (found := self._columns[j].disguise or disguise(text)) is not None:
            hint = self._disguise_hint(j, found)
        elif all(place == 0 for column in self._columns for place, _, _ in column.texts):
            hint = " No row below has such texts: if this one holds units, delete it."
        raise ValueError(
            f"{where} holds the text {text!r}; expected a number. Correct the cell, or drop the column by "
            f"naming the others with features=[...].{hint}"
        )

    def _disguise_hint(self, j: int, found: Disguise) -> str:
        """The part of an error message that says why a text is no number, and what to do."""
        column = self._columns[j]
        if column.disguise is None:
            return f" It is {found.what}. {found.cure()}."
        n, n_texts = len(column.texts), len({text for _, _, text in column.texts})
        return (
            f" It is {found.what}, and the column holds {n} texts, {n_texts} of them different. They cannot "
            f"be classes, since they have an order and distances. {found.cure()}. (Names of classes begin "
            "with a letter.)"
        )


def _comment_hint(cell: str) -> str:
    if not cell.startswith(COMMENT):
        return ""
    return f" The row begins with {COMMENT!r}: only comments above the names are left out, delete this one."


def _number_text(value: float) -> str:
    """Return a number as text, for columns of classes in which some cells are numbers."""
    return f"{value:.17g}"

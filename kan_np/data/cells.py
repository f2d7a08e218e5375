"""Reading the cells of a text file: numbers, classes written as text, dates, and missing cells.

Types are inferred by column: a column with more text than numbers holds classes or dates; in any other column
a text is a mistake, or a word for a missing cell.
"""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.data.cell_problems import Problems, comment_hint
from kan_np.data.column_cells import CLASSES, DATES, Cell, ColumnCells
from kan_np.data.dates import AmbiguousDatesError, days_of_text, order_of
from kan_np.data.missing import is_missing_word, is_nothing
from kan_np.data.numerals import COMMA, POINT, comma_number, may_be_grouped, number
from kan_np.data.preamble import BLANKS, records
from kan_np.data.table import TextTable

_CHUNK = 1 << 16  # records converted at a time: bounds the memory held as Python strings
#: A column of more classes is refused: it rather holds the name of every row. Chosen by judgement.
MOST_CLASSES = 100
#: In tables of so many rows a column with a class for every second row is refused for the same reason.
LEAST_ROWS = 10

Classes = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Coding:
    """How cells that are no numbers are read.

    `one_hot` accepts classes, `days` dates, and `drop` leaves out the rows with missing cells. The classes,
    the orders of dates and the decimal mark of the training table are those of other tables, too: where that
    is a comma, numbers with a point are refused, since the point may separate thousands.
    """

    one_hot: bool = False
    days: bool = False
    drop: bool = False
    classes: Classes | None = None
    dates: Mapping[str, str] | None = None
    decimal: str | None = None


@dataclass(frozen=True)
class Cells:
    """The cells of the wanted columns as numbers, and the group of every row if there are groups.

    `classes` maps the name of each column of classes to its classes; in such a column `values` holds the
    index of a cell's class. `dates` maps that of each column of dates to the order in which they are written;
    `values` holds days. `decimal` is "," if the numbers have a decimal comma, else None. `missing` counts the
    missing cells of columns. `kept` are the positions of the rows that are left of `n_rows`, None for all.
    """

    values: FloatArray
    groups: tuple[str, ...] | None
    classes: Classes
    decimal: str | None = None
    dates: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    n_rows: int = 0
    kept: NDArray[np.intp] | None = None


def read_cells(handle: TextIO, table: TextTable, coding: Coding | None = None) -> Cells:
    """Return the wanted columns of a table, shape (n_rows, n_wanted).

    Parameters
    ----------
    handle : file
        Open for reading as text.
    table : TextTable
        What to read.
    coding : Coding, optional
        What becomes of cells that are no numbers.

    Raises
    ------
    ValueError
        For missing cells, cells that do not suit their column, and classes or dates that are not accepted;
        the message names everything that is wrong.
    """
    coding = coding or Coding()
    # numpy's parser is several times faster than the csv module, but it counts rows differently in its
    # errors, does not notice rows of a wrong length if it reads only some columns, and does not report
    # whether numbers have a decimal point.
    plain = table.group is None and not coding.classes and COMMA not in (table.decimal, coding.decimal)
    if plain and len(table.wanted) == len(table.header):
        values = _read_fast(handle, table)
        if values is not None:
            return Cells(values, None, {}, n_rows=len(values))
    return _Reading(table, coding).of(handle)


def _read_fast(handle: TextIO, table: TextTable) -> FloatArray | None:
    """Return the values of a table that is clean in every cell, or None."""
    lines = records(handle, table.delimiter, table.n_above)
    for _ in range(table.header_row - table.n_above):
        next(lines)
    delimiter = None if table.delimiter == BLANKS else table.delimiter
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a table without rows: the caller raises an error
            values = np.loadtxt(handle, delimiter=delimiter, comments=None, quotechar='"', ndmin=2)
    except ValueError:
        return None
    if values.shape[1] != len(table.header) or not np.isfinite(values).all():
        return None
    return np.ascontiguousarray(values[:, table.wanted])


class _Reading:
    """One pass through a text file by the csv module, which collects everything that errors need."""

    def __init__(self, table: TextTable, coding: Coding) -> None:
        self._table, self._coding = table, coding
        self._columns = [ColumnCells() for _ in table.wanted]
        self._groups: list[str] = []
        self._of_groups = ColumnCells()
        self._n_rows = 0
        # Where commas separate cells, a quoted cell with a comma is more often a mistake than a decimal
        # comma.
        self._commas = table.decimal == COMMA or (table.decimal is None and table.delimiter != COMMA)

    def of(self, handle: TextIO) -> Cells:
        """Return the cells, or raise ValueError."""
        values = np.concatenate([np.empty((0, len(self._columns))), *self._blocks(handle)])
        for j, column in enumerate(self._columns):
            self._set_kind(column, self._name(j), len(values))
        problems = Problems(self._table)
        missing = self._missing_cells()
        keep = np.ones(len(values), dtype=bool)
        if self._coding.drop:
            keep[[place for _, (place, _, _) in missing]] = False
            if len(values) and not keep.any():
                problems.every_row_is_missing(len(values), missing)
            values = values[keep]
            self._columns = [column.kept(keep) for column in self._columns]
        elif missing:
            problems.missing(missing)
        classes = self._classes(values, problems)
        dates = self._days(values, problems)
        problems.bad_cells([(self._columns[j], j) for j in range(len(self._columns))])
        decimal = self._decimal(problems)
        for j, column in enumerate(self._columns):
            if column.kind == CLASSES and self._name(j) in classes:
                values[:, j] = self._positions(values[:, j], j, classes[self._name(j)], problems)
        problems.raise_if_any()
        groups = None
        if self._table.group is not None:
            groups = tuple(group for group, stays in zip(self._groups, keep, strict=True) if stays)
        counts: dict[str, int] = {}
        for position, _ in missing:
            name = self._table.header[position]
            counts[name] = counts.get(name, 0) + 1
        kept = None if keep.all() else np.flatnonzero(keep)
        return Cells(values, groups, classes, decimal, dates, counts, len(keep), kept)

    def _name(self, j: int) -> str:
        return self._table.header[self._table.wanted[j]]

    def _set_kind(self, column: ColumnCells, name: str, n_rows: int) -> None:
        known, dates = self._coding.classes, self._coding.dates
        if known is not None and name in known:
            column.kind = CLASSES
        elif dates is not None and name in dates:
            column.kind = DATES if column.texts else column.kind
        elif known is None:
            column.set_kind(n_rows, self._coding.one_hot)

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
            points_matter = self._commas or self._coding.decimal == COMMA
            if points_matter and POINT in text and self._columns[j].point is None:
                i = next(i for i, cell in enumerate(cells) if POINT in cell)
                self._columns[j].point = (first_row + i, cells[i])
        if not np.isfinite(block).all():
            return None
        if table.group is not None:
            groups = [record[table.group].strip() for record in chunk]
            if any(map(is_nothing, groups)):
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
                    f"{comment_hint(record[0])}"
                )
            rows.append([self._cell(record[column], row, j) for j, column in enumerate(table.wanted)])
            if table.group is not None:
                self._group(record[table.group].strip(), row)
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
        place = (self._n_rows, row, text)
        if is_nothing(text):
            column.empty.append(place)
        elif is_missing_word(text):
            column.words.append(place)
        elif value is not None:
            column.infinite.append(place)
        else:
            column.texts.append(place)
        return math.nan

    def _group(self, text: str, row: int) -> None:
        if is_nothing(text):
            self._of_groups.empty.append((self._n_rows, row, text))
        elif is_missing_word(text):
            self._of_groups.words.append((self._n_rows, row, text))
        self._groups.append(text)

    def _missing_cells(self) -> list[tuple[int, Cell]]:
        """Return the missing cells, each with its column in the file, in the order of the rows."""
        found = []
        for j, column in enumerate(self._columns):
            known = None if self._coding.classes is None else self._coding.classes.get(self._name(j), ())
            found += [(self._table.wanted[j], cell) for cell in column.missing(known)]
        if self._table.group is not None:
            of_groups = self._of_groups
            n_numbers = sum(number(group) is not None for group in self._groups) if of_groups.words else 0
            n_filled = len(self._groups) - len(of_groups.empty) - len(of_groups.words)
            words = of_groups.words if 2 * n_numbers > n_filled else []
            found += [(self._table.group, cell) for cell in (*of_groups.empty, *words)]
        return sorted(found, key=lambda item: (item[1][0], item[0]))

    def _classes(self, values: FloatArray, problems: Problems) -> Classes:
        """Return the classes of every column that has them."""
        if self._coding.classes is not None:
            return self._coding.classes
        found: dict[str, tuple[str, ...]] = {}
        for j, column in enumerate(self._columns):
            if column.kind != CLASSES:
                continue
            labels = {text for _, _, text in column.labelled()}
            labels |= set(map(_number_text, values[np.isfinite(values[:, j]), j].tolist()))
            many = len(labels) > MOST_CLASSES or (
                len(values) >= LEAST_ROWS and 2 * len(labels) >= len(values) and len(labels) > 2
            )
            if many:
                problems.too_many_classes(column, j, len(labels), len(values))
            elif not self._coding.one_hot:
                problems.classes(column, j, sorted(labels))
            else:
                found[self._name(j)] = tuple(sorted(labels))
        return found

    def _days(self, values: FloatArray, problems: Problems) -> Mapping[str, str]:
        """Replace dates by numbers of days; return the order of the dates of every column that has them."""
        found: dict[str, str] = {}
        for j, column in enumerate(self._columns):
            if column.kind != DATES or not (self._coding.days or self._coding.dates):
                continue
            known = (self._coding.dates or {}).get(self._name(j))
            if known is None and np.isfinite(values[:, j]).any():
                problems.numbers_among_dates(j, float(values[np.isfinite(values[:, j]), j][0]), column)
                column.texts = []
                continue
            try:
                order = known or order_of([text for _, _, text in column.texts])
            except AmbiguousDatesError as error:
                problems.ambiguous_dates(j, str(error), column)
                column.texts = []
                continue
            others = []
            for place, row, text in column.texts:
                days = days_of_text(text, order)
                if days is None:
                    others.append((place, row, text))
                else:
                    values[place, j] = days
            problems.no_dates(j, others, order)
            column.texts, column.disguise, found[self._name(j)] = [], None, order
        return found

    def _decimal(self, problems: Problems) -> str | None:
        """Return "," if the numbers have decimal commas, else None; note if they are mixed."""
        held = [(j, column) for j, column in enumerate(self._columns) if column.kind != CLASSES]
        points = [(column.point[0], j, column.point[1]) for j, column in held if column.point]
        commas = [(column.comma[0], j, column.comma[1]) for j, column in held if column.comma]
        if points and (commas or COMMA in (self._table.decimal, self._coding.decimal)):
            if commas:
                row, j, text = min(commas)
                other = f"row {row}, column {self._name(j)!r} holds {text!r}, with a comma"
            elif self._table.decimal == COMMA:
                other = "decimal=',' was given"
            else:
                other = "the training table has decimal commas"
            problems.mixed_decimals(min(points), other)
        if not commas:
            return None
        sure = COMMA in (self._table.decimal, self._coding.decimal)
        if not sure and not points and not any(column.decimal_comma for _, column in held):
            problems.unclear_commas(min(commas))
        return COMMA

    def _positions(self, values: FloatArray, j: int, labels: Sequence[str], problems: Problems) -> FloatArray:
        """Return the class of every cell of a column, as its position among the labels."""
        position = {label: i for i, label in enumerate(labels)}
        column = self._columns[j]
        texts = {place: (row, text) for place, row, text in column.labelled()}
        missing = {place for place, _, _ in column.missing(labels)}
        found = np.zeros(len(values))
        for i, value in enumerate(values.tolist()):
            row, text = texts.get(i, (None, _number_text(value)))
            if i in missing:  # told already
                continue
            if text not in position:
                problems.unknown_class(j, row, text, labels)
                break
            found[i] = position[text]
        return found


def _number_text(value: float) -> str:
    """Return a number as text, for columns of classes in which some cells are numbers."""
    return f"{value:.17g}"

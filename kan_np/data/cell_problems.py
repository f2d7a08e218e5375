"""What is wrong with the cells of a table, told at once: each kind with its place and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from kan_np.data.column_cells import CLASSES, DATES, Cell, ColumnCells
from kan_np.data.disguised import Disguise, disguise
from kan_np.data.numerals import COMMA, POINT, comma_number, is_grouped
from kan_np.data.preamble import COMMENT
from kan_np.data.table import TextTable

_NAMED = 10  # missing cells that a message names
_TOLD = 6  # kinds of problems that a message tells


class Problems:
    """Collects what is wrong with the cells of a table, for one message."""

    def __init__(self, table: TextTable) -> None:
        self._table = table
        self._told: list[str] = []

    def raise_if_any(self) -> None:
        """Raise ValueError with everything that is wrong."""
        if not self._told:
            return
        path = f"{self._table.path}: "
        first, *others = self._told
        for other in others[: _TOLD - 1]:
            first += f" Also: {other.removeprefix(path)}"
        if len(others) >= _TOLD:
            first += f" {len(others) - _TOLD + 1} more columns cannot be read either."
        raise ValueError(first)

    def _place(self, row: int, j: int) -> str:
        return self._table.place(row, self._table.wanted[j])

    def _name(self, j: int) -> str:
        return self._table.header[self._table.wanted[j]]

    def _tell(self, text: str) -> None:
        self._told.append(text)

    def missing(self, cells: Sequence[tuple[int, Cell]]) -> None:
        """Tell of missing cells, each with its column in the file."""
        (column, (_, row, text)), *others = cells
        got = "is empty" if not text else f"holds {text!r}, a missing value"
        more = ""
        if others:
            named = [f"row {row} {self._table.header[column]!r}" for column, (_, row, _) in others[:_NAMED]]
            named += [f"{len(others) - _NAMED} more"] if len(others) > _NAMED else []
            more = f" {len(others)} other cells are missing too: {', '.join(named)}."
        self._tell(
            f"{self._table.place(row, column)} {got}; expected a number. Fill in the cell, delete the row, "
            f"leave such rows out with missing='drop', or leave the column out with features=[...].{more}"
        )

    def every_row_is_missing(self, n_rows: int, cells: Sequence[tuple[int, Cell]]) -> None:
        """Tell that no row is left without the rows with missing cells."""
        counts: dict[str, int] = {}
        for column, _ in cells:
            name = self._table.header[column]
            counts[name] = counts.get(name, 0) + 1
        most = sorted(counts.items(), key=lambda item: -item[1])[:_TOLD]
        said = ", ".join(f"{name!r} in {count}" for name, count in most)
        self._tell(
            f"{self._table.path}: every one of the {n_rows} rows has a missing cell ({said}); expected some "
            "without. Leave the columns that are mostly empty out with features=[...]."
        )

    def classes(self, column: ColumnCells, j: int, labels: Sequence[str]) -> None:
        """Tell of a column of classes where none are accepted."""
        _, row, text = min([*column.texts, *column.words], key=lambda cell: cell[1])
        some = ", ".join(map(repr, labels[:5])) + (", ..." if len(labels) > 5 else "")
        kinds = f"{len(labels)} different texts" if len(labels) > 1 else "one text"
        self._tell(
            f"{self._place(row, j)} holds the text {text!r}, and the column holds {kinds} ({some}): classes; "
            "expected numbers. Make a column of 0 and 1 of every class with classes='one-hot', or leave the "
            "column out with features=[...]."
        )

    def too_many_classes(self, column: ColumnCells, j: int, n_labels: int, n_rows: int) -> None:
        """Tell of a column that rather names rows than classes."""
        _, _, text = column.texts[0]
        self._tell(
            f"{self._table.path}: column {self._name(j)!r} holds {n_labels} different texts in {n_rows} "
            f"rows, such as {text!r}; expected classes with several rows each. It nearly names the row, and "
            "a model would learn every row by its name. Leave it out with features=[...], or pass group= if "
            "it names which rows belong together."
        )

    def unknown_class(self, j: int, row: int | None, text: str, labels: Sequence[str]) -> None:
        """Tell of a class that the training table does not have."""
        where = f"{self._table.path}: " + (f"row {row}, " if row else "") + f"column {self._name(j)!r}"
        self._tell(
            f"{where} holds {text!r}, a class that the training table does not have; expected one of "
            f"{', '.join(map(repr, labels))}. Correct the cell or delete the row."
        )

    def numbers_among_dates(self, j: int, value: float, column: ColumnCells) -> None:
        """Tell of a column of dates in which some cells are numbers."""
        _, row, text = column.texts[0]
        self._tell(
            f"{self._place(row, j)} holds the date {text!r}, and other cells of the column hold numbers, "
            f"such as {value:g}; expected dates in all of them. Write all dates in one way."
        )

    def ambiguous_dates(self, j: int, how: str, column: ColumnCells) -> None:
        """Tell of dates such as 3/4/2024."""
        _, row, _ = column.texts[0]
        self._tell(
            f"{self._place(row, j)}: {how}; expected dates to be read in one way. Write the year first: "
            "2024-03-31."
        )

    def no_dates(self, j: int, cells: Sequence[Cell], order: str) -> None:
        """Tell of texts in a column of dates that are none, if there are some."""
        if not cells:
            return
        _, row, text = cells[0]
        more = f" {len(cells) - 1} other cells of the column are none either." if len(cells) > 1 else ""
        self._tell(
            f"{self._place(row, j)} holds {text!r}; expected a date as in the rest of the column, {order}, "
            f"such as 2024-03-31. Correct the cell.{more}"
        )

    def mixed_decimals(self, point: tuple[int, int, str], other: str) -> None:
        """Tell of numbers with decimal points beside such with commas."""
        row, j, text = point
        self._tell(
            f"{self._place(row, j)} holds {text!r}, with a decimal point, and {other}; expected one decimal "
            "mark in all numbers, and no separators of thousands. Write all numbers in one way."
        )

    def unclear_commas(self, comma: tuple[int, int, str]) -> None:
        """Tell of commas that may be decimal or separate thousands."""
        row, j, text = comma
        readings = f"{text.replace(COMMA, POINT)} or {text.replace(COMMA, '')}"
        self._tell(
            f"{self._place(row, j)} holds {text!r}, and every comma of the table stands before three digits, "
            f"so that it may mean {readings}; expected an unambiguous number. Pass decimal=',' if the commas "
            "are decimal, or delete them if they separate thousands."
        )

    def bad_cells(self, columns: Sequence[tuple[ColumnCells, int]]) -> None:
        """Tell of the first infinite number, and of the first text, of every column that has such."""
        bad = []
        for column, j in columns:
            bad += [(row, j, text, True) for _, row, text in column.infinite[:1]]
            if column.kind != CLASSES:
                bad += [(row, j, text, False) for row, text in column.first_text()]
        first_row = all(place == 0 for column, _ in columns for place, _, _ in column.texts)
        of_columns = [column for column, _ in columns]
        for row, j, text, infinite in sorted(bad):
            where = self._place(row, j)
            if infinite:
                self._tell(
                    f"{where} holds {text.strip()!r}; expected a finite number. Correct the cell or delete "
                    "the row."
                )
                continue
            self._tell(
                f"{where} holds the text {text!r}; expected a number. Correct the cell, or drop the column "
                f"by naming the others with features=[...].{_hint(of_columns[j], text, first_row)}"
            )
            if first_row and len(bad) > 1:  # one row of units is one mistake
                return


def comment_hint(cell: str) -> str:
    """The part of a message that says what to do about a comment among the rows; empty for other cells."""
    if not cell.startswith(COMMENT):
        return ""
    return f" The row begins with {COMMENT!r}: only comments above the names are left out, delete this one."


def _hint(column: ColumnCells, text: str, first_row: bool) -> str:
    if comma_number(text) is not None:
        return " Numbers are written with a decimal point, not a comma, unless you say decimal=','."
    if is_grouped(text):
        return " Write numbers without separators of thousands: 1234.5, or with a decimal comma 1234,5."
    if text.startswith(COMMENT):
        return comment_hint(text)
    found = column.disguise or disguise(text)
    if found is not None:
        return _disguise_hint(column, found)
    if first_row:
        return " No row below has such texts: if this one holds units, delete it."
    return ""


def _disguise_hint(column: ColumnCells, found: Disguise) -> str:
    """The part of an error message that says why a text is no number, and what to do."""
    if column.disguise is None:
        return f" It is {found.what}. {found.cure()}."
    n, n_texts = len(column.texts), len({text for _, _, text in column.texts})
    if column.kind == DATES:
        return (
            f" It is {found.what}, as most of the column. Turn dates into numbers of days with dates='days', "
            "or leave the column out."
        )
    return (
        f" It is {found.what}, and the column holds {n} texts, {n_texts} of them different. They cannot "
        f"be classes, since they have an order and distances. {found.cure()}. (Names of classes begin "
        "with a letter.)"
    )

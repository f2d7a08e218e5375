"""load_table: reads a table with column names from a file and splits its rows for training."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TextIO

import numpy as np

from kan_np._validate import FloatArray, choice, integer, real
from kan_np.data.cells import Cells, Classes, Coding, read_cells
from kan_np.data.check import Dataset
from kan_np.data.column_notes import column_notes
from kan_np.data.dataset import dataset_of_parts
from kan_np.data.dates import ORDERS
from kan_np.data.equal_rows import EqualRows, keep_equal_rows_together
from kan_np.data.numerals import COMMA, POINT
from kan_np.data.rows import Parts, split_table
from kan_np.data.sources import opened_table
from kan_np.data.table import Chosen, TextTable, choose, looking_for, read_header
from kan_np.data.table_summary import dropped_note, table_summary

_CLASSES = ("refuse", "one-hot")
_MISSING = ("refuse", "drop")
_DATES = ("refuse", "days")
_DECIMALS = (POINT, COMMA)
_TOGETHER, _APART = "together", "apart"


class TableWarning(UserWarning):
    """Errors will be too low: the target or row numbers are among the inputs, or test rows train, too."""


def load_table(
    path: str | PathLike[str],
    target: str | Sequence[str] | None,
    *,
    features: Sequence[str] | None = None,
    group: str | None = None,
    test: str | PathLike[str] | None = None,
    test_fraction: float = 0.2,
    val_fraction: float = 0.2,
    folds: int = 0,
    fold: int = 0,
    classes: str | Mapping[str, Sequence[str]] = "refuse",
    standardize: bool = True,
    seed: int = 0,
    delimiter: str | None = None,
    decimal: str | None = None,
    duplicates: str = _TOGETHER,
    missing: str = "refuse",
    dates: str | Mapping[str, str] = "refuse",
) -> Dataset:
    """Read a table with column names as a dataset that is split for training, or as inputs to predict.

    Parameters
    ----------
    path : path
        A text file in UTF-8 (with or without byte-order mark): one header row of column names, then one
        record per row. Fields may be quoted; empty rows are skipped. Above the names there may be lines of
        comment, which begin with #, a title, and "sep=;"; the names may stand in the last comment. Also such
        a file packed with gzip (.gz), the first sheet of an Excel file (.xlsx, which needs openpyxl), and
        Parquet (.parquet, which needs pyarrow).
    target : str or sequence of str, or None
        Name of the column to predict, or several. With None the rows are ones to predict: all of them are
        returned as ``test_input``, in the units of the table, for ``predict``; nothing is split.
    features : sequence of str, optional
        Names of the input columns, in this order. Default: all columns that are neither target nor group.
    group : str, optional
        Name of a column, of numbers or text. Rows with the same value (a patient, a molecule) are put into
        the same part of the split, so that test rows are of other groups than training rows.
    test : path, optional
        A second table with the same columns, whose rows are the test samples; `test_fraction` is not used.
    test_fraction, val_fraction : float
        Fractions of the rows that are held out at random for test and validation; 0 leaves the part out, and
        with both at 0 all rows are training rows.
    folds, fold : int
        With `folds` of 2 or more, k-fold cross-validation: every row is a test sample in one fold, and the
        dataset of fold number `fold` is returned. `test_fraction` is not used, and `val_fraction` is a
        fraction of the other rows.
    classes : {"refuse", "one-hot"} or mapping
        A column that has more text than numbers is refused, or becomes a column "name=class" of 0 and 1 for
        every class; a single one for two classes. Numbers with a unit or sign, such as 12 mm or 5 %, are
        refused in any case, and so is a column with a class for every second row, or more than 100. A mapping
        gives the classes of the columns, as ``dataset["classes"]`` of another table, so that they are coded
        as there.
    standardize : bool
        Let models bring each column to mean 0 and standard deviation 1 of the training rows, inside: the rows
        themselves, predictions and losses stay in the units of the table. If False models do so only where
        columns are far from one.
    seed : int
        Seed of the split; the global random state is not touched.
    delimiter : str, optional
        The character between fields; a blank stands for one or several. Default: comma, semicolon, tab or
        blanks, whichever splits the header into most fields, and the row below it into as many.
    decimal : {".", ","}, optional
        The decimal mark. Default: the one that the numbers have; a comma only where it is not the delimiter.
        Numbers with thousands separators are refused, and so is a test table with decimal points if the
        training table has decimal commas.
    duplicates : {"together", "apart"}
        How rows that are equal in all inputs and targets are split. "together": into the same part, unless
        there are too few different rows for that, or columns of few values explain as many equal rows by
        chance.
        "apart": every row by itself. Without equal rows both are the same.
    missing : {"refuse", "drop"}
        Whether rows with a missing cell in a column that is used are an error, or are left out and counted.
        An empty cell is missing, and in a column that has more numbers than texts also n.d., NA, none, null,
        a question mark or dashes.
    dates : {"refuse", "days"} or mapping
        Whether columns of dates, such as 2024-03-01, 1.3.2024, or 3/14/2024 where a number above 12 says
        which is the day, are an error, or become days since 1970-01-01 with a fraction for the time of day.
        A mapping is ``dataset["dates"]`` of another table.

    Returns
    -------
    dict
        A dataset (see `dataset_from_arrays`) with ``feature_names``, ``target_names``, ``standardize`` if
        models are to do that, and ``classes``, the classes of every column that holds classes. ``notes``, if
        present, are sentences about suspicious columns and rows: equal rows, a copy of the target among the
        inputs, row numbers among the inputs, dates written as numbers, numbers among classes. ``duplicates``
        is "together" if keeping equal rows together changed the split. ``dates`` says in which order the
        dates of columns are written, and ``table`` what the table holds (`kan_np.data.table_summary`).
        Without a target ``rows`` are the positions of the rows in the file, from 0, and ``decimal`` is a
        comma if that is their decimal mark.

    Warns
    -----
    TableWarning
        If an input is the target in the same or other units, an input numbers the rows, or equal rows cannot
        be kept in one part.

    Raises
    ------
    ValueError
        If the header or a row is malformed, a name is unknown, cells that are needed are missing, not numbers
        or not finite (the message names all kinds with row and column; the header is row 1), a column holds
        classes or dates, a target is constant, there are too few rows or groups, or a package is missing.
    OSError
        If a file cannot be opened.

    Examples
    --------
    >>> dataset = load_table("beam.csv", target="deflection")  # doctest: +SKIP
    >>> dataset["feature_names"]  # doctest: +SKIP
    ['length', 'width', 'load']
    """
    path = Path(path)
    form = _form(delimiter, decimal, classes, missing, dates)
    if target is None:
        return _rows_to_predict(path, form, features, {"group": group, "test": test, "folds": folds})
    folds, fold = _check_folds(folds, fold, test)
    test_share = 0.0 if test is not None or folds else _share("test_fraction", test_fraction)
    val_share = _share("val_fraction", val_fraction)
    apart = choice("duplicates", duplicates, (_TOGETHER, _APART)) == _APART
    chosen, cells = _read(path, form, target, features, group)
    other = None if test is None else _read_test(Path(test), form, chosen, cells)
    left_out = [note for note in (dropped_note(part) for part in (cells, other) if part is not None) if note]
    # Every fold needs rows of its own, and at least two different rows have to be training rows.
    n_needed = max(2 * folds, 2 + (test_share > 0)) + (val_share > 0)
    equal = keep_equal_rows_together(cells.values, cells.groups, n_needed, not apart)
    try:
        parts = split_table(len(cells.values), test_share, val_share, seed, equal.groups, folds, fold)
        dataset = _dataset(chosen, cells, other, parts, standardize)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    _refuse_constant_targets(dataset, path)
    summary = table_summary(cells, chosen.features, chosen.targets, equal.n_equal)
    return dataset | _notes(path, chosen, cells, equal, left_out) | {"table": summary}


#: The older name, from when all tables were CSV.
load_csv = load_table


@dataclass(frozen=True)
class _Form:
    """The format of the files: delimiter and decimal mark (None to detect them); coding of the cells."""

    delimiter: str | None
    decimal: str | None
    coding: Coding

    def header(self, handle: TextIO, path: Path, delimiter: str | None, asked: Collection[str]) -> TextTable:
        """Return the layout of a file by its header; `asked` are names that the header should have."""
        table = read_header(handle, path, delimiter or self.delimiter, asked)
        return replace(table, decimal=self.decimal)


def _form(
    delimiter: str | None,
    decimal: str | None,
    classes: str | Mapping[str, Sequence[str]],
    missing: str,
    dates: str | Mapping[str, str],
) -> _Form:
    mark = None if decimal is None else choice("decimal", decimal, _DECIMALS)
    drop = choice("missing", missing, _MISSING) == "drop"
    orders: dict[str, str] | None = None
    if isinstance(dates, Mapping):
        orders = {str(name): choice(f"dates[{name!r}]", order, ORDERS) for name, order in dates.items()}
    days = orders is None and choice("dates", dates, _DATES) == "days"
    if not isinstance(classes, Mapping):
        one_hot = choice("classes", classes, _CLASSES) == "one-hot"
        return _Form(delimiter, mark, Coding(one_hot, days, drop, None, orders))
    known = {str(name): tuple(map(str, labels)) for name, labels in classes.items()}
    return _Form(delimiter, mark, Coding(True, days, drop, known, orders))


def _rows_to_predict(
    path: Path, form: _Form, features: Sequence[str] | None, others: Mapping[str, object]
) -> Dataset:
    """Return all rows of a table without a target, as inputs in its own units."""
    for name, value in others.items():
        if value:
            raise ValueError(
                f"{name} is {value!r}, and target is None; expected one of them, since all rows without a "
                "target are predicted and none is held out. Leave one out."
            )
    chosen, cells = _read(path, form, None, features, None)
    names, x = _columns(chosen.features, cells.values, cells.classes)
    _refuse_names_twice(names)
    rows = np.arange(len(x)) if cells.kept is None else cells.kept
    told = dropped_note(cells, "read")
    notes: Dataset = {"notes": [told]} if told else {}
    if cells.decimal is not None:
        notes["decimal"] = cells.decimal
    return {"test_input": x, "feature_names": names, "rows": rows} | _coded(chosen, cells) | notes


def _notes(path: Path, chosen: Chosen, cells: Cells, equal: EqualRows, left_out: Sequence[str]) -> Dataset:
    """Return the keys "notes" and "duplicates" of a dataset, and warn where test errors will be too low."""
    n = len(chosen.features)
    copies, others = column_notes(
        cells.values[:, :n], cells.values[:, n:], (chosen.features, chosen.targets), cells.classes
    )
    # With a single input a straight line is what the table is about, not a leak.
    for note in (*(copies if n > 1 else ()), *(equal.notes if equal.is_leak else ())):
        warnings.warn(f"{path}: {note}", TableWarning, stacklevel=3)
    notes = [*left_out, *equal.notes, *copies, *others]
    known: Dataset = {"notes": notes} if notes else {}
    return known | ({"duplicates": _TOGETHER} if equal.kept_together else {})


def _coded(chosen: Chosen, cells: Cells) -> Dataset:
    """Return the keys "classes" and "dates" of a dataset: how cells that are no numbers became some."""
    classes = {name: list(cells.classes[name]) for name in cells.classes if name in chosen.names}
    dates = {name: order for name, order in cells.dates.items() if name in chosen.names}
    coded: Dataset = {"classes": classes} if classes else {}
    return coded | ({"dates": dates} if dates else {})


def _check_folds(folds: int, fold: int, test: object) -> tuple[int, int]:
    folds = integer("folds", folds, 0)
    if folds == 1:
        raise ValueError("folds is 1; expected 0 for a single split, or 2 or more.")
    if folds and test is not None:
        raise ValueError(f"folds is {folds}, and a test table is given too; expected one of them.")
    return folds, integer("fold", fold, 0, max(folds - 1, 0))


def _share(name: str, value: object) -> float:
    share = real(name, value)
    if not 0 <= share < 1:
        raise ValueError(f"{name} is {share:g}; expected a fraction from 0 to below 1.")
    return share


def _read(
    path: Path,
    form: _Form,
    target: str | Sequence[str] | None,
    features: Sequence[str] | None,
    group: str | None,
) -> tuple[Chosen, Cells]:
    asked = [name for names in (target, features, group) for name in _as_names(names)]
    try:
        with opened_table(path) as (handle, delimiter):
            table = form.header(handle, path, delimiter, asked)
            chosen = choose(table, target, features, group)
            cells = read_cells(handle, looking_for(table, chosen), form.coding)
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from None
    return chosen, _with_rows(cells, path)


def _as_names(names: str | Sequence[str] | None) -> Sequence[str]:
    return (names,) if isinstance(names, str) else names or ()


def _read_test(path: Path, form: _Form, chosen: Chosen, cells: Cells) -> Cells:
    # The groups of a test table do not matter: none of its rows is a training row.
    columns = Chosen(chosen.features, chosen.targets)
    coding = replace(form.coding, classes=cells.classes, dates=cells.dates, decimal=cells.decimal)
    try:
        with opened_table(path) as (handle, delimiter):
            table = looking_for(form.header(handle, path, delimiter, columns.names), columns)
            return _with_rows(read_cells(handle, table, coding), path)
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from None


def _with_rows(cells: Cells, path: Path) -> Cells:
    if not len(cells.values):
        raise ValueError(f"{path} has a header but no data rows; expected one row per sample below it.")
    return cells


def _not_utf8(path: Path, error: UnicodeDecodeError) -> ValueError:
    return ValueError(
        f"{path} is not UTF-8 text ({error.reason} at byte {error.start} of a block); "
        "export it as 'CSV UTF-8'."
    )


def _dataset(chosen: Chosen, cells: Cells, other: Cells | None, parts: Parts, standardize: bool) -> Dataset:
    feature_names, x = _columns(chosen.features, cells.values, cells.classes)
    first_target = len(chosen.features)
    target_names, y = _columns(chosen.targets, cells.values[:, first_target:], cells.classes)
    _refuse_names_twice([*feature_names, *target_names])
    split = {part: (x[rows], y[rows]) for part, rows in parts._asdict().items() if rows.size}
    if other is not None:
        _, test_x = _columns(chosen.features, other.values, cells.classes)
        _, test_y = _columns(chosen.targets, other.values[:, first_target:], cells.classes)
        split["test"] = (test_x, test_y)
    named = {"feature_names": feature_names, "target_names": target_names}
    return dataset_of_parts(split, standardize) | named | _coded(chosen, cells)


def _refuse_names_twice(names: Sequence[str]) -> None:
    """Raise ValueError if the column "name=class" of a class has the name of another column."""
    (name, count), *_ = Counter(names).most_common(1)
    if count > 1:
        raise ValueError(
            f"{count} columns would have the name {name!r}, one of them for a class; expected distinct "
            "names. Rename the column, or leave one of them out with features=[...]."
        )


def _columns(names: Sequence[str], values: FloatArray, classes: Classes) -> tuple[list[str], FloatArray]:
    """Return the names and values of columns, (n, n_columns), those with classes in one-hot form."""
    told: list[str] = []
    columns: list[FloatArray] = []
    for name, column in zip(names, values.T, strict=False):
        if name not in classes:
            told.append(name)
            columns.append(column)
            continue
        labels = list(enumerate(classes[name]))
        # Two classes need one column only; a single class gives one column, which is constant.
        for position, label in labels[1:] if len(labels) == 2 else labels:
            told.append(f"{name}={label}")
            columns.append((column == position).astype(np.float64))
    return told, np.stack(columns, axis=1)


def _refuse_constant_targets(dataset: Dataset, path: Path) -> None:
    labels = dataset["train_label"]
    if len(labels) == 1:
        raise ValueError(
            f"{path}: there is one training row; expected two or more. Use more rows, or hold out fewer."
        )
    for name, constant in zip(dataset["target_names"], (labels == labels[0]).all(axis=0), strict=True):
        if constant:
            raise ValueError(
                f"{path}: the target {name!r} has the same value in all {len(labels)} training rows; "
                "expected one that varies. Choose another target or add rows."
            )

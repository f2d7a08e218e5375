"""Tables with a header row, read from delimited text files and split for training."""

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
from kan_np.data.cells import Cells, Classes, read_cells
from kan_np.data.check import Dataset
from kan_np.data.column_notes import column_notes
from kan_np.data.dataset import dataset_of_parts
from kan_np.data.equal_rows import EqualRows, keep_equal_rows_together
from kan_np.data.numerals import COMMA, POINT
from kan_np.data.rows import Parts, split_table
from kan_np.data.table import Chosen, Table, choose, looking_for, read_header

_CLASSES = ("refuse", "one-hot")
_DECIMALS = (POINT, COMMA)
_TOGETHER, _APART = "together", "apart"


class TableWarning(UserWarning):
    """A model of a table will look better than it is: the target is among the inputs, or test rows train."""


def load_csv(
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
) -> Dataset:
    """Read a table with a header row, and split it for training, or read the inputs of rows to predict.

    Parameters
    ----------
    path : path
        A text file in UTF-8 (with or without byte-order mark): one header row of column names, then one
        record per row. Fields may be quoted; empty rows are skipped. Above the names there may be lines of
        comment, which begin with #, a title, and "sep=;"; the names may stand in the last comment.
    target : str or sequence of str, or None
        Name of the column to predict, or several. With None the rows are to be predicted: all of them come
        back as ``test_input``, in the units of the table, as ``predict`` takes them; nothing is split.
    features : sequence of str, optional
        Names of the input columns, in this order. Default: all columns that are neither target nor group.
    group : str, optional
        Name of a column, of numbers or text. Rows with the same group (a patient, a molecule) come into the
        same part, so that no part knows another one's.
    test : path, optional
        A second table with the same columns, whose rows are the test samples; `test_fraction` is not used.
    test_fraction, val_fraction : float
        Shares of the rows held out at random for test and validation; 0 leaves the part out, and with both
        at 0 all rows train.
    folds, fold : int
        With `folds` of 2 or more, k-fold cross-validation: every row is a test sample in one fold, and this
        is the dataset of number `fold`. `test_fraction` is not used, and `val_fraction` is of the other rows.
    classes : {"refuse", "one-hot"} or mapping
        What is done with a column that has more text than numbers: it is refused, or becomes a column
        "name=class" of 0 and 1 for every class; one for two classes. Texts that are numbers or dates with
        something else, such as 12 mm, 5 % or 2024-03-01, are refused in any case. A mapping has the classes
        of the columns, as ``dataset["classes"]`` of another table: they are coded as there.
    standardize : bool
        Bring each column to mean 0 and standard deviation 1 of the training rows. Losses are then in units
        of the standard deviation of the targets.
    seed : int
        Seed of the split; the global random state is not touched.
    delimiter : str, optional
        The character between fields. Default: comma, semicolon or tab, whichever splits the header most, and
        the row below it alike.
    decimal : {".", ","}, optional
        The decimal mark. Default: the one that the numbers have; a comma only where it is not the delimiter.
        Numbers with separators of thousands are refused, and so is a test table with decimal points beside a
        training table with decimal commas.
    duplicates : {"together", "apart"}
        What is done with rows that are equal in all inputs and targets. "together": copies come into the same
        part, unless too few different rows are left for that, or columns of few values make about as many
        equal rows by chance. "apart": every row is split by itself. Without equal rows both are the same.

    Returns
    -------
    dict
        A dataset (see `dataset_from_arrays`) with ``feature_names``, ``target_names``, ``scaler`` when
        standardised, and where columns hold classes these by column, as ``classes``. Where there is something
        to know about the table, ``notes`` has it in sentences: equal rows, a copy of the target among the
        inputs, an input that counts the rows, dates written as numbers, numbers among classes.
        ``duplicates`` is "together" where that made another split.

    Warns
    -----
    TableWarning
        If an input is the target in the same or other units, or equal rows cannot be kept in one part.

    Raises
    ------
    ValueError
        If the header or a row is malformed, a name is unknown, a cell that is needed is missing, not a number
        or not finite (the message gives row and column; the header is row 1), a column holds classes, a
        target is constant, or there are too few rows or groups.
    OSError
        If a file cannot be opened.

    Examples
    --------
    >>> dataset = load_csv("beam.csv", target="deflection")  # doctest: +SKIP
    >>> dataset["feature_names"]  # doctest: +SKIP
    ['length', 'width', 'load']
    """
    path = Path(path)
    form = _form(delimiter, decimal, classes)
    if target is None:
        return _rows_to_predict(path, form, features, {"group": group, "test": test, "folds": folds})
    folds, fold = _check_folds(folds, fold, test)
    test_share = 0.0 if test is not None or folds else _share("test_fraction", test_fraction)
    val_share = _share("val_fraction", val_fraction)
    apart = choice("duplicates", duplicates, (_TOGETHER, _APART)) == _APART
    chosen, cells = _read(path, form, target, features, group)
    other = None if test is None else _read_test(Path(test), form, chosen, cells)
    # Every fold has rows of its own, and two different rows train at least.
    n_needed = max(2 * folds, 2 + (test_share > 0)) + (val_share > 0)
    equal = keep_equal_rows_together(cells.values, cells.groups, n_needed, not apart)
    try:
        parts = split_table(len(cells.values), test_share, val_share, seed, equal.groups, folds, fold)
        dataset = _dataset(chosen, cells, other, parts, standardize)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    _refuse_constant_targets(dataset, path)
    return dataset | _what_to_know(path, chosen, cells, equal)


@dataclass(frozen=True)
class _Form:
    """How the files are written, None where that is to be found, whether classes are accepted, and which."""

    delimiter: str | None
    decimal: str | None
    one_hot: bool
    known: Classes | None = None

    def header(self, handle: TextIO, path: Path, asked: Collection[str]) -> Table:
        """Return the table whose header this file begins with; `asked` are names that it should have."""
        return replace(read_header(handle, path, self.delimiter, asked), decimal=self.decimal)


def _form(delimiter: str | None, decimal: str | None, classes: str | Mapping[str, Sequence[str]]) -> _Form:
    mark = None if decimal is None else choice("decimal", decimal, _DECIMALS)
    if not isinstance(classes, Mapping):
        return _Form(delimiter, mark, choice("classes", classes, _CLASSES) == "one-hot")
    known = {str(name): tuple(map(str, labels)) for name, labels in classes.items()}
    return _Form(delimiter, mark, True, known)


def _rows_to_predict(
    path: Path, form: _Form, features: Sequence[str] | None, others: Mapping[str, object]
) -> Dataset:
    """Return all rows of a table without a target, as inputs in its own units."""
    for name, value in others.items():
        if value:
            raise ValueError(
                f"{name} is {value!r}, and target is None; expected one of them: rows without a target are "
                "all to be predicted, and none is held out. Leave one out."
            )
    chosen, cells = _read(path, form, None, features, None)
    names, x = _columns(chosen.features, cells.values, cells.classes)
    _refuse_names_twice(names)
    return {"test_input": x, "feature_names": names} | _classes_of(chosen, cells)


def _what_to_know(path: Path, chosen: Chosen, cells: Cells, equal: EqualRows) -> Dataset:
    """Return what a dataset says beyond its arrays where it has to, and warn of what misleads."""
    n = len(chosen.features)
    copies, others = column_notes(
        cells.values[:, :n], cells.values[:, n:], (chosen.features, chosen.targets), cells.classes
    )
    # Where there is one input, that the target is a line of it is what the table says.
    for note in (*(copies if n > 1 else ()), *(equal.notes if equal.is_leak else ())):
        warnings.warn(f"{path}: {note}", TableWarning, stacklevel=3)
    notes = [*equal.notes, *copies, *others]
    known: Dataset = {"notes": notes} if notes else {}
    return known | ({"duplicates": _TOGETHER} if equal.kept_together else {})


def _classes_of(chosen: Chosen, cells: Cells) -> Dataset:
    found = {name: list(cells.classes[name]) for name in cells.classes if name in chosen.names}
    return {"classes": found} if found else {}


def _check_folds(folds: int, fold: int, test: object) -> tuple[int, int]:
    folds = integer("folds", folds, 0)
    if folds == 1:
        raise ValueError("folds is 1; expected 0 for none, or 2 and more.")
    if folds and test is not None:
        raise ValueError(f"folds is {folds}, and a test table is given too; expected one of them.")
    return folds, integer("fold", fold, 0, max(folds - 1, 0))


def _share(name: str, value: object) -> float:
    share = real(name, value)
    if not 0 <= share < 1:
        raise ValueError(f"{name} is {share:g}; expected a share from 0 to below 1.")
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
        with path.open(encoding="utf-8-sig", newline="") as handle:
            table = form.header(handle, path, asked)
            chosen = choose(table, target, features, group)
            cells = read_cells(handle, looking_for(table, chosen), form.one_hot, form.known)
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from None
    return chosen, _with_rows(cells, path)


def _as_names(names: str | Sequence[str] | None) -> Sequence[str]:
    return (names,) if isinstance(names, str) else names or ()


def _read_test(path: Path, form: _Form, chosen: Chosen, cells: Cells) -> Cells:
    # Which rows of the test belong together does not matter: none of them trains.
    columns = Chosen(chosen.features, chosen.targets)
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            table = looking_for(form.header(handle, path, columns.names), columns)
            found = read_cells(handle, table, form.one_hot, cells.classes, cells.decimal)
            return _with_rows(found, path)
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
    return dataset_of_parts(split, standardize) | named | _classes_of(chosen, cells)


def _refuse_names_twice(names: Sequence[str]) -> None:
    """Raise ValueError where a class of one column makes a column with the name of another one."""
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
        # Of two classes one column says all; a single one leaves a column that does not vary.
        for position, label in labels[1:] if len(labels) == 2 else labels:
            told.append(f"{name}={label}")
            columns.append((column == position).astype(np.float64))
    return told, np.stack(columns, axis=1)


def _refuse_constant_targets(dataset: Dataset, path: Path) -> None:
    labels = dataset["train_label"]
    if len(labels) == 1:
        raise ValueError(
            f"{path}: one row is left to train on; expected two or more. Use more rows, or hold out fewer."
        )
    for name, constant in zip(dataset["target_names"], (labels == labels[0]).all(axis=0), strict=True):
        if constant:
            raise ValueError(
                f"{path}: the target {name!r} has the same value in all {len(labels)} training rows; "
                "expected one that varies. Choose another target or add rows."
            )

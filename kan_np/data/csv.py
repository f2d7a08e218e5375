"""Tables with a header row, read from delimited text files and split for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TextIO

import numpy as np

from kan_np._validate import FloatArray, choice, integer, real
from kan_np.data.cells import Cells, Classes, read_cells
from kan_np.data.check import Dataset
from kan_np.data.columns import listed, repeated
from kan_np.data.dataset import dataset_from_arrays
from kan_np.data.numerals import COMMA, POINT
from kan_np.data.rows import Parts, split_table
from kan_np.data.table import Chosen, Table, choose, looking_for, read_header

_CLASSES = ("refuse", "one-hot")
_DECIMALS = (POINT, COMMA)


def load_csv(
    path: str | PathLike[str],
    target: str | Sequence[str],
    *,
    features: Sequence[str] | None = None,
    group: str | None = None,
    test: str | PathLike[str] | None = None,
    test_fraction: float = 0.2,
    val_fraction: float = 0.2,
    folds: int = 0,
    fold: int = 0,
    classes: str = "refuse",
    standardize: bool = True,
    seed: int = 0,
    delimiter: str | None = None,
    decimal: str | None = None,
) -> Dataset:
    """Read a table with a header row, and split it for training.

    Parameters
    ----------
    path : path
        A text file in UTF-8 (with or without byte-order mark): one header row of column names, then one
        record per row. Fields may be quoted; empty rows are skipped.
    target : str or sequence of str
        Name of the column to predict, or several.
    features : sequence of str, optional
        Names of the input columns, in this order. Default: all columns that are neither target nor group.
    group : str, optional
        Name of a column, of numbers or text. Rows with the same group (a patient, a molecule) come into the
        same part, so that no part knows another one's.
    test : path, optional
        A second table with the same columns, whose rows are the test samples; `test_fraction` is not used.
    test_fraction, val_fraction : float
        Shares of the rows held out at random for test and validation; `val_fraction` may be 0.
    folds, fold : int
        With `folds` of 2 or more, k-fold cross-validation: every row is a test sample in one fold, and this
        is the dataset of number `fold`. `test_fraction` is not used, and `val_fraction` is of the other rows.
    classes : {"refuse", "one-hot"}
        What is done with a column that has more text than numbers: it is refused, or becomes a column
        "name=class" of 0 and 1 for every class; one for two classes.
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

    Returns
    -------
    dict
        A dataset (see `dataset_from_arrays`) with ``feature_names``, ``target_names``, ``scaler`` when
        standardised, and where columns hold classes these by column, as ``classes``.

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
    one_hot = choice("classes", classes, _CLASSES) == "one-hot"
    folds, fold = _check_folds(folds, fold, test)
    test_share = 0.0 if test is not None or folds else _share("test_fraction", test_fraction)
    val_share = 0.0 if val_fraction == 0 else _share("val_fraction", val_fraction)
    form = _Form(delimiter, None if decimal is None else choice("decimal", decimal, _DECIMALS), one_hot)
    chosen, cells = _read(path, form, target, features, group)
    other = None if test is None else _read_test(Path(test), form, chosen, cells)
    try:
        parts = split_table(len(cells.values), test_share, val_share, seed, cells.groups, folds, fold)
        dataset = _dataset(chosen, cells, other, parts, standardize)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    _refuse_constant_targets(dataset, path)
    return dataset


@dataclass(frozen=True)
class _Form:
    """How the files are written, None where that is to be found, and whether classes are accepted."""

    delimiter: str | None
    decimal: str | None
    one_hot: bool

    def header(self, handle: TextIO, path: Path) -> Table:
        """Return the table whose header this file begins with."""
        return replace(read_header(handle, path, self.delimiter), decimal=self.decimal)


def _check_folds(folds: int, fold: int, test: object) -> tuple[int, int]:
    folds = integer("folds", folds, 0)
    if folds == 1:
        raise ValueError("folds is 1; expected 0 for none, or 2 and more.")
    if folds and test is not None:
        raise ValueError(f"folds is {folds}, and a test table is given too; expected one of them.")
    return folds, integer("fold", fold, 0, max(folds - 1, 0))


def _share(name: str, value: object) -> float:
    share = real(name, value)
    if not 0 < share < 1:
        raise ValueError(f"{name} is {share:g}; expected a share between 0 and 1, both excluded.")
    return share


def _read(
    path: Path,
    form: _Form,
    target: str | Sequence[str],
    features: Sequence[str] | None,
    group: str | None,
) -> tuple[Chosen, Cells]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            table = form.header(handle, path)
            chosen = choose(table, target, features, group)
            cells = read_cells(handle, looking_for(table, chosen), form.one_hot)
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from None
    return chosen, _with_rows(cells, path)


def _read_test(path: Path, form: _Form, chosen: Chosen, cells: Cells) -> Cells:
    # Which rows of the test belong together does not matter: none of them trains.
    columns = Chosen(chosen.features, chosen.targets)
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            table = looking_for(form.header(handle, path), columns)
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
    if other is None:
        test_x, test_y = x[parts.test], y[parts.test]
    else:
        _, test_x = _columns(chosen.features, other.values, cells.classes)
        _, test_y = _columns(chosen.targets, other.values[:, first_target:], cells.classes)
    val_x, val_y = (x[parts.val], y[parts.val]) if parts.val.size else (None, None)
    dataset = dataset_from_arrays(
        x[parts.train],
        y[parts.train],
        test_x,
        test_y,
        val_input=val_x,
        val_label=val_y,
        standardize=standardize,
    )
    named: Dataset = {**dataset, "feature_names": feature_names, "target_names": target_names}
    return named | ({"classes": {k: list(v) for k, v in cells.classes.items()}} if cells.classes else {})


def _columns(names: Sequence[str], values: FloatArray, classes: Classes) -> tuple[list[str], FloatArray]:
    """Return the names and values of columns, (n, n_columns), those with classes in their one-hot form."""
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
    if twice := repeated(told):
        raise ValueError(
            f"{listed(twice)} would be the name of a column of its own and of the 0 and 1 of a class; "
            "expected one column of a name. Rename the column, or leave it out with features=[...]."
        )
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

"""Tables of numbers with a header row, read from delimited text files."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from operator import itemgetter
from os import PathLike
from pathlib import Path
from typing import NoReturn, TextIO

import numpy as np

from kan_np._validate import FloatArray, choice
from kan_np.data.check import Dataset
from kan_np.data.dataset import dataset_from_arrays

_DELIMITERS = (",", ";", "\t")
_MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "-", "?", "."})
_CHUNK = 1 << 16  # records converted at a time: bounds the memory held as Python strings


@dataclass(frozen=True)
class _Table:
    """Where the data records of a file begin, and what they are to be read for."""

    path: Path
    delimiter: str
    header: tuple[str, ...]
    header_row: int  # as a spreadsheet counts, from 1
    wanted: tuple[int, ...] = ()  # columns to read, in this order


def load_csv(
    path: str | PathLike[str],
    target: str | Sequence[str],
    *,
    features: Sequence[str] | None = None,
    test_fraction: float = 0.2,
    val_fraction: float = 0.2,
    standardize: bool = True,
    seed: int = 0,
    delimiter: str | None = None,
) -> Dataset:
    """Read a table of numbers with a header row, and split it for training.

    Parameters
    ----------
    path : path
        A text file in UTF-8 (with or without byte-order mark): one header row of column names, then one
        record per row. Fields may be quoted; empty rows are skipped.
    target : str or sequence of str
        Name of the column to predict, or several.
    features : sequence of str, optional
        Names of the input columns, in this order. Default: all columns that are not targets.
    test_fraction, val_fraction : float
        Shares of the rows held out at random for test and validation; `val_fraction` may be 0.
    standardize : bool
        Bring each column to mean 0 and standard deviation 1 of the training rows. Losses are then in units
        of the standard deviation of the targets.
    seed : int
        Seed of the split; the global random state is not touched.
    delimiter : str, optional
        The character between fields. Default: comma, semicolon or tab, whichever splits the header most.

    Returns
    -------
    dict
        A dataset (see `dataset_from_arrays`) with ``feature_names``, ``target_names``, and ``scaler`` when
        standardised.

    Raises
    ------
    ValueError
        If the header or a row is malformed, a name is unknown, a cell that is needed is missing, not a number
        or not finite (the message gives row and column; the header is row 1), a target is constant, or
        there are too few rows.
    OSError
        If the file cannot be opened.

    Examples
    --------
    >>> dataset = load_csv("beam.csv", target="deflection")  # doctest: +SKIP
    >>> dataset["feature_names"]  # doctest: +SKIP
    ['length', 'width', 'load']
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            table = _read_header(handle, path, delimiter)
            feature_names, target_names = _select(table, target, features)
            columns = [table.header.index(name) for name in (*feature_names, *target_names)]
            table = _Table(table.path, table.delimiter, table.header, table.header_row, tuple(columns))
            values = _read_values(handle, table)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start} of a block); "
            "export it as 'CSV UTF-8'."
        ) from None
    if not len(values):
        raise ValueError(f"{path} has a header but no data rows; expected one row per sample below it.")
    n_features = len(feature_names)
    try:
        dataset = dataset_from_arrays(
            values[:, :n_features],
            values[:, n_features:],
            test_fraction=test_fraction,
            val_fraction=val_fraction,
            standardize=standardize,
            seed=seed,
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    _refuse_constant_targets(dataset, target_names, path)
    return {**dataset, "feature_names": feature_names, "target_names": target_names}


def _records(handle: TextIO, delimiter: str) -> Iterator[list[str]]:
    handle.seek(0)
    return csv.reader(handle, delimiter=delimiter, skipinitialspace=True, strict=True)


def _read_header(handle: TextIO, path: Path, delimiter: str | None) -> _Table:
    """Find delimiter and column names."""
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1):
        raise ValueError(f"delimiter is {delimiter!r}; expected one character, or None to find it.")
    candidates = _DELIMITERS if delimiter is None else (delimiter,)
    # max() keeps the first of equals: a header of one column counts as comma-separated.
    row, names, found = max((_first_record(handle, one) for one in candidates), key=lambda c: len(c[1]))
    header = tuple(name.strip() for name in names)
    if not header:
        raise ValueError(f"{path} has no readable header row; expected column names in its first row.")
    if all(_number(name) is not None for name in header):
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
    return _Table(path, found, header, row)


def _first_record(handle: TextIO, delimiter: str) -> tuple[int, list[str], str]:
    """Return the row number and fields of the first record that is not blank; no fields if there is none."""
    try:
        for row, record in enumerate(_records(handle, delimiter), start=1):
            if any(map(str.strip, record)):
                return row, record, delimiter
    except csv.Error:
        pass  # quotes that make no sense with this delimiter: it is not the one
    return 0, [], delimiter


def _select(
    table: _Table, target: str | Sequence[str], features: Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """Return the names of feature and target columns, checked against the header."""
    path = table.path
    targets = _known_names("target", [target] if isinstance(target, str) else list(target), table)
    if features is not None:
        if isinstance(features, str):
            features = [features]
        inputs = _known_names("features", list(features), table)
        both = [name for name in inputs if name in targets]
        if both:
            raise ValueError(f"{path}: {both[0]!r} is both a feature and a target; expected one of them.")
        return inputs, targets
    inputs = [name for name in table.header if name not in targets]
    if "" in inputs:
        raise ValueError(
            f"{path}: column {table.header.index('') + 1} of the header has no name; expected a name for "
            "every column. Name it, or choose the inputs with features=[...]."
        )
    if not inputs:
        raise ValueError(
            f"{path} has no column besides the target {targets}; expected at least one input column. "
            f"(It was read with the delimiter {table.delimiter!r}.)"
        )
    return inputs, targets


def _known_names(role: str, names: list[str], table: _Table) -> list[str]:
    if not names:
        raise ValueError(f"{role} is empty; expected the name of at least one column of {table.path}.")
    known = [choice(f"{table.path}: {role}", name, filter(None, table.header)) for name in names]
    if len(set(known)) < len(known):
        raise ValueError(f"{role} is {known}; expected every name once.")
    return known


def _read_values(handle: TextIO, table: _Table) -> FloatArray:
    """Return the wanted columns, shape (n_rows, n_wanted)."""
    # numpy's parser is several times faster than the csv module, but it reports bad cells by other row
    # numbers and, when it reads only some columns, does not see rows of a wrong length.
    if len(table.wanted) == len(table.header):
        values = _read_fast(handle, table)
        if values is not None:
            return values
    return _read_checked(handle, table)


def _read_fast(handle: TextIO, table: _Table) -> FloatArray | None:
    """Return the values of a table that is clean in every cell, or None."""
    records = _records(handle, table.delimiter)
    for _ in range(table.header_row):
        next(records)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a table without rows: the caller says so
            values = np.loadtxt(handle, delimiter=table.delimiter, comments=None, quotechar='"', ndmin=2)
    except ValueError:
        return None
    if values.shape[1] != len(table.header) or not np.isfinite(values).all():
        return None
    return np.ascontiguousarray(values[:, table.wanted])


def _read_checked(handle: TextIO, table: _Table) -> FloatArray:
    """Return the values by way of the csv module; raises with row and column of the first bad cell."""
    records = _records(handle, table.delimiter)
    blocks = [np.empty((0, len(table.wanted)))]
    row = table.header_row + 1
    try:
        next(islice(records, table.header_row - 1, None))  # the header
        for _ in count():
            chunk = list(islice(records, _CHUNK))
            if not chunk:
                break
            block = _convert(chunk, table)
            blocks.append(_convert_by_cell(chunk, row, table) if block is None else block)
            row += len(chunk)
    except csv.Error as error:
        line = getattr(records, "line_num", 0)
        raise ValueError(
            f"{table.path}: line {line} cannot be read ({error}); expected fields separated by "
            f"{table.delimiter!r} with balanced quotes. Correct the file there."
        ) from None
    return np.concatenate(blocks)


def _convert(chunk: list[list[str]], table: _Table) -> FloatArray | None:
    """Return the values of records that are clean in every wanted cell, or None."""
    if set(map(len, chunk)) != {len(table.header)}:
        return None
    block = np.empty((len(chunk), len(table.wanted)))
    for j, column in enumerate(table.wanted):
        cells = list(map(itemgetter(column), chunk))
        text = "".join(cells)
        if "_" in text or not text.isascii():  # float() takes 1_000 for a number, a scientist does not
            return None
        try:
            block[:, j] = np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            return None
    return block if np.isfinite(block).all() else None


def _convert_by_cell(chunk: list[list[str]], first_row: int, table: _Table) -> FloatArray:
    """Return the values of the records that are not blank, or raise at the first bad cell."""
    rows = []
    for row, record in enumerate(chunk, start=first_row):
        if not any(map(str.strip, record)):
            continue
        if len(record) != len(table.header):
            raise ValueError(
                f"{table.path}: row {row} has {len(record)} fields; expected {len(table.header)}, as in the "
                f"header. Fields that contain {table.delimiter!r} must be quoted."
            )
        numbers = [_number(record[column]) for column in table.wanted]
        for column, number in zip(table.wanted, numbers, strict=True):
            if number is None or not math.isfinite(number):
                _raise_for_cell(record[column], row, column, table)
        rows.append(numbers)
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(table.wanted))


def _number(cell: str) -> float | None:
    if "_" in cell or not cell.isascii():
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _raise_for_cell(cell: str, row: int, column: int, table: _Table) -> NoReturn:
    where = f"{table.path}: row {row}, column {table.header[column]!r} (column {column + 1})"
    text = cell.strip()
    if text.lower() in _MISSING:
        got = "is empty" if not text else f"holds {text!r}, a missing value"
        raise ValueError(
            f"{where} {got}; expected a number. Fill in the cell, delete the row, or leave the column out "
            "with features=[...]."
        )
    if _number(text) is not None:
        raise ValueError(
            f"{where} holds {text!r}; expected a finite number. Correct the cell or delete the row."
        )
    comma = _number(text.replace(",", ".", 1)) is not None and "," in text
    hint = " Numbers are written with a decimal point, not a comma." if comma else ""
    raise ValueError(
        f"{where} holds the text {text!r}; expected a number. Correct the cell, or drop the column by "
        f"naming the others with features=[...].{hint}"
    )


def _refuse_constant_targets(dataset: Dataset, names: list[str], path: Path) -> None:
    labels = dataset["train_label"]
    for name, constant in zip(names, (labels == labels[0]).all(axis=0), strict=True):
        if constant:
            raise ValueError(
                f"{path}: the target {name!r} has the same value in all {len(labels)} training rows; "
                "expected one that varies. Choose another target or add rows."
            )

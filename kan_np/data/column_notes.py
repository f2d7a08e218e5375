"""Notes on suspicious columns of a table, as sentences: copies of the target, row numbers, dates, classes.

A copy of the target among the inputs, the row number as an input, dates that are written as numbers, and
classes that are mostly numbers: each can give a model that is accurate on this table and useless on another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.data.disguised import n_numbers

#: Tables with fewer rows get no notes: there ordinary columns often look like copies or row numbers. Chosen
#: by judgement.
_LEAST_ROWS = 20
_BLOCK = 1 << 22  # values that are processed at once
_ROUNDING = 1e-6  # largest relative difference of a copy in single precision, or printed with six digits
#: Largest difference of a copy that rounding to few digits may explain, as a fraction of the target's
#: standard deviation; chosen by judgement.
_MOST_ROUNDING = 1e-2
_DIGITS = 6  # rounding to more digits is within _ROUNDING anyway
_MOST_NUMBERS = 3  # with more classes that are numbers the column is noted as one of numbers and some texts
_NAMED = 5  # columns that a note names
#: Names of columns that number rows.
_NAMES_OF_ROWS = re.compile(
    r"(?:.*[_ .-])?(?:id|nr\.?|no\.?|number|index|idx|row|#)|unnamed: ?0|sample|probe|run|experiment",
    re.IGNORECASE,
)


def column_notes(
    inputs: FloatArray,
    targets: FloatArray,
    names: tuple[Sequence[str], Sequence[str]],
    classes: Mapping[str, Sequence[str]],
) -> tuple[list[str], list[str]]:
    """Return notes on the columns of a table: on copies of the target and row numbers, and all others.

    Parameters
    ----------
    inputs, targets : ndarray of shape (n_rows, n_inputs) and (n_rows, n_targets)
        All rows as they are read; classes are given by their index.
    names : pair of sequences of str
        Names of the inputs and of the targets.
    classes : mapping
        The classes of the columns that have them, by name.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 2))
    >>> copies, others = column_notes(x, 2.54 * x[:, :1] + 1.0, (["a", "b"], ["y"]), {})
    >>> copies[0][:57], others
    ("The input 'a' is a copy of the target 'y' in other units:", [])
    """
    copies: list[str] = []
    others = list(_class_notes(names[0], classes))
    if len(inputs) < _LEAST_ROWS:
        return copies, others
    plain = np.array([name not in classes for name in names[0]], dtype=bool)
    for k, target in enumerate(names[1]):
        if target not in classes:
            copies += _copy_notes(inputs, targets[:, k], plain, names[0], target)
    numbered, whole = _whole_number_notes(inputs, plain, names[0])
    return copies + numbered, others + whole


def _blocks(inputs: FloatArray) -> Iterator[tuple[int, FloatArray]]:
    """Yield blocks of columns, each with the index of its first column."""
    step = max(1, _BLOCK // len(inputs))
    return ((low, inputs[:, low : low + step]) for low in range(0, inputs.shape[1], step))


def _copy_notes(
    inputs: FloatArray, target: FloatArray, plain: NDArray[np.bool_], names: Sequence[str], name: str
) -> list[str]:
    y = target - target.mean()
    size = np.abs(y).max()
    if len(np.unique(target)) <= 2 or not np.isfinite(size):
        return []  # between two different values there is always a straight line
    y = y / size
    notes = []
    for low, block in _blocks(inputs):
        with np.errstate(all="ignore"):  # constant columns, and variances that overflow
            x = block - block.mean(axis=0)
            x = x / np.abs(x).max(axis=0)
            part = (x.T @ y) ** 2 / ((x**2).sum(axis=0) * (y @ y))
        for j in np.flatnonzero(
            (part > 1.0 - _MOST_ROUNDING**2) & plain[low : low + block.shape[1]]
        ).tolist():
            with np.errstate(all="ignore"):
                line = _line(block[:, j], target)
            if line is not None:
                notes.append(_copy_note(names[low + j], name, line))
    return notes


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float] | None:
    """Return a and b if y = a x + b in every row, up to the rounding of both; else None."""
    # Dividing by powers of ten changes the size of numbers and not their digits.
    sizes = tuple(10.0 ** np.floor(np.log10(np.abs(column).max())) for column in (x, y))
    x, y = x / sizes[0], y / sizes[1]
    found = _straight(x, y)
    # One large value can dominate the fit of a line: the rows near the median have to be on the line, too.
    near = np.argsort(np.abs(y - np.median(y)), kind="stable")[: y.size // 2]
    if found is None:
        return None
    if np.ptp(y[near]) > 0.0 and np.ptp(x[near]) > 0.0:
        inner = _straight(x[near], y[near])
        if inner is None or abs(inner[0] - found[0]) > _MOST_ROUNDING * abs(found[0]):
            return None
    return float(found[0] * (sizes[1] / sizes[0])), float(found[1] * sizes[1])


def _straight(x: FloatArray, y: FloatArray) -> tuple[float, float] | None:
    shift, middle = x.mean(), y.mean()
    u, v = x - shift, y - middle
    size = np.abs(u).max()
    u = u / size
    rise = float((u @ v) / (u @ u))  # slope in units of the size of x
    left = np.abs(v - rise * u).max()
    rounding = abs(rise) * (_half_a_step(x) / size) + _half_a_step(y)
    # The line has an error of the size of the rounding, too, so twice the rounding is allowed.
    allowed = max(min(2.0 * rounding, _MOST_ROUNDING * y.std()), _ROUNDING * np.abs(v).max())
    if not left <= allowed:
        return None
    base = middle - rise * (shift / size)
    return float(rise / size), float(base if abs(base) > allowed else 0.0)


def _half_a_step(x: FloatArray) -> float:
    """Return half a unit of the last decimal place of numbers, 0 if they have more than six digits."""
    first = int(np.floor(np.log10(np.abs(x).max())))
    for digits in range(_DIGITS):
        step = 10.0 ** (first - digits)
        if (np.abs(np.round(x / step) * step - x) <= 1e-9 * np.abs(x)).all():
            return 0.5 * step
    return 0.0


def _copy_note(column: str, target: str, line: tuple[float, float]) -> str:
    slope, shift = line
    right = column if f"{slope:.4g}" == "1" else f"{slope:.4g} {column}"
    if shift:
        right += f" {'-' if shift < 0 else '+'} {abs(shift):.4g}"
    how = "" if right == column else " in other units"
    if np.isfinite(slope) and slope != 0.0:
        how += f": {target} = {right} in every row"
    return (
        f"The input {column!r} is a copy of the target {target!r}{how}. If it is not known where the target "
        "is to be predicted, leave it out: a model would only copy it, and its errors would mean nothing."
    )


def _whole_number_notes(
    inputs: FloatArray, plain: NDArray[np.bool_], names: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Notes on columns of different whole numbers that are called as row numbers are.

    And those on other such columns, and on dates (20240131).
    """
    rows, dates = [], []
    for low, block in _blocks(inputs):
        whole = (block == np.floor(block)).all(axis=0) & plain[low : low + block.shape[1]]
        for j in np.flatnonzero(whole).tolist():
            if _are_dates(block[:, j]):
                dates.append(names[low + j])
            elif len(np.unique(block[:, j])) == len(block):
                rows.append(names[low + j])
    numbers, others = list[str](), list[str]()
    if rows and inputs.shape[1] > 1:  # a single input is meant to be one
        which = "input has" if len(rows) == 1 else f"{len(rows)} inputs have"
        called = any(_NAMES_OF_ROWS.fullmatch(name.strip()) for name in rows)
        (numbers if called else others).append(
            f"The {which} a different whole number in every row, as row numbers and identifiers do: "
            f"{_named(rows)}. If it says nothing about the rows of another table, leave it out."
        )
    if dates:
        others.append(
            f"These inputs look like dates written as one number, such as 20240131: {_named(dates)}. Their "
            "differences are not durations (from 31 January to 1 February it is 70). Use days since some "
            "date."
        )
    return numbers, others


def _are_dates(column: FloatArray) -> bool:
    """Whether all numbers are dates of 1900 to 2100 in the form YYYYMMDD, and several are different."""
    day, month, year = column % 100, column // 100 % 100, column // 10_000
    within = (day >= 1) & (day <= 31) & (month >= 1) & (month <= 12) & (year >= 1900) & (year <= 2100)
    return bool(within.all()) and len(np.unique(column)) > 2


def _class_notes(names: Sequence[str], classes: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for name in names:
        labels = classes.get(name, ())
        if n_numbers(labels) >= _MOST_NUMBERS:
            yield (
                f"The column {name!r} holds numbers and texts, and each of its {len(labels)} values became a "
                f"column of 0 and 1, {n_numbers(labels)} of them for numbers, whose order and distances are "
                "lost. Write numbers in all its cells, or leave it out."
            )


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more

"""Duplicate rows of a table: how many there are, whether they are copies, and how they are split.

If a test row is a copy of a training row, its error is a training error. Copies are therefore kept in one
part of the split. Rows may also be equal by chance, where columns have few values: these are independent
measurements, and keeping them together would make the choice of test rows depend on their labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray

Ints = NDArray[np.intp]

#: Equal rows count as chance if independent columns with the same values would give at least this fraction of
#: the pairs of equal rows. It is not 1, since dependent inputs, and a target that follows from the inputs,
#: give more pairs than independent columns. Chosen by judgement.
_BY_CHANCE = 1.0 / 3.0


class EqualRows(NamedTuple):
    """The groups of rows that a split has to keep together (None if there are none), and notes about them.

    `n_equal` rows are equal to an earlier one; `is_leak` says that the test error is therefore meaningless.
    """

    groups: Sequence[str] | Ints | None
    n_equal: int = 0
    kept_together: bool = False
    is_leak: bool = False
    notes: tuple[str, ...] = ()


def keep_equal_rows_together(
    values: FloatArray, groups: Sequence[str] | None, n_needed: int, wanted: bool
) -> EqualRows:
    """Return which rows a split has to keep in the same part.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        The inputs and targets.
    groups : sequence of str, optional
        The group of every row; groups are kept together in any case.
    n_needed : int
        Number of different rows that the parts of the split need at least.
    wanted : bool
        False to split equal rows like any others.

    Examples
    --------
    >>> copies = np.repeat(np.random.default_rng(0).normal(size=(10, 2)), 3, axis=0)
    >>> found = keep_equal_rows_together(copies, None, 4, True)
    >>> found.kept_together, len(set(found.groups))
    (True, 10)
    """
    n = len(values)
    codes = number_rows(values)
    n_different = int(codes.max()) + 1
    if n_different == n:
        return EqualRows(groups)
    n_equal = n - n_different
    are = "is a duplicate" if n_equal == 1 else "are duplicates"
    found = (
        f"{n_equal} of the {n} rows {are} of another row (the same in all inputs and targets; {n_different} "
        "rows are different)"
    )
    if not wanted:
        return EqualRows(groups, n_equal, notes=(f"{found}, and may train as well as test.",))
    if _is_by_chance(values, codes):
        note = (
            f"{found}: about as many as columns of so few values give by chance, so these rows are split "
            "like any others. The test error is for input values that occur in training, not for values "
            "between."
        )
        return EqualRows(groups, n_equal, notes=(note,))
    together = codes if groups is None else _joined(codes, np.unique(list(groups), return_inverse=True)[1])
    if together.max() + 1 < n_needed:
        note = (
            f"{found}: too few to keep equal rows in one part of the split, so some test rows equal training "
            "rows, and the test error says nothing about other rows. Use more rows that are different."
        )
        return EqualRows(groups, n_equal, is_leak=True, notes=(note,))
    note = (
        f"{found}. Equal rows are kept in one part of the split, so that no test row is a copy of a training "
        "row. If the copies are not independent measurements, delete them."
    )
    return EqualRows(together, n_equal, kept_together=True, notes=(note,))


def number_rows(values: FloatArray) -> Ints:
    """Return a number for every row, from 0; equal rows have the same number.

    Examples
    --------
    >>> number_rows(np.array([[0.0, 1.0], [2.0, 3.0], [-0.0, 1.0]])).tolist()
    [0, 1, 0]
    """
    bits = np.ascontiguousarray(values + 0.0).view(np.uint64)  # -0.0 is 0.0
    hashes = np.zeros(len(bits), dtype=np.uint64)
    factor = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio (Knuth 1998, section 6.4)
    for column in bits.T:
        hashes = (hashes ^ column) * factor
        hashes ^= hashes >> np.uint64(29)
    # Equal rows have equal hashes, and rows with equal hashes are nearly always equal. Sorting rows takes ten
    # times as long as sorting hashes, so it is done only if a hash has different rows.
    _, first, codes = np.unique(hashes, return_index=True, return_inverse=True)
    if first.size < len(bits) and not np.array_equal(bits[first[codes]], bits):
        _, codes = np.unique(bits, axis=0, return_inverse=True)
    return np.asarray(codes.ravel(), dtype=np.intp)


def _is_by_chance(values: FloatArray, codes: Ints) -> bool:
    """Whether independent columns with these values would give nearly as many pairs of equal rows."""
    share = 1.0
    enough = _BY_CHANCE * _share_of_pairs(codes)
    for column in values.T:
        share *= _share_of_pairs(np.unique(column, return_inverse=True)[1])
        if share < enough:
            return False
    return True


def _share_of_pairs(codes: Ints) -> float:
    """Return the fraction of all pairs of rows that have the same code."""
    counts = np.bincount(codes).astype(np.float64)
    return float((counts * (counts - 1.0)).sum() / (codes.size * (codes.size - 1.0)))


def _joined(first: Ints, second: Ints) -> Ints:
    """Return a set number for every row; rows that share a code, directly or in a chain, are in one set."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = first.size
    rows = np.arange(n)
    links = coo_array(
        (np.ones(2 * n, dtype=np.int8), (np.r_[rows, rows], np.r_[n + first, n + first.max() + 1 + second])),
        shape=(2 * n + int(second.max()) + 1,) * 2,
    )
    _, sets = connected_components(links, directed=False)
    return np.asarray(np.unique(sets[:n], return_inverse=True)[1], dtype=np.intp)

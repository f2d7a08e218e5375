"""Rows of a table that are equal: how many, whether they are copies, and which rows belong together then.

A copy of a training row among the test rows makes a model look as good on new rows as on those that it knows.
Rows may also be equal by chance, where columns have few values: such rows are measurements of their own, and
to keep them together would choose the test rows by their labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray

Ints = NDArray[np.intp]

#: Pairs of equal rows are chance where independent columns would give a third of them or more. Every input
#: that depends on others, and a target that follows from the inputs, make more pairs than that.
_BY_CHANCE = 1.0 / 3.0


class EqualRows(NamedTuple):
    """The rows that belong together, by number, None where the split need not know; and what to say of it.

    `n_equal` rows repeat another one; `is_leak` says that the test error means nothing therefore.
    """

    groups: Sequence[str] | Ints | None
    n_equal: int = 0
    kept_together: bool = False
    is_leak: bool = False
    notes: tuple[str, ...] = ()


def keep_equal_rows_together(
    values: FloatArray, groups: Sequence[str] | None, n_needed: int, wanted: bool
) -> EqualRows:
    """Say which rows have to come into the same part of a split.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        The inputs and targets.
    groups : sequence of str, optional
        The group of every row, whose rows belong together anyway.
    n_needed : int
        So many different rows make all parts of the split.
    wanted : bool
        False to leave equal rows where chance puts them.

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
    found = (
        f"{n_equal} of the {n} rows are duplicates of another row (the same in all inputs and targets; "
        f"{n_different} rows are different)"
    )
    if not wanted:
        return EqualRows(groups, n_equal, notes=(f"{found}, and may train as well as test.",))
    if _is_by_chance(values, codes):
        note = (
            f"{found}: about as many as columns of so few values give by chance, so these rows are split "
            "like any others. The test error is that of values which were trained on, not of values between."
        )
        return EqualRows(groups, n_equal, notes=(note,))
    together = codes if groups is None else _joined(codes, np.unique(list(groups), return_inverse=True)[1])
    if together.max() + 1 < n_needed:
        note = (
            f"{found}: too few to keep equal rows in one part of the split, so rows that test are rows that "
            "train. Their error says nothing about other rows. Use more rows that are different."
        )
        return EqualRows(groups, n_equal, is_leak=True, notes=(note,))
    note = (
        f"{found}. Equal rows are kept in one part of the split, so that no row tests a model that was "
        "trained on its copy. If the copies are no measurements of their own, delete them."
    )
    return EqualRows(together, n_equal, kept_together=True, notes=(note,))


def number_rows(values: FloatArray) -> Ints:
    """Return a number for every row, from 0; rows that are equal have the same.

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
    # Equal rows have equal hashes, and rows of one hash are nearly always equal: sorting rows takes ten times
    # as long as sorting numbers, so it is for the exception.
    _, first, codes = np.unique(hashes, return_index=True, return_inverse=True)
    if first.size < len(bits) and not np.array_equal(bits[first[codes]], bits):
        _, codes = np.unique(bits, axis=0, return_inverse=True)
    return np.asarray(codes.ravel(), dtype=np.intp)


def _is_by_chance(values: FloatArray, codes: Ints) -> bool:
    """Say whether independent columns with these values would have nearly as many pairs of equal rows."""
    share = 1.0
    enough = _BY_CHANCE * _share_of_pairs(codes)
    for column in values.T:
        share *= _share_of_pairs(np.unique(column, return_inverse=True)[1])
        if share < enough:
            return False
    return True


def _share_of_pairs(codes: Ints) -> float:
    """Return which part of all pairs of rows have the same code."""
    counts = np.bincount(codes).astype(np.float64)
    return float((counts * (counts - 1.0)).sum() / (codes.size * (codes.size - 1.0)))


def _joined(first: Ints, second: Ints) -> Ints:
    """Return the number of the set of every row, where rows with a code in common are in one set."""
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

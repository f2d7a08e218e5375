"""Splits of the rows of a table into training, validation and test rows: at random, by groups, in folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kan_np.data.dataset import split_rows

Ints = NDArray[np.intp]

# Groups and folds have random streams of their own, as the split of rows has.
_GROUP_STREAM, _FOLD_STREAM = 2, 3


class Parts(NamedTuple):
    """Row numbers of the three parts, each ascending; validation and test may be empty."""

    train: Ints
    test: Ints
    val: Ints


def split_table(
    n: int,
    test_fraction: float,
    val_fraction: float,
    seed: int,
    groups: Sequence[str] | Ints | None = None,
    folds: int = 0,
    fold: int = 0,
) -> Parts:
    """Split `n` rows into three parts; the rows of a group are always put into the same part.

    Parameters
    ----------
    n : int
        Number of rows.
    test_fraction, val_fraction : float
        Fractions of all rows; 0 leaves a part empty. With folds the test rows are those of fold number
        `fold`, and `val_fraction` is a fraction of the other rows.
    seed : int
        Seed of the random choice.
    groups : sequence of str or int, optional
        The group of every row. Every part consists of whole groups, with about its fraction of the rows.
    folds, fold : int
        Number of folds, 0 for none, and which of them is the test.

    Raises
    ------
    ValueError
        If there are too few rows or groups.

    Examples
    --------
    >>> split_table(6, 0.0, 0.0, seed=0, groups="aabbcc", folds=3, fold=0).test
    array([0, 1])
    """
    codes = None if groups is None else np.unique([*groups], return_inverse=True)[1]
    rows = np.arange(n)
    if not folds:
        return Parts(*_hold_out(rows, codes, (test_fraction, val_fraction), seed))
    of_row = _folds(n, codes, folds, seed)
    rest = rows[of_row != fold]
    train, val = _hold_out(rest, None if codes is None else codes[rest], (val_fraction,), seed)
    return Parts(train, rows[of_row == fold], val)


def _hold_out(rows: Ints, codes: Ints | None, fractions: Sequence[float], seed: int) -> list[Ints]:
    """Return the remaining rows, then one held-out part for each fraction."""
    if codes is None:
        return [rows[part] for part in split_rows(rows.size, fractions, seed)]
    if not any(fractions):
        return [rows, *(rows[:0] for _ in fractions)]
    present, counts = np.unique(codes, return_counts=True)
    needed = 1 + sum(fraction > 0 for fraction in fractions)
    if present.size < needed:
        raise ValueError(
            f"the rows have {present.size} different groups; expected at least {needed}, so that every part "
            "has a group. Use more groups, or smaller or fewer parts."
        )
    order = _generator(seed, _GROUP_STREAM).permutation(present.size)
    parts, used = [], 0
    for position, fraction in enumerate(fractions):
        first, held = used, 0
        wanted = fraction * rows.size
        kept_back = 1 + sum(later > 0 for later in fractions[position + 1 :])
        while fraction > 0 and order.size - used > kept_back:
            # The next group is added if that brings the part closer to its fraction; the first one always is.
            size = int(counts[order[used]])
            if used > first and abs(held + size - wanted) >= abs(held - wanted):
                break
            held, used = held + size, used + 1
        parts.append(rows[np.isin(codes, present[order[first:used]])])
    return [rows[np.isin(codes, present[order[used:]])], *parts]


def _folds(n: int, codes: Ints | None, folds: int, seed: int) -> Ints:
    """Return the fold of every row: groups are assigned from large to small, each to the smallest fold."""
    own = np.arange(n) if codes is None else codes
    counts = np.bincount(own)
    if counts.size < folds:
        what = "rows" if codes is None else "groups"
        raise ValueError(
            f"folds is {folds}, and there are {counts.size} {what}; expected at most as many folds as {what}."
        )
    shuffled = _generator(seed, _FOLD_STREAM).permutation(counts.size)
    order = shuffled[np.argsort(-counts[shuffled], kind="stable")]
    if codes is None:
        fold_of = np.empty(n, dtype=np.intp)
        fold_of[order] = np.arange(n) % folds
        return fold_of
    fold_of, sizes = np.empty(counts.size, dtype=np.intp), np.zeros(folds, dtype=np.intp)
    for group in order:
        fold_of[group] = np.argmin(sizes)
        sizes[fold_of[group]] += counts[group]
    return fold_of[own]


def _generator(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream,)))

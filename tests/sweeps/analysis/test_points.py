"""Medians and ranges over seeds against the same thing worked out one group at a time."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sweeps.analysis.points import _Seeds

NUMBERS = st.sampled_from([0.0, 1e-300, 0.1, 0.25, 0.25, 3.0, 1e300, math.inf, math.nan])
#: Groups: what the seeds that reached a point have, and how many did not reach it.
GROUPS = st.lists(st.tuples(st.lists(NUMBERS, min_size=1, max_size=5), st.integers(0, 3)), max_size=6)


def in_columns(groups):
    """Return the values of all groups, shuffled, with the group of each; and the groups in that order."""
    rows = [(number, value) for number, (values, _) in enumerate(groups) for value in values]
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    shuffled = [rows[i] for i in order]
    own = [[value for number, value in shuffled if number == wanted] for wanted in range(len(groups))]
    group = np.array([number for number, _ in shuffled], dtype=np.intp)
    n_runs = np.array([len(values) + absent for values, absent in groups], dtype=np.intp)
    return _Seeds(group, n_runs), np.array([value for _, value in shuffled], dtype=np.float64), own


def bad_last(values):
    return [math.inf if math.isnan(value) else value for value in values]


@given(GROUPS)
def test_spreads_count_a_nan_and_an_absent_seed_as_infinitely_bad(groups):
    seeds, values, own = in_columns(groups)
    for spread, mine, (_, absent) in zip(seeds.seed_ranges(values), own, groups, strict=True):
        found = (spread.median, spread.low, spread.high)
        if all(map(math.isnan, mine)):
            assert all(map(math.isnan, found))
        else:
            everything = bad_last(mine) + [math.inf] * absent
            assert found == (median(everything), min(everything), max(everything))


@given(GROUPS)
def test_the_typical_row_is_the_median_one_or_the_better_of_the_two_in_the_middle(groups):
    seeds, values, own = in_columns(groups)
    for row, mine, (_, absent) in zip(seeds.typical(values), own, groups, strict=True):
        n_runs = len(mine) + absent
        ranked = sorted(bad_last(mine))
        assert bad_last([values[row]]) == [ranked[min((n_runs - 1) // 2, len(mine) - 1)]]


@given(GROUPS)
def test_medians_over_the_rows_that_are_there_and_all_rows_of_every_group(groups):
    seeds, values, own = in_columns(groups)
    rows = seeds.rows()
    assert [sorted(found) for found in rows] == rows
    for found, mine in zip(rows, own, strict=True):
        np.testing.assert_array_equal(values[found], mine)
    known = np.where(np.isnan(values), 2.0, values)
    for found, mine in zip(seeds.median(known), rows, strict=True):
        assert found == median(known[mine].tolist())


def test_of_equal_rows_the_first_is_the_typical_one():
    seeds = _Seeds(np.array([0, 0, 1, 0, 1]), np.array([3, 2]))
    assert seeds.typical(np.array([0.5, 0.5, 0.1, 0.5, 0.1])).tolist() == [1, 2]

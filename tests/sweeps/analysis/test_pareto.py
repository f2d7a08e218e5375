"""The front against its definition, on random points with ties, duplicates, NaN and inf."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.analysis.pareto import best_within, front, staircase

# Few distinct values, so that ties and exact duplicates are the rule.
costs = st.sampled_from([0.0, 1.0, 2.0, 3.0, 1e-300, -1.0, np.nan, np.inf, -np.inf]) | st.floats()
points = st.lists(st.tuples(costs, costs), max_size=40)


def columns(pairs):
    array = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def brute_force_front(x, y):
    finite = [i for i in range(len(x)) if np.isfinite(x[i]) and np.isfinite(y[i])]

    def dominated(i):
        return any(x[j] <= x[i] and y[j] <= y[i] and (x[j] < x[i] or y[j] < y[i]) for j in finite)

    return [i for i in finite if not dominated(i)]


@given(points)
def test_front_is_the_set_of_points_that_nothing_dominates(pairs):
    x, y = columns(pairs)
    result = front(x, y)
    assert sorted(result) == brute_force_front(x, y)
    assert np.all(np.diff(x[result]) >= 0)


@given(points, st.randoms())
def test_front_does_not_depend_on_the_order_of_the_points(pairs, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)
    x, y = columns(pairs)
    u, v = columns(shuffled)
    assert sorted(zip(x[front(x, y)], y[front(x, y)], strict=True)) == sorted(
        zip(u[front(u, v)], v[front(u, v)], strict=True)
    )


def test_duplicates_of_a_front_point_do_not_eliminate_each_other():
    assert front([1, 1, 1, 2], [0.1, 0.1, 0.1, 0.2]).tolist() == [0, 1, 2]


def test_a_negative_infinite_error_is_not_the_best_one():
    assert front([1, 2], [-np.inf, 1.0]).tolist() == [1]


@given(points)
def test_staircase_is_the_best_error_attained_at_every_budget(pairs):
    x, y = columns(pairs)
    xs, ys = staircase(x, y)
    assert len(xs) == max(2 * len(np.unique(x[front(x, y)])) - 1, 0)
    assert np.all(np.diff(xs) >= 0)
    assert np.all(np.diff(ys) <= 0)
    for corner in np.unique(xs):
        lowest = ys[xs == corner].min()
        assert lowest == min(y[i] for i in front(x, y) if x[i] <= corner)


def test_staircase_runs_level_to_the_given_end():
    xs, ys = staircase([1, 3], [5.0, 2.0], x_end=10)
    assert xs.tolist() == [1, 3, 3, 10]
    assert ys.tolist() == [5, 5, 2, 2]


def test_staircase_of_nothing_is_empty():
    assert all(part.size == 0 for part in staircase([np.nan], [1.0], x_end=3))


@given(points, st.sampled_from([-5.0, 0.0, 1.0, 2.5, np.inf]))
def test_best_within_is_the_least_error_that_fits_the_budget(pairs, budget):
    x, y = columns(pairs)
    found = best_within(x, y, budget)
    errors = [y[i] for i in range(len(x)) if np.isfinite(x[i]) and np.isfinite(y[i]) and x[i] <= budget]
    if not errors:
        assert found is None
    else:
        assert y[found] == min(errors)
        assert x[found] == min(x[i] for i in range(len(x)) if np.isfinite(x[i]) and y[i] == y[found])


def test_vectors_of_different_length_are_refused():
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\)"):
        front([1, 2], [1, 2, 3])

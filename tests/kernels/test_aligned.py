"""Arrays at the start of a cache line."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import KAN, MLP, _aligned
from kan_np.objective.sparsity_penalty import Penalty


@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (3, 5), (0, 4), (2, 3, 9)])
def test_arrays_begin_with_a_line_and_own_what_they_hold(shape):
    kept = [_aligned.empty(shape), _aligned.zeros(shape), *_aligned.arrays(shape, (3,), shape)]
    for k, array in enumerate(kept):
        assert array.size == 0 or array.ctypes.data % _aligned.LINE == 0
        assert array.flags.c_contiguous
        assert array.flags.writeable
        array.fill(k)
    assert all((array == k).all() for k, array in enumerate(kept))
    assert [array.shape for array in kept] == [shape, shape, shape, (3,), shape]


def test_copies_are_in_rows_and_independent():
    given = np.arange(12.0).reshape(3, 4).T
    copied = _aligned.copied(given)
    np.testing.assert_array_equal(copied, given)
    assert copied.flags.c_contiguous
    assert not np.shares_memory(copied, given)
    assert _aligned.copied([1, 2]).dtype == np.float64


@pytest.mark.parametrize("model", [KAN([2, 5, 1], 5, seed=0), MLP([2, 5, 1], seed=0)])
def test_the_values_of_a_fit_do_not_depend_on_where_the_samples_lie(model):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (50, 2)), rng.uniform(-1, 1, (50, 1))
    moved = [np.empty(array.size + 1)[1:].reshape(array.shape) for array in (x, y)]
    for there, array in zip(moved, (x, y), strict=True):
        there[...] = array
    value, gradient = model._objective(x, y, Penalty())(model._theta)
    again, same = model._objective(*moved, Penalty())(model._theta)
    assert value == again
    assert (gradient == same).all()

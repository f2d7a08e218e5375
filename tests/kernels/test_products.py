"""Inner loops of an MLP against sums over single numbers, and the whole against itself in other blocks."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import reference

from kan_np import MLP
from kan_np.kernels import products
from kan_np.kernels.microkernels import PANEL
from kan_np.objective.sparsity_penalty import Penalty

N_ROWS, WIDTH = 8, 3 * PANEL


@numba.njit
def call_weighted_rows(size, weight, at, apart, step, rows, first, out, to):
    products.weighted_rows(size, weight, at, apart, step, N_ROWS, rows, first, WIDTH, out, to)


@numba.njit
def call_row_products(size, a, at, b, first, n_rows, grad, to, apart):
    products.row_products(size, a, at, b, first, n_rows, WIDTH, 2, grad, to, apart)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("apart", "step"), [(1, 6), (7, 1)])
def test_weighted_rows(size, apart, step):
    rng = np.random.default_rng(size)
    weight, rows, out = rng.normal(size=(9, 9)), rng.normal(size=(12, WIDTH)), rng.normal(size=(9, WIDTH))
    expected = out.copy()
    own = rows[2 : 2 + N_ROWS, PANEL : 2 * PANEL]
    expected[3 : 3 + size, PANEL : 2 * PANEL] = reference.weighted_rows(weight, 4, apart, step, own, size)
    call_weighted_rows(size, weight, 4, apart, step, rows, 2 * WIDTH + PANEL, out, 3 * WIDTH + PANEL)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("n_rows", [1, 2, 3, 7])
def test_row_products(size, n_rows):
    rng = np.random.default_rng(10 * size + n_rows)
    a, b, grad = rng.normal(size=(7, WIDTH)), rng.normal(size=(9, WIDTH)), rng.normal(size=(9, 8))
    expected, used = grad.copy(), 2 * PANEL
    for t in range(size):
        for r in range(n_rows):
            expected[1 + r, 2 + t] += np.sum(a[1 + t, :used] * b[2 + r, :used])
    call_row_products(size, a, WIDTH, b, 2 * WIDTH, n_rows, grad, 8 + 2, 8)
    np.testing.assert_allclose(grad, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [1, 15, 16, 17, 95, 96, 97, 300])
def test_samples_that_do_not_fill_a_block_count_once(n):
    rng = np.random.default_rng(n)
    x, y, weight = rng.normal(size=(n, 2)), rng.normal(size=(n, 3)), rng.uniform(0.5, 2.0, n)
    model = MLP([2, 7, 4, 3], "silu", seed=0)
    objective = model._objective(x, y, Penalty(), weight)
    value, gradient = objective(model._theta)
    singles = [model._objective(x[s : s + 1], y[s : s + 1], Penalty())(model._theta) for s in range(n)]
    share = weight / weight.sum()
    assert value == pytest.approx(sum(w * v for w, (v, _) in zip(share, singles, strict=True)), rel=1e-12)
    together = sum(w * g for w, (_, g) in zip(share, singles, strict=True))
    np.testing.assert_allclose(gradient, together, rtol=1e-10, atol=1e-14)
    assert objective.value(model._theta) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("activation", ["tanh", "relu", "silu"])
def test_weights_that_are_not_finite_end_as_a_loss_that_is_not(activation):
    model = MLP([2, 5, 1], activation, seed=0)
    x = np.random.default_rng(0).normal(size=(20, 2))
    for bad in (np.nan, 1e308):
        value, _ = model._objective(x, x[:, :1], Penalty())(np.full_like(model._theta, bad))
        assert not np.isfinite(value)

"""Products of parameters with the functions of edge families agree with their formulas."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np.kernels._jit import entry
from kan_np.kernels.family_products import add_tile, pull_tile, tile_gradient
from kan_np.kernels.microkernels import LARGEST, PANEL

WIDTH, FIRST, AT = 3 * PANEL, 2, 5
TARGET = np.array([4, 4, 0, 2, 3, 1, 0])


@entry
def add(size, coef, n_rows, rows, target, edge, out, column):
    add_tile(size, coef, AT, n_rows, rows, FIRST, target, edge, out, WIDTH, column)


@entry
def gradient(size, delta, target, edge, rows, n_rows, n_panels, grad):
    tile_gradient(size, delta, WIDTH, target, edge, rows, FIRST, n_rows, n_panels, grad, AT)


@entry
def pull(size, coef, n_rows, slopes, target, edge, delta, column, out, node):
    pull_tile(size, coef, AT, n_rows, slopes, FIRST, target, edge, delta, WIDTH, column, out, node)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 7])
@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_tiles_are_sums_over_functions(size, n_rows):
    rng = np.random.default_rng(10 * size + n_rows)
    edge, column = 1, PANEL
    coef = rng.normal(size=AT + size * n_rows + 3)
    own = coef[AT : AT + size * n_rows].reshape(size, n_rows)
    rows, delta = rng.normal(size=(FIRST + n_rows + 1, WIDTH)), rng.normal(size=(5, WIDTH))
    functions, targets = rows[FIRST : FIRST + n_rows], TARGET[edge : edge + size]
    here = slice(column, column + PANEL)

    out = rng.normal(size=(5, WIDTH))
    # a target that two edges of a tile share would be counted once: networks have no such edges
    if np.unique(targets).size == size:
        expected = out.copy()
        for t, j in enumerate(targets):
            expected[j, here] += own[t] @ functions[:, here]
        add(size, coef, n_rows, rows, TARGET, edge, out, column)
        np.testing.assert_allclose(out, expected, rtol=1e-13, atol=1e-13)

    grad, n_panels = rng.normal(size=coef.shape), 2
    expected = grad.copy()
    expected[AT : AT + size * n_rows] += (
        delta[targets, : n_panels * PANEL] @ functions[:, : n_panels * PANEL].T
    ).ravel()
    gradient(size, delta, TARGET, edge, rows, n_rows, n_panels, grad)
    np.testing.assert_allclose(grad, expected, rtol=1e-13, atol=1e-13)

    out = rng.normal(size=(6, WIDTH))
    expected = out.copy()
    expected[5, here] += np.einsum("ts,tr,rs->s", delta[targets][:, here], own, functions[:, here])
    pull(size, coef, n_rows, rows, TARGET, edge, delta, column, out, 5)
    np.testing.assert_allclose(out, expected, rtol=1e-13, atol=1e-13)

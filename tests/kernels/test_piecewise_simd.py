"""Sixteen samples at once against loops over single numbers."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import reference

from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.piecewise_simd import PIECES, any_outside, panel_edges, piece_param_grad, place_panel


@numba.njit
def call_place(x, sample, low, high, start, step, n_intervals, first, width, place, u, stretch, to):
    return place_panel(x, sample, low, high, start, step, n_intervals, first, width, place, u, stretch, to)


@numba.njit
def call_edges(w, columns, column, table, first, inner, n_intervals, node, at, value, to, slope, keep):
    place, u, stretch, base, dbase = node
    panel_edges(
        *(w, columns, column, table, first, inner, n_intervals, table.shape[1], place, u, stretch, base),
        *(dbase, at, value, to, slope, keep),
    )


@numba.njit
def call_param_grad(size, factor, start, place, u, at, n_octets, piece, polynomial_grad, to):
    piece_param_grad(size, factor, start, place, u, at, n_octets, piece, polynomial_grad, to)


@numba.njit
def call_outside(place, at, n_octets, low, high):
    return any_outside(place, at, n_octets, low, high)


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("n_intervals", [1, 5, PIECES])
def test_values_and_derivatives_of_an_edge(n_intervals, outside):
    rng = np.random.default_rng(n_intervals)
    inner, n_pieces = 2, n_intervals + 4
    table = rng.normal(size=(3, n_pieces, 4))
    columns = np.zeros((3, 4, PIECES))
    columns[:, :, :n_intervals] = table[:, inner : inner + n_intervals].swapaxes(1, 2)
    place = 4 * rng.integers(inner, inner + n_intervals, 40)
    if outside:
        place[[9, 14, 20]] = 0, 4, 4 * (n_pieces - 1)
    node = (place, *rng.normal(size=(4, 40)))
    value, slope, w = rng.normal(size=(2, 48)), np.zeros((3, 20)), rng.normal()
    before = value.copy()
    call_edges(
        w, columns, 2 * 4 * PIECES, table, 2 * n_pieces * 4, inner, n_intervals, node, 7, value, 50, slope, 21
    )
    _, u, stretch, base, dbase = (row[7 : 7 + PANEL] for row in node)
    expected, derivative = reference.polynomial_values(table, 2 * n_pieces * 4, place[7 : 7 + PANEL], u)
    expected, derivative = expected + w * base, derivative * stretch + w * dbase
    np.testing.assert_allclose(value.ravel()[50:66], before.ravel()[50:66] + expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(slope.ravel()[21:37], derivative, rtol=1e-11, atol=1e-12)
    untouched = np.ones(value.size, dtype=bool)
    untouched[50:66] = False
    assert (value.ravel()[untouched] == before.ravel()[untouched]).all()
    assert not slope.ravel()[:21].any()
    assert not slope.ravel()[37:].any()


@pytest.mark.parametrize("width", [4, 6])
def test_places_on_equal_intervals(width):
    rng = np.random.default_rng(width)
    x, low, high, n_intervals, first = rng.uniform(-1, 3, (2, 20)), -1.0, 3.0, 5, 3
    x[1, 2:7] = -1.0, 3.0, 0.6, np.nan, 1.4  # both ends, a knot
    step = n_intervals / (high - low)
    place, u, stretch = np.zeros(30, dtype=np.int64), np.zeros(30), np.zeros(30)
    given = (low, high, low, step, n_intervals, first, width)
    assert not call_place(x, 21, *given, place, u, stretch, 5)
    t = (x.ravel()[21:37] - low) * step
    p = np.clip(np.floor(np.where(np.isnan(t), 0.0, t)), 0, n_intervals - 1)
    np.testing.assert_array_equal(place[5:21], width * (first + p))
    np.testing.assert_allclose(u[5:21], t - p, atol=1e-14)
    assert (stretch[5:21] == step).all()
    for array in (place, u, stretch):
        assert not array[:5].any()
        assert not array[21:].any()
    for off in (-1.0 - 1e-9, 3.0 + 1e-9):
        x[1, 8] = off
        assert call_place(x, 21, *given, place, u, stretch, 5)


@pytest.mark.parametrize("size", range(1, 6))
@pytest.mark.parametrize("n_octets", [0, 1, 3])
def test_param_grad_of_some_pieces(size, n_octets):
    rng = np.random.default_rng(size)
    factor, u, polynomial_grad = rng.normal(size=(2, 40)), rng.uniform(-1, 2, 40), rng.normal(size=(3, 9, 4))
    place, piece = 4 * rng.integers(0, 9, 40), 3
    expected = polynomial_grad.copy().reshape(-1, 4)
    for s in range(8 * n_octets):
        q = place[5 + s] // 4 - piece
        if 0 <= q < size:
            expected[2 * 9 + q] += factor.ravel()[43 + s] * u[5 + s] ** np.arange(3, -1, -1)
    call_param_grad(size, factor, 43, place, u, 5, n_octets, piece, polynomial_grad, 2 * 9 * 4)
    np.testing.assert_allclose(polynomial_grad.reshape(-1, 4), expected, rtol=1e-12, atol=1e-13)


def test_any_outside_looks_at_whole_octets_from_a_place_on():
    place = np.full(30, 8)
    place[[2, 21]] = 4, 12
    assert not call_outside(place, 3, 2, 8, 12)
    assert call_outside(place, 2, 2, 8, 12)
    assert call_outside(place, 6, 2, 8, 12)
    assert not call_outside(place, 6, 2, 8, 16)
    assert not call_outside(place, 0, 0, 8, 9)

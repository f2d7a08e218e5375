"""Products of parameters and panels, and how panels are filled, against loops over single numbers."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import reference

from kan_np.kernels import microkernels, packing
from kan_np.kernels.microkernels import PANEL

BLOCK = 4 * PANEL
SIZES = (1, 2, 3, 4, 5)
N_EDGES, N_ROWS, N_PANELS, N_NODES = 9, 7, 3, 6
EDGE, SLOT = 2, 1


def setting(seed):
    """Parameters, panels of two slots, node rows and targets that are out of order."""
    rng = np.random.default_rng(seed)
    theta, rows = rng.normal(size=(N_EDGES, N_ROWS)), rng.normal(size=(2, N_PANELS, N_ROWS, PANEL))
    nodes = rng.normal(size=(N_NODES, N_PANELS * PANEL))
    return theta, rows, nodes, np.array([0, 5, 3, 5, 1, 4, 2, 0, 1])


def corner(panel):
    return (SLOT * N_PANELS + panel) * N_ROWS * PANEL


@numba.njit
def call_values(size, theta, edge, n_rows, rows, at, target, out, width, first):
    microkernels.tile_values(size, theta, edge, n_rows, rows, at, target, out, width, first)


@numba.njit
def call_param_grad(size, delta, width, target, edge, rows, at, n_rows, n_panels, grad):
    microkernels.tile_param_grad(size, delta, width, target, edge, rows, at, n_rows, n_panels, grad)


@numba.njit
def call_slopes(size, theta, edge, n_rows, slopes, at, target, delta, width, first, out, node):
    microkernels.tile_input_grad(
        size, theta, edge, n_rows, slopes, at, target, delta, width, first, out, node
    )


@pytest.mark.parametrize("size", SIZES)
def test_values(size):
    theta, rows, nodes, target = setting(size)
    expected, own, samples = nodes.copy(), range(EDGE, EDGE + size), slice(PANEL, 2 * PANEL)
    for e, values in zip(own, reference.tile_values(theta, rows[SLOT, 1], own), strict=True):
        expected[target[e], samples] += values
    call_values(size, theta, EDGE, N_ROWS, rows, corner(1), target, nodes, nodes.shape[1], PANEL)
    np.testing.assert_allclose(nodes, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", SIZES)
def test_param_grad(size):
    theta, rows, nodes, target = setting(size)
    grad, expected = theta.copy(), theta.copy()
    expected[EDGE : EDGE + size] += reference.tile_param_grad(
        nodes[:, : 2 * PANEL], rows[SLOT, :2], target[EDGE : EDGE + size]
    )
    call_param_grad(size, nodes, nodes.shape[1], target, EDGE, rows, corner(0), N_ROWS, 2, grad)
    np.testing.assert_allclose(grad, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_slopes(size):
    theta, rows, nodes, target = setting(size)
    out, own, samples = np.ones_like(nodes), range(EDGE, EDGE + size), slice(PANEL, 2 * PANEL)
    expected = out.copy()
    delta = nodes[:, samples]
    expected[4, samples] += reference.tile_input_grad(
        theta, delta, rows[SLOT, 1], own, target[EDGE : EDGE + size]
    )
    call_slopes(size, theta, EDGE, N_ROWS, rows, corner(1), target, nodes, nodes.shape[1], PANEL, out, 4)
    np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


@numba.njit
def call_lay_even(x, sample, low, high, start, step, n_intervals, table, rows, slopes, to):
    return packing.lay_even(True, x, sample, low, high, start, step, n_intervals, table, 0, rows, slopes, to)


@pytest.mark.parametrize("n_intervals", [1, 2, 5, 12])
def test_four_cubics_a_sample_in_the_rows_of_its_interval(n_intervals):
    rng = np.random.default_rng(n_intervals)
    x = rng.uniform(1.0, 1.0 + n_intervals / 4.0, BLOCK)
    x[PANEL] = np.nan
    table = rng.normal(size=(4, 4))
    rows = np.full((2, n_intervals + 3, PANEL), 7.0)
    slopes = rows.copy()
    ends = 1.0, 1.0 + n_intervals / 4.0
    outside = call_lay_even(x, PANEL, *ends, 1.0, 4.0, n_intervals, table, rows, slopes, rows[0].size)
    assert not outside
    assert (rows[0] == 7.0).all()
    assert (slopes[0] == 7.0).all()
    for s, z in enumerate(x[PANEL : 2 * PANEL]):
        p = 0 if np.isnan(z) else min(int((z - 1.0) * 4.0), n_intervals - 1)
        u, value, slope = (z - 1.0) * 4.0 - p, np.zeros(n_intervals + 3), np.zeros(n_intervals + 3)
        value[p : p + 4] = table[0] * u**3 + table[1] * u**2 + table[2] * u + table[3]
        slope[p : p + 4] = 4.0 * (3.0 * table[0] * u**2 + 2.0 * table[1] * u + table[2])
        np.testing.assert_allclose(rows[1, :, s], value, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(slopes[1, :, s], slope, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("place", "beyond"), [(0, -1e-9), (15, 1.0 + 1e-9), (9, np.inf), (3, -np.inf)])
def test_a_sample_outside_is_noticed(place, beyond):
    x = np.full(BLOCK, 0.5)
    rows = np.empty((4, PANEL))
    ends = (x, 0, 0.0, 1.0, 0.0, 1.0, 1, np.ones((4, 4)), rows, rows.copy(), 0)
    assert not call_lay_even(*ends)
    x[place] = beyond
    assert call_lay_even(*ends)

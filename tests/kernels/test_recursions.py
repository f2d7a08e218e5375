"""Chebyshev polynomials and Gaussians in vector registers agree with their formulas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import chebyshev

from kan_np.kernels._jit import entry
from kan_np.kernels.basis_families import chebyshev_rows, gaussian_rows

BLOCK, FIRST, LOW, HIGH = 48, 2, -0.5, 1.5


@entry
def call_chebyshev(edges, coef, x, n, rows, slopes, work):
    chebyshev_rows(edges, coef, x, 1, n, rows, slopes, work)


@entry
def call_gaussian(edges, coef, x, n, rows, slopes, work):
    gaussian_rows(edges, coef, x, 1, n, rows, slopes, work)


def filled(kernel, size, n_params, setting, x):
    """Rows and slopes of a node at x, and that nothing else was written."""
    n = x.size
    nodes, coef = np.zeros((2, BLOCK)), np.zeros(1)
    nodes[1, :n] = x
    rows, slopes = np.full((2, FIRST + n_params + 1, BLOCK), 7.0)
    kernel((FIRST, n_params, size, setting, LOW, HIGH, 0), coef, nodes, n, rows, slopes, np.zeros((3, BLOCK)))
    for array in (rows, slopes):
        assert np.all(array[:FIRST] == 7.0)
        assert np.all(array[FIRST + n_params :] == 7.0)
    return rows[FIRST:-1, :n], slopes[FIRST:-1, :n]


@pytest.mark.parametrize("degree", [1, 2, 3, 8, 30])
def test_chebyshev_polynomials_on_an_interval(degree):
    x = np.concatenate([np.linspace(LOW, HIGH, 33), [LOW - 0.3, HIGH + 2.0]])
    rows, slopes = filled(call_chebyshev, degree, degree + 1, 0.0, x)
    inside = np.clip(x, LOW, HIGH)
    z, coef = (2.0 * inside - LOW - HIGH) / (HIGH - LOW), np.eye(degree + 1)
    steep = chebyshev.chebval(z, chebyshev.chebder(coef)) * 2.0 / (HIGH - LOW)
    np.testing.assert_allclose(slopes, steep, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(
        rows, chebyshev.chebval(z, coef) + steep * (x - inside), rtol=1e-11, atol=1e-12
    )


def test_squashed_chebyshev_polynomials():
    x = np.array([-400.0, -20.0, -2.0, -1e-9, 0.0, 1e-300, 0.3, 1.0, 18.0, 300.0])
    rows, slopes = filled(call_chebyshev, 5, 6, 1.0, x)
    z, coef = np.tanh(x), np.eye(6)
    np.testing.assert_allclose(rows, chebyshev.chebval(z, coef), rtol=1e-14, atol=1e-15)
    # the derivative of tanh keeps its digits where 1 - tanh^2 has none
    by_z = chebyshev.chebval(z, chebyshev.chebder(coef))
    w = np.exp(-2.0 * np.abs(x))
    np.testing.assert_allclose(slopes, by_z * 4.0 * w / (1.0 + w) ** 2, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("size", [1, 2, 8, 9, 23])
@pytest.mark.parametrize("denominator", [0.05, 0.5, 1.0, 3.0])
def test_gaussians_on_a_grid(size, denominator):
    x = np.concatenate([np.linspace(LOW, HIGH, 37), [LOW - 1.0, HIGH + 0.7, 1e3, -1e8]])
    rows, slopes = filled(call_gaussian, size, size + 2, denominator, x)
    d = 1.0 / denominator
    scale = size * d / (HIGH - LOW)
    u = (x - LOW) * scale - np.arange(size + 1)[:, None] * d
    expected = np.exp(-(u**2))
    np.testing.assert_allclose(rows[1:], expected, rtol=1e-12, atol=1e-100)
    np.testing.assert_allclose(slopes[1:], -2.0 * scale * u * expected, rtol=1e-12, atol=3e-13 * scale)
    assert np.all(rows[0] == 1.0)
    assert np.all(slopes[0] == 0.0)


@pytest.mark.parametrize("kernel", [call_chebyshev, call_gaussian])
def test_no_numbers_stay_so(kernel):
    rows, _ = filled(
        kernel, 4, 5 + (kernel is call_gaussian), 0.0 + (kernel is call_gaussian), np.array([0.1, np.nan])
    )
    assert np.isfinite(rows[:, 0]).all()
    assert np.isnan(rows[1:, 1]).all()

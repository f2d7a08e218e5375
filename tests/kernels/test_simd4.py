"""Vector instructions against loops over single numbers."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import reference
from scipy.special import expit

from kan_np.kernels import activation, simd4
from kan_np.kernels.exponential import OCTET, exp_octet


@numba.njit
def call_add_row(factor, source, at, target, to):
    simd4.add_row(factor, source, at, target, to)


@numba.njit
def call_add_product(factor, start, table, at, target, to):
    simd4.add_product(factor, start, table, at, target, to)


@numba.njit
def call_param_grad(factor, start, u, at, place, target, to, apart):
    simd4.param_grad_quad(factor, start, u, at, place, target, to, apart)


@numba.njit
def call_spline(table, first, place, u, at, value, to, slope, keep):
    simd4.spline_quad(table, first, place, u, at, value, to, slope, keep)


@numba.njit(fastmath={"contract"})
def call_exponential(x, out):
    for s in range(0, x.size, OCTET):
        exp_octet(x, s, out, s)


@numba.njit
def call_activation(kind, z, slope):
    activation.activate_rows(kind, z, slope, 0, z.shape[0], z.shape[1])


def activated(kind, x):
    """a(x) and a'(x); kernels take whole octets."""
    z = np.pad(x, ((0, 0), (0, -x.shape[1] % OCTET)))
    slope = np.full_like(z, np.nan)
    call_activation(kind, z, slope)
    return z[:, : x.shape[1]], slope[:, : x.shape[1]]


@pytest.mark.parametrize("seed", range(5))
def test_add_row_and_add_product(seed):
    rng = np.random.default_rng(seed)
    source, target, factor = rng.normal(size=(3, 5, 7)), rng.normal(size=(6, 9)), rng.normal(size=(4, 6))
    at, to, start, f = *rng.integers(0, 50, 2), rng.integers(0, 20), rng.normal()
    expected = reference.add_row(f, source, at, target, to)
    again = target.copy()
    call_add_row(f, source, at, again, to)
    np.testing.assert_allclose(again, expected, rtol=1e-14)
    expected = reference.add_product(factor, start, source, at, target, to)
    again = target.copy()
    call_add_product(factor, start, source, at, again, to)
    np.testing.assert_allclose(again, expected, rtol=1e-13)


@pytest.mark.parametrize("seed", range(5))
def test_param_grad_and_polynomials(seed):
    rng = np.random.default_rng(seed)
    u = rng.uniform(-2, 3, 12)
    factor, target, place = rng.normal(size=(2, 6)), rng.normal(size=(4, 3, 8)), 4 * rng.integers(0, 2, 12)
    expected = reference.param_grad_quad(factor, 7, u, 3, place, target, 5, 24)
    call_param_grad(factor, 7, u, 3, place, target, 5, 24)
    np.testing.assert_allclose(target, expected, rtol=1e-13)
    table, place = rng.normal(size=(9, 5, 4)), 4 * rng.integers(0, 5, 12)
    value, slope = rng.normal(size=(3, 12)), np.zeros((2, 12))
    before = value.copy()
    call_spline(table, 60, place, u, 4, value, 12 + 4, slope, 8)
    expected, derivative = reference.polynomial_values(table, 60, place[4:8], u[4:8])
    np.testing.assert_allclose(value[1, 4:8], before[1, 4:8] + expected, rtol=1e-12)
    np.testing.assert_allclose(slope[0, 8:12], derivative, rtol=1e-12)
    untouched = np.ones((3, 12), dtype=bool)
    untouched[1, 4:8] = False
    assert (value[untouched] == before[untouched]).all()


def test_the_exponential_is_right_to_a_few_roundings_and_clipped():
    x = np.concatenate([np.linspace(-700, 700, 20001), np.random.default_rng(0).uniform(-3, 3, 19999)])
    out = np.empty_like(x)
    call_exponential(x, out)
    np.testing.assert_allclose(out, np.exp(x), rtol=6e-16)
    for far, near in ((1e4, 700.0), (-1e4, -700.0), (np.inf, 700.0)):
        call_exponential(np.full(8, far), out)
        assert out[:8] == pytest.approx(np.exp(np.full(8, near)), rel=1e-15)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 1000])
def test_tanh_and_silu_are_right_to_a_few_roundings_down_to_the_smallest_numbers(n):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(3, n)) * 10.0 ** rng.integers(-12, 3, (3, n))
    for kind, expected, slope in (
        (activation.TANH, np.tanh(x), 1.0 - np.tanh(x) ** 2),
        (activation.SILU, x * expit(x), expit(x) * (1.0 + x * expit(-x))),
    ):
        z, derivative = activated(kind, x)
        np.testing.assert_allclose(z, expected, rtol=2e-15, atol=1e-300)
        np.testing.assert_allclose(derivative, slope, rtol=1e-14, atol=1e-15)


def test_tanh_at_the_ends_of_the_numbers():
    z = np.array([[np.inf, -np.inf, np.nan, 1e300, -1e-300, 0.0, -20.0]])
    z, _ = activated(activation.TANH, z)
    np.testing.assert_array_equal(z[0], [1.0, -1.0, np.nan, 1.0, -1e-300, 0.0, -1.0])


def test_relu_keeps_nan_and_infinity():
    x = np.array([[-1.0, -0.0, 0.0, 2.5, np.nan, -np.inf, np.inf]])
    z, slope = activated(activation.RELU, x)
    np.testing.assert_array_equal(z[0], [0.0, 0.0, 0.0, 2.5, np.nan, 0.0, np.inf])
    np.testing.assert_array_equal(slope[0], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0])

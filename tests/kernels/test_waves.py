"""Sines and cosines in vector registers agree with NumPy's, also where arguments are large or no numbers."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np.kernels._jit import entry, jit_exact
from kan_np.kernels.pointwise_families import sine_rows
from kan_np.kernels.scalar_functions import sine_cosine

BLOCK = 48


@jit_exact
def both(u, n, sine, cosine):
    sine_cosine(u, n, sine, cosine, 1)


@entry
def call_both(u, n, sine, cosine):
    both(u, n, sine, cosine)


@entry
def call_sines(edges, coef, x, n, rows, slopes, work):
    sine_rows(edges, coef, x, 1, n, rows, slopes, work)


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 30.0, 9e5, 1e7, 1e15])
def test_sine_and_cosine(scale):
    u, n = np.zeros((1, BLOCK)), 43
    u[0, :n] = np.random.default_rng(0).uniform(-scale, scale, n)
    u[0, :9] = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, -0.5, -1.0]) * np.pi
    sine, cosine = np.zeros((2, BLOCK)), np.zeros((2, BLOCK))
    call_both(u, n, sine, cosine)
    np.testing.assert_allclose(sine[1, :n], np.sin(u[0, :n]), rtol=4e-16, atol=2e-16)
    np.testing.assert_allclose(cosine[1, :n], np.cos(u[0, :n]), rtol=4e-16, atol=2e-16)
    assert not sine[0].any()
    assert not cosine[0].any()


def test_no_numbers_stay_so():
    u = np.zeros((1, BLOCK))
    u[0, [3, 17]] = np.nan, np.inf
    sine, cosine = np.zeros((2, BLOCK)), np.zeros((2, BLOCK))
    with np.errstate(invalid="ignore"):
        call_both(u, BLOCK, sine, cosine)
    assert np.isnan(sine[1, [3, 17]]).all()
    assert np.isnan(cosine[1, [3, 17]]).all()
    assert np.isfinite(np.delete(sine[1], [3, 17])).all()


@pytest.mark.parametrize(("n_terms", "n"), [(1, 1), (3, 16), (5, 45)])
def test_an_edge_of_sines(n_terms, n):
    rng = np.random.default_rng(n_terms)
    at, first, n_params = 2, 1, 3 * n_terms + 1
    coef, x = rng.normal(size=at + n_params), rng.normal(size=(2, BLOCK))
    x[1, 0] = 1e9  # beyond what vector instructions reduce
    a, w, p = coef[at : at + 3 * n_terms].reshape(3, n_terms)
    rows, slopes, work = (np.full((first + n_params + 1, BLOCK), 7.0) for _ in range(3))
    edges = (first, n_params, n_terms, 0.0, -1.0, 1.0, at)
    call_sines(edges, coef, x, n, rows, slopes, work)
    u = w[:, None] * x[1, :n] + p[:, None]
    by_p = a[:, None] * np.cos(u)
    value = a @ np.sin(u) + coef[-1]
    expected = np.concatenate([np.sin(u), x[1, :n] * by_p, by_p, np.ones((1, n)), value[None]])
    tolerance = np.where(np.arange(n) == 0, 1e-6, 1e-14)  # an ulp of 1e9 is 1e-7
    assert np.all(np.abs(rows[first:, :n] - expected) <= tolerance * np.maximum(np.abs(expected), 1.0))
    assert np.all(np.abs(slopes[first, :n] - w @ by_p) <= 10.0 * tolerance)
    assert np.all(rows[0] == 7.0)

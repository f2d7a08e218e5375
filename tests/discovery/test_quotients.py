"""Quotients of two sums: their coefficients are unbiased, and they are proposed where labels are noisy."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from kan_np.discovery import discover
from kan_np.discovery.terms.polish import Samples
from kan_np.discovery.terms.quotients import _fitted, _monomials, find_quotients

X1, X2 = sympy.symbols("x_1 x_2", real=True)


def samples_of(x, y, symbols=None):
    n = 4 * len(x) // 5
    return Samples(x[:n], y[:n], x[n:], y[n:], 0.0, symbols)


def test_two_stages_are_unbiased_where_least_squares_is_not():
    rng = np.random.default_rng(0)
    x = rng.uniform(0.2, 3.0, (20_000, 1))
    true = 2.0 * x[:, 0] / (0.5 + x[:, 0])
    noisy = true + 0.2 * rng.normal(size=len(x))
    phi, psi = x, np.column_stack([np.ones(len(x)), x[:, 0]])
    c, d, rmse = _fitted(phi, psi, noisy, true)
    assert (c[0] / d[1], d[0] / d[1]) == pytest.approx((2.0, 0.5), abs=0.02)
    assert rmse == pytest.approx(0.2, rel=0.02)
    biased, others, _ = _fitted(phi, psi, noisy, noisy)
    assert abs(biased[0] / others[1] - 2.0) > 0.1


def test_a_pole_between_samples_is_refused():
    x = np.linspace(-1.0, 1.0, 41)[:, None] + 0.011
    y = 1.0 / x[:, 0]
    assert _fitted(np.ones((41, 1)), np.column_stack([x[:, 0], np.zeros(41)]), y, y) is None


def test_monomials_are_all_products_of_varying_inputs():
    x = np.random.default_rng(0).uniform(1.0, 2.0, (30, 3))
    x[:, 1] = 7.0
    powers, values, units = _monomials(x, 2)
    assert [tuple(int(p) for p in own) for own in powers] == [
        (0, 0, 0),
        (1, 0, 0),
        (0, 0, 1),
        (2, 0, 0),
        (1, 0, 1),
        (0, 0, 2),
    ]
    np.testing.assert_allclose(values[:, 4] * units[4], x[:, 0] * x[:, 2], rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_a_quotient_is_found_under_noise(seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2.0, 2.0, (600, 2))
    true = x[:, 0] / (1.0 + x[:, 0] ** 2 + x[:, 1] ** 2)
    y = true + 0.05 * rng.normal(size=600)
    guide = true + 0.02 * np.sin(3.0 * x[:, 1])  # a model that is nearly right
    found = find_quotients(samples_of(x, y), guide[:480])
    values = sympy.lambdify([X1, X2], found[0].expression)(*x.T)
    assert np.sqrt(np.mean(np.square(values - true))) < 0.01
    assert found[0].expression.as_numer_denom()[1].free_symbols == {X1, X2}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("number", [1.0, 1.3])
def test_numbers_of_a_denominator_are_whole_where_noise_leaves_no_doubt_or_little(number, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.3, 2.0, (600, 2))
    true = 3.7 * x[:, 0] / (x[:, 0] ** 2 + number * x[:, 1] ** 2)
    found = find_quotients(samples_of(x, true + 0.4 * rng.normal(size=600)), true[:480])
    below = sympy.fraction(sympy.together(found[0].expression))[1]
    assert (sympy.expand(below - X1**2 - X2**2) == 0) == (number == 1.0)


def test_nothing_is_found_for_many_inputs_and_after_the_end():
    x = np.random.default_rng(0).uniform(1.0, 2.0, (50, 5))
    y = x[:, 0] / (x[:, 1] + x[:, 2])
    assert find_quotients(samples_of(x, y), y[:40]) == []
    assert find_quotients(samples_of(x[:, :3], y), y[:40], over=lambda: True) == []
    assert find_quotients(samples_of(x[:, :3], np.ones(50)), np.ones(40)) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_discover_finds_the_rate_of_an_enzyme_with_an_inhibitor(seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.1, 5.0, (400, 2))
    true = 3.0 * x[:, 0] / (x[:, 0] + 2.0 * (1.0 + x[:, 1]))
    y = true + 0.03 * rng.normal(size=400)
    found = discover({"train_input": x, "train_label": y[:, None]}, seconds=600, most_steps=20, seed=seed)
    values = found.best.formula.numpy()(x)[:, 0]
    assert found.best.symbolic
    assert np.sqrt(np.mean(np.square(values - true))) < 0.01


@pytest.mark.slow
def test_discover_is_exact_where_values_of_the_terms_differ_much():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.uniform(-1.8, 1.8, 300), rng.uniform(0.2, 1.9, 300), rng.uniform(4, 40, 300)])
    y = x[:, 2] * x[:, 0] / (x[:, 0] ** 2 + x[:, 1] ** 2)
    found = discover({"train_input": x, "train_label": y[:, None]}, seconds=600, most_steps=20)
    assert found.best.exact
    assert found.best.complexity < 6

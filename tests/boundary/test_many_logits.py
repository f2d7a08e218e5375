"""Logits of many sets of columns: Newton's method for all of them, against one minimiser for each."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from kan_np.boundary.many_logits import evenly_steep, fitted, flipped_loss


def columns_of(n_sets=4, k=3, n_rows=200, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(n_sets, k, n_rows))
    true = rng.normal(size=(n_sets, k))
    z = np.einsum("sk,skn->sn", true, columns) + noise * rng.logistic(size=(n_sets, n_rows))
    return columns * np.where(z > 0, 1.0, -1.0)[:, None]


def loss_of(c, columns, flips=0.0):
    return float(np.mean(-np.log(flips + (1 - 2 * flips) / (1 + np.exp(-c @ columns)))))


@pytest.mark.parametrize("flips", [0.0, 1e-6, 0.2])
def test_loss_of_a_row_and_its_derivative(flips):
    z = np.linspace(-6, 6, 25)
    loss, by_z, information = flipped_loss(z, flips)
    p = flips + (1 - 2 * flips) / (1 + np.exp(-z))
    np.testing.assert_allclose(loss, -np.log(p), rtol=1e-10)
    step = 1e-5
    difference = (flipped_loss(z + step, flips)[0] - flipped_loss(z - step, flips)[0]) / (2 * step)
    np.testing.assert_allclose(-by_z, difference, rtol=1e-6, atol=1e-9)
    # of both classes, the squared derivatives of log p in the mean
    np.testing.assert_allclose(
        information, p * by_z**2 + (1 - p) * flipped_loss(-z, flips)[1] ** 2, rtol=1e-9
    )


def test_far_labels_cost_no_more_than_being_wrong():
    loss, by_z, information = flipped_loss(np.array([-1e4, 1e4]), 0.02)
    np.testing.assert_allclose(loss, -np.log([0.02, 0.98]))
    np.testing.assert_allclose(by_z, 0.0, atol=1e-300)
    np.testing.assert_allclose(information, 0.0, atol=1e-300)
    loss, by_z, _ = flipped_loss(np.array([-1e4, 1e4]), 0.0)
    assert loss.tolist() == [1e4, 0.0]
    assert by_z.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("flips", [0.0, 0.05])
def test_each_set_has_its_own_minimum(flips):
    columns = columns_of()
    c, losses = fitted(columns, np.zeros((4, 3)), 30, flips)
    for own, numbers, loss in zip(columns, c, losses, strict=True):
        best = minimize(loss_of, np.zeros(3), args=(own, flips), tol=1e-12)
        assert loss == pytest.approx(loss_of(numbers, own, flips), rel=1e-12)
        assert loss == pytest.approx(best.fun, rel=1e-9)
        np.testing.assert_allclose(numbers, best.x, atol=1e-4)


def test_a_set_by_itself_is_what_it_is_among_others():
    columns = columns_of()
    together = fitted(columns, np.zeros((4, 3)), 5)
    alone = [fitted(own[None], np.zeros((1, 3)), 5) for own in columns]
    for k in range(2):
        np.testing.assert_allclose(together[k], np.concatenate([one[k] for one in alone]), rtol=1e-12)


@pytest.mark.parametrize("steps", [1, 3, 40])
def test_no_step_makes_the_loss_larger_where_classes_are_separated(steps):
    columns = columns_of(noise=0.0)
    c, losses = fitted(columns, np.zeros((4, 3)), steps)
    _, more = fitted(columns, np.zeros((4, 3)), steps + 1)
    assert np.isfinite(c).all()
    assert (losses < np.log(2.0)).all()
    assert (more <= losses).all()


def test_columns_that_are_alike_or_zero_do_no_harm():
    columns = columns_of(n_sets=2)
    columns[0, 2] = columns[0, 1]
    columns[1, 2] = 0.0
    c, losses = fitted(columns, np.zeros((2, 3)), 12, 0.0)
    assert np.isfinite(c).all()
    for own, loss in zip(columns, losses, strict=True):
        best = minimize(loss_of, np.zeros(2), args=(own[:2],), tol=1e-12)
        assert loss == pytest.approx(best.fun, rel=1e-8)


def test_even_steepness_is_that_of_the_parts_that_do_not_cancel():
    columns = columns_of()
    known = np.abs(np.random.default_rng(1).normal(size=(4, 3)))
    c, losses = evenly_steep(columns, known, 30, 0.0)
    for own, weights, numbers, loss in zip(columns, known, c, losses, strict=True):
        relative = own / (weights @ np.abs(own))
        assert loss == pytest.approx(loss_of(numbers, relative), rel=1e-12)
        assert loss == pytest.approx(minimize(loss_of, numbers, args=(relative,)).fun, rel=1e-6)


@pytest.mark.parametrize("known", [True, False])
def test_units_of_the_rows_do_not_matter(known):
    columns = columns_of()
    c = np.ones((4, 3)) if known else None
    size = 10.0 ** np.random.default_rng(2).uniform(-3, 3, (4, 1, 200))
    np.testing.assert_allclose(
        evenly_steep(columns * size, c, 8)[1], evenly_steep(columns, c, 8)[1], rtol=1e-10
    )

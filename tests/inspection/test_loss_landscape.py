"""The Hessian of the loss by the parameters, against differences of the value and exact cases."""

from __future__ import annotations

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import KAN, create_dataset, dataset_from_arrays

RNG = np.random.default_rng(0)
X, Y = RNG.uniform(-1, 1, (30, 2)), RNG.normal(size=(30, 1))


def value_hessian(value, theta, h=1e-3):
    """By differences of the value alone."""
    n = theta.size
    found, unit = np.empty((n, n)), h * np.eye(n)
    for p in range(n):
        for q in range(p + 1):
            signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
            ends = [s * t * value(theta + s * unit[p] + t * unit[q]) for s, t in signs]
            found[p, q] = found[q, p] = sum(ends) / (4 * h * h)
    return found


def test_the_hessian_is_that_of_differences_of_the_loss():
    model = KAN([2, 2, 1], grid=2, k=3, noise_scale=2.0, seed=0)

    def loss(theta):
        other = model.copy()
        other.theta = theta
        return np.mean((other(X) - Y) ** 2)

    found = model.get_derivative(X, Y)
    np.testing.assert_allclose(found, value_hessian(loss, model.theta), atol=2e-4)
    assert (found == found.T).all()
    np.testing.assert_allclose(model.get_derivative(X, Y, "spectrum"), np.linalg.eigvalsh(found))
    np.testing.assert_allclose(
        model.get_derivative(X, Y, "jacobian"), model.loss_and_gradient(X, Y)[1], rtol=1e-10, atol=1e-14
    )


def test_a_model_that_is_linear_in_its_parameters_has_the_gauss_newton_matrix():
    model = KAN([2, 1], grid=3, seed=0)
    exact, fast = model.get_derivative(X, Y), model.get_derivative(X, Y, method="gauss_newton")
    np.testing.assert_allclose(exact, fast, atol=1e-10)
    assert model.get_derivative(X, Y, "spectrum", method="gauss_newton").min() > -1e-12


def test_where_residuals_are_zero_the_two_are_equal_and_elsewhere_not():
    model = KAN([2, 2, 1], grid=2, noise_scale=2.0, seed=1)
    met = model(X)
    exact, fast = (model.get_derivative(X, met, method=m) for m in ("differences", "gauss_newton"))
    np.testing.assert_allclose(exact, fast, atol=1e-9)
    exact, fast = (model.get_derivative(X, Y, method=m) for m in ("differences", "gauss_newton"))
    assert abs(exact - fast).max() > 1e-3


def test_the_penalty_and_the_loss_add_up():
    model = KAN([2, 1, 1], grid=2, noise_scale=2.0, seed=0)
    options = {"lamb_entropy": 1.0, "reg_metric": "edge_backward"}
    parts = [model.get_derivative(X, Y, "hessian", mode, **options) for mode in ("pred", "reg")]
    together = model.get_derivative(X, Y, "hessian", "all", lamb=0.3, **options)
    np.testing.assert_allclose(together, parts[0] + 0.3 * parts[1], atol=1e-8)

    def penalty(theta):
        other = model.copy()
        other.theta = theta
        return other.reg(X, lamb_entropy=1.0, reg_metric="edge_backward")

    np.testing.assert_allclose(parts[1], value_hessian(penalty, model.theta), atol=1e-2)


def test_symbols_products_locks_and_scales_have_hessians_too():
    model = mixed_model(affine=True)
    labels = np.hstack([Y, Y])
    found = model.get_derivative(X, labels)
    assert found.shape == (model.n_params, model.n_params)

    def slope(theta):
        other = model.copy()
        other.theta = theta
        return other.loss_and_gradient(X, labels)[1]

    shift = np.zeros(model.n_params)
    for p in (0, model.n_params // 2, model.n_params - 1):
        shift[:] = 0
        shift[p] = 1e-5
        by_p = (slope(model.theta + shift) - slope(model.theta - shift)) / 2e-5
        np.testing.assert_allclose(found[p], by_p, atol=1e-5 * max(1.0, abs(by_p).max()))


def test_other_losses_and_units_of_the_data():
    dataset = dataset_from_arrays(X, (X[:, 0] > 0).astype(float), seed=0)
    model = KAN([2, 1], grid=3, seed=0)
    model.fit(dataset, steps=2, loss="cross_entropy")
    labels = (X[:, [0]] > 0).astype(float)
    assert model.get_derivative(X, labels, "spectrum").min() > -1e-9  # convex: logits are linear
    far = create_dataset(lambda x: 1e6 * x[:, [0]] + 3e7, train_num=60, seed=0)
    model = KAN([2, 1], seed=0)
    model.fit(far, steps=2)
    found = model.get_derivative(far["train_input"], far["train_label"], "jacobian")
    known = model.loss_and_gradient(far["train_input"], far["train_label"])[1]
    np.testing.assert_allclose(found, known, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"derivative": "third"}, "derivative is 'third'"),
        ({"loss_mode": "both"}, "loss_mode is 'both'"),
        ({"loss_mode": "reg", "method": "gauss_newton"}, "no sum of squares"),
        ({"lamb": -1.0}, "lamb is -1"),
    ],
)
def test_unknown_names_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        KAN([2, 1], seed=0).get_derivative(X, Y, **options)
    with pytest.raises(ValueError, match="3 rows"):
        KAN([2, 1], seed=0).get_derivative(X, np.zeros((3, 1)))

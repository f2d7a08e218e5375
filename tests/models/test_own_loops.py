"""Training loops of one's own: loss, gradient and parameters of a model as a user gets and sets them."""

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import KAN, MLP, create_dataset

X = np.random.default_rng(0).uniform(-1, 1, (30, 2))
Y = np.sin(3 * X[:, [0]]) * X[:, [1]]


def pruned():
    """Three columns of data, of which two are inputs; one parameter is frozen."""
    model = KAN([3, 2, 1], grid=3, seed=0).prune_input(active=[0, 2])
    model.freeze(0, [(0, 0)], kind="base")
    return model


MODELS = {
    "kan": lambda: KAN([2, 3, 1], seed=0),
    "mlp": lambda: MLP([2, 5, 1], seed=0),
    "pruned": pruned,
    "mixed": lambda: mixed_model(affine=True),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_loss_and_gradient_are_those_of_the_mean_squared_error(name, weighted):
    model = MODELS[name]()
    y = np.repeat(Y, model.width[-1], axis=1)
    weight = np.random.default_rng(1).uniform(0, 2, 30) if weighted else None
    loss, gradient = model.loss_and_gradient(X, y, weight)
    theta = model.theta
    assert theta.size == gradient.size == model.n_params

    def error(at):
        model.theta = at
        return np.average(np.square(model(X) - y).mean(axis=1), weights=weight)

    assert error(theta) == pytest.approx(loss, rel=1e-12)
    steps = 1e-5 * np.eye(theta.size)
    numbers = [(error(theta + step) - error(theta - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(gradient, numbers, rtol=1e-6, atol=1e-8)


def test_after_a_fit_the_loss_is_that_of_the_model_outside_its_range_too():
    """Rows far outside the training range are predicted as if they lay where edges are followed to."""
    noisy = create_dataset(lambda x: x[:, [0]], n_var=1, train_num=60, seed=0)
    noisy["train_label"] = noisy["train_label"] + np.random.default_rng(0).normal(size=(60, 1))
    model = KAN([1, 1], seed=0)
    model.fit(noisy, steps=5, smoothing=0.0)
    x, y = np.array([[50.0], [0.1]]), np.zeros((2, 1))
    loss, _ = model.loss_and_gradient(x, y)
    assert loss == pytest.approx(np.mean(model(x) ** 2), rel=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_copies_and_can_be_set(name):
    model = MODELS[name]()
    theta = model.theta
    kept = theta.copy()
    theta[:] = 7.0
    np.testing.assert_array_equal(model.theta, kept)
    model.theta = theta
    theta[:] = 3.0
    np.testing.assert_array_equal(model.theta, np.full(kept.size, 7.0))
    for wrong in (theta[1:], np.append(theta, 0.0)):
        with pytest.raises(ValueError, match=f"theta has {wrong.size} numbers; expected {theta.size}"):
            model.theta = wrong
    with pytest.raises(ValueError, match="theta has 1 NaN or infinite values"):
        model.theta = np.where(np.arange(theta.size) == 0, np.nan, 0.0)


def test_samples_that_do_not_fit_are_refused():
    model = KAN([2, 1], seed=0)
    for arguments, error in (
        ((X, Y[:10]), "x has 30 rows and y 10; expected as many"),
        ((X[:, :1], Y), "x has 1 columns"),
        ((X, np.hstack([Y, Y])), "y has 2 columns"),
        ((X, Y, np.ones(3)), "weight is .*; expected 30 numbers >= 0"),
        ((X, Y, np.zeros(30)), "weight is .*; expected 30 numbers >= 0"),
        ((X, Y, -np.ones(30)), "weight is .*; expected 30 numbers >= 0"),
    ):
        with pytest.raises(ValueError, match=error):
            model.loss_and_gradient(*arguments)

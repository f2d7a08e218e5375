"""Losses as pykan takes them: functions of predictions and labels."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import KAN, MLP, create_dataset, dataset_from_arrays
from kan_np.objective.loss_fn import COMPLEX, DIFFERENCES, GIVEN, PredictionLoss

RNG = np.random.default_rng(0)
Y, F = RNG.normal(size=(40, 2)), RNG.normal(size=(40, 2))
DATASET = create_dataset(lambda x: np.sin(3 * x[:, [0]]) * x[:, [1]], train_num=400, test_num=40, seed=0)


def squares(f, y):
    return np.mean((f - y) ** 2, axis=1)


def huber(f, y):
    r = np.abs(f - y)
    return np.where(r < 0.5, 0.5 * r**2, 0.5 * (r - 0.25)).sum(axis=1)


def with_gradient(f, y):
    return squares(f, y), 2 * (f - y) / f.shape[1]


def test_derivatives_come_from_where_they_are_best():
    for function, how in (
        (squares, COMPLEX),
        (lambda f, y: (f - y) ** 2, COMPLEX),
        (lambda f, y: np.mean((f - y) ** 2), COMPLEX),
        (lambda f, y: np.log(np.cosh(f - y)).sum(axis=1), COMPLEX),
        (huber, DIFFERENCES),
        (lambda f, y: np.array([np.sum((a - b) ** 2).real for a, b in zip(f, y, strict=True)]), DIFFERENCES),
        (with_gradient, GIVEN),
    ):
        loss = PredictionLoss(function).checked(Y, F)
        assert loss._how == how


@pytest.mark.parametrize(
    "function", [squares, lambda f, y: (f - y) ** 2, lambda f, y: np.mean((f - y) ** 2), with_gradient]
)
def test_all_ways_to_write_the_squares_are_the_same(function):
    loss = PredictionLoss(function).checked(Y, F)
    np.testing.assert_allclose(loss.value(Y, F), squares(F, Y), rtol=1e-12)
    np.testing.assert_allclose(loss.gradient(Y, F), F - Y, rtol=1e-12)


def test_differences_are_near_to_the_derivatives_of_kinked_functions():
    loss = PredictionLoss(huber).checked(Y, F)
    np.testing.assert_allclose(loss.gradient(Y, F), np.clip(F - Y, -0.5, 0.5), atol=2e-3)


@pytest.mark.parametrize("kind", [KAN, MLP])
def test_a_fit_with_squares_is_the_fit_with_squares(kind):
    given, named = kind([2, 3, 1], seed=0), kind([2, 3, 1], seed=0)
    result = given.fit(DATASET, steps=5, loss_fn=squares)
    named.fit(DATASET, steps=5)
    x = DATASET["test_input"]
    np.testing.assert_allclose(given(x), named(x), atol=1e-4)
    # histories have the mean of the loss
    assert result["test_loss"][-1] == pytest.approx(np.mean((given(x) - DATASET["test_label"]) ** 2))


@pytest.mark.slow
def test_few_samples_get_their_prior_by_this_loss():
    few = create_dataset(lambda x: x[:, [0]] ** 2, train_num=40, test_num=40, seed=0)
    model, named = KAN([2, 2, 1], seed=0), KAN([2, 2, 1], seed=0)
    result = model.fit(few, loss_fn=squares)
    assert result.shrinkage > 0
    named.fit(few)
    assert model.evaluate(few)["test_loss"] < 4 * named.evaluate(few)["test_loss"] ** 2 + 1e-6


def test_units_of_the_data_reach_the_function():
    seen = []

    def loss(f, y):
        seen.append(float(y.real.max()))
        return squares(f, y)

    far = create_dataset(lambda x: 1e5 + 1e4 * x[:, [0]], train_num=80, seed=0)
    model = KAN([2, 1], seed=0)
    result = model.fit(far, steps=10, loss_fn=loss, standardize=True)
    assert min(seen) > 9e4
    assert result["train_loss"][-1] < 1e-4 * far["train_label"].var()


def test_mini_batches_and_metrics_go_with_it():
    model = KAN([2, 3, 1], seed=0)

    def largest(model):
        return abs(model(DATASET["test_input"]) - DATASET["test_label"]).max()

    result = model.fit(DATASET, "Adam", 40, batch=32, lr=0.02, loss_fn=huber, metrics=[largest])
    assert len(result["largest"]) == 40
    assert result["largest"][-1] < result["largest"][0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"loss_fn": "mse"}, TypeError, "loss_fn is 'mse'"),
        ({"loss_fn": squares, "loss": "huber"}, ValueError, "both given"),
        ({"loss_fn": lambda f, y: np.sum((f - y) ** 2)}, ValueError, "expected a mean over the samples"),
        ({"loss_fn": lambda f, y: np.zeros(3)}, ValueError, r"shape \(3,\)"),
        ({"loss_fn": lambda f, y: (squares(f, y), f - y)}, ValueError, "its derivative by output 0"),
        ({"loss_fn": squares, "opt": "LM"}, ValueError, "LM"),
    ],
)
def test_what_is_no_mean_loss_is_refused(options, error, message):
    model = KAN([2, 2, 1], seed=0)
    with pytest.raises(error, match=message):
        model.fit(DATASET, steps=2, **options)


def test_a_saved_model_says_that_its_loss_was_its_users(tmp_path):
    model = KAN([1, 1], seed=0)
    model.fit(dataset_from_arrays([[0.0], [0.3], [1.0]] * 8, [0.0, 0.2, 1.0] * 8), steps=2, loss_fn=squares)
    model.save(tmp_path / "model.npz")
    assert type(model).__name__ == "KAN"
    from kan_np import load_model

    assert load_model(tmp_path / "model.npz").loss.name == "own"

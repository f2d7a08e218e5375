"""A model that takes over the function of another one."""

from __future__ import annotations

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import KAN, MLP, create_dataset

X = np.random.default_rng(0).uniform(-1, 1, (80, 2))


@pytest.mark.parametrize("grid", [4, 8, 20])
def test_on_a_finer_grid_of_the_same_range_it_is_exact(grid):
    other, model = mixed_model(affine=True), mixed_model(affine=True, seed=5, grid=grid)
    assert model.initialize_from_another_model(other) is model
    assert model.grid == grid
    np.testing.assert_allclose(model(X), other(X), atol=1e-11)
    assert model.symbols == other.symbols
    assert model.locks == other.locks


def test_a_coarser_grid_is_the_nearest():
    other, model = KAN([2, 3, 1], grid=20, seed=0), KAN([2, 3, 1], grid=10, seed=1)
    start = abs(model(X) - other(X)).max()
    model.initialize_from_another_model(other)
    assert model.grid == 10
    assert abs(model(X) - other(X)).max() < 0.1 * start


def test_grids_follow_samples_in_the_other_model():
    x = 3.0 * X
    other = KAN([2, 3, 1], grid=5, grid_range=(-3, 3), seed=0)
    model = KAN([2, 3, 1], grid=40, seed=1).initialize_from_another_model(other, x)
    np.testing.assert_allclose(model.knots[0][:, [0, -1]], np.stack([x.min(axis=0), x.max(axis=0)], axis=1))
    np.testing.assert_allclose(model(x), other(x), atol=1e-4)


def test_units_ranges_and_names_are_taken_over():
    dataset = create_dataset(lambda x: 1e6 * x[:, [0]] * x[:, [1]], ranges=(300, 400), train_num=80, seed=0)
    other = KAN([2, 2, 1], grid=3, seed=0)
    other.fit(dataset | {"feature_names": ["p", "T"]}, "LM", 5)
    model = KAN([2, 2, 1], grid=6, seed=1).initialize_from_another_model(other)
    x = dataset["test_input"]
    np.testing.assert_allclose(model(x), other(x), rtol=1e-9)
    np.testing.assert_array_equal(model.training_range, other.training_range)
    assert model.feature_names == ["p", "T"]
    result = model.fit(dataset, "LM", 5)
    assert result["train_loss"][-1] <= other.evaluate(dataset)["train_loss"] * (1 + 1e-9)


def test_pykans_name_for_grids_from_samples():
    model, same = KAN([2, 1], grid_eps=0.1, seed=0), KAN([2, 1], grid_eps=0.1, seed=0)
    model.update_grid_from_samples(2 * X)
    same.update_grid(2 * X)
    np.testing.assert_array_equal(model.knots[0], same.knots[0])


@pytest.mark.parametrize(
    ("other", "error", "message"),
    [
        (KAN([2, 2, 1], seed=0), ValueError, "the width"),
        (KAN([2, 3, 1], k=2, seed=0), ValueError, "the order k 2; expected that of this one, 3"),
        (KAN([2, 3, 1], base_fun="zero", seed=0), ValueError, "the base function"),
        (MLP([2, 3, 1], seed=0), TypeError, "another_model is MLP"),
    ],
)
def test_models_of_another_kind_are_refused(other, error, message):
    model = KAN([2, 3, 1], seed=0)
    net = model._network
    with pytest.raises(error, match=message):
        model.initialize_from_another_model(other)
    assert model._network is net

"""Errors of samples left out: those of fits without them, where the model is linear in its parameters."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import KAN, create_dataset
from kan_np.schedule import leave_one_out
from kan_np.schedule.leave_one_out import leave_one_out_rmse

FIXED = {"opt": "LM", "steps": 30, "smoothing": 0.0, "update_grid": False}


def noisy(n_out, weighted):
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(-1.0, 1.0, (40, 1)), axis=0)
    y = np.hstack([np.sin(3 * x), x**2])[:, :n_out] + 0.1 * rng.normal(size=(40, n_out))
    data = {"train_input": x, "train_label": y}
    return data | ({"train_weight": rng.uniform(0.5, 2.0, 40)} if weighted else {})


def left_out_by_fitting(model, data):
    """The same by as many fits as there are samples."""
    weight = data.get("train_weight", np.ones(40))
    squares = []
    for s in range(40):
        rest = {key: np.delete(value, s, axis=0) for key, value in data.items()}
        again = model.copy()
        again.fit(rest, **FIXED)
        squares.append(np.mean((again(data["train_input"][[s]]) - data["train_label"][s]) ** 2))
    return np.sqrt(np.average(squares, weights=weight))


@pytest.mark.parametrize("n_out", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.filterwarnings("ignore::kan_np.KanWarning")
def test_a_linear_model_needs_no_second_fit(n_out, weighted):
    data = noisy(n_out, weighted)
    model = KAN([1, n_out], 3, 2, grid_range=(-1.2, 1.2), seed=0)
    model.fit(data, **FIXED)
    expected = left_out_by_fitting(model, data)
    assert leave_one_out_rmse(model, data, 0.0) == pytest.approx(expected, rel=1e-3)


def test_a_network_that_goes_through_its_samples_is_seen_through():
    data = create_dataset(lambda x: np.sin(3 * x[:, [0]]) * x[:, [1]], n_var=2, train_num=60, seed=0)
    model = KAN([2, 2, 1], 5, seed=0)
    result = model.fit(data, opt="LM", steps=100, smoothing=0.0)
    assert result["train_loss"][-1] < 0.1 * leave_one_out_rmse(model, data, 0.0)


def test_what_cannot_be_told_is_nan(monkeypatch):
    data = noisy(1, weighted=False)
    model = KAN([1, 1], 3, seed=0)
    assert np.isnan(leave_one_out_rmse(model, data, "auto"))
    monkeypatch.setattr(leave_one_out, "MOST_RESIDUALS", 39)
    assert np.isnan(leave_one_out_rmse(model, data, "weak"))


def test_what_is_not_finite_is_infinite():
    data = noisy(1, weighted=False)
    model = KAN([1, 1], 3, seed=0)
    model._theta = np.full(model.n_params, np.nan)
    assert leave_one_out_rmse(model, data, "weak") == np.inf

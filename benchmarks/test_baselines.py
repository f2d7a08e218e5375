"""The models beside the KANs are what they say, in any units, and give the same numbers again."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy._baselines import (
    CUBIC,
    GP,
    LINEAR,
    MLP,
    NAMES,
    MlpEffort,
    baseline_rmse,
    predictor,
)
from kan_np import Dataset, create_dataset

QUICK = MlpEffort(hidden=(6,), steps=60, restarts=1)


def smooth(n: int = 120) -> Dataset:
    return create_dataset(
        lambda x: np.exp(-x[:, [0]]) * np.sin(2.0 * x[:, [1]]), n_var=2, train_num=n, test_num=50, seed=3
    )


@pytest.mark.parametrize(("name", "most"), [(GP, 2e-4), (CUBIC, 0.05), (MLP, 0.1), (LINEAR, 0.6)])
def test_a_smooth_function_is_learnt(name: str, most: float) -> None:
    dataset = smooth()
    error = baseline_rmse(name, dataset, QUICK) / dataset["test_label"].std()
    assert error < most
    assert error == baseline_rmse(name, smooth(), QUICK) / dataset["test_label"].std()


@pytest.mark.parametrize("name", NAMES)
def test_units_change_nothing(name: str) -> None:
    dataset = smooth()
    other = {
        key: value * 2.0**-40 + 0.0 if key.endswith("label") else value * np.array([2.0**60, 2.0**-30])
        for key, value in dataset.items()
    }
    ratio = baseline_rmse(name, other, QUICK) / baseline_rmse(name, dataset, QUICK)
    assert ratio == pytest.approx(2.0**-40, rel=1e-9)


@pytest.mark.parametrize("name", [GP, CUBIC, LINEAR])
def test_a_plane_in_two_outputs_is_a_plane(name: str) -> None:
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(40, 3)), np.array([[1.0, 0.0], [-2.0, 3.0], [0.5, 1.0]])
    predict = predictor(name, {"train_input": x, "train_label": x @ weight + 5.0})
    new = rng.normal(size=(10, 3))
    np.testing.assert_allclose(predict(new), new @ weight + 5.0, atol=1e-3)


def test_noise_is_not_interpolated() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, (200, 1))
    dataset = {"train_input": x, "train_label": np.sin(3.0 * x) + rng.normal(0.0, 0.3, x.shape)}
    new = np.linspace(-1.0, 1.0, 50)[:, None]
    for name in (GP, CUBIC):
        error = np.sqrt(np.mean((predictor(name, dataset)(new) - np.sin(3.0 * new)) ** 2))
        assert error < 0.15, name


@pytest.mark.parametrize("name", NAMES)
def test_awkward_tables_have_an_answer(name: str) -> None:
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(10, 2)), 3, axis=0)  # every row three times, with other labels
    x = np.column_stack([x, np.full(30, 7.0)])  # and a column that does not vary
    y = np.column_stack([rng.normal(size=30), np.full(30, 1e9)])
    answer = predictor(name, {"train_input": x, "train_label": y}, QUICK)(x)
    assert answer.shape == (30, 2)
    np.testing.assert_allclose(answer[:, 1], 1e9)
    assert np.abs(answer[:, 0]).max() < 10.0


def test_validation_rows_are_used_as_well() -> None:
    x = np.linspace(0.0, 1.0, 12)[:, None]
    dataset = {"train_input": x[:6], "train_label": x[:6], "val_input": x[6:], "val_label": x[6:] ** 2}
    whole = {"train_input": x, "train_label": np.concatenate([x[:6], x[6:] ** 2])}
    assert (predictor(LINEAR, dataset)(x) == predictor(LINEAR, whole)(x)).all()

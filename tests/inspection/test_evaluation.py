"""Losses, sizes and penalties of a model are those that a fit says."""

from __future__ import annotations

import numpy as np
import pytest
from mixed_models import mixed_model

from kan_np import KAN, create_dataset, dataset_from_arrays, split_validation
from kan_np.objective.edge_scores import METRICS


def f(x):
    return np.sin(3 * x[:, [0]]) + x[:, [1]] ** 2


@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_losses_are_those_at_the_end_of_the_fit(unit):
    dataset = split_validation(create_dataset(lambda x: unit * f(x), train_num=200, test_num=50, seed=0))
    model = KAN([2, 2, 1], seed=0)
    result = model.fit(dataset, steps=5)
    found = model.evaluate(dataset)
    for split in ("train", "test", "val"):
        assert found[f"{split}_loss"] == pytest.approx(result[f"{split}_loss"][-1], rel=1e-9)
    rmse = np.sqrt(np.mean((model(dataset["test_input"]) - dataset["test_label"]) ** 2))
    assert found["test_loss"] == pytest.approx(rmse, rel=1e-9)
    assert (found["n_edge"], found["n_grid"], found["n_params"]) == (6, 5, model.n_params)


def test_classes_are_evaluated_by_their_loss():
    x = np.random.default_rng(0).uniform(-1, 1, (150, 2))
    dataset = dataset_from_arrays(x, (x.sum(axis=1) > 0).astype(float) + (x[:, 0] > 0.5), seed=0)
    model = KAN([2, 3], grid=3, seed=0)
    result = model.fit(dataset, steps=3, loss="cross_entropy")
    assert model.evaluate(dataset)["test_loss"] == pytest.approx(result["test_loss"][-1], rel=1e-9)


def test_a_dataset_without_test_samples_has_no_test_loss():
    model = KAN([1, 1], seed=0)
    found = model.evaluate({"train_input": [[0.0], [1.0]], "train_label": model([[0.0], [1.0]])})
    assert found["train_loss"] == 0
    assert "test_loss" not in found
    with pytest.raises(ValueError, match="3 columns"):
        model.evaluate({"train_input": np.zeros((2, 3)), "train_label": np.zeros((2, 1))})


def test_edges_that_are_zero_do_not_count():
    model = mixed_model()
    assert model.n_edge == sum(int(mask.sum()) for mask in model.edges) - 1  # one symbol is "0"
    smaller = model.remove_edge(2, 0, 0)
    assert smaller.n_edge < model.n_edge


@pytest.mark.parametrize("metric", METRICS)
def test_the_penalty_is_that_of_the_fit(metric):
    dataset = create_dataset(f, train_num=100, seed=0)
    model = KAN([2, 3, 1], seed=0)
    weights = {"lamb_l1": 1.5, "lamb_entropy": 0.5, "lamb_coef": 0.1, "lamb_coefdiff": 0.2}
    result = model.fit(dataset, steps=3, lamb=1e-3, reg_metric=metric, update_grid=False, **weights)
    found = model.reg(dataset, reg_metric=metric, **weights)
    assert found == pytest.approx(result["reg"][-1], rel=1e-9)


def test_the_penalty_is_linear_in_its_weights():
    x = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    model = mixed_model()
    names = ("lamb_l1", "lamb_entropy", "lamb_coef", "lamb_coefdiff")
    none = dict.fromkeys(names, 0.0)
    parts = [model.reg(x, **none | {name: 1.0}) for name in names]
    assert min(parts) > 0
    together = model.reg(x, **dict(zip(names, (1.0, 2.0, 3.0, 4.0), strict=True)))
    assert together == pytest.approx(np.dot([1.0, 2.0, 3.0, 4.0], parts))

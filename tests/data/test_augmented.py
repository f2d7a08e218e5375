"""Inputs with columns computed from formulas, and datasets split by pykan's name."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from kan_np import KAN, augment_input, create_dataset_from_data, dataset_from_arrays

A, B = sympy.symbols("a b")
X = np.random.default_rng(0).uniform(0.5, 2, (20, 2))


def test_new_columns_come_first_and_are_the_formulas():
    found = augment_input([A, B], [A**2 + B**2, sympy.sqrt(A), sympy.Integer(3)], X)
    a, b = X.T
    np.testing.assert_allclose(found, np.column_stack([a**2 + b**2, np.sqrt(a), np.full(20, 3.0), a, b]))


def test_a_dataset_is_not_changed_and_all_its_splits_are_augmented():
    dataset = dataset_from_arrays(X, X[:, 0], val_fraction=0.2) | {"feature_names": ["a", "b"]}
    kept = {key: np.copy(value) for key, value in dataset.items()}
    found = augment_input([A, B], [A * B], dataset)
    for split in ("train", "test", "val"):
        x = found[f"{split}_input"]
        np.testing.assert_allclose(x[:, 0], x[:, 1] * x[:, 2])
    assert found["feature_names"] == ["a*b", "a", "b"]
    assert all((np.asarray(dataset[key]) == value).all() for key, value in kept.items())
    KAN([3, 1], seed=0).fit(found, steps=1)


@pytest.mark.parametrize(
    ("variables", "formulas", "x", "message"),
    [
        ([A, B], [sympy.Symbol("c") + A], X, "expected only"),
        ([A], [A], X, "2 columns and orig_vars 1"),
        ([A, B], [sympy.log(-A)], X, "not real and finite"),
        ([A, B], [1 / (A - A.subs(A, 1) * 1)], np.ones((2, 2)), "not real and finite"),
    ],
)
def test_formulas_that_are_no_columns_are_refused(variables, formulas, x, message):
    with pytest.raises(ValueError, match=message):
        augment_input(variables, formulas, x)


def test_splits_have_the_part_that_is_asked_for_and_every_row_once():
    y = X.sum(axis=1)
    dataset = create_dataset_from_data(X, y, train_ratio=0.7, seed=1)
    assert len(dataset["train_input"]) == 14
    rows = np.concatenate([dataset["train_input"], dataset["test_input"]])
    np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(X, axis=0))
    np.testing.assert_allclose(dataset["test_label"][:, 0], dataset["test_input"].sum(axis=1))
    with pytest.raises(ValueError, match="train_ratio is 1"):
        create_dataset_from_data(X, y, train_ratio=1.0)

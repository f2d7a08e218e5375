"""auto_symbolic and suggestions for the edges of a model."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import KAN, create_dataset
from kan_np.symbolic.curves import curves


def test_gains_are_the_derivatives_of_the_outputs_by_the_edges():
    model = KAN([2, [1, 1], 2], mult_arity=2, seed=3)
    x = np.random.default_rng(0).uniform(-1, 1, (40, 2))
    found = curves(model._network, x)
    step = 1e-6
    for (layer, i, j), curve in found.items():
        moved = []
        for sign in (1.0, -1.0):
            other = model.copy()
            coef = other.coef
            coef[layer][i, j] += sign * step  # B-splines sum to 1
            other.set_parameters(coef)
            moved.append(other(x))
        slope = (moved[0] - moved[1]) / (2 * step)
        assert np.allclose(curve.gain, np.sqrt(np.square(slope).sum(axis=1)), atol=1e-7)


def test_an_edge_that_no_symbol_fits_stays_a_spline_and_is_named():
    f = lambda x: np.floor(3 * x[:, [0]]) + np.sin(2 * x[:, [1]])  # noqa: E731
    dataset = create_dataset(f, n_var=2, train_num=500, seed=0)
    model = KAN([2, 1], grid=20, seed=0)
    model.fit(dataset, opt="LM", steps=20)
    found = model.auto_symbolic(dataset["train_input"], lib=["x", "x^2", "sin", "exp"])
    assert found.splines == ((0, 0, 0),)
    assert list(found) == [(0, 1, 0)]
    assert set(model.symbols) == {(0, 1, 0)}
    assert "sin" in repr(found)


def test_a_symbol_that_spoils_the_model_is_taken_back():
    f = lambda x: np.tanh(3 * x[:, [0]]) + x[:, [1]]  # noqa: E731
    dataset = create_dataset(f, n_var=2, train_num=500, seed=0)
    model = KAN([2, 1], grid=20, seed=0)
    model.fit(dataset, opt="LM", steps=20)
    before = model._rmse(dataset["test_input"], dataset["test_label"])
    found = model.auto_symbolic(dataset["train_input"], dataset["train_label"], lib=["x", "sin"], min_r2=0.0)
    assert found.splines == ((0, 0, 0),)
    assert model._rmse(dataset["test_input"], dataset["test_label"]) < 3 * before


def test_only_the_edges_that_are_asked_for():
    model = KAN([2, 2, 1], seed=0)
    found = model.auto_symbolic(edges=[(0, 0, 1)], min_r2=0.0)
    assert list(found) == [(0, 0, 1)] == list(model.symbols)
    with pytest.raises(ValueError, match="expected some of the spline edges"):
        model.auto_symbolic(edges=[(0, 0, 1)])


def test_suggestions_for_an_edge_follow_its_weight_in_the_outputs():
    model = KAN([1, 1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "gaussian", fit=False, a=2.0)
    assert model.suggest_symbolic(0, 0, 0)[0].name == "gaussian"
    with pytest.raises(ValueError, match="i is 1; expected 0 to 0"):
        model.suggest_symbolic(0, 1, 0)


def test_an_edge_may_be_a_small_formula_where_that_is_asked_for():
    f = lambda x: x[:, [0]] ** 3 - x[:, [0]] + np.sin(2 * x[:, [1]])  # noqa: E731
    dataset = create_dataset(f, n_var=2, ranges=(-2, 2), train_num=500, seed=0)
    x, y = dataset["train_input"], dataset["train_label"]
    model = KAN([2, 1], grid=20, seed=0)
    model.fit(dataset, opt="LM", steps=20)
    assert model.suggest_symbolic(0, 0, 0, x, compose=True, noise=1e-3, top=1)[0].name == "x**3 - x"
    plain = model.copy()
    assert plain.auto_symbolic(x, y).splines == ((0, 0, 0),)
    found = model.auto_symbolic(x, y, compose=True)
    assert {edge: fit.name for edge, fit in found.items()} == {(0, 0, 0): "x**3 - x", (0, 1, 0): "sin"}
    (formula,) = model.symbolic_formula(x=x, y=y).expressions
    assert str(formula.expand()) == "x_1**3 - x_1 + sin(2*x_2)"

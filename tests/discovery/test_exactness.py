"""Exact means exact: judged by the labels' own digits, in any units, without parts that have no effect."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from kan_np.discovery import discover
from kan_np.discovery.relevance import relevant_inputs
from kan_np.discovery.training import Data, start_network
from kan_np.discovery.trees import layers_of, shapes
from kan_np.discovery.units import in_own_units, in_units_of_data, own_units
from kan_np.symbolic import SymbolLibrary

SMALL = SymbolLibrary().select(["x", "x^2", "1/x", "1/x^2", "sqrt", "exp", "log", "sin", "cos", "0"])
X = sympy.symbols("x_1:10")


def found_in(x, y, seconds=20.0, seed=0):
    dataset = {"train_input": x, "train_label": y}
    return discover(dataset, library=SymbolLibrary(SMALL), seconds=seconds, seed=seed)


def structure(expression):
    """The terms, multiplied out, without their numbers."""
    terms = sympy.Add.make_args(sympy.expand(expression))
    return frozenset(term.as_independent(*X)[1] for term in terms)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_large_constants_bring_no_small_ones_along(seed):
    x = np.random.default_rng(seed).uniform([1, 2], [5, 9], (200, 2))
    found = found_in(x, 6.02214076e23 * x[:, 0] * np.log(x[:, 1]), seed=seed)
    assert found.best.exact
    assert str(found.best.formula.expressions[0]) == "6.02214076e+23*x_1*log(x_2)"


@pytest.mark.slow
@pytest.mark.parametrize("high", [50, 100])
def test_small_labels_count_beside_large_ones(high):
    x = np.random.default_rng(0).integers(0, high, (100, 1)).astype(float)
    found = found_in(x, np.exp(x))
    assert found.best.exact
    assert found.best.formula.expressions[0] == sympy.exp(X[0])


@pytest.mark.slow
def test_gravity_in_si_units_has_three_factors():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 5, (300, 3)) * [1e3, 1e24, 1e7]
    found = found_in(x, 6.6743e-11 * x[:, 0] * x[:, 1] / x[:, 2] ** 2, seconds=40)
    assert found.best.exact
    assert found.best.formula.expressions[0].equals(sympy.Float("6.6743e-11") * X[0] * X[1] / X[2] ** 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("n", "f", "truth"),
    [
        (4, lambda x: x[:, 0] / (x[:, 1] + 6), X[0] / (X[1] + 6)),
        (6, lambda x: x[:, 0] * np.sin(x[:, 1]), X[0] * sympy.sin(X[1])),
    ],
)
def test_inputs_without_effect_are_not_in_the_formula(n, f, truth, seed):
    x = np.random.default_rng(seed).normal(size=(300, n))
    found = found_in(x, f(x), seed=seed)
    assert found.best.exact
    assert found.best.formula.expressions[0] == truth


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "f"),
    [
        (2, lambda x: x[:, 0] - 2.5 * x[:, 1]),
        (2, lambda x: 2 * x[:, 0] ** 2 + np.sqrt(x[:, 1])),
        (2, lambda x: 7.3 * x[:, 0] * x[:, 1] ** 2),
        (1, lambda x: 5 * np.sqrt(x[:, 0])),
    ],
)
def test_units_do_not_change_the_structure(n, f):
    x = np.random.default_rng(0).uniform(1, 3, (150, n))
    found = [
        found_in(x * of_x, f(x) * of_y)
        for of_x, of_y in [(1e3, 2e3), (1e-14, 1e-8), (3e9, 7e-21), (2e5, 3e60)]
    ]
    assert all(each.best.exact for each in found)
    assert len({structure(each.best.formula.expressions[0]) for each in found}) == 1
    values = [
        each.best.formula.numpy()(x[:5] * of_x)
        for each, of_x in zip(found, (1e3, 1e-14, 3e9, 2e5), strict=True)
    ]
    for value, of_y in zip(values, (2e3, 1e-8, 7e-21, 3e60), strict=True):
        assert np.allclose(value[:, 0] / of_y, f(x[:5]), rtol=1e-12)


def test_labels_with_few_digits_are_met_exactly_within_them():
    x = np.random.default_rng(0).uniform(1, 2, (200, 2)).round(3)
    found = found_in(x, (3 * x[:, 0] * x[:, 1]).astype(np.float32).astype(float))
    assert found.best.exact
    assert found.best.formula.expressions[0] == 3 * X[0] * X[1]


@pytest.mark.parametrize("value", [7.0, -2.5e-9, 0.0, 3e200])
def test_labels_that_do_not_vary_give_their_number(value):
    x = np.random.default_rng(0).normal(size=(30, 2))
    found = found_in(x, np.full(30, value))
    assert found.best.exact
    assert float(found.best.formula.expressions[0]) == value
    assert found.best.formula.expressions[0].is_number


def test_five_points_of_a_line_are_a_line():
    x = np.arange(5.0)[:, None]
    found = discover({"train_input": x, "train_label": 2 * x}, most_steps=400, seconds=600.0)
    assert found.best.formula.expressions[0] == 2 * X[0]
    assert found.best.exact


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_noise_is_a_constant(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(200, 6)), rng.normal(size=200)
    found = found_in(x, y, seconds=3, seed=seed)
    assert found.candidates[0].formula.expressions[0].is_number
    assert found.best is found.candidates[0]
    assert found.best.model.predict(x) == pytest.approx(y.mean(), abs=0.1)


@pytest.mark.slow
def test_of_many_inputs_a_sum_of_products_is_found():
    x = np.random.default_rng(0).normal(size=(300, 9))
    found = found_in(x, x[:, 0] * x[:, 4] + np.sin(x[:, 2]))
    assert found.best.formula.expressions[0] == X[0] * X[4] + sympy.sin(X[2])


@pytest.mark.slow
def test_of_many_inputs_those_that_matter_are_searched_and_it_is_said():
    x = np.random.default_rng(0).normal(size=(300, 9))
    with pytest.warns(UserWarning, match="9 inputs: of more than 8 .* x_1, x_3, x_5 alone"):
        found = found_in(x, np.abs(x[:, 0] * x[:, 4]) + np.abs(x[:, 2]), seconds=2)
    assert any(note.startswith("9 inputs") for note in found.notes)


@pytest.mark.parametrize("seed", range(5))
def test_relevant_inputs_are_those_that_act(seed):
    x = np.random.default_rng(seed).normal(size=(300, 40))
    y = x[:, 3] * x[:, 17] + np.exp(x[:, 30] / 2) + 0.1 * np.random.default_rng(seed + 9).normal(size=300)
    assert relevant_inputs(x, y, 8) == [3, 17, 30]
    assert relevant_inputs(x * 1e-14, y * 1e8, 8) == [3, 17, 30]
    assert relevant_inputs(x[:, :3], y, 8) == []


@pytest.mark.parametrize("scale", [1e-14, 1.0, 3e9])
def test_networks_come_back_in_the_units_of_the_data(scale):
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 5, (50, 3)) * [scale, 1.0, 1e5]
    y = 1e-8 * x.sum(axis=1, keepdims=True)
    data, of_inputs, of_label = in_own_units(Data(x, y, x, y))
    assert (np.abs(data.x).max(axis=0) < 1).all()
    assert (np.abs(data.x).max(axis=0) >= 0.5).all()
    for shape in shapes([0, 1, 2]):
        network = start_network(shape.tree, data, 4, rng)
        assert len(layers_of(shape.tree, 3)) == len(network.layers)
        back = in_units_of_data(network, of_inputs, of_label)
        assert np.allclose(back.forward(x), network.forward(data.x) * of_label, rtol=1e-12)


def test_own_units_are_powers_of_two():
    units = own_units(np.array([[3e-300, 0.0, -1e300], [1e-300, 0.0, 2.0]]))
    assert (np.frexp(units)[0] == 0.5).all()
    assert units[1] == 1.0

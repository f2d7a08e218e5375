"""Edges that are small formulas: their inner constants descend with all others, and discover is exact."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np.discovery import discover
from kan_np.discovery.edge_symbols import suggestions_of_all
from kan_np.discovery.inner_constants import descend_together, inner_jacobian, inner_numbers
from kan_np.discovery.library import wide_library
from kan_np.discovery.symbolic_search import is_symbolic, snap
from kan_np.discovery.training import Data, start_network, train_tree
from kan_np.discovery.trees import outer, total
from kan_np.edges.symbol import SymbolicEdge
from kan_np.functions.builtin import builtin_symbols
from kan_np.functions.parametric_symbol import parametric_symbol

#: What no single symbol on an edge can say: formulas, and ranges of the inputs.
PROBLEMS = {
    "oscillator of van der Pol": (lambda x, y: 10 * (y - (x**3 / 3 - x)), [(-2, 2), (-1, 1)]),
    "predator and prey": (lambda x, y: y * (x / (1 + x) - 0.075 * y), [(0.1, 10), (0.1, 10)]),
    "two quartics": (lambda x, y: x**4 - x**3 + y**2 / 2 - y, [(-1, 1), (-1, 1)]),
    "growth and decay": (lambda x, y: x ** (2 / 3) * np.exp(-y) * (1 + y), [(0.5, 4), (0, 3)]),
    "resonance and response": (lambda x, y: x / (1 + x**2) + np.tanh(y) + 0.3 * y, [(-3, 3), (-2, 2)]),
    "cubic of a sum": (lambda x, y: (x + 0.5 * y) ** 3 - x - 0.5 * y, [(-1, 2), (-1, 2)]),
}
#: Of one variable.
CURVES = {
    "cubic": (lambda x: x**3 + x**2 + x, (-1, 1)),
    "sextic": (lambda x: x**6 + x**5 + x**4 + x**3 + x**2 + x, (-1, 1)),
    "product": (lambda x: np.sin(x**2) * np.cos(x) - 1, (-1, 1)),
    "two waves": (lambda x: np.sin(x) + np.sin(x + x**2), (-1, 1)),
    "two logarithms": (lambda x: np.log(x + 1) + np.log(x**2 + 1), (0, 2)),
}


def dataset_of(f, ranges, seed, n=600):
    rng = np.random.default_rng(seed)
    x = np.stack([rng.uniform(low, high, n) for low, high in ranges], axis=1)
    y = f(*x.T)[:, None]
    k = n * 4 // 5
    return {"train_input": x[:k], "train_label": y[:k], "val_input": x[k:], "val_label": y[k:]}


def is_the_formula(found, f, ranges):
    x = np.stack([np.random.default_rng(9).uniform(low, high, 50) for low, high in ranges], axis=1)
    np.testing.assert_allclose(found.best.formula.numpy()(x)[:, 0], f(*x.T), rtol=1e-10, atol=1e-10)
    return found.best.exact


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seed"), [(name, i % 2) for i, name in enumerate(PROBLEMS)])
def test_sums_and_products_of_small_formulas_are_exact(name, seed):
    f, ranges = PROBLEMS[name]
    assert is_the_formula(discover(dataset_of(f, ranges, seed), seconds=30), f, ranges)


@pytest.mark.parametrize(
    "name", [n if n in ("cubic", "product") else pytest.param(n, marks=pytest.mark.slow) for n in CURVES]
)
def test_curves_are_exact_without_a_network(name):
    f, span = CURVES[name]
    found = discover(dataset_of(f, [span], 0), seconds=20)
    assert found.n_trained == 0
    assert is_the_formula(found, f, [span])


def test_units_of_the_data_do_not_matter():
    f, ranges = PROBLEMS["oscillator of van der Pol"]
    dataset = dataset_of(f, ranges, 2)
    for split in ("train", "val"):
        dataset[f"{split}_input"] = dataset[f"{split}_input"] * np.array([1e6, 1e-3])
        dataset[f"{split}_label"] = dataset[f"{split}_label"] * 1e-9
    assert discover(dataset, seconds=20).best.exact


@pytest.mark.slow
def test_a_library_is_all_that_is_used():
    found = discover(
        dataset_of(lambda x: np.sin(x**2), [(-2, 2)], 0, 200), lib=["x", "x^2", "0"], restarts=1, seconds=5
    )
    for candidate in found.candidates:
        assert "sin" not in str(candidate.formula.expressions[0])


def data_of(f, ranges, n=300):
    dataset = dataset_of(f, ranges, 1, n)
    return Data(*(dataset[f"{split}_{part}"] for split in ("train", "val") for part in ("input", "label")))


def composed_network(data, numbers):
    """g(x) + h(y) inside an exponential, with numbers inside g and h."""
    named = {symbol.name: symbol for symbol in builtin_symbols()}
    g = parametric_symbol("x**3 + k1*x**2", numbers[:1], 5.0)
    h = parametric_symbol("sin(x) + k1*exp(k2*x)", numbers[1:], 6.0)
    network = start_network(outer(total([0, 1])), data, 2, np.random.default_rng(0))
    return network.with_symbols(
        {
            (0, 0, 0): SymbolicEdge(g, 0.8, 0.1, 0.5, 0.2),
            (0, 1, 0): SymbolicEdge(h, 1.1, 0.0, 0.4, 0.0),
            (1, 0, 0): SymbolicEdge(named["exp"], 0.7, 0.0, 1.2, -0.3),
        }
    )


def test_derivatives_by_inner_numbers_are_those_of_differences():
    data = data_of(lambda x, y: x + y, [(-1, 1), (-1, 1)], 40)
    numbers = np.array([0.6, 0.3, -0.8])
    network = composed_network(data, numbers)
    assert [count for _, count in inner_numbers(network)] == [1, 2]
    rows = inner_jacobian(network, data.x)
    for k in range(3):
        step = np.zeros(3)
        step[k] = 1e-6
        up, down = (composed_network(data, numbers + sign * step).forward(data.x)[:, 0] for sign in (1, -1))
        np.testing.assert_allclose(rows[k], (up - down) / 2e-6, rtol=1e-6, atol=1e-8)


def test_all_constants_descend_to_the_last_digits():
    data = data_of(lambda x, y: x + y, [(-1, 1), (-1, 1)], 300)
    true = composed_network(data, np.array([0.6, 0.3, -0.8]))
    data = Data(data.x, true.forward(data.x), data.val_x, true.forward(data.val_x))
    near = composed_network(data, np.array([0.61, 0.32, -0.77]))
    trained = descend_together(near, data, 100)
    assert trained.rmse < 1e-13


def test_a_cubic_of_splines_becomes_the_polynomial():
    data = data_of(lambda x, y: x**3 - x + np.exp(y), [(-2, 2), (-1, 1)])
    trained = train_tree(total([0, 1]), data, np.random.default_rng(0), restarts=1)
    best = next(iter(snap(trained, data, wide_library())))
    assert is_symbolic(best.trained.network)
    assert best.trained.network.symbols[0, 0, 0].name == "x**3 - x"
    assert best.trained.rmse < 1e-12


def test_suggestions_end_when_they_are_told_to():
    data = data_of(lambda x, y: x**3 - x + np.exp(y), [(-2, 2), (-1, 1)])
    network = start_network(total([0, 1]), data, 4, np.random.default_rng(0))
    asked = iter([False, True])
    assert len(suggestions_of_all(network, data, wide_library(), lambda: next(asked))) == 1

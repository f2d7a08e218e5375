"""SymbolicEdge: values, slopes, constants, formula."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy

from kan_np.edges.symbol import CONSTANTS, SymbolicEdge
from kan_np.symbolic import SymbolLibrary, default_library

LIBRARY = default_library()
X = np.random.default_rng(0).uniform(0.2, 0.8, 40)


def edge_of(name):
    return SymbolicEdge(LIBRARY[name], a=0.7, b=0.1, c=-1.3, d=0.4)


@pytest.mark.parametrize("name", LIBRARY.names)
def test_values_and_slopes_are_those_of_the_formula(name):
    edge, h = edge_of(name), 1e-6
    value, slope, by_constants = edge.value_and_slopes(X)
    np.testing.assert_array_equal(value, edge(X))
    f = LIBRARY[name].value
    np.testing.assert_allclose(value, -1.3 * f(0.7 * X + 0.1) + 0.4, rtol=1e-15)
    np.testing.assert_allclose(slope, (edge(X + h) - edge(X - h)) / (2 * h), rtol=1e-7, atol=1e-7)
    for q, row in enumerate(by_constants):
        step = h * (np.arange(4) == q)
        high, low = (SymbolicEdge(edge.symbol, *(edge.constants + s)) for s in (step, -step))
        np.testing.assert_allclose(row, (high(X) - low(X)) / (2 * h), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "free"),
    [("sin", "abcd"), ("x^2", "bcd"), ("log", "bcd"), ("exp", "acd"), ("x", "cd"), ("0", "d")],
)
def test_constants_that_symmetries_make_redundant_are_held(name, free):
    edge = edge_of(name)
    assert "".join(CONSTANTS[q] for q in edge.free) == free
    assert len(edge.free) == LIBRARY[name].n_free


def test_the_formula_has_the_values():
    t = sympy.Symbol("t")
    formula = edge_of("tanh").expression(t)
    assert formula.free_symbols == {t}
    numbers = [float(formula.subs(t, x)) for x in X]
    np.testing.assert_allclose(numbers, edge_of("tanh")(X), rtol=1e-14)
    assert edge_of("sin").expression().free_symbols == {sympy.Symbol("x")}


@pytest.mark.parametrize("name", LIBRARY.names)
def test_values_and_slopes_are_finite_for_every_finite_input(name):
    x = np.array([-1e60, -5.0, -1.0, -1.0 / 7, 0.0, 0.5, 1.0, 1e60])
    for array in edge_of(name).value_and_slopes(x):
        assert np.isfinite(array).all()


def test_edges_are_values():
    first, second = edge_of("sin"), edge_of("sin")
    assert first == second
    assert pickle.loads(pickle.dumps(first)) == first
    J0 = SymbolLibrary().add("J0", "besselj(0, x)")["J0"]
    edge = SymbolicEdge(J0, a=20.0)
    assert pickle.loads(pickle.dumps(edge)) == edge != first

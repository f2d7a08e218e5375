"""set_mode: edges become symbols and splines by pykan's letters."""

from __future__ import annotations

import numpy as np
import pytest

from kan_np import KAN, create_dataset

X = np.linspace(-1, 1, 60)[:, None]


@pytest.mark.parametrize("mode", ["n", "sn", "ns"])
def test_a_symbol_becomes_a_spline_near_to_it_and_the_symbol_again(mode):
    model = KAN([1, 2, 1], grid=20, seed=0)
    model.fix_symbolic(0, 0, 0, "sin", fit=False, a=3.0, b=0.2, c=0.7)
    before = model(X)
    model.set_mode(0, 0, 0, mode)
    assert model.symbols == {}
    np.testing.assert_allclose(model(X), before, atol=1e-4)
    model.set_mode(0, 0, 0, "s", x=X)
    assert model.symbols[0, 0, 0].name == "sin"
    np.testing.assert_allclose(model(X), before, atol=1e-3)


def test_an_edge_that_is_so_already_stays():
    model = KAN([1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "tanh", fit=False)
    net = model._network
    model.set_mode(0, 0, 0, "s")
    assert model._network is net
    model = KAN([1, 1], seed=0)
    net = model._network
    model.set_mode(0, 0, 0, "n")
    assert model._network is net


def test_a_trained_edge_becomes_the_symbol_that_fits_it():
    dataset = create_dataset(lambda x: np.exp(x[:, [0]]) + x[:, [1]] ** 2, train_num=200, seed=0)
    model = KAN([2, 1], grid=10, seed=0)
    model.fit(dataset, "LM", 20)
    for i in (0, 1):
        model.set_mode(0, i, 0, "s", x=dataset)
    assert [edge.name for edge in model.symbols.values()] == ["exp", "x^2"]
    assert model.evaluate(dataset)["test_loss"] < 1e-2


def test_other_families_become_splines():
    model = KAN([1, 1], grid=20, edges="chebyshev", degree=4, seed=0)
    before = model(X)
    model.set_mode(0, 0, 0, "n")
    assert model.families == {}
    np.testing.assert_allclose(model(X), before, atol=1e-4)


def test_other_letters_and_edges_are_refused():
    model = KAN([1, 1], seed=0)
    with pytest.raises(ValueError, match="mode is 'x'; expected one of 's', 'n', 'sn', 'ns'"):
        model.set_mode(0, 0, 0, "x")
    with pytest.raises(ValueError, match="j is 1"):
        model.set_mode(0, 0, 1, "s")

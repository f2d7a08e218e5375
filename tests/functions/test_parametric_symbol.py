"""Symbols with numbers inside: values, derivatives, domains, compiled programs, files and pickles."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
import sympy

from kan_np import KAN, load_model
from kan_np.edges.symbol import SymbolicEdge, kernel_of
from kan_np.functions.library import make_symbol, rebuild_symbol
from kan_np.functions.parametric_symbol import ParametricSymbol, parametric_symbol

#: Templates, numbers, and an argument inside of the domain.
CASES = [
    ("x**3 + k1*x**2 + k2*x", (0.7, -1.3), 0.5),
    ("exp(-x)*sin(k1*x + k2)", (3.0, 0.4), 0.5),
    ("x**k1 + k2*log(x)", (0.37, 2.0), 0.8),
    ("x/(1 + k1*x**2) + k2*sqrt(1 + k3*x)", (2.0, 0.5, 0.3), 0.4),
]


@pytest.mark.parametrize(("template", "numbers", "inside"), CASES)
def test_values_and_derivatives_are_those_of_the_formula(template, numbers, inside):
    symbol = parametric_symbol(template, numbers, 5.0, inside=inside)
    plain = make_symbol("plain", symbol.expression)
    u = np.linspace(inside - 0.3, inside + 0.3, 20)
    for order, (own, others) in enumerate(
        zip(symbol.guarded(u, order=4), plain.guarded(u, order=4), strict=True)
    ):
        np.testing.assert_allclose(own, others, rtol=1e-9, atol=1e-9, err_msg=str(order))
    by_numbers = symbol.by_numbers(u)
    for k, number in enumerate(numbers):
        step = 1e-6
        up, down = (
            symbol.with_numbers([*numbers[:k], number + sign * step, *numbers[k + 1 :]]).value(u)
            for sign in (1, -1)
        )
        np.testing.assert_allclose(by_numbers[k], (up - down) / (2 * step), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("template", "numbers", "inside"), CASES)
def test_kernels_compute_what_numpy_computes(template, numbers, inside):
    symbol = parametric_symbol(template, numbers, 5.0, inside=inside)
    assert kernel_of(symbol) is not None
    model = KAN([1, 1], seed=0)
    edge = SymbolicEdge(symbol, 0.5, inside, 2.0, -1.0)
    network = model._network.with_symbols({(0, 0, 0): edge})
    x = np.linspace(-0.5, 0.5, 40)[:, None]
    assert network.is_compiled
    np.testing.assert_allclose(network.forward(x)[:, 0], edge(x[:, 0]), rtol=1e-13, atol=1e-13)


def test_the_domain_is_the_interval_around_the_point_inside():
    template = "log(1 + k1*x) + k2/x"
    assert parametric_symbol(template, (2.0, 1.0), 4.0, inside=0.5).domain == (0.0, np.inf)
    assert parametric_symbol(template, (2.0, 1.0), 4.0, inside=-0.2).domain == (-0.5, 0.0)
    assert parametric_symbol("sqrt(1 - x**2)*exp(k1*x)", (1.0,), 4.0).domain == (-1.0, 1.0)
    symbol = parametric_symbol("x + exp(k1*x)", (5.0,), 4.0)
    assert symbol.domain == (-np.inf, np.inf)
    assert 10 < symbol.reach[1] < 100
    assert np.isfinite(symbol.guarded([1e5, -1e5])).all()


def test_numbers_in_a_formula_are_floats_that_can_be_fitted():
    symbol = parametric_symbol("x**3 + k1*x", (-0.5,), 4.0)
    assert symbol.sympy().atoms(sympy.Float) == {sympy.Float(-0.5, 17)}
    assert symbol.n_free == 5
    assert parametric_symbol("x**3 + k1*x", (-0.5,), 4.0, count=4).n_free == 4


def test_pickles_copies_and_files_keep_the_numbers():
    symbol = parametric_symbol("exp(-x)*sin(k1*x + k2)", (3.0, 1.0 / 3.0), 6.0)
    for again in (
        pickle.loads(pickle.dumps(symbol)),
        copy.deepcopy(symbol),
        rebuild_symbol(*symbol.identity),
    ):
        assert isinstance(again, ParametricSymbol)
        assert again == symbol
        assert again.numbers == symbol.numbers
    # numbers that a name does not leave open are no template's
    assert not isinstance(rebuild_symbol("k1", "exp(-x)", 2.0), ParametricSymbol)
    assert not isinstance(rebuild_symbol("k1*x", "exp(-x)", 2.0), ParametricSymbol)


def test_a_model_with_such_an_edge_is_saved_and_loaded(tmp_path):
    model = KAN([2, 1], seed=0)
    symbol = parametric_symbol("x**3 + k1*x", (-0.123456789012345,), 4.0)
    model._network = model._network.with_symbols({(0, 0, 0): SymbolicEdge(symbol, 1.5, 0.1, 2.0, 0.3)})
    model.save(tmp_path / "model.npz")
    loaded = load_model(tmp_path / "model.npz")
    x = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    assert np.array_equal(loaded.predict(x), model.predict(x))
    assert isinstance(loaded._network.symbols[0, 0, 0].symbol, ParametricSymbol)


#: The same formula on three sides of its poles.
POLES = "1/(x + k1) + log(x**2)"
SIDES = [parametric_symbol(POLES, (-2.0,), 4.0, inside=inside) for inside in (-3.0, 1.0, 3.0)]


def test_other_branches_are_other_symbols():
    assert [symbol.domain for symbol in SIDES] == [(-np.inf, 0.0), (0.0, 2.0), (2.0, np.inf)]
    assert len({*SIDES, *(symbol.with_numbers(symbol.numbers) for symbol in SIDES)}) == 3
    assert SIDES[0] != parametric_symbol(POLES, (-2.0,), 4.0, inside=-3.0, count=4)
    x = np.linspace(-4, 4, 50)[:, None]
    empty = KAN([1, 1], seed=0)._network
    for symbol in SIDES:  # kernels keep what they read of symbols that are equal
        network = empty.with_symbols({(0, 0, 0): SymbolicEdge(symbol)})
        np.testing.assert_allclose(network.forward(x)[:, 0], symbol.guarded(x[:, 0])[0], rtol=1e-12)


def test_another_process_reads_the_branches_of_a_domain(tmp_path):
    x, expected = np.linspace(-4, 4, 50)[:, None], []
    np.save(tmp_path / "x.npy", x)
    for number, symbol in enumerate(SIDES):
        model = KAN([1, 1], seed=0)
        model._network = model._network.with_symbols({(0, 0, 0): SymbolicEdge(symbol, 1.5, 0.1, 2.0, 0.3)})
        model.save(tmp_path / f"{number}.npz")
        expected.append(model.predict(x).tobytes().hex())
    code = (
        "import numpy as np; from kan_np import load_model\n"
        f"for number in range({len(SIDES)}):\n"
        "    print(load_model(f'{number}.npz').predict(np.load('x.npy')).tobytes().hex())"
    )
    read = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert read.stdout.split() == expected


def test_files_without_the_branch_are_read_and_wrong_ones_refused(tmp_path):
    model = KAN([1, 1], seed=0)
    symbol = parametric_symbol("x**3 + k1*x", (0.5,), 4.0, inside=0.5)
    model._network = model._network.with_symbols({(0, 0, 0): SymbolicEdge(symbol)})
    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as stored:
        arrays = dict(stored)
    assert json.loads(str(arrays["header"]))["version"] == 7
    ((*row, inside, count),) = json.loads(str(arrays["symbols"]))
    assert (inside, count) == (0.5, 5)

    def read(rows):
        np.savez(tmp_path / "other.npz", **arrays | {"symbols": np.array(json.dumps(rows))})
        return load_model(tmp_path / "other.npz")

    assert read([row])._network.symbols[0, 0, 0].symbol == symbol
    for wrong in ([0.5, 0], ["a", 5], [float("nan"), 5], [0.5], [0.5, 5, 5]):
        with pytest.raises(ValueError, match=r"other\.npz"):
            read([[*row, *wrong]])


@pytest.mark.parametrize("template", ["x**3 + k2*x", "x + y", "x + k1", "__import__('os')"])
def test_templates_that_are_none_are_refused(template):
    with pytest.raises(ValueError, match=r"[Ee]xpected"):
        parametric_symbol(template, (), 3.0)

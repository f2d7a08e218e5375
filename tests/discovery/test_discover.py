"""discover: the formula that made the data."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

from kan_np import KAN, create_dataset, dataset_from_arrays
from kan_np.discovery import discover
from kan_np.discovery.candidate import Candidate
from kan_np.discovery.choice import best_of, frontier
from kan_np.discovery.merged_variables import merged, rough_network
from kan_np.discovery.training import Data, train_tree
from kan_np.discovery.trees import Tree, shapes
from kan_np.symbolic import SymbolLibrary

A, B = sympy.symbols("a b")
SMALL = SymbolLibrary().select(["x", "x^2", "1/x", "sqrt", "exp", "log", "sin", "cos", "0"])


def dataset_of(f, low=0.5, high=2.0, n=400, n_var=2):
    return create_dataset(f, n_var=n_var, ranges=(low, high), train_num=n, test_num=200, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("truth", "f"),
    [
        (A * B, lambda x: x[:, [0]] * x[:, [1]]),
        (A / B, lambda x: x[:, [0]] / x[:, [1]]),
        (1 + A * sympy.sin(B), lambda x: 1 + x[:, [0]] * np.sin(x[:, [1]])),
        (
            A + 2 * sympy.sqrt(A) * sympy.cos(B),
            lambda x: x[:, [0]] + 2 * np.sqrt(x[:, [0]]) * np.cos(x[:, [1]]),
        ),
        (sympy.sqrt(1 + A**2 + B**2), lambda x: np.sqrt(1 + x[:, [0]] ** 2 + x[:, [1]] ** 2)),
    ],
)
def test_exact_formulas_are_found(truth, f):
    found = discover(dataset_of(f), library=SymbolLibrary(SMALL), var=["a", "b"])
    assert found.best.exact
    assert sympy.simplify(found.best.formula.expressions[0] - truth) == 0
    assert found.best in found.candidates
    assert isinstance(found.best.model, KAN)


@pytest.mark.slow
def test_a_picture_names_the_inputs_as_the_formula_does():
    found = discover(dataset_of(lambda x: x[:, [1]] ** 2, n=100), var=["u", "v"])
    texts = [text.get_text() for text in found.best.plot().axes[0].texts]
    assert "$v$" in texts
    assert "w" in [
        t.get_text() for t in found.best.plot(in_vars=["w"] * found.best.model.width[0]).axes[0].texts
    ]


@pytest.mark.slow
def test_noise_does_not_hide_the_form():
    dataset = dataset_of(lambda x: 2 * x[:, [0]] * np.exp(-x[:, [1]]), n=800)
    label = dataset["train_label"]
    dataset["train_label"] = label + 0.01 * label.std() * np.random.default_rng(0).normal(size=label.shape)
    found = discover(dataset, library=SymbolLibrary(SMALL), var=["a", "b"])
    assert not found.best.exact
    assert found.best.formula.expressions[0] == 2 * A * sympy.exp(-B)


def test_the_same_seed_gives_the_same_formulas_and_the_scaler_is_undone():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 3, (200, 1))
    dataset = dataset_from_arrays(x, 5 * x**2 + 10, standardize=True)
    runs = [discover(dataset, lib=["x", "x^2", "0"], seed=3) for _ in range(2)]
    assert [str(c.formula) for c in runs[0].candidates] == [str(c.formula) for c in runs[1].candidates]
    assert runs[0].best.formula.expressions[0] == 5 * sympy.Symbol("x_1") ** 2 + 10
    assert np.allclose(runs[0].best.model.predict(x), 5 * x**2 + 10)


def test_what_no_symbol_fits_comes_back_with_its_splines_and_says_so():
    x = np.random.default_rng(0).uniform(-1, 1, (120, 1))
    dataset = dataset_from_arrays(x, np.floor(2.5 * x) + x)
    found = discover(dataset, lib=["x"], restarts=2)
    left = next(candidate for candidate in found.candidates if candidate.formula.splines)
    assert not left.symbolic
    for text in (repr(left), repr(left.formula)):
        assert "still, f1 of edge (" in text
        assert "fix_symbolic" in text
    assert "no formula" in found.table()
    assert found.best.symbolic or any("no formula" in note for note in found.notes)
    # it can be sent to another process and kept, with the splines in it
    again = pickle.loads(pickle.dumps(found))
    assert repr(again) == repr(found)
    for kept, candidate in zip(again.candidates, found.candidates, strict=True):
        assert np.array_equal(kept.formula.numpy()(x), candidate.formula.numpy()(x))
    errors = [candidate.val_rmse for candidate in found.candidates]
    assert errors == sorted(errors, reverse=True)
    assert found.table().count("\n") == len(found.candidates)


def test_a_formula_as_near_as_splines_is_preferred():
    made = [
        Candidate("", None, SimpleNamespace(splines=splines), 0.0, error, size, False, length)  # type: ignore[arg-type]
        for splines, error, size, length in [
            ({}, 1.0, 1.0, 90.0),
            ({}, 0.15, 3.0, 60.0),
            ({1: ""}, 0.1, 40.0, 50.0),
        ]
    ]
    assert best_of(made) is made[1]
    assert best_of([made[0], made[2]]) is made[2]


def test_the_frontier_is_what_nothing_beats():
    rng = np.random.default_rng(0)
    made = [
        Candidate("", None, None, 0.0, float(error), float(size), False, 0.0)  # type: ignore[arg-type]
        for size, error in zip(rng.integers(1, 9, 40), rng.integers(1, 9, 40), strict=True)
    ]
    chosen = frontier(made)
    for candidate in made:
        beaten = any(
            c.complexity <= candidate.complexity and c.val_rmse <= candidate.val_rmse and c is not candidate
            for c in made
        )
        assert candidate not in chosen or not any(
            c.complexity <= candidate.complexity and c.val_rmse < candidate.val_rmse for c in made
        )
        assert candidate in chosen or beaten


def test_variables_that_enter_as_a_difference_are_merged():
    rng = np.random.default_rng(0)
    x, val = rng.uniform(-1, 1, (2, 500, 3))

    def f(x):
        return (np.sin(2 * (x[:, 0] - 2 * x[:, 2])) * np.exp(x[:, 1]))[:, None]

    data = Data(x, f(x), val, f(val))
    sources = merged(rough_network(data, rng), x)
    assert len(sources) == 2
    line = next(source for source in sources if isinstance(source, Tree))
    first, second = line.factors[0]
    assert (first.source, second.source) == (0, 2)
    assert second.scale / first.scale == pytest.approx(-2, rel=0.1)
    assert 1 in sources


def test_variables_that_enter_apart_stay_apart():
    rng = np.random.default_rng(0)
    x, val = rng.uniform(-1, 1, (2, 500, 3))

    def f(x):
        return (x[:, 0] ** 2 + np.sin(2 * x[:, 1]) + x[:, 2] ** 3)[:, None]

    trained = train_tree(shapes([0, 1, 2])[0].tree, Data(x, f(x), val, f(val)), rng, restarts=2)
    assert merged(trained.network, x) == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"train_label": np.ones((20, 1)), "train_input": np.zeros((19, 1))},
            ValueError,
            "as many|same number|label row",
        ),
        (
            {"train_input": [[1.0], [2.0]], "train_label": [[2.0], [3.0]]},
            ValueError,
            "has 2 samples to search",
        ),
        ({"train_label": np.ones((20, 0))}, ValueError, "column"),
        ({"train_input": np.full((20, 1), np.nan)}, ValueError, "NaN"),
    ],
)
def test_data_that_cannot_be_used_is_explained(change, error, message):
    x = np.linspace(0, 1, 20)[:, None]
    with pytest.raises(error, match=message):
        discover({"train_input": x, "train_label": x, **change})
    with pytest.raises(TypeError, match="expected a dict"):
        discover([1, 2])  # type: ignore[arg-type]


def test_names_are_checked_before_anything_is_computed(monkeypatch):
    def never(*_, **__):
        raise AssertionError("the search has begun")

    monkeypatch.setattr("kan_np.discovery.search.train_tree", never)
    dataset = dataset_of(lambda x: x[:, [0]] * x[:, [1]], n=50)
    with pytest.raises(ValueError, match="var has 1 names; expected 2"):
        discover(dataset, var=["x"])
    with pytest.raises(ValueError, match="'x' more than once"):
        discover(dataset, var=["x", "x"])
    with pytest.raises(ValueError, match="expected one of"):
        discover(dataset, lib=["sinus"])


@pytest.mark.slow
def test_beside_an_exact_formula_only_simpler_ones_are_written():
    dataset = dataset_of(lambda x: np.exp(x[:, [0]]) * np.sin(2 * x[:, [1]]), n=300)
    found = discover(dataset, library=SymbolLibrary(SMALL), var=["a", "b"])
    assert found.best.exact
    assert found.candidates[-1] is found.best
    assert all(candidate.complexity < found.best.complexity for candidate in found.candidates[:-1])

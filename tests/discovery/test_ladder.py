"""The lowest rungs, the noise of labels, the rule of the best, and formulas with curves in them."""

from __future__ import annotations

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

from kan_np import discover
from kan_np.discovery.choice import best_of, joint_noise
from kan_np.discovery.ladder import rungs
from kan_np.discovery.noise import Noise, noise_of_rows
from kan_np.discovery.readable import readable
from kan_np.functions.expression import numeric_of
from kan_np.surgery.formula import Formula

A, B, C = INPUTS = sympy.symbols("a b c", real=True)


def samples(n=200, n_in=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(1.0, 2.0, (n, n_in)), rng


@pytest.mark.parametrize("unit", [1.0, 1e-12, 1e30])
@pytest.mark.parametrize(
    ("truth", "name"),
    [
        (lambda a, b, c: 3 * a, "proportional"),
        (lambda a, b, c: 2 * b + 5, "sum"),
        (lambda a, b, c: 3 * a**2 / b, "power law"),
        (lambda a, b, c: 7 * a * b / c**2, "power law"),
        (lambda a, b, c: a * b + 2 * np.sqrt(c) - 1, "sum"),
        (lambda a, b, c: a + 2 * b - 3 * c + 1, "line"),
    ],
)
def test_small_formulas_are_found_in_any_units(truth, name, unit):
    x, _ = samples()
    y = truth(*x.T)
    found = rungs(unit * x, y / unit, INPUTS)
    assert found[-1].name == name
    assert found[-1].error < 1e-12
    values = numeric_of(INPUTS, found[-1].expression)(*(unit * x).T)
    np.testing.assert_allclose(values, y / unit, rtol=1e-10)


def test_each_rung_is_better_than_those_below():
    x, rng = samples()
    y = x[:, 0] * x[:, 1] + 0.3 * np.sin(5 * x[:, 2]) + 0.01 * rng.normal(size=len(x))
    found = rungs(x, y, INPUTS)
    errors = [rung.error for rung in found]
    assert len(found) >= 3
    assert errors == sorted(errors, reverse=True)
    assert [rung.parts for rung in found] == sorted(rung.parts for rung in found)
    for rung in found:
        rest = numeric_of(INPUTS, rung.expression)(*x.T) - y
        assert np.sqrt(np.mean(rest**2)) / y.std() == pytest.approx(rung.error)


def test_columns_that_say_the_same_are_in_no_sum_together():
    x, _ = samples(50, 1)
    alike = np.column_stack([x, 2 * x - 1, x > 1.5])
    found = rungs(alike, 2 * x[:, 0] + 1, INPUTS)
    assert found[-1].error < 1e-12
    assert len(found[-1].expression.free_symbols) == 1
    zeros_and_ones = alike[:, [2]]
    assert rungs(zeros_and_ones, x[:, 0], INPUTS[:1])[-1].parts <= 2


def test_labels_that_do_not_vary_have_no_rungs():
    x, _ = samples()
    assert rungs(x, np.full(len(x), 3.0), INPUTS) == []
    assert rungs(np.ones((20, 3)), np.arange(20.0), INPUTS) == []


@pytest.mark.parametrize("level", [0.02, 0.2])
def test_the_noise_of_neighbouring_rows(level):
    x, rng = samples(1000, 2)
    noise = noise_of_rows(x, np.sin(x[:, 0]) * x[:, 1] + level * rng.normal(size=1000))
    assert noise.level == pytest.approx(level, rel=0.15)
    assert noise.at_most


def test_the_noise_of_repeated_rows():
    x, rng = samples(100, 2)
    twice = np.concatenate([x, x])
    noise = noise_of_rows(twice, np.exp(5 * twice[:, 0]) + rng.normal(size=200))
    assert noise.source == "rows of equal inputs"
    assert noise.level == pytest.approx(1.0, rel=0.2)
    assert not noise.at_most


def test_copies_of_rows_are_no_noise():
    x, _ = samples(100, 2)
    y = x[:, 0] * x[:, 1]
    noise = noise_of_rows(np.concatenate([x, x]), np.concatenate([y, y]))
    assert noise.source == "neighbouring rows"


def test_few_rows_and_many_inputs_say_nothing():
    x, _ = samples(200, 12)
    assert noise_of_rows(x, x[:, 0]) is None
    assert noise_of_rows(x[:10, :2], x[:10, 0]) is None


def test_two_bounds_that_agree_are_an_estimate():
    best = SimpleNamespace(exact=False)
    rows = Noise(1.0, "neighbouring rows", True)
    assert not joint_noise(rows, 0.9, best, 5.0).at_most
    assert joint_noise(rows, 0.3, best, 5.0).at_most
    assert joint_noise(rows, 0.3, best, 5.0).level == 0.3
    assert joint_noise(rows, 3.0, best, 5.0) == rows
    assert joint_noise(rows, 0.9, SimpleNamespace(exact=True), 5.0) is None


def made(symbolic, error, length):
    return SimpleNamespace(symbolic=symbolic, val_rmse=error, length=length, exact=False, complexity=length)


def test_splines_are_not_the_best_where_a_formula_loses_less_than_noise_or_a_per_cent():
    splines, formula = made(False, 0.01, 10.0), made(True, 0.018, 20.0)
    assert best_of([splines, formula], 1.0, 0.0) is formula
    assert best_of([splines, formula], 0.1, 0.0) is splines
    assert best_of([splines, formula], 0.1, 0.01) is formula


def test_numbers_around_a_curve_become_part_of_it():
    names = {(1, 0, 0): "phi_1_0_0", (0, 1, 0): "phi_0_1_0"}
    outer, inner = (sympy.Function(name) for name in names.values())
    expression = 2.5 * A * outer(0.3 * B / C + 0.1) + inner(4.0 * C) + 1.25
    formula = Formula(
        [expression], list(INPUTS), names, 0.0, 0.0, {"phi_1_0_0": np.tanh, "phi_0_1_0": np.sin}
    )
    x, _ = samples()
    short = readable(formula, x, 1e-3)
    assert str(short.expressions[0]) in {"a*f1(b/c) + f2(c)", "a*f2(b/c) + f1(c)"}
    np.testing.assert_allclose(short.numpy()(x), formula.numpy()(x), rtol=1e-14)
    assert sorted(short.splines.values()) == ["f1", "f2"]
    assert short.functions[short.splines[1, 0, 0]].reach == pytest.approx(
        ((x[:, 1] / x[:, 2]).min(), (x[:, 1] / x[:, 2]).max())
    )
    again = pickle.loads(pickle.dumps(short))
    np.testing.assert_array_equal(again.numpy()(x), short.numpy()(x))


def test_a_curve_that_occurs_twice_stays_as_it_is():
    curve = sympy.Function("phi_0_0_0")
    expression = 2.0 * A * curve(B) + 3.0 * curve(B)
    formula = Formula([expression], list(INPUTS), {(0, 0, 0): "phi_0_0_0"}, 0.0, 0.0, {"phi_0_0_0": np.sin})
    x, _ = samples()
    short = readable(formula, x, 1e-12)
    np.testing.assert_allclose(short.numpy()(x), formula.numpy()(x), rtol=1e-14)


def test_curves_do_not_take_the_names_of_variables():
    curve, f1 = sympy.Function("phi_0_0_0"), sympy.Symbol("f1")
    formula = Formula([curve(f1)], [f1], {(0, 0, 0): "phi_0_0_0"}, 0.0, 0.0, {"phi_0_0_0": np.sin})
    assert str(readable(formula, np.ones((3, 1)), 1.0).expressions[0]) == "g1(f1)"


@pytest.mark.slow
def test_a_mixed_answer_is_drawn_curve_by_curve():
    x, _ = samples(200, 1)
    found = discover(
        {"train_input": x, "train_label": np.floor(6 * x)}, lib=["x"], var=["humidity (%)"], most_steps=20
    )
    mixed = next(candidate for candidate in found.candidates if not candidate.symbolic)
    assert "phi_" not in repr(mixed)
    figure = mixed.plot()
    assert [axes.get_title(loc="left") for axes in figure.axes][:1] == ["$f_{1}$"]
    figure.canvas.draw()


def test_the_ladder_begins_with_a_constant_and_says_the_noise():
    x, rng = samples(120, 2)
    y = x[:, 0] * x[:, 1] + 0.02 * rng.normal(size=120)
    found = discover({"train_input": x, "train_label": y}, lib=["x", "x^2"], most_steps=200)
    assert not found.candidates[0].formula.expressions[0].free_symbols
    sizes = [candidate.complexity for candidate in found.candidates]
    assert sizes == sorted(sizes)
    assert str(found.best.formula.expressions[0]) == "x_1*x_2"
    assert found.noise.level == pytest.approx(0.02, rel=0.4)
    assert any("noise of the labels" in note for note in found.notes)

"""kanpiler: networks compute the formulas that they are made of."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy

from kan_np import KAN, kanpiler, load_model
from kan_np.functions.expression import numeric_of
from kan_np.symbolic import SymbolLibrary

X, Y, Z = INPUTS = sympy.symbols("x y z")
POINTS = np.random.default_rng(0).uniform(0.5, 2.0, (40, 3))


def agrees(model, expressions, points=POINTS):
    """Whether the outputs of a model are the formulas, to 1e-12 of their largest value."""
    expected = np.stack([numeric_of(INPUTS, e)(*points.T) for e in expressions], axis=1)
    return np.all(np.abs(model.predict(points) - expected) <= 1e-12 * np.abs(expected).max(axis=0))


def random_formula(rng, depth):
    """A formula whose parts stay of the size of their arguments, so that nothing is magnified."""
    if depth == 0:
        return rng.choice([X, Y, Z, sympy.Float(rng.normal()), sympy.Rational(int(rng.integers(1, 9)), 7)])
    first, second = (random_formula(rng, depth - 1) for _ in range(2))
    unary = (
        sympy.sin,
        sympy.cos,
        sympy.tanh,
        sympy.atan,
        lambda u: u**2,
        lambda u: sympy.exp(-(u**2)),
        lambda u: sympy.sqrt(1 + u**2),
        lambda u: 1 / (2 + sympy.sin(u)),
        lambda u: sympy.log(3 + sympy.cos(u)),
        lambda u: (1 + u**2) ** sympy.Rational(-2, 3),
        sympy.Abs,
    )
    kind = rng.integers(0, 4)
    if kind == 0:
        return first + rng.normal() * second
    if kind == 1:
        return first * second
    return unary[rng.integers(len(unary))](first)


@pytest.mark.parametrize("seed", range(20))
def test_random_formulas_are_computed_to_rounding(seed):
    rng = np.random.default_rng(seed)
    formulas = [random_formula(rng, depth) for depth in (2, 4)]
    model = kanpiler(INPUTS, formulas)
    assert agrees(model, formulas)
    assert model.width[0] == 3
    assert model.width[-1] == 2


@pytest.mark.parametrize(
    "formula",
    [
        sympy.exp(-((X - Y) ** 2) / (2 * Z**2)) / sympy.sqrt(2 * sympy.pi * Z**2),
        X + X**2 + sympy.sin(X),
        X * Y / Z**2,
        (X + Y) / (1 + X * Y),
        sympy.sqrt(X**2 + Y**2 - 2 * X * Y * sympy.cos(X - Y) + 1),
        X**Y,
        2**X,
        X**2.0 + Y**-1.5,
        sympy.besselj(0, X) * Y,
        sympy.Max(X, 1) + Y,
        sympy.sinh(X) / X,
        1e300 * X / 1e-5,
        6.674e-11 * X * Y / Z**2,
        sympy.Integer(7),
        3 * Y,
        X,
        -X * Y,
    ],
    ids=str,
)
def test_formulas(formula):
    assert agrees(kanpiler(INPUTS, formula), [formula])


def test_sums_and_products_are_nodes_and_functions_edges():
    model = kanpiler([X, Y], sympy.exp(2 * X * Y + 1))
    assert model.width == [2, 1, 1]
    assert model.mult_arity == [[], [2], []]
    assert {edge: own.name for edge, own in model.symbols.items()} == {
        (0, 0, 0): "x",
        (0, 1, 1): "x",
        (1, 0, 0): "exp",
    }
    (outer,) = (own for (layer, *_), own in model.symbols.items() if layer == 1)
    assert (outer.a, outer.b, outer.c, outer.d) == (2.0, 1.0, 1.0, 0.0)


def test_equal_parts_are_one_node():
    model = kanpiler([X, Y], [sympy.sin(X + Y), sympy.cos(X + Y), (X + Y) ** 3])
    assert model.width == [2, 1, 3]


def test_a_product_of_three_is_one_node():
    assert kanpiler(INPUTS, X * Y * Z).mult_arity == [[], [3]]


def test_outputs_of_products_alone_stay_products():
    model = kanpiler([X, Y], [X * Y, X**2 * Y])
    assert model.width == [2, 2]
    assert agrees_of_two(model, [X * Y, X**2 * Y])


def agrees_of_two(model, formulas):
    expected = np.stack([numeric_of([X, Y], e)(*POINTS[:, :2].T) for e in formulas], axis=1)
    return np.allclose(model.predict(POINTS[:, :2]), expected, rtol=1e-14)


def test_inputs_of_any_name():
    pi, e, sine = sympy.symbols("pi E sin")
    model = kanpiler([pi, e, sine], sympy.sin(sine) + sympy.pi * pi + sympy.E * e)
    a, b, c = POINTS.T
    np.testing.assert_allclose(model.predict(POINTS)[:, 0], np.sin(c) + np.pi * a + np.e * b, rtol=1e-14)


def test_it_is_a_model_like_others(tmp_path):
    formula = sympy.sin(X) * Y + Z
    model = kanpiler(INPUTS, formula, 7, k=2)
    assert (model.grid, model.k) == (7, 2)
    assert model.symbolic_formula(var=["x", "y", "z"]).expressions == [formula]
    model.save(tmp_path / "it.kan")
    assert agrees(load_model(tmp_path / "it.kan"), [formula])
    assert agrees(pickle.loads(pickle.dumps(model)), [formula])
    edge = next(edge for edge, own in model.symbols.items() if own.name == "sin")
    model.unfix_symbolic(*edge)
    assert isinstance(model, KAN)


def test_constants_can_be_trained():
    truth = 2.5 * sympy.sin(1.3 * X) * Y
    model = kanpiler(INPUTS, 2.0 * sympy.sin(1.2 * X) * Y)
    labels = numeric_of(INPUTS, truth)(*POINTS.T)[:, None]
    model.fit({"train_input": POINTS, "train_label": labels}, opt="LM", steps=30)
    assert agrees(model, [truth])


def test_names_of_the_library_are_used():
    library = SymbolLibrary().add("hyperbolic sine", "sinh(x)")
    names = {own.name for own in kanpiler([X], sympy.sinh(X), library=library).symbols.values()}
    assert names == {"hyperbolic sine"}


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (sympy.Function("g")(X), "function g, which is not known"),
        (sympy.Function("g")(2) + X, "function g, which is not known"),
        (sympy.atan2(X, Y), "atan2 of several variables"),
        (sympy.Piecewise((X, X > 0), (Y, True)), "Piecewise of several variables"),
        (X + sympy.Symbol("w"), "the variable w; expected only inputs: x, y, z"),
        (sympy.sqrt(-2) * X, "finite real numbers"),
        (X + sympy.oo, "finite real numbers"),
        ((-2) ** X, "a base above 0"),
        ([], "expr is empty"),
    ],
    ids=str,
)
def test_what_no_network_computes_is_refused(formula, message):
    with pytest.raises(ValueError, match=message):
        kanpiler(INPUTS, formula)


@pytest.mark.parametrize(
    ("inputs", "formula", "error"),
    [
        ("x", X, TypeError),
        (["x"], X, TypeError),
        ([X, X], X, ValueError),
        ([], X, ValueError),
        ([X], "x", TypeError),
    ],
    ids=str,
)
def test_arguments_are_checked(inputs, formula, error):
    with pytest.raises(error, match="expected"):
        kanpiler(inputs, formula)

"""How exactly labels can be met, and the parts of a formula that they do not see."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from kan_np import KAN
from kan_np.functions.tape import Tape
from kan_np.symbolic.exact_constants import with_exact_numbers
from kan_np.symbolic.rounding import Parts, half_units

X, Y = sympy.symbols("x y", real=True)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (lambda y: y.round(6), lambda y: np.full(y.size, 5e-7)),
        (lambda y: y.astype(np.float32).astype(float), lambda y: np.spacing(y.astype(np.float32)) / 2.0),
        (lambda y: y, lambda y: np.zeros(y.size)),
        (
            lambda y: y.round(0),
            lambda y: np.spacing(y.round(0).astype(np.float32)) / 2.0,
        ),  # whole numbers may be exact ones
        (lambda y: (y / y.max()).round(2), lambda y: np.zeros(y.size)),  # too coarse to say anything
    ],
)
def test_digits_are_those_that_labels_are_written_with(labels, expected):
    y = np.exp(np.random.default_rng(0).uniform(0, 9, 200))
    assert np.allclose(half_units(labels(y)), expected(y), rtol=1e-12, atol=0)


@pytest.mark.parametrize("unit", [1e-20, 1.0, 1e30])
def test_significant_digits_are_seen_in_any_units(unit):
    y = np.array([float(f"{v * unit:.7e}") for v in np.exp(np.random.default_rng(0).uniform(-9, 9, 200))])
    expected = 0.5 * 10.0 ** (np.floor(np.log10(y)) - 7)
    assert np.allclose(half_units(y), expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    "expression",
    [
        1 - sympy.cos(X),
        (X + 1e8) - Y * 1e8,
        sympy.exp(30 * X) / (Y - 1),
        sympy.sqrt(X**2 + 1) - X,
        sympy.besselj(0, 20 * X) * sympy.Abs(Y),
        X**2.5 + sympy.atan(Y) ** 3,
    ],
)
def test_the_bound_holds_and_is_not_far(expression):
    points = np.random.default_rng(0).uniform(0.01, 0.9, (300, 2))
    value, bound = Parts([X, Y], points).of(expression)
    truth = np.array(
        [
            float(expression.subs({X: sympy.Float(a, 40), Y: sympy.Float(b, 40)}).evalf(40))
            for a, b in points[:40]
        ]
    )
    error = np.abs(value[:40] - truth)
    assert (error <= 4 * bound[:40]).all()
    assert (bound >= np.finfo(float).eps / 2 * np.abs(value)).all()
    assert np.median(bound[:40]) <= 1e3 * max(
        np.median(error), np.finfo(float).eps * np.median(np.abs(value))
    )


@pytest.mark.parametrize(
    "expression",
    [
        X * sympy.exp(-Y) + X**3 / Y,
        sympy.besselj(1, X) + sympy.tanh(X * Y) ** 2,
        X**Y * sympy.log(X) - sympy.sqrt(Y),
        sympy.Max(X, 0.5) * sympy.sin(Y) + sympy.asin(X / 2),
        sympy.Piecewise((X**2, X > 1), (Y, True)),
    ],
)
def test_derivatives_backwards_are_those_of_sympy(expression):
    points = np.random.default_rng(1).uniform(0.6, 1.4, (50, 2))
    tape = Tape([X, Y], expression)
    assert np.allclose(
        tape(*points.T), sympy.lambdify([X, Y], expression, ["scipy", "numpy"])(*points.T), rtol=1e-13
    )
    for name, slope in zip((X, Y), tape.slopes(50, *points.T), strict=True):
        exact = sympy.lambdify([X, Y], expression.diff(name), ["scipy", "numpy"])(*points.T)
        assert np.allclose(slope, exact, rtol=1e-11)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("of_x", "of_y"), [(1.0, 1.0), (1e-14, 1e-8), (1e12, 1e25), (1e-30, 1e200)])
@pytest.mark.parametrize(
    ("truth", "loaded"),
    [
        (lambda x, y: 3 * x**2, "3.1*x**2 + 1e-17*y + 4e-18"),
        (lambda x, y: 2 * x / y, "2.1*x*(1e-18*y + 1.0)/y - 1e-17"),
        (lambda x, y: x * y, "-2e-19*x*y*(x - 4.9e18)"),
        (lambda x, y: 1.7 * np.exp(-x), "1.6*exp(-0.99*x)*(1.0 + 1e-17*sin(2.0*y))"),
    ],
)
def test_parts_without_effect_go_in_any_units(truth, loaded, of_x, of_y, seed):
    points = np.random.default_rng(seed).uniform(1, 2, (100, 2))
    labels = truth(*points.T) * of_y
    written = sympy.sympify(loaded, locals={"x": X, "y": Y}) * sympy.Float(of_y, 17)
    written = written.subs({X: X / sympy.Float(of_x, 17), Y: Y / sympy.Float(of_x, 17)}, simultaneous=True)
    found, rmse = with_exact_numbers(written, [X, Y], points * of_x, labels)
    assert rmse <= 1e-14 * np.abs(labels).max()
    clean = sympy.sympify(loaded, locals={"x": X, "y": Y})
    assert found.count_ops() <= 5 < clean.count_ops() + 1
    assert not found.has(sympy.sin)
    assert len(found.atoms(sympy.Number)) <= 5


def test_decimals_are_written_with_the_digits_they_have():
    points = np.random.default_rng(0).uniform(1, 2, (300, 1))
    x = points[:, 0]
    exact, _ = with_exact_numbers(sympy.Float(6.1e23) * X, [X], points, 6.02214076e23 * x)
    assert str(exact) == "6.02214076e+23*x"
    noisy = 1.2345 * x + 0.01 * np.random.default_rng(1).normal(size=300)
    rough, _ = with_exact_numbers(sympy.Float(1.2) * X, [X], points, noisy)
    assert len(str(rough)) <= len("1.2345*x")
    assert float(rough.coeff(X)) == pytest.approx(1.2345, abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "arity", "exact"), [(5, 4, False), (3, 4, True), (5, 3, True), (2, 3, False)]
)
def test_products_of_sums_come_back_unexpanded(inputs, arity, exact):
    model, rng = KAN([inputs, [1, 2], 1], mult_arity=arity, seed=0), np.random.default_rng(0)
    for l, edges in enumerate(model.edges):  # noqa: E741
        for i, j in np.argwhere(edges).tolist():
            a, b, d = rng.uniform(0.5, 1.5, 3)
            model.fix_symbolic(l, i, j, "x^2", fit=False, a=a, b=b, c=0.3, d=d)
    formula = model.symbolic_formula(exact=exact)
    x = rng.uniform(-1, 1, (50, inputs))
    assert np.allclose(formula.numpy()(x), model(x), rtol=1e-7)
    assert formula.expressions[0].count_ops() < 1000

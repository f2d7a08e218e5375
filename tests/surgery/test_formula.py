"""Formulas of models: composed, simplified, their numbers recognised, equal to what the model predicts."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from kan_np import KAN, create_dataset, dataset_from_arrays
from kan_np.symbolic.exact_constants import with_exact_numbers
from kan_np.symbolic.normal_form import normal_form
from kan_np.symbolic.parametric_formula import Skeleton
from kan_np.symbolic.simplify import simplified

X1, X2, X3 = sympy.symbols("x_1 x_2 x_3")


def exp_of_sum(near=0.0):
    """A model of exp(sin(pi x) + y^2), its constants off by about `near`."""
    model = KAN([2, 1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "sin", fit=False, a=np.pi + near, c=2.0, d=0.3 + near)
    model.fix_symbolic(0, 1, 0, "x^2", fit=False, b=near, c=2.0, d=0.2)
    model.fix_symbolic(1, 0, 0, "exp", fit=False, a=0.5, c=np.exp(-0.25), d=near)
    return model


def test_redundant_constants_are_gathered_and_the_formula_is_the_model():
    model = exp_of_sum()
    formula = model.symbolic_formula()
    assert sympy.simplify(formula.expressions[0] - sympy.exp(sympy.sin(sympy.pi * X1) + X2**2)) == 0
    assert formula.max_error < 1e-13
    assert formula.rms_error <= formula.max_error
    assert formula.splines == {}


def test_it_reads_as_pykans_pair():
    expressions, variables = exp_of_sum().symbolic_formula()
    assert variables == [X1, X2]
    assert exp_of_sum().symbolic_formula()[0][0] == expressions[0]


def test_numbers_are_fitted_to_labels_and_recognised_only_within_their_noise():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (1000, 2))
    y = np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)
    truth = sympy.exp(sympy.sin(sympy.pi * X1) + X2**2)
    assert exp_of_sum(1e-3).symbolic_formula(x=x, y=y).expressions[0] == truth
    noisy = y + 0.01 * y.std() * rng.normal(size=y.size)
    assert exp_of_sum(1e-3).symbolic_formula(x=x, y=noisy).expressions[0] == truth
    # 3.15 is not pi where the labels say so
    other = np.exp(np.sin(3.15 * x[:, 0]) + x[:, 1] ** 2)
    found = exp_of_sum(1e-3).symbolic_formula(x=x, y=other).expressions[0]
    assert not found.has(sympy.pi)
    assert np.allclose(sympy.lambdify([X1, X2], found)(*x.T), other, atol=1e-9)


def test_without_labels_numbers_are_those_of_the_model():
    formula = exp_of_sum(1e-3).symbolic_formula()
    assert not formula.expressions[0].has(sympy.pi)
    assert formula.max_error < 1e-6 * 20


def test_normalizers_are_undone():
    model = exp_of_sum()
    mean, std, out = np.array([0.5, -1.0]), np.array([2.0, 3.0]), ([10.0], [4.0])
    formula = model.symbolic_formula(normalizer=(mean, std), output_normalizer=out)
    x = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    assert np.allclose(formula.numpy()(x * std + mean), 10 + 4 * model(x), rtol=1e-12)


def test_a_model_of_standardised_data_is_written_in_the_units_of_the_data():
    rng = np.random.default_rng(0)
    x = rng.uniform(2, 5, (300, 1))
    dataset = dataset_from_arrays(x, 3 * x**2 - 7, standardize=True)
    model = KAN([1, 1], seed=0)
    model.fit(dataset, opt="LM", steps=20)
    model.fix_symbolic(0, 0, 0, "x^2", x=dataset["train_input"])
    model.fit(dataset, opt="LM", steps=20)
    formula = model.symbolic_formula(x=dataset["train_input"], y=dataset["train_label"])
    assert sympy.expand(formula.expressions[0] - (3 * X1**2 - 7)) == 0
    assert np.allclose(formula.numpy()(x), model.predict(x), rtol=1e-10)


def test_edges_that_stay_splines_are_named_and_computed():
    model = KAN([2, 2, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "sin", fit=False, a=2.0)
    formula = model.symbolic_formula()
    assert set(formula.splines) == {(0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 1, 0)}
    assert {str(f.func) for f in formula.expressions[0].atoms(sympy.core.function.AppliedUndef)} == set(
        formula.splines.values()
    )
    x = np.random.default_rng(1).uniform(-1, 1, (20, 2))
    assert np.allclose(formula.numpy()(x), model(x), atol=1e-12)


def test_products_multiply():
    model = KAN([3, [1, 1], 1], mult_arity=2, seed=0)
    model = _only(model, {(0, 0, 0): "x", (0, 1, 1): "sin", (0, 2, 2): "x"}, {(1, 0, 0): "x", (1, 1, 0): "x"})
    assert model.symbolic_formula().expressions[0].equals(X1 + X3 * sympy.sin(X2))


def _only(model, *layers):
    for l, wanted in enumerate(layers):  # noqa: E741
        for i, j in np.argwhere(model.edges[l]).tolist():
            name = wanted.get((l, i, j), "0")
            model.fix_symbolic(l, i, j, name, fit=False, c=0.0 if name == "0" else 1.0)
    return model


def test_a_formula_has_an_entry_for_every_output_and_pruned_inputs_stay_named():
    model = KAN([3, 2], seed=0)
    for edge, name in {(0, 1): "x^2", (2, 0): "sin", (0, 0): "x", (2, 1): "x"}.items():
        model.fix_symbolic(0, *edge, name, fit=False)
    model.fix_symbolic(0, 1, 0, "0", fit=False)
    model.fix_symbolic(0, 1, 1, "0", fit=False)
    smaller = model.prune_input(active=[0, 2])
    formula = smaller.symbolic_formula(var=["a", "b", "c"])
    a, c = sympy.symbols("a c")
    assert formula.expressions == [a + sympy.sin(c), a**2 + c]
    x = np.random.default_rng(0).uniform(-1, 1, (10, 3))
    assert np.allclose(formula.numpy()(x), smaller(x))


def test_digits_round_what_stays_decimal():
    model = KAN([1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "sin", fit=False, a=1.2345678)
    assert str(model.symbolic_formula(digits=3).expressions[0]) == "sin(1.23*x_1)"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"var": ["a"]}, "var has 1 names; expected 2"),
        ({"normalizer": ([0.0], [1.0])}, "normalizer has 1 means"),
        ({"normalizer": ([0.0, 0.0], [1.0, 0.0])}, "above 0"),
        ({"y": np.zeros(3)}, "expected as many"),
        ({"x": np.zeros((3, 5))}, "columns"),
    ],
)
def test_wrong_arguments_are_explained(options, message):
    with pytest.raises(ValueError, match=message):
        exp_of_sum().symbolic_formula(**options)


def test_variables_that_are_expressions_can_be_shown_but_not_computed():
    t = sympy.Symbol("t")
    formula = exp_of_sum().symbolic_formula(var=[t**2, "y"])
    assert formula.expressions[0].has(t)
    with pytest.raises(ValueError, match="expected symbols"):
        formula.numpy()


@pytest.mark.parametrize(
    "text",
    [
        "2.0*exp(0.5*(2.0*sin(3.0*x)+y**2+0.7))+1.0",
        "sqrt(2.0*x**2+3.0*y**2+0.5)",
        "1.5*log(2.0*x**2+4.0*y**2+1.0)",
        "Abs(0.3*x-0.7*y)",
        "sin(2.0*x+2.5)+cos(1.0*y-2.0)-sin(x-9.0)",
        "(2.0*x+0.5*y)**3/(1.0+(0.5*x)**2)",
        "tanh(0.4*(x+2.0*y))*exp(-1.0*x+3.0)",
    ],
)
def test_the_normal_form_is_the_same_function_and_stays_as_it_is(text):
    x, y = sympy.symbols("x y", real=True)
    expression = sympy.sympify(text, locals={"x": x, "y": y})
    form = normal_form(expression)
    points = np.random.default_rng(0).uniform(-1, 1, (2, 40))
    values, again = (sympy.lambdify([x, y], e, "numpy")(*points) for e in (expression, form))
    assert np.allclose(values, again, rtol=1e-12)
    assert len(form.atoms(sympy.Float)) <= len(expression.atoms(sympy.Float)) + 1
    third = sympy.lambdify([x, y], normal_form(form), "numpy")(*points)
    assert np.allclose(values, third, rtol=1e-12)


def test_a_skeleton_sees_what_its_samples_do_not_determine():
    x = sympy.Symbol("x")
    skeleton = Skeleton(1.5 * sympy.log(2.0 * x + 5.0) + 0.3, [x])
    points = np.linspace(-1, 1, 60)[:, None]
    fitted = skeleton.fit(points, 2 * np.log(points[:, 0] + 2))
    assert fitted.rmse < 1e-13
    # a factor inside of the logarithm is a constant outside; that in front of it is determined
    assert np.isinf(fitted.stderr).sum() == 3
    assert fitted.theta[np.isfinite(fitted.stderr)] == pytest.approx(2.0, rel=1e-12)


def test_standard_errors_are_those_of_least_squares():
    rng = np.random.default_rng(0)
    x = sympy.Symbol("x")
    points = rng.uniform(-1, 1, (400, 1))
    y = 2 * points[:, 0] + 1 + 0.1 * rng.normal(size=400)
    fitted = Skeleton(1.5 * x + 0.5, [x]).fit(points, y)
    design = np.column_stack([points[:, 0], np.ones(400)])
    theta, square, *_ = np.linalg.lstsq(design, y, rcond=None)
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * square / 398)
    order = np.argsort(-np.abs(fitted.theta))
    assert np.allclose(fitted.theta[order], theta, rtol=1e-8)
    assert np.allclose(fitted.stderr[order], errors, rtol=1e-6)


def test_a_formula_that_is_nowhere_real_is_a_bad_fit_not_an_error():
    x = sympy.Symbol("x")
    fitted = Skeleton(sympy.log(1.0 * x - 5.0), [x]).fit(np.zeros((4, 1)), np.ones(4))
    assert np.isinf(fitted.rmse)


def test_numbers_that_the_samples_tell_apart_stay():
    x = sympy.Symbol("x", real=True)
    points = np.linspace(-1, 1, 200)[:, None]
    found, rmse = with_exact_numbers(2.0 * x**2 + 1.0, [x], points, 2.00001 * points[:, 0] ** 2 + 1)
    assert rmse < 1e-15
    assert float(found.coeff(x, 2)) == pytest.approx(2.00001, rel=1e-12)
    assert found.subs(x, 0) == 1


def test_simplifying_never_changes_the_values():
    x, y = sympy.symbols("x y")
    points = np.random.default_rng(0).uniform(-2, -1, (50, 2))
    # log(x^2) is not 2 log(x) where x < 0
    found = simplified(sympy.log(x**2) + sympy.sqrt(y**2), [x, y], points)
    values = sympy.lambdify([x, y], found, "numpy")(*points.T)
    assert np.allclose(values, np.log(points[:, 0] ** 2) - points[:, 1])


def test_a_fitted_formula_predicts_fresh_samples():
    dataset = create_dataset(
        lambda x: np.tanh(2 * x[:, [0]]) + x[:, [1]] ** 3, n_var=2, train_num=400, seed=1
    )
    model = KAN([2, 1], grid=10, seed=0)
    model.fit(dataset, opt="LM", steps=30)
    found = model.auto_symbolic(dataset["train_input"], dataset["train_label"])
    assert {edge: fit.name for edge, fit in found.items()} == {(0, 0, 0): "tanh", (0, 1, 0): "x^3"}
    assert found.rmse[-1] < 1e-10 < found.rmse[0]
    formula = model.symbolic_formula(x=dataset["train_input"], y=dataset["train_label"])
    assert formula.expressions[0] == X2**3 + sympy.tanh(2 * X1)
    assert np.allclose(formula.numpy()(dataset["test_input"]), dataset["test_label"], atol=1e-14)
    assert "\\tanh" in formula.latex()[0]

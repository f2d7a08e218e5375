"""Candidates made of formulas that were found without a network."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from kan_np import standardized
from kan_np.discovery import discover, found_directly, search
from kan_np.discovery.border import checked_data
from kan_np.discovery.ladder import Rung
from kan_np.discovery.terms.polish import SumFormula
from kan_np.discovery.writing import Writer


def gravity(standard):
    x = np.random.default_rng(0).uniform(1, 2, (200, 3)) * np.array([1e24, 1e22, 1e8])
    y = 6.674e-11 * x[:, 0] * x[:, 1] / x[:, 2] ** 2
    dataset = {"train_input": x[:150], "train_label": y[:150], "val_input": x[150:], "val_label": y[150:]}
    return standardized(dataset) if standard else dataset


def writer(dataset, var=None):
    data, columns = checked_data(dataset, 0)
    return Writer(data, var, dataset.get("scaler"), columns.features)


@pytest.mark.parametrize("standard", [False, True])
def test_constants_are_fitted_and_the_model_computes_the_formula(standard):
    own = writer(gravity(standard), ["pi", "sin", "r"])
    m, n, r = own.inputs
    candidate = own.of_expression("product", 6.6e-11 * m * n / r**2)
    assert candidate.exact
    assert str(candidate.formula.expressions[0]) == "6.674e-11*'pi'*'sin'/r**2"
    x, y = own.physical
    np.testing.assert_allclose(candidate.formula.numpy()(x)[:, 0], y, rtol=1e-14)
    np.testing.assert_allclose(candidate.model.predict(x)[:, 0], y, rtol=1e-12)
    assert candidate.formula.max_error <= 1e-12 * np.abs(y).max()


def test_errors_are_those_of_both_parts_of_the_data():
    x = np.linspace(1, 2, 50)[:, None]
    y = x[:, 0] ** 2
    dataset = {"train_input": x[:40], "train_label": y[:40], "val_input": x[40:], "val_label": y[40:] + 1}
    own = writer(dataset)
    candidate = own.of_expression("square", own.inputs[0] ** 2)
    assert candidate.train_rmse == pytest.approx(0.0, abs=1e-15)
    assert candidate.val_rmse == pytest.approx(1.0)
    assert not candidate.exact


def test_a_formula_that_is_not_real_is_no_candidate():
    own = writer(gravity(False))
    assert own.of_expression("log", sympy.log(-own.inputs[0])) is None


def test_functions_of_several_variables_are_refused():
    x = np.random.default_rng(0).uniform(1, 2, (60, 2))
    own = writer({"train_input": x, "train_label": np.arctan2(x[:, 0], x[:, 1])})
    with pytest.raises(ValueError, match="atan2"):
        own.of_expression("angle", sympy.atan2(*own.inputs))


def test_a_search_goes_on_after_a_formula_that_no_network_computes(monkeypatch):
    """Of those that the ladder and the sums propose."""
    x = np.random.default_rng(0).uniform(1, 2, (60, 2))
    proposed = []

    def angle_and_rung(x, y, inputs):
        proposed.append("rung")
        angle = sympy.atan2(*inputs)
        return [Rung("angle", angle, 1e-9, 1, 0.0), Rung("angle", angle, 0.1, 2, 0.0)]

    def angle_and_product(*args, symbols, **options):
        proposed.append("sum")
        formulas = sympy.atan2(*symbols), symbols[0] * symbols[1]
        return [SumFormula(formula, 0.0, 0.0, 0.0, True) for formula in formulas]

    found_directly.compile_kernels()  # which looks for sums itself
    monkeypatch.setattr(search, "rungs", angle_and_rung)
    monkeypatch.setattr(found_directly, "find_sums", angle_and_product)
    found = discover({"train_input": x, "train_label": x[:, 0] * x[:, 1]}, most_steps=20, seconds=600.0)
    assert {*proposed} == {"rung", "sum"}
    assert str(found.best.formula.expressions[0]) == "x_1*x_2"
    assert not any(candidate.shape == "angle" for candidate in found.candidates)

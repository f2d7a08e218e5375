"""A function that hardly varies on the samples is written as the polynomial that is left of it."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from kan_np.symbolic.shorter_forms import shorter_forms

X, Y = sympy.symbols("x y", real=True)
POINTS = np.column_stack([np.linspace(0.1, 6.0, 300), np.random.default_rng(0).uniform(2.0, 9.0, 300)])


def shortest(expression: sympy.Expr, labels: np.ndarray) -> sympy.Expr:
    return list(shorter_forms(expression, [X, Y], POINTS, labels))[-1]


@pytest.mark.parametrize(
    "limit",
    [
        11764004.0 * sympy.cos(0.0004123 * X - 0.0008246) - 11764000.0,
        -7e5 * sympy.cosh(0.00169 * X - 0.00338) + 700004.0,
        -2e6 * sympy.sqrt(1 + 1e-6 * (X - 2.001) ** 2) + 2000004.0,
    ],
    ids=["cosine", "cosh", "root"],
)
def test_a_parabola_that_was_found_as_a_limit_becomes_one(limit: sympy.Expr) -> None:
    truth = POINTS[:, 0] * (4 - POINTS[:, 0]) - POINTS[:, 1]
    noisy = truth + 0.01 * np.random.default_rng(1).normal(size=len(truth))
    found = shortest(limit - Y, noisy)
    assert not found.atoms(sympy.cos, sympy.cosh)
    assert all(power.exp.is_Integer for power in found.atoms(sympy.Pow))
    assert sympy.Poly(found, X, Y).total_degree() == 2
    assert float(found.coeff(X, 2)) == pytest.approx(-1.0, abs=1e-2)


def test_a_function_that_the_samples_tell_from_a_polynomial_stays() -> None:
    labels = -2 * np.exp(0.003 * POINTS[:, 0] + 0.1) + 1.5 * POINTS[:, 1]
    found = shortest(-2.0 * sympy.exp(0.0030001 * X + 0.1) + 1.5 * Y, labels)
    assert found.atoms(sympy.exp)
    np.testing.assert_allclose(sympy.lambdify([X, Y], found)(*POINTS.T), labels, rtol=1e-9)

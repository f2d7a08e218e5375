"""Sums of few terms that tell two classes apart, found from the labels alone."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from kan_np.boundary.many_logits import FLIPS, flipped_loss
from kan_np.boundary.sums import boundary_sums

A, B, V = sympy.symbols("a b v")


def classes(h, n=800, seed=0, flips=0.0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.5, 2, (n, 3))
    x[:, 2] = rng.permutation(h(x[:, 0], x[:, 1]))
    sign = np.where(x[:, 2] > h(x[:, 0], x[:, 1]), 1.0, -1.0)
    return x, np.where(rng.random(n) < flips, -sign, sign)


def terms_of(expression):
    """Products without their numbers, those inside of functions being 1."""
    whole = expression.xreplace(
        {n: sympy.Integer(1) for n in expression.atoms(sympy.Float) if float(n) == 1.0}
    )
    return {term.as_coeff_Mul()[1] for term in sympy.Add.make_args(whole)}


def small_search(x, sign, sizes=2, **options):
    """Sums of one and two terms, or one only."""
    return boundary_sums(x, sign, 2, [A, B, V], most_terms=sizes, **options)


# seeds take turns; the only set of three has both
@pytest.mark.slow
@pytest.mark.parametrize(
    ("h", "terms", "seed"),
    [
        (lambda a, b: a * b / 2, {A * B}, 0),
        (lambda a, b: 1 - a * b / 2, {sympy.Integer(1), A * B}, 1),
        (lambda a, b: a * np.cosh(b) - np.exp(b), {A * sympy.cosh(B), sympy.exp(B)}, 0),
        (lambda a, b: a**2 - 2 * b + 1 / b, {A**2, B, 1 / B}, 0),
        (lambda a, b: a**2 - 2 * b + 1 / b, {A**2, B, 1 / B}, 1),
        (lambda a, b: 3 * np.sin(a) - b, {sympy.sin(A), B}, 1),
    ],
)
def test_terms_are_found_where_classes_are_separated(h, terms, seed):
    x, sign = classes(h, n=4000, seed=seed)
    found = boundary_sums(x, sign, 2, [A, B, V], seed=seed)
    assert terms in [terms_of(own.expression) for own in found[:3]]


def test_a_product_of_a_column_and_a_function_is_found():
    x, sign = classes(lambda a, b: a * np.cosh(b) - np.exp(b), n=4000)
    found = small_search(x, sign)
    assert terms_of(found[0].expression) == {A * sympy.cosh(B), sympy.exp(B)}


def test_of_labels_with_errors_too():
    x, sign = classes(lambda a, b: a / b, n=3000, flips=0.03)
    best = next(own for own in small_search(x, sign) if own.n_terms == 1)
    assert terms_of(best.expression) == {A / B}
    assert float(best.expression.as_coeff_Mul()[0]) == pytest.approx(1.0, rel=0.02)


def test_its_slope_and_formula_make_the_logit():
    x, sign = classes(lambda a, b: a * b - 1 / b, n=1500, flips=0.05)
    for own in small_search(x, sign)[:5]:
        h = sympy.lambdify([A, B, V], own.expression)(*x.T)
        z = own.slope(x) * (x[:, 2] - h)
        assert np.mean(flipped_loss(sign * z, FLIPS)[0]) == pytest.approx(own.loss, rel=1e-9)


def test_the_other_class_may_lie_above():
    x, sign = classes(lambda a, b: a * b / 2)
    above, below = (small_search(x, s, sizes=1) for s in (sign, -sign))
    assert [own.expression for own in above] == [own.expression for own in below]
    assert (above[0].slope(x) > 0).all()
    np.testing.assert_allclose(above[0].slope(x), -below[0].slope(x))


def test_units_of_the_columns_do_not_matter():
    x, sign = classes(lambda a, b: a / b, n=600)
    there = small_search(x * np.array([1e9, 1e-7, 1e16]), sign)
    assert terms_of(there[0].expression) == {A / B}
    assert float(there[0].expression.as_coeff_Mul()[0]) == pytest.approx(1.0, rel=0.02)


def test_a_table_of_one_column_has_a_number():
    x = np.linspace(0.0, 1.0, 200)[:, None]
    (found,) = boundary_sums(x, np.where(x[:, 0] > 0.3, 1.0, -1.0), 0, [V])
    assert float(found.expression) == pytest.approx(0.3, abs=0.01)


def test_the_same_rows_give_the_same_formulas():
    x, sign = classes(lambda a, b: a * b, n=400, flips=0.1)
    first, second = (small_search(x, sign, seed=3) for _ in range(2))
    assert [(own.expression, own.loss) for own in first] == [(own.expression, own.loss) for own in second]


def test_a_search_that_is_over_has_nothing_new():
    x, sign = classes(lambda a, b: a * b)
    assert boundary_sums(x, sign, 2, [A, B, V], over=lambda: True) == []
    asked = iter([False] * 3)
    few = boundary_sums(x, sign, 2, [A, B, V], over=lambda: next(asked, True))
    assert {own.n_terms for own in few} == {1}
    assert all(np.isfinite(own.loss) for own in few)
    assert {own.n_terms for own in small_search(x, sign, sizes=1)} == {1}


def test_terms_that_are_refused_are_not_used():
    x, sign = classes(lambda a, b: np.exp(a) - b)
    found = small_search(x, sign, accepts=lambda term: not term.has(sympy.exp, sympy.cosh))
    assert found
    assert not any(own.expression.has(sympy.exp, sympy.cosh) for own in found)
    assert any(own.expression.has(sympy.exp) for own in small_search(x, sign, sizes=1))

"""Formulas with rounded numbers."""

from __future__ import annotations

import pytest
import sympy

from kan_np import KAN, ex_round

A = sympy.Symbol("a")


def test_decimal_numbers_are_rounded_and_others_stay():
    given = (
        sympy.Float(1.23456) * A ** sympy.Rational(1, 3)
        + sympy.pi
        + sympy.Float(2.0049) * sympy.exp(sympy.Float(0.1251) * A)
    )
    rounded = ex_round(given, 2)
    assert sorted(map(float, rounded.atoms(sympy.Float))) == [0.13, 1.23, 2.0]
    assert rounded.has(sympy.pi)
    assert sympy.Rational(1, 3) in rounded.atoms(sympy.Rational)


def test_numbers_that_round_to_others_are_not_rounded_twice():
    given = sympy.Float(0.14) * A + sympy.Float(0.1) * A**2 + sympy.Float(0.06) * A**3
    assert ex_round(given, 1) == sympy.Float(0.1) * A + sympy.Float(0.1) * A**2 + sympy.Float(0.1) * A**3


def test_lists_and_matrices_of_formulas():
    assert ex_round([sympy.Float(1.26) * A, sympy.Integer(2)], 1) == [sympy.Float(1.3) * A, 2]
    matrix = sympy.Matrix([[sympy.Float(1.26), A]])
    assert ex_round(matrix, 1) == sympy.Matrix([[sympy.Float(1.3), A]])


def test_formulas_of_models():
    model = KAN([1, 1], seed=0)
    model.fix_symbolic(0, 0, 0, "sin", fit=False, a=1.23456, c=0.777)
    formula = model.symbolic_formula(exact=False)[0][0]
    assert str(ex_round(formula, 2)) == "0.78*sin(1.23*x_1)"


def test_what_is_no_formula_is_refused():
    with pytest.raises(TypeError, match="ex1 is 'a'"):
        ex_round("a", 2)
    with pytest.raises(ValueError, match="n_digit is -1"):
        ex_round(A, -1)

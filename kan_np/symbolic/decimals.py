"""Formulas whose decimal numbers are rounded, to be read."""

from __future__ import annotations

from typing import TypeVar

from kan_np import _validate

E = TypeVar("E")


def ex_round(ex1: E, n_digit: int = 4) -> E:
    """Round the decimal numbers of a formula to so many digits behind the point; pykan's ``ex_round``.

    Integers, fractions, pi and the like stay. All numbers are rounded at once (pykan replaces one after the
    other, so that a rounded number can be taken for one that is still to come).

    Parameters
    ----------
    ex1 : sympy.Expr, sympy.Matrix or sequence of sympy.Expr
    n_digit : int
        At least 0. For significant digits there is ``symbolic_formula(digits=...)``.

    Returns
    -------
    sympy.Expr, sympy.Matrix, or list of sympy.Expr
        Of the kind that was given.

    Raises
    ------
    TypeError, ValueError
        For anything that is no formula, and another number of digits.

    Examples
    --------
    >>> import sympy
    >>> from kan_np import ex_round
    >>> a, b = sympy.symbols("a b")
    >>> ex_round(3.14534242 * sympy.exp(sympy.sin(sympy.pi * a) + b**2) - 2.32345402, 2)
    3.15*exp(b**2 + sin(pi*a)) - 2.32
    """
    import sympy

    n_digit = _validate.integer("n_digit", n_digit, 0)
    if isinstance(ex1, list | tuple):
        return [ex_round(one, n_digit) for one in ex1]  # type: ignore[return-value]
    if not isinstance(ex1, sympy.Basic | sympy.MatrixBase):
        raise TypeError(f"ex1 is {_validate.shown(ex1)}; expected a sympy expression, or a list of such.")
    numbers = ex1.atoms(sympy.Float)
    # from the text of the rounded number, for `round` leaves few binary digits
    return ex1.xreplace({number: sympy.Float(str(round(number, n_digit))) for number in numbers})

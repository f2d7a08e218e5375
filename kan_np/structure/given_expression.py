"""An expression of sympy that a user names, checked, and as a function of points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray


def given_expression(
    variables: Sequence[Any], expression: Any, d: int
) -> tuple[list[int], Callable[[FloatArray], FloatArray]]:
    """The columns that an expression has, and the expression as a function of points (n, d).

    Parameters
    ----------
    variables : sequence of sympy.Symbol, or of names
        Of all d columns.
    expression : sympy expression, or its text
    d : int

    Raises
    ------
    ValueError, TypeError
        For variables that are no symbols, too many, too few or twice the same, and for what is no expression
        of some of them. The function raises where the expression is no finite real number.

    Examples
    --------
    >>> import sympy
    >>> a, b, c = sympy.symbols("a b c")
    >>> own, h = given_expression([a, b, c], b / c, 3)
    >>> own, h(np.array([[1.0, 2.0, 4.0]]))
    ([1, 2], array([0.5]))
    """
    import sympy

    names = _symbols(variables)
    if len(names) != d:
        raise ValueError(f"variables are {len(names)}; expected one for each of {d} columns.")
    if len(set(names)) < len(names):
        raise ValueError(f"variables are {', '.join(map(str, names))}; expected each symbol once.")
    h = _parsed(expression, names)
    if not isinstance(h, sympy.Expr):
        raise TypeError(f"expression is {_validate.shown(expression)}; expected an expression of sympy.")
    if not h.free_symbols or not h.free_symbols <= set(names):
        raise ValueError(f"expression is {h}; expected one of {', '.join(map(str, names))}.")
    own = [i for i, name in enumerate(names) if name in h.free_symbols]
    # symbols of the same name may differ by what is assumed of them
    value = sympy.lambdify([names[i] for i in own], h, ["scipy", "numpy"], dummify=True)

    def values(x: FloatArray) -> FloatArray:
        try:
            with np.errstate(all="ignore"):
                found = _validate.real_array("expression", value(*x[:, own].T))
        except (NameError, AttributeError, TypeError) as error:
            raise ValueError(
                f"expression is {h}, which NumPy and SciPy cannot evaluate ({error}); expected real "
                "functions that they have."
            ) from None
        return np.broadcast_to(found, len(x))

    return own, values


def _symbols(variables: Sequence[Any]) -> list[Any]:
    """Symbols, also of names."""
    import sympy

    try:
        listed = list(variables)
    except TypeError:
        raise TypeError(
            f"variables are {_validate.shown(variables)}; expected a list of symbols of sympy."
        ) from None
    names = [sympy.Symbol(own) if isinstance(own, str) else own for own in listed]
    for own in names:
        if not isinstance(own, sympy.Symbol):
            raise TypeError(f"variables have {_validate.shown(own)}; expected symbols of sympy alone.")
    return names


def _parsed(expression: Any, names: Sequence[Any]) -> Any:
    """An expression as sympy has it; texts may have the names of the variables."""
    import sympy

    try:
        return sympy.sympify(expression, locals={own.name: own for own in names})
    except Exception as error:  # what is wrong in a text decides which of many kinds sympy raises
        raise ValueError(
            f"expression is {_validate.shown(expression)}, which sympy cannot read "
            f"({type(error).__name__}); expected an expression of {', '.join(map(str, names))}."
        ) from None

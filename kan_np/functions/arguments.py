"""Argument names for functions that are generated from formulas, chosen so that they shadow no function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sympy


def arguments_for(
    variables: Sequence[sympy.Symbol], expression: sympy.Expr
) -> tuple[list[sympy.Symbol], sympy.Expr]:
    """Return symbols whose names are no functions or constants, and the expression in these symbols.

    Their alphabetical order is that of the variables, so that sums keep the order of their terms.
    """
    import sympy
    from sympy import default_sort_key

    order = sorted(range(len(variables)), key=lambda i: default_sort_key(variables[i]))
    arguments: list[Any] = [None] * len(variables)
    for rank, i in enumerate(order):
        arguments[i] = sympy.Symbol(f"argument_{rank:06d}", **variables[i].assumptions0)
    return arguments, expression.xreplace(dict(zip(variables, arguments, strict=True)))

"""Arguments of functions that are made from formulas: named so that they hide nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sympy


def arguments_for(
    variables: Sequence[sympy.Symbol], expression: sympy.Expr
) -> tuple[list[sympy.Symbol], sympy.Expr]:
    """Return symbols that no function or constant is called like, and the expression in them.

    They are ordered as the variables are, so that sums keep their order.
    """
    import sympy
    from sympy import default_sort_key

    order = sorted(range(len(variables)), key=lambda i: default_sort_key(variables[i]))
    arguments: list[Any] = [None] * len(variables)
    for rank, i in enumerate(order):
        arguments[i] = sympy.Symbol(f"argument_{rank:06d}", **variables[i].assumptions0)
    return arguments, expression.xreplace(dict(zip(variables, arguments, strict=True)))

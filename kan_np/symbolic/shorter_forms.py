"""Shorter forms of a formula on its samples: normal form, constants that are recognised, ways to write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from kan_np._validate import FloatArray
from kan_np.symbolic.exact_constants import with_exact_numbers
from kan_np.symbolic.normal_form import normal_form
from kan_np.symbolic.simplify import simplified

if TYPE_CHECKING:
    import sympy

Tell = Callable[[str], None]


def shorter_forms(
    expression: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    x: FloatArray,
    y: FloatArray,
    *,
    noise: float = 0.0,
    functions: Mapping[str, Callable[[FloatArray], FloatArray]] | None = None,
    exact: bool = True,
    tell: Tell = lambda text: None,
) -> Iterator[sympy.Expr]:
    """Yield the formula in its normal form, with its constants fitted and recognised, and simplified.

    Each is a whole formula, so that the last one can be taken when the time is over.

    Parameters
    ----------
    expression : sympy.Expr
        Its Floats are the constants in question.
    variables : sequence of sympy.Symbol
    x : ndarray of shape (n, n_var)
    y : ndarray of shape (n,)
        What the constants are fitted to.
    noise : float
        Standard deviation of y below which differences mean nothing.
    functions : mapping of str to callable, optional
        Numbers of undefined functions, by name; a formula that has some is only fitted and simplified.
    exact : bool
        Whether constants are recognised.
    tell : callable
        Told what comes next.

    Examples
    --------
    >>> import numpy as np, sympy
    >>> t = sympy.Symbol("t", real=True)
    >>> points = np.linspace(0, 1, 50)[:, None]
    >>> near = 1.9999 * (2.0 * t + 2.001) - 4.0
    >>> list(shorter_forms(near, [t], points, 4 * points[:, 0]))[-1]
    4*t
    """
    import sympy

    def with_constants(formula: sympy.Expr) -> sympy.Expr:
        found, rmse = with_exact_numbers(formula, variables, x, y, noise=noise, functions=functions)
        return found if np.isfinite(rmse) else formula

    tell("its normal form")
    if not functions:
        expression = normal_form(expression)
        yield expression
    if exact:
        tell("its constants")
        expression = with_constants(expression)
        yield expression
    tell("shorter forms")
    short = simplified(expression, variables, x, functions)
    yield short
    if not exact or functions or short == expression or not short.has(sympy.Float):
        return
    # what was multiplied out or gathered leaves roundings behind
    again = with_constants(short)
    yield again if again == short else simplified(again, variables, x, functions)

"""The shortest of several ways to write a formula, each checked against samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._time_limit import end_if_over
from kan_np._validate import FloatArray
from kan_np.functions.expression import numeric_of

if TYPE_CHECKING:
    import sympy

#: Formulas with more operations, or more decimal numbers, are left to the cheap rules.
_LONGEST = 40
_MOST_FLOATS = 6
#: Formulas that multiply out to more terms are not rewritten: the time of every rule grows with them.
#: A product of four sums of five squares has 70 million; what people write has some dozens.
_MOST_TERMS, _MANY_TERMS = 300, 2**62
#: Two ways of writing agree if their values do to this part of their spread.
_SAME = 1e-10


def simplified(
    expression: sympy.Expr,
    variables: Sequence[sympy.Symbol],
    x: FloatArray,
    functions: Mapping[str, Callable[[FloatArray], FloatArray]] | None = None,
) -> sympy.Expr:
    """The simplest form of `expression` that has its values on the samples.

    Parameters
    ----------
    expression : sympy.Expr
    variables : sequence of sympy.Symbol
        Where all samples of one are positive, logarithms and roots of it are taken apart and together.
    x : ndarray of shape (n, n_var)
    functions : mapping of str to callable, optional
        Numbers of undefined functions, by name.

    Examples
    --------
    >>> import numpy as np, sympy
    >>> x, y = sympy.symbols("x y")
    >>> points = np.random.default_rng(0).uniform(0.5, 2, (50, 2))
    >>> simplified(sympy.exp(sympy.log(x) - sympy.log(y)), [x, y], points)
    x/y
    >>> simplified(sympy.tanh(sympy.atanh(x) + sympy.atanh(y)), [x, y], points / 3)
    (x + y)/(x*y + 1)
    """
    import sympy

    signed = [
        sympy.Dummy(str(v), positive=True) if (column > 0).all() else sympy.Dummy(str(v), real=True)
        for v, column in zip(variables, x.T, strict=True)
    ]
    there = dict(zip(variables, signed, strict=True))
    back = dict(zip(signed, variables, strict=True))
    first = expression.subs(there)
    values = numeric_of(variables, expression, functions)(*x.T)
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    allowed = _SAME * max(float(np.std(values / largest)), 1e-3) * largest
    best, best_size = expression, size(expression)
    for way in _ways(first):
        written = way.subs(back)
        if size(written) >= best_size:
            continue
        error = np.abs(numeric_of(variables, written, functions)(*x.T) - values)
        if error.max(initial=0.0) <= allowed:
            best, best_size = written, size(written)
    return best


def size(expression: sympy.Expr) -> float:
    """Length of a formula: operations, functions twice, and a little for every number that is not whole."""
    import sympy

    numbers = sum(len(str(n)) > 4 for n in expression.atoms(sympy.Float, sympy.Rational))
    leaves = sum(1 for part in sympy.preorder_traversal(expression) if not part.args)
    functions = sum(1 for part in sympy.preorder_traversal(expression) if part.is_Function)
    return float(expression.count_ops()) + functions + 0.5 * numbers + 0.01 * leaves


def _ways(expression: Any) -> Iterator[Any]:
    import sympy

    yield expression
    if _terms(expression) > _MOST_TERMS or expression.count_ops() > _MOST_TERMS:
        return
    cheap: tuple[Callable[[Any], Any], ...] = (
        sympy.expand,
        sympy.powsimp,
        sympy.factor_terms,
        lambda e: sympy.powdenest(sympy.logcombine(e, force=True), force=True),
        lambda e: sympy.powsimp(sympy.expand_power_exp(e.replace(sympy.exp, _exponential))),
    )
    dear: tuple[Callable[[Any], Any], ...] = (sympy.factor, lambda e: sympy.factor(sympy.together(e)))
    hyperbolic = sympy.sinh, sympy.cosh, sympy.tanh, sympy.coth
    if not expression.has(*hyperbolic):  # whose arguments sympy would multiply out
        dear = (*dear, sympy.simplify, lambda e: sympy.simplify(sympy.factor(e)))
    elif expression.has(sympy.log):  # tanh(log u) is a fraction
        dear = (*dear, lambda e: sympy.simplify(e.rewrite(sympy.exp)))
    if expression.has(sympy.asin, sympy.acos, sympy.atan, sympy.atanh, sympy.asinh, sympy.acosh):
        dear = (*dear, lambda e: sympy.factor(sympy.together(sympy.expand_trig(e))))
    short = expression.count_ops() <= _LONGEST and len(expression.atoms(sympy.Float)) <= _MOST_FLOATS
    rules = cheap + (dear if short else ())
    for rule in rules:
        end_if_over()
        try:
            yield rule(expression)
        except (ValueError, TypeError, NotImplementedError, AttributeError, RecursionError):
            continue  # sympy's rules do not all know all functions


def _terms(expression: Any) -> int:
    """Terms of the formula, or of a part that is inside of a function, when multiplied out."""
    if expression.is_Add:
        return min(sum(_terms(part) for part in expression.args), _MANY_TERMS)
    if expression.is_Mul:
        return min(math.prod(_terms(part) for part in expression.args), _MANY_TERMS)
    if expression.is_Pow and expression.exp.is_Integer:
        base, power = _terms(expression.base), min(abs(int(expression.exp)), _MOST_TERMS)
        return min(math.comb(base + power - 1, power), _MANY_TERMS) if base > 1 else 1
    return max((_terms(part) for part in expression.args), default=1)


def _exponential(argument: Any) -> Any:
    """exp of a sum with logarithms as a product of powers."""
    import sympy

    return sympy.exp(sympy.expand_log(sympy.expand(argument), force=True))

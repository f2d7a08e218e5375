"""Parts of a fitted formula that its samples do not see are taken out.

A term that can be left out, a term, factor or variable that its mean can stand for, a hyperbolic function
that is an exponential on all samples, and a function that hardly varies there, of which a polynomial is left
(1e7 cos(4e-4 x) - 1e7 is -0.8 x^2), make a shorter formula. It is taken if it is as good once the other
numbers are fitted again (`kan_np.symbolic.criterion`); only what changes the values little is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np.symbolic.criterion import Criterion
from kan_np.symbolic.normal_form import normal_form
from kan_np.symbolic.parametric_formula import Fitted, Skeleton
from kan_np.symbolic.rounding import Parts

if TYPE_CHECKING:
    import sympy

#: A change of the values by this many times what the sum of squares may rise can be made up for by a fit.
_SCREEN = 100.0
_STEPS = 20
#: A function that deviates by less than this part of its size may be a polynomial: chosen by judgement,
#: as the samples decide.
_HARDLY_VARIES = 0.01
_DEGREES = (1, 2, 3)


def without_idle_parts(
    expression: sympy.Expr, criterion: Criterion, fitted: Fitted
) -> tuple[sympy.Expr, Skeleton, Fitted]:
    """The expression without the parts that samples do not see, its skeleton and how that is fitted.

    Parameters
    ----------
    expression : sympy.Expr
        Its Floats are fitted.
    criterion : Criterion
    fitted : Fitted
        Of the expression's own skeleton.

    Examples
    --------
    >>> import numpy as np, sympy
    >>> s, t = sympy.symbols("s t", real=True)
    >>> points = np.random.default_rng(0).uniform(1, 2, (100, 2))
    >>> criterion = Criterion([s, t], points, 3e20 * points[:, 0] ** 2)
    >>> loaded = 3e20 * s**2 + 1e-15 * t + 5
    >>> without_idle_parts(loaded, criterion, criterion.fit(criterion.skeleton(loaded)))[0]
    3.0e+20*s**2
    """
    skeleton = criterion.skeleton(expression)
    parts = criterion.parts()
    found = True
    while found:
        found = False
        for shorter in _unlike(_shorter(expression, parts), expression):
            if not _near(shorter, expression, parts, criterion, fitted):
                continue
            new = criterion.skeleton(normal_form(shorter))
            if new.theta.size > skeleton.theta.size:
                continue
            again = criterion.fit(new, steps=_STEPS)
            if criterion.as_good(again, fitted, max(skeleton.theta.size - new.theta.size, 1)):
                skeleton, fitted, found = new, again, True
                expression = skeleton.with_numbers({}, fitted.theta)
                break
    return expression, skeleton, fitted


def _unlike(candidates: Iterator[Any], expression: Any) -> Iterator[Any]:
    import sympy

    seen = {expression}
    for candidate in candidates:
        bad = candidate.has(sympy.nan, sympy.zoo, sympy.oo, -sympy.oo, sympy.I)
        if candidate not in seen and not bad:
            seen.add(candidate)
            yield candidate


def _near(shorter: Any, expression: Any, parts: Parts, criterion: Criterion, fitted: Fitted) -> bool:
    with np.errstate(all="ignore"):
        change = parts.of(shorter)[0] - parts.of(expression)[0]
        change = change * (1.0 if criterion.weight is None else criterion.weight) / criterion.unit(fitted)
        return bool(np.square(change).sum() <= _SCREEN * criterion.rise(fitted, 1))


def _shorter(expression: Any, parts: Parts) -> Iterator[Any]:
    """The expression with one part less, variables and large parts first."""
    import sympy

    for variable in sorted(expression.free_symbols, key=str):
        yield expression.xreplace({variable: _mean(variable, parts)})
    nodes = [part for part in sympy.preorder_traversal(expression) if part.args]
    for node in dict.fromkeys(nodes):
        for other in _simpler(node, parts):
            yield expression.xreplace({node: other})


def _simpler(node: Any, parts: Parts) -> Iterator[Any]:
    import sympy

    if node.is_Add or node.is_Mul:
        for k, argument in enumerate(node.args):
            others = node.args[:k] + node.args[k + 1 :]
            if node.is_Add:
                yield sympy.Add(*others)
            if argument.free_symbols:
                yield node.func(*others, _mean(argument, parts))
    elif node.func in (sympy.cosh, sympy.sinh):
        sign = 1 if parts.of(node.args[0])[0].mean() > 0 else -1
        whole = sympy.Integer(1) if node.func is sympy.cosh else sympy.Integer(sign)
        yield whole * sympy.exp(sign * node.args[0]) / 2
    if _is_curved(node) and _hardly_varies(node, parts):
        yield from _polynomials(node, parts)


def _is_curved(node: Any) -> bool:
    """Whether a part is a function of one argument, or a power that is no polynomial."""
    import sympy

    if not node.free_symbols:
        return False
    if node.is_Pow:
        return node.base.free_symbols != set() and not (node.exp.is_Integer and node.exp > 0)
    return isinstance(node, sympy.Function) and len(node.args) == 1


def _hardly_varies(node: Any, parts: Parts) -> bool:
    values = parts.of(node)[0]
    with np.errstate(all="ignore"):
        return bool(np.std(values) < _HARDLY_VARIES * np.abs(np.mean(values)))


def _polynomials(node: Any, parts: Parts) -> Iterator[Any]:
    """Taylor's polynomials of a function in its argument, about the mean of that."""
    import sympy

    argument = node.base if node.is_Pow and node.base.free_symbols else node.args[0]
    middle = _mean(argument, parts)
    if middle is sympy.nan:
        return
    place = sympy.Dummy(real=True)
    function, term, total = node.xreplace({argument: place}), sympy.Integer(1), sympy.Integer(0)
    for k in range(max(_DEGREES) + 1):
        value = function.subs(place, middle)
        if not value.is_real:
            return
        total += sympy.Float(value, 17) * term
        if k in _DEGREES:
            yield sympy.expand(total)
        function, term = function.diff(place) / (k + 1), term * (argument - middle)


def _mean(part: Any, parts: Parts) -> Any:
    import sympy

    values = parts.of(part)[0]
    with np.errstate(all="ignore"):
        mean = float(values.mean())
    return sympy.Float(mean, 17) if np.isfinite(mean) else sympy.nan

"""Formulas of which some functions are known as curves only, written for a reader: eps*f1(nu/T).

Edges that stayed splines are functions of parts of the formula, phi_l_i_j(0.3 nu/T + 0.1) times 2.5 say. The
scale and shift inside, and the factor and constant outside, are no more than units of such a function, so
they become part of it:

    f1(u) = 2.5 phi_l_i_j(0.3 u + 0.1).

The numbers that are left are written with the digits that matter beside the error of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.functions.expression import numeric_of
from kan_np.surgery.formula import Formula

#: Letters of the names f1, f2, ...: the first with which no variable has such a name.
_LETTERS = ("f", "g", "h", "phi")
#: Digits are cut where that moves the values by no more than this part of the error of the model.
_MOVE = 0.05
_MOST_DIGITS = 15


@dataclass(frozen=True)
class RescaledFunction:
    """c f(a u + b) + d; an object, so that formulas can be sent to other processes.

    Attributes
    ----------
    function : callable
    a, b, c, d : float
    reach : (float, float)
        Least and largest argument u on the samples.
    """

    function: Callable[[FloatArray], FloatArray]
    a: float = 1.0
    b: float = 0.0
    c: float = 1.0
    d: float = 0.0
    reach: tuple[float, float] = (-1.0, 1.0)

    def __call__(self, u: FloatArray) -> FloatArray:
        """Values at arguments of any shape."""
        return np.asarray(self.c * self.function(self.a * np.asarray(u) + self.b) + self.d)


def readable(formula: Formula, x: FloatArray, error: float, taken: Sequence[str] = ()) -> Formula:
    """The formula with f1, f2, ... in place of the functions of edges, in order of their appearance.

    Parameters
    ----------
    formula : Formula
        Of symbols as variables.
    x : ndarray of shape (n, n_var)
        Samples.
    error : float
        RMSE of the model on them.
    taken : sequence of str
        Names that functions must not have.

    Examples
    --------
    >>> import sympy
    >>> nu, T, eps = sympy.symbols("nu T eps")
    >>> curve = sympy.Function("phi_1_0_0")
    >>> found = Formula(
    ...     [2.5 * eps * curve(0.3 * nu / T + 0.1)],
    ...     [eps, nu, T],
    ...     {(1, 0, 0): "phi_1_0_0"},
    ...     0.0,
    ...     0.0,
    ...     {"phi_1_0_0": np.tanh},
    ... )
    >>> short = readable(found, np.ones((5, 3)), 1e-3)
    >>> short.expressions, short.splines
    ([eps*f1(nu/T)], {(1, 0, 0): 'f1'})
    >>> bool(abs(short.functions["f1"](1.0) - 2.5 * np.tanh(0.4)) < 1e-15)
    True
    """
    if not formula.splines:
        return formula
    rewriter = _Rewriter(formula)
    expressions = [rewriter.written(e) for e in formula.expressions]
    order = [name for e in expressions for name in _functions_in(e)]
    names = dict(zip(dict.fromkeys(order), _names(formula, taken, len(order)), strict=False))
    functions = {new: rewriter.functions[old] for old, new in names.items()}
    shown = [_renamed(e, names) for e in expressions]
    functions = _with_reach(shown, formula.variables, functions, x)
    shown = [_with_fewer_digits(e, formula.variables, functions, x, error) for e in shown]
    return replace(
        formula,
        expressions=shown,
        splines={edge: names[old] for edge, old in formula.splines.items() if old in names},
        functions=functions,
    )


class _Rewriter:
    """Takes numbers around functions of edges into these."""

    def __init__(self, formula: Formula) -> None:
        self.functions: dict[str, RescaledFunction] = {
            name: RescaledFunction(function) for name, function in formula.functions.items()
        }
        found = [name for e in formula.expressions for name in _functions_in(e)]
        #: Those that occur once alone may take up what stands around them.
        self.once = {name for name in found if found.count(name) == 1}

    def written(self, part: Any) -> Any:
        """The part with arguments, then factors and constants, taken into functions."""
        if not part.args or not _functions_in(part):
            return part
        part = part.func(*[self.written(argument) for argument in part.args])
        if self._name(part):
            return self._with_plain_argument(part)
        if part.is_Mul:
            return self._with_factor(part)
        return self._with_constant(part) if part.is_Add else part

    def _name(self, part: Any) -> str:
        """The name of a function of an edge that occurs once; empty for other parts."""
        name = str(part.func)
        return name if part.args and name in self.once else ""

    def _change(self, name: str, **constants: float) -> None:
        self.functions[name] = replace(self.functions[name], **constants)  # type: ignore[arg-type]

    def _with_plain_argument(self, part: Any) -> Any:
        name, own = self._name(part), self.functions[str(part.func)]
        shift, rest = part.args[0].as_coeff_Add()
        scale, plain = rest.as_coeff_Mul()
        if plain.is_Add:  # in units of its first term
            unit = abs(plain.args[0].as_coeff_Mul()[0])
            scale, plain = scale * unit, sum((term / unit for term in plain.args), start=0 * unit)
        if not plain.free_symbols or scale == 0:
            return part
        self._change(name, a=own.a * float(scale), b=own.a * float(shift) + own.b)
        return part.func(plain)

    def _with_factor(self, part: Any) -> Any:
        import sympy

        factor, _ = part.as_coeff_Mul()
        inside = [argument for argument in part.args if self._name(argument)]
        if factor == 1 or not inside:
            return part
        own = self.functions[self._name(inside[0])]
        self._change(self._name(inside[0]), c=own.c * float(factor), d=own.d * float(factor))
        return sympy.Mul(*(argument for argument in part.args if argument != factor))

    def _with_constant(self, part: Any) -> Any:
        constant, rest = part.as_coeff_Add()
        inside = [term for term in part.args if self._name(term)]
        if constant == 0 or not inside:
            return part
        own = self.functions[self._name(inside[0])]
        self._change(self._name(inside[0]), d=own.d + float(constant))
        return rest


def _with_reach(
    expressions: Sequence[Any],
    variables: list[Any],
    functions: dict[str, RescaledFunction],
    x: FloatArray,
) -> dict[str, RescaledFunction]:
    """The functions with the range of their arguments on the samples."""
    import sympy
    from sympy.core.function import AppliedUndef

    found = dict(functions)
    for expression in expressions:
        for part in sympy.preorder_traversal(expression):
            if isinstance(part, AppliedUndef):
                values = numeric_of(variables, part.args[0], functions)(*x.T)
                if np.isfinite(values).all() and np.ptp(values) > 0:
                    name = str(part.func)
                    found[name] = replace(found[name], reach=(float(values.min()), float(values.max())))
    return found


def _functions_in(expression: Any) -> list[str]:
    """Names of the undefined functions, as often as they occur, in the order of the text."""
    import sympy
    from sympy.core.function import AppliedUndef

    parts = sympy.preorder_traversal(expression)
    return [str(part.func) for part in parts if isinstance(part, AppliedUndef)]


def _names(formula: Formula, others: Sequence[str], count: int) -> list[str]:
    taken = {str(symbol) for variable in formula.variables for symbol in variable.free_symbols} | {*others}
    letter = next(
        (one for one in _LETTERS if not any(f"{one}{k}" in taken for k in range(count + 1))), "phi_"
    )
    return [f"{letter}{k}" for k in range(1, count + 1)]


def _renamed(expression: Any, names: Mapping[str, str]) -> Any:
    import sympy

    for old, new in names.items():
        expression = expression.replace(sympy.Function(old), sympy.Function(new))
    return expression


def _with_fewer_digits(
    expression: Any,
    variables: list[Any],
    functions: Mapping[str, RescaledFunction],
    x: FloatArray,
    error: float,
) -> Any:
    """The expression with the fewest digits that leave its values as they are beside the error."""
    import sympy

    values = numeric_of(variables, expression, functions)(*x.T)
    for digits in range(2, _MOST_DIGITS):
        cut = {n: sympy.Float(f"{float(n):.{digits - 1}e}", 15) for n in expression.atoms(sympy.Float)}
        short = expression.xreplace(cut)
        moved = numeric_of(variables, short, functions)(*x.T) - values
        if np.isfinite(moved).all() and np.sqrt(np.mean(np.square(moved))) <= _MOVE * error:
            return short
    return expression

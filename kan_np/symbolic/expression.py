"""Formulas of one variable: read from text without executing it, and turned into NumPy functions.

Text is parsed into Python's syntax tree, and only numbers, + - * / ** (also ^), comparisons and calls of
sympy's functions are taken from it: a formula in a model file can compute, and do nothing else.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.symbolic.guard import Function

if TYPE_CHECKING:
    import sympy

_CONSTANTS = ("pi", "E", "EulerGamma", "GoldenRatio", "Catalan")
#: Callables that are not classes of functions in sympy.
_HELPERS = ("sqrt", "cbrt", "root", "Rational", "Min", "Max")
#: Names that mean nothing in NumPy or SciPy: those that formulas have while they are looked for.
_UNSHADOWED = re.compile(r"x(_\d+)?")
#: A power of two numbers that is worked out has at most this many bits.
_LONGEST_POWER = 4096


def variable() -> sympy.Symbol:
    """The variable of every stored formula: x, real."""
    import sympy

    return sympy.Symbol("x", real=True)


@lru_cache(maxsize=256)
def parse(text: str) -> sympy.Expr:
    """Read a formula of one variable, whatever its name, as a sympy expression in `variable()`.

    Raises
    ------
    ValueError
        If the text is no such formula; the message says which part.

    Examples
    --------
    >>> parse("besselj(0, t) + 0.5*t^2")
    x**2/2 + besselj(0, x)
    >>> parse("().__class__")
    Traceback (most recent call last):
    ...
    ValueError: '().__class__' is not a formula: '().__class__' cannot be used. Expected numbers, one
    variable, + - * / ** and functions of sympy.
    """
    if not isinstance(text, str):
        raise TypeError(
            f"the expression is {text!r}; expected text such as 'besselj(0, x)', or a sympy Expr."
        )
    try:
        tree = ast.parse(text.strip().replace("^", "**"), mode="eval")
        expression = _Reader().visit(tree.body)
    except (_NotAFormulaError, SyntaxError, RecursionError, MemoryError) as error:
        reason = str(error) if isinstance(error, _NotAFormulaError) else "it cannot be parsed"
        raise ValueError(
            f"{text!r} is not a formula: {reason}. Expected numbers, one variable, + - * / ** and "
            "functions of sympy."
        ) from None
    return in_one_variable(expression, text)


def in_one_variable(expression: Any, shown: object) -> sympy.Expr:
    """`expression` with its one free symbol renamed to `variable()` and its floats as exact decimals."""
    import sympy

    if not isinstance(expression, sympy.Expr):
        raise ValueError(f"{shown!r} is {type(expression).__name__}; expected a formula with a value.")
    free = sorted(expression.free_symbols, key=str)
    if len(free) > 1:
        raise ValueError(
            f"{shown!r} has {len(free)} variables, {', '.join(map(str, free))}; expected one. "
            "Give the others values."
        )
    decimals = {number: sympy.Rational(repr(float(number))) for number in expression.atoms(sympy.Float)}
    return expression.subs({symbol: variable() for symbol in free}).xreplace(decimals)


def numeric(expression: sympy.Expr) -> Function:
    """NumPy and SciPy function of an expression in `variable()`; NaN where it is not real."""
    return numeric_of([variable()], expression)


def numeric_of(
    names: Sequence[sympy.Symbol],
    expression: sympy.Expr,
    functions: Mapping[str, Function] | None = None,
) -> Callable[..., FloatArray]:
    """NumPy and SciPy function of an expression in several names; NaN where it is not real.

    Parameters
    ----------
    names : sequence of sympy.Symbol
        The arguments, in order: arrays that broadcast, or numbers.
    expression : sympy.Expr
    functions : mapping of str to callable, optional
        Numbers of undefined functions, by name.
    """
    import sympy

    from kan_np.symbolic.names import arguments_for

    # the slope of a step is zero but for one point
    smooth = expression.replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))
    modules = [{"jv": _bessel, **(functions or {})}, "scipy", "numpy"]
    arguments, unshadowed = list(names), smooth
    if not all(_UNSHADOWED.fullmatch(name.name) for name in names):
        arguments, unshadowed = arguments_for(names, smooth)
    computed = sympy.lambdify(arguments, unshadowed, modules=modules)

    def function(*values: FloatArray | float) -> FloatArray:
        points = [np.asarray(value, dtype=np.float64) for value in values]
        with np.errstate(all="ignore"):
            result = np.asarray(computed(*points))
        if result.dtype.kind == "c":
            result = np.where(result.imag == 0, result.real, np.nan)
        shape = np.broadcast_shapes(*(point.shape for point in points))
        return np.array(np.broadcast_to(result, shape), dtype=np.float64)

    return function


def _bessel(order: float, u: FloatArray) -> FloatArray:
    """Bessel's J; of orders 0 and 1 by functions that are ten times as fast."""
    from scipy import special

    return special.j0(u) if order == 0 else special.j1(u) if order == 1 else special.jv(order, u)


class _NotAFormulaError(Exception):
    """What of a text cannot be read."""


class _Reader(ast.NodeVisitor):
    """Builds the sympy expression of a syntax tree, from a short list of allowed nodes."""

    def generic_visit(self, node: ast.AST) -> Any:
        raise _NotAFormulaError(f"{ast.unparse(node)!r} cannot be used")

    def visit_Constant(self, node: ast.Constant) -> Any:
        import sympy

        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            return self.generic_visit(node)
        return sympy.Rational(repr(node.value))

    def visit_Name(self, node: ast.Name) -> Any:
        import sympy

        if node.id in _CONSTANTS:
            return getattr(sympy, node.id)
        return sympy.Symbol(node.id, real=True)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.USub):
            return -operand
        return operand if isinstance(node.op, ast.UAdd) else self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        left, right = self.visit(node.left), self.visit(node.right)
        match node.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
            case ast.Pow():
                return self._power(node, left, right)
        return self.generic_visit(node)

    def _power(self, node: ast.BinOp, base: Any, exponent: Any) -> Any:
        if base.is_Rational and exponent.is_Rational:
            bits = max(base.p.bit_length(), base.q.bit_length()) * abs(exponent)
            if bits > _LONGEST_POWER:
                raise _NotAFormulaError(f"{ast.unparse(node)!r} is too large a number")
        return base**exponent

    def visit_Compare(self, node: ast.Compare) -> Any:
        if len(node.ops) != 1:
            return self.generic_visit(node)
        left, right = self.visit(node.left), self.visit(node.comparators[0])
        match node.ops[0]:
            case ast.Lt():
                return left < right
            case ast.LtE():
                return left <= right
            case ast.Gt():
                return left > right
            case ast.GtE():
                return left >= right
        return self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple) -> Any:
        return tuple(self.visit(element) for element in node.elts)

    def visit_Call(self, node: ast.Call) -> Any:
        import sympy

        name = node.func.id if isinstance(node.func, ast.Name) else ""
        known = function_names()
        if name not in known or node.keywords:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise _NotAFormulaError(f"sympy has no function for {ast.unparse(node)!r}{hint}")
        try:
            return getattr(sympy, name)(*[self._argument(argument) for argument in node.args])
        except (TypeError, ValueError, AttributeError) as error:
            raise _NotAFormulaError(f"{ast.unparse(node)!r} fails ({error})") from None

    def _argument(self, node: ast.expr) -> Any:
        import sympy

        if isinstance(node, ast.Constant) and node.value is True:  # the last branch of a Piecewise
            return sympy.true
        if isinstance(node, ast.Tuple):
            return tuple(self._argument(element) for element in node.elts)
        return self.visit(node)


@lru_cache(maxsize=1)
def function_names() -> tuple[str, ...]:
    """Names of the functions that a formula may call."""
    import sympy

    classes = {
        name
        for name, thing in vars(sympy).items()
        if isinstance(thing, type)
        and issubclass(thing, sympy.Function)
        and thing.__module__.startswith("sympy.functions.")
    }
    return tuple(sorted(classes | set(_HELPERS)))

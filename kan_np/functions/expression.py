"""Formulas of one variable: read from text without executing it, and turned into NumPy functions.

Text is parsed into Python's syntax tree, in which only numbers, + - * / ** (also ^), comparisons and calls of
sympy's functions are allowed: a formula in a model file cannot execute anything else.
"""

from __future__ import annotations

import ast
import difflib
import re
import reprlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.functions.guard import Function

if TYPE_CHECKING:
    import sympy

_CONSTANTS = ("pi", "E", "EulerGamma", "GoldenRatio", "Catalan")
#: Callables that are not classes of functions in sympy.
_HELPERS = ("sqrt", "cbrt", "root", "Rational", "Min", "Max")
#: Variable names that are no names of NumPy or SciPy: those of formulas during a search.
_UNSHADOWED = re.compile(r"x(_\d+)?")
#: Most bits of exact numbers that sympy computes, and largest size of other constants.
_MOST_BITS, _LARGEST = 4096, 1e300
#: Most characters and nested brackets of a text, parts of a formula and, estimated, of its second derivative;
#: chosen by judgement.
_LONGEST_TEXT, _DEEPEST, _MOST_PARTS, _MOST_DERIVED = 2000, 40, 400, 4000
#: Most functions nested in each other: the period of 12 nested sines is found in 0.6 s, each further one
#: doubles it.
_MOST_NESTED = 12
#: Most arguments of Min and Max, which sympy compares pairwise: 60 take 8 s.
_MOST_COMPARED = 10
#: Largest order, degree or other number as an argument of a special function: sympy expands some functions
#: into polynomials of that degree, or products of as many factors.
_HIGHEST_ORDER = 60


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
        If the text is no such formula; the message names the part that is not allowed.

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
    return in_one_variable(parse_template(text), text)


def parse_template(text: str) -> sympy.Expr:
    """Read a formula of x and of numbers with names, such as "x**3 + k1*x".

    Raises
    ------
    ValueError
        As `parse`.
    """
    if not isinstance(text, str):
        raise TypeError(
            f"the expression is {text!r}; expected text such as 'besselj(0, x)', or a sympy Expr."
        )
    if len(text) > _LONGEST_TEXT:
        raise ValueError(
            f"{reprlib.repr(text)} is not a formula: it has {len(text)} characters, "
            f"more than {_LONGEST_TEXT}."
        )
    try:
        tree = ast.parse(text.strip().replace("^", "**"), mode="eval")
        _refuse_deep(tree)
        expression = _Reader().visit(tree.body)
        _refuse_long_derivative(expression)
    except (_NotAFormulaError, SyntaxError, RecursionError, MemoryError, ValueError) as error:
        reason = str(error) if isinstance(error, _NotAFormulaError) else "it cannot be parsed"
        raise ValueError(
            f"{_shown(text)} is not a formula: {reason}. Expected numbers, one variable, + - * / ** and "
            "functions of sympy."
        ) from None
    return expression


def in_one_variable(expression: Any, shown: object) -> sympy.Expr:
    """`expression` with its one free symbol renamed to `variable()` and its floats as exact decimals."""
    import sympy

    if not isinstance(expression, sympy.Expr):
        raise ValueError(
            f"{shown!r} is {type(expression).__name__}; expected a formula with a numeric value."
        )
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
        Functions of arrays for undefined functions in the expression, by name.
    """
    import sympy

    from kan_np.functions.arguments import arguments_for

    # the derivative of a step is zero except at one point
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
    """Bessel function J; orders 0 and 1 by special routines that are ten times as fast."""
    from scipy import special

    return special.j0(u) if order == 0 else special.j1(u) if order == 1 else special.jv(order, u)


class _NotAFormulaError(Exception):
    """Raised for the part of a text that is not allowed in a formula."""


class _Reader(ast.NodeVisitor):
    """Builds the sympy expression of a syntax tree, from a short list of allowed nodes.

    sympy evaluates numbers immediately, whatever that takes, so that sizes are checked before and after every
    step.
    """

    def visit(self, node: ast.AST) -> Any:
        value = super().visit(node)
        _refuse_large(node, value)
        return value

    def generic_visit(self, node: ast.AST) -> Any:
        raise _NotAFormulaError(f"{_source(node)} cannot be used")

    def visit_Constant(self, node: ast.Constant) -> Any:
        import sympy

        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            return self.generic_visit(node)
        if not abs(node.value) <= _LARGEST:
            raise _NotAFormulaError(f"{_source(node)} is too large a number")
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
        for value in (left, right):
            if isinstance(value, tuple) or getattr(value, "is_Relational", False):
                raise _NotAFormulaError(f"{_source(node)} computes with what is no number")
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
                _refuse_large_power(node, left, right)
                return left**right
        return self.generic_visit(node)

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
            near = difflib.get_close_matches(name[:40], known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise _NotAFormulaError(f"sympy has no function for {_source(node)}{hint}")
        function, arguments = getattr(sympy, name), [self._argument(argument) for argument in node.args]
        _refuse_large_arguments(node, function, arguments)
        try:
            return function(*arguments)
        except (TypeError, ValueError, AttributeError, ArithmeticError, NotImplementedError) as error:
            raise _NotAFormulaError(f"{_source(node)} cannot be evaluated ({error})") from None

    def _argument(self, node: ast.expr) -> Any:
        import sympy

        if isinstance(node, ast.Constant) and node.value is True:  # the last branch of a Piecewise
            return sympy.true
        if isinstance(node, ast.Tuple):
            return tuple(self._argument(element) for element in node.elts)
        return self.visit(node)


def _source(node: ast.AST) -> str:
    return _shown(ast.unparse(node))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 200 else text[:197] + "...")


def _refuse_deep(tree: ast.AST) -> None:
    """Raise for brackets, functions and powers nested too deep; a sum of many terms is not deep."""
    left = [(tree, 0)]
    while left:
        node, depth = left.pop()
        if depth > _DEEPEST:
            raise _NotAFormulaError(f"it is nested more than {_DEEPEST} deep")
        chain = node.left if isinstance(node, ast.BinOp) else None
        left += [(child, depth + (child is not chain)) for child in ast.iter_child_nodes(node)]


def _refuse_large(node: ast.AST, value: Any) -> None:
    """Raise for a formula of too many parts, and for numbers that are too large."""
    import sympy

    if not isinstance(value, sympy.Basic):
        return
    numbers = []
    for count, part in enumerate(sympy.preorder_traversal(value)):
        if count > _MOST_PARTS:
            raise _NotAFormulaError(f"{_source(node)} has more than {_MOST_PARTS} parts")
        if part.is_Rational:
            numbers.append(part)
    if _bits(numbers) > _MOST_BITS:
        raise _NotAFormulaError(f"{_source(node)} is too large a number")
    if isinstance(value, sympy.Expr) and not value.is_Rational and not value.free_symbols:
        size = abs(sympy.N(value, 3))
        if not size.is_Float and size != 0:
            raise _NotAFormulaError(f"{_source(node)} is no number that can be computed")
        if size > _LARGEST or 0 < size < 1 / _LARGEST:
            raise _NotAFormulaError(f"{_source(node)} is too large or too small a number")


def _bits(numbers: list[Any]) -> int:
    return max((max(int(n.p).bit_length(), int(n.q).bit_length()) for n in numbers), default=1)


def _refuse_large_power(node: ast.AST, base: Any, exponent: Any) -> None:
    """Raise if sympy would evaluate base**exponent to a number of too many bits.

    (3 x)**n contains 3**n, and exp(n log 3) is 3**n: numbers in logarithms count like those of the base.
    """
    import sympy

    in_base, in_exponent = base.atoms(sympy.Rational), exponent.atoms(sympy.Rational)
    if exponent.has(sympy.log):
        in_base |= in_exponent
    if _bits(list(in_base)) * max((abs(n) for n in in_exponent), default=1) > _MOST_BITS:
        raise _NotAFormulaError(f"{_source(node)} is too large a number")


def _refuse_large_arguments(node: ast.Call, function: Any, arguments: list[Any]) -> None:
    """Raise for arguments with which sympy or SciPy take very long: factorial(10**7), orders of a million."""
    import sympy

    values = [argument for argument in arguments if isinstance(argument, sympy.Expr)]
    if function is sympy.exp:
        for value in values:
            _refuse_large_power(node, sympy.Integer(1), value)
    elif function in (sympy.root, sympy.Pow) and len(values) == 2 and values[1] != 0:
        _refuse_large_power(node, values[0], 1 / values[1])
    if function in (sympy.Min, sympy.Max) and len(arguments) > _MOST_COMPARED:
        raise _NotAFormulaError(f"{_source(node)} compares more than {_MOST_COMPARED} formulas")
    if not getattr(function, "__module__", "").startswith("sympy.functions.elementary."):
        for value in values:
            if not value.free_symbols and abs(sympy.N(value, 3)) > _HIGHEST_ORDER:
                raise _NotAFormulaError(
                    f"{_source(node)} has a number above {_HIGHEST_ORDER}, for which it cannot be worked out"
                )


def _refuse_long_derivative(expression: Any) -> None:
    """Raise where f'' would have too many parts; the fit of a symbol needs it."""
    import sympy

    if not isinstance(expression, sympy.Basic):
        return
    if _nested_functions(expression) > _MOST_NESTED:
        raise _NotAFormulaError(f"it has more than {_MOST_NESTED} functions within each other")
    if _derived_parts(expression)[2] > _MOST_DERIVED:
        raise _NotAFormulaError("it has so many factors that its derivatives become too long")


def _nested_functions(part: Any) -> int:
    return int(part.is_Function) + max(map(_nested_functions, part.args), default=0)


def _derived_parts(part: Any) -> tuple[int, int, int]:
    """Estimated numbers of parts of a formula and of its first two derivatives, by the product rule."""
    if not part.args:
        return 1, 0, 0
    sizes = [_derived_parts(argument) for argument in part.args]
    plain = 1 + sum(size[0] for size in sizes)
    first = sum(size[1] for size in sizes)
    second = sum(size[2] for size in sizes)
    if part.is_Add:
        return plain, first, second
    moving = [size for size in sizes if size[1] or size[0] == 1]
    n = len(moving)
    return plain, n * plain + first, n * n * plain + 2 * n * first + second


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

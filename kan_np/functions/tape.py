"""Reverse-mode differentiation of formulas: a list of operations on arrays, run forwards and backwards.

Each node is a number, a name, a sum, a product, a power or a function of nodes before it; equal parts
are one node. With the adjoint a_q = d output / d v_q of every node,

    a_p += a_q d v_q / d v_p          for each argument p of q, last node first,

which gives the derivatives by all names in the time of about two evaluations, without symbolic derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kan_np._validate import FloatArray
from kan_np.functions.expression import numeric_of

if TYPE_CHECKING:
    import sympy

Numeric = Callable[..., Any]
#: Relative step of derivatives of functions that have no formula: eps^(1/3).
_STEP = 6e-6


class Operation(NamedTuple):
    """A function of arguments, and its derivatives by each of them."""

    value: Numeric
    slopes: tuple[Numeric, ...]


class _Node(NamedTuple):
    operation: Operation | None
    below: tuple[int, ...]
    #: The index of a name among the arguments, or the value of a number.
    leaf: int | float


class Tape:
    """A formula in several variables that can be evaluated and differentiated.

    Parameters
    ----------
    names : sequence of sympy.Symbol
    expression : sympy.Expr
    functions : mapping of str to callable, optional
        Numbers of undefined functions, by name.

    Examples
    --------
    >>> import numpy as np, sympy
    >>> s, t = sympy.symbols("s t", real=True)
    >>> tape = Tape([s, t], t * sympy.exp(2 * s))
    >>> points = np.array([0.0, 1.0])
    >>> tape(points, 3.0).round(2).tolist(), tape.slopes(2, points, 3.0)[1].round(2).tolist()
    ([3.0, 22.17], [1.0, 7.39])
    """

    def __init__(
        self,
        names: Sequence[sympy.Symbol],
        expression: sympy.Expr,
        functions: Mapping[str, Numeric] | None = None,
    ) -> None:
        self._functions = functions or {}
        self._nodes: list[_Node] = []
        self._place: dict[Any, int] = {}
        for k, name in enumerate(names):
            self._place[name] = self._append(_Node(None, (), k))
        self._count = len(names)
        self._last = self._written(expression)
        #: Whether the value of each node depends on the variables.
        self._moves: list[bool] = []
        for operation, below, _ in self._nodes:
            is_name = len(self._moves) < self._count
            self._moves.append(is_name or (operation is not None and any(self._moves[p] for p in below)))

    def __call__(self, *values: FloatArray | float) -> FloatArray:
        """The formula at values of the names, arrays that broadcast; NaN where it is not real."""
        with np.errstate(all="ignore"):
            result = self._forwards(values)[self._last]
        shape = np.broadcast_shapes(*(np.shape(value) for value in values))
        return np.array(np.broadcast_to(result, shape), dtype=np.float64)

    def slopes(self, n: int, *values: FloatArray | float) -> list[FloatArray]:
        """Derivatives, each of shape (n,), by all names at values of them."""
        with np.errstate(all="ignore"):
            found = self._forwards(values)
            adjoint: list[Any] = [0.0] * len(self._nodes)
            adjoint[self._last] = 1.0
            for q in range(self._last, self._count - 1, -1):
                operation, below, _ = self._nodes[q]
                if operation is None or (np.ndim(adjoint[q]) == 0 and adjoint[q] == 0.0):
                    continue
                arguments = [found[p] for p in below]
                for p, slope in zip(below, operation.slopes, strict=True):
                    if self._moves[p]:
                        adjoint[p] = adjoint[p] + adjoint[q] * slope(*arguments)
        return [np.broadcast_to(np.asarray(a, dtype=np.float64), (n,)) for a in adjoint[: self._count]]

    def _forwards(self, values: Sequence[Any]) -> list[Any]:
        found: list[Any] = []
        for operation, below, leaf in self._nodes:
            if operation is not None:
                found.append(operation.value(*[found[p] for p in below]))
            else:
                found.append(values[int(leaf)] if len(found) < self._count else leaf)
        return found

    def _append(self, node: _Node) -> int:
        self._nodes.append(node)
        return len(self._nodes) - 1

    def _written(self, part: Any) -> int:
        if part not in self._place:
            if not part.free_symbols and not part.has(_undefined()):
                node = _Node(None, (), number_of(part))
            else:
                arguments, operation = operation_of(part, self._functions)
                node = _Node(operation, tuple(self._written(a) for a in arguments), 0)
            self._place[part] = self._append(node)
        return self._place[part]


def number_of(part: sympy.Expr) -> float:
    """Value of a part without names; NaN if it is not real."""
    try:
        return float(part)
    except (TypeError, OverflowError, ValueError):
        return float("nan")


def operation_of(part: Any, functions: Mapping[str, Numeric]) -> tuple[tuple[Any, ...], Operation]:
    """The arguments of a part of a formula, and the operation on them."""
    import sympy

    if part.is_Add:
        return part.args, _add(len(part.args))
    if part.is_Mul:
        return part.args, _multiply(len(part.args))
    if part.is_Pow:
        if part.exp.is_number and not part.exp.has(sympy.Float):
            return (part.base,), _power(number_of(part.exp))
        return part.args, Operation(np.power, (_by_base, _by_exponent))
    if (name := str(part.func)) in functions:
        return part.args, _differenced(functions[name], len(part.args))
    if len(part.args) == 1 and part.func in _known():
        return part.args, _known()[part.func]
    if all(isinstance(a, sympy.Expr) for a in part.args) and not part.is_Piecewise:
        # whole numbers among the arguments, such as the order of a Bessel function, are constants
        moving = tuple(a for a in part.args if not a.is_number or a.has(sympy.Float))
        names = iter(_arguments(len(moving)))
        inside = [next(names) if not a.is_number or a.has(sympy.Float) else a for a in part.args]
        return moving, _by_sympy(part.func(*inside), len(moving))
    free = tuple(sorted(part.free_symbols, key=str))
    names_of = dict(zip(free, _arguments(len(free)), strict=True))
    return free, _by_sympy(part.xreplace(names_of), len(free))


def _add(count: int) -> Operation:
    return Operation(lambda *v: sum(v[1:], v[0]), (lambda *v: 1.0,) * count)


def _multiply(count: int) -> Operation:
    def others(k: int) -> Numeric:
        return lambda *v: _product(v[:k] + v[k + 1 :])

    return Operation(lambda *v: _product(v), tuple(others(k) for k in range(count)))


def _product(values: tuple[Any, ...]) -> Any:
    result = values[0] if values else 1.0
    for value in values[1:]:
        result = result * value
    return result


def _power(exponent: float) -> Operation:
    if exponent == 0.5:
        return Operation(np.sqrt, (lambda u: 0.5 / np.sqrt(u),))
    if exponent == -1.0:
        return Operation(lambda u: 1.0 / np.asarray(u), (lambda u: -1.0 / np.square(u),))
    return Operation(
        lambda u: np.power(np.asarray(u, dtype=np.float64), exponent),
        (lambda u: exponent * np.power(np.asarray(u, dtype=np.float64), exponent - 1.0),),
    )


def _by_base(base: Any, exponent: Any) -> Any:
    return exponent * np.power(base, exponent - 1.0)


def _by_exponent(base: Any, exponent: Any) -> Any:
    # 0^e stays 0 for e > 0
    return np.where(base == 0.0, 0.0, np.power(base, exponent) * np.log(base))


def _differenced(function: Numeric, count: int) -> Operation:
    def by(k: int) -> Numeric:
        def slope(*values: Any) -> Any:
            step = _STEP * np.maximum(np.abs(values[k]), np.abs(values[k]).max(initial=0.0) * 1e-3) + 1e-300
            up, down = list(values), list(values)
            up[k], down[k] = values[k] + step, values[k] - step
            return (function(*up) - function(*down)) / (up[k] - down[k])

        return slope

    return Operation(function, tuple(by(k) for k in range(count)))


@lru_cache(maxsize=1)
def _known() -> dict[Any, Operation]:
    """Operations for the most frequent functions."""
    import sympy

    return {
        sympy.exp: Operation(np.exp, (np.exp,)),
        sympy.log: Operation(np.log, (lambda u: 1.0 / np.asarray(u),)),
        sympy.sin: Operation(np.sin, (np.cos,)),
        sympy.cos: Operation(np.cos, (lambda u: -np.sin(u),)),
        sympy.tan: Operation(np.tan, (lambda u: 1.0 / np.square(np.cos(u)),)),
        sympy.sinh: Operation(np.sinh, (np.cosh,)),
        sympy.cosh: Operation(np.cosh, (np.sinh,)),
        sympy.tanh: Operation(np.tanh, (lambda u: 1.0 / np.square(np.cosh(u)),)),
        sympy.atan: Operation(np.arctan, (lambda u: 1.0 / (1.0 + np.square(u)),)),
        sympy.Abs: Operation(np.abs, (np.sign,)),
    }


@lru_cache(maxsize=512)
def _by_sympy(expression: Any, count: int) -> Operation:
    """A function of `count` arguments with derivatives by sympy."""
    import sympy

    names = _arguments(count)
    value = numeric_of(names, expression)
    slopes: list[Numeric] = []
    for k in range(count):
        try:
            slope = expression.diff(names[k])
            if slope.has(sympy.Derivative, sympy.Subs):
                raise NotImplementedError
            slopes.append(numeric_of(names, slope))
        except (TypeError, ValueError, NotImplementedError, AttributeError):
            slopes.append(_differenced(value, count).slopes[k])
    return Operation(value, tuple(slopes))


@lru_cache(maxsize=16)
def _arguments(count: int) -> tuple[Any, ...]:
    import sympy

    return tuple(sympy.Symbol(f"u{k}", real=True) for k in range(count))


def _undefined() -> Any:
    from sympy.core.function import AppliedUndef

    return AppliedUndef

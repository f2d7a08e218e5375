"""Formulas of one variable compiled to short programs, which a kernel interprets for blocks of samples.

A program has a row of values and one of derivatives for every step; the first is the variable itself, and
each further one a number, the sum or product of two rows before it, or a function of one. Derivatives follow
by the chain rule, step by step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from kan_np.functions.expression import parse, parse_template, variable
from kan_np.kernels.program import ADD, FUNCTION, MULTIPLY, NUMBER
from kan_np.kernels.scalar_functions import (
    ABS,
    ARCCOS,
    ARCSIN,
    ARCTAN,
    ARCTANH,
    COS,
    COSH,
    ERF,
    EXP,
    LOG,
    POWER,
    ROOT,
    SGN,
    SIN,
    SINH,
    TAN,
    TANH,
)

#: Functions of sympy by name, as kernels number them.
_FUNCTIONS = {
    "exp": EXP,
    "log": LOG,
    "Abs": ABS,
    "sign": SGN,
    "sin": SIN,
    "cos": COS,
    "tan": TAN,
    "sinh": SINH,
    "cosh": COSH,
    "tanh": TANH,
    "asin": ARCSIN,
    "acos": ARCCOS,
    "atan": ARCTAN,
    "atanh": ARCTANH,
    "erf": ERF,
}


@dataclass(frozen=True)
class Program:
    """The steps of a program; row 0 is the variable.

    Attributes
    ----------
    operation, left, right : tuple of int
        Operation of each step and the rows it reads; for a function `right` is its kind.
    number : tuple of float
        The value of a NUMBER, the exponent of a power.
    """

    operation: tuple[int, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    number: tuple[float, ...]


@lru_cache(maxsize=512)
def program_of(formula: str) -> Program | None:
    """The program of a formula; None if it has functions that kernels do not know.

    Examples
    --------
    >>> program = program_of("1/cosh(x)")
    >>> len(program.operation), program_of("besselj(0, x)")
    (2, None)
    """
    return _written(parse(formula))


def program_of_template(template: str, numbers: tuple[float, ...]) -> Program | None:
    """The program of a formula in x and k1, k2, ..., with these numbers for the k.

    Examples
    --------
    >>> program_of_template("x**3 + k1*x", (0.5,)).number
    (3.0, 0.5, 0.0, 0.0)
    """
    program = _of_template(template)
    if program is None:
        return None
    return replace(
        program, number=tuple(numbers[n.number - 1] if isinstance(n, _Named) else n for n in program.number)
    )


@lru_cache(maxsize=512)
def _of_template(template: str) -> Program | None:
    """The program of a template; among its numbers are names."""
    return _written(parse_template(template))


def _written(expression: Any) -> Program | None:
    writer = _Writer()
    try:
        writer.write(expression)
    except _UnknownFunctionError:
        return None
    if not writer.steps:
        writer.add(MULTIPLY, 0, writer.add(NUMBER, number=1.0))
    return Program(*(tuple(column) for column in zip(*writer.steps, strict=True)))


class _Named(NamedTuple):
    """A number that a template leaves open: k1, k2, ..."""

    number: int


class _UnknownFunctionError(Exception):
    """A part of a formula that has no kernel."""


class _Writer:
    """Steps of a program; equal parts are one step."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, int, Any]] = []
        self._rows: dict[Any, int] = {variable(): 0}

    def add(self, operation: int, left: int = 0, right: int = 0, number: Any = 0.0) -> int:
        """Append a step and return its row."""
        self.steps.append((operation, left, right, number))
        return len(self.steps)

    def write(self, part: Any) -> int:
        """The row that holds a part of the formula."""
        if part not in self._rows:
            self._rows[part] = self._written(part)
        return self._rows[part]

    def _written(self, part: Any) -> int:
        if part.is_number:
            if not (part.is_real and part.is_finite):
                raise _UnknownFunctionError
            return self.add(NUMBER, number=float(part))
        if part.is_Add or part.is_Mul:
            first, *others = (self.write(argument) for argument in part.args)
            for other in others:
                first = self.add(ADD if part.is_Add else MULTIPLY, first, other)
            return first
        if part.is_Symbol:
            return self.add(NUMBER, number=_named(part))
        if part.is_Pow and part.exp.is_Symbol:
            return self.add(FUNCTION, self.write(part.base), ROOT, number=_named(part.exp))
        if part.is_Pow:
            if not (part.exp.is_number and part.exp.is_real):
                raise _UnknownFunctionError
            whole = part.exp.is_integer and abs(part.exp) <= 16
            return self.add(FUNCTION, self.write(part.base), POWER if whole else ROOT, number=float(part.exp))
        kind = _FUNCTIONS.get(type(part).__name__)
        if kind is None or len(part.args) != 1:
            raise _UnknownFunctionError
        return self.add(FUNCTION, self.write(part.args[0]), kind)


def _named(part: Any) -> _Named:
    """The number that a symbol of a template stands for."""
    if not (part.name.startswith("k") and part.name[1:].isdigit()):
        raise _UnknownFunctionError
    return _Named(int(part.name[1:]))

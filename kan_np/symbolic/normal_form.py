"""One way to write the numbers of a composed formula.

Edges c f(a x + b) + d inside each other have more constants than the function they make: c exp(u + d) is
(c e^d) exp(u), and the factors of all terms under a root can be drawn out of it. Here every Float is moved to
where it can only mean one thing:

    a (u + v)                  -> a u + a v
    exp(u + d)                 -> e^d exp(u)
    (p u + q v + r)^n          -> |p|^n (u + (q/p) v + r/p)^n        also Abs, factors, and log with a sum
    log(p u)                   -> log p + log u
    sin(u + b), cos(u + b)     -> the one of sin, cos with |b| <= pi/4

p is the smallest of the factors that are not negligible, so that the others are more likely to be whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import sympy

#: A factor below this part of the largest one is no unit for the others.
_NEGLIGIBLE = 1e-2


def normal_form(expression: sympy.Expr) -> sympy.Expr:
    """The same function with its Floats in their places.

    Examples
    --------
    >>> import sympy
    >>> x, y = sympy.symbols("x y", real=True)
    >>> normal_form(2.0 * sympy.exp(0.5 * (2.0 * sympy.sin(3.0 * x) + y**2)) + 1.0).n(4)
    2.0*exp(0.5*y**2 + 1.0*sin(3.0*x)) + 1.0
    >>> normal_form(sympy.sqrt(2.0 * x**2 + 2.0 * y**2)).n(3)
    1.41*(x**2 + 1.0*y**2)**0.5
    """
    import sympy

    if not expression.args:
        return expression
    parts = [normal_form(part) for part in expression.args]
    function = expression.func
    if function is sympy.Mul:
        return _product(parts)
    if function is sympy.exp:
        constant, rest = parts[0].as_coeff_Add()
        return sympy.exp(constant) * sympy.exp(rest) if _is_number(constant) else sympy.exp(parts[0])
    if function is sympy.Pow and parts[1].is_number and parts[1].is_real:
        return _power(parts[0], parts[1])
    if function is sympy.Abs:
        factor, rest = _unit_drawn_out(parts[0])
        return factor * sympy.Abs(rest)
    if function is sympy.log:
        factor, rest = _unit_drawn_out(parts[0])
        return sympy.log(factor) + sympy.log(rest)
    if function in (sympy.sin, sympy.cos):
        return _wave(function, parts[0])
    return function(*parts)


def _product(parts: list[Any]) -> Any:
    """A number times a sum is taken into the sum; of several factors the units are drawn out."""
    import sympy

    factor, rest = sympy.Mul(*parts).as_coeff_Mul()
    if rest.is_Add and factor != 1:
        return sympy.Add(*[factor * term for term in rest.args])
    if rest.is_Mul:
        drawn = [_signed_unit_drawn_out(part) for part in rest.args]
        factor, rest = sympy.Mul(factor, *(u for u, _ in drawn)), sympy.Mul(*(part for _, part in drawn))
    return factor * rest


def _signed_unit_drawn_out(expression: Any) -> tuple[Any, Any]:
    """As `_unit_drawn_out` of a sum, with the sign that leaves the unit positive; other things stay."""
    import sympy

    if not expression.is_Add:
        return sympy.Integer(1), expression
    factor, rest = _unit_drawn_out(expression)
    leading = next((term for term in rest.args if not term.is_number), rest) if rest.is_Add else rest
    return (-factor, -rest) if leading.could_extract_minus_sign() else (factor, rest)


def _power(base: Any, exponent: Any) -> Any:
    import sympy

    factor, rest = _unit_drawn_out(base)
    return sympy.Pow(factor, exponent) * sympy.Pow(rest, exponent)


def _unit_drawn_out(expression: Any) -> tuple[Any, Any]:
    """(p, u) with expression = p u, p > 0 a number."""
    import sympy

    if not expression.is_Add:
        factor, rest = expression.as_coeff_Mul()
        if not isinstance(factor, sympy.Float):
            return sympy.Integer(1), expression
        return abs(factor), rest if factor > 0 else -rest
    pairs = [term.as_coeff_Mul() for term in expression.args if not term.is_number]
    sizes = [abs(float(factor)) for factor, _ in pairs]
    if not sizes or not any(isinstance(factor, sympy.Float) for factor, _ in pairs):
        return sympy.Integer(1), expression
    unit = min(size for size in sizes if size >= _NEGLIGIBLE * max(sizes))
    if unit == 0.0:
        return sympy.Integer(1), expression
    # the unit itself becomes an Integer: it is the one factor that means nothing
    first = sizes.index(unit)
    terms = []
    for term in expression.args:
        factor, rest = term.as_coeff_Mul() if not term.is_number else (term, sympy.Integer(1))
        terms.append(sympy.Float(float(factor) / unit, 17) * rest)
    chosen, rest = pairs[first]
    own = [k for k, term in enumerate(expression.args) if not term.is_number][first]
    terms[own] = rest if chosen > 0 else -rest
    return sympy.Float(unit, 17), sympy.Add(*terms)


def _wave(function: Any, argument: Any) -> Any:
    """sin or cos with the phase brought to within pi/4 of 0."""
    import sympy

    phase, rest = argument.as_coeff_Add()
    if not _is_number(phase):
        return function(argument)
    offset = float(phase) + (np.pi / 2 if function is sympy.cos else 0.0)  # of sin
    quarter = int(np.round(offset / (np.pi / 2)))
    left = sympy.Float(offset - quarter * np.pi / 2, 17)
    wave = (sympy.sin, sympy.cos)[quarter % 2](rest + left, evaluate=True)
    return wave if quarter % 4 in (0, 1) else -wave


def _is_number(value: Any) -> bool:
    import sympy

    return isinstance(value, sympy.Float)

"""The built-in symbols: pykan's functions, names and complexities, with derivatives and domains.

Source of the list: SYMBOLIC_LIB of pykan 0.2.8. Its "x^0.5" and "1/x^0.5" are other names of "sqrt" and
"1/sqrt(x)".
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.functions.guard import LARGEST, Function
from kan_np.functions.symbol import Symbol

#: Other names under which pykan knows a symbol.
ALIASES = {"x^0.5": "sqrt", "1/x^0.5": "1/sqrt(x)"}

_POSITIVE = (0.0, np.inf)
_UNIT = (-1.0, 1.0)
_EXP_REACH = (-LARGEST, float(np.log(LARGEST)))


def builtin_symbols() -> tuple[Symbol, ...]:
    """All built-in symbols in pykan's order."""
    return (
        _flat("x", _identity, np.ones_like, 1),
        _power("x^2", 2, 2),
        _power("x^3", 3, 3),
        _power("x^4", 4, 3),
        _power("x^5", 5, 3),
        _power("1/x", -1, 2),
        _power("1/x^2", -2, 2),
        _power("1/x^3", -3, 3),
        _power("1/x^4", -4, 4),
        _power("1/x^5", -5, 5),
        _root("sqrt", "sqrt(x)", 0.5, 2),
        _root("x^1.5", "x**(3/2)", 1.5, 4),
        _root("1/sqrt(x)", "1/sqrt(x)", -0.5, 2),
        Symbol("exp", "exp(x)", np.exp, np.exp, np.exp, 2, shift_free=True, reach=_EXP_REACH),
        Symbol("log", "log(x)", np.log, _inverse, _log_2, 2, domain=_POSITIVE, scale_free=True),
        Symbol("abs", "Abs(x)", np.abs, np.sign, np.zeros_like, 3, mirror=True, scale_free=True),
        Symbol("sin", "sin(x)", np.sin, np.cos, _minus_sin, 2, period=np.pi, mirror=True),
        Symbol("cos", "cos(x)", np.cos, _minus_sin, _minus_cos, 2, period=np.pi, mirror=True),
        Symbol("tan", "tan(x)", np.tan, _tan_1, _tan_2, 3, poles=(np.pi / 2,), period=np.pi, mirror=True),
        Symbol("tanh", "tanh(x)", np.tanh, _tanh_1, _tanh_2, 3, mirror=True),
        Symbol("sgn", "sign(x)", np.sign, np.zeros_like, np.zeros_like, 3, mirror=True, scale_free=True),
        Symbol("arcsin", "asin(x)", np.arcsin, _arcsin_1, _arcsin_2, 4, domain=_UNIT, mirror=True),
        Symbol("arccos", "acos(x)", np.arccos, _arccos_1, _arccos_2, 4, domain=_UNIT, mirror=True),
        Symbol("arctan", "atan(x)", np.arctan, _arctan_1, _arctan_2, 4, mirror=True),
        Symbol("arctanh", "atanh(x)", np.arctanh, _arctanh_1, _arctanh_2, 4, domain=_UNIT, mirror=True),
        _flat("0", np.zeros_like, np.zeros_like, 0),
        Symbol("gaussian", "exp(-x**2)", _gaussian, _gaussian_1, _gaussian_2, 3, mirror=True),
    )


def _flat(name: str, value: Function, derivative: Function, complexity: float) -> Symbol:
    """A symbol for a straight line or constant, which shifts and scales turn into another one."""
    return Symbol(
        name,
        name,
        value,
        derivative,
        np.zeros_like,
        complexity,
        mirror=True,
        scale_free=True,
        shift_free=True,
    )


def _power(name: str, n: int, complexity: float) -> Symbol:
    """x^n for a whole number n."""
    text = f"x**{n}" if n > 0 else "1/x" if n == -1 else f"1/x**{-n}"
    size = LARGEST ** (1.0 / n) if n > 0 else LARGEST
    return Symbol(
        name,
        text,
        _monomial(1.0, n),
        _monomial(n, n - 1),
        _monomial(n * (n - 1), n - 2),
        complexity,
        poles=() if n > 0 else (0.0,),
        mirror=True,
        scale_free=True,
        reach=(-size, size),
    )


def _root(name: str, text: str, p: float, complexity: float) -> Symbol:
    """x^p for half an odd number p, on x >= 0."""
    return Symbol(
        name,
        text,
        _half_power(1.0, p),
        _half_power(p, p - 1),
        _half_power(p * (p - 1), p - 2),
        complexity,
        domain=_POSITIVE,
        scale_free=True,
        reach=(-LARGEST, LARGEST ** min(1.0, 1.0 / p) if p > 0 else LARGEST),
    )


def _monomial(factor: float, n: int) -> Function:
    """factor x^n by multiplications, which are faster and closer than a power of floats."""

    def function(x: FloatArray) -> FloatArray:
        if n == 0:
            return np.full_like(x, factor)
        base = np.reciprocal(x) if n < 0 else x
        product = base * factor
        for _ in range(abs(n) - 1):
            product = product * base
        return product

    return function


def _half_power(factor: float, p: float) -> Function:
    """factor x^p for half an odd number p, by a square root."""
    whole = int(p - 0.5)

    def function(x: FloatArray) -> FloatArray:
        root = factor * np.sqrt(x)
        base = np.reciprocal(x) if whole < 0 else x
        for _ in range(abs(whole)):
            root = root * base
        return root

    return function


def _identity(x: FloatArray) -> FloatArray:
    return x + 0.0


def _inverse(x: FloatArray) -> FloatArray:
    return 1.0 / x


def _log_2(x: FloatArray) -> FloatArray:
    r = 1.0 / x
    return -r * r


def _minus_sin(x: FloatArray) -> FloatArray:
    return -np.sin(x)


def _minus_cos(x: FloatArray) -> FloatArray:
    return -np.cos(x)


def _tan_1(x: FloatArray) -> FloatArray:
    return 1.0 + np.square(np.tan(x))


def _tan_2(x: FloatArray) -> FloatArray:
    t = np.tan(x)
    return 2.0 * t * (1.0 + t * t)


def _tanh_1(x: FloatArray) -> FloatArray:
    decay = np.exp(-2.0 * np.abs(x))  # 1 - tanh^2 would cancel in the tails
    return 4.0 * decay / np.square(1.0 + decay)


def _tanh_2(x: FloatArray) -> FloatArray:
    return -2.0 * np.tanh(x) * _tanh_1(x)


def _arcsin_1(x: FloatArray) -> FloatArray:
    return 1.0 / np.sqrt((1.0 - x) * (1.0 + x))


def _arcsin_2(x: FloatArray) -> FloatArray:
    return x * _arcsin_1(x) ** 3


def _arccos_1(x: FloatArray) -> FloatArray:
    return -_arcsin_1(x)


def _arccos_2(x: FloatArray) -> FloatArray:
    return -_arcsin_2(x)


def _arctan_1(x: FloatArray) -> FloatArray:
    return 1.0 / (1.0 + x * x)


def _arctan_2(x: FloatArray) -> FloatArray:
    r = _arctan_1(x)
    return -2.0 * (x * r) * r


def _arctanh_1(x: FloatArray) -> FloatArray:
    return 1.0 / ((1.0 - x) * (1.0 + x))


def _arctanh_2(x: FloatArray) -> FloatArray:
    r = _arctanh_1(x)
    return 2.0 * x * r * r


def _gaussian(x: FloatArray) -> FloatArray:
    return np.exp(-x * x)


def _gaussian_1(x: FloatArray) -> FloatArray:
    return -2.0 * x * np.exp(-x * x)


def _gaussian_2(x: FloatArray) -> FloatArray:
    return (4.0 * x * x - 2.0) * np.exp(-x * x)

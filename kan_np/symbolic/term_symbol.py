"""From a fitted sum of terms to a symbol: its template, its numbers, and the line a x + b inside it.

A scale of the argument is chosen so that one number becomes 1: the rate of the first term that has one, or,
in sums of powers, the ratio of the first two coefficients. The amplitude of the first term is c of the edge.
"""

from __future__ import annotations

import re

import numpy as np

from kan_np._validate import FloatArray
from kan_np.functions.parametric_symbol import ParametricSymbol, parametric_symbol
from kan_np.symbolic.fit_symbol import SymbolFit, fit_on_line
from kan_np.symbolic.samples import Samples
from kan_np.symbolic.term_models import Model, Term

#: A ratio of coefficients that is 1 by the choice of the scale is 1 but for this.
_ROUNDING = 1e-12
#: Powers in a function's argument that turn with the sign of the scale.
_ODD = (1.0, -1.0)


def fit_of(model: Model, samples: Samples, scale: float, shift: float) -> SymbolFit | None:
    """The model as c f(a x + b) + d for samples, u = x / scale - shift; None where it is not finite."""
    terms = _in_order(model.terms)
    u = samples.x / scale - shift
    coefficients = _coefficients(Model(terms), u, samples)
    if coefficients is None:
        return None
    unit = _unit(terms, coefficients)
    # f(u; p) with u = v / unit: p takes the scale up
    terms = tuple(
        Term(
            term.family,
            tuple(
                p / unit**power if power == 1.0 or power == -1.0 else p / abs(unit) ** power if power else p
                for p, power in zip(term.numbers, term.family.powers, strict=True)
            ),
            term.used,
        )
        for term in terms
    )
    v = unit * u
    coefficients = _coefficients(Model(terms), v, samples)
    if coefficients is None:
        return None
    symbol = _symbol(terms, coefficients, model, float(np.median(v)))
    if not symbol.contains(v).all():
        return None
    return fit_on_line(symbol, unit / scale, -shift * unit, samples)


def _in_order(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Terms with inner numbers first, then powers from the highest on."""
    return tuple(
        sorted(terms, key=lambda term: (term.family.exponent is not None, -(term.family.exponent or 0.0)))
    )


def _coefficients(model: Model, u: FloatArray, samples: Samples) -> FloatArray | None:
    columns = model.columns(u)
    if not np.isfinite(columns).all():
        return None
    root = np.sqrt(samples.weight)
    size = np.abs(columns).max(axis=0)
    size[size == 0.0] = 1.0
    matrix = np.column_stack([columns / size, np.ones(u.size)]) * root[:, None]
    found = np.linalg.lstsq(matrix, root * (samples.y - samples.mean), rcond=None)[0]
    return np.asarray(found[:-1] / size)


def _unit(terms: tuple[Term, ...], coefficients: FloatArray) -> float:
    """The scale of u that makes a number 1."""
    positive = any(term.family.positive for term in terms)
    for term in terms:
        for number, power in zip(term.numbers, term.family.powers, strict=True):
            if power and number and np.isfinite(number):
                size = abs(number) ** (1.0 / power)
                turned = power in _ODD and number < 0 and not positive
                return -size if turned else size
    exponents = [term.family.exponent for term in terms]
    if len(terms) > 1 and all(p is not None for p in exponents) and coefficients[0] and coefficients[1]:
        ratio = abs(coefficients[0] / coefficients[1])
        return float(ratio ** (1.0 / (exponents[0] - exponents[1])))  # type: ignore[operator]
    return 1.0


def _symbol(
    terms: tuple[Term, ...], coefficients: FloatArray, model: Model, inside: float
) -> ParametricSymbol:
    numbers: list[float] = []

    def named(value: float) -> str:
        if abs(abs(value) - 1.0) <= 4e-16:
            return "1" if value > 0 else "(-1)"
        numbers.append(float(value))
        return f"k{len(numbers)}"

    parts: list[str] = []
    first, at = 0.0, 0
    for term in terms:
        own = coefficients[at : at + len(term.used)]
        at += len(term.used)
        texts = [term.family.texts[i] for i in term.used]
        inner = [named(number) for number in term.numbers]
        text, amplitude = texts[0].format(*inner), float(own[0])
        if len(own) == 2:  # sin and cos of one argument: a phase
            amplitude, phase = float(np.hypot(*own)), float(np.arctan2(own[1], own[0]))
            head, argument = texts[0].split("sin(", 1)
            text = f"{head}sin({argument[:-1].format(*inner)} + {named(phase)})"
        if not parts:
            first = amplitude or 1.0
            parts.append(text)
            continue
        ratio = amplitude / first
        if abs(abs(ratio) - 1.0) <= _ROUNDING:
            parts.append(f"{'+' if ratio > 0 else '-'} {_factor(text)}")
        else:
            parts.append(f"+ {named(ratio)}*{_factor(text)}")
    return parametric_symbol(
        _tidy(" ".join(parts)), numbers, model.complexity, inside=inside, count=model.count
    )


def _tidy(text: str) -> str:
    """Without factors of 1 and -1."""
    text = re.sub(r"(?<![\w.*])1\*", "", text)
    text = re.sub(r"\+ \(-1\)\*", "- ", text)
    return re.sub(r"\(-1\)\*", "-", text)


def _factor(text: str) -> str:
    return f"({text})" if text.startswith("1/") else text

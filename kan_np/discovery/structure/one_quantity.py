"""Formulas F g(u): a factor times any function of one quantity, which is a product, a difference or a sum.

Hundreds of quantities u and of factors F are compared by how smooth y / F is along u
(`kan_np.structure.smoothness`); g is then a function of one variable, and may oscillate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.discovery.structure.problem import Problem
from kan_np.discovery.terms.atoms import (
    FUNCTIONS,
    Factor,
    Powers,
    Quantity,
    allowed_powers,
    cheapest_powers,
    pairs_alike,
)
from kan_np.discovery.terms.dictionary import Term
from kan_np.discovery.terms.peeling import product
from kan_np.structure.smoothness import roughness_along

#: Products that are tried as quantities, beside pairs; factors of whole powers, of roots, with a function.
_QUANTITIES, _BESIDE, _FACTORS, _WITH_ROOTS, _WITH_FUNCTION = 150, 8, 200, 60, 120
_PAIRS = 10
#: Rows that all are compared on, and pairs (F, u) that are compared on all rows.
_ROWS, _AGAIN = 250, 40
#: Roughness, in parts of the deviation, that may be a function at all: on some rows, and on all.
_ROUGH, _ROUGH_OF_ALL = 0.3, 0.05
#: Bits of a name that count as much as a factor of two in roughness.
_BITS = 2.0
#: Factors of each quantity that are compared on all rows.
_EACH = 3
_FUNCTIONS = ("sin", "cos", "sin^2", "cos^2", "exp", "exp-")
_SCALES = (1.0, 0.5)


@dataclass(frozen=True)
class OneQuantity:
    """y = F g(u).

    Attributes
    ----------
    factor, quantity : sympy.Expr
        F and u in the problem's symbols.
    factors, u : ndarray of shape (n,)
        Their values.
    roughness : float
        What neighbours along u leave of y, in parts of its deviation.
    cost : float
        Bits to name F and u.
    """

    factor: Any
    quantity: Any
    factors: FloatArray
    u: FloatArray
    roughness: float
    cost: float


def one_quantity(problem: Problem, stop: Callable[[], bool], most: int = 3) -> list[OneQuantity]:
    """Pairs of a factor and a quantity along which labels are the smoothest.

    Parameters
    ----------
    problem : Problem
    stop : callable
    most : int
    """
    x, y = problem.x, problem.y
    if len(y) < 3 * _AGAIN or len(problem.varying) < 1:
        return []
    rows = np.unique(np.linspace(0, len(y) - 1, min(len(y), _ROWS)).astype(int))
    with np.errstate(all="ignore"):
        factors = _factors(x)
        before = np.stack([term_values(term, x) for term, _ in factors], axis=1)
        good = np.isfinite(before).all(axis=0) & (np.abs(before).min(axis=0) > 0)
        factors = [own for own, fine in zip(factors, good, strict=True) if fine]
        before = before[:, good]
        before /= np.sqrt(np.mean(np.square(before), axis=0))
        some, ratios = before[rows], y[rows, None] / before[rows]
        prices = np.array([price for _, price in factors])
        found = []
        for number, (quantity, cost) in enumerate(_quantities(x)):
            if stop():
                break
            u = quantity_values(quantity, x[rows])
            if not np.isfinite(u).all() or np.ptp(u) == 0:
                continue
            rough = roughness_along(u, ratios, some)
            ranks = np.where(rough < _ROUGH, _rank(rough, prices + cost), np.inf)
            best = np.argsort(ranks, kind="stable")[:_EACH].tolist()
            found += [(float(ranks[k]), number, k, quantity, cost) for k in best if rough[k] < _ROUGH]
        found.sort(key=lambda own: own[:3])
        again = []
        for _, _, k, quantity, cost in found[:_AGAIN]:
            u = quantity_values(quantity, x)
            level = float(roughness_along(u, y[:, None] / before[:, [k]], before[:, [k]])[0])
            if not level <= _ROUGH_OF_ALL:
                continue
            price = cost + factors[k][1]
            again.append((float(_rank(np.array(level), price)), k, quantity, u, level, price))
        again.sort(key=lambda own: own[:2])
    result = []
    for _, k, quantity, u, level, price in again[:most]:
        term = factors[k][0]
        own = Quantity(term.powers).expression(problem.symbols)
        for factor in term.factors:
            inner = factor.quantity.expression(problem.symbols)
            own = own * _function(factor, inner)
        values = term_values(term, x)
        result.append(
            OneQuantity(own, quantity_expression(quantity, problem.symbols), values, u, level, price)
        )
    return result


def _rank(rough: FloatArray, price: Any) -> FloatArray:
    return np.asarray(np.log2(np.maximum(rough, 1e-6)) + price / _BITS)


def _function(factor: Factor, inner: Any) -> Any:
    import sympy

    name, inverse = factor.function.removesuffix("^-1"), factor.function.endswith("^-1")
    half = inner / 2 if factor.scale == 0.5 else inner
    found = FUNCTIONS[name].expression(half)
    return sympy.Integer(1) / found if inverse else found


def term_values(term: Term, x: FloatArray) -> FloatArray:
    """On samples, functions with "^-1" behind their name being divided by."""
    values = product(x, term.powers)
    for factor in term.factors:
        own = factor._replace(function=factor.function.removesuffix("^-1")).values(x)
        values = values / own if factor.function.endswith("^-1") else values * own
    return np.asarray(values)


def _factors(x: FloatArray) -> list[tuple[Term, float]]:
    """Products of powers, and the cheapest of these times or divided by a function, with their costs."""
    d = x.shape[1]
    allowed = [allowed_powers(column) for column in x.T]
    whole = [[p for p in own if p.denominator == 1] for own in allowed]
    powers = cheapest_powers(whole, _FACTORS, 5)
    some = dict.fromkeys([*powers, *cheapest_powers(allowed, _WITH_ROOTS, 5)])
    found = [(Term(own), Term(own).cost) for own in some]
    with_function = []
    for i in range(d):
        only = tuple(Fraction(int(k == i)) for k in range(d))
        for name in _FUNCTIONS:
            for scale in _SCALES:
                if FUNCTIONS[name].suits(scale * x[:, i]):
                    for suffix in ("", "^-1"):
                        if name.startswith("exp") and suffix:
                            continue
                        factor = Factor(name + suffix, Quantity(only), scale)
                        price = FUNCTIONS[name].cost + 1.0 + (1.0 if scale != 1.0 else 0.0)
                        with_function += [
                            (Term(own, (factor,)), Term(own).cost + price) for own in powers[: 1 + 2 * d]
                        ]
    with_function.sort(key=lambda own: own[1])
    return [*found, *with_function[:_WITH_FUNCTION]]


QuantityBeside = tuple[Powers, tuple[int, int, int] | None]


def _quantities(x: FloatArray) -> list[tuple[QuantityBeside, float]]:
    """Products of powers up to a power, and differences and sums times such, with their costs."""
    d = x.shape[1]
    allowed = [[p for p in allowed_powers(column) if p.denominator == 1 and abs(p) <= 2] for column in x.T]
    products = [p for p in cheapest_powers(allowed, 4 * _QUANTITIES, 5)[1:] if _is_first(p)]
    found: list[tuple[QuantityBeside, float]] = [
        ((p, None), Quantity(p).cost) for p in products[:_QUANTITIES]
    ]
    for i, j in pairs_alike(x, _PAIRS):
        left = [own if k not in (i, j) else [] for k, own in enumerate(allowed)]
        for sign in (-1, 1):
            found += [
                ((p, (i, j, sign)), 2.0 + Quantity(p).cost)
                for p in cheapest_powers(left, _BESIDE if d > 2 else 1, 3)
            ]
    return found


def _is_first(powers: Sequence[Fraction]) -> bool:
    """Whether whole exponents stand for all their multiples: the first positive, without a common divisor."""
    used = [p.numerator for p in powers if p]
    return used[0] > 0 and gcd(*used) == 1


def quantity_values(quantity: QuantityBeside, x: FloatArray) -> FloatArray:
    """On samples."""
    powers, pair = quantity
    values = product(x, powers)
    return values if pair is None else values * Quantity(powers, pair).values(x)


def quantity_expression(quantity: QuantityBeside, symbols: Sequence[Any]) -> Any:
    """In sympy."""
    powers, pair = quantity
    expression = Quantity(powers).expression(symbols)
    return expression if pair is None else expression * Quantity(powers, pair).expression(symbols)

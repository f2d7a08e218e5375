"""The terms that are tried: products of powers of the variables, some times a function."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from kan_np._validate import FloatArray
from kan_np.discovery.terms.atoms import (
    FUNCTIONS,
    Factor,
    Powers,
    Quantity,
    allowed_powers,
    cheapest_powers,
    cost_of,
    pairs_alike,
    raised,
)


class Term(NamedTuple):
    """A product of powers and factors, `with_label` times the label."""

    powers: Powers
    factors: tuple[Factor, ...] = ()
    with_label: bool = False

    @property
    def cost(self) -> float:
        """What naming it costs, roughly in bits."""
        return (
            cost_of(self.powers)
            + sum(factor.cost for factor in self.factors)
            + (1.0 if self.with_label else 0.0)
        )

    def expression(self, symbols: Sequence[Any]) -> Any:
        """In sympy, without the label."""
        import sympy

        return sympy.Mul(
            Quantity(self.powers).expression(symbols), *[f.expression(symbols) for f in self.factors]
        )

    @property
    def n_inner(self) -> int:
        """Numbers inside of its functions."""
        return sum(1 for f in self.factors if not FUNCTIONS[f.function].is_power)


class Theme(NamedTuple):
    """What a dictionary is made of.

    Attributes
    ----------
    name : str
    monomials : int
        Products of powers.
    functions, of_pairs : tuple of str
        Functions of variables and their products, and of differences and sums.
    quantities : int
        Arguments of functions.
    most : int
        Terms; products before functions are as many as that leaves room for.
    pairs : int
        Pairs of variables whose differences and sums are tried.
    scaled : bool
        Whether arguments are also taken in units of their own size.
    two : bool
        Whether products of two functions are tried.
    whole : bool
        Whether exponents are whole numbers only.
    """

    name: str
    monomials: int
    functions: tuple[str, ...] = ()
    of_pairs: tuple[str, ...] = ()
    quantities: int = 0
    most: int = 300
    pairs: int = 6
    scaled: bool = False
    two: bool = False
    whole: bool = False


_WAVES = ("sin", "cos", "sin^2", "cos^2")
_GROWTH = ("exp", "exp-", "log", "tanh", "1/(exp-1)", "1/(exp+1)")
_PAIRS = ("x", "x^2", "1/x", "1/x^2")
#: In the order in which they are tried: dictionaries of which all triples are compared, then larger ones.
SMALL = (
    Theme("powers", 160),
    Theme("pairs", 60, (), _PAIRS, pairs=15),
    Theme("waves", 70, ("sin", "cos"), ("sin", "cos"), 12, 260),
    Theme("growth", 70, ("exp", "exp-", "log", "tanh"), ("exp", "exp-", "log"), 12, 260),
)
QUOTIENTS = (
    Theme("powers", 220, whole=True),
    Theme("waves", 45, ("sin", "cos"), (), 9, 320, whole=True),
    Theme("growth", 45, ("exp", "exp-", "log", "tanh"), (), 9, 260, whole=True),
)
LARGE = (
    Theme("powers", 1000),
    Theme("pairs", 250, (), _PAIRS, 20, 1200, pairs=36),
    Theme("waves", 150, _WAVES, _WAVES, 20, 1000, pairs=15, two=True),
    Theme("growth", 150, _GROWTH, ("exp", "exp-", "log", "1/(exp-1)"), 30, 1200, pairs=15),
)
SCALED = (
    Theme("waves", 60, _WAVES[:2], _WAVES[:2], 8, 1200, scaled=True, two=True),
    Theme("growth", 60, _GROWTH, ("exp", "exp-", "log"), 8, 1200, scaled=True, two=True),
)
_MOST_FACTORS = 5
_LARGEST_WHOLE = 4
#: Scales in units of the largest argument, and the natural ones.
_GRID = {
    "sin": (1.0, 1.7, 2.5, 3.5, 5.0, 6.5, 8.0),
    "cos": (1.0, 1.7, 2.5, 3.5, 5.0, 6.5, 8.0),
    "exp": (0.5, 1.0, 2.0, 4.0),
    "exp-": (0.5, 1.0, 2.0, 4.0),
    "tanh": (1.0, 2.0, 4.0),
}
_NATURAL = (1.0, 2.0, 0.5)
#: Functions in products of two, and how many of these.
_OF_TWO, _MOST_OF_TWO = ("sin", "cos", "exp", "exp-"), 100
#: Terms that cost more are not what people write.
_HIGHEST = 14.0


class Dictionary:
    """Terms and their values.

    Parameters
    ----------
    x : ndarray of shape (n, d)
        Samples of the variables that are left.
    theme : Theme

    Attributes
    ----------
    terms : list of Term
        The cheapest first.
    values : ndarray of shape (n, m)
        Each column of mean square 1; `units` are what they were divided by.
    """

    def __init__(self, x: FloatArray, theme: Theme) -> None:
        self.x, self.theme = x, theme
        self.d = x.shape[1]
        # in units of their own, so that powers are floats in any units
        largest = np.abs(x).max(axis=0, initial=0.0)
        self.own = np.ldexp(1.0, np.frexp(np.where(largest > 0, largest, 1.0))[1])
        self.allowed = [allowed_powers(column) for column in x.T]
        terms, blocks = self._columns()
        values = np.concatenate([b for b in blocks if b.size], axis=1)
        with np.errstate(all="ignore"):
            units = np.sqrt(np.mean(np.square(values), axis=0))
        cost = np.array([term.cost for term in terms])
        good = np.flatnonzero(np.isfinite(units) & (units > 0))
        good = good[np.argsort(cost[good], kind="stable")]
        self.values = np.ascontiguousarray(values[:, good] / units[good])
        self.terms = [terms[k] for k in good]
        self.units = units[good] * np.array([self._unit(term) for term in self.terms])

    def _unit(self, term: Term) -> float:
        """What the value of a term in own units is to be multiplied by."""
        return float(np.prod([u ** float(p) for u, p in zip(self.own, term.powers, strict=True) if p]))

    def _of(self, powers: Sequence[Powers]) -> FloatArray:
        """Products of powers, in own units."""
        values = np.ones((len(self.x), len(powers)))
        for i, column in enumerate((self.x / self.own).T):
            table = {p: raised(column, p) for p in {own[i] for own in powers} if p}
            for k, own in enumerate(powers):
                if own[i]:
                    values[:, k] *= table[own[i]]
        return values

    def _columns(self) -> tuple[list[Term], list[FloatArray]]:
        """Products of powers, those before a function, and products of two functions."""
        theme = self.theme
        allowed = self.allowed
        if theme.whole:
            allowed = [[p for p in own if p.denominator == 1 and abs(p) <= _LARGEST_WHOLE] for own in allowed]
        powers = cheapest_powers(allowed, theme.monomials + 1, _MOST_FACTORS)
        products = self._of(powers)
        # the constant has a place of its own
        terms, blocks = [Term(own) for own in powers[1:]], [products[:, 1:]]
        factors = self._factors()
        if not factors:
            return terms, blocks
        # the cheapest products of a factor and powers, as many as there is room for
        before = np.array([Term(own).cost for own in powers])
        costs = np.array([[factor.cost] for factor, _, _ in factors]) + before
        narrow = np.array([is_narrow for _, _, is_narrow in factors])
        costs[narrow, 1 + self.d :] = np.inf
        for k, (factor, _, _) in enumerate(factors):
            if factor.function == "log" and factor.quantity.is_variable and "log" not in theme.functions:
                costs[k, 1:] = np.inf
        room = min(max(theme.most - len(terms), 1), costs.size)
        highest = float(np.partition(costs.ravel(), room - 1)[room - 1])
        for (factor, values, _), own_costs in zip(factors, costs, strict=True):
            wide = np.flatnonzero(own_costs <= min(highest, _HIGHEST))
            terms += [Term(powers[k], (factor,)) for k in wide]
            blocks.append(values[:, None] * products[:, wide])
        if theme.two:
            self._add_two(factors, powers[: 1 + self.d], products[:, : 1 + self.d], terms, blocks)
        return terms, blocks

    @staticmethod
    def _add_two(
        factors: list[tuple[Factor, FloatArray, bool]],
        powers: Sequence[Powers],
        products: FloatArray,
        terms: list[Term],
        blocks: list[FloatArray],
    ) -> None:
        """Products of two functions, of different quantities, the cheapest first."""
        single = [(f, v) for f, v, _ in factors if f.function in _OF_TWO and f.quantity.pair is None]
        pairs = [
            (f.cost + g.cost, a, b)
            for a, (f, _) in enumerate(single)
            for b, (g, _) in enumerate(single[a + 1 :], a + 1)
            if f.quantity != g.quantity and not (f.function[:3] == g.function[:3] == "exp")
        ]
        for _, a, b in sorted(pairs)[:_MOST_OF_TWO]:
            (f, v), (g, w) = single[a], single[b]
            terms += [Term(own, (f, g)) for own in powers]
            blocks.append((v * w)[:, None] * products)

    def _factors(self) -> list[tuple[Factor, FloatArray, bool]]:
        """Factors with their values, and whether they are tried with few products only."""
        found = []
        for quantity in self._quantities():
            u = quantity.values(self.x)
            if not np.isfinite(u).all() or np.ptp(u) == 0:
                continue
            names = self.theme.functions if quantity.pair is None else self.theme.of_pairs
            if quantity.is_variable and "log" not in names and (u > 0).all():
                names = (*names, "log")
            for name in names:
                if name == "log" and not (quantity.is_variable or quantity.pair is not None):
                    continue  # the logarithms of the variables say the same
                if name in ("x", "x^2") and quantity.pair is not None and quantity.pair[2] > 0:
                    continue  # sums of products
                own = FUNCTIONS[name]
                for scale, narrow in self._scales(name, u):
                    if own.suits(scale * u):
                        factor = Factor(name, quantity, scale)
                        values = factor.values(self.x)
                        if np.isfinite(values).all():
                            found.append((factor, values, narrow))
        return found

    def _scales(self, name: str, u: FloatArray) -> list[tuple[float, bool]]:
        own = FUNCTIONS[name]
        if own.is_power or name == "log":
            return [(1.0, False)]
        natural = [(s, k > 0) for k, s in enumerate(_NATURAL if own.suits(u) else ())]
        if self.theme.whole:
            natural = natural[:1]
        if not self.theme.scaled:
            return natural
        largest = float(np.abs(u).max())
        return natural + [(g / largest, True) for g in _GRID.get(name, ())]

    def _quantities(self) -> list[Quantity]:
        """Variables, differences and sums of pairs, small products."""
        count = self.theme.quantities
        whole = [[p for p in own if p.denominator == 1 and abs(p) <= 2] for own in self.allowed]
        count = count if self.theme.functions else self.d
        products = [Quantity(p) for p in cheapest_powers(whole, 3 * max(count, self.d) + 1, 4)[1:]]
        products = sorted(products, key=lambda q: q.cost_inside)[: max(count, self.d)]
        variables = [q for q in products if q.is_variable]
        others = [q for q in products if not q.is_variable]
        nothing = (Fraction(0),) * self.d
        alike = pairs_alike(self.x, self.theme.pairs) if self.theme.of_pairs else []
        pairs = [Quantity(nothing, (i, j, sign)) for sign in (-1, 1) for i, j in alike]
        return [*variables, *pairs, *others]


def may_multiply_the_label(term: Term) -> bool:
    """Whether the label may be multiplied by a term: squares and inverses of functions add up to 1."""
    own = all(f.function in ("sin", "cos", "exp", "exp-", "tanh", "log") for f in term.factors)
    return own and may_be_above(term)


def may_be_above(term: Term) -> bool:
    """Whether a term is tried in quotients: with whole powers only."""
    return all(p.denominator == 1 for p in term.powers)

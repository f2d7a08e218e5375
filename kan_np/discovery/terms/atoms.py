"""What terms are made of: quantities, which are products of powers or differences, and functions of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from kan_np._validate import FloatArray

#: Costs of exponents: products of the cheapest come first. By judgement: what is frequent in physics.
COSTS: dict[Fraction, float] = {
    Fraction(1): 1.0,
    Fraction(-1): 1.2,
    Fraction(2): 1.5,
    Fraction(-2): 1.8,
    Fraction(1, 2): 1.6,
    Fraction(-1, 2): 1.8,
    Fraction(3): 2.3,
    Fraction(-3): 2.6,
    Fraction(4): 3.0,
    Fraction(-4): 3.2,
    Fraction(3, 2): 3.0,
    Fraction(-3, 2): 3.2,
    Fraction(5): 3.8,
    Fraction(-5): 4.0,
    Fraction(1, 3): 4.0,
    Fraction(2, 3): 4.0,
    Fraction(-1, 3): 4.2,
    Fraction(-2, 3): 4.2,
}
#: Of variables of both signs the inverse needs all values this far from 0, in parts of the median.
_NEAR_ZERO = 1e-3

Powers = tuple[Fraction, ...]


class Quantity(NamedTuple):
    """A product of powers of variables; with a `pair` (i, j, sign) x_i + sign x_j."""

    powers: Powers
    pair: tuple[int, int, int] | None = None

    def values(self, x: FloatArray) -> FloatArray:
        """On samples (n, d)."""
        if self.pair is not None:
            i, j, sign = self.pair
            return np.asarray(x[:, i] + sign * x[:, j])
        found = np.ones(len(x))
        for column, power in zip(x.T, self.powers, strict=True):
            if power:
                found = found * raised(column, power)
        return found

    def expression(self, symbols: Sequence[Any]) -> Any:
        """In sympy."""
        import sympy

        if self.pair is not None:
            i, j, sign = self.pair
            return symbols[i] + sign * symbols[j]
        return sympy.Mul(
            *[
                s ** sympy.Rational(p.numerator, p.denominator)
                for s, p in zip(symbols, self.powers, strict=True)
            ]
        )

    @property
    def is_variable(self) -> bool:
        """Whether it is one variable itself."""
        return (
            self.pair is None
            and sorted(self.powers)[-1:] == [Fraction(1)]
            and sum(map(bool, self.powers)) == 1
        )

    @property
    def cost(self) -> float:
        """What naming it costs, roughly in bits."""
        return 2.0 if self.pair is not None else cost_of(self.powers)

    @property
    def cost_inside(self) -> float:
        """As the argument of a function, which 1/u rarely is."""
        return self.cost + (1.5 if self.pair is None and max(self.powers) <= 0 else 0.0)


class Factor(NamedTuple):
    """function(scale quantity)."""

    function: str
    quantity: Quantity
    scale: float = 1.0

    def values(self, x: FloatArray) -> FloatArray:
        """On samples (n, d); not finite outside of the domain."""
        with np.errstate(all="ignore"):
            return np.asarray(FUNCTIONS[self.function].value(self.scale * self.quantity.values(x)))

    def expression(self, symbols: Sequence[Any]) -> Any:
        """In sympy, its scale a Float that can be fitted, unless the function is a power."""
        import sympy

        own = FUNCTIONS[self.function]
        inner = self.quantity.expression(symbols)
        return own.expression(inner if own.is_power else sympy.Float(self.scale, 17) * inner)

    @property
    def cost(self) -> float:
        """What naming it costs, roughly in bits."""
        own = FUNCTIONS[self.function]
        return own.cost + self.quantity.cost_inside + (0.0 if self.scale == 1.0 else 2.0)


class Function(NamedTuple):
    """Values, expression, and the sizes of arguments for which it is worth a try."""

    value: Callable[[FloatArray], FloatArray]
    expression: Callable[[Any], Any]
    cost: float
    #: Least range and largest size of the argument.
    least: float = 0.0
    most: float = np.inf
    is_power: bool = False

    def suits(self, u: FloatArray) -> bool:
        """Whether it is neither nearly straight nor wild on these arguments."""
        size = float(np.abs(u).max(initial=0.0))
        return self.least <= float(np.ptp(u)) and size <= self.most


def _functions() -> dict[str, Function]:
    def sympy_function(name: str) -> Callable[[Any], Any]:
        def made(u: Any) -> Any:
            import sympy

            return getattr(sympy, name)(u)

        return made

    sin, cos, exp, log, tanh, cosh = map(sympy_function, ("sin", "cos", "exp", "log", "tanh", "cosh"))
    return {
        "sin": Function(np.sin, sin, 2.0, 0.3, 100.0),
        "cos": Function(np.cos, cos, 2.0, 0.3, 100.0),
        "exp": Function(np.exp, exp, 2.0, 0.1, 30.0),
        "exp-": Function(lambda u: np.exp(-u), lambda u: exp(-u), 2.2, 0.1, 30.0),
        "log": Function(np.log, log, 2.0),
        "tanh": Function(np.tanh, tanh, 2.5, 0.2, 30.0),
        "cosh": Function(np.cosh, cosh, 2.5, 0.3, 30.0),
        "sin^2": Function(lambda u: np.sin(u) ** 2, lambda u: sin(u) ** 2, 3.0, 0.3, 100.0),
        "cos^2": Function(lambda u: np.cos(u) ** 2, lambda u: cos(u) ** 2, 3.0, 0.3, 100.0),
        "1/(exp-1)": Function(lambda u: 1 / np.expm1(u), lambda u: 1 / (exp(u) - 1), 4.0, 0.1, 30.0),
        "1/(exp+1)": Function(lambda u: 1 / (np.exp(u) + 1), lambda u: 1 / (exp(u) + 1), 4.0, 0.1, 30.0),
        "x": Function(lambda u: u, lambda u: u, 0.0, is_power=True),
        "x^2": Function(np.square, lambda u: u**2, 0.5, is_power=True),
        "1/x": Function(lambda u: 1 / u, lambda u: 1 / u, 0.5, is_power=True),
        "1/x^2": Function(lambda u: u**-2, lambda u: u**-2, 1.0, is_power=True),
        "sqrt": Function(np.sqrt, lambda u: u ** _half(), 1.5, is_power=True),
    }


def _half() -> Any:
    import sympy

    return sympy.Rational(1, 2)


FUNCTIONS = _functions()


def cost_of(powers: Powers) -> float:
    """Of a product of powers; that of the root of a product counts it once."""
    used = [p for p in powers if p]
    if len(used) > 1 and all(p.denominator == 2 for p in used):
        return 1.2 + 0.5 * sum(COSTS.get(2 * p, 5.0) for p in used)
    return sum(COSTS.get(p, 5.0) for p in used)


def raised(values: FloatArray, power: Fraction) -> FloatArray:
    """values^power, of negative values for whole powers only."""
    with np.errstate(all="ignore"):
        if power.denominator == 1:
            return np.asarray(values ** float(power))
        if power.denominator == 2:
            return np.asarray(np.sqrt(values) ** power.numerator)
        return (
            np.asarray(np.cbrt(values) ** power.numerator)
            if power.denominator == 3
            else values ** float(power)
        )


def allowed_powers(values: FloatArray) -> list[Fraction]:
    """Exponents a variable may have: all if it is positive, whole ones otherwise, no inverses near 0."""
    if values.min() > 0:
        return list(COSTS)
    whole = [p for p in COSTS if p.denominator == 1]
    size = np.abs(values)
    if size.min() <= _NEAR_ZERO * float(np.median(size)):
        return [p for p in whole if p > 0]
    return whole


def cheapest_powers(allowed: Sequence[Sequence[Fraction]], most: int, most_factors: int) -> list[Powers]:
    """The cheapest products of powers, 1 the first of them.

    Parameters
    ----------
    allowed : sequence of sequence of Fraction
        Exponents of each variable beside 0.
    most : int
        Products.
    most_factors : int
        Variables in one product.

    Examples
    --------
    >>> from fractions import Fraction
    >>> one = [Fraction(1), Fraction(-1)]
    >>> [tuple(map(int, powers)) for powers in cheapest_powers([one, one], 5, 2)]
    [(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)]
    """
    d = len(allowed)
    # exponents by their place in the order of costs, 0 for none
    ordered = [[Fraction(0), *sorted(powers, key=COSTS.__getitem__)] for powers in allowed]
    costs = [[0.0, *(COSTS[p] for p in powers[1:])] for powers in ordered]
    waiting: list[tuple[float, int, tuple[int, ...]]] = [(0.0, 0, (0,) * d)]
    found = list[Powers]()
    pushed = 0
    while waiting and len(found) < most:
        cost, _, places = heapq.heappop(waiting)
        found.append(tuple(powers[k] for powers, k in zip(ordered, places, strict=True)))
        last = max((i for i in range(d) if places[i]), default=-1)
        used = sum(1 for k in places if k)
        # each product is reached in one way: by the next exponent of its last variable
        for i in range(max(last, 0), d):
            following = places[i] + 1
            if following < len(ordered[i]) and (i == last or used < most_factors):
                pushed += 1
                new = (*places[:i], following, *places[i + 1 :])
                heapq.heappush(waiting, (cost - costs[i][places[i]] + costs[i][following], pushed, new))
    return found


def pairs_alike(x: FloatArray, most: int) -> list[tuple[int, int]]:
    """Pairs of variables of like ranges, whose differences and sums may mean something, the likest first."""
    size = np.sqrt(np.mean(np.square(x), axis=0))
    found = []
    for i, j in combinations(range(x.shape[1]), 2):
        if size[i] > 0 and size[j] > 0:
            ratio = abs(float(np.log(size[i] / size[j])))
            if ratio <= np.log(10.0):
                found.append((ratio, i, j))
    return [(i, j) for _, i, j in sorted(found)[:most]]

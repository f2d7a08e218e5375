"""Functions of one variable of which small formulas are made: powers, waves, exponentials and the like.

A family is a function with numbers of its own, such as exp(k x), and where the numbers are laid for a first
look. The argument u has been scaled to |u| <= 1. What two families have in common with a shift (a wave's sine
and cosine) is two columns of one family, so that its phase is linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product as grid_of

import numpy as np

from kan_np._validate import FloatArray

Columns = Callable[..., tuple[FloatArray, ...]]


@dataclass(frozen=True, eq=False)
class Family:
    """f(u; p1, p2, ...), or several functions of the same numbers.

    Attributes
    ----------
    texts : tuple of str
        The formula of each column, with {0}, {1}, ... for its numbers.
    columns : callable
        Columns at u and the numbers.
    powers : tuple of float
        f(s u; p) is f(u; p s^power): how each number takes up a scale. 0 for exponents, which take up none.
    complexity : float
        In pykan's units.
    grid : tuple of tuple of float
        Numbers for a first look.
    positive : bool
        Whether u must be above 0.
    shifts : bool
        Whether numbers are in units of the half range of u, not of its size.
    """

    texts: tuple[str, ...]
    columns: Columns
    powers: tuple[float, ...] = ()
    complexity: float = 1.0
    grid: tuple[tuple[float, ...], ...] = ((),)
    positive: bool = False
    shifts: bool = False

    @cached_property
    def needs(self) -> tuple[frozenset[str], ...]:
        """Sets of names of symbols, of each of which a library must have one for this family to be tried."""
        found = [names for part, names in _NEEDS if any(re.search(part, text) for text in self.texts)]
        if self.exponent is not None:
            found.append(frozenset([_NAMES.get(self.exponent, "sqrt" if self.positive else "x^5")]))
        return tuple(found)

    @property
    def exponent(self) -> float | None:
        """p of a power u^p; None for other functions."""
        return _EXPONENT.get(self.texts[0])

    def numbers(self, half: float) -> Iterator[tuple[float, ...]]:
        """Numbers for a first look at an argument with this half range."""
        unit = half if self.shifts else 1.0
        for numbers in self.grid:
            yield tuple(number / unit for number in numbers)


def _geometric(low: float, high: float, count: int) -> tuple[float, ...]:
    return tuple(float(f"{value:.3g}") for value in np.geomspace(low, high, count))


def _both(numbers: tuple[float, ...]) -> tuple[float, ...]:
    return (*(-number for number in numbers[::-1]), *numbers)


def _each(*numbers: tuple[float, ...]) -> tuple[tuple[float, ...], ...]:
    return tuple(grid_of(*numbers))


def _wave(u: FloatArray) -> tuple[FloatArray, ...]:
    return np.sin(u), np.cos(u)


_EXPONENT = {
    **{("x" if n == 1 else f"x**{n}"): float(n) for n in range(1, 9)},
    **{"x**(1/3)": 1 / 3, "sqrt(x)": 0.5, "x**(2/3)": 2 / 3, "x**(3/2)": 1.5, "x**(5/2)": 2.5},
    **{"1/sqrt(x)": -0.5, "1/x": -1.0, "x**(-3/2)": -1.5, "1/x**2": -2.0, "1/x**3": -3.0},
}
#: Parts of formulas, and names of symbols that stand for them in libraries.
_NEEDS = (
    *((rf"\b{name}\(", frozenset([name])) for name in ("exp", "tanh", "log", "sqrt")),
    (r"\b(sin|cos)\(", frozenset(["sin", "cos"])),
    (r"\batan\(", frozenset(["arctan"])),
    (r"(1|x|\})/", frozenset(["1/x"])),
    (r"x\*\*2", frozenset(["x^2"])),
    (r"x\*\*\{", frozenset(["sqrt"])),
)
_NAMES = {
    1.0: "x",
    **{float(n): f"x^{n}" for n in (2, 3, 4, 5)},
    0.5: "sqrt",
    -0.5: "1/sqrt(x)",
    1.5: "x^1.5",
} | {
    -1.0: "1/x",
    -2.0: "1/x^2",
    -3.0: "1/x^3",
}
#: Complexities of pykan's table; beyond it by judgement.
_COMPLEXITY = {
    1.0: 1.0,
    2.0: 2.0,
    3.0: 3.0,
    4.0: 3.0,
    5.0: 3.0,
    6.0: 4.0,
    0.5: 2.0,
    -0.5: 2.0,
    -1.0: 2.0,
    -2.0: 2.0,
}
_RATES = _both(_geometric(0.25, 16.0, 13))
_FREQUENCIES = (*_geometric(0.5, 4.0, 7), *(float(v) for v in np.arange(4.6, 21.0, 0.8).round(1)))
_BENDS = _geometric(0.2, 30.0, 12)
_INSIDE = (-0.97, -0.9, -0.75, -0.5, -0.25, *_geometric(0.25, 20.0, 11))


def _multiplied(u: FloatArray, p: int) -> FloatArray:
    """u^p by multiplications."""
    value = u
    for _ in range(p - 1):
        value = value * u
    return value


def _power(text: str) -> Family:
    p = _EXPONENT[text]
    whole = p > 0 and p == int(p)
    return Family(
        (text,),
        (lambda u: (_multiplied(u, int(p)),)) if whole else (lambda u: (u**p,)),
        complexity=_COMPLEXITY.get(p, 3.0),
        positive=not whole,
    )


def _bent(
    text: str, function: Callable[[FloatArray], FloatArray], complexity: float, odd: bool = False
) -> Family:
    """A function of 1 + k x^2, or x times it."""
    return Family(
        (text,),
        lambda u, k: ((u if odd else 1.0) * function(1.0 + k * u * u),),
        (2.0,),
        complexity,
        _each((*(-0.95, -0.7, -0.3), *_BENDS)),
    )


def _inner(text: str, function: Callable[[FloatArray], FloatArray], complexity: float) -> Family:
    """A function of 1 + k x."""
    return Family((text,), lambda u, k: (function(1.0 + k * u),), (1.0,), complexity, _each(_INSIDE))


POWERS = tuple(_power(text) for text in _EXPONENT if text not in ("x**7", "x**8"))
WAVE = Family(
    ("sin({0}*x)", "cos({0}*x)"), lambda u, k: _wave(k * u), (1.0,), 2.0, _each(_FREQUENCIES), shifts=True
)
EXPONENTIAL = Family(("exp({0}*x)",), lambda u, k: (np.exp(k * u),), (1.0,), 2.0, _each(_RATES), shifts=True)


def _times_x(text: str) -> tuple[str, str]:
    """How a family with a factor x is written."""
    return f"x*{text}", text.replace("1/", "x/", 1) if text.startswith("1/") else f"x*{text}"


#: Families whose columns are combined.
FAMILIES = (
    EXPONENTIAL,
    WAVE,
    Family(("tanh({0}*x)",), lambda u, k: (np.tanh(k * u),), (1.0,), 3.0, _each(_geometric(0.7, 15.0, 6))),
    Family(("atan({0}*x)",), lambda u, k: (np.arctan(k * u),), (1.0,), 4.0, _each(_geometric(0.7, 15.0, 6))),
    Family(
        ("exp({0}*x**2)",),
        lambda u, k: (np.exp(k * u * u),),
        (2.0,),
        3.0,
        _each(_both(_geometric(0.4, 16.0, 6))),
    ),
    _bent("1/(1 + {0}*x**2)", lambda v: 1.0 / v, 4.0),
    _bent("log(1 + {0}*x**2)", np.log, 4.0),
    _bent("sqrt(1 + {0}*x**2)", np.sqrt, 4.0),
    _inner("log(1 + {0}*x)", np.log, 3.0),
    _inner("sqrt(1 + {0}*x)", np.sqrt, 3.0),
    _inner("1/(1 + {0}*x)", lambda v: 1.0 / v, 3.0),
    Family(
        ("sin({0}*x**2)", "cos({0}*x**2)"),
        lambda u, k: _wave(k * u * u),
        (2.0,),
        4.0,
        _each(_geometric(0.5, 25.0, 14)),
    ),
    Family(("log(x)",), lambda u: (np.log(u),), complexity=2.0, positive=True),
    _bent("x/(1 + {0}*x**2)", lambda v: 1.0 / v, 5.0, odd=True),
    Family(("x*exp({0}*x)",), lambda u, k: (u * np.exp(k * u),), (1.0,), 4.0, _each(_RATES), shifts=True),
    Family(
        ("x*exp({0}*x**2)",),
        lambda u, k: (u * np.exp(k * u * u),),
        (2.0,),
        5.0,
        _each(_both(_geometric(0.4, 16.0, 6))),
    ),
    Family(
        ("x*sin({0}*x)", "x*cos({0}*x)"),
        lambda u, k: tuple(u * wave for wave in _wave(k * u)),
        (1.0,),
        4.0,
        _each(_FREQUENCIES[::2]),
        shifts=True,
    ),
    Family(
        ("sin({0}*x**2 + {1}*x)", "cos({0}*x**2 + {1}*x)"),
        lambda u, k, q: _wave(k * u * u + q * u),
        (2.0, 1.0),
        6.0,
        _each(_geometric(0.6, 12.0, 5), _both(_geometric(0.6, 12.0, 4))),
    ),
    Family(("x*log(x)",), lambda u: (u * np.log(u),), complexity=4.0, positive=True),
    Family(("log(x)**2",), lambda u: (np.log(u) ** 2,), complexity=4.0, positive=True),
    Family(
        ("x**{0}",),
        lambda u, p: (u**p,),
        (0.0,),
        3.0,
        _each((-1.7, -0.7, -0.3, 0.4, 0.75, 1.3, 1.75, 2.4, 3.4)),
        positive=True,
    ),
    Family(
        ("exp({0}/x)",),
        lambda u, k: (np.exp(k / u),),
        (-1.0,),
        3.0,
        _each(_both(_geometric(0.1, 3.0, 4))),
        positive=True,
    ),
    Family(
        ("exp({0}*sqrt(x))",),
        lambda u, k: (np.exp(k * np.sqrt(u)),),
        (0.5,),
        3.0,
        _each(_both(_geometric(0.5, 8.0, 4))),
        positive=True,
    ),
    Family(
        ("sin({0}/x)", "cos({0}/x)"),
        lambda u, k: _wave(k / u),
        (-1.0,),
        4.0,
        _each(_geometric(0.2, 6.0, 9)),
        positive=True,
    ),
    Family(
        ("sin({0}*sqrt(x))", "cos({0}*sqrt(x))"),
        lambda u, k: _wave(k * np.sqrt(u)),
        (0.5,),
        4.0,
        _each(_geometric(1.0, 20.0, 9)),
        positive=True,
    ),
)
#: Families that are there with a factor x as well.
WITH_X = frozenset(f for f in FAMILIES if any(g.texts[0] in _times_x(f.texts[0]) for g in FAMILIES))
#: Families that multiply each other: those that are no products already.
MULTIPLIED = frozenset((*POWERS, *FAMILIES[:13]))


@lru_cache(maxsize=4096)
def times(f: Family, i: int, g: Family, j: int) -> Family:
    """The product of column i of one family and column j of another."""
    count = len(f.powers)
    shifted = g.texts[j].format(*(f"{{{k + count}}}" for k in range(len(g.powers))))
    return Family(
        (f"{_bracketed(f.texts[i])}*{_bracketed(shifted)}",),
        lambda u, *p: (f.columns(u, *p[:count])[i] * g.columns(u, *p[count:])[j],),
        (*f.powers, *g.powers),
        f.complexity + g.complexity + 1.0,
        positive=f.positive or g.positive,
    )


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("1/") else text

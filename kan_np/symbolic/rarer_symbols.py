"""Functions of one variable that are tried where no symbol of the library fits, at any scale and shift.

Compositions of two or three elementary functions that textbooks have names or places for: powers with
fractions, x times an exponential, waves of a square, distributions of Bose, Planck and Gompertz, chirps and
resonances. Sums of them, with several scales, are those of `kan_np.symbolic.small_formulas`, which knows no
shift.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from kan_np.functions.builtin import builtin_symbols
from kan_np.functions.library import make_symbol
from kan_np.functions.symbol import Symbol

#: Formula and complexity.
_RARER = (
    ("x**(2/3)", 4),
    ("x**(1/3)", 4),
    ("x**(5/2)", 4),
    ("x**6", 4),
    ("sin(x**2)", 4),
    ("x*sin(x)", 4),
    ("x/(1+x**2)", 5),
    ("x*exp(-x**2)", 5),
    ("x**2*exp(x)", 5),
    ("x**2*exp(-x**2)", 6),
    ("x**2/(1+x**2)**2", 6),
    ("sqrt(x)*exp(x)", 5),
    ("x**2*log(x)", 5),
    ("log(x)/x", 5),
    ("exp(1/x)", 4),
    ("exp(-exp(x))", 5),
    ("exp(sin(x))", 4),
    ("log(1+exp(x))", 5),
    ("1/(exp(x)-1)", 5),
    ("x/(exp(x)-1)", 6),
    ("x**3/(exp(x)-1)", 7),
)


def rarer_symbols(known: Collection[str] = ()) -> tuple[Symbol, ...]:
    """The functions as symbols, without those of known names."""
    return tuple(symbol for symbol in _made() if symbol.name not in known)


@lru_cache(maxsize=1)
def _made() -> tuple[Symbol, ...]:
    return tuple(make_symbol(formula, formula, float(complexity)) for formula, complexity in _RARER)


@lru_cache(maxsize=1)
def default_names() -> frozenset[str]:
    """Names of the built-in symbols: a library without some of them is meant to be small."""
    return frozenset(symbol.name for symbol in builtin_symbols())

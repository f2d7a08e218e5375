"""From samples to symbols: a library of functions, the fit of one of them, their ranking, constants."""

from kan_np.functions.library import (
    SymbolLibrary,
    add_symbolic,
    default_library,
    make_symbol,
    rebuild_symbol,
    remove_symbolic,
)
from kan_np.functions.symbol import Symbol
from kan_np.symbolic.constants import recognise
from kan_np.symbolic.decimals import ex_round
from kan_np.symbolic.fit_symbol import SymbolFit, fit_symbol
from kan_np.symbolic.suggest import suggest_symbolic

__all__ = [
    "Symbol",
    "SymbolFit",
    "SymbolLibrary",
    "add_symbolic",
    "default_library",
    "ex_round",
    "fit_symbol",
    "make_symbol",
    "rebuild_symbol",
    "recognise",
    "remove_symbolic",
    "suggest_symbolic",
]

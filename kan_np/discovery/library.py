"""The functions that discover tries: those of the library, and short compositions of them."""

from __future__ import annotations

from kan_np.functions.library import SymbolLibrary, default_library

#: Name, formula and complexity: functions that two edges in a row make, which one edge may be.
_COMPOSED = (
    ("sinh", "sinh(x)", 4),
    ("cosh", "cosh(x)", 4),
    ("1/cosh", "1/cosh(x)", 4),
    ("sinc", "sin(x)/x", 4),
    ("sinc^2", "sin(x)**2/x**2", 5),
    ("1/(1+x^2)", "1/(1+x**2)", 4),
    ("1/(1-x^2)", "1/(1-x**2)", 4),
    ("sqrt(1+x^2)", "sqrt(1+x**2)", 4),
    ("sqrt(1-x^2)", "sqrt(1-x**2)", 4),
    ("1/sqrt(1+x^2)", "1/sqrt(1+x**2)", 5),
    ("1/sqrt(1-x^2)", "1/sqrt(1-x**2)", 5),
    ("log(1+x^2)", "log(1+x**2)", 4),
    ("x exp(x)", "x*exp(x)", 4),
    ("x log(x)", "x*log(x)", 4),
    ("1/sin", "1/sin(x)", 4),
    ("1/sin^2", "1/sin(x)**2", 5),
)


def wide_library(library: SymbolLibrary | None = None) -> SymbolLibrary:
    """A library with compositions such as 1/cosh(x), sqrt(1 - x^2) and sin(x)/x beside its own symbols.

    Parameters
    ----------
    library : SymbolLibrary, optional
        `default_library()` if None.

    Examples
    --------
    >>> from kan_np.discovery.library import wide_library
    >>> "1/cosh" in wide_library(), "sin" in wide_library()
    (True, True)
    """
    wide = default_library() if library is None else library
    for name, formula, complexity in _COMPOSED:
        if name not in wide:
            wide = wide.add(name, formula, complexity)
    return wide

"""Variables of formulas as sympy symbols; formulas as text and LaTeX in which names are written safely."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from kan_np._validate import listed, repeated
from kan_np.functions import written
from kan_np.functions.names import is_word, latex_names

if TYPE_CHECKING:
    import sympy


def symbol_of(name: str) -> sympy.Symbol:
    """Return the sympy symbol of a variable, a `QuotedSymbol` if its name is no word.

    Examples
    --------
    >>> 3 * symbol_of("L/D") ** 2
    3*'L/D'**2
    """
    import sympy

    if is_word(name):
        return sympy.Symbol(name)
    from kan_np.functions.quoted_symbol import QuotedSymbol

    return QuotedSymbol(name)


def neutral_symbols(count: int) -> list[Any]:
    """Return real symbols that stand for columns while a formula is searched and written, ordered as these.

    Names come at the end, so that no name, such as pi or sin, changes a number.

    Examples
    --------
    >>> neutral_symbols(2)
    [x_001, x_002]
    """
    import sympy

    return [sympy.Symbol(f"x_{i:03d}", real=True) for i in range(1, count + 1)]


def text_of(expression: sympy.Expr) -> str:
    """Return the text of an expression, in which names are quoted where necessary.

    Examples
    --------
    >>> import sympy
    >>> text_of(sympy.Symbol("a-b") / sympy.Symbol("c"))
    "'a-b'/c"
    """
    plain = {s: symbol_of(s.name) for s in expression.free_symbols if not is_word(s.name)}
    return written.text(expression.xreplace(plain))


def latex_of(expression: sympy.Expr, variables: Iterable[Any] = ()) -> str:
    """Return the LaTeX of an expression; `variables` are those that its names must differ from.

    Examples
    --------
    >>> print(latex_of(symbol_of("50 %") * symbol_of("T_max") / symbol_of("pi")))
    \\frac{\\text{'50 \\%'} T_{\\mathrm{max}}}{\\text{'pi'}}
    """

    symbols = set(expression.free_symbols)
    for variable in variables:
        symbols |= variable.free_symbols
    names = latex_names(sorted({symbol.name for symbol in symbols}))
    symbol_names = {symbol: names[symbol.name] for symbol in symbols}
    return written.latex(expression, symbol_names=symbol_names, imaginary_unit="ri")


def checked_variables(var: Sequence[Any], count: int) -> list[Any]:
    """Return names and expressions in `var` as sympy expressions, one for each column.

    Raises
    ------
    TypeError, ValueError
        For a wrong number of entries, entries that are neither text nor sympy expressions, and entries that
        are equal or have the same text.
    """
    import sympy

    if isinstance(var, str) or not hasattr(var, "__len__"):
        raise TypeError(f"var is {var!r}; expected a sequence of {count} names or sympy expressions.")
    if len(var) != count:
        raise ValueError(f"var has {len(var)} names; expected {count}, one for each column of the data.")
    for name in var:
        if not isinstance(name, str | sympy.Expr):
            raise TypeError(f"var has {name!r}; expected text or sympy expressions.")
    found = [symbol_of(str(name)) if isinstance(name, str) else name for name in var]
    twice = repeated([name if isinstance(name, str) else text_of(name) for name in var])
    if not twice:
        twice = repeated(sorted(s.name for s in set().union(*(f.free_symbols for f in found))))
    if twice:
        raise ValueError(
            f"var has {listed(twice)} more than once; expected a different name for every column."
        )
    return found

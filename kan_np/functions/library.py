"""SymbolLibrary: collections of functions that can replace edges, and the default library of this process."""

from __future__ import annotations

import copyreg
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from kan_np import _validate
from kan_np.functions import expression as formulas
from kan_np.functions.builtin import ALIASES, builtin_symbols
from kan_np.functions.parametric_symbol import read_again
from kan_np.functions.probe import probe
from kan_np.functions.symbol import Symbol

if TYPE_CHECKING:
    import sympy


class SymbolLibrary:
    """An immutable collection of symbols; `add` and `remove` return new ones.

    Parameters
    ----------
    symbols : iterable of Symbol, optional
        The built-in symbols if left out.

    Raises
    ------
    ValueError
        For two symbols of one name.

    Examples
    --------
    >>> library = SymbolLibrary().add("J0", "besselj(0, x)")
    >>> library["J0"]
    Symbol('J0', 'besselj(0, x)', complexity=3)
    >>> "J0" in library, "J0" in SymbolLibrary(), library["x^0.5"].name
    (True, False, 'sqrt')
    >>> library["sine"]
    Traceback (most recent call last):
    ...
    ValueError: symbol is 'sine'; expected one of 'x', 'x^2', 'x^3', 'x^4', 'x^5', '1/x', '1/x^2', '1/x^3',
    '1/x^4', '1/x^5', 'sqrt', 'x^1.5', '1/sqrt(x)', 'exp', 'log', 'abs', 'sin', 'cos', 'tan', 'tanh', 'sgn',
    'arcsin', 'arccos', 'arctan', 'arctanh', '0', 'gaussian', 'J0', 'x^0.5', '1/x^0.5'. Did you mean 'sin'?
    """

    def __init__(self, symbols: Iterable[Symbol] | None = None) -> None:
        self._symbols: dict[str, Symbol] = {}
        for symbol in _builtin().values() if symbols is None else symbols:
            if not isinstance(symbol, Symbol):
                raise TypeError(f"symbols has a {type(symbol).__name__}; expected Symbol objects.")
            if symbol.name in self._symbols:
                raise ValueError(f"symbols has the name {symbol.name!r} twice; expected every name once.")
            self._symbols[symbol.name] = symbol

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the symbols, in order; without pykan's second names for sqrt and 1/sqrt(x)."""
        return tuple(self._symbols)

    def add(
        self,
        name: str,
        expression: str | sympy.Expr,
        complexity: float | None = None,
        *,
        replace: bool = False,
    ) -> SymbolLibrary:
        """A library with one more symbol.

        Parameters
        ----------
        name : str
        expression : str or sympy.Expr
            Formula in one variable; see `make_symbol`.
        complexity : float, optional
            In pykan's units, x having 1; 2 + the number of operations and functions if left out.
        replace : bool
            Whether another formula of the same name may be replaced.

        Raises
        ------
        ValueError, TypeError
            For a name that is taken, or an expression that is no real function of one variable.
        """
        symbol = make_symbol(name, expression, complexity)
        known = self._symbols.get(ALIASES.get(name, name))
        if known is not None and known != symbol and not replace:
            raise ValueError(
                f"the name {name!r} is taken by {known.expression}; choose another, or pass replace=True."
            )
        return SymbolLibrary({**self._symbols, symbol.name: symbol}.values())

    def remove(self, names: str | Sequence[str]) -> SymbolLibrary:
        """A library without some symbols.

        Parameters
        ----------
        names : str or sequence of str
        """
        gone = {symbol.name for symbol in self.select([names] if isinstance(names, str) else names)}
        return SymbolLibrary(symbol for symbol in self if symbol.name not in gone)

    def select(self, names: Sequence[str] | None = None) -> tuple[Symbol, ...]:
        """Symbols by name, each once; all if None.

        Parameters
        ----------
        names : sequence of str, optional
        """
        if names is None:
            return tuple(self)
        if isinstance(names, str):
            raise TypeError(
                f"names is {_validate.shown(names)}; expected a list of names such as [{names!r}]."
            )
        if not hasattr(names, "__iter__"):
            raise TypeError(f"names is {_validate.shown(names)}; expected a list of names such as ['sin'].")
        return tuple(dict.fromkeys(self[name] for name in names))

    def __getitem__(self, name: str) -> Symbol:
        aliases = {alias: target for alias, target in ALIASES.items() if target in self._symbols}
        choices = [*self._symbols, *(alias for alias in aliases if alias not in self._symbols)]
        known = _validate.choice("symbol", name, choices)
        return self._symbols[known] if known in self._symbols else self._symbols[aliases[known]]

    def __contains__(self, name: object) -> bool:
        return name in self._symbols or (isinstance(name, str) and ALIASES.get(name) in self._symbols)

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self._symbols.values())

    def __len__(self) -> int:
        return len(self._symbols)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SymbolLibrary) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"SymbolLibrary({', '.join(self.names)})"


def make_symbol(name: str, expression: str | sympy.Expr, complexity: float | None = None) -> Symbol:
    """A symbol from its formula: derivatives by sympy, values by NumPy and SciPy, domain by evaluation.

    Parameters
    ----------
    name : str
    expression : str or sympy.Expr
        Formula in one variable, of any name. Text is parsed, never executed.
    complexity : float, optional
        In pykan's units, x having 1; 2 + the number of operations and functions if left out.

    Raises
    ------
    ValueError, TypeError
        For an empty name, a formula of no or several variables, one that SciPy cannot compute, or one that
        has real values nowhere.

    Examples
    --------
    >>> J0 = make_symbol("J0", "besselj(0, x)")
    >>> J0.value([0.0]), J0.derivative([0.0]), J0.mirror
    (array([1.]), array([-0.]), True)
    >>> make_symbol("entropy", "-p*log(p)").domain
    (0.0, inf)
    """
    if not isinstance(name, str):
        raise TypeError(f"name is {name!r}; expected text.")
    if not name.strip() or name != name.strip():
        raise ValueError(f"name is {name!r}; expected text without blanks at its ends.")
    formula = formulas.parse(expression) if isinstance(expression, str) else _from_sympy(expression)
    if not formula.free_symbols:
        raise ValueError(
            f"{expression!s} has no variable; expected a formula of one, such as 'besselj(0, x)'."
        )
    bits = 2.0 + float(formula.count_ops()) if complexity is None else complexity
    return _made(name, str(formula), _validate.real("complexity", bits, 0.0))


def rebuild_symbol(
    name: str,
    expression: str,
    complexity: float,
    inside: float | None = None,
    count: int | None = None,
) -> Symbol:
    """The symbol with a given `Symbol.identity`, which files and pickles contain.

    Parameters
    ----------
    name, expression : str
    complexity : float
    inside, count : float, int, optional
        Of a `ParametricSymbol`.

    Raises
    ------
    ValueError
        As `make_symbol`; for `inside` and `count` that are no finite number and no integer above 0, or those
        of a symbol that is no `ParametricSymbol`.
    """
    if (inside is None) != (count is None):
        raise ValueError(f"inside is {inside!r} and count {count!r}; expected both or neither.")
    if inside is not None and count is not None:
        own = read_again(
            name,
            expression,
            complexity,
            _validate.real("inside", inside),
            _validate.integer("count", count, 1),
        )
        if own is None:
            raise ValueError(f"{name} and {expression} are no template with its numbers; expected such.")
        return own
    known = _builtin().get(name)
    if known is not None and known.identity == (name, expression, complexity):
        return known
    return read_again(name, expression, complexity) or make_symbol(name, expression, complexity)


#: Symbols are pickled by their identity, since their functions cannot be pickled.
copyreg.pickle(Symbol, lambda symbol: (rebuild_symbol, symbol.identity))

_lock = threading.Lock()
_library: SymbolLibrary | None = None


def default_library() -> SymbolLibrary:
    """The library of this process: the built-in symbols and what `add_symbolic` has added.

    Functions use it if no library is passed to them. Every process has its own; models carry their symbols to
    other processes and to files.

    Examples
    --------
    >>> len(default_library()) >= 27
    True
    """
    return SymbolLibrary() if _library is None else _library


def checked_library(library: SymbolLibrary | None) -> SymbolLibrary:
    """Return a library that a user handed over, or that of this process for None."""
    if library is None:
        return default_library()
    if not isinstance(library, SymbolLibrary):
        raise TypeError(
            f"library is {_validate.shown(library)}; expected a SymbolLibrary, or None. Choose some of its "
            "names with lib=[...]."
        )
    return library


def add_symbolic(
    name: str,
    expression: str | sympy.Expr,
    complexity: float | None = None,
    *,
    replace: bool = False,
) -> Symbol:
    """Add a function to the library of this process, as pykan's ``add_symbolic``, from a formula alone.

    For a library of limited scope use ``SymbolLibrary.add``, which changes nothing.

    Parameters
    ----------
    name : str
    expression : str or sympy.Expr
        Formula in one variable; see `make_symbol`.
    complexity : float, optional
        In pykan's units, x having 1; 2 + the number of operations and functions if left out.
    replace : bool
        Whether another formula of the same name may be replaced. Adding the same one again changes nothing.

    Returns
    -------
    Symbol

    Raises
    ------
    ValueError, TypeError
        For a name that is taken, or an expression that is no real function of one variable.

    Examples
    --------
    >>> add_symbolic("J0", "besselj(0, x)")
    Symbol('J0', 'besselj(0, x)', complexity=3)
    >>> remove_symbolic("J0")
    """
    global _library
    with _lock:
        _library = default_library().add(name, expression, complexity, replace=replace)
        return _library[name]


def remove_symbolic(name: str) -> None:
    """Take a function out of the library of this process.

    Parameters
    ----------
    name : str

    Raises
    ------
    ValueError
        For an unknown name.

    Examples
    --------
    >>> symbol = add_symbolic("cube root", "cbrt(x)")
    >>> remove_symbolic("cube root")
    >>> "cube root" in default_library()
    False
    """
    global _library
    with _lock:
        _library = default_library().remove(name)


@lru_cache(maxsize=1)
def _builtin() -> dict[str, Symbol]:
    return {symbol.name: symbol for symbol in builtin_symbols()}


@lru_cache(maxsize=256)
def _made(name: str, text: str, complexity: float) -> Symbol:
    formula = formulas.parse(text)
    x = formulas.variable()
    slope = formula.diff(x)
    try:
        value, derivative, second = (formulas.numeric(f) for f in (formula, slope, slope.diff(x)))
        for function in (value, derivative, second):
            function(_validate.vector("x", [0.5, 1.5]))
    except Exception as error:  # sympy's generated code may raise anything
        raise ValueError(f"{text} cannot be computed by NumPy and SciPy ({error}).") from error
    traits = probe(formula, value, derivative)
    return Symbol(
        name,
        text,
        value,
        derivative,
        second,
        complexity,
        domain=traits.domain,
        poles=traits.poles,
        period=traits.period,
        mirror=traits.mirror,
        scale_free=traits.scale_free,
        shift_free=traits.shift_free,
        reach=traits.reach,
        probed=True,
    )


def _from_sympy(expression: object) -> sympy.Expr:
    """The formula of a sympy expression; raises if its text cannot be read again, since files keep text."""
    import sympy

    if not isinstance(expression, sympy.Expr):
        raise TypeError(
            f"expression is a {type(expression).__name__}; expected text such as 'besselj(0, x)', "
            "or a sympy Expr."
        )
    formula = formulas.in_one_variable(expression, str(expression))
    if formulas.parse(str(formula)) != formula:
        raise ValueError(f"{expression} cannot be written as text and read again; pass a text that can.")
    return formula

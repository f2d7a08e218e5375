"""How variables are written in formulas, so that no name is read as something else.

A formula computes with symbols that no name can shadow; a name appears only where it is written, and there it
has one form in all of text, LaTeX and MathML:

    a word, as Python's names are            as it is: x_1, mass, theta
    L/D, a-b, 50 %, x__2, lambda, ...        in quotes, as Python writes text: 'L/D', '50 %'
    a function or constant of sympy, and e   in quotes too: 'sin', 'pi', 'E'; Greek letters are none of these

Quotes are those of ``repr``: they end where the name ends, and control characters are written as \\n, \\x1b.
So the text of a formula is read back as Python's syntax, with a string wherever a name is no word. In LaTeX
Greek letters and indices are typeset where that leaves all names of the formula different, and everything
that LaTeX would read as a command is escaped.
"""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from html.entities import name2codepoint
from typing import TYPE_CHECKING, Any

from kan_np.data.columns import listed, repeated
from kan_np.functions.expression import function_names

if TYPE_CHECKING:
    import sympy

#: Names that mean a number in a formula, for sympy or for a reader (sympy writes exp(x) as e^x).
_NUMBERS = "pi π E e I oo zoo nan inf EulerGamma GoldenRatio Catalan TribonacciConstant"
_CONSTANTS = frozenset(_NUMBERS.split())
#: Greek letters that LaTeX knows.
_ALPHABET = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi
    psi omega Gamma Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega
"""
_GREEK = frozenset(_ALPHABET.split())
_LETTERS = {chr(name2codepoint[name]): name for name in _GREEK}
#: A letter or word with indices behind it: x, x1, x_1_2, T_max.
_INDEXED = re.compile(r"([A-Za-z]+?)_?(\d+(?:_\d+)*|(?<=_)[A-Za-z]+)?")
#: What LaTeX, and matplotlib's part of it, take for a command; both print what stands here instead.
_ESCAPED = {
    **{char: f"\\{char}" for char in "%&#$_{}"},
    "\\": r"}\backslash\text{",
    "^": "\u02c6",
    "~": "\u02dc",
}


def is_word(name: str) -> bool:
    """Whether a name is written as it is: a word that means nothing but the variable.

    Examples
    --------
    >>> [name for name in ("x_1", "mass", "beta", "L/D", "x__2", "lambda", "pi", "e", "sin") if is_word(name)]
    ['x_1', 'mass', 'beta']
    """
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and "__" not in name
        and name.strip("_") == name
        and unicodedata.normalize("NFKC", name) == name  # Python would take it for another one
        and name not in _CONSTANTS
        and (name not in function_names() or name in _GREEK)
    )


def quoted(name: str) -> str:
    """Return a name as the text of a formula has it.

    Examples
    --------
    >>> quoted("x_1"), quoted("L/D"), quoted("pi")
    ('x_1', "'L/D'", "'pi'")
    """
    return name if is_word(name) else repr(name)


def symbol_of(name: str) -> sympy.Symbol:
    """Return the symbol of a variable; where the name is no word, one that every printer writes in quotes.

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


def text_of(expression: sympy.Expr) -> str:
    """Return the text of an expression, names of all its symbols in their form.

    Examples
    --------
    >>> import sympy
    >>> text_of(sympy.Symbol("a-b") / sympy.Symbol("c"))
    "'a-b'/c"
    """
    plain = {s: symbol_of(s.name) for s in expression.free_symbols if not is_word(s.name)}
    return str(expression.xreplace(plain))


def latex_of(expression: sympy.Expr, variables: Iterable[Any] = ()) -> str:
    """Return the LaTeX of an expression; `variables` are those that its names must differ from.

    Examples
    --------
    >>> print(latex_of(symbol_of("50 %") * symbol_of("T_max") / symbol_of("pi")))
    \\frac{\\text{'50 \\%'} T_{\\mathrm{max}}}{\\text{'pi'}}
    """
    import sympy

    symbols = set(expression.free_symbols)
    for variable in variables:
        symbols |= variable.free_symbols
    names = latex_names(sorted({symbol.name for symbol in symbols}))
    written = {symbol: names[symbol.name] for symbol in symbols}
    return str(sympy.latex(expression, symbol_names=written, imaginary_unit="ri"))


def latex_names(names: Sequence[str]) -> Mapping[str, str]:
    """Return the LaTeX of different names, no two alike, nor alike but for spaces.

    Examples
    --------
    >>> latex_names(["x1", "theta_2"])
    {'x1': 'x_{1}', 'theta_2': '\\\\theta_{2}'}
    >>> latex_names(["x1", "x_1"])
    {'x1': "\\\\text{'x1'}", 'x_1': "\\\\text{'x\\\\_1'}"}
    """
    found = {name: latex_name(name) for name in names}
    shared = set(repeated(list(found.values())))
    found = {name: _in_quotes(name) if latex in shared else latex for name, latex in found.items()}
    shared = set(repeated(list(found.values())))  # of ^ and ~, and what they are printed as
    return {
        name: f"{latex}_{{({number})}}" if latex in shared else latex
        for number, (name, latex) in enumerate(found.items(), start=1)
    }


@lru_cache(maxsize=1024)
def latex_name(name: str) -> str:
    """Return the LaTeX of one name.

    Examples
    --------
    >>> print(latex_name("E_n"), latex_name("x_1_2"), latex_name("mass"), latex_name("L/D"), latex_name("e"))
    E_{n} x_{1,2} \\mathrm{mass} \\text{'L/D'} \\text{'e'}
    """
    if not is_word(name) and name not in _GREEK:
        return _in_quotes(name)
    match = _INDEXED.fullmatch(_LETTERS.get(name, name))
    if match is None:
        return rf"\text{{{_escaped(name)}}}"
    head, index = match[1], match[2]
    letter = rf"\{head}" if head in _GREEK else head if len(head) == 1 else _upright(head)
    if index is None:
        return letter
    word = len(index) > 1 and index.isalpha()
    return f"{letter}_{{{_upright(index) if word else index.replace('_', ',')}}}"


def checked_variables(var: Sequence[Any], count: int) -> list[Any]:
    """Return what `var` names as sympy expressions, one a column.

    Raises
    ------
    TypeError, ValueError
        For a wrong number, what is neither text nor a sympy expression, and for two that are equal or are
        written alike.
    """
    import sympy

    if isinstance(var, str) or not hasattr(var, "__len__"):
        raise TypeError(f"var is {var!r}; expected a sequence of {count} names or sympy expressions.")
    if len(var) != count:
        raise ValueError(f"var has {len(var)} names; expected {count}, one a column of the data.")
    for name in var:
        if not isinstance(name, str | sympy.Expr):
            raise TypeError(f"var has {name!r}; expected text or sympy expressions.")
    found = [symbol_of(str(name)) if isinstance(name, str) else name for name in var]
    twice = repeated([name if isinstance(name, str) else text_of(name) for name in var])
    if not twice:
        twice = repeated(sorted(s.name for s in set().union(*(f.free_symbols for f in found))))
    if twice:
        raise ValueError(
            f"var has {listed(twice)} more than once; expected a name of its own for every column."
        )
    return found


def arguments_for(
    variables: Sequence[sympy.Symbol], expression: sympy.Expr
) -> tuple[list[sympy.Symbol], sympy.Expr]:
    """Return symbols that no function or constant is called like, and the expression in them.

    They are ordered as the variables are, so that sums keep their order.
    """
    import sympy
    from sympy import default_sort_key

    order = sorted(range(len(variables)), key=lambda i: default_sort_key(variables[i]))
    arguments: list[Any] = [None] * len(variables)
    for rank, i in enumerate(order):
        arguments[i] = sympy.Symbol(f"argument_{rank:06d}", **variables[i].assumptions0)
    return arguments, expression.xreplace(dict(zip(variables, arguments, strict=True)))


def _upright(word: str) -> str:
    return rf"\mathrm{{{word}}}"


def _in_quotes(name: str) -> str:
    text = rf"\text{{{_escaped(repr(name))}}}".replace(r"\text{}", "")
    return f"{{{text}}}" if r"\backslash" in text else text  # so that a power is one of the whole


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(char, char) for char in text)

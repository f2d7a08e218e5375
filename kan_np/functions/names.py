"""Names of variables in formulas, written so that none is mistaken for a function or a constant.

Formulas are computed with symbols that no name can shadow; names appear only in output, where each has one
form in text, LaTeX and MathML:

    a word, as Python's names are            as it is: x_1, mass, theta, and with _ behind: yield_, pi_
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
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html.entities import name2codepoint
from typing import TYPE_CHECKING

from kan_np._validate import repeated
from kan_np.functions.expression import function_names

if TYPE_CHECKING:
    pass

#: Names that are numbers in a formula, for sympy or for a reader (sympy writes exp(x) as e^x).
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
    """Whether a name is written without quotes: a word that has no meaning but the variable.

    Examples
    --------
    >>> [name for name in ("x_1", "mass", "beta", "L/D", "x__2", "lambda", "pi", "e", "sin") if is_word(name)]
    ['x_1', 'mass', 'beta']
    """
    base = name.removesuffix("_")
    if base != name and _means_something(base):
        return True  # yield_ and pi_ are words, as yield and pi would be without their meaning
    return (
        name.isidentifier()
        and not keyword.iskeyword(name)
        and "__" not in name
        and name.strip("_") == name
        and unicodedata.normalize("NFKC", name) == name  # Python would take it for another one
        and name not in _CONSTANTS
        and (name not in function_names() or name in _GREEK)
    )


def _means_something(name: str) -> bool:
    """Whether a name is a word of Python, a constant or a function."""
    known = keyword.iskeyword(name) or name in _CONSTANTS or name in function_names()
    return known and name.isascii() and name.isidentifier() and "__" not in name


def quoted(name: str) -> str:
    """Return a name as it is written in the text of a formula, in quotes if necessary.

    Examples
    --------
    >>> quoted("x_1"), quoted("L/D"), quoted("pi")
    ('x_1', "'L/D'", "'pi'")
    """
    return name if is_word(name) else repr(name)


def latex_names(names: Sequence[str]) -> Mapping[str, str]:
    """Return the LaTeX of different names, such that no two differ in spaces only.

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
    if match is None or name.endswith("_"):
        return rf"\text{{{_escaped(name)}}}"
    head, index = match[1], match[2]
    letter = rf"\{head}" if head in _GREEK else head if len(head) == 1 else _upright(head)
    if index is None:
        return letter
    word = len(index) > 1 and index.isalpha()
    return f"{letter}_{{{_upright(index) if word else index.replace('_', ',')}}}"


def _upright(word: str) -> str:
    return rf"\mathrm{{{word}}}"


def _in_quotes(name: str) -> str:
    text = rf"\text{{{_escaped(repr(name))}}}".replace(r"\text{}", "")
    return f"{{{text}}}" if r"\backslash" in text else text  # so that a power is one of the whole


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(char, char) for char in text)

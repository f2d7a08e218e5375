"""Escapes text from files so that terminals, spreadsheets and LaTeX do not execute it.

Titles, names of columns, formulas and reasons of failures come from tables, specifications and stores, which
may come from anywhere.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

#: Control sequences of terminals: ESC [ ... letter, ESC ] ... BEL or ESC \\, ESC and a character.
_ORDERS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|\x9b[0-?]*[@-~]?"
)
#: Unicode categories of what has no glyph: controls, marks of direction and the like, halves of characters.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

#: First characters with which a spreadsheet evaluates a cell, with their full-width forms.
_COMPUTED = tuple("=+-@\t\r\n＝＋－＠")

#: Commands that sympy writes for formulas, and those that it uses for names of variables.
_COMMANDS = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa varkappa lambda mu nu
xi pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda
Xi Pi Sigma Upsilon Phi Psi Omega digamma aleph beth daleth gimel hbar hslash ell wp eth frac sqrt
left right begin end operatorname mathrm mathbf mathit mathtt mathbb mathcal mathsf mathfrak text
textrm cdot times div pm mp circ ast star bullet wedge vee neg in leq geq le ge lt gt neq ne equiv
sim approx infty partial nabla int oint iint iiint sum prod lim to rightarrow Rightarrow log ln exp
sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan min max sup inf arg deg det gcd Re
Im lfloor rfloor lceil rceil langle rangle lvert rvert lVert rVert vert Vert mid quad qquad hat
check breve acute grave tilde bar vec dot ddot dddot ddddot overline underline widehat widetilde
boldsymbol bmod mod binom prime dagger ddagger ldots cdots vdots ddots limits displaystyle bigl bigr
big Big phantom backslash textbackslash
"""
_KNOWN = frozenset(_COMMANDS.split())
_ENVIRONMENTS = frozenset({"cases", "matrix", "smallmatrix", "bmatrix", "pmatrix", "array"})
_COMMAND = re.compile(r"\\(begin|end)\{([^{}]*)\}|\\([A-Za-z@]+)|\\(.)|\^\^+|[%$#]", re.DOTALL)
_SYMBOLS = frozenset("\\{}%$#&_ ,;:!|><")


def printable(text: str) -> str:
    """Return a text without what steers a terminal; line breaks stay, tabs become blanks.

    Examples
    --------
    >>> printable("red: \\x1b[31malarm\\x1b[0m\\a")
    'red: alarm'
    """
    if text.isascii() and text.isprintable():
        return text
    kept = _ORDERS.sub("", text).replace("\t", " ")
    return "".join(char for char in kept if char == "\n" or unicodedata.category(char) not in _UNSEEN)


def one_line(text: object) -> str:
    """Return what is to stand within a line: as `printable`, line breaks as blanks.

    Examples
    --------
    >>> one_line("two\\nlines")
    'two lines'
    """
    return printable(re.sub(r"\s*[\r\n\x0b\x0c\x85\u2028\u2029]\s*", " ", str(text)))


def cell(value: Any) -> Any:
    """Return a value as a cell for spreadsheets: a text that would be computed gets a quote in front.

    Numbers stay numbers, also those that are text.

    Examples
    --------
    >>> cell("=1+1"), cell("-0.5"), cell(-0.5), cell("-x + 1")
    ("'=1+1", '-0.5', -0.5, "'-x + 1")
    """
    if not isinstance(value, str) or not value.startswith(_COMPUTED):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value if value.isascii() and value.strip() == value else f"'{value}"


def latex_formula(text: str) -> str:
    r"""Return the LaTeX of a formula with those commands alone that formulas have; others become text.

    Examples
    --------
    >>> latex_formula(r"\frac{x}{\input{/etc/passwd}}")
    '\\frac{x}{\\backslash{}input{/etc/passwd}}'
    """
    return _COMMAND.sub(_known, text)


def _known(match: re.Match[str]) -> str:
    whole, environment, word, symbol = match[0], match[2], match[3], match[4]
    if environment is not None:
        return whole if environment in _ENVIRONMENTS else f"\\backslash{{}}{match[1]}\\{{{environment}\\}}"
    if word is not None:
        return whole if word in _KNOWN else f"\\backslash{{}}{word}"
    if symbol is not None:
        return whole if symbol in _SYMBOLS else f"\\backslash{{}}{symbol}"
    if whole.startswith("^"):
        return "\\wedge{}" * len(whole)  # two of them stand for any character
    return f"\\{whole}"

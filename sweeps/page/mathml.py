"""Formulas on a page: MathML, which browsers typeset without scripts, from the text of sympy.

The text is read as Python, which it is: neither sympy nor a network is needed to show what a store holds.
Variables whose names are no words, or mean something else in a formula, are strings in it: in quotes.
"""

from __future__ import annotations

import ast
import html
import re
from collections import Counter
from collections.abc import Mapping
from html.entities import name2codepoint

#: Longer formulas are shown as text, since browsers do not break lines in MathML.
_LONGEST = 90
_DIGITS = 5
#: Precedence of operations: a part with a lower precedence than its context requires gets brackets.
_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_GREEK = {name: chr(code) for name, code in name2codepoint.items() if 0x391 <= code <= 0x3C9}
_FUNCTIONS = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}
#: A product of names has a thin space, so that it is not read as one name.
_TIMES, _DOT = '<mo lspace="0.12em" rspace="0">&#x2062;</mo>', "<mo>·</mo>"
_NAME = re.compile(r"([A-Za-z]+)_?((?:\d|_)*)")
_FLOAT = re.compile(r"\d+\.\d+(?:e[+-]?\d+)?")
#: A name in quotes, or else a decimal number.
_NAME_OR_FLOAT = re.compile(rf"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|{_FLOAT.pattern}""")
_BESSEL = {"besselj": "J", "bessely": "Y", "besseli": "I", "besselk": "K"}


class _Unwritable(Exception):  # noqa: N818 - an answer, not a mistake: the text is shown instead
    """The formula has a part that is not written here."""


def formula_html(text: str) -> str:
    """Return a formula as an element of a page: MathML, or its text where that is long or not understood.

    Numbers are rounded to five digits.

    Examples
    --------
    >>> formula_html("x_1**2")
    '<math displaystyle="true"><msup><msub><mi>x</mi><mn>1</mn></msub><mn>2</mn></msup></math>'
    """
    short = short_text(text)
    if len(short) <= _LONGEST:
        try:
            tree = ast.parse(text, mode="eval")
            if isinstance(tree.body, ast.Constant) and isinstance(tree.body.value, str):
                raise _Unwritable  # a name alone is text
            return f'<math displaystyle="true">{_Writer(_names(tree)).write(tree.body)[0]}</math>'
        except (SyntaxError, ValueError, RecursionError, _Unwritable):
            pass
    return f'<code class="formula-text">{html.escape(short)}</code>'


def short_text(text: str) -> str:
    """Return a formula with its decimal numbers rounded, but for those in names.

    Examples
    --------
    >>> short_text("0.30000000000000004*x")
    '0.3*x'
    """

    def shortened(match: re.Match[str]) -> str:
        return match[0] if match[0][0] in "'\"" else f"{float(match[0]):.{_DIGITS}g}"

    return _NAME_OR_FLOAT.sub(shortened, text)


class _Writer:
    """Writes the parts of one formula; `names` are its words as MathML."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def write(self, node: ast.expr) -> tuple[str, int]:
        """Return the MathML of a part and how strongly it holds together."""
        match node:
            case ast.Constant(value=bool()):
                raise _Unwritable
            case ast.Constant(value=int() | float() as value):
                return _number(value)
            case ast.Constant(value=str(name)):
                return _quoted(name), _ATOM
            case ast.Name(id=name):
                return self.names[name], _ATOM
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"<mrow><mo>−</mo>{self._held(operand, _PRODUCT)}</mrow>", _SUM
            case ast.BinOp(op=ast.Add() | ast.Sub() as op, left=left, right=right):
                sign = "+" if isinstance(op, ast.Add) else "−"
                terms = self._held(left, _SUM), self._held(right, _PRODUCT)
                return f"<mrow>{terms[0]}<mo>{sign}</mo>{terms[1]}</mrow>", _SUM
            case ast.BinOp(op=ast.Mult(), left=left, right=right):
                return self._product(left, right)
            case ast.BinOp(op=ast.Div(), left=left, right=right):
                return f"<mfrac>{self.write(left)[0]}{self.write(right)[0]}</mfrac>", _PRODUCT
            case ast.BinOp(op=ast.Pow(), left=left, right=right):
                return f"<msup>{self._held(left, _ATOM)}{self._exponent(right)}</msup>", _POWER
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if args:
                return self._call(name, args)
        raise _Unwritable

    def _held(self, node: ast.expr, least: int) -> str:
        """Return the MathML of a part, in brackets if it holds together less than `least`."""
        markup, holds = self.write(node)
        return markup if holds >= least else f"<mrow><mo>(</mo>{markup}<mo>)</mo></mrow>"

    def _product(self, left: ast.expr, right: ast.expr) -> tuple[str, int]:
        """Return a product; a minus before its first factor stands before the whole."""
        minus = _begins_with_minus(left)
        first = self.write(left)[0] if minus else self._held(left, _PRODUCT)
        second = self._held(right, _PRODUCT)
        # Digits that follow each other would be read as one number.
        number_follows = re.match(r"(?:<[^>]*>)*\d", second)
        times = _DOT if number_follows else _TIMES
        return f"<mrow>{first}{times}{second}</mrow>", _SUM if minus else _PRODUCT

    def _exponent(self, node: ast.expr) -> str:
        """Return an exponent: a fraction of numbers on one line, for it would be too small to be read."""
        match node:
            case ast.BinOp(op=ast.Div(), left=ast.Constant(), right=ast.Constant()):
                return f"<mrow>{self.write(node.left)[0]}<mo>/</mo>{self.write(node.right)[0]}</mrow>"
        return self.write(node)[0]

    def _call(self, name: str, args: list[ast.expr]) -> tuple[str, int]:
        inner = [self.write(argument)[0] for argument in args]
        if len(inner) == 1 and name == "sqrt":
            return f"<msqrt>{inner[0]}</msqrt>", _ATOM
        if len(inner) == 1 and name == "exp" and "<mfrac>" not in inner[0]:
            return f"<msup><mi>e</mi>{inner[0]}</msup>", _POWER
        if len(inner) == 1 and name == "Abs":
            return f"<mrow><mo>|</mo>{inner[0]}<mo>|</mo></mrow>", _ATOM
        if len(inner) == 2 and name in _BESSEL:
            head, inner = f"<msub><mi>{_BESSEL[name]}</mi>{inner[0]}</msub>", inner[1:]
        else:
            head = _name(name) if _is_spline(name) else f"<mi>{html.escape(_FUNCTIONS.get(name, name))}</mi>"
        return f"<mrow>{head}<mo>(</mo>{'<mo>,</mo>'.join(inner)}<mo>)</mo></mrow>", _ATOM


def _names(tree: ast.AST) -> dict[str, str]:
    """Return the MathML of every word of a formula, no two alike."""
    words = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    markup = {word: _name(word) for word in words}
    shared = Counter(markup.values())
    alone = {word: text for word, text in markup.items() if shared[text] == 1}
    return {word: f"<mi>{html.escape(word)}</mi>" for word in words} | alone


def _quoted(name: str) -> str:
    """Return a name that is no word: Greek letters as such, others in quotes, control characters visible."""
    return f"<mi>{_GREEK[name]}</mi>" if name == "lambda" else f"<mtext>{html.escape(repr(name))}</mtext>"


def _begins_with_minus(node: ast.expr) -> bool:
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        node = node.left
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _number(value: int | float) -> tuple[str, int]:
    mantissa, _, exponent = (str(value) if isinstance(value, int) else f"{value:.{_DIGITS}g}").partition("e")
    if not exponent:
        return f"<mn>{mantissa}</mn>", _ATOM
    power = f"<msup><mn>10</mn><mn>{str(int(exponent)).replace('-', '−')}</mn></msup>"
    return f"<mrow><mn>{mantissa}</mn><mo>·</mo>{power}</mrow>", _PRODUCT


def _name(name: str) -> str:
    """Return a variable or constant: Greek letters as such, numbers at its end as its index."""
    found = _NAME.fullmatch(name)
    if found is None or name.endswith("_"):  # pi_ is a name and no pi
        return f"<mi>{html.escape(name)}</mi>"
    letters, index = found[1], found[2].strip("_").replace("_", ",")
    letter = f"<mi>{_GREEK.get(letters, letters)}</mi>"
    return f"<msub>{letter}<mn>{index}</mn></msub>" if index else letter


def _is_spline(name: str) -> bool:
    """Say whether a function stands for an edge of a network, as phi_0_1_0 and f1 do."""
    return name.startswith("phi_") or re.fullmatch(r"[fgh]\d+", name) is not None

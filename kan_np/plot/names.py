"""Names of variables in figures: checked, measured, and fitted side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from kan_np._validate import shown
from kan_np.plot._style import FONT_SIZE, INK, POINT

if TYPE_CHECKING:
    from kan_np.edges.symbol import SymbolicEdge

_SMALLEST = 7.0  # points
_SMALLEST_UPRIGHT = 9.0
_LONGEST = 2.5  # inches of a name that is turned upright
_MATH = "cm"  # font of formulas
_APART = 0.1  # inches between names
_DIGITS = 4  # digits of the constants of a formula
_ROOM = 1.08  # text gets this many times the width that it measures


@dataclass(frozen=True)
class NameRow:
    """Names side by side, with the size and direction in which they fit.

    Attributes
    ----------
    names : list of str
        As they are written.
    size : float
        Of the letters, in points.
    upright : bool
        Whether they are turned by 90 degrees.
    height : float
        In inches.
    """

    names: list[str]
    size: float
    upright: bool
    height: float

    def write(self, axes: Axes, places: Sequence[float], y: float, side: str) -> None:
        """Write the names at x = `places`, "below" or "above" y."""
        for place, name in zip(places, self.names, strict=True):
            axes.text(
                place,
                y,
                name,
                size=self.size,
                color=INK,
                rotation=90 if self.upright else 0,
                ha="center",
                va="top" if side == "below" else "bottom",
                math_fontfamily=_MATH,
                linespacing=1.1,
            )


def names_of(what: str, given: Sequence[Any] | None, letter: str, n: int) -> list[str]:
    """Return n names as text: the given ones, SymPy expressions as formulas, or x_1, x_2, ...

    A text with dollar signs that is no valid formula, such as the name of a column, is drawn literally.

    Raises
    ------
    TypeError, ValueError
        For a number of names that is not n, and for entries that are neither text nor SymPy expressions.
    """
    if given is None:
        return [f"${letter}$"] if letter == "y" and n == 1 else [f"${letter}_{{{i + 1}}}$" for i in range(n)]
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        raise TypeError(f"{what} is {shown(given)}; expected a list of {n} names.")
    entries = list(given)
    if len(entries) != n:
        raise ValueError(f"{what} has {len(entries)} names, {entries}; expected {n}, one for each variable.")
    return [_name(f"{what}[{i}]", entry) for i, entry in enumerate(entries)]


def title_of(what: str, title: Any) -> str:
    """Return a title as text that can be drawn.

    Raises
    ------
    TypeError, ValueError
        For anything but text or a SymPy expression, and for formulas that cannot be read.
    """
    if not isinstance(title, str):
        return _name(what, title)
    reason = _unreadable(visible(title))
    if reason is not None:
        raise ValueError(
            f"{what} is {title!r}, a formula that cannot be read ({reason}); expected text with balanced "
            r"formulas such as '$x_1$'. Write a plain dollar sign as '\$'."
        )
    return visible(title)


def width_of(text: str, size: float) -> float:
    """Width of text in inches, that of its widest line."""
    return max((_unit_width(line) for line in text.split("\n")), default=0.0) * size * POINT * _ROOM


def fit_row(names: list[str], pitch: float) -> NameRow:
    """Fit names at a distance of `pitch` inches: in smaller letters, else upright, else shortened."""
    size = FONT_SIZE
    while size >= _SMALLEST:
        if max(width_of(name, size) for name in names) <= pitch - _APART:
            return NameRow(names, size, False, _lines(names) * 1.25 * size * POINT)
        size -= 0.5
    size = min(FONT_SIZE, 0.8 * pitch / (_lines(names) * POINT))
    longest = max(width_of(name, size) for name in names)
    size = max(size * min(1.0, _LONGEST / longest), min(_SMALLEST_UPRIGHT, size))
    shown = [_shortened(name, size) for name in names]
    return NameRow(shown, size, True, max(width_of(name, size) for name in shown))


def fit_title(title: str, room: float) -> NameRow:
    """Fit a title into `room` inches: on several lines if it has several words, else in smaller letters."""
    size = FONT_SIZE + 2.0
    if "$" not in title:
        letters = max(int(len(title) * room / max(width_of(title, size), 1e-9)), 8)
        title = "\n".join(line for part in title.split("\n") for line in textwrap.wrap(part, letters) or [""])
    size *= min(1.0, room / max(width_of(title, size), 1e-9))
    return NameRow([title], size, False, _lines([title]) * 1.25 * size * POINT)


def fit_caption(captions: list[str], room: float, largest: float) -> float:
    """Font size in points at which the widest caption fits into `room` inches, at most `largest`."""
    widest = max(width_of(caption, 1.0) for caption in captions)
    return min(largest, room / max(widest, 1e-9))


def raised(text: str) -> str:
    """Return the name of a function with its powers raised: x^2 becomes x².

    Examples
    --------
    >>> raised("1/x^4")
    '1/x⁴'
    """
    head, *powers = text.split("^")
    digits = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    if "$" in text or not all(power[:1].isdigit() for power in powers):
        return text
    cut = [len(p) - len(p.lstrip("0123456789")) for p in powers]
    return head + "".join(p[:n].translate(digits) + p[n:] for p, n in zip(powers, cut, strict=True))


def formula_of(edge: SymbolicEdge) -> str:
    """Return c f(a x + b) + d as text with constants of four digits; the name of f if that cannot be drawn.

    Examples
    --------
    >>> from kan_np.symbolic import default_library
    >>> from kan_np.edges.symbol import SymbolicEdge
    >>> formula_of(SymbolicEdge(default_library()["sin"], a=2.00001, c=-1.0))
    '$- \\\\sin{\\\\left(2 x \\\\right)}$'
    """
    from sympy import Float, Integer, Symbol, latex

    def rounded(number: float) -> Any:
        whole = round(number)
        near = abs(number - whole) < 0.5 * 10.0**-_DIGITS * max(abs(number), 1.0)
        return Integer(whole) if near else Float(f"{number:.{_DIGITS}g}", _DIGITS)

    if not np.isfinite(edge.constants).all():
        return raised(edge.name)
    a, b, c, d = map(rounded, edge.constants)
    text = f"${latex(c * edge.symbol.sympy(a * Symbol('x') + b) + d)}$"
    try:
        width_of(text, FONT_SIZE)
    except ValueError:  # LaTeX that matplotlib cannot draw
        return raised(edge.name)
    return text


def _name(what: str, entry: Any) -> str:
    """A name as text for matplotlib: a formula if it is one, else the literal text."""
    if hasattr(entry, "free_symbols"):  # a SymPy expression
        from kan_np.functions.names import is_word
        from kan_np.functions.variables import latex_of, text_of

        literal = getattr(entry, "name", None) or text_of(entry)
        entry = f"${latex_of(entry)}$" if is_word(literal) or not hasattr(entry, "name") else plain(literal)
    elif isinstance(entry, str):
        literal = entry
    else:
        raise TypeError(f"{what} is {shown(entry)}; expected text or a SymPy expression.")
    return visible(entry) if _unreadable(visible(entry)) is None else plain(literal)


def plain(text: str) -> str:
    """Return text that is drawn literally, dollar signs included; see `visible`."""
    return visible(text).replace("$", r"\$")


def visible(text: str) -> str:
    """Return text with control characters other than line breaks written as Python escapes.

    Examples
    --------
    >>> visible("a\\tb")
    'a\\\\tb'
    """
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def _unreadable(text: str) -> str | None:
    """The reason why a text cannot be drawn; None if it can."""
    try:
        width_of(text, FONT_SIZE)
    except ValueError as error:
        return str(error).strip().splitlines()[-1]
    return None


@lru_cache(maxsize=1024)
def _unit_width(line: str) -> float:
    if not line.strip():
        return 0.0
    font = FontProperties(size=100.0, math_fontfamily=_MATH)
    return float(TextPath((0.0, 0.0), line, size=100.0, prop=font).get_extents().width) / 100.0


def _lines(names: list[str]) -> int:
    return max(name.count("\n") + 1 for name in names)


def _shortened(name: str, size: float) -> str:
    """Cut the middle out of a name that is too long; formulas are not changed."""
    if "$" in name or "\n" in name or width_of(name, size) <= _LONGEST:
        return name
    kept = int(len(name) * _LONGEST / width_of(name, size)) - 1
    return f"{name[: kept - kept // 3]}…{name[-(kept // 3) :]}"

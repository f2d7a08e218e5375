"""Numbers written as text: decimal points and commas, thousands separators, typographic signs."""

from __future__ import annotations

import re

POINT, COMMA = ".", ","
#: Characters that are read as a minus before a number: the typographic minus, the hyphens and dashes that
#: word processors use instead, and the full-width one.
_MINUS = dict.fromkeys(
    map(ord, "\N{MINUS SIGN}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{FIGURE DASH}\N{EN DASH}"), "-"
)
_MINUS |= dict.fromkeys(map(ord, "\N{SMALL HYPHEN-MINUS}\N{FULLWIDTH HYPHEN-MINUS}"), "-")
# Fortran writes D for e, always with a decimal point or a sign of the exponent: 3D is not a number.
_FORTRAN = re.compile(r"([+-]?(?:\d+[.,]\d*|[.,]\d+))[dD]([+-]?\d{1,3})|([+-]?\d+)[dD]([+-]\d{1,3})")
_WITH_COMMA = re.compile(r"[+-]?(?:\d+,\d*|,\d+)(?:[eE][+-]?\d+)?")
_GROUPED = re.compile(
    "[+-]?[1-9][0-9]{0,2}(?:([., '\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"
    "\N{RIGHT SINGLE QUOTATION MARK}])[0-9]{3}(?:\\1[0-9]{3})*)(?:(?!\\1)[.,][0-9]*)?"
)
_COMMA_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def number(cell: str) -> float | None:
    """Return the number in a cell, which may be infinite or NaN; None for anything else.

    Unlike `float` this refuses 1_000 and digits of other scripts, and accepts the typographic minus and
    Fortran's D in place of e in an exponent.

    Examples
    --------
    >>> number("1.5e3"), number("\N{MINUS SIGN}1.5"), number("1.5D+03"), number("3D")
    (1500.0, -1.5, 1500.0, None)
    """
    try:
        return float(cell) if "_" not in cell and cell.isascii() else _number(_usual(cell))
    except ValueError:
        return _number(_usual(cell))


def _number(text: str) -> float | None:
    if "_" in text or not text.isascii():
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _usual(cell: str) -> str:
    """Return a cell with an ASCII minus, e in the exponent and ordinary spaces."""
    text = cell.strip()
    if not text.isascii():
        text = text.translate(_MINUS)
    fortran = _FORTRAN.fullmatch(text)
    if fortran is None:
        return text
    digits, exponent, whole, power = fortran.groups()
    return f"{digits or whole}e{exponent or power}"


def comma_number(cell: str) -> float | None:
    """Return the number in a cell that writes it with a decimal comma, None for anything else.

    Examples
    --------
    >>> comma_number("-1,5e3"), comma_number("1.5"), comma_number("1,234,567")
    (-1500.0, None, None)
    """
    text = _usual(cell)
    if not text.isascii() or not _WITH_COMMA.fullmatch(text):
        return None
    return number(text.replace(COMMA, POINT))


def may_be_grouped(cell: str) -> bool:
    """Whether the comma of a number could also be a thousands separator.

    Examples
    --------
    >>> [may_be_grouped(cell) for cell in ("1,234", "1,23", "0,234")]
    [True, False, False]
    """
    return _COMMA_GROUPED.fullmatch(_usual(cell)) is not None


def is_grouped(text: str) -> bool:
    """Whether a text is a number with thousands separators.

    Examples
    --------
    >>> [is_grouped(text) for text in ("1.234,5", "1 234 567", "12'000.5", "1.5", "1234,5")]
    [True, True, True, False, False]
    """
    return _GROUPED.fullmatch(text) is not None

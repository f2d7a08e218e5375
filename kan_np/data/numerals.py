"""How the cells of a table write numbers: with a decimal point or comma, with thousands separated or not."""

from __future__ import annotations

import re

POINT, COMMA = ".", ","
#: Signs that stand for a minus and for nothing else where a number follows: the minus of typesetting, the
#: hyphens and dashes that word processors put in its place, and the full-width one.
_MINUS = dict.fromkeys(
    map(ord, "\N{MINUS SIGN}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{FIGURE DASH}\N{EN DASH}"), "-"
)
_MINUS |= dict.fromkeys(map(ord, "\N{SMALL HYPHEN-MINUS}\N{FULLWIDTH HYPHEN-MINUS}"), "-")
# Fortran writes D for e, and always a point or the sign of the exponent: 3D is no number.
_FORTRAN = re.compile(r"([+-]?(?:\d+[.,]\d*|[.,]\d+))[dD]([+-]?\d{1,3})|([+-]?\d+)[dD]([+-]\d{1,3})")
_WITH_COMMA = re.compile(r"[+-]?(?:\d+,\d*|,\d+)(?:[eE][+-]?\d+)?")
_GROUPED = re.compile(
    "[+-]?[1-9][0-9]{0,2}(?:([., '\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"
    "\N{RIGHT SINGLE QUOTATION MARK}])[0-9]{3}(?:\\1[0-9]{3})*)(?:(?!\\1)[.,][0-9]*)?"
)
_COMMA_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def number(cell: str) -> float | None:
    """Return the number in a cell, infinities and NaN too; None for anything else.

    `float` takes 1_000 and digits of other scripts for numbers, a scientist does not. What can only be one
    number is read as that: the minus of typesetting, and D for e in an exponent, as Fortran writes it.

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
    """Return a cell as most programs write it, with an ASCII minus, e in the exponent and no odd spaces."""
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
    """Say whether the comma of a number may as well separate thousands.

    Examples
    --------
    >>> [may_be_grouped(cell) for cell in ("1,234", "1,23", "0,234")]
    [True, False, False]
    """
    return _COMMA_GROUPED.fullmatch(_usual(cell)) is not None


def is_grouped(text: str) -> bool:
    """Say whether a text is a number with its thousands separated.

    Examples
    --------
    >>> [is_grouped(text) for text in ("1.234,5", "1 234 567", "12'000.5", "1.5", "1234,5")]
    [True, True, True, False, False]
    """
    return _GROUPED.fullmatch(text) is not None

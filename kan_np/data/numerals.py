"""How the cells of a table write numbers: with a decimal point or comma, with thousands separated or not."""

from __future__ import annotations

import re

POINT, COMMA = ".", ","
_WITH_COMMA = re.compile(r"[+-]?(?:\d+,\d*|,\d+)(?:[eE][+-]?\d+)?")
_GROUPED = re.compile(
    "[+-]?[1-9][0-9]{0,2}(?:([., '\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"
    "\N{RIGHT SINGLE QUOTATION MARK}])[0-9]{3}(?:\\1[0-9]{3})*)(?:(?!\\1)[.,][0-9]*)?"
)
_COMMA_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def number(cell: str) -> float | None:
    """Return the number in a cell, infinities and NaN too; None for anything else.

    `float` takes 1_000 and digits of other scripts for numbers, a scientist does not.
    """
    if "_" in cell or not cell.isascii():
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def comma_number(cell: str) -> float | None:
    """Return the number in a cell that writes it with a decimal comma, None for anything else.

    Examples
    --------
    >>> comma_number("-1,5e3"), comma_number("1.5"), comma_number("1,234,567")
    (-1500.0, None, None)
    """
    text = cell.strip()
    if not cell.isascii() or not _WITH_COMMA.fullmatch(text):
        return None
    return number(text.replace(COMMA, POINT))


def may_be_grouped(cell: str) -> bool:
    """Say whether the comma of a number may as well separate thousands.

    Examples
    --------
    >>> [may_be_grouped(cell) for cell in ("1,234", "1,23", "0,234")]
    [True, False, False]
    """
    return _COMMA_GROUPED.fullmatch(cell.strip()) is not None


def is_grouped(text: str) -> bool:
    """Say whether a text is a number with its thousands separated.

    Examples
    --------
    >>> [is_grouped(text) for text in ("1.234,5", "1 234 567", "12'000.5", "1.5", "1234,5")]
    [True, True, True, False, False]
    """
    return _GROUPED.fullmatch(text) is not None

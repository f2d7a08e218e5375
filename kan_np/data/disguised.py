"""Recognises cells that are numbers or dates with other characters: 12 mm, 5 %, 2024-03-01.

Such columns must not become classes: columns of 0 and 1 for every value would hide from a model that 12 mm
lies between 11 mm and 13 mm. They are told from codes, such as 3a or p12, by the characters beside the
number.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from kan_np._units import UNITS
from kan_np.data.numerals import number

_CORE = (
    r"[+-]?(?:[1-9]\d{0,2}(?:(?P<group>[., '\u00a0\u202f\u2009\u2019])\d{3})(?:(?P=group)\d{3})*(?:[.,]\d*)?"
    r"|\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?"
)
_CURRENCIES = r"[A-Z]{0,2}[$\u20a0-\u20cf\u00a3\u00a5]|USD|EUR|GBP|CHF|JPY|CNY|INR|Rs\.?|kr\.?"
# Before the number only signs, currencies and words for "about" are allowed: with a letter it is a code, p12.
_BEFORE = (
    r"[+-]?(?P<before>(?:[~<>=*'\"`(\u2248\u2264\u2265\u00b1\u2019\u2018\u201c]|ca\.?|approx\.?|about"
    rf"|{_CURRENCIES})+\s*)?"
)
# The text after the number must not begin with a digit or with a sign that continues a code: 10.0.0.5, 18-25,
# 1/2.
_AFTER = r"(?P<after>\s*(?:[^\W\d_]|[^\w\s.,:;/\\|#\-]).{0,23})?"
_NUMBER = re.compile(rf"{_BEFORE}(?P<core>{_CORE}){_AFTER}")
_RANGE = re.compile(r"\D*\d+(?:[.,]\d+)?\s*[-\u2013]\s*\d+(?:[.,]\d+)?\D*")  # 18-64, one bin of several
_BIN_ENDS = frozenset("<>+\u2264\u2265")
_UNCERTAINTY = re.compile(r"(?:\u00b1|\+/?-|\+ ?- |\(\d+\)$)")

_LEAST_VALUES = 3  # different numbers with an unknown ending; fewer may be names, such as 2wd and 4wd

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DAY, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:[12]\d{3})"
_MONTH_NUMBER = r"(?:0?[1-9]|1[0-2])"
_CLOCK = r"(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-6]\d(?:[.,]\d*)?)?(?: ?[ap]\.?m\.?)?"
_DATES = "|".join(
    (
        rf"{_YEAR}(?P<a>[-/.])(?:{_MONTH_NUMBER}(?P=a){_DAY})",
        rf"{_YEAR}[-/]{_MONTH_NUMBER}",
        rf"{_DAY}(?P<b>[-/.]){_MONTH_NUMBER}(?P=b)(?:{_YEAR}|\d\d)",
        rf"{_MONTH_NUMBER}(?P<c>[-/.]){_DAY}(?P=c)(?:{_YEAR}|\d\d)",
        rf"{_MONTH_NUMBER}/{_YEAR}",
        rf"{_DAY}[ .-]*{_MONTH}[ ,-]*(?:{_YEAR}|\d\d)",
        rf"{_MONTH} {_DAY},? {_YEAR}",
        rf"{_MONTH}[ '-]?(?:{_YEAR}|\d\d)",
        rf"{_YEAR}[ -]?[qw]\d{{1,2}}",
        rf"q[1-4][ /-]{_YEAR}",
    )
)
_DATE = re.compile(
    rf"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? )?"
    rf"(?:(?:{_DATES})(?:[t ]{_CLOCK} ?(?:z|utc|[+-]\d\d:?\d\d)?)?|{_CLOCK})",
    re.IGNORECASE,
)


class Disguise(NamedTuple):
    """A text of a column, and a description of it: "a number with 'mm'"."""

    text: str
    what: str

    def cure(self) -> str:
        """The part of an error message that says how to change cells like this one."""
        if self.what == "a date or time":
            return "Write a number instead, such as the days since some date"
        return "Write the numbers alone, with their common unit in the name of the column"


def disguise(text: str) -> Disguise | None:
    """Return the description of a text if it is a date or a number with other characters, else None.

    Examples
    --------
    >>> for text in ("12 mm", "2024-03-01", "p12"):
    ...     print(disguise(text))
    Disguise(text='12 mm', what="a number with 'mm'")
    Disguise(text='2024-03-01', what='a date or time')
    None
    """
    if is_date(text):
        return Disguise(text, "a date or time")
    sign = _hidden(text)
    if sign is not None:
        return Disguise(text, f"a number with {sign}")
    beside = _beside(text)
    if beside is None:
        return None
    return Disguise(text, f"a number with {' and '.join(map(repr, filter(None, beside)))}")


def disguised(texts: Iterable[str]) -> Disguise | None:
    """Return an example text if a column holds numbers or dates rather than classes, else None.

    It does if at least half of its different texts are dates and times of day; or numbers with a known unit,
    a percent or currency sign, an uncertainty and the like; or three or more numbers with the same other
    ending.

    Examples
    --------
    >>> disguised(["1 mm", "2 mm", "3 cm"])
    Disguise(text='1 mm', what="a number with 'mm'")
    >>> disguised(["3a", "3b", "4a"]), disguised(["2wd", "4wd"])
    (None, None)
    """
    different = list(dict.fromkeys(texts))
    surely = {text for text in different if is_date(text) or _hidden(text) is not None}
    found = [text for text in different if text in surely]
    beside = {text: _beside(text) for text in different if text not in surely}
    ends = Counter(pair for pair in beside.values() if pair is not None)
    if any(map(_RANGE.fullmatch, beside)):  # <18, 18-64, 65+ are bins, which have no numbers in between
        ends = Counter({pair: n for pair, n in ends.items() if not _BIN_ENDS & set("".join(pair))})
    known = {pair for pair in ends if _is_known(pair)}
    others = [pair for pair in ends if pair not in known]
    # An ending that all texts have in common is a unit; several different endings are parts of codes.
    if len(others) == 1 and ends[others[0]] >= _LEAST_VALUES:
        known.add(others[0])
    found += [text for text, pair in beside.items() if pair in known]
    if not found or 2 * len(found) < len(different):
        return None
    place = {text: i for i, text in enumerate(different)}
    return disguise(min(found, key=place.__getitem__))


def is_date(text: str) -> bool:
    """Say whether a text is a date, a time of day, or both.

    Examples
    --------
    >>> [is_date(text) for text in ("2024-03-01T12:00", "1.3.2024", "3 Mar 2024", "192.168.1", "18-25")]
    [True, True, True, False, False]
    """
    return _DATE.fullmatch(text.strip()) is not None


def _is_known(pair: tuple[str, str]) -> bool:
    before, after = pair
    return bool(before) or after in UNITS or after == "\u00b1" or not after[:1].isalpha()


def _beside(text: str) -> tuple[str, str] | None:
    """Return what stands before and after the number in a text, None if there is no number or only one."""
    found = _NUMBER.fullmatch(text.strip().translate({0x2212: "-"}))
    if found is None:
        return None
    before, after = ((found[name] or "").strip() for name in ("before", "after"))
    if _UNCERTAINTY.match(after):
        after = "\u00b1"
    return (before, after) if before or after else None


def _hidden(text: str) -> str | None:
    """Describe the character that keeps a text from being read as a number; None for other texts."""
    invisible = [sign for sign in text if unicodedata.category(sign) == "Cf"]
    if invisible and number("".join(sign for sign in text if sign not in invisible)) is not None:
        return f"an invisible sign (U+{ord(invisible[0]):04X})"
    if not text.isascii() and number(_ascii_digits(text)) is not None:
        return "digits of another script"
    if "_" in text and number(text.replace("_", "")) is not None:
        return "'_'"
    return None


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in text)


def n_numbers(labels: Collection[str]) -> int:
    """Return the number of classes of a column that are numbers."""
    return sum(number(label) is not None for label in labels)

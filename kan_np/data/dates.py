"""Dates as numbers of days since 1970-01-01, and which number of 3/4/2024 is the month."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np._validate import FloatArray, shown

#: Orders of the parts of a date. The first is that of ISO 8601, in which every date is written unambiguously.
YEAR_FIRST, DAY_FIRST, MONTH_FIRST = "year-month-day", "day-month-year", "month-day-year"
ORDERS = (YEAR_FIRST, DAY_FIRST, MONTH_FIRST)
ZERO = "1970-01-01"
_ZERO = datetime(1970, 1, 1)
_DAY = timedelta(days=1)
_CLOCK = (
    r"(?:[T ]\s*(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d(?:[.,]\d*)?))?\s*(?P<half>[ap]\.?m\.?)?"
    r"\s*(?P<zone>z|utc|[+-]\d\d:?\d\d)?)?"
)
_YEAR_FIRST = re.compile(
    rf"(?P<year>[12]\d{{3}})(?P<sign>[-/.])(?P<month>\d{{1,2}})(?:(?P=sign)(?P<day>\d{{1,2}}))?{_CLOCK}",
    re.IGNORECASE,
)
_YEAR_LAST = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<sign>[-/.])(?P<second_part>\d{{1,2}})(?P=sign)(?P<year>[12]\d{{3}}){_CLOCK}",
    re.IGNORECASE,
)


class AmbiguousDatesError(ValueError):
    """Every date of a column could be read with the day first and with the month first."""


def order_of(texts: Iterable[str]) -> str:
    """Return in which order the dates of a column are written.

    With the year first, or with points, there is no doubt. Otherwise a number above 12 is a day.

    Raises
    ------
    AmbiguousDatesError
        If no number says which is the day.

    Examples
    --------
    >>> order_of(["2024-03-01"]), order_of(["1.3.2024"]), order_of(["3/4/2024", "3/14/2024"])
    ('year-month-day', 'day-month-year', 'month-day-year')
    """
    order, unclear = YEAR_FIRST, ""
    for text in texts:
        found = _YEAR_LAST.fullmatch(text.strip())
        if found is None:
            continue
        if found["sign"] == "." or int(found["first"]) > 12:
            return DAY_FIRST
        if int(found["second_part"]) > 12:
            return MONTH_FIRST
        unclear = unclear or text
        order = DAY_FIRST
    if unclear:
        raise AmbiguousDatesError(
            f"{unclear!r} may have the day or the month first, as all dates of the column"
        )
    return order


def days_of_text(text: str, order: str = YEAR_FIRST) -> float | None:
    """Return the days from 1970-01-01 to a date, with a fraction for the time of day; None for other texts.

    Dates with the year first are read in any case, others in the given order. A time zone is taken into
    account where there is one.

    Examples
    --------
    >>> days_of_text("1970-01-02T12:00"), days_of_text("3.1.1970", DAY_FIRST), days_of_text("THF")
    (1.5, 2.0, None)
    """
    text = text.strip()
    found = _YEAR_FIRST.fullmatch(text)
    if found is not None:
        year, month, day = int(found["year"]), int(found["month"]), int(found["day"] or 1)
    else:
        found = _YEAR_LAST.fullmatch(text)
        if found is None or (order == YEAR_FIRST and found["sign"] != "."):
            return None
        day, month = int(found["first"]), int(found["second_part"])
        year = int(found["year"])
        if order == MONTH_FIRST and found["sign"] != ".":
            day, month = month, day
    try:
        return _days(year, month, day, found)
    except ValueError:  # 31.2.2024, 25:00
        return None


def _days(year: int, month: int, day: int, found: re.Match[str]) -> float:
    hour, second = int(found["hour"] or 0), float((found["second"] or "0").replace(",", "."))
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("no such hour")
        hour = hour % 12 + (12 if found["half"].lower().startswith("p") else 0)
    minute = int(found["minute"] or 0)
    if second >= 61.0:
        raise ValueError("no such second")
    moment = datetime(year, month, day, hour, minute) + timedelta(seconds=second)
    zone = found["zone"] or ""
    if zone[:1] in ("+", "-"):
        away = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment = moment - away if zone[0] == "+" else moment + away
    return (moment - _ZERO) / _DAY


def days_of(values: ArrayLike, order: str | None = None) -> FloatArray:
    """Return dates as numbers: the days since 1970-01-01, with a fraction for the time of day.

    Parameters
    ----------
    values : array_like of shape (n,)
        NumPy's datetime64, dates of Python or pandas, or texts: 2024-03-01, 1.3.2024, and 3/14/2024 if a
        number above 12 says which is the day. Numbers are taken for days and stay as they are.
    order : {"year-month-day", "day-month-year", "month-day-year"}, optional
        How texts are written. Default: found in the texts.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        For a value that is no date, a missing one, and dates that can be read in two ways.

    Examples
    --------
    >>> days_of(["2024-03-01", "2024-03-02 12:00"]) - days_of(["2024-01-01"])
    array([60. , 61.5])
    >>> days_of(np.array(["1970-01-11"], dtype="datetime64[s]"))
    array([10.])
    """
    array = np.asarray(values)
    if array.dtype.kind == "M":
        moments = array.astype("datetime64[us]")
        if np.isnat(moments).any():
            raise ValueError("values has a missing date, NaT; expected dates only. Leave such rows out.")
        return np.asarray((moments - np.datetime64(ZERO, "us")) / np.timedelta64(1, "D"), dtype=np.float64)
    cells = np.asarray(values, dtype=object).ravel()
    if order is None:
        order = order_of([cell for cell in cells if isinstance(cell, str)])
    found = np.array([_days_of_cell(cell, order) for cell in cells], dtype=np.float64)
    wrong = np.flatnonzero(~np.isfinite(found))
    if wrong.size:
        raise ValueError(
            f"values has {shown(cells[wrong[0]])} in row {wrong[0]}; expected a date such as 2024-03-01"
            + ("." if order == YEAR_FIRST else f", or one written as {order}.")
        )
    return found


def _days_of_cell(cell: Any, order: str) -> float:
    if isinstance(cell, str):
        days = days_of_text(cell, order)
        return np.nan if days is None else days
    if isinstance(cell, np.datetime64):
        return float((cell.astype("datetime64[us]") - np.datetime64(ZERO, "us")) / np.timedelta64(1, "D"))
    if hasattr(cell, "isoformat"):
        moment = cell if isinstance(cell, datetime) else None
        if moment is not None and moment.tzinfo is not None:
            cell = moment.astimezone(UTC).replace(tzinfo=None)
        days = days_of_text(cell.isoformat())
        return np.nan if days is None else days
    try:
        return float(cell)
    except (TypeError, ValueError):
        return np.nan


def are_dates(texts: Collection[str]) -> bool:
    """Whether at least half of the texts are dates that can be read as days, in some order."""
    n = sum(
        any(days_of_text(text, order) is not None for order in (DAY_FIRST, MONTH_FIRST)) for text in texts
    )
    return 0 < len(texts) <= 2 * n

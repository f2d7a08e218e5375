"""Formats of numbers, durations and counts on pages and in tables."""

from __future__ import annotations

import math

from sweeps.analysis.results import Interval, Point
from sweeps.families.widths import layer_text
from sweeps.page.style import label


def width_text(point: Point) -> str:
    """Return a model's shape, as in "[2, 5, 1]"; see `sweeps.families.widths.layer_text`."""
    return f"[{', '.join(map(layer_text, point.width))}]"


def number(value: float) -> str:
    """Return an error with three digits, as in "4.87" or "1.23e-5"; "–" where there is none.

    Examples
    --------
    >>> number(0.0000123), number(0.5), number(1234.0)
    ('1.23e-5', '0.500', '1234')
    """
    if math.isnan(value):
        return "–"
    if value == 0:
        return "0"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    if -2 < int(exponent) < 4 and value > 0:
        return f"{value:.{max(2 - int(exponent), 0)}f}"
    return f"{mantissa}e{int(exponent)}"


def share_of(value: float, spread: float) -> str:
    """Return an error as a share of the spread of the target, "" where that is not known.

    Examples
    --------
    >>> share_of(3.7, 23.6), share_of(1e-4, 2.0), share_of(1.0, math.nan)
    ('16 %', '0.005 %', '')
    """
    if not (math.isfinite(value) and spread > 0):
        return ""
    percent = 100 * value / spread
    return (
        f"{percent:.0f} %"
        if percent >= 9.5
        else f"{percent:.2g} %"
        if percent >= 1e-3
        else f"{number(percent)} %"
    )


def count(n: int) -> str:
    """Return a whole number with thin spaces between thousands."""
    return f"{n:,}".replace(",", "\u2009")


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it.

    Examples
    --------
    >>> duration(95)
    '1 min 35 s'
    """
    if math.isnan(seconds):
        return "–"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def interval_text(interval: Interval, digits: int = 2) -> str:
    """Return a number and its interval, as in "4.2 [2.3, 8.1]"; without brackets where there is none.

    Examples
    --------
    >>> interval_text(Interval(4.17, 2.29, 8.1))
    '4.2 [2.3, 8.1]'
    """
    if math.isnan(interval.value):
        return "–"
    if math.isnan(interval.low):
        return plain(interval.value, digits)
    return f"{plain(interval.value, digits)} [{plain(interval.low, digits)}, {plain(interval.high, digits)}]"


def plain(value: float, digits: int = 2) -> str:
    """Return a number with so many significant digits, without an exponent where it is of usual size."""
    if value and not 1e-3 <= abs(value) < 1e5:
        return number(value).replace("-", "−")
    text = f"{value:#.{digits}g}" if abs(value) < 10 ** (digits - 1) else f"{value:.0f}"
    return text.rstrip(".").replace("-", "−")


def percent(interval: Interval) -> str:
    """Return a share with its interval in percent, as in "87 % [67, 100]"."""
    if math.isnan(interval.value):
        return "–"
    text = f"{100 * interval.value:.0f} %"
    if math.isnan(interval.low):
        return text
    return f"{text} [{100 * interval.low:.0f}, {100 * interval.high:.0f}]"


def configuration_text(point: Point) -> str:
    """Return what a model is in one line, as in "KAN [2, 5, 1], G = 10, LM".

    Family, shape, grid or activation, optimizer, and the options in which the models of the sweep differ.
    """
    parts = [f"{label(point.family)} {width_text(point)}"]
    if point.grid is not None:
        parts.append(f"G = {point.grid}")
    parts += [part for part in (point.activation, point.opt_text, point.options) if part]
    return ", ".join(parts)

"""Parses durations and amounts of memory that users type: 10m, 2G."""

from __future__ import annotations

import re

from sweeps.errors import UserError

#: Longest duration; longer ones are probably typing errors, and exceed the timers of some systems.
LONGEST_S = 10 * 365 * 24 * 3600.0

_NUMBER = r"\d+(?:\.\d+)?"
_DURATION = re.compile(rf"(?:(\d+)h)?(?:(\d+)m)?(?:({_NUMBER})s?)?", re.IGNORECASE)
_MEMORY = re.compile(rf"({_NUMBER})\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_duration(text: str, name: str = "timeout") -> float:
    """Return a duration such as 90, 1.5s, 10m or 1h30m in seconds; `name` is what messages call it.

    Raises
    ------
    UserError
        If it cannot be read, is zero, or is longer than ten years.

    Examples
    --------
    >>> parse_duration("1h30m")
    5400.0
    """
    match = _DURATION.fullmatch(text.strip())
    hours, minutes, seconds = (float(part or 0) for part in match.groups()) if match else (0.0, 0.0, 0.0)
    total = 3600.0 * hours + 60.0 * minutes + seconds
    if total <= 0.0:
        raise UserError(f"{name} is {text!r}; expected a duration such as 90, 90s, 10m or 1h30m.")
    if total > LONGEST_S:
        raise UserError(
            f"{name} is {text!r}; expected a duration of at most ten years ({LONGEST_S / 3600:.0f}h)."
        )
    return total


def parse_memory(text: str, name: str = "memory") -> int:
    """Return an amount of memory such as 500M, 2G or 1.5GiB in bytes; units are powers of 1024.

    Raises
    ------
    UserError
        If it cannot be read, or is zero.

    Examples
    --------
    >>> parse_memory("2G")
    2147483648
    """
    match = _MEMORY.fullmatch(text.strip())
    number, unit = (float(match[1]), match[2].lower()) if match else (0.0, "")
    total = int(number * 1024 ** _POWERS[unit])
    if total <= 0:
        raise UserError(f"{name} is {text!r}; expected an amount for each worker such as 500M or 2G.")
    return total

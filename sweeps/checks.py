"""Checks of values in specifications, with errors that say where, what was got and what was expected."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from sweeps.errors import UserError

T = TypeVar("T")
D = TypeVar("D")
#: Largest integer of TOML and SQLite.
LARGEST = 2**63 - 1
#: Most characters of a value that a message shows.
_MOST_SHOWN = 200
Check = Callable[[object], T]


class Expected(Exception):  # noqa: N818 - not an error by itself: `TomlTable` completes it to a UserError
    """What a check expected instead of the value it was given."""


def shown(value: object) -> str:
    """Return a value as it is written, the end left out if it is long.

    Examples
    --------
    >>> len(shown("x" * 10**6)) < 300
    True
    """
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}... ({len(text)} characters)"


def nearest(word: object, choices: Iterable[str]) -> str:
    """Return " Did you mean '...'?" with the choice spelled most like `word`, or nothing."""
    options = {choice.lower(): choice for choice in choices}
    near = difflib.get_close_matches(str(word)[:_MOST_SHOWN].lower(), options, n=1, cutoff=0.5)
    return f" Did you mean {options[near[0]]!r}?" if near else ""


def pick(what: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` if it is among `choices`, else raise a UserError with the nearest spelling."""
    options = list(choices)
    if isinstance(value, str) and value in options:
        return value
    listed = ", ".join(options)
    raise UserError(f"{what} is {shown(value)}; expected one of {listed}.{nearest(value, options)}")


class TomlTable:
    """A table of a specification that is emptied key by key; what is left over at the end is a mistake.

    Parameters
    ----------
    values : mapping
        The table as read.
    where : str
        How messages call the place, for instance "sweep.toml, [data]".
    """

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self.where = where
        self._values = dict(values)
        self._known: list[str] = []

    def take(self, key: str, check: Check[T], default: D) -> T | D:
        """Return the checked value of `key`, or `default` if the key is not there."""
        self._known.append(key)
        if key not in self._values:
            return default
        value = self._values.pop(key)
        try:
            return check(value)
        except Expected as expected:
            wanted = str(expected)
            stop = "" if wanted.endswith("?") else "."
            raise UserError(f"{self.where}: {key} is {shown(value)}; expected {wanted}{stop}") from None

    def has(self, key: str) -> bool:
        """Say whether `key` is there and was not taken yet."""
        return key in self._values

    def close(self) -> None:
        """Raise a UserError if keys are left that nobody took."""
        for key in self._values:
            hint = nearest(key, self._known)
            raise UserError(
                f"{self.where}: unknown key {shown(key)}.{hint} Known keys: {', '.join(self._known)}."
            )

    def error(self, message: str) -> UserError:
        """Return a UserError about this place."""
        return UserError(f"{self.where}: {message}")


def whole(minimum: int, maximum: int | None = None, room: int = LARGEST) -> Check[int]:
    """Check for an integer within bounds; true and false are none.

    Where no `maximum` follows from the meaning there is `room` for so large ones; only larger ones are told.
    """
    most = room if maximum is None else maximum

    def check(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= most:
            return value
        above = maximum is None and (not isinstance(value, int) or value <= most)
        raise Expected(f"an integer >= {minimum}" if above else f"an integer from {minimum} to {most}")

    return check


def real(low: float, high: float) -> Check[float]:
    """Check for a number in [low, high]."""

    def check(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise Expected(f"a number from {low:g} to {high:g}")
        return float(value)

    return check


def number_or(words: Sequence[str], low: float) -> Check[float | str]:
    """Check for a finite number >= `low`, or one of `words`."""
    listed = " or ".join(map(repr, words))

    def check(value: object) -> float | str:
        if isinstance(value, str) and value in words:
            return value
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value < math.inf:
            hint = nearest(value, words) if isinstance(value, str) else ""
            raise Expected(f"a number >= {low:g}, or {listed}.{hint}".removesuffix("."))
        return float(value)

    return check


def text(value: object) -> str:
    """Check for a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise Expected("a text in quotes")
    return value


def truth(value: object) -> bool:
    """Check for true or false."""
    if not isinstance(value, bool):
        raise Expected("true or false")
    return value


def one_of(choices: Iterable[str]) -> Check[str]:
    """Check for one of the given words."""
    options = list(choices)

    def check(value: object) -> str:
        if not isinstance(value, str) or value not in options:
            raise Expected(f"one of {', '.join(options)}.{nearest(value, options)}".removesuffix("."))
        return value

    return check


def many(check: Check[T], what: str) -> Check[tuple[T, ...]]:
    """Check for a list of one or more values, without repetitions; `what` names them in messages."""

    def check_list(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Expected(f"a list of {what}")
        if not value:
            raise Expected(f"a list of {what} with at least one in it: an empty axis leaves nothing to run")
        return tuple(dict.fromkeys(check(item) for item in value))

    return check_list


def axis(check: Check[T], what: str) -> Check[tuple[T, ...]]:
    """Check for one value or a list of values: an axis."""
    check_list = many(check, what)

    def check_axis(value: object) -> tuple[T, ...]:
        return check_list(value) if isinstance(value, list) else (check(value),)

    return check_axis

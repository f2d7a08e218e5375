"""Error messages of the command line for wrong values: the option, the value, and what is expected."""

from __future__ import annotations

import re
from collections.abc import Sequence

# How the releases of typer say it, which do not say what was typed, or not in our words.
_NO_NUMBER = re.compile(r"valid (integer|number|float)")
_TOO_SMALL = re.compile(r"greater than or equal to (\S+)|x>=(\S+?)\.?$")


def usage_text(error: Exception, message: str, arguments: Sequence[str]) -> str:
    """Return a message of typer's, and for an option that takes a number a better one.

    Parameters
    ----------
    error : Exception
        What typer raised; its `param` is the option, if it is about one.
    message : str
        What it says.
    arguments : sequence of str
        What was typed.
    """
    names = [str(name) for name in getattr(getattr(error, "param", None), "opts", ())]
    typed = _typed(names, arguments)
    if typed is None:
        return message
    if found := _NO_NUMBER.search(message):
        expected = "a whole number" if found[1] == "integer" else "a number"
    elif found := _TOO_SMALL.search(message):
        expected = f"a number not below {found[1] or found[2]}"
    else:
        return message
    return f"{names[0]} is {typed!r}; expected {expected}."


def _typed(names: Sequence[str], arguments: Sequence[str]) -> str | None:
    """Return the value that was typed for an option, the last one of several; None if it is not known."""
    typed = None
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, sign, value = argument.partition("=")
        if argument in names:
            typed = following
        elif sign and name in names:
            typed = value
    return typed

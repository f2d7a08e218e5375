"""UserError: the exception whose message is printed to the user without a traceback."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can put right: one message that says what was got, what was expected, what to do.

    The command line prints the message without a traceback and exits with code 2.

    Examples
    --------
    >>> raise UserError("unknown suite 'specail'; did you mean 'special'?")
    Traceback (most recent call last):
    ...
    sweeps.errors.UserError: unknown suite 'specail'; did you mean 'special'?
    """

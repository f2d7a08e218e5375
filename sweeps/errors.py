"""The one exception that a user is meant to read."""

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

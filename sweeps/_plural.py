"""Numbers with singular or plural nouns for messages: "1 run", "2 runs"."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number and what it counts, as in "1 run" and "2 runs".

    Examples
    --------
    >>> counted(1, "planned run"), counted(0, "run")
    ('1 planned run', '0 runs')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def are(number: int) -> str:
    """Return the verb behind `counted`: "is" for one, else "are"."""
    return "is" if number == 1 else "are"


def with_article(noun: str) -> str:
    """Return a noun that begins a sentence, with its indefinite article.

    Examples
    --------
    >>> with_article("additive spline"), with_article("linear model")
    ('An additive spline', 'A linear model')
    """
    return f"{'An' if noun[0] in 'aeiou' else 'A'} {noun}"

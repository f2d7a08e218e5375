"""Words for a missing cell: n.d., NA, dashes and the like."""

from __future__ import annotations

#: Cells that hold nothing in any column: what programs write for a missing value or for a failed calculation.
_NOTHING = frozenset(
    ("", "nan", "<na>", "nat", "#n/a", "#na", "#div/0!", "#num!", "#value!", "#ref!", "#name?", "#null!")
)
#: What people write for a missing number. A column of text may have a class of this name.
_WORDS = frozenset(
    (
        *("na", "n/a", "n.a.", "n.a", "nd", "n/d", "n.d.", "n.d", "n. d.", "nm", "n.m.", "n.b.", "k.a."),
        *("null", "none", "nil", "missing", "not determined", "not measured", "tbd"),
        *("?", "??", "???", ".", "..", "...", "\u2026", "/"),
    )
)
_DASHES = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2212_")


def is_nothing(text: str) -> bool:
    """Whether a cell holds nothing, whatever its column.

    Examples
    --------
    >>> is_nothing(""), is_nothing("#N/A"), is_nothing("none")
    (True, True, False)
    """
    return text.lower() in _NOTHING


def is_missing_word(text: str) -> bool:
    """Whether a cell of a column of numbers says that there is none.

    Examples
    --------
    >>> [is_missing_word(text) for text in ("n.d.", "\u2014", "none", "THF")]
    [True, True, True, False]
    """
    return text.lower() in _WORDS or (0 < len(text) <= 3 and _DASHES.issuperset(text))

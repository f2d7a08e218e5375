"""Warnings about data and fits whose numbers mean less than they seem to, and how they reach the user.

Each says what was seen and what to do, once a fit or prediction, at the line of the user's own code.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = str(Path(__file__).parent)

#: Whether fits are steps of something larger, which speaks for all of them.
_quiet: ContextVar[bool] = ContextVar("kan_np_quiet", default=False)


class KanWarning(UserWarning):
    """Numbers of a fit or a prediction may mean less than they seem to; the base of all warnings here.

    Examples
    --------
    >>> import warnings
    >>> from kan_np import KanWarning
    >>> warnings.simplefilter("ignore", KanWarning)  # none of them
    """


class NotLearntWarning(KanWarning):
    """The training error is that of predicting the mean of the labels, or a plane through them."""


class OverfitWarning(KanWarning):
    """The training samples are fitted, but held-out ones are predicted worse than by their mean."""


class ScaleWarning(KanWarning):
    """Inputs or labels are so far from order one that the start cannot reach them."""


class OutlierWarning(KanWarning):
    """Most values of an input lie in a small part of its range: an outlier, or a heavy tail."""


class ExtrapolationWarning(KanWarning):
    """Held-out or predicted rows lie far outside the range of the training samples."""


@dataclass(frozen=True)
class Finding:
    """A sentence about a fit, and the warning it is; None for one that is advice alone."""

    text: str
    category: type[KanWarning] | None = None


def warn(findings: Iterable[Finding]) -> None:
    """Warn of every finding that has a category, at the innermost line that is not of this package.

    As in pandas' ``find_stack_level``: how deep in the package a finding is made does not matter.
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    for finding in findings:
        if finding.category is not None:
            warnings.warn(finding.text, finding.category, stacklevel=level)


@contextmanager
def parts_of_one_fit() -> Iterator[None]:
    """Let the fits in here be silent and judge nothing: the caller does so, once for all of them."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def is_part() -> bool:
    """Whether this is called within `parts_of_one_fit`."""
    return _quiet.get()

"""Warnings about data and fits whose results may be misleading.

Each says what was found and what to do, once for a fit or prediction, and points to the line of the user's
code.
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

#: Whether fits are parts of a larger computation, which warns once for all of them.
_quiet: ContextVar[bool] = ContextVar("kan_np_quiet", default=False)


class KanWarning(UserWarning):
    """The results of a fit or a prediction may be misleading; base class of all warnings of kan_np.

    Examples
    --------
    >>> import warnings
    >>> from kan_np import KanWarning
    >>> warnings.simplefilter("ignore", KanWarning)  # none of them
    """


class NotLearntWarning(KanWarning):
    """The training error is no lower than that of predicting the mean of the labels, or of a linear model."""


class OverfitWarning(KanWarning):
    """The training samples are fitted, but held-out ones are predicted worse than by their mean."""


class ScaleWarning(KanWarning):
    """Inputs or labels have scales so far from one that training from the usual initialisation fails."""


class OutlierWarning(KanWarning):
    """Most values of an input lie in a small part of its range: an outlier, or a heavy tail."""


class ExtrapolationWarning(KanWarning):
    """Held-out or predicted rows lie far outside the range of the training samples."""


@dataclass(frozen=True)
class Finding:
    """A sentence about a fit and the class of its warning; None for a sentence that is advice only."""

    text: str
    category: type[KanWarning] | None = None


def warn(findings: Iterable[Finding]) -> None:
    """Warn of every finding that has a category, at the innermost line that is not of this package.

    The line is found as by pandas' ``find_stack_level``, whatever the depth of the call inside the package.
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    for finding in findings:
        if finding.category is not None:
            warnings.warn(finding.text, finding.category, stacklevel=level)


@contextmanager
def parts_of_one_fit() -> Iterator[None]:
    """Context in which fits give no advice and no warnings; the caller does so once for all of them."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def is_part() -> bool:
    """Whether this is called within `parts_of_one_fit`."""
    return _quiet.get()

"""Points on the boundary of two classes: where the logit of a classifier is zero."""

from __future__ import annotations

import warnings
from typing import NamedTuple, Protocol

import numpy as np

from kan_np._validate import FloatArray
from kan_np._warnings import KanWarning

#: Values of a column among which the logit is searched for changes of sign, and halvings that follow: the
#: width of a step over 2^40 is rounding.
_STEPS, _HALVINGS = 33, 40


class _Classifier(Protocol):
    def __call__(self, x: FloatArray) -> FloatArray: ...


class BoundaryPoints(NamedTuple):
    """Points on the boundary.

    Attributes
    ----------
    others : ndarray of shape (n_points, n_in - 1)
        The columns but one.
    value : ndarray of shape (n_points,)
        That one, on the boundary.
    """

    others: FloatArray
    value: FloatArray


def boundary_points(model: _Classifier, x: FloatArray, column: int, most: int) -> BoundaryPoints:
    """Where the logit is zero if one column of rows is changed and the others stay, within its range.

    Rows whose logit changes its sign more than once are left out: there the boundary is no function of the
    other columns. Rows near to the boundary are taken first, for there the classifier knows most about it.

    Parameters
    ----------
    model : callable
        Logit (n, 1) of rows (n, n_in).
    x : ndarray of shape (n_rows, n_in)
    column : int
    most : int
        Points at most.
    """
    steps = np.linspace(x[:, column].min(), x[:, column].max(), _STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        positive = np.stack([_at(model, x, column, np.full(len(x), v)) > 0.0 for v in steps], axis=1)
        changes = positive[:, 1:] != positive[:, :-1]
        rows = np.flatnonzero(changes.sum(axis=1) == 1)
        low = steps[changes[rows].argmax(axis=1)]
        high = low + (steps[1] - steps[0])
        here, above = x[rows], positive[rows, -1]
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            beyond = (_at(model, here, column, middle) > 0.0) == above
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    value = 0.5 * (low + high)
    nearest = np.argsort(np.abs(value - here[:, column]), kind="stable")[:most]
    return BoundaryPoints(np.delete(here[nearest], column, axis=1), value[nearest])


def _at(model: _Classifier, x: FloatArray, column: int, values: FloatArray) -> FloatArray:
    changed = x.copy()
    changed[:, column] = values
    return model(changed)[:, 0]

"""Where a classifier's logit is zero along one column, and how steep it is there."""

from __future__ import annotations

import warnings
from typing import NamedTuple, Protocol

import numpy as np

from kan_np._validate import FloatArray
from kan_np._warnings import KanWarning

#: Values of a column among which the logit is searched for changes of sign, and halvings that follow: the
#: width of a step over 2^40 is rounding.
_STEPS, _HALVINGS = 33, 40
#: Half of the distance over which a slope is taken, as a part of the range of the column.
_HALF = 0.01
#: Slopes are kept within this factor of their median.
_SLOPES = 10.0


class _Classifier(Protocol):
    def __call__(self, x: FloatArray) -> FloatArray: ...


class Crossings(NamedTuple):
    """What is found along one column from each row.

    Attributes
    ----------
    value : ndarray of shape (n_rows,)
        The column where the logit is zero; NaN where its sign does not change, or changes more than once, or
        the other way than from most rows: there the boundary is no function of the other columns.
    slope : ndarray of shape (n_rows,)
        Derivative of the logit by the column there; where there is no crossing, the median of the others.
    """

    value: FloatArray
    slope: FloatArray


def crossings(model: _Classifier, x: FloatArray, column: int, ends: tuple[float, float]) -> Crossings:
    """Find where the logit is zero if one column of rows is changed and the others stay.

    Parameters
    ----------
    model : callable
        Logit (n, 1) of rows (n, n_in).
    x : ndarray of shape (n_rows, n_in)
    column : int
    ends : (float, float)
        Between which the column is changed.
    """
    steps = np.linspace(*ends, _STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KanWarning)
        positive = np.stack([_at(model, x, column, np.full(len(x), v)) > 0.0 for v in steps], axis=1)
        changes = positive[:, 1:] != positive[:, :-1]
        rows = np.flatnonzero(changes.sum(axis=1) == 1)
        upwards = positive[rows, -1]
        rows = rows[upwards == (2 * int(upwards.sum()) >= rows.size)]
        if not rows.size:
            return Crossings(np.full(len(x), np.nan), np.zeros(len(x)))
        low = steps[changes[rows].argmax(axis=1)]
        high = low + (steps[1] - steps[0])
        here, above = x[rows], positive[rows, -1]
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            beyond = (_at(model, here, column, middle) > 0.0) == above
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        value = 0.5 * (low + high)
        half = _HALF * (ends[1] - ends[0])
        rise = _at(model, here, column, value + half) - _at(model, here, column, value - half)
    steepness = np.abs(rise) / (2.0 * half)
    typical = float(np.median(steepness))
    # the sign is that of the class beyond the boundary
    slope = np.where(above, 1.0, -1.0) * np.clip(steepness, typical / _SLOPES, typical * _SLOPES)
    found = Crossings(np.full(len(x), np.nan), np.full(len(x), np.median(slope)))
    found.value[rows], found.slope[rows] = value, slope
    return found


def _at(model: _Classifier, x: FloatArray, column: int, values: FloatArray) -> FloatArray:
    changed = x.copy()
    changed[:, column] = values
    return model(changed)[:, 0]

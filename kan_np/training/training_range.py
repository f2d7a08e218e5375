"""The range of the inputs that a model was trained on, and rows that lie outside it.

All values are those that the network sees: standardised ones where a model has a scaler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kan_np._validate import FloatArray
from kan_np.data.scaler import Scaler

#: Predicted rows by so much of the training range outside it are warned of: an edge goes on as a polynomial
#: for one interval and then as a line, of a fit to few samples no further than this. Rows of the
#: distribution that was trained on rarely lie so far out: none of 100 uniform draws of 20 rows, one of 100
#: normal draws of 100 rows.
FAR_PREDICTED = 0.25


def training_range(x: FloatArray) -> FloatArray:
    """Lowest and highest value of every input: (n_samples, n_in) -> (2, n_in)."""
    return np.stack([x.min(axis=0), x.max(axis=0)])


def with_leeway(x: FloatArray, leeway: float) -> FloatArray | None:
    """The range of samples, (2, n_in), with so many mean distances of neighbours more at each end.

    None for an infinite leeway.
    """
    if np.isinf(leeway):
        return None
    limits = training_range(x)
    with np.errstate(over="ignore", invalid="ignore"):  # absurd inputs have no leeway, or all of it
        more = np.nan_to_num(leeway / len(x) * (limits[1] - limits[0]))
        return np.nan_to_num(np.stack([limits[0] - more, limits[1] + more]))


def checked_range(name: str, limits: FloatArray, n_in: int) -> FloatArray:
    """The range that a file holds under this name.

    Raises
    ------
    ValueError
        If it is none.
    """
    fits = limits.shape == (2, n_in) and limits.dtype == np.float64
    if not fits or not np.isfinite(limits).all() or (limits[0] > limits[1]).any():
        raise ValueError(
            f"the {name} is an array of {limits.dtype} of shape {limits.shape}; expected finite "
            f"float64 of (2, {n_in}), the lowest values before the highest"
        )
    return limits


@dataclass(frozen=True)
class FarRows:
    """Rows outside the training range.

    Attributes
    ----------
    n_far, n_rows : int
        Rows outside, and all rows.
    column : int
        Input that goes farthest outside.
    value, limit : float
        Its value there, and the end of the training range that it is beyond.
    distance : float
        From the one to the other, in lengths of the training range (of an input that did not vary, in its
        size, 1 at least).
    """

    n_far: int
    n_rows: int
    column: int
    value: float
    limit: float
    distance: float

    def joined(self, other: FarRows) -> FarRows:
        """The rows of two parts of a table."""
        farther = other if other.distance > self.distance else self
        return replace(farther, n_far=self.n_far + other.n_far, n_rows=self.n_rows + other.n_rows)

    def sentence(self, rows: str, scaler: Scaler | None, names: Sequence[str] | None = None) -> str:
        """Say how many rows, and which input goes how far out, in the units of the data."""
        value, limit = in_units(scaler, self.column, np.array([self.value, self.limit]))
        lie = "lies" if self.n_far == 1 else "lie"
        side = "begins" if value < limit else "ends"
        return (
            f"{self.n_far} of {self.n_rows} {rows} {lie} outside the range of the training samples, farthest "
            f"{input_name(self.column, names)} = {value:.4g} where training {side} at {limit:.4g}"
            f" ({self.distance:.2g} times the training range away). There the model is a guess."
        )


def far_rows(x: FloatArray, limits: FloatArray, farther_than: float) -> FarRows | None:
    """Rows of x, (n, n_in), more than so many lengths of the training range outside it; None without such."""
    if not len(x):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        length = limits[1] - limits[0]
        length = np.where(length > 0, length, np.maximum(np.abs(limits[0]), 1.0))
        if not (
            (limits[0] - x.min(axis=0) > farther_than * length).any()
            or (x.max(axis=0) - limits[1] > farther_than * length).any()
        ):
            return None
        beyond = np.maximum(limits[0] - x, x - limits[1]) / length
    row, column = np.unravel_index(int(np.argmax(beyond)), beyond.shape)
    value = float(x[row, column])
    end = limits[0, column] if value < limits[0, column] else limits[1, column]
    n_far = int((beyond > farther_than).any(axis=1).sum())
    return FarRows(n_far, len(x), int(column), value, float(end), float(beyond[row, column]))


def in_units(scaler: Scaler | None, column: int, values: FloatArray) -> FloatArray:
    """Values of an input in the units of the data."""
    if scaler is None:
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        back: FloatArray = values * scaler.input_scale[column] + scaler.input_shift[column]
    return back


def input_name(column: int, names: Sequence[str] | None) -> str:
    """How a sentence names an input."""
    return f"input {column}" if names is None or len(names) <= column else f"input {names[column]!r}"

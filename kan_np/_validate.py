"""Checks at the public border: what was got, what was expected, what to do.

Kernels trust their arguments; everything that a user hands over passes through here once and
leaves as a C-contiguous float64 array or a checked plain value.
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def choice(name: str, value: object, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of `allowed`, else raise with the nearest spelling."""
    options = list(allowed)
    if isinstance(value, str) and value in options:
        return value
    near = difflib.get_close_matches(str(value).lower(), [o.lower() for o in options], n=1, cutoff=0.5)
    hint = ""
    if near:
        hint = f" Did you mean {next(o for o in options if o.lower() == near[0])!r}?"
    raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, options))}.{hint}")


def integer(name: str, value: object, minimum: int, maximum: int | None = None) -> int:
    """Return `value` as an int within [minimum, maximum]; bools and fractions are refused."""
    bounds = f"an integer >= {minimum}" if maximum is None else f"an integer from {minimum} to {maximum}"
    if isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; expected {bounds}.")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name} is {value!r} of type {type(value).__name__}; expected {bounds}.") from None
    if number < minimum or (maximum is not None and number > maximum):
        raise ValueError(f"{name} is {number}; expected {bounds}.")
    return number


def real(name: str, value: object, minimum: float = -np.inf, maximum: float = np.inf) -> float:
    """Return `value` as a finite float within [minimum, maximum]."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}; expected a number.") from None
    if not np.isfinite(number) or number < minimum or number > maximum:
        raise ValueError(f"{name} is {number}; expected a finite number in [{minimum:g}, {maximum:g}].")
    return number


def matrix(name: str, value: ArrayLike, n_columns: int | None = None, first_row: int = 0) -> FloatArray:
    """Return `value` as a finite, C-contiguous float64 array of shape (n_samples, n_columns).

    One-dimensional input becomes a single column. Messages count rows from `first_row`.
    """
    array = _real_array(name, value)
    shape = array.shape
    if shape == (0,):
        raise ValueError(f"{name} is empty, shape (0,); expected (n_samples, n_features), at least 1 sample.")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise ValueError(
            f"{name} has {len(shape)} dimensions, shape {shape}; expected 2, (n_samples, n_features)."
        )
    if n_columns is not None and array.shape[1] != n_columns:
        hint = " For one sample pass [[...]]." if shape == (n_columns,) else ""
        raise ValueError(
            f"{name} has {array.shape[1]} columns, shape {shape}; expected {n_columns} columns.{hint}"
        )
    if array.shape[0] == 0:
        raise ValueError(f"{name} has no rows, shape {shape}; expected at least 1 sample.")
    finite(name, array, first_row)
    return np.ascontiguousarray(array, dtype=np.float64)


def vector(name: str, value: ArrayLike) -> FloatArray:
    """Return `value`, of shape (n,) or a column (n, 1), as a finite float64 array of shape (n,)."""
    array = _real_array(name, value)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}; expected (n,) with at least 1 value.")
    finite(name, array)
    return np.ascontiguousarray(array, dtype=np.float64)


def finite(name: str, array: FloatArray, first_row: int = 0) -> None:
    """Raise if a value of `array` is NaN or infinite, naming how many and the first place."""
    bad = ~np.isfinite(array)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        shown = (place[0] + first_row, *place[1:])
        raise ValueError(
            f"{name} has {int(bad.sum())} NaN or infinite values, the first at index {shown} "
            f"({array[place]}); remove or impute those samples."
        )


def _has_times(array: NDArray[Any]) -> bool:
    """Say whether dates or durations of NumPy are among objects, which `float` takes for numbers."""
    return any(isinstance(value, (np.datetime64, np.timedelta64)) for value in array.ravel())


def _real_array(name: str, value: ArrayLike) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"{name} cannot be read as an array of numbers ({error}).") from None
    if array.dtype.kind == "c":
        raise TypeError(f"{name} is complex; expected real numbers. Pass real and imaginary parts apart.")
    if array.dtype.kind in "mM" or (array.dtype.kind == "O" and _has_times(array)):
        raise TypeError(
            f"{name} holds dates or times, dtype {array.dtype}; expected numbers, for a date is one only by "
            "the choice of a zero and a unit. Pass for example (x - x[0]) / numpy.timedelta64(1, 's')."
        )
    if array.dtype.kind in "US":
        raise TypeError(f"{name} is text, dtype {array.dtype}; expected numbers.")
    if np.ma.is_masked(value):
        raise TypeError(f"{name} has masked values; expected numbers only. Remove or impute those samples.")
    try:
        return array.astype(np.float64, copy=False)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{name} cannot be read as an array of numbers ({error}).") from None

"""Checks of the arguments of public functions, with errors that say what was got, expected, and what to do.

Kernels do not check anything; all arguments of users are checked here once and become C-contiguous float64
arrays or plain values.
"""

from __future__ import annotations

import difflib
import operator
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

#: Messages show arrays with more values by their shape, and longer lists in part.
_MOST_VALUES = 8
#: Most choices that a message lists; a table may have thousands of columns.
_MOST_CHOICES = 40
#: Longer texts are not compared with valid names to find a similar spelling.
_MOST_COMPARED = 200
_shorten = reprlib.Repr()
_shorten.maxlist = _shorten.maxtuple = _shorten.maxset = _shorten.maxfrozenset = _shorten.maxdict = (
    _MOST_VALUES
)
_shorten.maxstring = _shorten.maxother = 120


def shown(value: object) -> str:
    """Return the text of a value for a message: on one line, shortened if it is long.

    Examples
    --------
    >>> shown("LBFGS"), shown(np.zeros((100, 2)))
    ("'LBFGS'", 'an array of shape (100, 2)')
    """
    if isinstance(value, np.ndarray) and value.size > _MOST_VALUES:
        return f"an array of shape {value.shape}"
    try:
        return " ".join(_shorten.repr(value).split())
    except Exception:  # a failing __repr__ of a foreign object must not hide the actual error
        return f"a value of type {type(value).__name__}"


def choice(name: str, value: object, allowed: Iterable[str], others: Mapping[str, str] | None = None) -> str:
    """Return `value` if it is one of `allowed`, else raise with the nearest spelling.

    `others` maps words of other libraries, in lower case, to the closest choice here.
    """
    options = list(allowed)
    if isinstance(value, str) and value in options:
        return value
    near = []
    if isinstance(value, str) and others and value.lower() in others:
        near = [others[value.lower()].lower()]
    elif isinstance(value, str) and len(value) <= _MOST_COMPARED:
        near = difflib.get_close_matches(value.lower(), [o.lower() for o in options], n=1, cutoff=0.5)
    hint = ""
    if near:
        hint = f" Did you mean {next(o for o in options if o.lower() == near[0])!r}?"
    listed = ", ".join(map(repr, options[:_MOST_CHOICES]))
    if len(options) > _MOST_CHOICES:
        listed = f"{len(options)} names: {listed}, ..."
    raise ValueError(f"{name} is {shown(value)}; expected one of {listed}.{hint}")


def integer(name: str, value: object, minimum: int, maximum: int | None = None) -> int:
    """Return `value` as an int within [minimum, maximum]; bools and fractions are refused."""
    bounds = f"an integer >= {minimum}" if maximum is None else f"an integer from {minimum} to {maximum}"
    if isinstance(value, bool):
        raise TypeError(f"{name} is {shown(value)}; expected {bounds}.")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"{name} is {shown(value)} of type {type(value).__name__}; expected {bounds}."
        ) from None
    if number < minimum or (maximum is not None and number > maximum):
        raise ValueError(f"{name} is {shown(number)}; expected {bounds}.")
    return number


def generator(name: str, seed: int | np.random.Generator) -> np.random.Generator:
    """Return the random generator of a seed, or `seed` itself if it is a generator."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{name} is {shown(seed)}; expected an integer >= 0 or a numpy.random.Generator."
        ) from None


def real(name: str, value: object, minimum: float = -np.inf, maximum: float = np.inf) -> float:
    """Return `value` as a finite float within [minimum, maximum]."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {shown(value)}; expected a number.") from None
    except OverflowError:
        raise ValueError(f"{name} is {shown(value)}; expected a number below 1.8e308.") from None
    if not np.isfinite(number) or number < minimum or number > maximum:
        raise ValueError(f"{name} is {number}; expected a finite number in [{minimum:g}, {maximum:g}].")
    return number


def matrix(name: str, value: ArrayLike, n_columns: int | None = None, first_row: int = 0) -> FloatArray:
    """Return `value` as a finite, C-contiguous float64 array of shape (n_samples, n_columns).

    One-dimensional input becomes a single column. Messages count rows from `first_row`.
    """
    array = real_array(name, value)
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
    array = real_array(name, value)
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


def real_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return `value` as a float64 array of any shape; text, dates and complex numbers are refused."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"{name} cannot be read as an array of numbers ({error}).") from None
    if array.dtype.kind == "c":
        raise TypeError(f"{name} is complex; expected real numbers. Pass real and imaginary parts apart.")
    if array.dtype.kind in "mM" or (array.dtype.kind == "O" and _has_times(array)):
        raise TypeError(
            f"{name} holds dates or times, dtype {array.dtype}; expected numbers, for a date is one only by "
            "the choice of a zero and a unit. Pass for example (x - x[0]) / numpy.timedelta64(1, 's'), or "
            "kan_np.data.days_of(x), the days since 1970-01-01."
        )
    if array.dtype.kind in "US":
        raise TypeError(f"{name} is text, dtype {array.dtype}; expected numbers.")
    if np.ma.is_masked(value):
        raise TypeError(f"{name} has masked values; expected numbers only. Remove or impute those samples.")
    try:
        return array.astype(np.float64, copy=False)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{name} cannot be read as an array of numbers ({error}).") from None


#: As many names are listed in a message.
_LISTED = 8


def repeated(names: Sequence[str]) -> list[str]:
    """The names that come more than once, each told once."""
    seen: set[str] = set()
    return list(dict.fromkeys(name for name in names if name in seen or seen.add(name)))  # type: ignore[func-returns-value]


def listed(names: Sequence[str]) -> str:
    """Names in quotes for a message, no more than a reader wants to see."""
    shown = ", ".join(map(repr, names[:_LISTED]))
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"

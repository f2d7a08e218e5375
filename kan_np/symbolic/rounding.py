"""How exactly samples can be met: the rounding of a formula and the digits that labels are written with.

The rounding of a value that is computed from others is bounded, part by part, by

    u + v + ...      the errors of the terms + eps max |term|
    u v ...          the relative errors of the factors + eps
    f(u)             |f'(u)| error of u + eps |f(u)|

so that a difference of two large numbers has the error of these, and a small label beside a large one its
own. A formula agrees with labels if nearly all residuals are within `_MANY` such bounds, or within half a
unit of the last digit that the labels are written with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.functions.tape import number_of, operation_of

if TYPE_CHECKING:
    import sympy

_EPS = float(np.finfo(np.float64).eps)
_TINY = float(np.finfo(np.float64).tiny)
#: Labels with more decimal digits than this are as good as full float64.
_MOST_DIGITS = 12
#: Labels whose last digit is coarser than this part of their spread say too little to be met exactly.
_COARSEST = 1e-4
#: Bounds within which residuals are rounding. Those of the 34 toys and Feynman formulas are within 0.5 where
#: the formula itself made the labels; the rest is for labels that are computed in another order, by functions
#: of their own error, and for decimal numbers that are fitted.
_MANY = 1e3
#: Share of the samples that must be within; the others may lie where the labels' own way cancels digits.
_SHARE = 0.95


class Parts:
    """Values of the parts of formulas on samples, and bounds of their rounding, each computed once.

    Parameters
    ----------
    variables : sequence of sympy.Symbol
    x : ndarray of shape (n, n_var)
    functions : mapping of str to callable, optional
        Numbers of undefined functions, by name.

    Examples
    --------
    >>> import numpy as np, sympy
    >>> t = sympy.Symbol("t")
    >>> parts = Parts([t], np.array([[1.0], [1e-9]]))
    >>> value, error = parts.of((t + 1) - sympy.cos(t))
    >>> bool(abs(value[1] - 1e-9) <= error[1] <= 1e-15)
    True
    """

    def __init__(
        self,
        variables: Sequence[sympy.Symbol],
        x: FloatArray,
        functions: Mapping[str, Callable[[FloatArray], FloatArray]] | None = None,
    ) -> None:
        self.n = x.shape[0]
        self.functions = functions or {}
        self._known: dict[Any, tuple[FloatArray, FloatArray]] = {
            name: (column, _EPS * np.abs(column)) for name, column in zip(variables, x.T, strict=True)
        }

    def of(self, part: sympy.Expr) -> tuple[FloatArray, FloatArray]:
        """Value and bound of its rounding, each of shape (n,); NaN where the part is not real."""
        if part not in self._known:
            with np.errstate(all="ignore"):
                self._known[part] = self._computed(part)
        return self._known[part]

    def _computed(self, part: Any) -> tuple[FloatArray, FloatArray]:
        from sympy.core.function import AppliedUndef

        if not part.free_symbols and not part.has(AppliedUndef):
            number = number_of(part)
            own = 0.0 if part.is_Integer else _EPS * abs(number)
            return np.full(self.n, number), np.full(self.n, own)
        arguments, operation = operation_of(part, self.functions)
        below = [self.of(argument) for argument in arguments]
        values = [value for value, _ in below]
        value = np.broadcast_to(np.asarray(operation.value(*values), dtype=np.float64), (self.n,))
        largest = np.abs(values).max(axis=0) if part.is_Add else np.abs(value)
        error = _EPS * largest
        for slope, (_, inner) in zip(operation.slopes, below, strict=True):
            if inner.any():
                steep = np.abs(slope(*values)) * inner
                error = error + np.where(np.isfinite(steep), steep, 0.0)
        return value, error


def half_units(y: FloatArray) -> FloatArray:
    """Half a unit of the last digit that each label is written with, 0 where they have all of float64.

    Labels may be written with a fixed number of decimals, a fixed number of significant digits or as float32;
    where several of these hold the finest counts.

    Parameters
    ----------
    y : ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> y = np.exp(np.linspace(0, 3, 50))
    >>> float(half_units(np.round(y, 6))[0]), float(half_units(y)[0])
    (5e-07, 0.0)
    """
    size = np.abs(y)
    if not size.any() or not np.isfinite(size).all():
        return np.zeros_like(y)
    own = np.floor(np.log10(np.where(size > 0, size, 1.0)))
    # with fixed decimals all have the last place of the largest; else each its own
    fixed = _digits(size, np.full_like(own, own[size > 0].max()))
    digits = _digits(size, own)
    # what has fixed decimals has as many significant digits at most
    decimal = fixed if digits is None or (fixed is not None and fixed[0] <= digits[0]) else digits
    found = [decimal[1]] if decimal else []
    if _is_single(y):
        found.append(np.spacing(size.astype(np.float32)).astype(np.float64) / 2 * (size > 0))
    if not found:
        return np.zeros_like(y)
    finest = np.min(found, axis=0)
    coarse = np.median(finest) > _COARSEST * float(np.std(y / size.max()) * size.max())
    return np.zeros_like(y) if coarse else np.asarray(finest)


def _digits(size: FloatArray, place: FloatArray) -> tuple[int, FloatArray] | None:
    """Fewest digits from `place` on with which all sizes are written, and half a unit of the last one."""
    for digits in range(1, _MOST_DIGITS + 1):
        unit = 10.0 ** (place - digits + 1)
        with np.errstate(all="ignore"):
            count = size / unit
        if not np.isfinite(count).all():
            return None
        if (np.abs(count - np.rint(count)) <= 8 * _EPS * np.maximum(count, 1.0)).all():
            return digits, np.where(size > 0, unit / 2, 0.0)
    return None


def _is_single(y: FloatArray) -> bool:
    with np.errstate(over="ignore"):
        single = y.astype(np.float32).astype(np.float64)
    return bool((np.abs(single - y) <= 2 * _EPS * np.abs(y)).all())


def allowed_residuals(rounding: FloatArray, y: FloatArray) -> FloatArray:
    """What a residual may be at each sample of a formula that is exact, given bounds of its rounding."""
    bounds = np.where(np.isfinite(rounding), rounding, 0.0)
    return _MANY * np.maximum(bounds, _EPS * np.abs(y)) + half_units(y) + _TINY


def agrees(residuals: FloatArray, allowed: FloatArray) -> bool:
    """Whether residuals are no more than rounding and the labels' digits explain."""
    share = np.abs(residuals) / allowed
    return bool(np.isfinite(share).all() and np.quantile(share, _SHARE, method="higher") <= 1.0)

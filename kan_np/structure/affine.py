"""Variables that enter through one simple function, times a factor and beside a term of the others.

    y = a(others) + b(others) phi(x_i)      phi' y_ii - phi'' y_i = 0

whatever a and b are. Most formulas of physics are of this kind in some variable; with phi known, b is what y
changes by along x_i, and a the rest: two smaller problems. Both are read from a surrogate along lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kan_np._validate import FloatArray
from kan_np.structure.derivatives import Derivatives
from kan_np.structure.inner_functions import ONE_VARIABLE
from kan_np.structure.separability import StructureTest, tested

#: Places along a variable at which a surrogate is read, as quantiles: its ends say least.
_PLACES = (0.08, 0.27, 0.5, 0.73, 0.92)
#: Functions whose statistics agree to this factor are all possible.
_AS_GOOD = 2.0


@dataclass(frozen=True)
class Affine:
    """y = a + b phi(x_i), phi named in `ONE_VARIABLE`."""

    i: int
    function: str
    test: StructureTest

    def values(self, x: FloatArray) -> FloatArray:
        """phi on samples (n, d)."""
        return np.asarray(ONE_VARIABLE[self.function].value(x[:, self.i]))


def affine_in(d: Derivatives, i: int) -> list[Affine]:
    """Functions of one variable in which y may be affine, the best first.

    Parameters
    ----------
    d : Derivatives
        At points where they are known well.
    i : int

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.structure.derivatives import derivatives_of
    >>> x = np.random.default_rng(0).uniform(1, 2, (100, 2))
    >>> found = derivatives_of(lambda x: np.sqrt(x[:, 0]) + np.sin(x[:, 0]) * x[:, 1] ** 2, x)
    >>> [own.function for own in affine_in(found, 1)], affine_in(found, 0)
    (['x^2'], [])
    """
    column = d.x[:, i]
    width = float(np.std(column))
    if width == 0.0:
        return []
    found = []
    for name, own in ONE_VARIABLE.items():
        if not own.suits(column):
            continue
        slope, bend = own.slope(column), own.bend(column)
        size = np.abs(slope)
        if size.max() == 0.0:
            continue
        # both terms times a slope of ordinary size, so that zeros of the slope do no harm
        slope, bend = slope / size.max(), bend / size.max()

        def statistic(d: Derivatives, slope: FloatArray = slope, bend: FloatArray = bend) -> FloatArray:
            return slope * d.hessian[:, i, i] - bend * d.gradient[:, i]

        usual = np.abs(slope * d.hessian[:, i, i]) + np.abs(bend * d.gradient[:, i])
        usual = usual + np.abs(slope * d.gradient[:, i]) / width
        found.append(Affine(i, name, tested(d, statistic, usual)))
    passed = sorted((own for own in found if own.test.passed), key=lambda own: own.test.statistic)
    least = passed[0].test.statistic if passed else 0.0
    return [own for own in passed if own.test.statistic <= _AS_GOOD * least + 1e-7]


def slope_of(function: Callable[[FloatArray], FloatArray], x: FloatArray, affine: Affine) -> FloatArray:
    """b of y = a + b phi(x_i), for the other variables of each sample.

    Parameters
    ----------
    function : callable
        Takes (n, d), gives (n,): a surrogate.
    x : ndarray of shape (n, d)
    affine : Affine

    Returns
    -------
    ndarray of shape (n,)
        Slopes of lines through values at five places of x_i.
    """
    places = np.quantile(x[:, affine.i], _PLACES)
    phi = np.asarray(ONE_VARIABLE[affine.function].value(places))
    weights = (phi - phi.mean()) / np.square(phi - phi.mean()).sum()
    found = np.zeros(len(x))
    for place, weight in zip(places, weights, strict=True):
        points = x.copy()
        points[:, affine.i] = place
        found += weight * function(points)
    return found

"""Separability, tested on derivatives: sums and products of functions of fewer variables, also transformed.

    y = a(A, S) + b(B, S)        d2y / dx_i dx_j = 0                        for i in A, j in B
    y = a(A, S) b(B, S)          y y_ij - y_i y_j = 0
    T(y) = a(A, S) + b(B, S)     y_ij / (y_i y_j) = -T''(y) / T'(y)         a function of y alone

S are the variables that both parts share, none in the simplest case. A test is passed where the statistic is
no larger than the error that the derivatives have (`Derivatives.error_of`), and that error is small beside
what a function without the property would show.

Source: the tests of AI Feynman (Udrescu and Tegmark, Sci. Adv. 6 (2020), eaay2631), and, of a transformed
sum, of AI Feynman 2.0 (arXiv:2006.10782, sec. II C), here on second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kan_np._validate import FloatArray
from kan_np.structure.derivatives import Derivatives

#: A test is passed up to this many times the error, if both are below these parts of the usual size. Halves
#: that miss the same things agree better than they are right: 2.8 was seen where the property holds (seed 0).
_PASSED, _TELLING, _LARGEST = 4.0, 0.06, 0.12
#: Statistics below this part of the usual size are rounding of differences.
_ROUNDING = 1e-7


@dataclass(frozen=True)
class StructureTest:
    """What a test saw, all in parts of the size that a function without the property would have.

    Attributes
    ----------
    statistic : float
        Root mean square over the points.
    error : float
        What errors of the derivatives alone would make of it; infinite where nothing can be told, as of a
        function that is constant at the points.
    """

    statistic: float
    error: float

    @property
    def passed(self) -> bool:
        """Whether the error explains the statistic, and is small enough to tell."""
        return self.known and self.statistic <= min(max(_PASSED * self.error, _ROUNDING), _LARGEST)

    @property
    def known(self) -> bool:
        """Whether the derivatives are accurate enough for the test to say anything."""
        return self.error <= _TELLING


#: The test of a function of which nothing can be told.
UNKNOWN = StructureTest(np.inf, np.inf)


def tested(
    d: Derivatives, statistic: Callable[[Derivatives], FloatArray], usual: FloatArray
) -> StructureTest:
    """The test of a statistic (n,) that is to vanish, in units of the size `usual` (n,).

    Parameters
    ----------
    d : Derivatives
    statistic : callable
    usual : ndarray of shape (n,)
    """
    if d.spread == 0.0:
        return UNKNOWN
    size = _root_mean(usual)
    return StructureTest(
        in_parts(_root_mean(statistic(d)), size), in_parts(_root_mean(d.error_of(statistic)), size)
    )


def in_parts(value: float, size: float) -> float:
    """Value over the usual size, which is 0 of a variable that is not used: then nothing but 0 is small."""
    if not (np.isfinite(value) and np.isfinite(size)):
        return np.inf
    if size == 0.0:
        return 0.0 if value == 0.0 else np.inf
    return value / size


def additive(d: Derivatives, i: int, j: int) -> StructureTest:
    """Whether y = a(without x_j) + b(without x_i).

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.structure.derivatives import derivatives_of
    >>> x = np.random.default_rng(0).uniform(1, 2, (100, 2))
    >>> found = derivatives_of(lambda x: np.exp(x[:, 0]) + 1 / x[:, 1], x)
    >>> additive(found, 0, 1).passed, multiplicative(found, 0, 1).passed
    (True, False)
    """
    # of a product the mixed derivative is y_i y_j / y
    usual = d.gradient[:, i] * (d.gradient[:, j] / (d.spread or 1.0))
    return tested(d, lambda d: d.hessian[:, i, j], usual)


def multiplicative(d: Derivatives, i: int, j: int) -> StructureTest:
    """Whether y = a(without x_j) b(without x_i)."""
    usual = d.gradient[:, i] * d.gradient[:, j]

    def statistic(d: Derivatives) -> FloatArray:
        return d.value * d.hessian[:, i, j] - d.gradient[:, i] * d.gradient[:, j]

    return tested(d, statistic, usual)


def power_that_adds(d: Derivatives, i: int, j: int) -> tuple[float, StructureTest]:
    """The power p for which y^p is the most additive in x_i and x_j, 0 for log y, and the test of it.

    -T''/T' = (1 - p) / y, so that y y_ij = (1 - p) y_i y_j: least squares for 1 - p.
    """
    product = d.gradient[:, i] * d.gradient[:, j]
    mixed = d.value * d.hessian[:, i, j]
    square = float(product @ product)
    q = float(product @ mixed) / square if square > 0 else 0.0

    def statistic(d: Derivatives) -> FloatArray:
        return d.value * d.hessian[:, i, j] - q * d.gradient[:, i] * d.gradient[:, j]

    return 1.0 - q, tested(d, statistic, product)


@dataclass(frozen=True)
class Split:
    """Variables of two parts, and those that both have."""

    first: tuple[int, ...]
    second: tuple[int, ...]
    shared: tuple[int, ...]


def splits(holds: np.ndarray) -> list[Split]:
    """Ways in which a function falls into two parts, those that share the fewest variables first.

    Variables that cannot be separated from a part belong to it, or are shared.

    Parameters
    ----------
    holds : ndarray of bool of shape (d, d)
        Symmetric: whether x_i and x_j can be in different parts.

    Examples
    --------
    >>> import numpy as np
    >>> holds = np.array([[False, False, True], [False, False, False], [True, False, False]])
    >>> splits(holds)
    [Split(first=(0,), second=(2,), shared=(1,))]
    """
    d = len(holds)
    found: dict[frozenset[tuple[int, ...]], Split] = {}
    for i in range(d):
        for j in range(i):
            if not holds[i, j]:
                continue
            # the parts grow by whatever agrees with all of the other part
            first = _grown(holds, {j}, {i})
            second = {b for b in range(d) if b not in first and all(holds[a, b] for a in first)}
            shared = tuple(k for k in range(d) if k not in first and k not in second)
            split = Split(tuple(sorted(first)), tuple(sorted(second)), shared)
            found.setdefault(frozenset((split.first, split.second)), split)
    return sorted(found.values(), key=lambda s: (len(s.shared), s.first, s.second))


def _grown(holds: np.ndarray, first: set[int], second: set[int]) -> set[int]:
    """The first part with all that cannot be separated from it, as far as that can be from the second."""
    grown = set(first)
    while True:
        more = {
            k
            for k in range(len(holds))
            if k not in grown and any(not holds[k, a] for a in grown) and all(holds[k, b] for b in second)
        }
        if not more:
            return grown
        grown |= more


def _root_mean(values: FloatArray) -> float:
    values = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(np.square(values)))) if values.size else np.inf

"""Which few columns of a dictionary make a curve: sparse least squares by trying all small sets.

For columns that are centred, weighted and of length 1, with G their products and b those with the curve, the
part of the variance that a set S explains is b_S' G_S^-1 b_S. Blocks have one or two columns (a wave and its
quarter turn), orthonormal within; for two of them, with C the products of the one with the other,

    |b_1|^2 + r' (1 - C'C)^-1 r,       r = b_2 - C' b_1,

which is computed for all pairs at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray

#: Sets in which a column leaves no more than this part of its square to the others are no sets.
_DEPENDENT = 1e-9


@dataclass(frozen=True)
class Blocks:
    """Blocks of at most two columns.

    Attributes
    ----------
    first, second : ndarray of shape (m, n)
        Orthonormal columns of each block, as rows; the second is 0 where there is one only.
    """

    first: FloatArray
    second: FloatArray

    @classmethod
    def of(cls, first: FloatArray, second: FloatArray) -> Blocks:
        """Blocks of centred, weighted columns of any length."""
        first = _unit(first)
        second = second - (first * second).sum(axis=1)[:, None] * first
        return cls(first, _unit(second))

    def gains(self, z: FloatArray, given: FloatArray | None = None) -> FloatArray:
        """What each block explains of z beside the orthonormal columns `given`, of shape (n, k)."""
        b0, b1 = self.first @ z, self.second @ z
        if given is None or given.shape[1] == 0:
            return np.asarray(b0**2 + b1**2)
        z = z - given @ (given.T @ z)
        p0, p1 = self.first @ given, self.second @ given
        b0, b1 = self.first @ z, self.second @ z
        has = (np.abs(self.second).max(axis=1) > 0).astype(float)
        return _quadratic(
            1.0 - (p0**2).sum(axis=1), has - (p1**2).sum(axis=1) + (1 - has), -(p0 * p1).sum(axis=1), b0, b1
        )

    def pair_gains(self, z: FloatArray) -> FloatArray:
        """What each two blocks explain of z: shape (m, m), symmetric up to rounding."""
        b0, b1 = self.first @ z, self.second @ z
        c00, c01 = self.first @ self.first.T, self.first @ self.second.T
        c10, c11 = c01.T, self.second @ self.second.T
        # rows are the first of the pair, columns the second
        r0 = b0[None, :] - (b0[:, None] * c00 + b1[:, None] * c10)
        r1 = b1[None, :] - (b0[:, None] * c01 + b1[:, None] * c11)
        d00, d11 = 1.0 - c00**2 - c10**2, 1.0 - c01**2 - c11**2
        d01 = -(c00 * c01 + c10 * c11)
        return np.asarray((b0**2 + b1**2)[:, None] + _quadratic(d00, d11, d01, r0, r1))


def _unit(rows: FloatArray) -> FloatArray:
    length = np.sqrt((rows**2).sum(axis=1))[:, None]
    return np.where(length > _DEPENDENT, rows / np.where(length > 0, length, 1.0), 0.0)


def _quadratic(
    d00: FloatArray, d11: FloatArray, d01: FloatArray, r0: FloatArray, r1: FloatArray
) -> FloatArray:
    """r' D^-1 r for 2 x 2 matrices; 0 where D is nearly singular."""
    determinant = d00 * d11 - d01 * d01
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (d11 * r0 * r0 - 2.0 * d01 * r0 * r1 + d00 * r1 * r1) / determinant
    return np.asarray(np.where((determinant > _DEPENDENT) & (d00 > _DEPENDENT), value, 0.0))


@lru_cache(maxsize=64)
def subsets(count: int, size: int) -> NDArray[np.int64]:
    """All sets of so many out of `count`, one a row."""
    return np.array(list(combinations(range(count), size)), dtype=np.int64).reshape(-1, size)


def best_subsets(columns: FloatArray, z: FloatArray, most: int, kept: int) -> Iterator[tuple[int, ...]]:
    """Of every size up to `most` the sets of columns, given as rows, that explain most of z.

    Parameters
    ----------
    columns : ndarray of shape (m, n)
        Centred and weighted.
    z : ndarray of shape (n,)
    most : int
    kept : int
        Sets of each size.
    """
    unit = _unit(columns)
    gram, b = unit @ unit.T, unit @ z
    gram[np.diag_indices_from(gram)] = 1.0 + 1e-13
    for size in range(1, min(most, len(unit)) + 1):
        sets = subsets(len(unit), size)
        matrices, sides = gram[sets[:, :, None], sets[:, None, :]], b[sets]
        try:
            solved = np.linalg.solve(matrices, sides[:, :, None])[:, :, 0]
        except np.linalg.LinAlgError:
            continue
        gains = (solved * sides).sum(axis=1)
        for row in np.argsort(-gains, kind="stable")[:kept]:
            yield tuple(sets[row].tolist())


def product_gains(columns: FloatArray, weight: FloatArray, z: FloatArray) -> FloatArray:
    """What the product of each two columns explains of z: shape (m, m).

    Parameters
    ----------
    columns : ndarray of shape (m, n)
        Plain values, of largest size about 1.
    weight : ndarray of shape (n,)
        Sums to 1.
    z : ndarray of shape (n,)
        Of mean 0 and variance 1.
    """
    weighted = columns * weight
    moment = (weighted * z) @ columns.T
    mean = weighted @ columns.T
    square = (weighted * columns) @ (columns**2).T
    variance = square - mean**2
    with np.errstate(divide="ignore", invalid="ignore"):
        gains = moment**2 / variance
    return np.asarray(np.where(variance > _DEPENDENT * square, gains, 0.0))

"""Which numbers of a network are trained, and which of them are one: free, frozen and tied parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Ints


@dataclass(frozen=True, eq=False)
class ParameterMap:
    """From the vector that an optimizer moves to all numbers of a network.

    Attributes
    ----------
    position : ndarray of int of shape (n_values,)
        Where each number stands in the vector; -1 for those that keep their value.
    """

    position: Ints

    @classmethod
    def of(cls, trained: NDArray[np.bool_], leader: Ints) -> ParameterMap | None:
        """The map for numbers that are trained or not, and share the value of the number `leader`.

        None if every number is trained and stands for itself.
        """
        if trained.all() and np.array_equal(leader, np.arange(leader.size)):
            return None
        position = np.full(leader.size, -1, dtype=np.int64)
        position[trained] = np.unique(leader[trained], return_inverse=True)[1]
        return cls(position)

    @cached_property
    def moved(self) -> Ints:
        """The numbers that are trained."""
        return np.flatnonzero(self.position >= 0)

    @cached_property
    def places(self) -> Ints:
        """Where they stand in the vector."""
        return self.position[self.moved]

    @cached_property
    def first(self) -> Ints:
        """The first number that each entry of the vector stands for."""
        return self.moved[np.unique(self.places, return_index=True)[1]]

    @property
    def n_free(self) -> int:
        """Length of the vector."""
        return int(self.first.size)

    @property
    def is_tied(self) -> bool:
        """Whether an entry of the vector stands for several numbers."""
        return self.moved.size > self.first.size

    def vector(self, values: FloatArray) -> FloatArray:
        """The entries that an optimizer moves, of all numbers."""
        return values[self.first]

    def fill(self, theta: FloatArray, values: FloatArray) -> None:
        """Put a vector into all numbers, in place."""
        values[self.moved] = theta[self.places]

    def gradient(self, by_value: FloatArray) -> FloatArray:
        """Derivatives by the vector from those by all numbers."""
        if not self.is_tied:
            return by_value[self.moved]
        return np.asarray(np.bincount(self.places, by_value[self.moved], self.n_free), dtype=np.float64)

    def rows(self, jacobian: FloatArray) -> FloatArray:
        """Rows by the vector from rows (n_values, n) by all numbers."""
        own = jacobian[self.moved]
        if not self.is_tied:
            return own
        rows = np.zeros((self.n_free, jacobian.shape[1]))
        np.add.at(rows, self.places, own)
        return rows

    def matrix(self, upper: FloatArray) -> FloatArray:
        """Second derivatives by the vector, upper triangle, from those by all numbers."""
        whole = np.triu(upper) + np.triu(upper, 1).T
        own = whole[np.ix_(self.moved, self.moved)]
        if self.is_tied:
            unit = np.zeros((self.n_free, self.moved.size))
            unit[self.places, np.arange(self.moved.size)] = 1.0
            own = unit @ own @ unit.T
        return np.ascontiguousarray(own)

"""Free, frozen and tied parameters: which values of a network are trained, and which share one parameter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Ints


@dataclass(frozen=True, eq=False)
class ParameterMap:
    """Maps the vector theta of trained parameters, which optimizers see, to all values of a network.

    Attributes
    ----------
    position : ndarray of int of shape (n_values,)
        Index in theta of each value; -1 for frozen values.
    """

    position: Ints

    @classmethod
    def of(cls, trained: NDArray[np.bool_], leader: Ints) -> ParameterMap | None:
        """The map for values that are trained or frozen, and tied to the value with the index `leader`.

        None if every value is trained and tied to itself only, so that theta is all values.
        """
        if trained.all() and np.array_equal(leader, np.arange(leader.size)):
            return None
        position = np.full(leader.size, -1, dtype=np.int64)
        position[trained] = np.unique(leader[trained], return_inverse=True)[1]
        return cls(position)

    @cached_property
    def trained(self) -> Ints:
        """Indices of the values that are trained."""
        return np.flatnonzero(self.position >= 0)

    @cached_property
    def trained_position(self) -> Ints:
        """Indices in theta of the trained values."""
        return self.position[self.trained]

    @cached_property
    def first(self) -> Ints:
        """Index of the first value that each entry of theta sets."""
        return self.trained[np.unique(self.trained_position, return_index=True)[1]]

    @property
    def n_free(self) -> int:
        """Length of theta."""
        return int(self.first.size)

    @property
    def is_tied(self) -> bool:
        """Whether an entry of theta sets several values."""
        return self.trained.size > self.first.size

    def vector(self, values: FloatArray) -> FloatArray:
        """theta for all values."""
        return values[self.first]

    def fill(self, theta: FloatArray, values: FloatArray) -> None:
        """Write theta into the trained values, in place."""
        values[self.trained] = theta[self.trained_position]

    def gradient(self, by_value: FloatArray) -> FloatArray:
        """Derivatives by theta from those by all values."""
        if not self.is_tied:
            return by_value[self.trained]
        return np.asarray(
            np.bincount(self.trained_position, by_value[self.trained], self.n_free), dtype=np.float64
        )

    def rows(self, jacobian: FloatArray) -> FloatArray:
        """Rows of a transposed Jacobian by theta from the rows (n_values, n) by all values."""
        own = jacobian[self.trained]
        if not self.is_tied:
            return own
        rows = np.zeros((self.n_free, jacobian.shape[1]))
        np.add.at(rows, self.trained_position, own)
        return rows

    def matrix(self, upper: FloatArray) -> FloatArray:
        """Second derivatives by theta, upper triangle, from those by all values."""
        whole = np.triu(upper) + np.triu(upper, 1).T
        own = whole[np.ix_(self.trained, self.trained)]
        if self.is_tied:
            unit = np.zeros((self.n_free, self.trained.size))
            unit[self.trained_position, np.arange(self.trained.size)] = 1.0
            own = unit @ own @ unit.T
        return np.ascontiguousarray(own)

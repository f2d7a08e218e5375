"""What an edge family has to provide: basis functions psi_r of a node, shared by all edges that leave it.

    phi_ij(x) = sum_r c_ijr psi_r(x)

A family is one class in one file and one line of registration. It says what its functions are, on any
interval; everything else (values and derivatives of a network, Levenberg-Marquardt, intervals that follow
the samples, finer ones, files, pruning, pictures) follows. With a kernel of its own
(`kan_np.kernels.basis_rows`) a family is compiled with the rest of the network; without one the network is
evaluated layer by layer in NumPy, some ten times slower.

B-splines, whose grids may be uneven and whose edges have a base function beside them, are
`kan_np.edges.bspline`, symbols `kan_np.edges.symbol`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Ints

#: The family that is no `Basis`: see `kan_np.edges.bspline`.
BSPLINE = "bspline"

#: Largest size. Least-squares fits between families take memory with its square (8 MB here); the limit itself
#: was chosen by judgement.
LARGEST_SIZE = 1000

#: Two bases are compared on this many points for each function of the larger one; chosen by judgement.
_POINTS = 4


@dataclass(frozen=True, eq=False)
class Basis(ABC):
    """The functions psi_r of several nodes, each on an interval of its own.

    A subclass has a `name`, says how many functions a node has, and evaluates them at the local coordinate
    t in [0, 1] of the interval. How they continue outside is up to the subclass; straight lines are best.

    Attributes
    ----------
    low, high : ndarray of shape (n_nodes,)
        Ends of the intervals.
    size : int
        What a user calls ``grid``: intervals, or the degree.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.edges.registry import family
    >>> basis = family("chebyshev")(np.array([-1.0]), np.array([1.0]), 3)
    >>> basis.values(np.array([[0.5]]))[0, :, 0].tolist()
    [1.0, 0.5, -0.5, -1.0]
    """

    low: FloatArray
    high: FloatArray
    size: int

    #: What users, files and sweeps call the family.
    name: ClassVar[str]
    #: Number of its kernel in `kan_np.kernels.basis_rows`; None without one.
    kernel: ClassVar[int | None] = None

    @property
    @abstractmethod
    def n_functions(self) -> int:
        """Number of functions of a node."""

    @abstractmethod
    def local_values(self, t: FloatArray, nu: int) -> FloatArray:
        """nu-th derivatives by t, nu = 0 to 2: t of any shape gives (n_functions, *shape)."""

    def values(self, x: FloatArray, nu: int = 0) -> FloatArray:
        """nu-th derivatives by x: (n_nodes, n) gives (n_nodes, n_functions, n)."""
        scale = 1.0 / (self.high - self.low)
        t = (x - self.low[:, None]) * scale[:, None]
        rows = np.moveaxis(self.local_values(t, nu), 0, 1)
        return np.asarray(rows * scale[:, None, None] ** nu, dtype=np.float64)

    @property
    def constant(self) -> FloatArray:
        """Coefficients of the function 1: (n_functions,)."""
        t = np.linspace(0.0, 1.0, _POINTS * self.n_functions)
        coef = np.linalg.lstsq(self.local_values(t, 0).T, np.ones(t.size), rcond=None)[0]
        return np.asarray(coef, dtype=np.float64)

    @property
    def roughness(self) -> FloatArray:
        """Integrals over [0, 1] of products of second derivatives by t: (n_functions, n_functions)."""
        return self._products(2)

    @property
    def slope(self) -> FloatArray:
        """Integrals over [0, 1] of products of first derivatives by t: (n_functions, n_functions)."""
        return self._products(1)

    def _products(self, nu: int) -> FloatArray:
        n = _POINTS * self.n_functions
        t = (np.arange(n) + 0.5) / n
        rows = self.local_values(t, nu)
        return np.asarray(rows @ rows.T / n, dtype=np.float64)

    def moved(self, low: FloatArray, high: FloatArray) -> Self:
        """The same family on other intervals."""
        return replace(self, low=low, high=high)

    def resized(self, size: int) -> Self:
        """The same family of another size on the same intervals."""
        return replace(self, size=size)

    def carry_over(self, other: Basis, coef: FloatArray, source: Ints) -> FloatArray:
        """Coefficients on `other`, of any family, of the functions that have the coefficients `coef` here.

        Least squares on points spread evenly over the intervals of `other`: exact to rounding where the
        functions are among those of `other`.

        Parameters
        ----------
        coef : ndarray of shape (n_edges, n_functions)
        source : ndarray of shape (n_edges,)
            Node of each edge.
        """
        x = other.points(max(self.n_functions, other.n_functions))
        carried = np.empty((coef.shape[0], other.n_functions))
        new, old = other.values(x), self.values(x)
        alike = type(self) is type(other) and self.size == other.size
        stays = alike & (self.low == other.low) & (self.high == other.high)
        for i in np.unique(source).tolist():
            edges = source == i
            if stays[i]:  # the functions are the same: their coefficients are kept without rounding
                carried[edges] = coef[edges]
                continue
            carried[edges] = fitted(new[i], (coef[edges] @ old[i]))
        return carried

    def points(self, n_functions: int | None = None) -> FloatArray:
        """Evenly spaced points over the intervals, enough to tell `n_functions` apart: (n_nodes, n)."""
        n = _POINTS * (n_functions or self.n_functions)
        t = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n)
        return self.low[:, None] + (self.high - self.low)[:, None] * t

    def part(self, nodes: slice | Sequence[int]) -> Self:
        """The functions of some of the nodes."""
        return replace(self, low=self.low[nodes], high=self.high[nodes])

    @classmethod
    def joined(cls, parts: Sequence[Basis]) -> Self:
        """The functions of the nodes of all `parts`, which have one size."""
        low, high = (np.concatenate([getattr(part, name) for part in parts]) for name in ("low", "high"))
        return cls(low, high, parts[0].size)


def fitted(rows: FloatArray, values: FloatArray) -> FloatArray:
    """Least-squares coefficients of values (n_edges, n) by functions (n_functions, n)."""
    return np.asarray(np.linalg.lstsq(rows.T, values.T, rcond=None)[0].T, dtype=np.float64)


#: All families but B-splines, by name; `kan_np.edges.registry` looks them up.
FAMILIES: dict[str, type[Basis]] = {}


def register(cls: type[Basis]) -> type[Basis]:
    """Make a family known by its name; a decorator of its class.

    Raises
    ------
    ValueError
        If another family has the name.
    """
    known = FAMILIES.get(cls.name)
    if cls.name == BSPLINE or (known is not None and known is not cls):
        raise ValueError(f"the name {cls.name!r} of an edge family is taken; choose another.")
    FAMILIES[cls.name] = cls
    return cls

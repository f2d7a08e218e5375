"""What an edge family has to provide: edges that are linear in their parameters, and those that are not.

A `Basis` has functions psi_r of a node, shared by all edges that leave it,

    phi_ij(x) = sum_r theta_ijr psi_r(x).

A `Pointwise` family (`kan_np.edges.pointwise`) has any function phi(x; theta) of an edge's own parameters. A
family of either kind is one class in one file and one line of registration. It says what its functions are;
everything else (values and derivatives of a network, Levenberg-Marquardt, intervals that follow the samples,
larger sizes, files, pruning, pictures) follows. With a kernel of its own (`kan_np.kernels.family_rows`) a
family is compiled with the rest of the network; without one the network is evaluated layer by layer in NumPy,
some ten times slower.

B-splines, whose grids may be uneven and whose edges have a base function beside them, are
`kan_np.edges.bspline`, symbols `kan_np.edges.symbol`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Ints

#: The family that is no `EdgeFamily`: see `kan_np.edges.bspline`.
BSPLINE = "bspline"

#: Largest size of a basis. Least-squares fits between families take memory with its square (8 MB here); the
#: limit itself was chosen by judgement.
LARGEST_SIZE = 1000

#: Two bases are compared on this many points for each function of the larger one; chosen by judgement.
_POINTS = 4


#: See `kan_np.kernels.family_rows`.
RowsKernel = Callable[..., None]


class ConstantError(ValueError):
    """A constant is to be added to an edge of a family that has no constants, such as w x."""


@dataclass(frozen=True)
class Option:
    """A setting of a family, beside its size.

    Attributes
    ----------
    name : str
        What users call it.
    default : float
        0 or 1 for a switch.
    low, high : float
        Range of allowed values.
    kind : {float, int, bool}
    """

    name: str
    default: float
    low: float = 0.0
    high: float = 1.0
    kind: type = float

    def checked(self, value: object) -> float:
        """The value as a float.

        Raises
        ------
        ValueError, TypeError
            For a value that is not allowed.
        """
        if self.kind is bool:
            if not isinstance(value, (bool, np.bool_)):
                raise TypeError(f"{self.name} is {_validate.shown(value)}; expected True or False.")
            return float(value)
        if self.kind is int:
            return float(_validate.integer(self.name, value, int(self.low), int(self.high)))
        return _validate.real(self.name, value, self.low, self.high)


@dataclass(frozen=True, eq=False)
class EdgeFamily(ABC):
    """The functions of edges that leave several nodes. Use `Basis` or `Pointwise` as base of a new family.

    Attributes
    ----------
    low, high : ndarray of shape (n_nodes,)
        Ends of the interval where the samples of each node lie.
    size : int
        What a user calls ``grid``, or by the family's own word: intervals, the degree, hidden nodes, ...
    settings : tuple of float
        A value for each of `options`; the defaults if empty.
    """

    low: FloatArray
    high: FloatArray
    size: int
    settings: tuple[float, ...] = ()

    #: What users, files and sweeps call the family.
    name: ClassVar[str]
    #: The compiled function that fills its rows, as `kan_np.kernels.family_rows` says; None without one.
    kernel: ClassVar[RowsKernel | None] = None
    #: The family's own word for its size.
    size_name: ClassVar[str] = "grid"
    #: Sizes that the family has. If both are the same, a size that a user gives to all families is ignored.
    smallest: ClassVar[int] = 1
    largest: ClassVar[int] = LARGEST_SIZE
    #: Sizes that are trained in turn where none are given.
    sizes: ClassVar[tuple[int, ...]] = (3, 5, 10, 20, 50)
    #: Settings beside the size.
    options: ClassVar[tuple[Option, ...]] = ()
    #: Whether the constants are among the functions of an edge.
    has_constants: ClassVar[bool] = True
    #: Whether formulas of networks have its edges written out without being asked to, because they are short.
    is_short: ClassVar[bool] = False
    #: Whether a multiple of a size contains the functions of that size.
    is_nested: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Fill in the defaults of the settings."""
        if not self.settings and self.options:
            object.__setattr__(self, "settings", tuple(option.default for option in self.options))

    def setting(self, name: str) -> float:
        """The value of one of `options`."""
        return self.settings[[option.name for option in self.options].index(name)]

    @property
    def key(self) -> tuple[type[EdgeFamily], int, tuple[float, ...]]:
        """Family, size and settings: equal for edges that can be evaluated together."""
        return type(self), self.size, self.settings

    @property
    def follows_samples(self) -> bool:
        """Whether the functions depend on the interval, which moves with the samples."""
        return True

    @property
    @abstractmethod
    def n_params(self) -> int:
        """Number of parameters of an edge."""

    @abstractmethod
    def curves(self, theta: FloatArray, source: Ints, x: FloatArray, nu: int = 0) -> FloatArray:
        """phi of edges, or its nu-th derivative by x.

        Parameters
        ----------
        theta : ndarray of shape (n_edges, n_params)
        source : ndarray of shape (n_edges,)
            Node of each edge.
        x : ndarray of shape (n_nodes, n)
        nu : {0, 1, 2, 3, 4}
            The fourth only for parameters of networks whose third derivatives are fitted.

        Returns
        -------
        ndarray of shape (n_edges, n)
        """

    @abstractmethod
    def parameter_rows(self, theta: FloatArray, source: Ints, x: FloatArray) -> tuple[FloatArray, Ints]:
        """Derivatives of phi by the parameters of edges.

        Returns
        -------
        rows : ndarray of shape (n_blocks, n_params, n)
        block : ndarray of shape (n_edges,)
            Which of them are those of each edge: edges of a basis that leave one node share theirs.
        """

    @abstractmethod
    def fitted(self, x: FloatArray, source: Ints, y: FloatArray) -> FloatArray:
        """Parameters of edges whose functions are near to samples: x (n_nodes, n), y (n_edges, n)."""

    @abstractmethod
    def carry_over(self, other: Self, theta: FloatArray, source: Ints) -> FloatArray:
        """Parameters on `other`, the same family of another size or on other intervals, of edges here."""

    @abstractmethod
    def constants(self, theta: FloatArray, values: FloatArray) -> FloatArray:
        """Parameters of edges that are constants, (n_edges,) `values`, near to the parameters `theta`.

        Raises
        ------
        ConstantError
            For a family without constants.
        """

    @abstractmethod
    def plus_constant(self, theta: FloatArray, constant: float) -> FloatArray:
        """Parameters (..., n_params) of the functions with a constant added.

        Raises
        ------
        ConstantError
            For a family without constants.
        """

    @abstractmethod
    def times(self, theta: FloatArray, factor: float) -> FloatArray:
        """Parameters (..., n_params) of the functions times a factor."""

    @abstractmethod
    def prior_matrix(self, curvature: float) -> FloatArray:
        """Matrix of a sum of squares of an edge's parameters that is 0 for constants.

        Where it can it is the integral of phi'^2 + curvature phi''^2 over an interval of unit length; see
        `kan_np.objective.shrinkage`.
        """

    def expression(self, theta: FloatArray, node: int, x: Any) -> Any:
        """The function of an edge as a sympy expression; None for a family without a formula.

        Parameters
        ----------
        theta : ndarray of shape (n_params,)
        node : int
            Source of the edge.
        x : sympy.Expr

        Returns
        -------
        sympy.Expr or None
            Valid on the interval of the node; outside a basis may go on otherwise.
        """
        return None

    def moved(self, low: FloatArray, high: FloatArray) -> Self:
        """The same family on other intervals."""
        return replace(self, low=low, high=high)

    def resized(self, size: int) -> Self:
        """The same family of another size on the same intervals."""
        return replace(self, size=size)

    def grown(self, size: int) -> Self:
        """The same family of at least this size; of the only one that it has, where there is no other."""
        return self if self.smallest == self.largest else self.resized(max(self.size, size))

    def part(self, nodes: slice | Sequence[int]) -> Self:
        """The functions of some of the nodes."""
        return replace(self, low=self.low[nodes], high=self.high[nodes])

    @classmethod
    def joined(cls, parts: Sequence[EdgeFamily]) -> Self:
        """The functions of the nodes of all `parts`, which have one size and the same settings."""
        low, high = (np.concatenate([getattr(part, name) for part in parts]) for name in ("low", "high"))
        return cls(low, high, parts[0].size, parts[0].settings)

    def points(self, n_params: int | None = None) -> FloatArray:
        """Points over the intervals, enough to tell functions of `n_params` numbers apart: (n_nodes, n)."""
        n = _POINTS * (n_params or self.n_params)
        t = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n)
        return self.low[:, None] + (self.high - self.low)[:, None] * t

    def aliasing(self, node: int, theta: FloatArray, values: FloatArray) -> str:
        """What frequencies of edges cannot be told apart on samples of their node, in words; mostly nothing.

        Parameters
        ----------
        node : int
        theta : ndarray of shape (n_edges, n_params)
        values : ndarray of shape (n,)
            Distinct and increasing.

        Returns
        -------
        str
            Half a sentence about the node, such as "has 3 distinct values, fewer than ...", or "".
        """
        return ""


@dataclass(frozen=True, eq=False)
class Basis(EdgeFamily):
    """The functions psi_r of several nodes, each on an interval of its own: phi = sum_r theta_r psi_r.

    A subclass has a `name`, says how many functions a node has, and evaluates them at the local coordinate
    t in [0, 1] of the interval. How they continue outside is up to the subclass; straight lines are best.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np.edges.registry import family
    >>> basis = family("chebyshev")(np.array([-1.0]), np.array([1.0]), 3)
    >>> basis.values(np.array([[0.5]]))[0, :, 0].tolist()
    [1.0, 0.5, -0.5, -1.0]
    """

    @abstractmethod
    def local_values(self, t: FloatArray, nu: int) -> FloatArray:
        """nu-th derivatives by t, nu = 0 to 4: t of any shape gives ``(n_params, *shape)``."""

    def values(self, x: FloatArray, nu: int = 0) -> FloatArray:
        """nu-th derivatives by x: (n_nodes, n) gives (n_nodes, n_params, n)."""
        scale = 1.0 / (self.high - self.low)
        t = (x - self.low[:, None]) * scale[:, None]
        rows = np.moveaxis(self.local_values(t, nu), 0, 1)
        return np.asarray(rows * scale[:, None, None] ** nu, dtype=np.float64)

    def derivatives(self, x: FloatArray, highest: int) -> FloatArray:
        """Values and derivatives by x up to the highest: (n_nodes, n_params, highest + 1, n)."""
        return np.stack([self.values(x, nu) for nu in range(highest + 1)], axis=2)

    def curves(self, theta: FloatArray, source: Ints, x: FloatArray, nu: int = 0) -> FloatArray:
        """phi of edges; see `EdgeFamily`."""
        rows, out = self.values(x, nu), np.empty((theta.shape[0], x.shape[1]))
        for i in np.unique(source).tolist():
            edges = source == i
            out[edges] = theta[edges] @ rows[i]
        return out

    def parameter_rows(self, theta: FloatArray, source: Ints, x: FloatArray) -> tuple[FloatArray, Ints]:
        """The functions of all nodes; see `EdgeFamily`."""
        return self.values(x), source

    def fitted(self, x: FloatArray, source: Ints, y: FloatArray) -> FloatArray:
        """Parameters of edges by least squares; see `EdgeFamily`."""
        rows = self.values(x)
        found = [least_squares(rows[i], values[None])[0] for i, values in zip(source, y, strict=True)]
        return np.array(found, dtype=np.float64).reshape(-1, self.n_params)

    def carry_over(self, other: Self, theta: FloatArray, source: Ints) -> FloatArray:
        """By least squares on points spread over the intervals of `other`; see `EdgeFamily`.

        Exact to rounding where the functions are among those of `other`.
        """
        alike = self.key == other.key
        if alike and not self.follows_samples:
            return theta
        x = other.points(max(self.n_params, other.n_params))
        carried = np.empty((theta.shape[0], other.n_params))
        stays = alike & (self.low == other.low) & (self.high == other.high)
        for i in np.unique(source).tolist():
            edges = source == i
            if stays[i]:  # the functions are the same: their coefficients are kept without rounding
                carried[edges] = theta[edges]
                continue
            old, new = (basis.part([i]).values(x[[i]])[0] for basis in (self, other))
            carried[edges] = least_squares(new, theta[edges] @ old)
        return carried

    @property
    def constant(self) -> FloatArray:
        """Coefficients of the function 1: (n_params,)."""
        t = np.linspace(0.0, 1.0, _POINTS * self.n_params)
        return least_squares(self.local_values(t, 0), np.ones((1, t.size)))[0]

    def constants(self, theta: FloatArray, values: FloatArray) -> FloatArray:
        """Parameters of constants; see `EdgeFamily`."""
        return np.outer(values, self.constant)

    def plus_constant(self, theta: FloatArray, constant: float) -> FloatArray:
        """Parameters with a constant added; see `EdgeFamily`."""
        return theta + constant * self.constant

    def times(self, theta: FloatArray, factor: float) -> FloatArray:
        """Parameters times a factor; see `EdgeFamily`."""
        return factor * theta

    @property
    def roughness(self) -> FloatArray:
        """Integrals over [0, 1] of products of second derivatives by t: (n_params, n_params)."""
        return self._products(2)

    @property
    def slope(self) -> FloatArray:
        """Integrals over [0, 1] of products of first derivatives by t: (n_params, n_params)."""
        return self._products(1)

    def prior_matrix(self, curvature: float) -> FloatArray:
        """Matrix of the integral of phi'^2 + curvature phi''^2; see `EdgeFamily`."""
        return np.asarray(self.slope + curvature * self.roughness)

    def _products(self, nu: int) -> FloatArray:
        n = _POINTS * self.n_params
        t = (np.arange(n) + 0.5) / n
        rows = self.local_values(t, nu)
        return np.asarray(rows @ rows.T / n, dtype=np.float64)


def as_float(value: float) -> Any:
    """A parameter as a sympy number, with all its digits."""
    import sympy

    return sympy.Float(float(value), 17)


def least_squares(rows: FloatArray, values: FloatArray) -> FloatArray:
    """Least-squares coefficients of values (n_edges, n) by functions (n_functions, n)."""
    return np.asarray(np.linalg.lstsq(rows.T, values.T, rcond=None)[0].T, dtype=np.float64)


#: All families but B-splines, by name; `kan_np.edges.registry` looks them up.
FAMILIES: dict[str, type[EdgeFamily]] = {}


def register(cls: type[EdgeFamily]) -> type[EdgeFamily]:
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

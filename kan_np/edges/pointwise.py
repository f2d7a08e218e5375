"""Families that are not linear in their parameters: every edge has a function phi(x; theta) of its own.

Such functions have no interval: they take x as it is. Part of the parameters enters linearly (amplitudes, the
constant): for given others these are found by linear least squares, which starts a fit to samples of a
function well.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.family import EdgeFamily
from kan_np.kernels.arrays import Ints

#: Largest size; fits to samples of a function take time with its third power. Chosen by judgement.
LARGEST_POINTWISE = 200
#: Least-squares fits of one edge go on from so many guesses, those with the least error. Chosen by judgement.
_REFINED = 2
#: A guess that leaves no more than this part of the values is taken as it is. Chosen by judgement.
_EXACT = 1e-10
#: Bounds of the evaluations of a fit, and the multiplications that it may take; chosen by judgement.
_EVALUATIONS, _MULTIPLICATIONS = (5, 100), 1e8
#: Weight of squared amplitudes in the prior of few samples, beside that of integrals of squared slopes; that
#: of base weights in `kan_np.objective.shrinkage`.
_RIDGE = 20.0
#: Relative singular value below which linear least squares leaves a direction out; chosen by judgement.
_RCOND = 1e-10
#: Factors of amplitudes and of frequencies (inverse scales) that each start has. They, and the amplitudes of
#: the families, are from fits as in `kan_np.edges.gaussian`: with amplitudes of 0.5, 1, 2 and 4 errors were
#: 0.11, 0.059, 0.024 and 0.047 for two sines, 0.15, 0.056, 0.039 and 0.035 for two wavelets, 0.0020, 0.0091,
#: 0.012 and 0.016 for degree 4, and 0.011, 0.0087, 0.024 and 0.042 for two hidden nodes. With doubled
#: frequencies they were higher in 14 of these 16 cases.
_STARTS = {"pykan": (1.0, 1.0), "wide": (2.0, 0.5), "power": (0.5, 1.0)}


@dataclass(frozen=True, eq=False)
class Pointwise(EdgeFamily):
    """Edges phi(x; theta) with parameters of their own, not linear in all of them.

    A subclass lists its groups of parameters, those that phi is linear in, and evaluates phi and its
    derivatives. A larger size has more parameters in every group, the first of which are those of the smaller
    one, so that functions stay the same.
    """

    largest: ClassVar[int] = LARGEST_POINTWISE
    sizes: ClassVar[tuple[int, ...]] = (1, 2, 4, 8)

    @property
    def follows_samples(self) -> bool:
        """False: the functions take x as it is."""
        return False

    @property
    @abstractmethod
    def groups(self) -> tuple[int, ...]:
        """Number of parameters of each group, in their order."""

    @property
    @abstractmethod
    def linear(self) -> tuple[bool, ...]:
        """For each group whether phi is linear in it; where all of these are 0, phi is 0."""

    @abstractmethod
    def phi(self, theta: FloatArray, x: FloatArray, nu: int = 0) -> FloatArray:
        """phi or its nu-th derivative by x, nu = 0 to 4: theta (n_edges, n_params), x (n_edges, n)."""

    @abstractmethod
    def by_params(self, theta: FloatArray, x: FloatArray, nu: int = 0) -> FloatArray:
        """Derivatives by the parameters of phi, or of its nu-th derivative by x: (n_edges, n_params, n)."""

    @abstractmethod
    def guesses(self, low: float, high: float) -> FloatArray:
        """Parameters (n_guesses, n_params) for functions on an interval; those phi is linear in are ignored.

        The first one fills up the parameters of a larger size.
        """

    @abstractmethod
    def start(self, init: str, fan_in: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Random parameters (n_edges, n_params) of untrained edges.

        Parameters
        ----------
        init : str
            One of `kan_np.network.initialization.STARTS`.
        fan_in : ndarray of shape (n_edges,)
            Inputs of the layer of each edge.
        rng : numpy.random.Generator
        """

    @property
    def n_params(self) -> int:
        """Number of parameters of an edge."""
        return sum(self.groups)

    @property
    def is_linear(self) -> np.ndarray:
        """True for the parameters that phi is linear in: (n_params,)."""
        return np.repeat(np.array(self.linear), self.groups)

    def split(self, theta: FloatArray) -> list[FloatArray]:
        """The groups of parameters (..., n_params), as views."""
        return np.split(theta, np.cumsum(self.groups)[:-1], axis=-1)

    def curves(self, theta: FloatArray, source: Ints, x: FloatArray, nu: int = 0) -> FloatArray:
        """phi of edges; see `EdgeFamily`."""
        return self.phi(theta, x[source], nu)

    def parameter_rows(self, theta: FloatArray, source: Ints, x: FloatArray) -> tuple[FloatArray, Ints]:
        """Derivatives by parameters, for every edge its own; see `EdgeFamily`."""
        return self.by_params(theta, x[source]), np.arange(source.size)

    def constants(self, theta: FloatArray, values: FloatArray) -> FloatArray:
        """Edges without amplitudes; see `EdgeFamily`."""
        found = np.where(self.is_linear, 0.0, theta)
        for row, value in zip(found, values.tolist(), strict=True):
            row[:] = self.plus_constant(row, value)
        return found

    def plus_constant(self, theta: FloatArray, constant: float) -> FloatArray:
        """Parameters with a constant added to the last one; see `EdgeFamily`."""
        more = theta.copy()
        more[..., -1] += constant
        return more

    def times(self, theta: FloatArray, factor: float) -> FloatArray:
        """Amplitudes times a factor; see `EdgeFamily`."""
        return np.where(self.is_linear, factor * theta, theta)

    def prior_matrix(self, curvature: float) -> FloatArray:
        """A ridge on amplitudes, for squared slopes are no sum of squares of these parameters."""
        weight = np.where(self.is_linear, _RIDGE, 0.0)
        weight[-1] = 0.0
        return np.diag(weight)

    def carry_over(self, other: Self, theta: FloatArray, source: Ints) -> FloatArray:
        """The same functions, with terms more that are 0 where `other` is larger; see `EdgeFamily`."""
        if other.size == self.size:
            return theta
        carried = np.empty((theta.shape[0], other.n_params))
        for e, i in enumerate(source.tolist()):
            idle = other.idle(self.low[i], self.high[i])
            for old, new in zip(self.split(theta[e]), other.split(idle), strict=True):
                new[: old.size] = old
            carried[e] = idle
        return carried

    def idle(self, low: float, high: float) -> FloatArray:
        """Parameters (n_params,) whose terms are all 0, but with derivatives that are not."""
        return np.where(self.is_linear, 0.0, self.guesses(low, high)[0])

    def fitted(self, x: FloatArray, source: Ints, y: FloatArray) -> FloatArray:
        """Parameters of edges by nonlinear least squares from several guesses; see `EdgeFamily`."""
        found = [self.fitted_edge(x[i], values) for i, values in zip(source.tolist(), y, strict=True)]
        return np.array(found, dtype=np.float64).reshape(-1, self.n_params)

    def fitted_edge(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Parameters of one edge for samples y at x, both of shape (n,).

        For each of `guesses` the linear parameters are found by linear least squares; from the best ones
        Levenberg and Marquardt's method goes on.
        """
        from scipy import optimize

        tried = [self._with_linear(guess, x, y) for guess in self.guesses(float(x.min()), float(x.max()))]
        size = float(np.linalg.norm(y))
        tried.sort(key=lambda pair: pair[0])
        if tried[0][0] <= _EXACT * size:
            return tried[0][1]
        few, many = _EVALUATIONS
        most = int(np.clip(_MULTIPLICATIONS / (x.size * self.n_params**2), few, many))
        best = tried[0]
        for _, guess in tried[:_REFINED]:
            with np.errstate(all="ignore"):
                fit = optimize.least_squares(
                    lambda theta: self.phi(theta[None], x[None])[0] - y,
                    guess,
                    jac=lambda theta: self.by_params(theta[None], x[None])[0].T,
                    method="lm",
                    x_scale="jac",
                    max_nfev=most,
                )
            error = float(np.linalg.norm(fit.fun))
            if np.isfinite(error) and error < best[0]:
                best = error, np.asarray(fit.x, dtype=np.float64)
        return best[1]

    def _with_linear(self, guess: FloatArray, x: FloatArray, y: FloatArray) -> tuple[float, FloatArray]:
        """Error of a guess with its best linear parameters, and all its parameters."""
        linear, theta = self.is_linear, guess.copy()
        with np.errstate(all="ignore"):
            rows = self.by_params(np.where(linear, 0.0, theta)[None], x[None])[0][linear]
            theta[linear] = np.linalg.lstsq(rows.T, y, rcond=_RCOND)[0]
            error = float(np.linalg.norm(self.phi(theta[None], x[None])[0] - y))
        return (error if np.isfinite(error) else np.inf), theta


def start_scales(init: str) -> tuple[float, float]:
    """Factors of amplitudes and of frequencies for the name of a start."""
    return _STARTS[init]

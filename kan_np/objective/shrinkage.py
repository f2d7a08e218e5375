"""A prior for KANs with more parameters than the samples determine: it draws edges towards constants.

    P(theta) = sum over edges of v [(m - 1) sum_r (c_{r+1} - c_r)^2
                                    + 0.2 (m - 1)^3 sum_r (c_{r+1} - 2 c_r + c_{r-1})^2 + 20 w^2],

m = G + k the number of coefficients c and w the weight of the base function. With the powers of m - 1 the
sums approximate, on any grid, the integrals of phi'^2 and phi''^2 over a grid of unit length. v is 1 for the
edges of the last layer and the variance of the labels for the others, so that the effect of the weight of P
does not depend on the units of the labels. The smoothing of P-splines (`kan_np.objective.smoothing`) vanishes
for straight lines, P for constants only: with a large weight the network is the mean of the labels. For other
families it is the integral of phi'^2 + 0.2 phi''^2 over an interval of unit length where that is a sum of
squares of the parameters, and else a ridge on amplitudes (`kan_np.edges.pointwise`).

Source of the two terms: P. H. C. Eilers and B. D. Marx (2010), Splines, knots, and penalties, WIREs
Computational Statistics 2, 637.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Ints
from kan_np.network.network import Network
from kan_np.network.structure import Structure
from kan_np.objective.objective import SampledObjective

#: Weight of the curvature, and of the squared base weight. On nine tables of 16 to 64 rows the geometric mean
#: of test RMSE over the RMSE of predicting the mean was 0.56 without curvature, 0.53 with 0.02 and 0.52 with
#: 0.2. It depended on the second weight by less than 0.02; 20 is about P of SiLU on a grid from -2.5 to 2.5.
_CURVATURE, _BASE = 0.2, 20.0


@cache
def prior_matrix(n_basis: int, has_base: int) -> FloatArray:
    """The matrix of P for one edge, of shape (has_base + n_basis, has_base + n_basis), for v = 1."""
    b, steps = has_base, max(n_basis - 1, 1)
    matrix = np.zeros((b + n_basis, b + n_basis))
    for order, weight in ((1, steps), (2, _CURVATURE * steps**3)):
        differences = np.diff(np.eye(n_basis), order, axis=0)
        matrix[b:, b:] += weight * differences.T @ differences
    if b:
        matrix[0, 0] = _BASE
    matrix.flags.writeable = False
    return matrix


class Prior(Protocol):
    """A sum of squares P of the parameters that is 0 for constants."""

    def value_and_slope(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """P and its gradient at the flat vector theta."""

    def add_curvature(self, hessian: FloatArray, weight: float) -> None:
        """Add weight times the second derivatives of P to a matrix in place."""


@dataclass(frozen=True)
class _Pairs:
    """Where products of two parameters of an edge stand in the matrix of second derivatives.

    Attributes
    ----------
    free : ndarray of bool of shape (n_edges, n_row, n_row)
        Pairs of which neither is frozen.
    first, second : ndarray of int of shape (n_pairs,)
        Row and column of each of these.
    are_tied : bool
        Whether several edges share a parameter, so that rows and columns come more than once.
    """

    free: NDArray[np.bool_]
    first: Ints
    second: Ints
    are_tied: bool

    @classmethod
    def of(cls, position: Ints) -> _Pairs:
        """Of the parameters of every edge, (n_edges, n_row); -1 for frozen ones."""
        moves = position >= 0
        free = moves[:, :, None] & moves[:, None, :]
        first = np.broadcast_to(position[:, :, None], free.shape)[free]
        second = np.broadcast_to(position[:, None, :], free.shape)[free]
        trained = position[moves]
        return cls(free, first, second, np.unique(trained).size < trained.size)


class SplinePrior:
    """P of the spline edges of a network; the formula is in the docstring of the module.

    Parameters
    ----------
    net : Network
        Its frozen parameters enter P with their values.
    label_variance : float
        v of the edges below the last layer.
    """

    def __init__(self, net: Network, label_variance: float) -> None:
        self._position, hidden = _edges(net.structure)
        self._moves = self._position >= 0
        self._kept = np.where(self._moves, 0.0, net.spline_params)
        self._scale = np.where(hidden, label_variance, 1.0)[:, None]
        self._matrix = prior_matrix(net.table.n_basis, net.has_base)
        self._others = []
        for number, edges in enumerate(net.structure.bases):
            layers = np.array([layer for layer, _, _ in edges.topology.edges], dtype=np.int64)
            scale = np.where(layers < len(net.width) - 2, label_variance, 1.0)
            self._others.append(EdgeSquares(net, number, scale, edges.basis.prior_matrix(_CURVATURE)))

    @cached_property
    def _pairs(self) -> _Pairs:
        return _Pairs.of(self._position)

    def value_and_slope(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """P and its gradient at the flat vector theta."""
        edges = np.where(self._moves, theta[self._position], self._kept)
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is a status of the fit
            half = self._scale * (edges @ self._matrix)
            value = float(np.vdot(edges, half))
        positions, own = self._position[self._moves], 2.0 * half[self._moves]
        slope = np.asarray(np.bincount(positions, own, theta.size), dtype=np.float64)
        for other in self._others:
            more, by_theta = other.value_and_slope(theta)
            value, slope = value + more, slope + by_theta
        return value, slope

    def add_curvature(self, hessian: FloatArray, weight: float) -> None:
        """Add weight times the second derivatives of P to a matrix in place."""
        scale = self._scale[:, :, None]
        own = (scale * (2.0 * weight * self._matrix))[self._pairs.free]
        at = self._pairs.first, self._pairs.second
        if self._pairs.are_tied:  # one parameter of several edges
            np.add.at(hessian, at, own)
        else:
            hessian[at] += own
        for other in self._others:
            other.add_curvature(hessian, weight)


class EdgeSquares(SplinePrior):
    """A sum over the edges of another family of scale times theta^T M theta, theta the parameters of an edge.

    Parameters
    ----------
    net : Network
        Its frozen parameters enter with their values.
    number : int
        Index of the family among ``net.structure.bases``.
    scale : ndarray of shape (n_edges,)
    matrix : ndarray of shape (n_params, n_params)
        M.
    """

    def __init__(self, net: Network, number: int, scale: FloatArray, matrix: FloatArray) -> None:
        structure, edges = net.structure, net.structure.bases[number]
        start, shape = structure.basis_starts[number], (edges.topology.n_edges, edges.basis.n_params)
        position = np.arange(structure.n_values)
        if structure.parameters is not None:
            position = structure.parameters.position
        own = slice(start, start + edges.n_values)
        self._position = position[own].reshape(shape)
        self._moves = self._position >= 0
        self._kept = np.where(self._moves, 0.0, net.values[own].reshape(shape))
        self._scale, self._matrix = scale[:, None], matrix
        self._others = []


class WithSquares:
    """An objective + weight * P.

    Parameters
    ----------
    objective : SampledObjective
    prior : Prior
        Of the same parameters.
    weight : float
        Weight of P.
    """

    def __init__(self, objective: SampledObjective, prior: Prior, weight: float) -> None:
        self._objective, self._prior, self.weight = objective, prior, weight
        self.n_fev = 0
        self.mse = self.reg = float("nan")

    @property
    def smoothing(self) -> float | FloatArray:
        """Weight of the smoothing of the objective."""
        return self._objective.smoothing

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        return self._objective.n_residuals

    @property
    def least_squares(self) -> bool:
        """Whether the objective is a sum of squares; P is one."""
        return self._objective.least_squares

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Objective and gradient."""
        value, gradient = self._objective(theta)
        self._count()
        return self._with_prior(theta, value, gradient)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self._objective.n_samples

    def on_samples(self, theta: FloatArray, rows: Ints) -> tuple[float, FloatArray]:
        """Objective and gradient on some of the samples."""
        value, gradient = self._objective.on_samples(theta, rows)
        self._count()
        return self._with_prior(theta, value, gradient)

    def value(self, theta: FloatArray) -> float:
        """Objective without its gradient."""
        value = self._objective.value(theta)
        self._count()
        return value + self.weight * self._prior.value_and_slope(theta)[0]

    def normal_equations(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Objective, gradient and Gauss-Newton Hessian; see `Objective`."""
        value, gradient, hessian = self._objective.normal_equations(theta)
        self._count()
        self._prior.add_curvature(hessian, self.weight)
        return *self._with_prior(theta, value, gradient), hessian

    def _with_prior(self, theta: FloatArray, value: float, gradient: FloatArray) -> tuple[float, FloatArray]:
        prior, slope = self._prior.value_and_slope(theta)
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is a status of the fit
            return value + self.weight * prior, gradient + self.weight * slope

    def _count(self) -> None:
        """Count an evaluation, and copy the terms of the last value from the objective."""
        self.n_fev += 1
        self.mse, self.reg = self._objective.mse, self._objective.reg


class Shrunk(WithSquares):
    """An objective + weight * P with the prior P, which is minimised where samples are few."""


def constant_network(net: Network, values: FloatArray) -> Network | None:
    """The network on the same grids whose outputs are the constants `values`, of shape (n_out,).

    Edges below the last layer are constants that put their node in the middle of its grid, or at 0 where they
    can be no other constant. Every node must be the sum of its edges, and none of these a symbol. None where
    an output has no edge that can be a constant.
    """
    topology, b, structure = net.topology, net.has_base, net.structure
    middle = 0.5 * (net.table.knots[:, 0] + net.table.knots[:, -1])
    wanted = np.concatenate([np.zeros(topology.width[0]), middle[topology.width[0] :], values])
    able = [edges for edges in structure.bases if edges.basis.has_constants]
    targets = [np.asarray(topology.target), *(edges.topology.target for edges in able)]
    fan_in = np.bincount(np.concatenate(targets), minlength=topology.n_nodes)
    if (fan_in[topology.node_start[-2] :] == 0).any():
        return None
    share = wanted / np.maximum(fan_in, 1)
    params = np.zeros_like(net.spline_params)
    params[:, b:] = share[targets[0]][:, None]  # B-splines sum to 1
    others = []
    for start, edges in zip(structure.basis_starts, structure.bases, strict=True):
        theta = net.values[start : start + edges.n_values].reshape(-1, edges.basis.n_params)
        if edges.basis.has_constants:
            theta = edges.basis.constants(theta, share[edges.topology.target])
        else:
            theta = edges.basis.times(theta, 0.0)
        others.append(theta.ravel())
    return net.with_theta(np.concatenate([params.ravel(), *others]))


def _edges(structure: Structure) -> tuple[Ints, NDArray[np.bool_]]:
    """Indices in theta of the parameters of spline edges, (n_edges, n_row), and which edges are hidden ones.

    The index of a frozen parameter is -1.
    """
    topology, shape = structure.topology, (structure.topology.n_edges, structure.n_row)
    layers = np.searchsorted(topology.edge_start, np.arange(shape[0]), side="right") - 1
    position = np.arange(structure.n_values)
    if structure.parameters is not None:
        position = structure.parameters.position
    return position[: structure.ends.splines].reshape(shape), np.asarray(layers < len(topology.width) - 2)

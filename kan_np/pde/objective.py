"""The sum of squares of a problem: value, gradient and Gauss-Newton matrix, for `kan_np.optimize`.

    f(theta) = sum over terms of  weight * mean over its points of residual^2,

theta being the trained parameters of the network and the unknown numbers. A term of weight "balanced" gets
tr(K) / tr(K_t): K_t is the mean of |d residual / d theta|^2 over its points and K the sum of all, at the
parameters where a stage begins (S. Wang, X. Yu and P. Perdikaris 2022, J. Comput. Phys. 449, 110768, eq.
(6.5)).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Ints
from kan_np.network.mlp_network import MlpNetwork
from kan_np.network.network import Network
from kan_np.network.parameters import ParameterMap
from kan_np.pde.problem import BALANCED, Problem
from kan_np.pde.term_pass import TermPass


class ResidualObjective:
    """f and its derivatives; see `kan_np.objective.objective.Objective`.

    Parameters
    ----------
    problem : Problem
    network : Network or MlpNetwork
    unknowns : ndarray of shape (n_unknowns,)
        Values at the start.
    points : list of ndarray
        Of every term.
    """

    def __init__(
        self,
        problem: Problem,
        network: Network | MlpNetwork,
        unknowns: FloatArray,
        points: list[FloatArray],
    ) -> None:
        self._network = network
        self._parameters: ParameterMap | None = None
        if isinstance(network, Network):
            self._parameters = network.structure.parameters
            self._values = network.values.copy()
        else:
            self._values = network.theta.copy()
        self._n_unknowns = unknowns.size
        self.n_fev = 0
        self.mse = self.reg = float("nan")
        self.passes = [
            TermPass(term.residual, problem.form, network, own, term.target)
            for term, own in zip(problem.terms, points, strict=True)
        ]
        start = self.theta_of(network, unknowns)
        values = self._split(start)
        for term, own in zip(problem.terms, self.passes, strict=True):
            own.refuse_not_finite(term.name, *values)
        self.weights = self._weights([term.weight for term in problem.terms], start)

    def theta_of(self, network: Network | MlpNetwork, unknowns: FloatArray) -> FloatArray:
        """Trained parameters and unknowns as one vector."""
        return np.concatenate([network.theta, unknowns])

    @property
    def smoothing(self) -> float:
        """0: there is no smoothing penalty."""
        return 0.0

    @property
    def n_residuals(self) -> int:
        """Number of points of all terms."""
        return sum(own.n for own in self.passes)

    @property
    def least_squares(self) -> bool:
        """True."""
        return True

    def residuals(self, theta: FloatArray) -> list[FloatArray]:
        """The residual of every term at its points."""
        values, unknowns = self._split(theta)
        return [own.forward(values, unknowns) for own in self.passes]

    def value(self, theta: FloatArray) -> float:
        """f without derivatives."""
        self.n_fev += 1
        found = self.residuals(theta)
        self.mse = float(sum(w * np.mean(r * r) for w, r in zip(self.weights, found, strict=True)))
        self.reg = 0.0
        return self.mse

    @property
    def n_samples(self) -> int:
        """Number of points of all terms; they are not taken in batches."""
        return self.n_residuals

    def on_samples(self, theta: FloatArray, rows: Ints) -> tuple[float, FloatArray]:
        """Not possible: means of terms are over all of their points."""
        raise NotImplementedError("residuals are not trained in batches")

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """f and its gradient."""
        self.n_fev += 1
        values, unknowns = self._split(theta)
        total, by_value = 0.0, np.zeros(self._values.size + self._n_unknowns)
        own_gradient = np.empty_like(by_value)
        for own, weight in zip(self.passes, self.weights, strict=True):
            residual = own.forward(values, unknowns)
            total += weight * float(np.mean(residual * residual))
            own.gradient(2.0 * weight / own.n * residual, own_gradient)
            by_value += own_gradient
        self.mse, self.reg = total, 0.0
        return total, self._trained(by_value)

    @property
    def data_rows(self) -> NDArray[np.bool_]:
        """True for residuals that are compared with targets: data, with noise."""
        return np.concatenate([np.full(own.n, own.has_target) for own in self.passes])

    def rows(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """R with f = |R|^2, (n_residuals,), and the transposed Jacobian of R, (n_params, n_residuals)."""
        self.n_fev += 1
        values, unknowns = self._split(theta)
        residual, jacobian = np.empty(self.n_residuals), np.empty((theta.size, self.n_residuals))
        at = 0
        for own, weight in zip(self.passes, self.weights, strict=True):
            here, scale = slice(at, at + own.n), np.sqrt(weight / own.n)
            residual[here] = scale * own.forward(values, unknowns)
            if self._parameters is None:
                own.rows(scale, jacobian[:, here])
            else:
                part = np.empty((self._values.size + self._n_unknowns, own.n))
                own.rows(scale, part)
                jacobian[:, here] = self._trained(part)
            at += own.n
        self.mse, self.reg = float(residual @ residual), 0.0
        return residual, jacobian

    def normal_equations(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """f, its gradient and the lower triangle of 2 J^T J, in Fortran order.

        The Jacobian is made and used block by block of points, and never there as a whole.
        """
        self.n_fev += 1
        values, unknowns = self._split(theta)
        value, gradient = 0.0, np.zeros(theta.size)
        hessian = np.zeros((theta.size, theta.size), order="F")
        for own, weight in zip(self.passes, self.weights, strict=True):
            scale = np.sqrt(weight / own.n)
            residual = scale * own.forward(values, unknowns)
            value += float(residual @ residual)
            for here, block in own.row_blocks(scale):
                rows = self._trained(block)
                gradient += 2.0 * (rows @ residual[here])
                hessian = blas.dsyrk(2.0, rows.T, beta=1.0, c=hessian, trans=1, lower=1, overwrite_c=1)
        self.mse, self.reg = value, 0.0
        return value, gradient, hessian

    def _weights(self, given: list[float | str], theta: FloatArray) -> list[float]:
        if BALANCED not in given:
            return [float(weight) for weight in given]
        values, unknowns = self._split(theta)
        felt = []
        for own in self.passes:
            own.forward(values, unknowns)
            part = np.empty((self._values.size + self._n_unknowns, own.n))
            own.rows(1.0, part)
            felt.append(float(np.sum(part * part)) / own.n)
        total = sum(felt)
        return [
            (total / own if own > 0 else 1.0) if weight == BALANCED else float(weight)
            for weight, own in zip(given, felt, strict=True)
        ]

    def _split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """All values of the network, and the unknowns."""
        n = theta.size - self._n_unknowns
        if self._parameters is None:
            self._values[:] = theta[:n]
        else:
            self._parameters.fill(theta[:n], self._values)
        return self._values, theta[n:]

    def _trained(self, by_value: FloatArray) -> FloatArray:
        """Derivatives by theta, (n_params, ...), from those by all values and unknowns."""
        n = self._values.size
        if self._parameters is None:
            return by_value
        own = by_value[:n]
        trained = self._parameters.gradient(own) if own.ndim == 1 else self._parameters.rows(own)
        return np.concatenate([trained, by_value[n:]])

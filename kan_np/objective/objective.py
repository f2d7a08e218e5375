"""What an optimizer minimises: mean squared error + penalties, with derivatives, by one flat vector.

An objective is bound to data and scratch space, both prepared once. Reported losses are RMSE,
sqrt(weighted mean over samples and outputs of the squared residual), as in pykan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from scipy.linalg import blas

from kan_np import _aligned
from kan_np._validate import FloatArray
from kan_np.kernels import gauss_newton
from kan_np.kernels import network as kernels
from kan_np.kernels._jit import bound
from kan_np.kernels.arrays import Pull
from kan_np.network.network import Network, new_input_places, new_places, new_scratch
from kan_np.objective.smoothing import WEAK, Roughness, Smoother
from kan_np.objective.sparsity_penalty import Penalty, coefficient_penalty, spread_penalty

#: Bytes of layer-0 B-splines that are kept between evaluations; larger data is expanded again in parts.
_CACHE_BYTES = 512 * 2**20

#: Bytes of the rows of a Jacobian that are laid out at once.
_JACOBIAN_BYTES = 32 * 2**20

#: For the "weak" smoothing labels vary by this part of their mean square at least: of labels that are one
#: number the weight would else outgrow the loss by 1e16, and the loss count as rounding beside it. Labels
#: whose spread is above 1 % of their size do not notice.
_LEAST_VARIANCE = 1e-4


class Objective(Protocol):
    """Value and derivatives of f = mean squared error + penalties.

    `mse` and `reg` are the parts of the last value: the weighted mean of the squared residuals, and pykan's
    R.
    """

    n_fev: int
    mse: float
    reg: float

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        ...

    @property
    def least_squares(self) -> bool:
        """Whether f is a sum of squares, so that `normal_equations` has all of its curvature."""
        ...

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return f and a new array with its gradient, both at the flat vector theta."""
        ...

    def value(self, theta: FloatArray) -> float:
        """Return f alone; only for least squares."""
        ...

    def normal_equations(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return f, its gradient, and the lower triangle of its Gauss-Newton Hessian 2 (J^T W J + ...).

        The matrix is in Fortran order and belongs to the objective: the next call overwrites it.
        """
        ...


class KanObjective:
    """Objective of a `Network` on samples: f(theta) = sum_s v_s |f(x_s) - y_s|^2 + lamb R + smoothing S.

    Parameters
    ----------
    net : Network
        Gives wiring and splines; its own parameters are not used.
    x : ndarray of shape (n_samples, n_in)
    y : ndarray of shape (n_samples, n_out)
    penalty : Penalty
        R, see `kan_np.objective.sparsity_penalty`.
    weight : ndarray of shape (n_samples,), optional
        Sample weights; v_s = weight_s / (n_out sum of weight). Equal weights if not given.
    smoothing : float or "weak"
        Weight of S, see `kan_np.objective.smoothing`; the attribute may be changed between evaluations. With
        "weak" `normal_equations` sets it, to one weight an edge.
    """

    def __init__(
        self,
        net: Network,
        x: FloatArray,
        y: FloatArray,
        penalty: Penalty | None = None,
        weight: FloatArray | None = None,
        smoothing: float | str = 0.0,
    ) -> None:
        self.net = net
        self.penalty = penalty or Penalty()
        rough = Roughness.of(net.table, net.wiring.source, weak=smoothing == WEAK)
        self._smoother = Smoother(rough, smoothing, net.theta.shape[0], net.table.n_basis)
        self.n_fev = 0
        self.mse = self.reg = float("nan")
        self._x = x
        self._y = _aligned.copied(y.T)
        self._weight = _aligned.copied(residual_weights(y, weight))
        self._label_variance = label_variance(y, self._weight)
        self._places, self._scratch = new_places(net), new_scratch(net)
        self._residual = _aligned.empty((y.shape[1], net.net.block))
        self._grad = np.empty_like(net.theta)
        rows = _rows_in_cache(net, x.shape[1])
        self._parts = [slice(low, low + rows) for low in range(0, x.shape[0], rows)]
        self._inputs = new_input_places(net, min(rows, x.shape[0]))
        if len(self._parts) == 1:
            kernels.expand_inputs(net.net, x, self._inputs, self._scratch)
        self._matrix: FloatArray | None = None
        self._rows: FloatArray | None = None
        self._active: gauss_newton.Active | None = None  # of assembly by scattered products
        self._loss_and_gradient: Callable[..., float] | None = None
        self._loss: Callable[..., float] | None = None
        self._assemble: Callable[..., float] | None = None  # of the way that the network takes

    @property
    def smoothing(self) -> float | FloatArray:
        """Weight of S, or of every edge."""
        return self._smoother.weight

    @smoothing.setter
    def smoothing(self, weight: float) -> None:
        self._smoother.weight = weight

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        return int(self._y.size)

    @property
    def least_squares(self) -> bool:
        """Whether no penalty but smoothing enters."""
        return self.penalty.lamb == 0

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Objective and gradient at the flat vector theta of length n_params."""
        self.n_fev += 1
        matrix, grad = self._as_matrix(theta), self._grad
        pull: Pull | None = None
        grad.fill(0.0)
        self.reg = 0.0
        if self.penalty.needs_statistics:
            self.reg, pull = spread_penalty(
                self.penalty, self.net, matrix, self._x, self._places, self._scratch
            )
        self.mse = 0.0
        for rows in self._parts:
            y, weight = self._load(rows)
            given = (self.net.net, matrix, self._inputs, y, weight, self._places, self._scratch, pull, grad)
            if self._loss_and_gradient is None:
                self._loss_and_gradient = bound(kernels.loss_and_gradient, *given)
            self.mse += self._loss_and_gradient(*given)
        if self.penalty.lamb > 0:
            self.reg += coefficient_penalty(self.penalty, self.net, matrix, grad)
        value = self.mse + self.penalty.lamb * self.reg
        return value + self._smooth(matrix, grad), grad.flatten()

    def value(self, theta: FloatArray) -> float:
        """Objective alone, without pykan's penalties, at the flat vector theta."""
        self.n_fev += 1
        matrix = self._as_matrix(theta)
        self.mse, self.reg = 0.0, 0.0
        for rows in self._parts:
            y, weight = self._load(rows)
            scratch = (self._places, self._scratch, self._residual)
            given = (self.net.net, matrix, self._inputs, y, weight, *scratch)
            if self._loss is None:
                self._loss = bound(gauss_newton.loss, *given)
            self.mse += self._loss(*given)
        return self.mse + self._smooth(matrix, None)

    def normal_equations(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Objective, gradient and Gauss-Newton Hessian, without pykan's penalties; see `Objective`."""
        self.n_fev += 1
        matrix, grad = self._as_matrix(theta), self._grad
        grad.fill(0.0)
        if self._matrix is None:
            self._matrix = _aligned.empty((theta.size, theta.size))
        hessian = self._matrix
        hessian.fill(0.0)
        total = 0.0
        for rows in self._parts:
            y, weight = self._load(rows)
            if self.net.short:
                total += self._add_dense(matrix, y, 2.0 * weight, hessian, grad)
                continue
            if self._active is None:
                self._active = new_active(self.net)
            scratch = (self._places, self._scratch, self._residual, self._active)
            given = (self.net.net, matrix, self._inputs, y, 2.0 * weight, *scratch, hessian, grad)
            if self._assemble is None:
                self._assemble = bound(gauss_newton.accumulate_sparse, *given)
            total += self._assemble(*given)
        self.mse, self.reg = 0.5 * total, 0.0
        if self._smoother.follows_loss:
            b = self.net.has_base
            felt = hessian.diagonal().reshape(matrix.shape)[:, b:].sum(axis=1)
            self._smoother.follow(self.mse, matrix, b, felt, self.n_residuals, self._label_variance)
        value = self.mse + self._smooth(matrix, grad, hessian)
        return value, grad.ravel().copy(), hessian.T

    def _as_matrix(self, theta: FloatArray) -> FloatArray:
        return np.asarray(theta, dtype=np.float64, order="C").reshape(self._grad.shape)

    def _load(self, rows: slice) -> tuple[FloatArray, FloatArray]:
        """Labels and weights of a part of the samples, with its input B-splines in the cache."""
        if len(self._parts) == 1:
            return self._y, self._weight
        kernels.expand_inputs(self.net.net, self._x[rows], self._inputs, self._scratch)
        return _aligned.copied(self._y[:, rows]), self._weight[rows]

    def _smooth(self, theta: FloatArray, grad: FloatArray | None, hessian: FloatArray | None = None) -> float:
        """The smoothing penalty; its derivatives are added to `grad` and to diagonal blocks of `hessian`."""
        if not self._smoother.acts:
            return 0.0
        first, n_row = self.net.has_base, theta.shape[1]
        if hessian is not None:
            self._smoother.add_curvature(first, (n_row, n_row), hessian)
        if grad is None:
            return self._smoother.value(theta, first)
        return self._smoother.add_slope(theta, first, grad)

    def _add_dense(
        self, theta: FloatArray, y: FloatArray, weight: FloatArray, hessian: FloatArray, grad: FloatArray
    ) -> float:
        n_out, n = y.shape
        block = self.net.net.block
        chunk = max(_JACOBIAN_BYTES // (8 * theta.size * n_out * block), 1) * block
        if self._rows is None:
            self._rows = _aligned.empty((theta.size * n_out * min(chunk, self._y.shape[1]),))
        total = 0.0
        for low in range(0, n, chunk):
            m = min(chunk, n - low)
            rows = self._rows[: theta.size * n_out * m].reshape(theta.size, n_out * m)
            scratch = (self._places, self._scratch, self._residual)
            given = (self.net.net, theta, self._inputs, low // block, m, y, weight, *scratch, rows, grad)
            if self._assemble is None:
                self._assemble = bound(gauss_newton.jacobian_rows, *given)
            total += self._assemble(*given)
            add_square(rows, hessian)
        return total


def residual_weights(y: FloatArray, weight: FloatArray | None) -> FloatArray:
    """v_s = weight_s / (n_out sum of weight): the weighted mean over samples and outputs as a sum."""
    if weight is None:
        return np.full(y.shape[0], 1.0 / y.size)
    return weight / (y.shape[1] * weight.sum())


def label_variance(y: FloatArray, weight: FloatArray) -> float:
    """Weighted variance of the labels, the mean over outputs; `weight` as from `residual_weights`."""
    with np.errstate(over="ignore", invalid="ignore"):  # absurd labels end as a status of the fit
        variance = float(np.square(y - weight @ y * y.shape[1]).sum(axis=1) @ weight)
        return max(variance, _LEAST_VARIANCE * float(np.square(y).sum(axis=1) @ weight))


def add_square(rows: FloatArray, matrix: FloatArray) -> None:
    """Add rows @ rows.T to the upper triangle of `matrix`, both C-contiguous, in place."""
    blas.dsyrk(1.0, rows.T, beta=1.0, c=matrix.T, trans=1, lower=1, overwrite_c=1)


def new_active(net: Network) -> gauss_newton.Active:
    """Room for what is not zero in the rows of a Jacobian."""
    n, block = net.wiring.n_sources, net.net.block
    value, first, base_values, column = _aligned.arrays(
        (n, block, net.table.k + 1), (n, block), (n, block), (net.theta.shape[1],)
    )
    return gauss_newton.Active(value, first.view(np.int64), base_values, column)


def _rows_in_cache(net: Network, n_in: int) -> int:
    """Rows whose input B-splines fit the cache, a multiple of the block length."""
    bytes_a_row = 8 * n_in * (net.theta.shape[1] if net.short else 5)
    block = net.net.block
    return max(_CACHE_BYTES // (bytes_a_row * block), 1) * block

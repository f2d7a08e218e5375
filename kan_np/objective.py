"""What an optimizer minimises: mean squared error + lamb R, with its gradient, by one flat vector.

An objective is bound to data and scratch space, both prepared once. Reported losses are RMSE,
sqrt(mean over samples and outputs of the squared residual), as in pykan.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from kan_np._validate import FloatArray
from kan_np.kernels import network as kernels
from kan_np.kernels.network import BLOCK, Basis
from kan_np.network import NO_PULL, Network, new_basis, new_scratch
from kan_np.penalty import Penalty, coefficient_penalty, spread_penalty

#: Bytes of layer-0 B-splines that are kept between evaluations; larger data is expanded again in parts.
_CACHE_BYTES = 512 * 2**20


class Objective(Protocol):
    """Value and gradient of a training objective; `mse` and `reg` are the parts of the last value."""

    n_fev: int
    mse: float
    reg: float

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the objective and a new array with its gradient, both at the flat vector theta."""
        ...


class KanObjective:
    """Objective of a `Network` on the samples (x, y): f(theta) = mean (f(x) - y)^2 + lamb R(theta).

    Parameters
    ----------
    net : Network
        Gives wiring and splines; its own parameters are not used.
    x : ndarray of shape (n_samples, n_in)
    y : ndarray of shape (n_samples, n_out)
    penalty : Penalty
    """

    def __init__(self, net: Network, x: FloatArray, y: FloatArray, penalty: Penalty | None = None) -> None:
        self.net = net
        self.penalty = penalty or Penalty()
        self.n_fev = 0
        self.mse = self.reg = float("nan")
        self._x = x
        self._y = np.ascontiguousarray(y.T)
        self._basis, self._scratch = new_basis(net), new_scratch(net)
        self._grad = np.empty_like(net.theta)
        rows = _rows_in_cache(net, x.shape[1])
        self._parts = [slice(low, low + rows) for low in range(0, x.shape[0], rows)]
        self._inputs = self._empty_cache(min(rows, x.shape[0]))
        if len(self._parts) == 1:
            kernels.expand_inputs(net.net, x, self._inputs, self._scratch)

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Objective and gradient at the flat vector theta of length n_params."""
        self.n_fev += 1
        matrix = np.ascontiguousarray(theta, dtype=np.float64).reshape(self._grad.shape)
        grad, pull = self._grad, NO_PULL
        grad.fill(0.0)
        self.reg = 0.0
        if self.penalty.needs_statistics:
            self.reg, pull = spread_penalty(
                self.penalty, self.net, matrix, self._x, self._basis, self._scratch
            )
        weight = 1.0 / self._y.size
        self.mse = 0.0
        for rows in self._parts:
            y = self._y
            if len(self._parts) > 1:
                y = np.ascontiguousarray(y[:, rows])
                kernels.expand_inputs(self.net.net, self._x[rows], self._inputs, self._scratch)
            self.mse += kernels.loss_and_gradient(
                self.net.net, matrix, self._inputs, y, weight, self._basis, self._scratch, pull, grad
            )
        if self.penalty.lamb > 0:
            self.reg += coefficient_penalty(self.penalty, self.net, matrix, grad)
        return self.mse + self.penalty.lamb * self.reg, grad.ravel().copy()

    def _empty_cache(self, n_samples: int) -> Basis:
        n_blocks = -(-n_samples // BLOCK)
        return new_basis(self.net, n_blocks * self._x.shape[1])


def _rows_in_cache(net: Network, n_in: int) -> int:
    """Rows whose input B-splines fit the cache, a multiple of the block length."""
    bytes_a_row = 8 * n_in * (2 * (net.table.k + 1) + 3)
    return max(_CACHE_BYTES // (bytes_a_row * BLOCK), 1) * BLOCK

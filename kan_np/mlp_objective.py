"""The objective of an MLP: weighted mean squared error + L1 penalty, gradient and Gauss-Newton Hessian.

With nodes h_{l+1} = a(h_l W_l + b_l) and outputs f, the row of the Jacobian J that belongs to a sample
and output j is, layer by layer from the last,

    d f_j / d b_l = delta_l,    d f_j / d (W_l)_{io} = (h_l)_i (delta_l)_o,    delta_{l-1} = (W_l delta_l) a',

with the j-th unit vector as the last delta: in the last layer only column j of W and entry j of b enter. The
Hessian is 2 J^T W J, J laid out for a chunk of samples at a time and multiplied by itself by BLAS.
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.kernels.activation import pull_back
from kan_np.mlp_network import ACTIVATIONS, MlpNetwork, split_layers, stacked_layers
from kan_np.objective import add_square, residual_weights
from kan_np.penalty import Penalty

#: Bytes of the rows of a Jacobian that are laid out at once.
_JACOBIAN_BYTES = 32 * 2**20

_Layers = list[tuple[FloatArray, FloatArray]]


class MlpObjective:
    """f(theta) = sum_s v_s |f(x_s) - y_s|^2 + lamb lamb_l1 sum |W|: see `kan_np.objective.Objective`.

    Parameters
    ----------
    net : MlpNetwork
        Gives widths and activation; its own parameters are not used.
    x : ndarray of shape (n_samples, n_in)
    y : ndarray of shape (n_samples, n_out)
    penalty : Penalty, optional
        Only ``lamb`` and ``lamb_l1`` count; biases are free.
    weight : ndarray of shape (n_samples,), optional
        Sample weights; v_s = weight_s / (n_out sum of weight). Equal weights if not given.
    """

    def __init__(
        self,
        net: MlpNetwork,
        x: FloatArray,
        y: FloatArray,
        penalty: Penalty | None = None,
        weight: FloatArray | None = None,
    ) -> None:
        self.penalty = penalty or Penalty()
        self.smoothing = 0.0  # there is no spline to smooth
        self.n_fev = 0
        self.mse = self.reg = float("nan")
        self._width, self._activate = net.width, ACTIVATIONS[net.activation]()
        self._y = np.ascontiguousarray(y.T)
        self._twice_weight = 2.0 * residual_weights(y, weight)
        n = x.shape[0]
        # the row of ones below the nodes makes biases a row of weights: h W + b in one product
        self._below = [np.ones((nodes + 1, n)) for nodes in net.width[:-1]]
        self._below[0][:-1] = x.T
        self._h = [*(below[:-1] for below in self._below[1:]), np.empty((net.width[-1], n))]
        self._slope = [np.empty_like(h) for h in self._h[:-1]]
        self._scaled = np.empty_like(self._y)  # 2 v_s (f(x_s) - y_s)
        # parameters and gradient in place, so that the views of them are made once
        self._theta, self._grad = np.empty(net.n_params), np.empty(net.n_params)
        self._layers = stacked_layers(net.width, self._theta)
        self._grads = stacked_layers(net.width, self._grad)
        self._transposed = [layer.T for layer in self._layers]
        self._curvature: _Curvature | None = None

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        return int(self._y.size)

    @property
    def least_squares(self) -> bool:
        """Whether no penalty enters."""
        return self.penalty.lamb == 0

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Objective and gradient at the flat vector theta of length n_params."""
        self.n_fev += 1
        self.reg = 0.0
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging fit is a status, not a warning
            self._forward(theta)
            self._backward()
            if self.penalty.lamb > 0:
                for layer, by_layer in zip(self._layers, self._grads, strict=True):
                    self.reg += self.penalty.lamb_l1 * float(np.abs(layer[:-1]).sum())
                    by_layer[:-1] += self.penalty.lamb * self.penalty.lamb_l1 * np.sign(layer[:-1])
        return self.mse + self.penalty.lamb * self.reg, self._grad.copy()

    def value(self, theta: FloatArray) -> float:
        """Objective alone, without the penalty, at the flat vector theta."""
        self.n_fev += 1
        self.reg = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            self._forward(theta)
        return self.mse

    def normal_equations(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Objective, gradient and Gauss-Newton Hessian, without the penalty; see `Objective`."""
        self.n_fev += 1
        self.reg = 0.0
        if self._curvature is None:
            nodes = [below[:-1] for below in self._below]
            self._curvature = _Curvature(self._width, nodes, self._slope, self._twice_weight)
        with np.errstate(over="ignore", invalid="ignore"):
            self._forward(theta)
            # first: the pass back overwrites the nodes
            hessian = self._curvature.assemble([layer[:-1] for layer in self._layers])
            self._backward()
        return self.mse, self._grad.copy(), hessian

    def _forward(self, theta: FloatArray) -> None:
        """Take nodes, slopes of activations, residuals (in place of the outputs) and the loss."""
        self._theta[:] = theta
        for layer, slope in enumerate(self._slope):
            np.dot(self._transposed[layer], self._below[layer], out=self._h[layer])
            self._activate(self._h[layer], slope)
        residual = self._h[-1]
        np.dot(self._transposed[-1], self._below[-1], out=residual)
        residual -= self._y
        np.multiply(residual, self._twice_weight, out=self._scaled)
        self.mse = 0.5 * float(np.vdot(residual, self._scaled))

    def _backward(self) -> None:
        """Gradient of the loss; the derivatives by hidden nodes are written over the nodes' values."""
        delta = self._scaled
        for layer in range(len(self._layers) - 1, -1, -1):
            np.dot(self._below[layer], delta.T, out=self._grads[layer])
            if layer > 0:
                weights, nodes, slope = self._layers[layer][:-1], self._h[layer - 1], self._slope[layer - 1]
                if delta.shape[0] == 1:  # an outer product: BLAS would write it and multiply another time
                    pull_back(weights, delta, slope, nodes)
                else:
                    np.dot(weights, delta, out=nodes)
                    nodes *= slope
                delta = nodes


class _Curvature:
    """Gauss-Newton Hessian of the loss from the nodes and slopes that an objective has just computed.

    One output sees all parameters but the other outputs' columns of the last layer: those of a network with
    one output. Its product is formed in that size, and added up over outputs where they share parameters.
    """

    def __init__(
        self,
        width: tuple[int, ...],
        below: list[FloatArray],
        slope: list[FloatArray],
        twice_weight: FloatArray,
    ) -> None:
        self._n_out, self._width = width[-1], (*width[:-1], 1)
        self._below, self._slope = below, slope
        self._root = np.sqrt(twice_weight)
        n_params = sum((n_in + 1) * n_out for n_in, n_out in zip(width[:-1], width[1:], strict=True))
        self._own = split_layers(width, np.arange(n_params))[-1]
        self._shared = n_params - (width[-2] + 1) * width[-1]
        size = self._shared + width[-2] + 1
        self._chunk = min(max(_JACOBIAN_BYTES // (8 * size), 1), below[0].shape[1])
        self._rows = np.empty(size * self._chunk)
        self._matrix = np.zeros((n_params, n_params))
        self._one = self._matrix if self._n_out == 1 else np.zeros((size, size))

    def assemble(self, layers: list[FloatArray]) -> FloatArray:
        """Return 2 J^T W J for weights without biases: the lower triangle, in Fortran order.

        The next call overwrites it.
        """
        matrix, one, shared = self._matrix, self._one, self._shared
        one.fill(0.0)
        if self._n_out == 1:
            self._add_output(layers)
            return matrix.T
        matrix[shared:, shared:] = 0.0
        *hidden, last = layers
        for j in range(self._n_out):
            one[:, shared:] = 0.0
            self._add_output([*hidden, last[:, j : j + 1]])
            own = np.append(self._own[0][:, j], self._own[1][j])
            matrix[:shared, own] = one[:shared, shared:]
            matrix[np.ix_(own, own)] = one[shared:, shared:]
        matrix[:shared, :shared] = one[:shared, :shared]
        return matrix.T

    def _add_output(self, weights: list[FloatArray]) -> None:
        """Add the products of one output's rows, given its column of the last layer, to `_one`."""
        size, n = self._one.shape[0], self._root.size
        for low in range(0, n, self._chunk):
            samples = slice(low, min(low + self._chunk, n))
            m = samples.stop - low
            rows = self._rows[: size * m].reshape(size, m)
            self._lay_out(weights, samples, split_layers(self._width, rows))
            add_square(rows, self._one)

    def _lay_out(self, weights: list[FloatArray], samples: slice, rows: _Layers) -> None:
        """Write sqrt(2 v) d f_j / d (W_l, b_l) for some samples; those of b_l are delta_l itself."""
        rows[-1][1][0] = self._root[samples]
        for layer in range(len(weights) - 1, -1, -1):
            by_weights, delta = rows[layer]
            np.multiply(self._below[layer][:, None, samples], delta, out=by_weights)
            if layer > 0:
                by_bias_below = rows[layer - 1][1]
                np.dot(weights[layer], delta, out=by_bias_below)
                by_bias_below *= self._slope[layer - 1][:, samples]

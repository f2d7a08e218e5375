"""The objective of an MLP: weighted mean squared error + L1 penalty, its gradient and Gauss-Newton Hessian.

With nodes h_{l+1} = a(h_l W_l + b_l) and outputs f, the row of the Jacobian J that belongs to a sample
and output j is, layer by layer from the last,

    d f_j / d b_l = delta_l,    d f_j / d (W_l)_{io} = (h_l)_i (delta_l)_o,    delta_{l-1} = (W_l delta_l) a',

with the j-th unit vector as the last delta: in the last layer only column j of W and entry j of b enter. The
Hessian is 2 J^T W J, where J is formed for a chunk of samples at a time and multiplied by BLAS.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kan_np import _aligned
from kan_np._validate import FloatArray
from kan_np.kernels import mlp
from kan_np.kernels._jit import bound
from kan_np.kernels.arrays import Pull
from kan_np.network.mlp_network import MlpBlock, MlpNetwork, split_layers
from kan_np.network.parameters import ParameterMap
from kan_np.objective.evaluator import add_square, label_variance, residual_weights
from kan_np.objective.loss import SQUARES, Loss
from kan_np.objective.loss_evaluator import LossEvaluator
from kan_np.objective.regularized_loss import RegularizedLoss, Samples
from kan_np.objective.sparsity_penalty import Penalty

#: Most bytes of the rows of a Jacobian that are in memory at once; chosen by judgement.
JACOBIAN_BYTES = 32 * 2**20

_Layers = list[tuple[FloatArray, FloatArray]]


class MlpEvaluator:
    """The loss of an MLP on samples; see `kan_np.objective.evaluator.Evaluator`.

    Parameters
    ----------
    net : MlpNetwork
        Gives widths and activation; its parameters are not used.
    x : ndarray of shape (n_samples, n_in)
    y : ndarray of shape (n_samples, n_out)
    weight : ndarray of shape (n_samples,), optional
    jacobian_bytes : int
        Rows of a Jacobian that are laid out at once take no more.
    """

    def __init__(
        self,
        net: MlpNetwork,
        x: FloatArray,
        y: FloatArray,
        weight: FloatArray | None = None,
        jacobian_bytes: int = JACOBIAN_BYTES,
    ) -> None:
        self._jacobian_bytes = jacobian_bytes
        self._net, block = net, MlpBlock.of(net)
        self._x, self._y = _aligned.copied(x.T), _aligned.copied(y.T)
        self._weight = _aligned.copied(residual_weights(y, weight))
        self.label_variance = label_variance(y, self._weight)
        self.values, self.gradient = np.zeros(net.n_params), np.zeros(net.n_params)
        samples = (self._x, self._y, self._weight, block.nodes, block.slopes)
        self._given = (block.kind, block.width, self.values, *samples)
        self._loss = bound(mlp.loss, *self._given)
        self._loss_and_gradient = bound(mlp.loss_and_gradient, *self._given, self.gradient)
        self._curvature: _Curvature | None = None

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        return int(self._y.size)

    def load(self, x: FloatArray, y: FloatArray, weight: FloatArray) -> None:
        """Replace all samples by as many others."""
        self._x[...] = x.T
        self.load_labels(y, weight)

    def load_labels(self, y: FloatArray, weight: FloatArray) -> None:
        """Replace labels and weights; see `kan_np.objective.loss_evaluator.OutputsEvaluator`."""
        self._y[...], self._weight[...] = y.T, weight

    def outputs(self) -> FloatArray:
        """Outputs for the present values, (n_samples, n_out)."""
        out, given = np.empty(self._y.shape), self._given
        mlp.forward(*given[:4], *given[6:], out)
        return np.ascontiguousarray(out.T)

    def jacobian_parts(self) -> Iterator[tuple[slice, FloatArray]]:
        """Parts of the samples with the Jacobian of all outputs, (n_values, n_out, n)."""
        yield from self._assembly().parts(self._net.with_theta(self.values), self._x)

    def loss(self) -> float:
        """The loss without its gradient."""
        return self._loss(*self._given)

    def loss_and_gradient(self, pull: Pull | None) -> float:
        """The loss; its gradient is written to `gradient`."""
        self.gradient.fill(0.0)
        return self._loss_and_gradient(*self._given, self.gradient)

    def normal_equations(self, parameters: ParameterMap | None) -> tuple[float, FloatArray, FloatArray]:
        """Loss, gradient, and upper triangle of 2 J^T V J."""
        mse, grad = self.loss_and_gradient(None), self.gradient.copy()
        net = self._net.with_theta(self.values)
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging fit is a status, not a warning
            upper = self._assembly().assemble(net, self._x, 2.0 * self._weight)
        if parameters is None:
            return mse, grad, upper
        return mse, parameters.gradient(grad), parameters.matrix(upper)

    def _assembly(self) -> _Curvature:
        if self._curvature is None:
            self._curvature = _Curvature(self._net.width, self._weight.size, self._jacobian_bytes)
        return self._curvature


class WeightPenalty:
    """R = lamb_l1 sum |W| of an MLP; see `kan_np.objective.regularized_loss.Regularizer`.

    Parameters
    ----------
    penalty : Penalty
        Only ``lamb`` and ``lamb_l1`` count; biases are free.
    width : tuple of int
    """

    def __init__(self, penalty: Penalty, width: tuple[int, ...]) -> None:
        self._penalty = penalty
        self._is_weight = np.concatenate(
            [np.repeat([True, False], [n_in * n_out, n_out]) for n_in, n_out in pairwise(width)]
        )

    @property
    def weight(self) -> float:
        """``lamb``."""
        return self._penalty.lamb

    def pull(self) -> tuple[float, Pull | None]:
        """0 and None: this penalty does not depend on samples."""
        return 0.0, None

    def add_gradient(self, values: FloatArray, grad: FloatArray) -> float:
        """Value of R; ``lamb`` times its gradient is added to `grad`."""
        weights = np.where(self._is_weight, values, 0.0)
        grad += self._penalty.lamb * self._penalty.lamb_l1 * np.sign(weights)
        return self._penalty.lamb_l1 * float(np.abs(weights).sum())


def mlp_objective(
    net: MlpNetwork,
    x: FloatArray,
    y: FloatArray,
    penalty: Penalty | None = None,
    weight: FloatArray | None = None,
    jacobian_bytes: int = JACOBIAN_BYTES,
    loss: Loss = SQUARES,
) -> RegularizedLoss:
    """f(theta) = sum_s v_s |f(x_s) - y_s|^2 + lamb lamb_l1 sum |W| for an MLP on samples.

    For other losses than squares the first term is their weighted mean.

    Parameters
    ----------
    net : MlpNetwork
    x : ndarray of shape (n_samples, n_in)
    y : ndarray of shape (n_samples, n_out)
    penalty : Penalty, optional
        Only ``lamb`` and ``lamb_l1`` count.
    weight : ndarray of shape (n_samples,), optional
        Sample weights; v_s = weight_s / (n_out sum of weight). Equal weights if not given.
    jacobian_bytes : int
        Rows of a Jacobian that are laid out at once take no more.
    loss : Loss
    """
    regularizer = WeightPenalty(penalty or Penalty(), net.width)

    def of_samples(
        x: FloatArray, y: FloatArray, weight: FloatArray | None = None
    ) -> tuple[MlpEvaluator | LossEvaluator, WeightPenalty]:
        squares = MlpEvaluator(net, x, y, weight, jacobian_bytes)
        return squares if loss.is_squares else LossEvaluator(squares, loss, y, weight), regularizer

    evaluator, _ = of_samples(x, y, weight)
    samples = Samples(x, y, residual_weights(y, weight), of_samples)
    return RegularizedLoss(evaluator, net.theta, regularizer, samples)


class _Curvature:
    """Gauss-Newton Hessian of the loss.

    One output depends on all parameters but the columns of the last layer that belong to other outputs. The
    product of its rows of J is formed for these parameters only, and added to the Hessian.
    """

    def __init__(self, width: tuple[int, ...], n_samples: int, room: int) -> None:
        self._n_out, self._width, self._n = width[-1], (*width[:-1], 1), n_samples
        self._n_params = sum((n_in + 1) * n_out for n_in, n_out in pairwise(width))
        self._own = split_layers(width, np.arange(self._n_params))[-1]
        self._shared = self._n_params - (width[-2] + 1) * width[-1]
        self._size = self._shared + width[-2] + 1
        self._chunk = min(max(room // (8 * self._size), 1), n_samples)
        self._rows = _aligned.empty((self._size * self._chunk,))
        self._matrix: FloatArray | None = None

    def assemble(self, net: MlpNetwork, x: FloatArray, twice_weight: FloatArray) -> FloatArray:
        """Return 2 J^T W J for samples x (n_in, n): the upper triangle.

        The next call overwrites it.
        """
        if self._matrix is None:
            self._matrix = _aligned.zeros((self._n_params, self._n_params))
            one = (self._size, self._size)
            self._one = self._matrix if self._n_out == 1 else _aligned.zeros(one)
        self._root = np.sqrt(twice_weight)
        self._nodes, self._slopes = net.values_and_slopes(x)
        weights = [layer for layer, _ in net.layers]
        matrix, one_output, shared = self._matrix, self._one, self._shared
        one_output.fill(0.0)
        if self._n_out == 1:
            self._add_output(weights)
            return matrix
        matrix[shared:, shared:] = 0.0
        *hidden, last = weights
        for j in range(self._n_out):
            one_output[:, shared:] = 0.0
            self._add_output([*hidden, last[:, j : j + 1]])
            own = self._columns(j)
            matrix[:shared, own] = one_output[:shared, shared:]
            matrix[np.ix_(own, own)] = one_output[shared:, shared:]
        matrix[:shared, :shared] = one_output[:shared, :shared]
        return matrix

    def parts(self, net: MlpNetwork, x: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
        """Parts of the samples with d f_j / d theta of all outputs: (n_params, n_out, n)."""
        self._root = np.ones(self._n)
        self._nodes, self._slopes = net.values_and_slopes(x)
        *hidden, last = [layer for layer, _ in net.layers]
        step = max(self._chunk // self._n_out, 1)
        for low in range(0, self._n, step):
            samples = slice(low, min(low + step, self._n))
            m = samples.stop - low
            jacobian = np.zeros((self._n_params, self._n_out, m))
            rows = self._rows[: self._size * m].reshape(self._size, m)
            for j in range(self._n_out):
                self._lay_out([*hidden, last[:, j : j + 1]], samples, split_layers(self._width, rows))
                jacobian[: self._shared, j] = rows[: self._shared]
                jacobian[self._columns(j), j] = rows[self._shared :]
            yield samples, jacobian

    def _columns(self, output: int) -> NDArray[np.int64]:
        """Indices of the parameters of the last layer that belong to an output."""
        return np.append(self._own[0][:, output], self._own[1][output])

    def _add_output(self, weights: list[FloatArray]) -> None:
        """Add the products of one output's rows, given its column of the last layer, to `_one`."""
        size, n = self._size, self._n
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
            np.multiply(self._nodes[layer][:, None, samples], delta, out=by_weights)
            if layer > 0:
                by_bias_below = rows[layer - 1][1]
                np.dot(weights[layer], delta, out=by_bias_below)
                by_bias_below *= self._slopes[layer][:, samples]

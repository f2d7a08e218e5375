"""The function of an MLP: its parameters as one vector, its outputs and their derivatives by the inputs.

Values of nodes are held as (n_nodes, n_samples): sums with biases and the products of a Jacobian then run
along samples, however narrow the layer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kan_np import _aligned
from kan_np._validate import FloatArray
from kan_np.kernels import mlp
from kan_np.kernels.activation import RELU, SILU, TANH
from kan_np.kernels.microkernels import PANEL

_Number = TypeVar("_Number", bound=np.generic)

#: Activations by name, as kernels number them.
ACTIVATIONS = {"tanh": TANH, "relu": RELU, "silu": SILU}
_BLOCK = 6 * PANEL  # samples that go through all layers at once; see docs/design/mlp.md


@dataclass(frozen=True)
class MlpBlock:
    """What the kernels of an MLP need besides parameters and samples: activation, widths and work space.

    Attributes
    ----------
    kind : int
    width : ndarray of int
    nodes, slopes : ndarray of shape (n_rows, block)
        Values of the nodes, a row of ones after each layer but the last; derivatives of activations.
    first : list of int
        First row of each node layer.
    """

    kind: int
    width: NDArray[np.int64]
    nodes: FloatArray
    slopes: FloatArray
    first: list[int]

    @staticmethod
    def of(net: MlpNetwork) -> MlpBlock:
        """Work space for the blocks of a network."""
        first = np.cumsum([0, *(nodes + 1 for nodes in net.width[:-1])]).tolist()
        shape = (first[-1] + net.width[-1], _BLOCK)
        width = np.array(net.width, dtype=np.int64)
        nodes = _aligned.empty(shape)
        nodes.fill(1.0)
        return MlpBlock(ACTIVATIONS[net.activation], width, nodes, _aligned.zeros(shape), first)


@dataclass(frozen=True)
class MlpNetwork:
    """An MLP with its parameters: h_{l+1} = a(h_l W_l + b_l), the last layer without a.

    ``theta`` holds W_0, b_0, W_1, b_1, ... one after the other; W_l has shape (n_in, n_out).
    """

    width: tuple[int, ...]
    activation: str
    theta: FloatArray

    @property
    def n_params(self) -> int:
        return self.theta.size

    @cached_property
    def layers(self) -> list[tuple[FloatArray, FloatArray]]:
        """(W, b) of each layer, views of theta."""
        return split_layers(self.width, self.theta)

    def with_theta(self, theta: FloatArray) -> MlpNetwork:
        return replace(self, theta=np.array(theta, dtype=np.float64))

    def with_constant_output(self, output: int, value: float) -> MlpNetwork:
        """The network with one output replaced by a constant."""
        new = self.with_theta(self.theta)
        weights, biases = new.layers[-1]  # views
        weights[:, output], biases[output] = 0.0, value
        return new

    def check_inputs(self, x: FloatArray, first_row: int = 0) -> None:
        """An MLP has no grid: every input can be evaluated."""

    def forward(self, x: FloatArray) -> FloatArray:
        """Outputs (n_samples, n_out)."""
        block, out = MlpBlock.of(self), np.empty((self.width[-1], x.shape[0]))
        samples, theta = _aligned.in_rows(x.T), _aligned.in_rows(self.theta)
        mlp.forward(block.kind, block.width, theta, samples, block.nodes, block.slopes, out)
        return np.ascontiguousarray(out.T)

    def input_jacobian(self, x: FloatArray) -> FloatArray:
        """d f_j / d x_i by forward accumulation: (n_samples, n_out, n_in)."""
        _, slopes = self.values_and_slopes(x.T)
        jacobian = np.tile(np.eye(self.width[0]), (x.shape[0], 1, 1))
        for layer, (weights, _) in enumerate(self.layers):
            jacobian = np.einsum("io,sij->soj", weights, jacobian)
            if layer < len(self.layers) - 1:
                jacobian *= slopes[layer + 1].T[:, :, None]
        return np.ascontiguousarray(jacobian)

    def values_and_slopes(self, x: FloatArray) -> tuple[list[FloatArray], list[FloatArray]]:
        """Values of the nodes and derivatives of their activations, (n_nodes, n_samples) a layer.

        x has shape (n_in, n_samples). Inputs and outputs have entries, too; as they have no activations their
        derivatives are undefined.
        """
        block = MlpBlock.of(self)
        shape = (block.nodes.shape[0], x.shape[1])
        nodes, slopes = _aligned.empty(shape), _aligned.empty(shape)
        given = block.kind, block.width, _aligned.in_rows(self.theta), _aligned.in_rows(x)
        mlp.values_and_slopes(*given, block.nodes, block.slopes, nodes, slopes)
        rows = [slice(low, low + n) for low, n in zip(block.first, self.width, strict=True)]
        return [nodes[own] for own in rows], [slopes[own] for own in rows]


def split_layers(
    width: tuple[int, ...], theta: NDArray[_Number]
) -> list[tuple[NDArray[_Number], NDArray[_Number]]]:
    """Views (W, b) of each layer into an array with one entry, or one row, for each parameter.

    Parameters
    ----------
    width : tuple of int
    theta : ndarray of shape (n_params, ...)
        C-contiguous.

    Returns
    -------
    list of (ndarray of shape (n_in, n_out, ...), ndarray of shape (n_out, ...))
    """
    layers, at = [], 0
    for n_in, n_out in zip(width[:-1], width[1:], strict=True):
        weights = theta[at : at + n_in * n_out].reshape(n_in, n_out, *theta.shape[1:])
        at += n_in * n_out
        layers.append((weights, theta[at : at + n_out]))
        at += n_out
    return layers

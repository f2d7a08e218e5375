"""Arithmetic of an MLP: activations, the flat vector of parameters, forward and input derivatives.

Values of nodes are held as (n_nodes, n_samples): sums with biases and the products of a Jacobian then run
along samples, however narrow the layer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.kernels import activation
from kan_np.kernels.exponential import OCTET

_CHUNK = 8192  # rows of a prediction that are in memory at once

_Number = TypeVar("_Number", bound=np.generic)


Activation = Callable[[FloatArray, FloatArray], None]


def _by_kernel(kind: int) -> Activation:
    tail, tail_slope = np.zeros((1, OCTET)), np.empty((1, OCTET))

    def activate(z: FloatArray, slope: FloatArray) -> None:
        activation.activate(kind, z, slope, tail, tail_slope)

    return activate


def _relu(z: FloatArray, slope: FloatArray) -> None:
    np.greater(z, 0.0, out=slope)
    np.maximum(z, 0.0, out=z)


#: By name what makes an activation in place, with scratch of its own: (z, slope), both C-contiguous -> z
#: becomes a(z) and slope a'(z).
ACTIVATIONS: dict[str, Callable[[], Activation]] = {
    "tanh": lambda: _by_kernel(activation.TANH),
    "relu": lambda: _relu,
    "silu": lambda: _by_kernel(activation.SILU),
}


@dataclass(frozen=True)
class MlpNetwork:
    """Numbers of an MLP: h_{l+1} = a(h_l W_l + b_l), the last layer without a.

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

    def check_inputs(self, x: FloatArray, first_row: int = 0) -> None:
        """An MLP has no grid: every input can be evaluated."""

    def forward(self, x: FloatArray) -> FloatArray:
        """Outputs (n_samples, n_out), in chunks of rows."""
        activate = ACTIVATIONS[self.activation]()
        out = np.empty((x.shape[0], self.width[-1]))
        for low in range(0, x.shape[0], _CHUNK):
            h = x[low : low + _CHUNK].T
            for layer, (weights, bias) in enumerate(self.layers):
                h = np.dot(weights.T, h)
                h += bias[:, None]
                if layer < len(self.layers) - 1:
                    activate(h, np.empty_like(h))
            out[low : low + _CHUNK] = h.T
        return out

    def input_jacobian(self, x: FloatArray) -> FloatArray:
        """d f_j / d x_i by forward accumulation: (n_samples, n_out, n_in)."""
        activate = ACTIVATIONS[self.activation]()
        h, jacobian = x.T, np.tile(np.eye(self.width[0]), (x.shape[0], 1, 1))
        for layer, (weights, bias) in enumerate(self.layers):
            h = np.dot(weights.T, h)
            h += bias[:, None]
            jacobian = np.einsum("io,sij->soj", weights, jacobian)
            if layer < len(self.layers) - 1:
                slope = np.empty_like(h)
                activate(h, slope)
                jacobian *= slope.T[:, :, None]
        return np.ascontiguousarray(jacobian)


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


def stacked_layers(width: tuple[int, ...], theta: FloatArray) -> list[FloatArray]:
    """(W_l; b_l) of each layer as one matrix (n_in + 1, n_out), a view of theta."""
    layers, at = [], 0
    for n_in, n_out in pairwise(width):
        end = at + (n_in + 1) * n_out
        layers.append(theta[at:end].reshape(n_in + 1, n_out))
        at = end
    return layers

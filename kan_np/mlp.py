"""Multilayer perceptron: the baseline, with the same interface, optimizers and files as KAN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.check import Dataset
from kan_np.optimize.fit import Callback, FitOptions
from kan_np.optimize.status import FitResult
from kan_np.penalty import Penalty
from kan_np.trainable import Trainable, check_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CHUNK = 8192  # rows of a prediction that are in memory at once


def _tanh(z: FloatArray, slope: FloatArray) -> None:
    np.tanh(z, out=z)
    np.multiply(z, z, out=slope)
    np.subtract(1.0, slope, out=slope)


def _relu(z: FloatArray, slope: FloatArray) -> None:
    np.greater(z, 0.0, out=slope)
    np.maximum(z, 0.0, out=z)


def _silu(z: FloatArray, slope: FloatArray) -> None:
    # S = 1 / (1 + exp(-z)) by tanh, which does not overflow; silu' = S + z S (1 - S)
    np.multiply(z, 0.5, out=slope)
    np.tanh(slope, out=slope)
    slope += 1.0
    slope *= 0.5
    sigma = slope.copy()
    slope *= z
    np.multiply(slope, 1.0 - sigma, out=slope)
    slope += sigma
    z *= sigma


#: Activations in place: (z, slope) -> z becomes a(z) and slope a'(z).
ACTIVATIONS: dict[str, Callable[[FloatArray, FloatArray], None]] = {
    "tanh": _tanh,
    "relu": _relu,
    "silu": _silu,
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
        out = np.empty((x.shape[0], self.width[-1]))
        for low in range(0, x.shape[0], _CHUNK):
            h = x[low : low + _CHUNK]
            for layer, (weights, bias) in enumerate(self.layers):
                h = h @ weights + bias
                if layer < len(self.layers) - 1:
                    ACTIVATIONS[self.activation](h, np.empty_like(h))
            out[low : low + _CHUNK] = h
        return out

    def input_jacobian(self, x: FloatArray) -> FloatArray:
        """d f_j / d x_i by forward accumulation: (n_samples, n_out, n_in)."""
        h, jacobian = x, np.tile(np.eye(self.width[0]), (x.shape[0], 1, 1))
        for layer, (weights, bias) in enumerate(self.layers):
            h = h @ weights + bias
            jacobian = np.einsum("io,sij->soj", weights, jacobian)
            if layer < len(self.layers) - 1:
                slope = np.empty_like(h)
                ACTIVATIONS[self.activation](h, slope)
                jacobian *= slope[:, :, None]
        return np.ascontiguousarray(jacobian)


def split_layers(width: tuple[int, ...], theta: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    """Views (W, b) of each layer into the flat vector."""
    layers, at = [], 0
    for n_in, n_out in zip(width[:-1], width[1:], strict=True):
        weights = theta[at : at + n_in * n_out].reshape(n_in, n_out)
        at += n_in * n_out
        layers.append((weights, theta[at : at + n_out]))
        at += n_out
    return layers


class MlpObjective:
    """mean (f(x) - y)^2 + lamb lamb_l1 sum |W|, by one pass forward and one back in place."""

    def __init__(self, net: MlpNetwork, x: FloatArray, y: FloatArray, penalty: Penalty) -> None:
        self.penalty = penalty
        self.n_fev = 0
        self.mse = self.reg = float("nan")
        self._width, self._activate = net.width, ACTIVATIONS[net.activation]
        self._x, self._y = x, y
        self._h = [np.empty((x.shape[0], n)) for n in net.width[1:]]
        self._slope = [np.empty_like(h) for h in self._h[:-1]]
        self._back = [np.empty_like(h) for h in self._h[:-1]]

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Objective and gradient at the flat vector theta of length n_params."""
        self.n_fev += 1
        grad = np.empty(theta.size)
        layers, grads = split_layers(self._width, theta), split_layers(self._width, grad)
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging fit is a status, not a warning
            h = self._x
            for layer, (weights, bias) in enumerate(layers):
                np.dot(h, weights, out=self._h[layer])
                h = self._h[layer]
                h += bias
                if layer < len(layers) - 1:
                    self._activate(h, self._slope[layer])
            delta = h
            delta -= self._y
            self.mse = float(np.vdot(delta, delta)) / delta.size
            delta *= 2.0 / delta.size
            for layer in range(len(layers) - 1, -1, -1):
                below = self._h[layer - 1] if layer > 0 else self._x
                np.dot(below.T, delta, out=grads[layer][0])
                np.sum(delta, axis=0, out=grads[layer][1])
                if layer > 0:
                    np.dot(delta, layers[layer][0].T, out=self._back[layer - 1])
                    delta = self._back[layer - 1]
                    delta *= self._slope[layer - 1]
        self.reg = 0.0
        if self.penalty.lamb > 0:
            for (weights, _), (by_weights, _) in zip(layers, grads, strict=True):
                self.reg += self.penalty.lamb_l1 * float(np.abs(weights).sum())
                by_weights += self.penalty.lamb * self.penalty.lamb_l1 * np.sign(weights)
        return self.mse + self.penalty.lamb * self.reg, grad


class MLP(Trainable):
    """Multilayer perceptron h_{l+1} = a(h_l W_l + b_l), with a linear last layer.

    Parameters
    ----------
    width : sequence of int
        Nodes of each layer, inputs first: [2, 20, 20, 1].
    activation : {"tanh", "relu", "silu"}
    seed : int or numpy.random.Generator
        Weights start uniform in +-sqrt(6 / (n_in + n_out)) (Glorot and Bengio 2010, eq. (16)), for relu and
        silu in +-sqrt(6 / n_in) (He et al. 2015, eq. (10)); biases uniform in +-1 / sqrt(n_in).

    Attributes
    ----------
    n_params : int
        Weights and biases.
    scaler : Scaler or None
        Standardisation of the data it was fitted on.

    Raises
    ------
    ValueError, TypeError
        For a width or activation that makes no network.

    Examples
    --------
    >>> from kan_np import MLP, create_dataset
    >>> dataset = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=200, seed=0)
    >>> result = MLP([2, 10, 1], activation="tanh", seed=0).fit(dataset, steps=20)
    >>> bool(result["test_loss"][-1] < 0.05)
    True
    """

    def __init__(
        self, width: Sequence[int], activation: str = "tanh", *, seed: int | np.random.Generator = 0
    ) -> None:
        layers = check_width(width)
        activation = _validate.choice("activation", activation, ACTIVATIONS)
        self.scaler = None
        rng = np.random.default_rng(seed)
        parts = []
        for n_in, n_out in zip(layers[:-1], layers[1:], strict=True):
            spread = np.sqrt(6.0 / (n_in + n_out if activation == "tanh" else n_in))
            parts.append(rng.uniform(-spread, spread, n_in * n_out))
            parts.append(rng.uniform(-1.0, 1.0, n_out) / np.sqrt(n_in))
        self._network = MlpNetwork(tuple(layers), activation, np.concatenate(parts))

    @property
    def width(self) -> list[int]:
        """Nodes of each layer, inputs first."""
        return list(self._network.width)

    @property
    def activation(self) -> str:
        """Name of the activation a."""
        return str(self._network.activation)

    def fit(
        self,
        dataset: Dataset,
        opt: str = "LBFGS",
        steps: int = 50,
        *,
        lamb: float = 0.0,
        lamb_l1: float = 1.0,
        progress: bool = False,
        callback: Callback | None = None,
    ) -> FitResult:
        """Train in place on mean squared error + ``lamb`` ``lamb_l1`` sum |W|; otherwise as ``KAN.fit``.

        Parameters
        ----------
        dataset : dict
            train_input, train_label, and where wanted test_* and val_*.
        opt : {"LBFGS"}
            One step of "LBFGS" is up to 20 iterations.
        steps : int
        lamb, lamb_l1 : float
            Penalty on the weights; biases are free.
        progress : bool
            Show a bar on a terminal.
        callback : callable
            Gets a `Progress` after every iteration; returning True stops the fit.

        Returns
        -------
        FitResult

        Raises
        ------
        ValueError, TypeError
            For data or options that cannot be used; the model is then unchanged.
        """
        options = FitOptions(opt, steps, update_grid=False, progress=progress)
        return self._fit(dataset, options, Penalty(lamb, lamb_l1, lamb_entropy=0.0), callback)

    train = fit

    def plot(self) -> Figure:
        """Draw the network, weights as line widths; see `kan_np.plot.plot_mlp`."""
        from kan_np.plot import plot_mlp

        return plot_mlp(self)

    def _objective(self, x: FloatArray, y: FloatArray, penalty: Penalty) -> MlpObjective:
        return MlpObjective(self._network, x, y, penalty)

    def _config(self) -> dict[str, Any]:
        return {"width": self.width, "activation": self.activation}

    def _arrays(self) -> dict[str, FloatArray]:
        return {"theta": self._network.theta}

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, FloatArray]) -> Self:
        model = cls(**config)
        theta = arrays["theta"]
        if theta.shape != model._network.theta.shape:
            raise ValueError(f"parameters of shape {theta.shape} do not fit width {model.width}")
        model._network = model._network.with_theta(theta)
        return model

    def __repr__(self) -> str:
        """Shape, activation and number of parameters."""
        return f"MLP({self.width}, activation={self.activation!r}, n_params={self.n_params})"

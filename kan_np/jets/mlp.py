"""An MLP on derivatives of its inputs: linear layers act on all alike, activations by the chain rule."""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.composition import DERIVATIVES
from kan_np.jets.chain import Chain
from kan_np.jets.multi_index import DerivativeSet
from kan_np.network.mlp_network import split_layers


class MlpJets:
    """Derivatives of the outputs of an MLP by its inputs, and derivatives of these by its parameters.

    Parameters
    ----------
    width : tuple of int
    activation : str
    derivatives : DerivativeSet
    """

    def __init__(self, width: tuple[int, ...], activation: str, derivatives: DerivativeSet) -> None:
        self._width, self._set = width, derivatives
        self._activation = DERIVATIVES[activation]

    def forward(self, values: FloatArray, inputs: FloatArray) -> FloatArray:
        """Derivatives of the outputs, (n_derivatives, n_out, n), from those of the inputs."""
        self._layers = split_layers(self._width, values)
        self._below: list[FloatArray] = []
        self._chains: list[Chain] = []
        self._curves: list[FloatArray] = []
        nodes = inputs
        for number, (weights, biases) in enumerate(self._layers):
            self._below.append(nodes)
            nodes = weights.T @ nodes
            nodes[0] += biases[:, None]
            if number < len(self._layers) - 1:
                chain = Chain(self._set, nodes)
                curves = np.stack(self._activation(nodes[0], self._set.order + 1), axis=1)
                self._chains.append(chain)
                self._curves.append(curves)
                each, nodes = np.arange(len(curves)), np.zeros(nodes.shape)
                chain.add_values(curves, each, each, nodes)
        return nodes

    def backward(self, by_outputs: FloatArray, out: FloatArray) -> None:
        """Write derivatives by all parameters to `out`, (n_params,) summed over samples or (n_params, n)."""
        by_layer = split_layers(self._width, out)
        pulled = by_outputs
        for number in range(len(self._layers) - 1, -1, -1):
            below, (by_weights, by_biases) = self._below[number], by_layer[number]
            if out.ndim == 1:
                by_weights[...] = np.tensordot(below, pulled, axes=([0, 2], [0, 2]))
                by_biases[...] = pulled[0].sum(axis=1)
            else:
                by_weights[...] = np.einsum("cis,cos->ios", below, pulled)
                by_biases[...] = pulled[0]
            if number == 0:
                return
            by_nodes, chain = self._layers[number][0] @ pulled, self._chains[number - 1]
            curves = self._curves[number - 1]
            each, pulled = np.arange(len(curves)), np.zeros(by_nodes.shape)
            by_curves = chain.by_curves(by_nodes, each, each)
            chain.pull(by_nodes, by_curves, curves, each, each, pulled)

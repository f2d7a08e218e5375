"""Derivatives of the outputs of a model by its trained parameters, sample by sample."""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.network.layered import new_passes, values_by_layer
from kan_np.network.mlp_network import MlpNetwork, split_layers
from kan_np.network.network import Network


def parameter_jacobian(network: Network | MlpNetwork, x: FloatArray) -> FloatArray:
    """d f_j / d theta_p at every sample.

    Parameters
    ----------
    network : Network or MlpNetwork
    x : ndarray of shape (n_samples, n_in)

    Returns
    -------
    ndarray of shape (n_out, n_params, n_samples)
        By the vector theta of trained parameters: frozen ones have no row, tied ones share one.
    """
    by_output = _of_mlp(network, x) if isinstance(network, MlpNetwork) else _of_kan(network, x)
    return np.stack(by_output)


def _of_kan(network: Network, x: FloatArray) -> list[FloatArray]:
    """One matrix (n_params, n_samples) an output, layer by layer from the last."""
    structure, found = network.structure, []
    passes = list(zip(new_passes(structure, network.values), values_by_layer(structure), strict=True))
    with np.errstate(all="ignore"):  # far outside the range of the samples
        values = np.ascontiguousarray(x.T)
        for layer, _ in passes:
            values = layer.forward(values, back=True)
        for output in range(len(values)):
            rows = np.empty((structure.n_values, x.shape[0]))
            delta = np.zeros_like(values)
            delta[output] = 1.0
            for layer, own in reversed(passes):
                by_value = np.empty((own.size, x.shape[0]))
                delta = layer.jacobian(delta, by_value)
                rows[own] = by_value
            found.append(rows if structure.parameters is None else structure.parameters.rows(rows))
    return found


def _of_mlp(network: MlpNetwork, x: FloatArray) -> list[FloatArray]:
    """One matrix (n_params, n_samples) an output: the formulas of `kan_np.objective.mlp_objective`."""
    nodes, slopes = network.values_and_slopes(np.ascontiguousarray(x.T))
    found = []
    for output in range(network.width[-1]):
        rows = np.empty((network.n_params, x.shape[0]))
        by_layer = split_layers(network.width, rows)
        delta = np.zeros((network.width[-1], x.shape[0]))
        delta[output] = 1.0
        for layer in range(len(by_layer) - 1, -1, -1):
            by_weights, by_biases = by_layer[layer]
            by_biases[...] = delta
            np.multiply(nodes[layer][:, None], delta, out=by_weights)
            if layer > 0:
                delta = (network.layers[layer][0] @ delta) * slopes[layer]
        found.append(rows)
    return found

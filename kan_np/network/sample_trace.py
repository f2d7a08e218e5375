"""Every number of one prediction: values of edges, sums and nodes, and derivatives of an output by them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kan_np._validate import FloatArray
from kan_np.network.layered import new_passes
from kan_np.network.network import Network


@dataclass(frozen=True)
class LayerTrace:
    """Values at one sample, and the derivatives of one output by them.

    Attributes
    ----------
    edges, edge_grads : ndarray of shape (n_in, n_subnodes)
        phi_ij, 0 where there is no edge.
    sums, sum_grads : ndarray of shape (n_subnodes,)
        z_j = sum_i phi_ij.
    nodes, node_grads : ndarray of shape (n_out,)
        Nodes above: the sums, their products, with scales and biases.
    """

    edges: FloatArray
    edge_grads: FloatArray
    sums: FloatArray
    sum_grads: FloatArray
    nodes: FloatArray
    node_grads: FloatArray


@dataclass(frozen=True)
class SampleTrace:
    """One prediction: the inputs, the derivatives of an output by them, and the layers from the inputs up."""

    inputs: FloatArray
    input_grads: FloatArray
    layers: tuple[LayerTrace, ...]


def sample_trace(net: Network, x: FloatArray, output: int) -> SampleTrace:
    """Evaluate a network at one sample, of shape (n_in,), and differentiate an output by every number of it.

    An edge ends in one sum, so that the derivative by the edge is that by its sum.
    """
    passes, column = new_passes(net.structure, net.values), x[:, None]
    with np.errstate(all="ignore"):  # what is not finite is for the caller to see
        for layer in passes:
            column = layer.forward(column, back=True)
        delta = np.zeros_like(column)
        delta[output] = 1.0
        found = []
        for layer, mask in zip(reversed(passes), reversed(net.masks), strict=True):
            by_sum, _ = layer.to_subnodes(delta)
            by_edge = np.where(mask, by_sum[:, 0], 0.0)
            numbers = (layer.edge_values()[:, :, 0], by_edge, layer.sums[:, 0], by_sum[:, 0])
            found.append(LayerTrace(*numbers, layer.nodes[:, 0], delta[:, 0]))
            delta = layer.pull(delta, np.zeros(layer.n_values))
    return SampleTrace(x, delta[:, 0], tuple(reversed(found)))

"""Evaluation of whole networks by the compiled kernels: node values, outputs and input derivatives."""

from __future__ import annotations

import numpy as np

from kan_np._aligned import in_rows
from kan_np._validate import FloatArray
from kan_np.kernels import network as kernels
from kan_np.kernels.arrays import Net
from kan_np.network.kernel_arrays import load_values, new_places, new_scratch
from kan_np.network.structure import Structure


def node_values(structure: Structure, net: Net, values: FloatArray, x: FloatArray) -> FloatArray:
    """Values of every node, inputs included: (n_samples, n_in) -> (n_nodes, n_samples)."""
    nodes = np.empty((structure.topology.n_nodes, x.shape[0]))
    places, scratch = new_places(structure, slopes=False), new_scratch(structure)
    theta = load_values(structure, values, scratch)
    kernels.forward(net, theta, in_rows(x), nodes, places, scratch)
    return nodes


def forward(structure: Structure, net: Net, values: FloatArray, x: FloatArray, chunk: int) -> FloatArray:
    """Outputs (n_samples, n_out), computed for `chunk` samples at a time to bound the memory."""
    t = structure.topology
    out = np.empty((x.shape[0], t.width[-1]))
    places, scratch = new_places(structure, slopes=False), new_scratch(structure)
    theta = load_values(structure, values, scratch)
    nodes = np.empty((t.n_nodes, min(chunk, x.shape[0])))
    for low in range(0, x.shape[0], chunk):
        part = in_rows(x[low : low + chunk])
        kernels.forward(net, theta, part, nodes, places, scratch)
        out[low : low + chunk] = nodes[t.n_sources :, : part.shape[0]].T
    return out


def input_jacobian(structure: Structure, net: Net, values: FloatArray, x: FloatArray) -> FloatArray:
    """d f_j / d x_i at every sample: (n_samples, n_in) -> (n_samples, n_out, n_in)."""
    width = structure.topology.width
    out = np.empty((x.shape[0], width[-1], width[0]))
    places, scratch = new_places(structure), new_scratch(structure)
    theta = load_values(structure, values, scratch)
    kernels.input_jacobian(net, theta, in_rows(x), places, scratch, out)
    return out

"""The data of figures of a KAN: curves of edges, which edges are not zero, names of symbols."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.network import Network
from kan_np.surgery.attribution import default_samples as default_samples
from kan_np.surgery.attribution import edge_values

_POINTS = 201  # of a curve


def edge_symbols(net: Network) -> Mapping[EdgeIndex, str]:
    """Names of the symbols of symbolic edges, by layer, source and subnode."""
    return {edge: symbol.name for edge, symbol in net.structure.symbols.items()}


def nonzero_edges(net: Network) -> list[NDArray[np.bool_]]:
    """True for edges that are not zero everywhere: an array of shape (n_in, n_subnodes) for each layer."""
    alive = [
        (coef != 0).any(axis=2) | (weight != 0) for coef, weight in zip(net.coef, net.scale_base, strict=True)
    ]
    for layer, i, j in net.families:
        alive[layer][i, j] = True
    for (layer, i, j), name in edge_symbols(net).items():
        alive[layer][i, j] = name != "0"
    return alive


def edge_curves(
    net: Network, samples: FloatArray, points: int = _POINTS
) -> list[tuple[FloatArray, FloatArray]]:
    """Values of every edge over the range of the samples at its source, or over the grid if that is a point.

    Returns
    -------
    list of (x, phi)
        For each layer x of shape (n_in, points) and phi of shape (n_in, n_subnodes, points).
    """
    knots = np.concatenate(net.knots)
    nodes = net.node_values(samples)[: knots.shape[0]]
    low, high = nodes.min(axis=1), nodes.max(axis=1)
    flat = high - low <= 1e-9 * (np.abs(low) + np.abs(high))
    low, high = np.where(flat, knots[:, 0], low), np.where(flat, knots[:, -1], high)
    x = np.linspace(low, high, points, axis=1)
    return list(zip(np.split(x, np.cumsum(net.width[:-1])[:-1]), edge_values(net, x), strict=True))

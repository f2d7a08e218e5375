"""One layer more: outputs that are passed on by straight lines, so that the function stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.bspline import SplineTable
from kan_np.edges.knots import knots_from_samples
from kan_np.edges.symbol import SymbolicEdge
from kan_np.functions.library import default_library
from kan_np.network.layer import Layer
from kan_np.network.network import Network
from kan_np.network.topology import Topology


def with_identity_layer(net: Network, x: FloatArray) -> Network:
    """The network with a layer more at its end, whose edges are x from every output to itself.

    The grids of the new layer cover the outputs at samples x, (n_samples, n_in).
    """
    last, n = net.layers[-1], net.width[-1]
    outputs = net.forward(x)
    knots = knots_from_samples(outputs.T, last.table.knots.shape[1] - 1, 1.0)
    line = SymbolicEdge(default_library()["x"])
    layer = Layer(
        Topology.from_masks([np.zeros((n, n), dtype=bool)]),
        SplineTable.build(knots, last.table.k, last.table.extrapolation),
        last.base_fun,
        np.zeros((0, net.structure.n_row)),
        {(i, i): line for i in range(n)},
        (1,) * n,
    )
    if net.structure.has_affine:
        layer = replace(layer, affine=layer.unit_affine)
    new = Network.from_layers([*net.layers, layer], net.ties, net.frozen)
    return replace(new, structure=replace(new.structure, evaluation=net.structure.evaluation))

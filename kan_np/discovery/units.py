"""Data in units of their own size, and networks brought back to the units of the data.

Inputs and labels are divided by powers of two, which rounds nothing: the search does the same whether a
length is in metres or in light years.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kan_np._validate import FloatArray
from kan_np.discovery.training import Data
from kan_np.edges.bspline import SplineTable
from kan_np.network.layer import Layer
from kan_np.network.network import Network


def own_units(values: FloatArray) -> FloatArray:
    """A power of two for each column of (n, m) just above its largest value; 1 for zeros.

    Examples
    --------
    >>> import numpy as np
    >>> own_units(np.array([[3.0, 0.0], [-5.0, 0.0]])).tolist()
    [8.0, 1.0]
    """
    largest = np.abs(values).max(axis=0)
    return np.ldexp(1.0, np.where(largest > 0, np.clip(np.frexp(largest)[1], -1000, 1000), 0))


def in_own_units(data: Data) -> tuple[Data, FloatArray, float]:
    """The data, and the units of the inputs and of the label."""
    of_inputs = own_units(np.concatenate([data.x, data.val_x]))
    of_label = float(own_units(np.concatenate([data.y, data.val_y]))[0])
    scaled = Data(data.x / of_inputs, data.y / of_label, data.val_x / of_inputs, data.val_y / of_label)
    return replace(scaled, noise=data.noise / of_label), of_inputs, of_label


def in_units_of_data(network: Network, of_inputs: FloatArray, of_label: float) -> Network:
    """The network of one output whose inputs and label are `of_inputs` and `of_label` times as large."""
    layers = list(network.layers)
    layers[0] = _wider(layers[0], of_inputs)
    last = layers[-1]
    first_of_each = np.concatenate([[0], np.cumsum(last.arity)[:-1]])  # one factor of a product is enough
    layers[-1] = _higher(last, set(first_of_each.tolist()), of_label)
    return Network.from_layers(layers, network.ties, network.structure.frozen)


def _wider(layer: Layer, units: FloatArray) -> Layer:
    """f(x / unit) for every edge f of each source."""
    old = layer.table
    knots, reach = old.knots * units[:, None], old.reach * units[:, None]
    table = SplineTable.build(knots, old.k, old.extrapolation, reach)
    symbols = {(i, j): replace(edge, a=edge.a / units[i]) for (i, j), edge in layer.symbols.items()}
    return replace(layer, table=table, symbols=symbols)


def _higher(layer: Layer, subnodes: set[int], unit: float) -> Layer:
    """unit f for every edge f to these subnodes."""
    symbols = {
        (i, j): replace(edge, c=edge.c * unit, d=edge.d * unit) if j in subnodes else edge
        for (i, j), edge in layer.symbols.items()
    }
    size = np.array([unit if j in subnodes else 1.0 for _, j in np.argwhere(layer.spline_mask)])
    return replace(layer, spline_params=layer.spline_params * size[:, None], symbols=symbols)

"""Derivatives of the outputs of a network by its inputs, and derivatives of these by its parameters."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from kan_np._validate import FloatArray
from kan_np.jets.layer import LayerJets
from kan_np.jets.mlp import MlpJets
from kan_np.jets.multi_index import DerivativeSet, MultiIndex
from kan_np.network.layer import layers_of
from kan_np.network.layered import values_by_layer
from kan_np.network.mlp_network import MlpNetwork
from kan_np.network.network import Network


class Jets(Protocol):
    """A network on derivatives of its inputs.

    What a pass computes is kept for `backward`. A set of points, and derivatives of its inputs, belong to one
    such object: functions of the inputs are computed once.
    """

    def forward(self, values: FloatArray, inputs: FloatArray) -> FloatArray:
        """Derivatives of the outputs, (n_derivatives, n_out, n), from those of the inputs."""
        ...

    def backward(self, by_outputs: FloatArray, out: FloatArray) -> None:
        """Write derivatives by all values to `out`, (n_values,) summed over samples or (n_values, n).

        Rows of `out` are contiguous; they may be parts of longer rows.
        """
        ...


class KanJets:
    """`Jets` of a KAN, whatever its edges are.

    Parameters
    ----------
    network : Network
    derivatives : DerivativeSet
    fixed : bool
        Whether all passes have the same inputs.
    """

    def __init__(self, network: Network, derivatives: DerivativeSet, *, fixed: bool = False) -> None:
        structure = network.structure
        layers, places = layers_of(structure, network.values), values_by_layer(structure)
        self._layers = [
            LayerJets(layer, own, derivatives, is_first=number == 0, fixed=fixed)
            for number, (layer, own) in enumerate(zip(layers, places, strict=True))
        ]

    def forward(self, values: FloatArray, inputs: FloatArray) -> FloatArray:
        """See `Jets`."""
        nodes = inputs
        for layer in self._layers:
            nodes = layer.forward(values, nodes)
        return nodes

    def backward(self, by_outputs: FloatArray, out: FloatArray) -> None:
        """See `Jets`."""
        if out.strides[-1] != out.itemsize:
            raise ValueError("out has rows that are not contiguous; expected contiguous ones.")
        pulled = by_outputs
        for layer in reversed(self._layers):
            pulled = layer.backward(pulled, out)


def jets_of(network: Network | MlpNetwork, derivatives: DerivativeSet, *, fixed: bool = False) -> Jets:
    """The `Jets` of a KAN or an MLP."""
    if isinstance(network, MlpNetwork):
        return MlpJets(network.width, network.activation, derivatives)
    return KanJets(network, derivatives, fixed=fixed)


def input_derivatives(derivatives: DerivativeSet, x: FloatArray) -> FloatArray:
    """Derivatives of the inputs by themselves, (n_derivatives, n_in, n), at x of shape (n, n_in)."""
    out = np.zeros((len(derivatives.indices), x.shape[1], x.shape[0]))
    out[0] = x.T
    for place, index in enumerate(derivatives.indices):
        if len(index) == 1:
            out[place, index[0]] = 1.0
    return out


def output_derivatives(
    network: Network | MlpNetwork, x: FloatArray, wanted: list[MultiIndex]
) -> dict[MultiIndex, FloatArray]:
    """The wanted derivatives of all outputs at x (n, n_in): arrays of shape (n, n_out)."""
    derivatives = DerivativeSet.containing(wanted)
    values = network.theta if isinstance(network, MlpNetwork) else network.values
    with np.errstate(over="ignore", invalid="ignore"):
        found = jets_of(network, derivatives).forward(values, input_derivatives(derivatives, x))
    return {
        index: np.ascontiguousarray(found[derivatives.number[tuple(sorted(index))]].T) for index in wanted
    }

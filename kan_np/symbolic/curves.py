"""The curves of the edges of a network on samples, and how much each point of them matters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kan_np._validate import FloatArray
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.layered import new_passes
from kan_np.network.network import Network


@dataclass(frozen=True)
class Curve:
    """An edge on samples.

    Attributes
    ----------
    x, y : ndarray of shape (n,)
        Values that reach the edge, and what it makes of them.
    gain : ndarray of shape (n,)
        sqrt(sum over outputs of (d output / d y)^2).
    """

    x: FloatArray
    y: FloatArray
    gain: FloatArray

    @property
    def mean_gain(self) -> float:
        """Root mean square of the gain: an error e of the outputs is one of e / mean_gain here."""
        return float(np.sqrt(np.mean(np.square(self.gain))))

    def thinned(self, most: int) -> Curve:
        """At most so many points, evenly by rank of x, with the gain of what they stand for."""
        if self.x.size <= most:
            return self
        order = np.argsort(self.x, kind="stable")
        chosen = order[np.unique(np.linspace(0, self.x.size - 1, most).round().astype(int))]
        return Curve(self.x[chosen], self.y[chosen], self.gain[chosen])


def curves(network: Network, x: FloatArray, *, symbols: bool = False) -> dict[EdgeIndex, Curve]:
    """Curves of the spline edges, and of the symbols if asked for, on samples (n_samples, n_in)."""
    passes = new_passes(network.structure, network.values)
    found: dict[EdgeIndex, Curve] = {}
    with np.errstate(all="ignore"):  # what is not finite is for the caller to see
        rows = np.ascontiguousarray(x.T)
        for layer in passes:
            rows = layer.forward(rows, back=True)
        squares = [np.zeros(layer.sums.shape) for layer in passes]
        for output in range(rows.shape[0]):
            delta = np.zeros_like(rows)
            delta[output] = 1.0
            for square, layer in zip(squares[::-1], passes[::-1], strict=True):
                square += np.square(layer.to_subnodes(delta)[0])
                delta = layer.pull(delta, np.zeros(layer.n_values))
        for l, (layer, square) in enumerate(zip(passes, squares, strict=True)):  # noqa: E741
            phi, gain = layer.edge_values(), np.sqrt(square)
            mask = layer.layer.mask if symbols else layer.layer.spline_mask
            for i, j in np.argwhere(mask).tolist():
                found[l, i, j] = Curve(layer.x[i], phi[i, j], gain[j])
    return found

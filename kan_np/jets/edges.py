"""Edges of one kind in a layer: derivatives of the sums they lead to, and of these by parameters and nodes.

A group of hidden edges evaluates phi^(m), m = 0 .. order + 1, at the nodes below; the chain rule does the
rest. Backwards it takes what multiplies d phi^(m) / d theta, m = 0 .. order, to derivatives by its
parameters: sums over samples, or one number a sample. Edges that are linear in their parameters are in
`kan_np.jets.linear`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import cast

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.pointwise import Pointwise
from kan_np.edges.symbol import SymbolicEdge
from kan_np.jets.chain import Chain
from kan_np.kernels.arrays import Ints
from kan_np.network.layer import Layer, LayerBasis

#: Where the parameters of a group are among all values of a network.
Place = slice | Ints


class EdgeGroup(ABC):
    """Edges of one kind in a layer.

    Attributes
    ----------
    part : slice or ndarray of int
        Where their parameters are among the values of the network.
    """

    part: Place

    @abstractmethod
    def forward(self, values: FloatArray, chain: Chain, sums: FloatArray) -> None:
        """Add the derivatives of the edges, with parameters `values[part]`, to those of their sums."""

    @abstractmethod
    def backward(self, by_sums: FloatArray, chain: Chain, out: FloatArray) -> None:
        """Write derivatives by parameters to `out[part]`, given those by the derivatives of the sums.

        `out` has one axis for sums over samples, two for a number of every sample.
        """

    @abstractmethod
    def pull(self, by_sums: FloatArray, chain: Chain, by_nodes: FloatArray) -> None:
        """Add derivatives by those of the nodes below to `by_nodes`; after `backward`."""


class CurveGroup(EdgeGroup):
    """Edges that the chain rule is applied to one by one.

    Parameters
    ----------
    source, target : ndarray of shape (n_edges,)
        Nodes below and subnodes above.
    part : slice or ndarray of int
    """

    def __init__(self, source: Ints, target: Ints, part: Place) -> None:
        self.source, self.target = np.ascontiguousarray(source), np.ascontiguousarray(target)
        self.part = part
        #: phi^(m), m = 0 .. order + 1, at the nodes of the last `forward`: (n_edges, order + 2, n)
        self.curves: FloatArray = np.zeros((0, 0, 0))

    @abstractmethod
    def evaluate(self, values: FloatArray, x: FloatArray, order: int) -> FloatArray:
        """phi^(m), m = 0 .. order + 1, at the nodes x (n_in, n), with these parameters."""

    @abstractmethod
    def gradient(self, by_curves: FloatArray, out: FloatArray) -> None:
        """out[part] = sum_{m, s} by_curves[e, m, s] d phi^(m)_e(x_s) / d theta."""

    @abstractmethod
    def rows(self, by_curves: FloatArray, out: FloatArray) -> None:
        """As `gradient` without the sum over samples: out (n_values, n)."""

    def forward(self, values: FloatArray, chain: Chain, sums: FloatArray) -> None:
        """See `EdgeGroup`."""
        self.curves = self.evaluate(values[self.part], chain.nodes[0], chain.order)
        chain.add_values(self.curves, self.source, self.target, sums)

    def backward(self, by_sums: FloatArray, chain: Chain, out: FloatArray) -> None:
        """See `EdgeGroup`."""
        self._by_curves = chain.by_curves(by_sums, self.source, self.target)
        if out.ndim == 1:
            self.gradient(self._by_curves, out)
        else:
            self.rows(self._by_curves, out)

    def pull(self, by_sums: FloatArray, chain: Chain, by_nodes: FloatArray) -> None:
        """See `EdgeGroup`."""
        chain.pull(by_sums, self._by_curves, self.curves, self.source, self.target, by_nodes)


class PointwiseGroup(CurveGroup):
    """Edges of a family with parameters of their own that phi is not linear in."""

    def __init__(self, own: LayerBasis, n_in: int, part: Place) -> None:
        super().__init__(own.topology.source, own.topology.target - n_in, part)
        self._basis = cast(Pointwise, own.basis)

    def evaluate(self, values: FloatArray, x: FloatArray, order: int) -> FloatArray:
        """See `CurveGroup`."""
        self._theta, self._x = values.reshape(self.source.size, -1), x[self.source]
        orders = range(order + 2)
        return np.stack([self._basis.phi(self._theta, self._x, m) for m in orders], axis=1)

    def gradient(self, by_curves: FloatArray, out: FloatArray) -> None:
        """See `CurveGroup`."""
        found = sum(
            np.einsum("es,eps->ep", by_curves[:, m], self._basis.by_params(self._theta, self._x, m))
            for m in range(by_curves.shape[1])
        )
        out[self.part] = np.asarray(found).ravel()

    def rows(self, by_curves: FloatArray, out: FloatArray) -> None:
        """See `CurveGroup`."""
        found = sum(
            by_curves[:, None, m] * self._basis.by_params(self._theta, self._x, m)
            for m in range(by_curves.shape[1])
        )
        out[self.part] = np.asarray(found).reshape(-1, by_curves.shape[2])


class SymbolGroup(CurveGroup):
    """Edges that are named functions, c f(a x + b) + d.

    With u = a x + b it is phi^(m) = c a^m f^(m)(u); its derivatives are c (m a^(m-1) f^(m) + a^m x f^(m+1))
    by a, c a^m f^(m+1) by b, a^m f^(m) by c, and by d 1 for m = 0 and else 0.
    """

    def __init__(self, layer: Layer, part: Place) -> None:
        edges = np.array(list(layer.symbols), dtype=np.int64).reshape(-1, 2)
        super().__init__(edges[:, 0], edges[:, 1], part)
        self._symbols: list[SymbolicEdge] = list(layer.symbols.values())

    def evaluate(self, values: FloatArray, x: FloatArray, order: int) -> FloatArray:
        """See `CurveGroup`."""
        self._constants, self._x = values.reshape(-1, 4), x[self.source]
        a, b, c, d = self._constants.T[:, :, None]
        u = a * self._x + b
        self._f = np.stack(
            [own.symbol.guarded(row, order + 1) for own, row in zip(self._symbols, u, strict=True)]
        )
        powers = a[:, None] ** np.arange(order + 2)[:, None]
        curves = c[:, None] * powers * self._f
        curves[:, 0] += d
        return np.ascontiguousarray(curves)

    def _by_constants(self, m: int) -> FloatArray:
        """Derivatives of phi^(m) by a, b, c and d: (n_edges, 4, n)."""
        a, _, c, _ = self._constants.T[:, :, None]
        f, steep = self._f[:, m], self._f[:, m + 1]
        by_b = c * a**m * steep
        by_a = by_b * self._x + (m * c * a ** (m - 1) * f if m else 0.0)
        return np.stack([by_a, by_b, a**m * f, np.full_like(f, float(m == 0))], axis=1)

    def gradient(self, by_curves: FloatArray, out: FloatArray) -> None:
        """See `CurveGroup`."""
        found = sum(
            np.einsum("es,eps->ep", by_curves[:, m], self._by_constants(m)) for m in range(by_curves.shape[1])
        )
        out[self.part] = np.asarray(found).ravel()

    def rows(self, by_curves: FloatArray, out: FloatArray) -> None:
        """See `CurveGroup`."""
        found = sum(by_curves[:, None, m] * self._by_constants(m) for m in range(by_curves.shape[1]))
        out[self.part] = np.asarray(found).reshape(-1, by_curves.shape[2])

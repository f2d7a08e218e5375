"""Edges of one kind in a layer: derivatives of their functions, and derivatives of these by parameters.

A group evaluates phi^(m), m = 0 .. order + 1, of its edges at the nodes below, and takes what multiplies
d phi^(m) / d theta, m = 0 .. order, to derivatives by its parameters: sums over samples (`gradient`) or one
number a sample (`rows`). Edges that are linear in their parameters share functions psi_r of their source.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import cast

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.composition import DERIVATIVES
from kan_np.edges.family import Basis
from kan_np.edges.pointwise import Pointwise
from kan_np.edges.symbol import SymbolicEdge
from kan_np.kernels.arrays import Ints
from kan_np.kernels.derivative_rows import spline_rows, sum_rows
from kan_np.network.layer import Layer, LayerBasis


class EdgeGroup(ABC):
    """Edges of one kind in a layer.

    Attributes
    ----------
    source, target : ndarray of shape (n_edges,)
        Nodes below and subnodes above.
    part : slice
        Where their parameters are among the values of the layer.
    curves : ndarray of shape (order + 2, n_edges, n)
        phi^(m) at the nodes of the last `evaluate`.
    """

    source: Ints
    target: Ints
    part: slice
    curves: FloatArray

    @abstractmethod
    def evaluate(self, values: FloatArray, x: FloatArray, order: int, *, keep: bool) -> None:
        """phi^(m), m = 0 .. order + 1, at the nodes x (n_in, n), with parameters `values[part]`.

        With `keep` the nodes are those of the last call, so that functions without parameters are known.
        """

    @abstractmethod
    def gradient(self, by_curves: FloatArray) -> FloatArray:
        """sum_{m, s} by_curves[m, e, s] d phi^(m)_e(x_s) / d theta: (n_values,)."""

    @abstractmethod
    def rows(self, by_curves: FloatArray) -> FloatArray:
        """As `gradient` without the sum over samples: (n_values, n)."""


class LinearGroup(EdgeGroup):
    """Edges that are linear in their parameters, sorted by their sources."""

    def __init__(self, source: Ints, target: Ints, n_params: int, at: int) -> None:
        self.source, self.target, self._n_params = source, target, n_params
        self.part = slice(at, at + source.size * n_params)
        starts = [*np.flatnonzero(np.diff(source, prepend=-1)).tolist(), source.size]
        self._fans = [(int(source[a]), slice(a, b)) for a, b in pairwise(starts)]
        #: psi_r^(m) of the sources: (n_fans, n_params, order + 2, n)
        self._functions: FloatArray = np.zeros((len(self._fans), n_params, 0, 0))

    @abstractmethod
    def functions(self, x: FloatArray, order: int) -> FloatArray:
        """psi_r^(m), m = 0 .. order, of the sources of the fans: (n_fans, n_params, order + 1, n)."""

    def evaluate(self, values: FloatArray, x: FloatArray, order: int, *, keep: bool) -> None:
        """See `EdgeGroup`."""
        if not keep:
            self._functions = self.functions(x, order + 1)
        theta, n = values[self.part].reshape(-1, self._n_params), x.shape[1]
        found = np.empty((self.source.size, order + 2, n))
        for own, (_, edges) in zip(self._functions, self._fans, strict=True):
            np.matmul(
                theta[edges], own.reshape(self._n_params, -1), out=found[edges].reshape(-1, (order + 2) * n)
            )
        self.curves = found.swapaxes(0, 1)

    def gradient(self, by_curves: FloatArray) -> FloatArray:
        """See `EdgeGroup`."""
        order, n = by_curves.shape[0], by_curves.shape[2]
        found = np.empty((self.source.size, self._n_params))
        pulled = np.ascontiguousarray(by_curves.swapaxes(0, 1)).reshape(self.source.size, -1)
        for own, (_, edges) in zip(self._functions, self._fans, strict=True):
            found[edges] = pulled[edges] @ own[:, :order].reshape(self._n_params, order * n).T
        return found.ravel()

    def rows(self, by_curves: FloatArray) -> FloatArray:
        """See `EdgeGroup`."""
        found = np.empty((self.source.size, self._n_params, by_curves.shape[2]))
        pulled = np.ascontiguousarray(by_curves.swapaxes(0, 1))
        fan = np.repeat(np.arange(len(self._fans)), [edges.stop - edges.start for _, edges in self._fans])
        sum_rows(pulled, self._functions, fan, found)
        return found.reshape(-1, by_curves.shape[2])


class SplineGroup(LinearGroup):
    """B-splines and base functions of a layer."""

    def __init__(self, layer: Layer) -> None:
        t, self._layer = layer.topology, layer
        super().__init__(t.source, t.target - layer.n_in, layer.spline_params.shape[1], 0)

    def functions(self, x: FloatArray, order: int) -> FloatArray:
        """Base function, if there is one, then all B-splines; see `LinearGroup`."""
        layer, nodes = self._layer, [i for i, _ in self._fans]
        out = np.zeros((len(nodes), self._n_params, order + 1, x.shape[1]))
        own = np.ascontiguousarray(x[nodes])
        if layer.has_base:
            out[:, 0] = np.stack(DERIVATIVES[layer.base_fun](own, order), axis=1)
        table, piece = layer.table, np.empty(x.shape[1], dtype=np.int64)
        spline_rows(
            own,
            np.array(nodes, dtype=np.int64),
            *(table.breaks, table.bucket, table.bucket_scale, table.origin, table.scale),
            *(table.poly, table.start, layer.has_base, piece, out),
        )
        return out


class BasisGroup(LinearGroup):
    """Edges of a family that is linear in its parameters."""

    def __init__(self, own: LayerBasis, n_in: int, at: int) -> None:
        t, self._basis = own.topology, cast(Basis, own.basis)
        super().__init__(t.source, t.target - n_in, own.basis.n_params, at)

    def functions(self, x: FloatArray, order: int) -> FloatArray:
        """See `LinearGroup`."""
        nodes = [i for i, _ in self._fans]
        part, own = self._basis.part(nodes), x[nodes]
        return np.stack([part.values(own, m) for m in range(order + 1)], axis=2)


class PointwiseGroup(EdgeGroup):
    """Edges of a family with parameters of their own that phi is not linear in."""

    def __init__(self, own: LayerBasis, n_in: int, at: int) -> None:
        t, self._basis = own.topology, cast(Pointwise, own.basis)
        self.source, self.target = t.source, t.target - n_in
        self.part = slice(at, at + own.coef.size)

    def evaluate(self, values: FloatArray, x: FloatArray, order: int, *, keep: bool) -> None:
        """See `EdgeGroup`."""
        self._theta, self._x = values[self.part].reshape(self.source.size, -1), x[self.source]
        self.curves = np.stack([self._basis.phi(self._theta, self._x, m) for m in range(order + 2)])

    def gradient(self, by_curves: FloatArray) -> FloatArray:
        """See `EdgeGroup`."""
        found = sum(
            np.einsum("es,eps->ep", own, self._basis.by_params(self._theta, self._x, m))
            for m, own in enumerate(by_curves)
        )
        return np.asarray(found).ravel()

    def rows(self, by_curves: FloatArray) -> FloatArray:
        """See `EdgeGroup`."""
        found = sum(
            own[:, None] * self._basis.by_params(self._theta, self._x, m) for m, own in enumerate(by_curves)
        )
        return np.asarray(found).reshape(-1, by_curves.shape[2])


class SymbolGroup(EdgeGroup):
    """Edges that are named functions, c f(a x + b) + d.

    With u = a x + b it is phi^(m) = c a^m f^(m)(u); its derivatives are c (m a^(m-1) f^(m) + a^m x f^(m+1))
    by a, c a^m f^(m+1) by b, a^m f^(m) by c, and by d 1 for m = 0 and else 0.
    """

    def __init__(self, layer: Layer, at: int) -> None:
        edges = np.array(list(layer.symbols), dtype=np.int64).reshape(-1, 2)
        self.source, self.target = edges[:, 0], edges[:, 1]
        self._symbols: list[SymbolicEdge] = list(layer.symbols.values())
        self.part = slice(at, at + 4 * len(self._symbols))

    def evaluate(self, values: FloatArray, x: FloatArray, order: int, *, keep: bool) -> None:
        """See `EdgeGroup`."""
        self._constants, self._x = values[self.part].reshape(-1, 4), x[self.source]
        a, b, c, d = self._constants.T[:, :, None]
        u = a * self._x + b
        self._f = np.stack(
            [own.symbol.guarded(row, order + 1) for own, row in zip(self._symbols, u, strict=True)], axis=1
        )
        powers = a ** np.arange(order + 2)[:, None, None]
        self.curves = c * powers * self._f
        self.curves[0] += d

    def _by_constants(self, m: int) -> FloatArray:
        """Derivatives of phi^(m) by a, b, c and d: (n_edges, 4, n)."""
        a, _, c, _ = self._constants.T[:, :, None]
        f, steep = self._f[m], self._f[m + 1]
        by_b = c * a**m * steep
        by_a = by_b * self._x + (m * c * a ** (m - 1) * f if m else 0.0)
        return np.stack([by_a, by_b, a**m * f, np.full_like(f, float(m == 0))], axis=1)

    def gradient(self, by_curves: FloatArray) -> FloatArray:
        """See `EdgeGroup`."""
        found = sum(np.einsum("es,eps->ep", own, self._by_constants(m)) for m, own in enumerate(by_curves))
        return np.asarray(found).ravel()

    def rows(self, by_curves: FloatArray) -> FloatArray:
        """See `EdgeGroup`."""
        found = sum(own[:, None] * self._by_constants(m) for m, own in enumerate(by_curves))
        return np.asarray(found).reshape(-1, by_curves.shape[2])


def groups_of(layer: Layer) -> list[EdgeGroup]:
    """All edges of a layer, in the order of its values."""
    found: list[EdgeGroup] = [SplineGroup(layer)]
    at = layer.spline_params.size
    for own in layer.bases:
        kind = PointwiseGroup if isinstance(own.basis, Pointwise) else BasisGroup
        found.append(kind(own, layer.n_in, at))
        at += own.coef.size
    found.append(SymbolGroup(layer, at))
    return [group for group in found if group.source.size]

"""A `MixedLayer` at work on samples: values of its nodes, and derivatives on the way back.

Rows are nodes, columns are samples. Splines are products of their parameters with full rows of B-splines,
which BLAS does; on the way back the same rows give the derivatives by the parameters and, weighted, the rows
of a Jacobian.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.symbol import SymbolicEdge
from kan_np.kernels.basis_matrix import basis_rows
from kan_np.network.mixed_layer import Affine, MixedLayer

#: Samples whose residual functions are computed at once, whole octets.
_BLOCK = 256


class Pulled(NamedTuple):
    """What a penalty on spreads adds to derivatives: factors of the deviations from the means.

    Attributes
    ----------
    edge_weight, edge_mean : ndarray of shape (n_in, n_subnodes)
    sum_weight, sum_mean : ndarray of shape (n_subnodes,)
    node_weight, node_mean : ndarray of shape (n_out,)
        Of the nodes above.
    """

    edge_weight: FloatArray
    edge_mean: FloatArray
    sum_weight: FloatArray
    sum_mean: FloatArray
    node_weight: FloatArray
    node_mean: FloatArray


class LayerPass:
    """One layer with parameters, and what it keeps of the last samples.

    Parameters
    ----------
    layer : MixedLayer
    fixed : bool
        Whether the samples that reach it are always the same ones, as at the inputs: their B-splines are kept
        from one pass to the next, and derivatives by these samples are not wanted.
    """

    def __init__(self, layer: MixedLayer, *, fixed: bool = False) -> None:
        self.layer, self._fixed = layer, fixed
        w = layer.splines.wiring
        target = (w.target - layer.n_in).tolist()
        fans = [(i, int(w.fan_start[i]), int(w.fan_start[i + 1])) for i in range(layer.n_in)]
        #: Source, its spline edges, their subnodes.
        self._fans = [(i, slice(a, b), _rows_of(target[a:b])) for i, a, b in fans if b > a]
        self._sources = np.array([i for i, _, _ in self._fans], dtype=np.int64)
        self._basis: FloatArray | None = None
        self.load(layer.values)

    def load(self, values: FloatArray) -> None:
        """Take other parameters, as `MixedLayer.values` orders them."""
        layer = self.layer
        at = layer.splines.theta.size
        self._theta: FloatArray = values[:at].reshape(layer.splines.theta.shape)
        self._symbols: list[tuple[tuple[int, int], SymbolicEdge, slice]] = []
        for place, edge in layer.symbols.items():
            here = slice(at, at + len(edge.free))
            self._symbols.append((place, edge.with_values(values[here]), here))
            at = here.stop
        self._affine: Affine | None = None if layer.affine is None else layer.split_affine(values[at:])
        self._affine_at = at

    def forward(self, x: FloatArray, *, back: bool = False) -> FloatArray:
        """Values of the nodes above, (n_out, n), for those of the nodes below, (n_in, n).

        With `back`, what `pull` and `jacobian` need is kept.
        """
        self.x = x
        self.sums = np.zeros((self.layer.n_subnodes, x.shape[1]))
        steep = back and not self._fixed
        self._expand(x, steep)
        self._fan_slopes: list[FloatArray] = []
        self._symbol_slopes: list[tuple[FloatArray, FloatArray]] = []
        for q, (_, edges, targets) in enumerate(self._fans):
            self.sums[targets] += self._theta[edges] @ self._rows[q]
            if steep:
                self._fan_slopes.append(self._theta[edges] @ self._row_slopes[q])
        for (i, j), edge, _ in self._symbols:
            if back:
                value, slope, by_constants = edge.value_and_slopes(x[i])
                self._symbol_slopes.append((slope, by_constants))
            else:
                value = edge(x[i])
            self.sums[j] += value
        self.nodes = self._nodes()
        return self.nodes

    def edge_values(self) -> FloatArray:
        """phi of every edge at the samples of the last `forward`: (n_in, n_subnodes, n), 0 where none is."""
        phi = np.zeros((self.layer.n_in, *self.sums.shape))
        for q, (i, edges, targets) in enumerate(self._fans):
            phi[i, targets] = self._theta[edges] @ self._rows[q]
        for place, edge, _ in self._symbols:
            phi[place] = edge(self.x[place[0]])
        return phi

    def pull(
        self,
        delta: FloatArray,
        grad: FloatArray,
        phi: FloatArray | None = None,
        pulled: Pulled | None = None,
    ) -> FloatArray:
        """Add to `grad`, ordered as the values of the layer, what derivatives by the nodes above mean.

        Parameters
        ----------
        delta : ndarray of shape (n_out, n)
            Derivatives by the nodes above.
        grad : ndarray of shape (n_values,)
        phi : ndarray, optional
            `edge_values`, needed where there is `pulled`.
        pulled : Pulled, optional

        Returns
        -------
        ndarray of shape (n_in, n)
            Derivatives by the nodes below; nothing of use for a fixed layer.
        """
        if pulled is not None:
            delta = delta + pulled.node_weight[:, None] * (self.nodes - pulled.node_mean[:, None])
        by_sum, by_affine = self.to_subnodes(delta)
        if by_affine is not None:
            grad[self._affine_at :] += by_affine.sum(axis=1)
        by_edge = None
        if pulled is not None and phi is not None:
            by_sum = by_sum + pulled.sum_weight[:, None] * (self.sums - pulled.sum_mean[:, None])
            by_edge = by_sum + pulled.edge_weight[:, :, None] * (phi - pulled.edge_mean[:, :, None])
        by_source = np.zeros_like(self.x)
        by_theta = grad[: self._theta.size].reshape(self._theta.shape)
        for q, (i, edges, targets) in enumerate(self._fans):
            own = by_sum[targets] if by_edge is None else by_edge[i, targets]
            by_theta[edges] += own @ self._rows[q].T
            if not self._fixed:
                by_source[i] += np.einsum("es,es->s", own, self._fan_slopes[q])
        for (place, _, here), (slope, by_constants) in zip(self._symbols, self._symbol_slopes, strict=True):
            i, j = place
            row = by_sum[j] if by_edge is None else by_edge[i, j]
            grad[here] += by_constants @ row
            if not self._fixed:
                by_source[i] += slope * row
        return by_source

    def jacobian(self, delta: FloatArray, rows: FloatArray) -> FloatArray:
        """Write products of derivatives by the nodes above and of these by all values into `rows`.

        Parameters
        ----------
        delta : ndarray of shape (n_out, n)
        rows : ndarray of shape (n_values, n)

        Returns
        -------
        ndarray of shape (n_in, n)
            As `pull`.
        """
        by_sum, by_affine = self.to_subnodes(delta)
        if by_affine is not None:
            rows[self._affine_at :] = by_affine
        by_source = np.zeros_like(self.x)
        n_row = self._theta.shape[1]
        for q, (i, edges, targets) in enumerate(self._fans):
            for e, row in zip(range(edges.start, edges.stop), by_sum[targets], strict=True):
                np.multiply(self._rows[q], row, out=rows[e * n_row : (e + 1) * n_row])
            if not self._fixed:
                by_source[i] += np.einsum("es,es->s", by_sum[targets], self._fan_slopes[q])
        for (place, _, here), (slope, by_constants) in zip(self._symbols, self._symbol_slopes, strict=True):
            i, j = place
            np.multiply(by_constants, by_sum[j], out=rows[here])
            if not self._fixed:
                by_source[i] += slope * by_sum[j]
        return by_source

    def _expand(self, x: FloatArray, steep: bool) -> None:
        """Full rows of B-splines for the sources of splines, with their derivatives or without."""
        if not self._fans or (self._fixed and self._basis is not None):
            return
        shape = (len(self._fans), self._theta.shape[1], x.shape[1])
        self._rows = self._basis = np.empty(shape)
        self._row_slopes = np.empty(shape if steep else (0, *shape[1:]))
        piece, work = np.empty(x.shape[1], dtype=np.int64), np.zeros((3, 1, _BLOCK))
        net = self.layer.splines.net
        x = np.ascontiguousarray(x)
        basis_rows(net, x, self._sources, piece, work[0], work[1], work[2], self._rows, self._row_slopes)

    def _nodes(self) -> FloatArray:
        """Nodes from the sums of edges."""
        layer, affine = self.layer, self._affine
        self._scaled = self.sums
        if affine is not None:
            self._scaled = affine.subnode_scale[:, None] * self.sums + affine.subnode_bias[:, None]
        if not layer.factors:
            self._products = self._scaled
        else:
            self._products = np.empty((layer.n_out, self.sums.shape[1]))
            n_sums = layer.n_out - len(layer.factors)
            self._products[:n_sums] = self._scaled[:n_sums]
            for node, subnodes in layer.factors:
                self._products[node] = self._scaled[subnodes].prod(axis=0)
        if affine is None:
            return self._products
        return affine.node_scale[:, None] * self._products + affine.node_bias[:, None]

    def to_subnodes(self, delta: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """Derivatives by the sums of edges and, sample by sample, affine values, from those by the nodes."""
        layer, affine = self.layer, self._affine
        by_product = delta if affine is None else affine.node_scale[:, None] * delta
        by_scaled = by_product
        if layer.factors:
            by_scaled = by_product[layer.owner]
            for _, subnodes in layer.factors:
                for q in subnodes:
                    others = [p for p in subnodes if p != q]
                    by_scaled[q] *= self._scaled[others].prod(axis=0)
        if affine is None:
            return by_scaled, None
        by_affine = np.concatenate([by_scaled * self.sums, by_scaled, delta * self._products, delta])
        return affine.subnode_scale[:, None] * by_scaled, by_affine


def _rows_of(targets: list[int]) -> slice | list[int]:
    """An index for these rows: a slice, which copies nothing, where they follow each other."""
    first, last = targets[0], targets[-1] + 1
    return slice(first, last) if last - first == len(targets) else targets

"""Evaluation of networks layer by layer in NumPy, for symbols without a compiled function; ten times slower.

Rows are nodes, columns are samples. Splines are matrix products of their parameters with the values of all
B-splines; in backpropagation the same values give the derivatives by the parameters and, weighted, the rows
of a Jacobian. The results are those of `kan_np.kernels` for networks that can be compiled, to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.symbol import SymbolicEdge
from kan_np.kernels.arrays import Ints
from kan_np.kernels.basis_matrix import basis_rows
from kan_np.network.kernel_arrays import spline_arrays
from kan_np.network.layer import Layer, LayerBasis, layers_of
from kan_np.network.structure import Affine, Structure

#: Samples whose base functions are computed at once, whole octets.
_BLOCK = 256


class LayerPull(NamedTuple):
    """What a penalty on standard deviations adds to derivatives by values: weight times (value - mean).

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


class BasisPass:
    """The edges of a layer that have one family and size, and the results of their last forward pass.

    Parameters
    ----------
    own : LayerBasis
    at : int
        Index of their first parameter among the values of the layer.
    """

    def __init__(self, own: LayerBasis, at: int) -> None:
        self._basis, self._at, self.theta = own.basis, at, own.coef
        self._source = own.topology.source
        self._ends = [(i, j) for _, i, j in own.topology.edges]
        self._values: FloatArray = np.zeros((0, 0))
        self._slopes: FloatArray | None = None
        self._rows, self._block = np.zeros((0, 0, 0)), np.zeros(0, dtype=np.int64)

    def part(self, values: FloatArray) -> FloatArray:
        """The rows of an array of values of the layer that belong to the parameters, by edge, as a view."""
        n_edges, n_params = self.theta.shape
        return values[self._at : self._at + n_edges * n_params].reshape(n_edges, n_params, *values.shape[1:])

    def forward(self, x: FloatArray, *, back: bool, steep: bool) -> None:
        """Evaluate all edges at the nodes below, (n_in, n), and with `back` and `steep` their derivatives."""
        self._values = self._basis.curves(self.theta, self._source, x)
        if back:
            self._rows, self._block = self._basis.parameter_rows(self.theta, self._source, x)
        self._slopes = self._basis.curves(self.theta, self._source, x, 1) if steep else None

    def curves(self) -> Iterator[tuple[int, int, FloatArray]]:
        """Source, subnode and values of every edge."""
        for (i, j), value in zip(self._ends, self._values, strict=True):
            yield i, j, value

    def derivatives(self) -> Iterator[tuple[int, int, FloatArray, FloatArray]]:
        """Source, subnode, derivatives by parameters (n_params, n) and by x (n,) of every edge."""
        slopes = self._values if self._slopes is None else self._slopes
        for (i, j), block, slope in zip(self._ends, self._block.tolist(), slopes, strict=True):
            yield i, j, self._rows[block], slope


class LayerPass:
    """One layer with its parameters, and the intermediate results of its last forward pass.

    Parameters
    ----------
    layer : Layer
    fixed : bool
        Whether all passes have the same samples, as at the inputs: B-splines are then kept from one pass to
        the next, and derivatives by the samples are not computed.

    Notes
    -----
    Values of the layer are the parameters of its splines, those of its other families, the
    constants a, b, c, d of its symbols and, if it has them, its scales and biases.
    """

    def __init__(self, layer: Layer, *, fixed: bool = False) -> None:
        self.layer, self._fixed = layer, fixed
        w = layer.topology
        self._net = spline_arrays(Structure(w, layer.table, layer.base_fun))
        target = (w.target - layer.n_in).tolist()
        #: Nodes that are products, with their subnodes.
        cuts = np.cumsum(layer.arity)[:-1]
        subnodes = np.split(np.arange(layer.n_subnodes), cuts)
        self._factors = [(node, own) for node, own in enumerate(subnodes) if own.size > 1]
        fans = [(i, int(w.fan_start[i]), int(w.fan_start[i + 1])) for i in range(layer.n_in)]
        #: Source, its spline edges, their subnodes.
        self._fans = [(i, slice(a, b), _rows_of(target[a:b])) for i, a, b in fans if b > a]
        self._sources = np.array([i for i, _, _ in self._fans], dtype=np.int64)
        self._basis: FloatArray | None = None
        self._theta: FloatArray = layer.spline_params
        self._symbols: list[tuple[tuple[int, int], SymbolicEdge, slice]] = []
        at = self._theta.size
        self._bases: list[BasisPass] = []
        for own in layer.bases:
            self._bases.append(BasisPass(own, at))
            at += own.coef.size
        for edge, symbol in layer.symbols.items():
            self._symbols.append((edge, symbol, slice(at, at + 4)))
            at += 4
        self._affine: Affine | None = layer.affine
        self._affine_at = at
        self.n_values = at + (0 if layer.affine is None else sum(part.size for part in layer.affine))

    def load(self, values: FloatArray) -> None:
        """Replace all values of the layer."""
        layer = self.layer
        self._theta = values[: self._theta.size].reshape(self._theta.shape)
        for basis in self._bases:
            basis.theta = basis.part(values)
        self._symbols = [
            (edge, SymbolicEdge(symbol.symbol, *values[here].tolist()), here)
            for edge, symbol, here in self._symbols
        ]
        if layer.affine is not None:
            cuts = np.cumsum([part.size for part in layer.affine[:-1]])
            self._affine = Affine(*np.split(values[self._affine_at :], cuts))

    def forget_samples(self) -> None:
        """Compute the B-splines of a fixed layer again in the next pass, which has other samples."""
        self._basis = None

    def forward(self, x: FloatArray, *, back: bool = False) -> FloatArray:
        """Values of the nodes above, (n_out, n), for those of the nodes below, (n_in, n).

        With `back` the intermediate results that `pull` and `jacobian` need are kept.
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
        for basis in self._bases:
            basis.forward(x, back=back, steep=steep)
            for _, j, value in basis.curves():
                self.sums[j] += value
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
        for basis in self._bases:
            for i, j, value in basis.curves():
                phi[i, j] = value
        for (i, j), edge, _ in self._symbols:
            phi[i, j] = edge(self.x[i])
        return phi

    def pull(
        self,
        delta: FloatArray,
        grad: FloatArray,
        phi: FloatArray | None = None,
        pulled: LayerPull | None = None,
    ) -> FloatArray:
        """Backpropagate: add derivatives by all values of the layer to `grad`, from those by the nodes above.

        Parameters
        ----------
        delta : ndarray of shape (n_out, n)
            Derivatives by the nodes above.
        grad : ndarray of shape (n_values,)
        phi : ndarray, optional
            `edge_values`, needed where there is `pulled`.
        pulled : LayerPull, optional

        Returns
        -------
        ndarray of shape (n_in, n)
            Derivatives by the nodes below; undefined for a fixed layer.
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
        for basis in self._bases:
            by_params = basis.part(grad)
            for e, (i, j, rows, slope) in enumerate(basis.derivatives()):
                row = by_sum[j] if by_edge is None else by_edge[i, j]
                by_params[e] += rows @ row
                if not self._fixed:
                    by_source[i] += slope * row
        for ((i, j), _, here), (slope, by_constants) in zip(self._symbols, self._symbol_slopes, strict=True):
            row = by_sum[j] if by_edge is None else by_edge[i, j]
            grad[here] += by_constants @ row
            if not self._fixed:
                by_source[i] += slope * row
        return by_source

    def jacobian(self, delta: FloatArray, rows: FloatArray) -> FloatArray:
        """Write the rows of a Jacobian by all values of the layer, given derivatives by the nodes above.

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
        for basis in self._bases:
            own = basis.part(rows)
            for e, (i, j, by_params, slope) in enumerate(basis.derivatives()):
                np.multiply(by_params, by_sum[j], out=own[e])
                if not self._fixed:
                    by_source[i] += slope * by_sum[j]
        for ((i, j), _, here), (slope, by_constants) in zip(self._symbols, self._symbol_slopes, strict=True):
            np.multiply(by_constants, by_sum[j], out=rows[here])
            if not self._fixed:
                by_source[i] += slope * by_sum[j]
        return by_source

    def _expand(self, x: FloatArray, steep: bool) -> None:
        """Compute all B-splines of the sources of spline edges, and their derivatives if `steep`."""
        if not self._fans or (self._fixed and self._basis is not None):
            return
        shape = (len(self._fans), self._theta.shape[1], x.shape[1])
        self._rows = self._basis = np.empty(shape)
        self._row_slopes = np.empty(shape if steep else (0, *shape[1:]))
        piece, work = np.empty(x.shape[1], dtype=np.int64), np.zeros((3, 1, _BLOCK))
        x = np.ascontiguousarray(x)
        basis_rows(
            self._net, x, self._sources, piece, work[0], work[1], work[2], self._rows, self._row_slopes
        )

    def _nodes(self) -> FloatArray:
        """Values of the nodes from the sums of edges."""
        layer, affine = self.layer, self._affine
        self._scaled = self.sums
        if affine is not None:
            self._scaled = affine.subnode_scale[:, None] * self.sums + affine.subnode_bias[:, None]
        if not self._factors:
            self._products = self._scaled
        else:
            first = np.concatenate([[0], np.cumsum(layer.arity)[:-1]])
            self._products = self._scaled[first]
            for node, subnodes in self._factors:
                self._products[node] = self._scaled[subnodes].prod(axis=0)
        if affine is None:
            return self._products
        return affine.node_scale[:, None] * self._products + affine.node_bias[:, None]

    def to_subnodes(self, delta: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """Derivatives by sums of edges and, for every sample, by scales and biases, from those by nodes."""
        layer, affine = self.layer, self._affine
        by_product = delta if affine is None else affine.node_scale[:, None] * delta
        by_scaled = by_product
        if self._factors:
            by_scaled = by_product[layer.owner]
            for _, subnodes in self._factors:
                for q in subnodes:
                    others = [p for p in subnodes if p != q]
                    by_scaled[q] *= self._scaled[others].prod(axis=0)
        if affine is None:
            return by_scaled, None
        by_affine = np.concatenate([by_scaled * self.sums, by_scaled, delta * self._products, delta])
        return affine.subnode_scale[:, None] * by_scaled, by_affine


def _rows_of(targets: list[int]) -> slice | list[int]:
    """An index of these rows: a slice, which makes no copy, if they are consecutive."""
    first, last = targets[0], targets[-1] + 1
    return slice(first, last) if last - first == len(targets) else targets


def values_by_layer(structure: Structure) -> list[Ints]:
    """Indices of the values that belong to each layer, in the order of `LayerPass`."""
    t, n_row = structure.topology, structure.n_row
    layer_of = np.array([edge[0] for edge in structure.symbols], dtype=np.int64)
    places = []
    for layer in range(len(t.width) - 1):
        splines = np.arange(t.edge_start[layer] * n_row, t.edge_start[layer + 1] * n_row)
        bases = [
            np.arange(*(start + edges.topology.edge_start[layer : layer + 2] * edges.basis.n_params))
            for start, edges in zip(structure.basis_starts, structure.bases, strict=True)
        ]
        own = np.flatnonzero(layer_of == layer)
        symbols = structure.ends.bases + (4 * own[:, None] + np.arange(4)).ravel()
        affine = structure.affine_of_layer(layer) if structure.has_affine else splines[:0]
        places.append(np.concatenate([splines, *bases, symbols, affine]))
    return places


def new_passes(structure: Structure, values: FloatArray, *, fixed: bool = False) -> list[LayerPass]:
    """A `LayerPass` for every layer; `fixed` says that all forward passes have the same samples."""
    layers = layers_of(structure, values)
    return [LayerPass(layer, fixed=fixed and number == 0) for number, layer in enumerate(layers)]


def node_values(structure: Structure, values: FloatArray, x: FloatArray) -> FloatArray:
    """Values of every node, inputs included: (n_samples, n_in) -> (n_nodes, n_samples)."""
    rows = [np.ascontiguousarray(x.T)]
    with np.errstate(all="ignore"):  # what is not finite is for the caller to see
        for layer in new_passes(structure, values):
            rows.append(layer.forward(rows[-1]))
    return np.concatenate(rows)


def forward(structure: Structure, values: FloatArray, x: FloatArray) -> FloatArray:
    """Outputs (n_samples, n_out)."""
    rows = x.T
    with np.errstate(all="ignore"):
        for layer in new_passes(structure, values):
            rows = layer.forward(rows)
    return rows.T


def input_jacobian(structure: Structure, values: FloatArray, x: FloatArray) -> FloatArray:
    """d f_j / d x_i at every sample: (n_samples, n_in) -> (n_samples, n_out, n_in)."""
    width = structure.topology.width
    out = np.empty((x.shape[0], width[-1], width[0]))
    passes = new_passes(structure, values)
    with np.errstate(all="ignore"):
        rows = x.T
        for layer in passes:
            rows = layer.forward(rows, back=True)
        for j in range(width[-1]):
            delta = np.zeros_like(rows)
            delta[j] = 1.0
            for layer in reversed(passes):
                delta = layer.pull(delta, np.zeros(layer.n_values))
            out[:, j] = delta.T
    return out


def edge_values(structure: Structure, values: FloatArray, layer: int, x: FloatArray) -> FloatArray:
    """phi of every edge of a layer at values of its sources: (n_in, n) -> (n_in, n_subnodes, n)."""
    one = LayerPass(layers_of(structure, values)[layer])
    with np.errstate(all="ignore"):
        one.forward(x)
        return one.edge_values()

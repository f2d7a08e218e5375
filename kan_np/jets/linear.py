"""Edges that are linear in their parameters, phi = sum_r theta_r psi_r: sorted by source, sharing psi there.

At the inputs of a network all psi_r^(m) and all products of the chain rule are constants: their sums over m
are kept, and a pass is one product of matrices for each derivative. Hidden splines are piecewise polynomials,
hidden edges of other families sums of functions.
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
from kan_np.jets.chain import Chain
from kan_np.jets.edges import CurveGroup, EdgeGroup, Place, PointwiseGroup, SymbolGroup
from kan_np.kernels import jet_splines, kept_functions
from kan_np.kernels.arrays import Ints
from kan_np.kernels.derivative_rows import spline_rows, sum_rows
from kan_np.kernels.jet_chain import BLOCK
from kan_np.kernels.jet_splines import COPIES, HIGHEST, SplineFans, SplineSamples
from kan_np.network.kernel_arrays import BASE_FUNCTIONS
from kan_np.network.layer import Layer, LayerBasis


class Functions(ABC):
    """The functions psi_r of the nodes that some edges leave.

    Attributes
    ----------
    source, target : ndarray of shape (n_edges,)
        Nodes below and subnodes above of the edges, by source.
    n_params : int
        Functions of a node.
    nodes : list of int
        Those that edges leave.
    starts : list of int
        First edge of each of `nodes`, and the end.
    """

    def __init__(self, source: Ints, target: Ints, n_params: int) -> None:
        self.source, self.target = np.ascontiguousarray(source), np.ascontiguousarray(target)
        self.n_params = n_params
        self.starts = [*np.flatnonzero(np.diff(source, prepend=-1)).tolist(), source.size]
        self.nodes = [int(source[a]) for a in self.starts[:-1]]

    @property
    def fan(self) -> Ints:
        """Number of the source of each edge among `nodes`."""
        return np.repeat(np.arange(len(self.nodes)), np.diff(self.starts))

    @abstractmethod
    def __call__(self, x: FloatArray, highest: int) -> FloatArray:
        """psi_r^(m), m = 0 .. highest, of `nodes` at x (n_in, n): (n_fans, n_params, highest + 1, n)."""


class SplineFunctions(Functions):
    """The base function, if there is one, then all B-splines."""

    def __init__(self, layer: Layer) -> None:
        t, self.layer = layer.topology, layer
        super().__init__(t.source, t.target - layer.n_in, layer.spline_params.shape[1])

    def __call__(self, x: FloatArray, highest: int) -> FloatArray:
        """See `Functions`."""
        layer, table = self.layer, self.layer.table
        out = np.zeros((len(self.nodes), self.n_params, highest + 1, x.shape[1]))
        own = np.ascontiguousarray(x[self.nodes])
        if layer.has_base:
            out[:, 0] = np.stack(DERIVATIVES[layer.base_fun](own, highest), axis=1)
        spline_rows(
            own,
            np.array(self.nodes, dtype=np.int64),
            *(table.breaks, table.bucket, table.bucket_scale, table.origin, table.scale),
            *(table.poly, table.start, layer.has_base, np.empty(x.shape[1], dtype=np.int64), out),
        )
        return out


class FamilyFunctions(Functions):
    """The functions of a family."""

    def __init__(self, own: LayerBasis, n_in: int) -> None:
        t, basis = own.topology, cast(Basis, own.basis)
        super().__init__(t.source, t.target - n_in, basis.n_params)
        self._basis = basis.part(self.nodes)

    def __call__(self, x: FloatArray, highest: int) -> FloatArray:
        """See `Functions`."""
        return self._basis.derivatives(np.ascontiguousarray(x[self.nodes]), highest)


class InputGroup(EdgeGroup):
    """Edges from the inputs, whose functions are kept as long as the inputs stay the same.

    With K_c = sum_m psi^(m) P_cm the derivatives of the sums are Y_c = theta K_c.

    Parameters
    ----------
    functions : Functions
    part : slice
    fixed : bool
        Whether all passes have the same inputs.
    """

    def __init__(self, functions: Functions, part: Place, *, fixed: bool) -> None:
        self._functions, self.part, self._fixed = functions, part, fixed
        self._starts = np.array(functions.starts, dtype=np.int64)
        #: Rows of all K_c, by derivative, fan and function, and where they begin; -1 where K_c is zero.
        self._kept, self._first = np.zeros((0, 0)), np.zeros((0, 0), dtype=np.int64)
        #: Where the derivatives of an edge's target are among those of all sums: (n_derivatives, n_edges)
        self._rows = np.zeros((0, 0), dtype=np.int64)

    def forward(self, values: FloatArray, chain: Chain, sums: FloatArray) -> None:
        """See `EdgeGroup`."""
        f, shape = self._functions, sums.shape
        if not self._kept.size or not self._fixed:
            self._keep(chain)
        theta = values[self.part].reshape(-1, f.n_params)
        self._rows = f.target + shape[1] * np.arange(shape[0])[:, None]
        flat = sums.reshape(-1, shape[2])
        kept_functions.add_kept(theta, self._kept, self._first, self._starts, self._rows, flat)

    def backward(self, by_sums: FloatArray, chain: Chain, out: FloatArray) -> None:
        """See `EdgeGroup`."""
        f, by = self._functions, by_sums.reshape(-1, by_sums.shape[2])
        given = by, self._kept, self._first, self._starts, self._rows
        if out.ndim == 1:
            kept_functions.kept_gradient(*given, out[self.part].reshape(-1, f.n_params))
        else:
            flat, apart = flat_rows(out)
            first = cast(slice, self.part).start
            kept_functions.kept_jacobian(*given, f.n_params, first, apart, flat)

    def pull(self, by_sums: FloatArray, chain: Chain, by_nodes: FloatArray) -> None:
        """Inputs do not depend on parameters."""

    def _keep(self, chain: Chain) -> None:
        f = self._functions
        psi = f(chain.nodes[0], chain.order)
        n_derivatives, _, n = chain.nodes.shape
        parts = list[FloatArray]()
        self._first = np.full((n_derivatives, len(f.nodes)), -1)
        for c in range(n_derivatives):
            for q, node in enumerate(f.nodes):
                own = psi[q, :, 0] if c == 0 else np.zeros((f.n_params, n))
                for m in range(1, chain.order + 1 if c else 0):
                    product = chain.product(c, m)
                    if product is not None and product[node].any():
                        own += psi[q, :, m] * product[node]
                if c == 0 or own.any():
                    self._first[c, q] = len(parts) * f.n_params
                    parts.append(own)
        self._kept = np.concatenate(parts)


class BasisGroup(CurveGroup):
    """Hidden edges of a family."""

    def __init__(self, own: LayerBasis, n_in: int, part: Place) -> None:
        self._functions = FamilyFunctions(own, n_in)
        super().__init__(self._functions.source, self._functions.target, part)

    def _fans(self, of_edges: FloatArray) -> list[FloatArray]:
        """Rows of an array by source."""
        return [of_edges[a:b] for a, b in pairwise(self._functions.starts)]

    def evaluate(self, values: FloatArray, x: FloatArray, order: int) -> FloatArray:
        """See `CurveGroup`."""
        f = self._functions
        theta, self._psi = values.reshape(-1, f.n_params), f(x, order + 1)
        found = np.empty((self.source.size, order + 2, x.shape[1]))
        flat = found.reshape(self.source.size, -1)
        for psi, own, to in zip(self._psi, self._fans(theta), self._fans(flat), strict=True):
            np.matmul(own, psi.reshape(f.n_params, -1), out=to)
        return found

    def gradient(self, by_curves: FloatArray, out: FloatArray) -> None:
        """See `CurveGroup`."""
        found = out[self.part].reshape(-1, self._functions.n_params)
        for psi, own, to in zip(self._psi, self._fans(by_curves), self._fans(found), strict=True):
            to[...] = own[:, 0] @ psi[:, 0].T
            for m in range(1, by_curves.shape[1]):
                to += own[:, m] @ psi[:, m].T

    def rows(self, by_curves: FloatArray, out: FloatArray) -> None:
        """See `CurveGroup`."""
        flat, apart = flat_rows(out)
        first = cast(slice, self.part).start
        sum_rows(by_curves, self._psi, self._functions.fan, first, apart, flat)


class SplineGroup(CurveGroup):
    """Hidden splines, with their base functions."""

    def __init__(self, functions: SplineFunctions, part: Place) -> None:
        super().__init__(functions.source, functions.target, part)
        layer, table = functions.layer, functions.layer.table
        self._n_params = functions.n_params
        self._fans = SplineFans(
            np.array(functions.nodes, dtype=np.int64),
            np.array(functions.starts, dtype=np.int64),
            BASE_FUNCTIONS[layer.base_fun],
            table.breaks,
            table.bucket,
            table.bucket_scale,
            table.origin,
            table.scale,
            table.poly,
            table.start,
        )
        n_pieces, _, width = table.poly.shape[1:]
        self._polynomial = np.empty((self.source.size, n_pieces, width))
        self._samples = _room(0, 0, 0)

    def evaluate(self, values: FloatArray, x: FloatArray, order: int) -> FloatArray:
        """See `CurveGroup`."""
        n_fans, n_orders = len(self._fans.node), order + 2
        if self._samples.base.shape != (n_fans, n_orders, x.shape[1]):
            self._samples = _room(n_fans, n_orders, x.shape[1])
        curves = np.empty((self.source.size, n_orders, x.shape[1]))
        theta = values.reshape(-1, self._n_params)
        jet_splines.spline_curves(
            self._fans, x, theta, self._samples, self._polynomial, np.empty((2, BLOCK)), curves
        )
        return curves

    def gradient(self, by_curves: FloatArray, out: FloatArray) -> None:
        """See `CurveGroup`."""
        sums, work = np.empty((COPIES, *self._polynomial.shape[1:])), np.empty((HIGHEST + 1, BLOCK))
        grad = out[self.part].reshape(-1, self._n_params)
        jet_splines.spline_gradient(self._fans, self._samples, by_curves, sums, work, grad)

    def rows(self, by_curves: FloatArray, out: FloatArray) -> None:
        """See `CurveGroup`."""
        work, powers = np.empty((HIGHEST + 1, BLOCK)), np.empty((BLOCK, self._polynomial.shape[2]))
        flat, apart = flat_rows(out)
        first = cast(slice, self.part).start
        jet_splines.spline_jacobian(
            self._fans, self._samples, by_curves, work, powers, self._n_params, first, apart, flat
        )


def _room(n_fans: int, n_orders: int, n: int) -> SplineSamples:
    """Arrays for this many samples."""
    shape = n_fans, n
    return SplineSamples(
        np.empty(shape, dtype=np.int64), np.empty(shape), np.empty(shape), np.empty((n_fans, n_orders, n))
    )


def flat_rows(rows: FloatArray) -> tuple[FloatArray, int]:
    """The memory of rows (n_rows, n), each contiguous, as one axis, and how far they are apart in it."""
    apart = rows.strides[0] // rows.itemsize if len(rows) > 1 else rows.shape[1]
    shape = ((len(rows) - 1) * apart + rows.shape[1],)
    return np.lib.stride_tricks.as_strided(rows, shape, (rows.itemsize,)), apart


def groups_of(layer: Layer, places: Ints, *, is_first: bool, fixed: bool) -> list[EdgeGroup]:
    """All edges of a layer.

    Parameters
    ----------
    layer : Layer
    places : ndarray of int
        Where the values of the layer are among those of the network.
    is_first : bool
        Whether the nodes below are the inputs.
    fixed : bool
        Whether these are the same in all passes.
    """
    at, found = 0, list[EdgeGroup]()

    def part(size: int) -> Place:
        nonlocal at
        at += size
        own = places[at - size : at]
        return slice(int(own[0]), int(own[-1]) + 1) if np.all(np.diff(own) == 1) else own

    if layer.spline_params.size:
        splines, own_part = SplineFunctions(layer), part(layer.spline_params.size)
        if is_first:
            found.append(InputGroup(splines, own_part, fixed=fixed))
        else:
            found.append(SplineGroup(splines, own_part))
    for own in layer.bases:
        own_part = part(own.coef.size)
        if isinstance(own.basis, Pointwise):
            found.append(PointwiseGroup(own, layer.n_in, own_part))
        elif is_first:
            found.append(InputGroup(FamilyFunctions(own, layer.n_in), own_part, fixed=fixed))
        else:
            found.append(BasisGroup(own, layer.n_in, own_part))
    if layer.symbols:
        found.append(SymbolGroup(layer, part(4 * len(layer.symbols))))
    return found

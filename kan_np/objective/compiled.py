"""The squared error of a KAN on samples and its derivatives, computed by the compiled kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from kan_np import _aligned
from kan_np._validate import FloatArray
from kan_np.edges.pointwise import Pointwise
from kan_np.kernels import gauss_newton
from kan_np.kernels import network as kernels
from kan_np.kernels._jit import bound
from kan_np.kernels.arrays import Places, Pull, Statistics
from kan_np.network.kernel_arrays import (
    is_short,
    new_active,
    new_input_places,
    new_places,
    new_row_places,
    new_scratch,
    other_gradients,
    other_values,
    spline_arrays,
)
from kan_np.network.parameters import ParameterMap
from kan_np.network.structure import Structure
from kan_np.objective.evaluator import add_square, label_variance, residual_weights
from kan_np.objective.layered import LayeredEvaluator

#: Samples whose outputs are computed at a time, so that memory does not grow with hidden nodes.
_CHUNK = 4096


class Memory(NamedTuple):
    """Most bytes that an evaluation may take.

    Attributes
    ----------
    inputs : int
        For B-splines of the inputs that are kept between evaluations; for more samples they are computed
        again in every evaluation, part by part.
    jacobian : int
        For the rows of the Jacobian that are in memory at once.
    """

    inputs: int = 512 * 2**20
    jacobian: int = 32 * 2**20


class CompiledEvaluator:
    """The loss of a KAN on samples; see `kan_np.objective.evaluator.Evaluator`.

    Parameters
    ----------
    structure : Structure
        All of whose symbols have compiled functions.
    x : ndarray of shape (n_samples, n_in)
    y : ndarray of shape (n_samples, n_out)
    weight : ndarray of shape (n_samples,), optional
    memory : Memory
    """

    def __init__(
        self,
        structure: Structure,
        x: FloatArray,
        y: FloatArray,
        weight: FloatArray | None = None,
        memory: Memory = Memory(),  # noqa: B008  it cannot be changed
    ) -> None:
        self.structure, self._memory = structure, memory
        self._net = spline_arrays(structure)
        self._short = is_short(structure)
        self._x = x = _aligned.in_rows(x)
        self._y = _aligned.copied(y.T)
        self._weight = _aligned.copied(residual_weights(y, weight))
        self.label_variance = label_variance(y, self._weight)
        rows = _rows_in_cache(structure, self._net.block, memory.inputs)
        self._parts = [slice(low, low + rows) for low in range(0, x.shape[0], rows)]
        n_kept = min(rows, x.shape[0])
        self._places, self._scratch = new_places(structure), new_scratch(structure, n_kept)
        self.values, self.gradient = (
            _aligned.zeros((structure.n_values,)),
            _aligned.zeros((structure.n_values,)),
        )
        self._theta, self._by_theta = (
            numbers[: structure.ends.splines].reshape(-1, structure.n_row)
            for numbers in (self.values, self.gradient)
        )
        self._others = other_values(structure, self.values, self._scratch)
        self._other_gradients = other_gradients(structure, self.gradient, self._scratch)
        self._residual = _aligned.empty((y.shape[1], self._net.block))
        self._inputs = new_input_places(structure, n_kept)
        self._expand: Callable[..., None] | None = None  # machine code
        if len(self._parts) == 1:
            self._keep_inputs(x)
        self._matrix: FloatArray | None = None
        self._rows: FloatArray | None = None
        self._active: gauss_newton.Active | None = None  # for long grids, see _add_sparse
        self._row_places: Places | None = None
        self._loss_and_gradient: dict[bool, Callable[..., float]] = {}  # machine code without and with `pull`
        self._loss: Callable[..., float] | None = None
        self._add_products: Callable[..., float] | None = None  # machine code of _add_sparse
        self._lay_out: Callable[..., float] | None = None  # that of _dense_rows
        self._nodes: FloatArray | None = None  # of `outputs`
        self._layered: LayeredEvaluator | None = None  # of `jacobian_parts` on long grids

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        return int(self._y.size)

    def load(self, x: FloatArray, y: FloatArray, weight: FloatArray) -> None:
        """Replace all samples by as many others; only the B-splines of their inputs are computed."""
        self._x = x = _aligned.in_rows(x)
        self.load_labels(y, weight)
        self._layered = None
        if len(self._parts) == 1:
            self._keep_inputs(x)

    def load_labels(self, y: FloatArray, weight: FloatArray) -> None:
        """Replace labels and weights; see `kan_np.objective.loss_evaluator.OutputsEvaluator`."""
        self._y[...], self._weight[...] = y.T, weight

    def outputs(self) -> FloatArray:
        """Outputs for the present values, (n_samples, n_out)."""
        topology, n = self.structure.topology, self._x.shape[0]
        if self._nodes is None:
            self._nodes = _aligned.empty((topology.n_nodes, min(_CHUNK, n)))
        self._load_values()
        out = np.empty((n, topology.width[-1]))
        for low in range(0, n, _CHUNK):
            part = self._x[low : low + _CHUNK]
            kernels.forward(self._net, self._theta, part, self._nodes, self._places, self._scratch)
            out[low : low + _CHUNK] = self._nodes[topology.n_sources :, : len(part)].T
        return out

    def jacobian_parts(self) -> Iterator[tuple[slice, FloatArray]]:
        """Parts of the samples with the Jacobian of all outputs, (n_values, n_out, n).

        `gradient` is overwritten.
        """
        if self.structure.is_plain and not self._short:  # kernels for long grids lay out no rows
            if self._layered is None:
                labels, ones = np.ascontiguousarray(self._y.T), np.ones(self._x.shape[0])
                self._layered = LayeredEvaluator(self.structure, self._x, labels, ones)
            self._layered.values[...] = self.values
            yield from self._layered.jacobian_parts()
            return
        self._load_values()
        for rows in self._parts:
            y, _ = self._load(rows)
            for own, jacobian, _ in self._dense_rows(y, np.ones(y.shape[1])):
                samples = slice(rows.start + own.start, rows.start + own.stop)
                yield samples, jacobian.reshape(self.values.size, y.shape[0], -1)

    def loss(self) -> float:
        """The loss without its gradient."""
        self._load_values()
        total = 0.0
        for rows in self._parts:
            y, weight = self._load(rows)
            scratch = (self._places, self._scratch, self._residual)
            given = (self._net, self._theta, self._inputs, y, weight, *scratch)
            if self._loss is None:
                self._loss = bound(gauss_newton.loss, *given)
            total += self._loss(*given)
        return total

    def loss_and_gradient(self, pull: Pull | None) -> float:
        """The loss; its gradient, with what a penalty adds by `pull`, is written to `gradient`."""
        self._load_values()
        self.gradient.fill(0.0)
        total = 0.0
        for rows in self._parts:
            y, weight = self._load(rows)
            scratch = (self._places, self._scratch, pull, self._by_theta)
            given = (self._net, self._theta, self._inputs, y, weight, *scratch)
            kernel = self._loss_and_gradient.get(pull is not None)
            if kernel is None:
                kernel = self._loss_and_gradient[pull is not None] = bound(kernels.loss_and_gradient, *given)
            total += kernel(*given)
            self._take_gradient()
        return total

    def normal_equations(self, parameters: ParameterMap | None) -> tuple[float, FloatArray, FloatArray]:
        """Loss, gradient, and upper triangle of 2 J^T V J."""
        self._load_values()
        self.gradient.fill(0.0)
        dense = self._short or not self.structure.is_plain
        n = self.values.size if parameters is None or not dense else parameters.n_free
        if self._matrix is None or self._matrix.shape[0] != n:
            self._matrix = _aligned.empty((n, n))
        hessian = self._matrix
        hessian.fill(0.0)
        total = 0.0
        for rows in self._parts:
            y, weight = self._load(rows)
            if dense:
                total += self._add_dense(y, 2.0 * weight, parameters, hessian)
            else:
                total += self._add_sparse(y, 2.0 * weight, hessian)
        if parameters is None:
            return 0.5 * total, self.gradient.copy(), hessian
        return (
            0.5 * total,
            parameters.gradient(self.gradient),
            hessian if dense else parameters.matrix(hessian),
        )

    def statistics(self) -> Statistics:
        """Means and squared deviations of edges, sums and nodes over the samples."""
        s = self.structure
        self._load_values()
        n_sums = 0 if s.is_plain else s.topology.n_sums
        n_bases = sum(edges.topology.n_edges for edges in s.bases)
        sizes = (s.topology.n_edges, n_bases, len(s.symbols), n_sums, s.topology.n_nodes)
        found = Statistics(*(np.zeros(n) for n in sizes for _ in range(2)))
        kernels.edge_statistics(self._net, self._theta, self._x, self._places, self._scratch, found)
        return found

    def _load_values(self) -> None:
        """Copy all values but those of splines to the arrays that kernels read; splines are read in place."""
        for own, to in self._others:
            np.copyto(to, own)

    def _load(self, rows: slice) -> tuple[FloatArray, FloatArray]:
        """Labels and weights of a part of the samples; also computes the input B-splines of this part."""
        if len(self._parts) == 1:
            return self._y, self._weight
        self._keep_inputs(self._x[rows])
        return _aligned.copied(self._y[:, rows]), self._weight[rows]

    def _keep_inputs(self, x: FloatArray) -> None:
        given = (self._net, x, self._inputs, self._scratch)
        if self._expand is None:
            self._expand = bound(kernels.expand_inputs, *given)
        self._expand(*given)
        if self._scratch.symbols is not None:
            self._scratch.symbols.inputs[:, : x.shape[0]] = x.T

    def _take_gradient(self) -> None:
        """Add derivatives by constants, scales and biases, which kernels write to arrays of their own."""
        for own, found in self._other_gradients:
            own += found

    def _add_sparse(self, y: FloatArray, weight: FloatArray, hessian: FloatArray) -> float:
        """Add products of the nonzero elements of the Jacobian, for long grids."""
        if self._active is None:
            self._active = new_active(self.structure)
        scratch = (self._places, self._scratch, self._residual, self._active)
        given = (self._net, self._theta, self._inputs, y, weight, *scratch, hessian, self._by_theta)
        if self._add_products is None:
            self._add_products = bound(gauss_newton.accumulate_sparse, *given)
        return self._add_products(*given)

    def _add_dense(
        self, y: FloatArray, weight: FloatArray, parameters: ParameterMap | None, hessian: FloatArray
    ) -> float:
        """Add products of full rows of the Jacobian for chunks of samples, by BLAS; for short grids."""
        total = 0.0
        for _, rows, part in self._dense_rows(y, weight):
            total += part
            add_square(rows if parameters is None else parameters.rows(rows), hessian)
        self._take_gradient()
        return total

    def _dense_rows(self, y: FloatArray, weight: FloatArray) -> Iterator[tuple[slice, FloatArray, float]]:
        """Chunks of samples with sqrt(W) J, transposed, (n_values, n_out n), and r^T W r."""
        (n_out, n), n_values = y.shape, self.values.size
        block = self._net.block
        chunk = max(self._memory.jacobian // (8 * n_values * n_out * block), 1) * block
        if self._rows is None:
            self._rows = _aligned.empty((n_values * n_out * min(chunk, self._y.shape[1]),))
        if self._row_places is None:
            self._row_places = self._places if self._short else new_row_places(self.structure)
        for low in range(0, n, chunk):
            m = min(chunk, n - low)
            rows = self._rows[: n_values * n_out * m].reshape(n_values, n_out * m)
            scratch = (self._row_places, self._scratch, self._residual, rows, self._by_theta)
            given = (self._net, self._theta, self._inputs, low // block, m, y, weight, *scratch)
            if self._lay_out is None:
                self._lay_out = bound(gauss_newton.jacobian_rows, *given)
            yield slice(low, low + m), rows, self._lay_out(*given)


def _rows_in_cache(structure: Structure, block: int, room: int) -> int:
    """Number of samples whose functions of inputs fit in `room` bytes, a multiple of the block length."""
    n_in = structure.topology.width[0]
    own = structure.n_row if is_short(structure) else 5
    others = sum(edges.basis.n_params for edges in structure.bases if not isinstance(edges.basis, Pointwise))
    bytes_a_row = 8 * n_in * (own + others)
    return max(room // (bytes_a_row * block), 1) * block

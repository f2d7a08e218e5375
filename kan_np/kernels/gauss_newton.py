"""Gauss-Newton matrices J^T W J and vectors J^T W r, for residuals r = f(x) - y with weights W.

The row of J that belongs to sample s and output j holds, for edge e from node i to node t,

    d f_j / d theta_e = a_t (b(x_i), B_m(x_i), ..., B_{m+k}(x_i)),    a_t = d f_j / d x_t :

k + 2 numbers other than zero, whatever the grid. On long grids `accumulate_sparse` adds the products of these
numbers to the matrix without forming J; on short ones `jacobian_rows` forms J for a chunk of samples, for a
matrix product by BLAS. The time of the first is the same for every grid; that of the second grows with
(G + k + 1)^2, but at the full speed of BLAS.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kan_np.kernels._jit import entry, jit
from kan_np.kernels.base import ZERO, base_function
from kan_np.kernels.basis_rows import basis_jacobian, clear_basis_param_grad
from kan_np.kernels.dense_basis import lay_out
from kan_np.kernels.layer import start_evaluation
from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.network import layers_forward, node_slopes
from kan_np.kernels.node_stage import affine_jacobian, clear_affine_gradient
from kan_np.kernels.packing import scale_row
from kan_np.kernels.simd4 import LANES, add_row
from kan_np.kernels.spline import active_values
from kan_np.kernels.symbols import clear_symbol_param_grad, symbol_jacobian


class Active(NamedTuple):
    """The nonzero elements of rows of J without the factor a_t, by source node, for a block of samples."""

    value: NDArray[np.float64]  # (n_sources, block, k + 1) the active B-splines
    first: NDArray[np.int64]  # (n_sources, block) index of the first of them among the parameters of an edge
    base: NDArray[np.float64]  # (n_sources, block) base function
    column: NDArray[np.float64]  # (n_params of an edge,) scratch


@jit
def residual_block(net, theta, inputs, block, y, places, scratch, residual):
    """Evaluate the network on a block: residual[j, s] = f_j(x_s) - y_js. Returns the number of samples."""
    low = block * net.block
    n = min(net.block, y.shape[1] - low)
    layers_forward(net, theta, n, inputs, block * net.node_start[1], places, scratch)
    first_out = net.node_start[net.node_start.shape[0] - 2]
    for j in range(y.shape[0]):
        for s in range(n):
            residual[j, s] = scratch.x[first_out + j, s] - y[j, low + s]
    return n


@entry
def loss(net, theta, inputs, y, weight, places, scratch, residual):
    """Return sum_{s,j} weight_s (f_j(x_s) - y_js)^2."""
    start_evaluation(net, theta, scratch)
    total = 0.0
    for block in range((y.shape[1] + net.block - 1) // net.block):
        n = residual_block(net, theta, inputs, block, y, places, scratch, residual)
        for j in range(y.shape[0]):
            for s in range(n):
                total += weight[block * net.block + s] * residual[j, s] * residual[j, s]
    return total


@jit
def expand_block(net, inputs, block, n, places, active):
    """Fill `active` for all nodes, of which none may be dense, after a forward pass of the block."""
    n_in, shift = net.node_start[1], int(net.base != ZERO)
    for i in range(active.first.shape[0]):
        if net.fan_start[i] == net.fan_start[i + 1]:
            continue
        p = inputs if i < n_in else places
        slot = block * n_in + i if i < n_in else i
        active_values(i, n, slot, p.at, p.u, net.poly, net.start, active.value, active.first)
        for s in range(n):
            active.first[i, s] += shift
            active.base[i, s] = p.base[slot, s]


@jit
def reaches(net, edge, output):
    """Whether the output depends on the edge: an edge of the last layer leads to one output only."""
    first_out = net.node_start[net.node_start.shape[0] - 2]
    return net.target[edge] < first_out or net.target[edge] == first_out + output


@entry
def accumulate_sparse(net, theta, inputs, y, weight, places, scratch, residual, active, matrix, vector):
    """Add J^T W J to `matrix` and J^T W r to `vector`; return r^T W r.

    `matrix` is (p, p) with p = theta.size; of the blocks above the diagonal only those of edges e <= f are
    written. `vector` has the shape of theta.
    """
    n_edges, n_params = theta.shape
    work = scratch.work
    total = 0.0
    start_evaluation(net, theta, scratch)
    for block in range((y.shape[1] + net.block - 1) // net.block):
        n = residual_block(net, theta, inputs, block, y, places, scratch, residual)
        low = block * net.block
        expand_block(net, inputs, block, n, places, active)
        for j in range(y.shape[0]):
            node_slopes(net, theta, j, 1, n, places, scratch)
            for s in range(n):
                total += weight[low + s] * residual[j, s] * residual[j, s]
            for e in range(n_edges):
                if not reaches(net, e, j):
                    continue
                for s in range(n):
                    work[0, s] = weight[low + s] * scratch.delta[net.target[e], s]
                    work[1, s] = work[0, s] * residual[j, s]
                add_edge(net.base, n, work, 1, active, net.source[e], e, vector)
                for f in range(e, n_edges):
                    if not reaches(net, f, j):
                        continue
                    for s in range(n):
                        work[2, s] = work[0, s] * scratch.delta[net.target[f], s]
                    at, to = e * n_params, f * n_params
                    add_pair(net.base, n, work, 2, active, net.source[e], at, net.source[f], to, matrix)
    return total


@jit
def add_edge(base, n, work, row, active, i, edge, vector):
    """vector[edge] += sum_s work[row, s] (b, B)_s for an edge from node i."""
    order = active.value.shape[2]
    if base != ZERO:
        total = 0.0
        for s in range(n):
            total += work[row, s] * active.base[i, s]
        vector[edge, 0] += total
    for s in range(n):
        m = active.first[i, s]
        for r in range(order):
            vector[edge, m + r] += work[row, s] * active.value[i, s, r]


@jit
def add_pair(base, n, work, row, active, i, at, h, to, matrix):
    """matrix[at + ., to + .] += sum_s work[row, s] (b, B)_s (b', B')_s^T for edges from nodes i and h."""
    value, first = active.value, active.first
    order, size = value.shape[2], matrix.shape[1]
    if base != ZERO:
        column = active.column
        total = 0.0
        for s in range(n):
            total += work[row, s] * active.base[i, s] * active.base[h, s]
        matrix[at, to] += total
        column[:] = 0.0
        for s in range(n):
            left, right = work[row, s] * active.base[i, s], work[row, s] * active.base[h, s]
            m, o = first[i, s], first[h, s]
            if order == LANES:
                add_row(left, value, (h * value.shape[1] + s) * LANES, matrix, at * size + to + o)
                add_row(right, value, (i * value.shape[1] + s) * LANES, column, m)
            else:
                for r in range(order):
                    matrix[at, to + o + r] += left * value[h, s, r]
                    column[m + r] += right * value[i, s, r]
        for m in range(column.shape[0]):
            matrix[at + m, to] += column[m]
    for s in range(n):
        m, o = at + first[i, s], to + first[h, s]
        if order == LANES:
            for r in range(LANES):
                weight = work[row, s] * value[i, s, r]
                add_row(weight, value, (h * value.shape[1] + s) * LANES, matrix, (m + r) * size + o)
        else:
            for r in range(order):
                weight = work[row, s] * value[i, s, r]
                for q in range(order):
                    matrix[m + r, o + q] += weight * value[h, s, q]


@entry
def jacobian_rows(
    net, theta, inputs, first_block, n_rows, y, weight, places, scratch, residual, jacobian, vector
):
    """Write rows of sqrt(W) J, transposed, for n_rows samples from `first_block` on; return r^T W r.

    Column j n_rows + s of jacobian (p, n_out n_rows) belongs to output j of sample s. J^T W r is added to
    `vector`, of the shape of theta. Coefficients of other families, constants of symbolic edges, scales and
    biases follow the parameters of the splines; their parts of J^T W r go to `gradient` of scratch.bases,
    scratch.symbols and scratch.stage.
    """
    n_in, work, total = net.node_start[1], scratch.work, 0.0
    symbols, bases, stage, by_sum = scratch.symbols, scratch.bases, scratch.stage, scratch.by_sum
    first_basis = theta.shape[0] * theta.shape[1]
    first_symbol = after_bases(bases, first_basis)
    start_evaluation(net, theta, scratch)
    if first_block == 0:
        clear_symbol_param_grad(symbols)
        clear_basis_param_grad(bases)
        clear_affine_gradient(stage)
    kept = inputs.rows.shape[0] > 0  # else the functions of the inputs are evaluated here, too
    for block in range(first_block, first_block + (n_rows + net.block - 1) // net.block):
        n = residual_block(net, theta, inputs, block, y, places, scratch, residual)
        low = block * net.block
        for i in range(n_in if kept else 0, net.dense.shape[0]):
            if net.dense[i] or net.fan_start[i] == net.fan_start[i + 1]:
                continue
            if i < n_in:
                base_function(net.base, scratch.x, i, n, places.base, places.dbase, i)
            # evaluated only here; pieces and base functions are in the same slot
            lay_out(net, i, scratch.x, n, places, i, i)
        for j in range(y.shape[0]):
            column = j * n_rows + low - first_block * net.block
            node_slopes(net, theta, j, 1, n, places, scratch)
            for s in range(n):
                work[0, s] = np.sqrt(weight[low + s])
                work[2, s] = work[0, s] * residual[j, s]
            for s in range(n):  # of its own: see `_jit`
                total += work[2, s] * work[2, s]
            for e in range(theta.shape[0]):
                i, reached = net.source[e], stage is not None or reaches(net, e, j)
                for s in range(n):
                    work[1, s] = work[0, s] * by_sum[net.target[e], s] if reached else 0.0
                of_input = kept and i < n_in
                rows = inputs.rows if of_input else places.rows
                slot = block * n_in + i if of_input else i
                edge_rows(rows, slot, e, n, work, jacobian, column, vector)
            basis_jacobian(bases, n, by_sum, work, first_basis, jacobian, column)
            symbol_jacobian(symbols, n, scratch.x, by_sum, work, first_symbol, jacobian, column)
            affine_jacobian(
                stage,
                n,
                scratch.sums,
                scratch.delta,
                work,
                first_affine(symbols, first_symbol),
                jacobian,
                column,
            )
    return total


@jit
def after_bases(bases, first_basis):
    """Index of the first Jacobian row behind those of the coefficients of other families."""
    if bases is None:
        return first_basis
    return first_basis + bases.coef.shape[0]


@jit
def first_affine(symbols, first_symbol):
    """Index of the Jacobian row of the first scale, behind four rows for each symbolic edge."""
    if symbols is None:
        return first_symbol
    return first_symbol + 4 * symbols.target.shape[0]


@jit
def edge_rows(rows, slot, edge, n, work, jacobian, column, vector):
    """jacobian[edge n_rows + r, column + s] = work[1, s] psi_r(x_s), psi_r the rows of the edge's source.

    Its products with work[2] are added to vector[edge, r].
    """
    n_panels, n_rows = rows.shape[1], rows.shape[2]
    for r in range(n_rows):
        own = np.uint64(edge * n_rows + r)
        to = (edge * n_rows + r) * jacobian.shape[1] + column
        for panel in range(n // PANEL):
            row = ((slot * n_panels + panel) * n_rows + r) * PANEL
            scale_row(work, work.shape[1] + panel * PANEL, rows, row, jacobian, to + panel * PANEL)
        for s in range(n // PANEL * PANEL, n):
            jacobian[own, column + s] = work[1, s] * rows[slot, s // PANEL, r, s % PANEL]
        total = 0.0
        for s in range(n):
            total += jacobian[own, np.uint64(column + s)] * work[2, s]
        vector[edge, r] += total

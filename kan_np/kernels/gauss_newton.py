"""Gauss-Newton matrices J^T W J and vectors J^T W r, for residuals r = f(x) - y with weights W.

The row of J that belongs to sample s and output j holds, for edge e from node i to node t,

    d f_j / d theta_e = a_t (b(x_i), B_m(x_i), ..., B_{m+k}(x_i)),    a_t = d f_j / d x_t :

k + 2 numbers other than zero, whatever the grid. `accumulate_sparse` adds their products where they belong
and never forms J; `jacobian_rows` lays J out for a chunk of samples, for a matrix product by BLAS. The first
costs the same on every grid, the second grows with (G + k + 1)^2 but runs at full vector width: the caller
chooses (`kan_np.objective`).
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit
from kan_np.kernels.base import ZERO
from kan_np.kernels.layer import edge_backward, edge_input
from kan_np.kernels.network import BLOCK, expand_node, layer_forward

_1, _2, _3 = np.uint64(1), np.uint64(2), np.uint64(3)


@jit
def residual_block(net, theta, inputs, block, y, basis, scratch, residual):
    """Forward for a block; residual[j, s] = f_j(x_s) - y_js. Returns the number of samples."""
    low = block * BLOCK
    n = min(BLOCK, y.shape[1] - low)
    for layer in range(net.edge_start.shape[0] - 1):
        if layer == 0:
            layer_forward(net, theta, layer, n, inputs, block * net.node_start[1], scratch.x)
        else:
            for i in range(net.node_start[layer], net.node_start[layer + 1]):
                expand_node(net, i, i, scratch.x[i], n, basis, scratch)
            layer_forward(net, theta, layer, n, basis, net.node_start[layer], scratch.x)
    first_out = net.node_start[net.edge_start.shape[0] - 1]
    for j in range(y.shape[0]):
        for s in range(n):
            residual[j, s] = scratch.x[first_out + j, s] - y[j, low + s]
    return n


@jit
def loss(net, theta, inputs, y, weight, basis, scratch, residual):
    """Return sum_{s,j} weight_s (f_j(x_s) - y_js)^2."""
    total = 0.0
    for block in range((y.shape[1] + BLOCK - 1) // BLOCK):
        n = residual_block(net, theta, inputs, block, y, basis, scratch, residual)
        for j in range(y.shape[0]):
            for s in range(n):
                total += weight[block * BLOCK + s] * residual[j, s] * residual[j, s]
    return total


@jit
def node_slopes(net, theta, output, n, basis, scratch):
    """scratch.delta[t, s] = d f_output / d x_t for all nodes t behind the inputs."""
    has_base = net.base != ZERO
    n_layers = net.edge_start.shape[0] - 1
    delta = scratch.delta
    for t in range(net.node_start[n_layers], net.node_start[n_layers + 1]):
        for s in range(n):
            delta[t, s] = 1.0 if t == net.node_start[n_layers] + output else 0.0
    for layer in range(n_layers - 1, 0, -1):
        for i in range(net.node_start[layer], net.node_start[layer + 1]):
            for s in range(n):
                delta[i, s] = 0.0
        for e in range(net.edge_start[layer], net.edge_start[layer + 1]):
            i, t = net.source[e], net.target[e]
            if layer == n_layers - 1 and t != net.node_start[n_layers] + output:
                continue
            slope, first, dbase = basis.slope[i], basis.first[i], basis.dbase[i]
            edge_input(theta, e, has_base, n, slope, first, dbase, delta, t, scratch.work, delta, i)


@jit
def place_of_output(net, output):
    """First edge of the last layer, whose edges touch one output each, and the node of `output`."""
    n_layers = net.edge_start.shape[0] - 1
    return net.edge_start[n_layers - 1], net.node_start[n_layers] + output


@jit
def accumulate_sparse(net, theta, inputs, y, weight, basis, scratch, residual, matrix, vector):
    """Add J^T W J to `matrix` and J^T W r to `vector`; return r^T W r.

    `matrix` is (p, p) with p = theta.size; of the blocks above the diagonal only those of edges e <= f are
    written. `vector` has the shape of theta.
    """
    has_base = net.base != ZERO
    n_edges, n_params = theta.shape
    n_in = net.node_start[1]
    work = scratch.work
    total = 0.0
    for block in range((y.shape[1] + BLOCK - 1) // BLOCK):
        n = residual_block(net, theta, inputs, block, y, basis, scratch, residual)
        low = block * BLOCK
        for j in range(y.shape[0]):
            last, target = place_of_output(net, j)
            node_slopes(net, theta, j, n, basis, scratch)
            for s in range(n):
                total += weight[low + s] * residual[j, s] * residual[j, s]
            for e in range(n_edges):
                t = net.target[e]
                if e >= last and t != target:
                    continue
                i = net.source[e]
                p = inputs if i < n_in else basis
                slot = block * n_in + i if i < n_in else i
                for s in range(n):
                    work[0, s] = weight[low + s] * scratch.delta[t, s]
                    work[1, s] = work[0, s] * residual[j, s]
                edge_backward(has_base, n, p.value[slot], p.first[slot], p.base[slot], work, 1, vector, e)
                for f in range(e, n_edges):
                    u = net.target[f]
                    if f >= last and u != target:
                        continue
                    h = net.source[f]
                    q = inputs if h < n_in else basis
                    other = block * n_in + h if h < n_in else h
                    for s in range(n):
                        work[2, s] = work[0, s] * scratch.delta[u, s]
                    edge_pair(
                        has_base,
                        n,
                        work,
                        2,
                        p.value[slot],
                        p.first[slot],
                        p.base[slot],
                        e * n_params,
                        q.value[other],
                        q.first[other],
                        q.base[other],
                        f * n_params,
                        matrix,
                    )
    return total


@jit
def edge_pair(has_base, n, work, row, value, first, base, at, other, start, rest, to, matrix):
    """matrix[at + ., to + .] += sum_s work[row, s] (b, B)_s (b', B')_s^T for a pair of edges."""
    order = value.shape[0]
    a, b = np.uint64(at), np.uint64(to)
    if has_base:
        total = 0.0
        for s in range(n):
            total += work[row, s] * base[s] * rest[s]
        matrix[a, b] += total
        for s in range(n):
            left, right = work[row, s] * base[s], work[row, s] * rest[s]
            m, o = np.uint64(first[s]), np.uint64(start[s])
            for r in range(order):
                q = np.uint64(r)
                matrix[a, b + o + q] += left * other[q, s]
                matrix[a + m + q, b] += right * value[q, s]
    if order == 4:
        for s in range(n):
            m, o = a + np.uint64(first[s]), b + np.uint64(start[s])
            o0, o1, o2, o3 = other[0, s], other[1, s], other[2, s], other[3, s]
            for r in range(4):
                c = work[row, s] * value[r, s]
                line = m + np.uint64(r)
                matrix[line, o] += c * o0
                matrix[line, o + _1] += c * o1
                matrix[line, o + _2] += c * o2
                matrix[line, o + _3] += c * o3
    else:
        for s in range(n):
            m, o = a + np.uint64(first[s]), b + np.uint64(start[s])
            for r in range(order):
                c = work[row, s] * value[r, s]
                for v in range(order):
                    matrix[m + np.uint64(r), o + np.uint64(v)] += c * other[v, s]


@jit
def jacobian_rows(
    net, theta, inputs, first_block, n_rows, y, weight, basis, scratch, residual, jacobian, scaled
):
    """Rows of sqrt(W) J, transposed, and sqrt(W) r, for n_rows samples from `first_block` on.

    jacobian (p, n_out n_rows) and scaled (n_out n_rows,): column j n_rows + s belongs to output j of sample
    s.
    """
    has_base = net.base != ZERO
    n_edges, n_params = theta.shape
    n_in = net.node_start[1]
    for a in range(jacobian.shape[0]):
        for s in range(jacobian.shape[1]):
            jacobian[a, s] = 0.0
    for block in range(first_block, first_block + (n_rows + BLOCK - 1) // BLOCK):
        n = residual_block(net, theta, inputs, block, y, basis, scratch, residual)
        low = block * BLOCK
        for j in range(y.shape[0]):
            last, target = place_of_output(net, j)
            column = j * n_rows + low - first_block * BLOCK
            node_slopes(net, theta, j, n, basis, scratch)
            for s in range(n):
                scratch.work[0, s] = np.sqrt(weight[low + s])
                scaled[column + s] = scratch.work[0, s] * residual[j, s]
            for e in range(n_edges):
                t = net.target[e]
                if e >= last and t != target:
                    continue
                i = net.source[e]
                p = inputs if i < n_in else basis
                slot = block * n_in + i if i < n_in else i
                for s in range(n):
                    scratch.work[1, s] = scratch.work[0, s] * scratch.delta[t, s]
                edge_rows(
                    has_base,
                    n,
                    scratch.work,
                    1,
                    p.value[slot],
                    p.first[slot],
                    p.base[slot],
                    e * n_params,
                    column,
                    jacobian,
                )


@jit
def edge_rows(has_base, n, work, row, value, first, base, at, column, jacobian):
    """jacobian[at + ., column + s] = work[row, s] (b, B)_s."""
    a, c = np.uint64(at), np.uint64(column)
    if has_base:
        for s in range(n):
            jacobian[a, c + np.uint64(s)] = work[row, s] * base[s]
    for r in range(value.shape[0]):
        q = np.uint64(r)
        for s in range(n):
            jacobian[a + np.uint64(first[s]) + q, c + np.uint64(s)] = work[row, s] * value[q, s]

"""The whole network over blocks of samples that stay in the cache: one call a loss and gradient.

Blocks of samples are rows of length `BLOCK`; node values, their derivatives and the active B-splines of
one block are all that is kept. What a network is made of comes in two tuples of arrays, `Net` (shape
and spline tables, read only) and `Scratch`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kan_np.kernels._jit import jit
from kan_np.kernels.base import ZERO, residual
from kan_np.kernels.layer import edge_backward, edge_forward, edge_input
from kan_np.kernels.spline import expand

BLOCK = 256

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Net(NamedTuple):
    """Nodes are numbered layer by layer, inputs first; edges layer by layer, by source, then target."""

    node_start: Ints  # (n_layers + 2,) first node of each of the n_layers + 1 node layers, and the end
    edge_start: Ints  # (n_layers + 1,) first edge of each layer, and the end
    source: Ints  # (n_edges,)
    target: Ints  # (n_edges,)
    base: int  # kind of the residual function
    even: Ints  # (n_sources,) 1 where all inner pieces are equal
    breaks: Floats  # (n_sources, n_inner + 1) ends of the inner pieces
    bucket: Ints  # (n_sources, n_buckets) first piece to try
    bucket_scale: Floats  # (n_sources,)
    origin: Floats  # (n_sources, n_inner + 2)
    scale: Floats  # (n_sources, n_inner + 2)
    poly: Floats  # (n_sources, k + 1, k + 1, n_inner + 2) coefficients by B-spline, power, piece
    start: Ints  # (n_inner + 2,) first active B-spline of a piece


class Basis(NamedTuple):
    """Active B-splines and residual functions of nodes over one block: leading index = slot."""

    value: Floats  # (n_slots, k + 1, BLOCK)
    slope: Floats  # (n_slots, k + 1, BLOCK)
    first: Ints  # (n_slots, BLOCK)
    base: Floats  # (n_slots, BLOCK)
    dbase: Floats  # (n_slots, BLOCK)


class Scratch(NamedTuple):
    """Room for one block."""

    x: Floats  # (n_nodes, BLOCK) node values
    delta: Floats  # (n_nodes, BLOCK) derivative of the objective by node values
    work: Floats  # (3, BLOCK)
    piece: Ints  # (BLOCK,)
    bits: Ints  # (BLOCK,)


class Pull(NamedTuple):
    """What a penalty on the spread of edges and nodes adds to their derivatives (see kan_np.penalty).

    Edge e gets edge_weight[e] (phi_e - edge_mean[e]), source node i node_weight[i] (x_i - node_mean[i]).
    Empty arrays: nothing is added.
    """

    edge_weight: Floats
    edge_mean: Floats
    node_weight: Floats
    node_mean: Floats


@jit
def expand_node(net, i, slot, x, n, basis, scratch):
    """Fill `slot` of `basis` for the n values x of node i."""
    shift = 0 if net.base == ZERO else 1
    expand(
        x,
        n,
        net.even[i] == 1,
        net.breaks[i],
        net.bucket[i],
        net.bucket_scale[i],
        net.origin[i],
        net.scale[i],
        net.poly[i],
        net.start,
        shift,
        basis.value[slot],
        basis.slope[slot],
        basis.first[slot],
        scratch.piece,
        scratch.work,
    )
    if net.base != ZERO:
        residual(net.base, x, n, basis.base[slot], basis.dbase[slot], scratch.work[0], scratch.bits)


@jit
def expand_inputs(net, x, cache, scratch):
    """Expand the input nodes for all samples, once: slot block * n_in + i of `cache`."""
    n_in = x.shape[1]
    for block in range((x.shape[0] + BLOCK - 1) // BLOCK):
        low = block * BLOCK
        n = min(BLOCK, x.shape[0] - low)
        for i in range(n_in):
            for s in range(n):
                scratch.x[i, s] = x[low + s, i]
            expand_node(net, i, block * n_in + i, scratch.x[i], n, cache, scratch)


@jit
def layer_forward(net, theta, layer, n, basis, slot0, x):
    """Sum the edges of a layer into the values of its target nodes."""
    has_base = net.base != ZERO
    first_node = net.node_start[layer]
    for j in range(net.node_start[layer + 1], net.node_start[layer + 2]):
        for s in range(n):
            x[j, s] = 0.0
    e, end = net.edge_start[layer], net.edge_start[layer + 1]
    while e < end:
        i = net.source[e]
        slot = slot0 + i - first_node
        value, first, base = basis.value[slot], basis.first[slot], basis.base[slot]
        while e < end and net.source[e] == i:
            edge_forward(theta, e, has_base, n, value, first, base, x, net.target[e])
            e += 1


@jit
def forward_block(net, theta, x, low, n, basis, scratch):
    """Values of all nodes and active B-splines of all source nodes for samples low .. low + n - 1."""
    for i in range(x.shape[1]):
        for s in range(n):
            scratch.x[i, s] = x[low + s, i]
    for layer in range(net.edge_start.shape[0] - 1):
        for i in range(net.node_start[layer], net.node_start[layer + 1]):
            expand_node(net, i, i, scratch.x[i], n, basis, scratch)
        layer_forward(net, theta, layer, n, basis, net.node_start[layer], scratch.x)


@jit
def forward(net, theta, x, nodes, basis, scratch):
    """nodes[i, s] = value of every node, inputs included, for every sample of x (n_samples, n_in)."""
    for low in range(0, x.shape[0], BLOCK):
        n = min(BLOCK, x.shape[0] - low)
        forward_block(net, theta, x, low, n, basis, scratch)
        for i in range(nodes.shape[0]):
            for s in range(n):
                nodes[i, low + s] = scratch.x[i, s]


@jit
def layer_backward(net, theta, layer, n, basis, slot0, scratch, pull, to_inputs, grad):
    """Carry derivatives from the target nodes of a layer to its parameters and its source nodes."""
    has_base = net.base != ZERO
    pulled = pull.edge_weight.shape[0] > 0
    first_node = net.node_start[layer]
    delta, work = scratch.delta, scratch.work
    if to_inputs:
        for i in range(first_node, net.node_start[layer + 1]):
            for s in range(n):
                delta[i, s] = 0.0
    e, end = net.edge_start[layer], net.edge_start[layer + 1]
    while e < end:
        i = net.source[e]
        slot = slot0 + i - first_node
        value, slope, first = basis.value[slot], basis.slope[slot], basis.first[slot]
        base, dbase = basis.base[slot], basis.dbase[slot]
        while e < end and net.source[e] == i:
            above, row = delta, net.target[e]
            if pulled:
                edge_values(theta, e, has_base, n, value, first, base, work)
                for s in range(n):
                    own = work[2, s] - pull.edge_mean[e]
                    work[1, s] = delta[row, s] + pull.edge_weight[e] * own
                above, row = work, 1
            edge_backward(has_base, n, value, first, base, above, row, grad, e)
            if to_inputs:
                edge_input(theta, e, has_base, n, slope, first, dbase, above, row, work, delta, i)
            e += 1
    if to_inputs and pulled:
        for i in range(first_node, net.node_start[layer + 1]):
            for s in range(n):
                delta[i, s] += pull.node_weight[i] * (scratch.x[i, s] - pull.node_mean[i])


@jit
def edge_values(theta, e, has_base, n, value, first, base, work):
    """work[2, s] = phi_e(x[s])."""
    for s in range(n):
        work[2, s] = 0.0
    edge_forward(theta, e, has_base, n, value, first, base, work, 2)


@jit
def loss_and_gradient(net, theta, inputs, y, weight, basis, scratch, pull, grad):
    """Return sum_{s,j} weight_s (f_j(x_s) - y_{js})^2 and add its gradient by theta to `grad`.

    `inputs` is the cache of expand_inputs, y has shape (n_out, n_samples).
    """
    n_layers = net.edge_start.shape[0] - 1
    n_in = net.node_start[1]
    first_out = net.node_start[n_layers]
    loss = 0.0
    for block in range((y.shape[1] + BLOCK - 1) // BLOCK):
        low = block * BLOCK
        n = min(BLOCK, y.shape[1] - low)
        for layer in range(n_layers):
            if layer == 0:
                layer_forward(net, theta, layer, n, inputs, block * n_in, scratch.x)
            else:
                for i in range(net.node_start[layer], net.node_start[layer + 1]):
                    expand_node(net, i, i, scratch.x[i], n, basis, scratch)
                layer_forward(net, theta, layer, n, basis, net.node_start[layer], scratch.x)
        for j in range(y.shape[0]):
            for s in range(n):
                residual_js = scratch.x[first_out + j, s] - y[j, low + s]
                pulled = weight[low + s] * residual_js
                loss += pulled * residual_js
                scratch.delta[first_out + j, s] = 2.0 * pulled
        # `layer > 0` and not True: a literal would be compiled once more
        for layer in range(n_layers - 1, -1, -1):
            if layer == 0:
                layer_backward(net, theta, layer, n, inputs, block * n_in, scratch, pull, layer > 0, grad)
            else:
                first = net.node_start[layer]
                layer_backward(net, theta, layer, n, basis, first, scratch, pull, layer > 0, grad)
    return loss


@jit
def edge_statistics(net, theta, x, basis, scratch, edge_mean, edge_square, node_mean, node_square):
    """Mean and sum of squared deviations of every edge's and every source node's values.

    Blocks are joined by the formulas of Chan, Golub and LeVeque (1979), eq. (2.1), which do not cancel
    where the mean is large. All four outputs come zeroed.
    """
    for low in range(0, x.shape[0], BLOCK):
        n = min(BLOCK, x.shape[0] - low)
        forward_block(net, theta, x, low, n, basis, scratch)
        for i in range(node_mean.shape[0]):
            join_moments(scratch.x[i], n, low, i, node_mean, node_square)
        for e in range(edge_mean.shape[0]):
            i = net.source[e]
            edge_values(
                theta, e, net.base != ZERO, n, basis.value[i], basis.first[i], basis.base[i], scratch.work
            )
            join_moments(scratch.work[2], n, low, e, edge_mean, edge_square)


@jit
def join_moments(values, n, before, index, mean, square):
    """Join n values to the mean and squared deviations of `before` earlier ones, at `index`."""
    total = 0.0
    for s in range(n):
        total += values[s]
    block_mean = total / n
    block_square = 0.0
    for s in range(n):
        block_square += (values[s] - block_mean) ** 2
    shift = block_mean - mean[index]
    square[index] += block_square + shift * shift * before * n / (before + n)
    mean[index] += shift * n / (before + n)


@jit
def input_jacobian(net, theta, x, basis, scratch, pull, grad, out):
    """out[s, j, i] = d f_j / d x_i at sample s. `pull` is empty; `grad` is scratch like theta."""
    n_layers = net.edge_start.shape[0] - 1
    first_out = net.node_start[n_layers]
    n_out = out.shape[1]
    for low in range(0, x.shape[0], BLOCK):
        n = min(BLOCK, x.shape[0] - low)
        forward_block(net, theta, x, low, n, basis, scratch)
        for j in range(n_out):
            for other in range(n_out):
                for s in range(n):
                    scratch.delta[first_out + other, s] = 1.0 if other == j else 0.0
            for layer in range(n_layers - 1, -1, -1):
                first = net.node_start[layer]
                layer_backward(net, theta, layer, n, basis, first, scratch, pull, layer >= 0, grad)
            for i in range(x.shape[1]):
                for s in range(n):
                    out[low + s, j, i] = scratch.delta[i, s]

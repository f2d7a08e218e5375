"""The whole network over blocks of samples that stay in the cache: one call a loss and gradient.

Blocks of samples are rows of length `BLOCK`; node values, their derivatives and the active B-splines of
one block are all that is kept. What a network is made of comes in two tuples of arrays, `Net` (shape
and spline tables, read only) and `Scratch`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kan_np.kernels._jit import entry, jit
from kan_np.kernels.base import ZERO, residual
from kan_np.kernels.layer import add_moments, fan_to_source, fan_values, to_coefficients, to_polynomials
from kan_np.kernels.spline import place_nodes

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
    even: Ints  # (n_sources,) 1 where all intervals are equally long
    breaks: Floats  # (n_sources, n_inner + 1) ends of the inner pieces
    bucket: Ints  # (n_sources, n_buckets) first piece to try
    bucket_scale: Floats  # (n_sources,)
    origin: Floats  # (n_sources, n_pieces), n_pieces = n_inner + 2
    scale: Floats  # (n_sources, n_pieces)
    poly: Floats  # (n_sources, n_pieces, k + 1, width) coefficients by piece, B-spline, power; highest first
    poly_transposed: Floats  # (n_sources, n_pieces, width, k + 1)
    start: Ints  # (n_pieces,) first active B-spline of a piece


class Places(NamedTuple):
    """Where the samples of a block lie for a node, and its residual function there: leading index = slot."""

    at: Ints  # (n_slots, BLOCK) width times the piece
    u: Floats  # (n_slots, BLOCK) local coordinate in the piece
    stretch: Floats  # (n_slots, BLOCK) du / dx
    powers: Floats  # (n_slots, BLOCK, width) of u, highest first
    base: Floats  # (n_slots, BLOCK)
    dbase: Floats  # (n_slots, BLOCK)


class Scratch(NamedTuple):
    """Room for one block, and for the splines of one evaluation as polynomials."""

    x: Floats  # (n_nodes, BLOCK) node values
    delta: Floats  # (n_nodes, BLOCK) derivative of the objective by node values
    slope: Floats  # (n_edges, BLOCK) derivative of each edge's spline by u
    above: Floats  # (largest layer, BLOCK) edge values, or derivatives by them
    work: Floats  # (3, BLOCK)
    polynomial: Floats  # (n_edges, n_pieces, width)
    moment: Floats  # (LANES, n_edges, n_pieces, width) derivatives by `polynomial`, a sum over the first axis


class Pull(NamedTuple):
    """What a penalty on the spread of edges and nodes adds to their derivatives (see kan_np.penalty).

    Edge e gets edge_weight[e] (phi_e - edge_mean[e]), source node i node_weight[i] (x_i - node_mean[i]).
    Kernels take None where there is no such penalty.
    """

    edge_weight: Floats
    edge_mean: Floats
    node_weight: Floats
    node_mean: Floats


@jit
def expand_nodes(net, first, end, x, n, places, slot0):
    """Fill the slots from slot0 on for the nodes first <= i < end with n samples x[i] each."""
    place_nodes(net, first, end, x, n, places, slot0)
    if net.base != ZERO:
        base, dbase = places.base, places.dbase
        for i in range(first, end):
            residual(net.base, x, i, n, base, dbase, slot0 + i - first)


@entry
def expand_inputs(net, x, inputs, scratch):
    """Place all samples for the input nodes, once: slot block * n_in + i of `inputs`."""
    n_in = x.shape[1]
    for block in range((x.shape[0] + BLOCK - 1) // BLOCK):
        low = block * BLOCK
        n = min(BLOCK, x.shape[0] - low)
        load_block(x, low, n, scratch.x)
        expand_nodes(net, 0, n_in, scratch.x, n, inputs, block * n_in)


@jit
def load_block(x, low, n, rows):
    """rows[i, s] = x[low + s, i]."""
    for i in range(x.shape[1]):
        for s in range(n):
            rows[i, s] = x[low + s, i]


@jit
def start_evaluation(net, theta, scratch):
    """Write the splines as polynomials for all blocks that follow."""
    to_polynomials(theta, net.base != ZERO, net.source, net.poly, net.start, scratch.polynomial)


@jit
def layer_forward(net, theta, layer, n, places, slot0, scratch):
    """Sum the edges of a layer into the values of its target nodes; slot0 is that of its first source."""
    x, slope, polynomial = scratch.x, scratch.slope, scratch.polynomial
    at, u, base, has_base = places.at, places.u, places.base, net.base != ZERO
    source, first, end = net.node_start[layer], net.node_start[layer + 1], net.node_start[layer + 2]
    for j in range(first, end):
        for s in range(n):
            x[j, s] = 0.0
    e = net.edge_start[layer]
    for slot in range(slot0, slot0 + first - source):
        fan_values(polynomial, e, end - first, n, at, u, slot, x, first, slope)
        if has_base:
            add_base(theta, e, end - first, n, base, slot, x, first)
        e += end - first


@jit
def add_base(theta, edge, n_edges, n, base, slot, out, row):
    """out[row + t, s] += w_{edge + t} b(x_s)."""
    q = np.uint64(slot)
    for t in range(n_edges):
        w, r = theta[edge + t, 0], np.uint64(row + t)
        for s in range(n):
            out[r, s] += w * base[q, s]


@jit
def hidden_layers_forward(net, theta, n, places, scratch):
    """Forward from the values of the first hidden nodes on."""
    for layer in range(1, net.edge_start.shape[0] - 1):
        first = net.node_start[layer]
        expand_nodes(net, first, net.node_start[layer + 1], scratch.x, n, places, first)
        layer_forward(net, theta, layer, n, places, first, scratch)


@jit
def forward_block(net, theta, x, low, n, places, scratch):
    """Values of all nodes and places of all source nodes for samples low .. low + n - 1."""
    load_block(x, low, n, scratch.x)
    expand_nodes(net, 0, x.shape[1], scratch.x, n, places, 0)
    layer_forward(net, theta, 0, n, places, 0, scratch)
    hidden_layers_forward(net, theta, n, places, scratch)


@entry
def forward(net, theta, x, nodes, places, scratch):
    """nodes[i, s] = value of every node, inputs included, for every sample of x (n_samples, n_in)."""
    start_evaluation(net, theta, scratch)
    for low in range(0, x.shape[0], BLOCK):
        n = min(BLOCK, x.shape[0] - low)
        forward_block(net, theta, x, low, n, places, scratch)
        for i in range(nodes.shape[0]):
            for s in range(n):
                nodes[i, low + s] = scratch.x[i, s]


@jit
def layer_backward(net, theta, layer, n, places, slot0, scratch, pull, grad):
    """Carry derivatives from the target nodes of a layer to its parameters and its hidden source nodes."""
    if pull is not None:  # decided when the kernel is compiled: without such a penalty there is no such code
        layer_backward_pulled(net, theta, layer, n, places, slot0, scratch, pull, grad)
        return
    has_base = net.base != ZERO
    at, powers, moment, delta = places.at, places.powers, scratch.moment, scratch.delta
    stretch, base, dbase = places.stretch, places.base, places.dbase
    slope, work = scratch.slope, scratch.work
    source, first = net.node_start[layer], net.node_start[layer + 1]
    fan, edge = net.node_start[layer + 2] - first, net.edge_start[layer]
    for i in range(source, first):
        slot, e = slot0 + i - source, edge + (i - source) * fan
        add_moments(delta, first, n, at, powers, slot, moment, e, fan)
        if has_base:
            add_base_moments(delta, first, n, base, slot, grad, e, fan)
        if layer > 0:
            fan_to_source(
                theta, has_base, e, fan, n, slope, delta, first, stretch, dbase, slot, work, delta, i
            )


@jit
def add_base_moments(delta, row, n, base, slot, grad, edge, n_edges):
    """grad[edge + t, 0] += sum_s delta[row + t, s] b(x_s)."""
    q = np.uint64(slot)
    for t in range(n_edges):
        r = np.uint64(row + t)
        total = 0.0
        for s in range(n):
            total += delta[r, s] * base[q, s]
        grad[edge + t, 0] += total


@jit
def layer_backward_pulled(net, theta, layer, n, places, slot0, scratch, pull, grad):
    """As `layer_backward`, where a penalty adds to the derivatives of every edge and source node."""
    has_base, above, delta = net.base != ZERO, scratch.above, scratch.delta
    source, first = net.node_start[layer], net.node_start[layer + 1]
    fan, e = net.node_start[layer + 2] - first, net.edge_start[layer]
    for i in range(source, first):
        slot = slot0 + i - source
        pull_edges(net, theta, e, fan, n, places, slot, scratch, pull)
        add_moments(above, 0, n, places.at, places.powers, slot, scratch.moment, e, fan)
        if has_base:
            add_base_moments(above, 0, n, places.base, slot, grad, e, fan)
        if layer > 0:
            fan_to_source(
                theta,
                has_base,
                e,
                fan,
                n,
                scratch.slope,
                above,
                0,
                places.stretch,
                places.dbase,
                slot,
                scratch.work,
                delta,
                i,
            )
            for s in range(n):
                delta[i, s] += pull.node_weight[i] * (scratch.x[i, s] - pull.node_mean[i])
        e += fan


@jit
def pull_edges(net, theta, edge, fan, n, places, slot, scratch, pull):
    """scratch.above[t] = derivative of the objective by the values of edge + t, pulled by a penalty."""
    edge_values(net, theta, edge, fan, n, places, slot, scratch)
    for t in range(fan):
        e = edge + t
        for s in range(n):
            own = scratch.above[t, s] - pull.edge_mean[e]
            scratch.above[t, s] = scratch.delta[net.target[e], s] + pull.edge_weight[e] * own


@jit
def edge_values(net, theta, edge, fan, n, places, slot, scratch):
    """scratch.above[t, s] = phi_{edge + t}(x_s)."""
    for t in range(fan):
        for s in range(n):
            scratch.above[t, s] = 0.0
    fan_values(scratch.polynomial, edge, fan, n, places.at, places.u, slot, scratch.above, 0, scratch.slope)
    if net.base != ZERO:
        add_base(theta, edge, fan, n, places.base, slot, scratch.above, 0)


@entry
def loss_and_gradient(net, theta, inputs, y, weight, places, scratch, pull, grad):
    """Return sum_{s,j} weight_s (f_j(x_s) - y_{js})^2 and add its gradient by theta to `grad`.

    `inputs` is what expand_inputs filled, y has shape (n_out, n_samples).
    """
    n_layers = net.edge_start.shape[0] - 1
    n_in, first_out = net.node_start[1], net.node_start[n_layers]
    start_evaluation(net, theta, scratch)
    scratch.moment[:] = 0.0
    loss = 0.0
    for block in range((y.shape[1] + BLOCK - 1) // BLOCK):
        low = block * BLOCK
        n = min(BLOCK, y.shape[1] - low)
        layer_forward(net, theta, 0, n, inputs, block * n_in, scratch)
        hidden_layers_forward(net, theta, n, places, scratch)
        for j in range(y.shape[0]):
            for s in range(n):
                residual_js = scratch.x[first_out + j, s] - y[j, low + s]
                pulled = weight[low + s] * residual_js
                loss += pulled * residual_js
                scratch.delta[first_out + j, s] = 2.0 * pulled
        for layer in range(n_layers - 1, -1, -1):
            if layer > 0:
                layer_backward(net, theta, layer, n, places, net.node_start[layer], scratch, pull, grad)
            else:
                layer_backward(net, theta, layer, n, inputs, block * n_in, scratch, pull, grad)
    to_coefficients(scratch.moment, net.base != ZERO, net.source, net.poly_transposed, net.start, grad)
    return loss


@entry
def edge_statistics(net, theta, x, places, scratch, edge_mean, edge_square, node_mean, node_square):
    """Mean and sum of squared deviations of every edge's and every source node's values.

    Blocks are joined by the formulas of Chan, Golub and LeVeque (1979), eq. (2.1), which do not cancel
    where the mean is large. All four outputs come zeroed.
    """
    start_evaluation(net, theta, scratch)
    for low in range(0, x.shape[0], BLOCK):
        n = min(BLOCK, x.shape[0] - low)
        forward_block(net, theta, x, low, n, places, scratch)
        e = 0
        for i in range(node_mean.shape[0]):
            join_moments(scratch.x, i, n, low, i, node_mean, node_square)
            fan = 0
            while e + fan < edge_mean.shape[0] and net.source[e + fan] == i:
                fan += 1
            edge_values(net, theta, e, fan, n, places, i, scratch)
            for t in range(fan):
                join_moments(scratch.above, t, n, low, e + t, edge_mean, edge_square)
            e += fan


@jit
def join_moments(values, row, n, before, index, mean, square):
    """Join the n values of a row to the mean and squared deviations of `before` earlier ones, at `index`."""
    total = 0.0
    for s in range(n):
        total += values[row, s]
    block_mean = total / n
    block_square = 0.0
    for s in range(n):
        block_square += (values[row, s] - block_mean) ** 2
    shift = block_mean - mean[index]
    square[index] += block_square + shift * shift * before * n / (before + n)
    mean[index] += shift * n / (before + n)


@entry
def input_jacobian(net, theta, x, places, scratch, out):
    """out[s, j, i] = d f_j / d x_i at sample s."""
    start_evaluation(net, theta, scratch)
    for low in range(0, x.shape[0], BLOCK):
        n = min(BLOCK, x.shape[0] - low)
        forward_block(net, theta, x, low, n, places, scratch)
        for j in range(out.shape[1]):
            node_slopes(net, theta, j, 0, n, places, scratch)
            for i in range(x.shape[1]):
                for s in range(n):
                    out[low + s, j, i] = scratch.delta[i, s]


@jit
def node_slopes(net, theta, output, lowest, n, places, scratch):
    """scratch.delta[t, s] = d f_output / d x_t for all nodes t behind node layer `lowest`, and its own.

    Places and slopes are those of a forward pass; slots are nodes, so `lowest` is 0 only where the inputs
    have slots in `places`.
    """
    n_layers = net.edge_start.shape[0] - 1
    for t in range(net.node_start[n_layers], net.node_start[n_layers + 1]):
        for s in range(n):
            scratch.delta[t, s] = 1.0 if t == net.node_start[n_layers] + output else 0.0
    for layer in range(n_layers - 1, lowest - 1, -1):
        first = net.node_start[layer + 1]
        fan = net.node_start[layer + 2] - first
        # only the edges to this output carry anything in the last layer
        used, skip = (1, output) if layer == n_layers - 1 else (fan, 0)
        e = net.edge_start[layer] + skip
        for i in range(net.node_start[layer], first):
            fan_to_source(
                theta,
                net.base != ZERO,
                e,
                used,
                n,
                scratch.slope,
                scratch.delta,
                first + skip,
                places.stretch,
                places.dbase,
                i,
                scratch.work,
                scratch.delta,
                i,
            )
            e += fan

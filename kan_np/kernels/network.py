"""Loss, gradient and Jacobian of a whole KAN, in one call each; blocks of samples stay in the cache."""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import entry, jit, spliced
from kan_np.kernels.basis_rows import add_basis_input_grad, keep_rows, use_kept_rows, use_own_rows
from kan_np.kernels.dense_basis import ALL
from kan_np.kernels.layer import (
    clear,
    edge_values,
    end_gradient,
    expand_nodes,
    layer_backward,
    layer_forward,
    start_evaluation,
    start_gradient,
    take_input_grad,
)
from kan_np.kernels.node_stage import pull_to_sums
from kan_np.kernels.symbols import add_symbol_input_grad


@entry
def expand_inputs(net, x, inputs, scratch):
    """Find the pieces of all samples at the input nodes, once: slot block * n_in + i of `inputs`.

    Functions of other families than B-splines are kept in scratch.bases.
    """
    n_in = x.shape[1]
    for block in range((x.shape[0] + net.block - 1) // net.block):
        low = block * net.block
        n = min(net.block, x.shape[0] - low)
        load_block(x, low, n, scratch.x)
        expand_nodes(net, net.node_start[0], n_in, scratch.x, n, inputs, block * n_in)
        keep_rows(scratch.bases, n_in, block, n, scratch.x)


@jit
def load_symbol_inputs(symbols, low, n, rows):
    """rows[i, s] = input i of sample low + s, which symbolic edges need (splines need its piece only)."""
    if symbols is not None:
        for i in range(symbols.inputs.shape[0]):
            r = np.uint64(i)
            for s in range(n):
                rows[r, s] = symbols.inputs[r, low + s]


@jit
def load_block(x, low, n, rows):
    """rows[i, s] = x[low + s, i]."""
    for i in range(x.shape[1]):
        for s in range(n):
            rows[i, s] = x[low + s, i]


@spliced
def layers_forward(net, theta, n, inputs, input_slot, places, scratch):
    """Values of all nodes, for input samples whose pieces are in `inputs` from input_slot on."""
    block = input_slot // net.node_start[1]
    load_symbol_inputs(scratch.symbols, block * net.block, n, scratch.x)
    use_kept_rows(scratch.bases, net.node_start[1], block)
    for layer in range(net.node_start.shape[0] - 2):
        here, slot = inputs, input_slot  # chosen here, so that only one call has to be compiled
        if layer > 0:
            here, slot = places, net.node_start[layer]
            expand_nodes(net, slot, net.node_start[layer + 1], scratch.x, n, places, slot)
        layer_forward(net, theta, layer, n, here, slot, scratch)


@spliced
def layers_backward(net, theta, n, inputs, input_slot, places, scratch, pull, grad):
    """From the derivatives by the outputs, in scratch.delta, to those by all parameters."""
    for layer in range(net.node_start.shape[0] - 3, -1, -1):
        here, slot = inputs, input_slot
        if layer > 0:
            here, slot = places, net.node_start[layer]
        layer_backward(net, theta, layer, n, here, slot, scratch, pull, grad)


@spliced
def forward_block(net, theta, x, low, n, places, scratch):
    """Values of all nodes, and pieces at all source nodes, for samples low .. low + n - 1."""
    load_block(x, low, n, scratch.x)
    use_own_rows(scratch.bases)
    for layer in range(net.node_start.shape[0] - 2):
        first = net.node_start[layer]
        expand_nodes(net, first, net.node_start[layer + 1], scratch.x, n, places, first)
        layer_forward(net, theta, layer, n, places, first, scratch)


@entry
def forward(net, theta, x, nodes, places, scratch):
    """nodes[i, s] = value of every node, inputs included, for every sample of x (n_samples, n_in)."""
    start_evaluation(net, theta, scratch)
    for low in range(0, x.shape[0], net.block):
        n = min(net.block, x.shape[0] - low)
        forward_block(net, theta, x, low, n, places, scratch)
        for i in range(nodes.shape[0]):
            for s in range(n):
                nodes[i, low + s] = scratch.x[i, s]


@entry
def loss_and_gradient(net, theta, inputs, y, weight, places, scratch, pull, grad):
    """Return sum_{s,j} weight_s (f_j(x_s) - y_{js})^2 and add its gradient by theta to `grad`.

    `inputs` is what expand_inputs filled, y has shape (n_out, n_samples).
    """
    n_layers = net.node_start.shape[0] - 2
    n_in, first_out = net.node_start[1], net.node_start[n_layers]
    start_evaluation(net, theta, scratch)
    start_gradient(net, scratch)
    loss = 0.0
    for block in range((y.shape[1] + net.block - 1) // net.block):
        low = block * net.block
        n = min(net.block, y.shape[1] - low)
        layers_forward(net, theta, n, inputs, block * n_in, places, scratch)
        clear(scratch.delta, first_out, first_out + y.shape[0], n)
        for j in range(y.shape[0]):
            for s in range(n):
                residual_js = scratch.x[first_out + j, s] - y[j, low + s]
                scratch.delta[first_out + j, s] = 2.0 * weight[low + s] * residual_js
            for s in range(n):  # of its own: see `_jit`
                loss += 0.5 * scratch.delta[first_out + j, s] * (scratch.x[first_out + j, s] - y[j, low + s])
        layers_backward(net, theta, n, inputs, block * n_in, places, scratch, pull, grad)
    end_gradient(net, scratch, grad)
    return loss


@entry
def edge_statistics(net, theta, x, places, scratch, statistics):
    """Mean and sum of squared deviations of the values of every edge, sum and node.

    Blocks are joined by the formulas of Chan, Golub and LeVeque (1979), eq. (2.1), which do not cancel
    where the mean is large. `statistics` come zeroed.
    """
    start_evaluation(net, theta, scratch)
    for low in range(0, x.shape[0], net.block):
        n = min(net.block, x.shape[0] - low)
        forward_block(net, theta, x, low, n, places, scratch)
        for i in range(statistics.node_mean.shape[0]):
            join_statistics(scratch.x, i, n, low, i, statistics.node_mean, statistics.node_square)
        for j in range(net.node_start[1], statistics.sum_mean.shape[0]):
            join_statistics(scratch.sums, j, n, low, j, statistics.sum_mean, statistics.sum_square)
        for i in range(net.fan_start.shape[0] - 1):
            edge_values(net, theta, i, n, places, i, scratch)
            for e in range(net.fan_start[i], net.fan_start[i + 1]):
                mean, square = statistics.edge_mean, statistics.edge_square
                join_statistics(scratch.above, net.target[e], n, low, e, mean, square)
            join_symbols(scratch.symbols, i, n, low, scratch.above, statistics)
            join_bases(scratch.bases, i, n, low, scratch.above, statistics)


@jit
def join_symbols(symbols, i, n, low, above, statistics):
    """`join_statistics` of the symbolic edges that leave node i."""
    if symbols is not None:
        for e in range(symbols.fan_start[i], symbols.fan_start[i + 1]):
            mean, square = statistics.symbol_mean, statistics.symbol_square
            join_statistics(above, symbols.target[e], n, low, e, mean, square)


@jit
def join_bases(bases, i, n, low, above, statistics):
    """`join_statistics` of the edges of other families that leave node i."""
    if bases is not None:
        for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
            for e in range(bases.edge_start[b], bases.edge_start[b + 1]):
                mean, square = statistics.basis_mean, statistics.basis_square
                join_statistics(above, bases.target[e], n, low, e, mean, square)


@jit
def join_statistics(values, row, n, before, index, mean, square):
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
    for low in range(0, x.shape[0], net.block):
        n = min(net.block, x.shape[0] - low)
        forward_block(net, theta, x, low, n, places, scratch)
        for j in range(out.shape[1]):
            node_slopes(net, theta, j, net.node_start[0], n, places, scratch)
            for i in range(x.shape[1]):
                for s in range(n):
                    out[low + s, j, i] = scratch.delta[i, s]


@jit
def node_slopes(net, theta, output, lowest, n, places, scratch):
    """scratch.delta[t, s] = d f_output / d x_t for all nodes t behind node layer `lowest`, and its own.

    scratch.by_sum gets the derivatives by the sums of all layers. A forward pass must have filled `places`
    with a slot for every node; `lowest` may be 0 only where the inputs have slots there, too.
    """
    n_layers, stage = net.node_start.shape[0] - 2, scratch.stage
    own = net.node_start[n_layers] + output
    if stage is None:
        clear(scratch.delta, own, own + 1, n)
    else:  # the derivatives by their sums are needed, too
        clear(scratch.delta, net.node_start[n_layers], net.node_start[n_layers + 1], n)
    for s in range(n):
        scratch.delta[own, s] = 1.0
    for layer in range(n_layers - 1, -1, -1):
        first, end = net.node_start[layer], net.node_start[layer + 1]
        pull_to_sums(stage, end, net.node_start[layer + 2], n, scratch.sums, scratch.delta, scratch.by_sum)
        if layer < lowest:
            break
        # without products and scales the output depends on no other edge of the last layer
        only = own if stage is None and layer == n_layers - 1 else ALL
        take_input_grad(net, theta, first, end, only, n, places, first, scratch, scratch.by_sum)
        add_symbol_input_grad(scratch.symbols, first, end, n, scratch.by_sum, scratch.delta)
        add_basis_input_grad(scratch.bases, first, end, n, scratch.by_sum, scratch.delta)

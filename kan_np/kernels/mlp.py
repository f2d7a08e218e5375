"""Loss and gradient of a whole MLP in one call, over blocks of samples that stay in the cache.

`nodes` holds all node layers of a block, one after the other, each followed by a row of ones, so that biases
are a row of weights: layer l has width[l] + 1 rows, the last its outputs alone. theta is W_0, b_0, W_1, ...
as it lies in memory: (width[l] + 1, width[l + 1]) a layer. Rows behind the last sample are zero up to the
next full panel, but for the ones, and so are derivatives there: sums may run over whole panels.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import entry, jit, spliced
from kan_np.kernels.activation import activate_rows
from kan_np.kernels.dense_basis import tile_size
from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.products import row_products, weighted_rows


@jit
def rows_above(theta, at, apart, step, n_rows, nodes, first, to, n_to, n):
    """nodes[to + t, s] = sum_r theta[at + t apart + r step] nodes[first + r, s] for t < n_to."""
    width = nodes.shape[1]
    for column in range(0, n, PANEL):
        t = 0
        while t < n_to:
            size, rows, out = tile_size(n_to - t), first * width + column, (to + t) * width + column
            weighted_rows(size, theta, at + t * apart, apart, step, n_rows, nodes, rows, width, nodes, out)
            t += size


@jit
def forward_block(kind, width, theta, x, low, n, nodes, slopes):
    """Values of all nodes and slopes of hidden ones for samples x[:, low : low + n]; first row of outputs."""
    for i in range(width[0]):
        for s in range(n):
            nodes[i, s] = x[i, low + s]
        for s in range(n, (n + PANEL - 1) // PANEL * PANEL):
            nodes[i, s] = 0.0
    at, first = 0, 0
    for layer in range(width.shape[0] - 1):
        n_rows, n_to = width[layer] + 1, width[layer + 1]
        to = first + n_rows
        rows_above(theta, at, 1, n_to, n_rows, nodes, first, to, n_to, n)
        if layer < width.shape[0] - 2:
            activate_rows(kind, nodes, slopes, to, to + n_to, n)
        at, first = at + n_rows * n_to, to
    return first


@spliced
def block_loss(y, weight, low, n, nodes, first):
    """sum_{s,j} weight_s (f_j(x_s) - y_js)^2; the outputs are overwritten by its derivatives by them."""
    loss = 0.0
    for j in range(y.shape[0]):
        for s in range(n):  # of its own: see `_jit`
            residual = nodes[first + j, s] - y[j, low + s]
            loss += weight[low + s] * residual * residual
        for s in range(n):
            nodes[first + j, s] = 2.0 * weight[low + s] * (nodes[first + j, s] - y[j, low + s])
        for s in range(n, (n + PANEL - 1) // PANEL * PANEL):
            nodes[first + j, s] = 0.0
    return loss


@jit
def backward_block(width, theta, n, nodes, slopes, first, grad):
    """From derivatives by the outputs to those by all parameters; values of hidden nodes are overwritten."""
    row, end = nodes.shape[1], theta.shape[0]
    n_panels = (n + PANEL - 1) // PANEL
    for layer in range(width.shape[0] - 2, -1, -1):
        n_rows, n_to = width[layer] + 1, width[layer + 1]
        at, below = end - n_rows * n_to, first - n_rows
        t = 0
        while t < n_to:
            size, own = tile_size(n_to - t), (first + t) * row
            row_products(size, nodes, own, nodes, below * row, n_rows, row, n_panels, grad, at + t, n_to)
            t += size
        if layer > 0:
            rows_above(theta, at, n_to, 1, n_to, nodes, first, below, width[layer], n)
            for i in range(below, below + width[layer]):
                r = np.uint64(i)
                for s in range(n_panels * PANEL):
                    nodes[r, s] *= slopes[r, s]
        end, first = at, below


@entry
def loss_and_gradient(kind, width, theta, x, y, weight, nodes, slopes, grad):
    """Return sum_{s,j} weight_s (f_j(x_s) - y_js)^2 and add its gradient by theta to `grad`.

    x has shape (n_in, n_samples), y (n_out, n_samples).
    """
    loss, block = 0.0, nodes.shape[1]
    for low in range(0, x.shape[1], block):
        n = min(block, x.shape[1] - low)
        first = forward_block(kind, width, theta, x, low, n, nodes, slopes)
        loss += block_loss(y, weight, low, n, nodes, first)
        backward_block(width, theta, n, nodes, slopes, first, grad)
    return loss


@entry
def loss(kind, width, theta, x, y, weight, nodes, slopes):
    """Return sum_{s,j} weight_s (f_j(x_s) - y_js)^2 without its gradient."""
    total, block = 0.0, nodes.shape[1]
    for low in range(0, x.shape[1], block):
        n = min(block, x.shape[1] - low)
        first = forward_block(kind, width, theta, x, low, n, nodes, slopes)
        total += block_loss(y, weight, low, n, nodes, first)
    return total


@entry
def values_and_slopes(kind, width, theta, x, nodes, slopes, all_nodes, all_slopes):
    """all_nodes[i, s], all_slopes[i, s]: values of nodes and derivatives of activations, for all samples."""
    block = nodes.shape[1]
    for low in range(0, x.shape[1], block):
        n = min(block, x.shape[1] - low)
        forward_block(kind, width, theta, x, low, n, nodes, slopes)
        for i in range(nodes.shape[0]):
            r = np.uint64(i)
            for s in range(n):
                all_nodes[r, low + s] = nodes[r, s]
                all_slopes[r, low + s] = slopes[r, s]


@entry
def forward(kind, width, theta, x, nodes, slopes, out):
    """out[j, s] = f_j(x_s), for every sample of x."""
    block = nodes.shape[1]
    for low in range(0, x.shape[1], block):
        n = min(block, x.shape[1] - low)
        first = forward_block(kind, width, theta, x, low, n, nodes, slopes)
        for j in range(out.shape[0]):
            for s in range(n):
                out[j, low + s] = nodes[first + j, s]

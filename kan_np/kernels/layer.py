"""One layer of a network on a block of samples: values of edges, derivatives by parameters and inputs.

A fan is all edges that leave a node. The edges of a dense node (`kan_np.kernels.dense_basis`) and of a sparse
one (`kan_np.kernels.polynomials`) offer the same three steps: values, derivatives by parameters (param_grad),
derivatives by the node (input_grad). Each step gets the fans of several nodes as the tuple (dense, fan_start,
target, first, end, n, slot0) and skips nodes of the other kind. Calls are few, since passing the arrays of a
network takes as long as the arithmetic of some ten samples. Rows of samples are written up to the next full
panel.
"""

from __future__ import annotations

from kan_np.kernels._jit import jit, spliced
from kan_np.kernels.base import ZERO, base_function
from kan_np.kernels.basis_rows import (
    add_bases,
    add_basis_input_grad,
    add_basis_param_grad,
    basis_values,
    clear_basis_param_grad,
)
from kan_np.kernels.dense_basis import ALL, lay_out, panel_input_grad, panel_param_grad, panel_values
from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.node_stage import add_affine_gradient, clear_affine_gradient, make_nodes, pull_to_sums
from kan_np.kernels.polynomials import (
    clear_polynomial_grad,
    polynomial_input_grad,
    polynomial_param_grad,
    polynomial_values,
    to_coefficients,
    to_polynomials,
)
from kan_np.kernels.spline import place_nodes
from kan_np.kernels.symbols import (
    add_symbol_input_grad,
    add_symbol_param_grad,
    add_symbols,
    clear_symbol_param_grad,
    symbol_values,
)


@jit
def start_evaluation(net, theta, scratch):
    """Prepare an evaluation, before the first block: splines as polynomials."""
    has_base = net.base != ZERO
    to_polynomials(
        theta, has_base, net.source, net.dense, net.poly, net.start, scratch.polynomial, scratch.columns
    )


@jit
def start_gradient(net, scratch):
    """Prepare a gradient, before the first block: set all sums over samples to zero."""
    clear_polynomial_grad(scratch.polynomial_grad, net.source, net.dense)
    clear_symbol_param_grad(scratch.symbols)
    clear_basis_param_grad(scratch.bases)
    clear_affine_gradient(scratch.stage)


@jit
def end_gradient(net, scratch, grad):
    """Finish a gradient, after the last block: from derivatives by polynomials to those by coefficients."""
    has_base, table = net.base != ZERO, net.poly_transposed
    to_coefficients(scratch.polynomial_grad, has_base, net.source, net.dense, table, net.start, grad)


@spliced
def expand_nodes(net, first, end, x, n, places, slot0):
    """Fill `places` from slot0 on for the nodes first <= i < end at the n samples x[i] of each."""
    if net.target.shape[0] > 0:
        place_nodes(net, first, end, x, n, places.at, places.u, places.stretch, slot0)
        for i in range(first, end):
            if net.fan_start[i] == net.fan_start[i + 1]:
                continue
            slot = slot0 + i - first
            work = 0 if net.dense[i] else slot
            base_function(net.base, x, i, n, places.base, places.dbase, work)
            if net.dense[i]:
                lay_out(net, i, x, n, places, work, slot)


@jit
def clear(rows, first, end, n):
    """rows[first:end] = 0 up to the end of the last panel."""
    for j in range(first, end):
        for s in range((n + PANEL - 1) // PANEL * PANEL):
            rows[j, s] = 0.0


@spliced
def add_values(net, theta, first, end, n, places, slot0, scratch, out):
    """out[t, s] += phi_it(x_is) for all edges that leave the nodes first <= i < end."""
    fans = (net.dense, net.fan_start, net.target, first, end, n, slot0)
    if net.target.shape[0] > 0:
        panel_values(fans, theta, places.rows, out)
        has_base, n_intervals = net.base != ZERO, net.start[net.start.shape[0] - 1] + 1
        polynomial, columns, slope = scratch.polynomial, scratch.columns, scratch.slope
        polynomial_values(fans, theta, has_base, n_intervals, polynomial, columns, places, out, slope)


@spliced
def add_param_grad(net, first, end, n, places, slot0, scratch, delta, grad):
    """Add derivatives by the parameters of the edges that leave the nodes, given those by their values."""
    fans = (net.dense, net.fan_start, net.target, first, end, n, slot0)
    if net.target.shape[0] > 0:
        panel_param_grad(fans, delta, places.rows, grad)
        has_base, n_intervals = net.base != ZERO, net.start[net.start.shape[0] - 1] + 1
        polynomial_param_grad(fans, delta, has_base, n_intervals, places, scratch.polynomial_grad, grad)


@spliced
def take_input_grad(net, theta, first, end, only, n, places, slot0, scratch, delta):
    """scratch.delta[i, s] = sum_t delta[t, s] phi'_it(x_is) for the nodes first <= i < end.

    The sum goes over all targets t unless `only` names one.
    """
    out = scratch.delta
    clear(out, first, end, n)
    fans = (net.dense, net.fan_start, net.target, first, end, n, slot0)
    if net.target.shape[0] > 0:
        panel_input_grad(fans, only, theta, places.slopes, delta, out)
        polynomial_input_grad(fans, only, scratch.slope, delta, out)


@spliced
def layer_forward(net, theta, layer, n, places, slot0, scratch):
    """Sum the edges of a layer into the values of its target nodes; slot0 is that of its first source."""
    source, first = net.node_start[layer], net.node_start[layer + 1]
    clear(scratch.sums, net.sum_start[layer + 1], net.sum_start[layer + 2], n)
    add_values(net, theta, source, first, n, places, slot0, scratch, scratch.sums)
    add_symbols(scratch.symbols, source, first, n, scratch.x, scratch.sums)
    add_bases(scratch.bases, source, first, n, scratch.x, scratch.sums)
    make_nodes(scratch.stage, first, net.node_start[layer + 2], n, scratch.sums, scratch.x)


@spliced
def layer_backward(net, theta, layer, n, places, slot0, scratch, pull, grad):
    """Backpropagation: from derivatives by target nodes of a layer to those by its parameters and sources."""
    source, first = net.node_start[layer], net.node_start[layer + 1]
    if pull is not None:  # decided at compile time: without such a penalty this code is not compiled
        layer_backward_pulled(net, theta, layer, n, places, slot0, scratch, pull, grad)
        return
    sums_backward(net, layer, n, scratch)
    by_sum = scratch.by_sum
    add_param_grad(net, source, first, n, places, slot0, scratch, by_sum, grad)
    add_symbol_param_grad(scratch.symbols, source, first, n, scratch.x, by_sum)
    add_basis_param_grad(scratch.bases, source, first, n, by_sum)
    if layer > 0:
        take_input_grad(net, theta, source, first, ALL, n, places, slot0, scratch, by_sum)
        add_symbol_input_grad(scratch.symbols, source, first, n, by_sum, scratch.delta)
        add_basis_input_grad(scratch.bases, source, first, n, by_sum, scratch.delta)


@spliced
def sums_backward(net, layer, n, scratch):
    """From derivatives by the target nodes of a layer to those by their sums, scales and biases."""
    first, end = net.node_start[layer + 1], net.node_start[layer + 2]
    pull_to_sums(scratch.stage, first, end, n, scratch.sums, scratch.delta, scratch.by_sum)
    add_affine_gradient(scratch.stage, first, end, n, scratch.sums, scratch.delta)


@jit
def layer_backward_pulled(net, theta, layer, n, places, slot0, scratch, pull, grad):
    """As `layer_backward`, where a penalty adds to the derivatives of every target node and every edge."""
    source, above = net.node_start[layer], scratch.above
    for j in range(net.node_start[layer + 1], net.node_start[layer + 2]):
        for s in range(n):
            scratch.delta[j, s] += pull.node_weight[j] * (scratch.x[j, s] - pull.node_mean[j])
    sums_backward(net, layer, n, scratch)
    for j in range(net.sum_start[layer + 1], net.sum_start[layer + 2] if pull.sum_mean.shape[0] > 0 else 0):
        for s in range(n):
            scratch.by_sum[j, s] += pull.sum_weight[j] * (scratch.sums[j, s] - pull.sum_mean[j])
    for i in range(source, net.node_start[layer + 1]):
        slot = slot0 + i - source
        edge_values(net, theta, i, n, places, slot, scratch)
        for e in range(net.fan_start[i], net.fan_start[i + 1]):
            j = net.target[e]
            pull_edge(pull.edge_weight[e], pull.edge_mean[e], n, scratch.by_sum, above, j)
        pull_symbols(scratch.symbols, pull, i, n, scratch.by_sum, above)
        pull_bases(scratch.bases, pull, i, n, scratch.by_sum, above)
        add_param_grad(net, i, i + 1, n, places, slot, scratch, above, grad)
        add_symbol_param_grad(scratch.symbols, i, i + 1, n, scratch.x, above)
        add_basis_param_grad(scratch.bases, i, i + 1, n, above)
        if layer > 0:
            take_input_grad(net, theta, i, i + 1, ALL, n, places, slot, scratch, above)
            add_symbol_input_grad(scratch.symbols, i, i + 1, n, above, scratch.delta)
            add_basis_input_grad(scratch.bases, i, i + 1, n, above, scratch.delta)


@jit
def pull_edge(weight, mean, n, by_sum, above, j):
    """Replace the values of an edge in above[j] by derivatives: that by its sum and that of the penalty."""
    for s in range(n):
        above[j, s] = by_sum[j, s] + weight * (above[j, s] - mean)


@jit
def pull_symbols(symbols, pull, i, n, by_sum, above):
    """As `pull_edge` for the symbolic edges that leave node i."""
    if symbols is not None:
        for e in range(symbols.fan_start[i], symbols.fan_start[i + 1]):
            pull_edge(pull.symbol_weight[e], pull.symbol_mean[e], n, by_sum, above, symbols.target[e])


@jit
def pull_bases(bases, pull, i, n, by_sum, above):
    """As `pull_edge` for the edges of other families that leave node i."""
    if bases is not None:
        for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
            for e in range(bases.edge_start[b], bases.edge_start[b + 1]):
                pull_edge(pull.basis_weight[e], pull.basis_mean[e], n, by_sum, above, bases.target[e])


@jit
def edge_values(net, theta, i, n, places, slot, scratch):
    """scratch.above[t, s] = phi_it(x_is) for all edges that leave node i, after a forward pass."""
    for e in range(net.fan_start[i], net.fan_start[i + 1]):
        clear(scratch.above, net.target[e], net.target[e] + 1, n)
    add_values(net, theta, i, i + 1, n, places, slot, scratch, scratch.above)
    symbol_values(scratch.symbols, i, n, scratch.above)
    basis_values(scratch.bases, i, n, scratch.above)

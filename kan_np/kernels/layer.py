"""Fans and layers over a block of samples, by panels or by polynomials as their source nodes are marked.

A fan is all edges that leave a node. Both kinds of edges offer the same three steps: values, derivatives by
parameters (moments), derivatives by the node (slopes). Rows of samples are written up to the next full panel.
"""

from __future__ import annotations

from kan_np.kernels._jit import jit
from kan_np.kernels.base import ZERO, residual
from kan_np.kernels.panels import lay_out, panel_moments, panel_slopes, panel_values
from kan_np.kernels.polynomials import (
    clear_moments,
    polynomial_moments,
    polynomial_slopes,
    polynomial_values,
    to_coefficients,
    to_polynomials,
)
from kan_np.kernels.spline import place_node
from kan_np.kernels.tiles import PANEL


@jit
def start_evaluation(net, theta, scratch):
    """What comes before the first block."""
    has_base = net.base != ZERO
    to_polynomials(theta, has_base, net.source, net.dense, net.poly, net.start, scratch.polynomial)


@jit
def start_gradient(net, scratch):
    """What comes before the first block of a gradient."""
    clear_moments(scratch.moment, net.source, net.dense)


@jit
def end_gradient(net, scratch, grad):
    """What comes after the last block of a gradient."""
    has_base, table = net.base != ZERO, net.poly_transposed
    to_coefficients(scratch.moment, has_base, net.source, net.dense, table, net.start, grad)


@jit
def expand_nodes(net, first, end, x, n, places, slot0):
    """Fill the slots from slot0 on for the nodes first <= i < end with n samples x[i] each."""
    for i in range(first, end):
        slot = slot0 + i - first
        own = 0 if net.dense[i] else slot
        residual(net.base, x, i, n, places.base, places.dbase, own)
        if net.dense[i]:
            lay_out(net, i, x, n, places, own, slot)
        else:
            place_node(net, i, x, n, places.at, places.u, places.stretch, own)


@jit
def clear(rows, first, end, n):
    """rows[first:end] = 0 up to the end of the last panel."""
    for j in range(first, end):
        for s in range((n + PANEL - 1) // PANEL * PANEL):
            rows[j, s] = 0.0


@jit
def add_fan(net, theta, i, n, places, slot, scratch, out):
    """out[t, s] += phi_it(x_is) for all edges that leave node i, whose places are in `slot`."""
    edge, end, target = net.fan_start[i], net.fan_start[i + 1], net.target
    if net.dense[i]:
        panel_values(theta, edge, end, target, n, places.rows, slot, out)
    else:
        has_base, polynomial, slope = net.base != ZERO, scratch.polynomial, scratch.slope
        at, u, base = places.at, places.u, places.base
        polynomial_values(theta, has_base, polynomial, edge, end, target, n, at, u, base, slot, out, slope)


@jit
def add_fan_moments(net, i, n, places, slot, scratch, delta, grad):
    """Add the derivatives by the parameters of all edges that leave node i, given those by their values."""
    edge, end, target = net.fan_start[i], net.fan_start[i + 1], net.target
    if net.dense[i]:
        panel_moments(delta, edge, end, target, n, places.rows, slot, grad)
    else:
        has_base, at, u, base, moment = net.base != ZERO, places.at, places.u, places.base, scratch.moment
        polynomial_moments(delta, has_base, edge, end, target, n, at, u, base, slot, moment, grad)


@jit
def take_fan_slopes(net, theta, edge, end, n, places, slot, scratch, delta, node):
    """scratch.delta[node, s] = sum_e delta[target[e], s] phi'_e(x_s) for the edges edge <= e < end."""
    target, out = net.target, scratch.delta
    clear(out, node, node + 1, n)
    if net.dense[node]:
        panel_slopes(theta, edge, end, target, n, places.slopes, slot, delta, out, node)
    else:
        has_base, stretch, dbase = net.base != ZERO, places.stretch, places.dbase
        slope = scratch.slope
        polynomial_slopes(
            theta, has_base, edge, end, target, n, slope, stretch, dbase, slot, delta, out, node
        )


@jit
def layer_forward(net, theta, layer, n, places, slot0, scratch):
    """Sum the edges of a layer into the values of its target nodes; slot0 is that of its first source."""
    source, first, end = net.node_start[layer], net.node_start[layer + 1], net.node_start[layer + 2]
    clear(scratch.x, first, end, n)
    for i in range(source, first):
        add_fan(net, theta, i, n, places, slot0 + i - source, scratch, scratch.x)


@jit
def layer_backward(net, theta, layer, n, places, slot0, scratch, pull, grad):
    """Carry derivatives from the target nodes of a layer to its parameters and its hidden source nodes."""
    source, first = net.node_start[layer], net.node_start[layer + 1]
    for i in range(source, first):
        slot, delta = slot0 + i - source, scratch.delta
        if pull is not None:  # decided when the kernel is compiled: without such a penalty no such code
            pull_edges(net, theta, i, n, places, slot, scratch, pull)
            delta = scratch.above
        add_fan_moments(net, i, n, places, slot, scratch, delta, grad)
        if layer > 0:
            edge, end = net.fan_start[i], net.fan_start[i + 1]
            take_fan_slopes(net, theta, edge, end, n, places, slot, scratch, delta, i)
            if pull is not None:
                for s in range(n):
                    scratch.delta[i, s] += pull.node_weight[i] * (scratch.x[i, s] - pull.node_mean[i])


@jit
def pull_edges(net, theta, i, n, places, slot, scratch, pull):
    """scratch.above[t] = derivative of the objective by the value of the edge from i to t, with a penalty."""
    edge_values(net, theta, i, n, places, slot, scratch)
    for e in range(net.fan_start[i], net.fan_start[i + 1]):
        j = net.target[e]
        for s in range(n):
            own = scratch.above[j, s] - pull.edge_mean[e]
            scratch.above[j, s] = scratch.delta[j, s] + pull.edge_weight[e] * own


@jit
def edge_values(net, theta, i, n, places, slot, scratch):
    """scratch.above[t, s] = phi_it(x_is) for all edges that leave node i."""
    for e in range(net.fan_start[i], net.fan_start[i + 1]):
        clear(scratch.above, net.target[e], net.target[e] + 1, n)
    add_fan(net, theta, i, n, places, slot, scratch, scratch.above)

"""Spline edges on short grids as matrix products with all B-splines of their source node.

An edge is phi(x) = sum_r theta[e, r] psi_r(x), where psi are the base function, if there is one, and all G +
k B-splines. Once the psi_r of a node are known at the samples of a block, values, derivatives by parameters
and derivatives by the node are products of small matrices. That multiplies by G + k functions where only k +
1 are not zero, but in vector instructions: it is faster up to about G = 13 for cubics. Nodes whose edges are
computed like this are called dense, the others (`kan_np.kernels.polynomials`) sparse.

The matrix psi_r(x_s) of a node is stored in panels of `PANEL` samples: (n_panels, n_rows, PANEL). Columns
behind the last sample are zero, so that sums may run over whole panels.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit, jit_inline
from kan_np.kernels.base import ZERO
from kan_np.kernels.microkernels import LARGEST, PANEL, tile_input_grad, tile_param_grad, tile_values
from kan_np.kernels.packing import clear_rows, copy_row, lay, lay_even, put
from kan_np.kernels.simd4 import LANES
from kan_np.kernels.spline import place_node

#: Stands for edges to all targets where an argument names one target.
ALL = np.int64(-1)


@jit
def lay_out(net, i, x, n, places, work, slot):
    """Write the psi_r of node i at the n samples x[i] to rows[slot], and their derivatives to slopes[slot].

    Derivatives are left out where `slopes` is empty. In the other arrays of `places` slot `work` is scratch,
    but for the base function, which is read there.
    """
    rows, slopes, has_base = places.rows, places.slopes, int(net.base != ZERO)
    n_rows, with_slopes = rows.shape[2], slopes.shape[0] > 0
    corner = slot * rows.shape[1] * n_rows * PANEL
    used = (n + PANEL - 1) // PANEL
    if net.poly.shape[2] == LANES and net.even[i] == 1:
        lay_even_cubics(net, i, x, used, rows, slopes, corner + has_base * PANEL)
    else:
        clear_rows(rows, corner, used * n_rows)
        if with_slopes:
            clear_rows(slopes, corner, used * n_rows)
        place_node(net, i, x, n, places.at, places.u, places.stretch, work)
        lay_samples(net, i, n, places, work, corner + has_base * PANEL)
    if has_base:
        for panel in range(used):
            at, to = work * x.shape[1] + panel * PANEL, corner + panel * n_rows * PANEL
            copy_row(places.base, at, rows, to)
            if with_slopes:
                copy_row(places.dbase, at, slopes, to)
    for s in range(n, used * PANEL):  # behind the last sample
        for r in range(n_rows):
            to = corner + (n // PANEL * n_rows + r) * PANEL + s % PANEL
            put(0.0, rows, to)
            if with_slopes:
                put(0.0, slopes, to)


@jit
def lay_even_cubics(net, i, x, used, rows, slopes, to):
    """B-splines of whole panels on equal intervals, vectorised; samples outside the grid one by one."""
    n_inner, n_pieces, with_slopes = net.breaks.shape[1] - 1, net.poly.shape[1], slopes.shape[0] > 0
    n_intervals = net.start[n_pieces - 1] + 1
    first = 1 + (n_inner - n_intervals) // 2
    low, high = net.breaks[i, 0], net.breaks[i, n_inner]
    start, step = net.origin[i, first], net.scale[i, first]
    table, piece = net.poly_transposed, (i * n_pieces + first) * LANES * LANES
    for panel in range(used):
        sample, at = i * x.shape[1] + panel * PANEL, to + panel * rows.shape[2] * PANEL
        outside = lay_even(
            with_slopes, x, sample, low, high, start, step, n_intervals, table, piece, rows, slopes, at
        )
        if outside:
            for s in range(PANEL):
                z = x[i, panel * PANEL + s]
                if z < low or z > high:
                    p = 0 if z < low else n_inner + 1
                    u, stretch = (z - net.origin[i, p]) * net.scale[i, p], net.scale[i, p]
                    own, column = (i * n_pieces + p) * LANES * LANES, at + net.start[p] * PANEL + s
                    lay(with_slopes, table, own, u, stretch, rows, slopes, column)


@jit
def lay_samples(net, i, n, places, work, to):
    """The active B-splines of samples whose pieces are in slot `work` of `places`, one sample at a time."""
    table, at, u, stretch, start = net.poly_transposed, places.at, places.u, places.stretch, net.start
    rows, slopes = places.rows, places.slopes
    n_pieces, width, order = table.shape[1], table.shape[2], table.shape[3]
    apart, with_slopes = rows.shape[2] * PANEL, slopes.shape[0] > 0
    q = np.uint64(work)
    for s in range(n):
        r = np.uint64(s)
        place, z, factor = at[q, r], u[q, r], stretch[q, r]
        column = to + start[place // width] * PANEL + s // PANEL * apart + s % PANEL
        if order == LANES:
            piece = i * n_pieces * LANES * LANES + place * LANES
            lay(with_slopes, table, piece, z, factor, rows, slopes, column)
            continue
        p = place // width
        for m in range(order):
            value, slope = 0.0, 0.0
            for d in range(width):
                slope = slope * z + value
                value = value * z + table[i, p, d, m]
            put(value, rows, column + m * PANEL)
            if with_slopes:
                put(slope * factor, slopes, column + m * PANEL)


@jit
def tile_size(n):
    """Number of edges in the next tile of n edges: largest tiles first, the last two of about one size."""
    if n <= LARGEST:
        return n
    return min((n + 1) // 2, LARGEST)


@jit_inline
def panel_values(fans, theta, rows, out):
    """out[target[e], s] += phi_e(x_s) for the edges e of dense nodes."""
    dense, fan_start, target, first, end, n, slot0 = fans
    n_panels, n_rows, width = rows.shape[1], rows.shape[2], out.shape[1]
    for i in range(first, end):
        if dense[i]:
            for panel in range((n + PANEL - 1) // PANEL):
                at, e = ((slot0 + i - first) * n_panels + panel) * n_rows * PANEL, fan_start[i]
                while e < fan_start[i + 1]:
                    size = tile_size(fan_start[i + 1] - e)
                    tile_values(size, theta, e, n_rows, rows, at, target, out, width, panel * PANEL)
                    e += size


@jit_inline
def panel_param_grad(fans, delta, rows, grad):
    """grad[e, r] += sum_s delta[target[e], s] psi_r(x_s) for the edges e of dense nodes."""
    dense, fan_start, target, first, end, n, slot0 = fans
    n_panels, n_rows, used = rows.shape[1], rows.shape[2], (n + PANEL - 1) // PANEL
    for i in range(first, end):
        if dense[i]:
            at, e = (slot0 + i - first) * n_panels * n_rows * PANEL, fan_start[i]
            while e < fan_start[i + 1]:
                size = tile_size(fan_start[i + 1] - e)
                tile_param_grad(size, delta, delta.shape[1], target, e, rows, at, n_rows, used, grad)
                e += size


@jit_inline
def panel_input_grad(fans, only, theta, slopes, delta, out):
    """out[i, s] += sum_e delta[target[e], s] phi'_e(x_s) for edges e from dense nodes i to `only`, or ALL."""
    dense, fan_start, target, first, end, n, slot0 = fans
    n_panels, n_rows, width = slopes.shape[1], slopes.shape[2], out.shape[1]
    for i in range(first, end):
        if dense[i]:
            edge, behind = edges_to(only, target, fan_start[i], fan_start[i + 1])
            for panel in range((n + PANEL - 1) // PANEL):
                at, e = ((slot0 + i - first) * n_panels + panel) * n_rows * PANEL, edge
                while e < behind:
                    size, to = tile_size(behind - e), panel * PANEL
                    tile_input_grad(size, theta, e, n_rows, slopes, at, target, delta, width, to, out, i)
                    e += size


@jit
def edges_to(only, target, edge, end):
    """First and end of the edges among edge <= e < end whose target is `only` (one or none), or ALL."""
    if only == ALL:
        return edge, end
    while edge < end and target[edge] != only:
        edge += 1
    return edge, min(edge + 1, end)

"""Edges on short grids: the functions of a source node laid out in rows, edges as products with them.

An edge is phi(x) = sum_r theta[e, r] psi_r(x) with the residual function, if there is one, and all G + k
B-splines as psi. Once a node's psi_r are known at the samples of a block, as rows, values, derivatives by
parameters and derivatives by the node are products of small matrices. That does G + k where only k + 1
B-splines are not zero, but at the rate of vector instructions: it pays up to about G = 13 for cubics.

Rows are cut into panels of `PANEL` samples, one after the other: (n_panels, n_rows, PANEL) a node. Columns
behind the last sample are zero, so that sums may run over whole panels.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit
from kan_np.kernels.base import ZERO, residual
from kan_np.kernels.lanes import LANES
from kan_np.kernels.spline import place_node
from kan_np.kernels.tiles import (
    PANEL,
    clear_tile,
    copy_row,
    lay,
    lay_even,
    put,
    tile_moments,
    tile_slopes,
    tile_values,
)


@jit
def lay_out(net, i, x, n, places, slot, with_slopes):
    """Fill rows[slot], and slopes[slot] with derivatives by x, for the n samples x[i] of node i.

    Slot 0 of the other arrays of `places` is scratch.
    """
    rows, slopes, has_base = places.rows, places.slopes, int(net.base != ZERO)
    n_rows = rows.shape[2]
    corner = slot * rows.shape[1] * n_rows * PANEL
    used = (n + PANEL - 1) // PANEL
    cubic = net.poly.shape[2] == LANES
    if cubic and net.even[i] == 1:
        lay_even_cubics(net, i, x, used, rows, slopes, corner + has_base * PANEL, with_slopes)
    else:
        clear_tile(rows, corner, used * n_rows)
        if with_slopes:
            clear_tile(slopes, corner, used * n_rows)
        place_node(net, i, x, n, places.at, places.u, places.stretch, 0)
        lay_samples(net, i, n, places, rows, slopes, corner + has_base * PANEL, with_slopes)
    if has_base:
        residual(net.base, x, i, n, places.base, places.dbase, 0)
        for panel in range(used):
            to = corner + panel * n_rows * PANEL
            copy_row(places.base, panel * PANEL, rows, to)
            if with_slopes:
                copy_row(places.dbase, panel * PANEL, slopes, to)
    clear_tail(n, rows, corner, n_rows)
    if with_slopes:
        clear_tail(n, slopes, corner, n_rows)


@jit
def lay_even_cubics(net, i, x, used, rows, slopes, to, with_slopes):
    """B-splines of whole panels on equal intervals, in vector registers but for samples outside the grid."""
    n_inner, n_pieces = net.breaks.shape[1] - 1, net.poly.shape[1]
    n_intervals = net.start[n_pieces - 1] + 1
    first = 1 + (n_inner - n_intervals) // 2
    low, high, start, step = (
        net.breaks[i, 0],
        net.breaks[i, n_inner],
        net.origin[i, first],
        net.scale[i, first],
    )
    table, piece = net.poly_transposed, (i * n_pieces + first) * LANES * LANES
    for panel in range(used):
        sample, at = i * x.shape[1] + panel * PANEL, to + panel * rows.shape[2] * PANEL
        if with_slopes:
            outside = lay_even(
                1, x, sample, low, high, start, step, n_intervals, table, piece, rows, slopes, at
            )
        else:
            outside = lay_even(
                0, x, sample, low, high, start, step, n_intervals, table, piece, rows, slopes, at
            )
        if outside:
            for s in range(PANEL):
                z = x[i, panel * PANEL + s]
                if z < low or z > high:
                    p = 0 if z < low else n_inner + 1
                    u, own = (z - net.origin[i, p]) * net.scale[i, p], (i * n_pieces + p) * LANES * LANES
                    column = at + net.start[p] * PANEL + s
                    if with_slopes:
                        lay(1, table, own, u, net.scale[i, p], rows, slopes, column)
                    else:
                        lay(0, table, own, u, net.scale[i, p], rows, slopes, column)


@jit
def clear_tail(n, rows, corner, n_rows):
    """Set the columns behind sample n of the last panel to zero."""
    for s in range(n % PANEL if n % PANEL else PANEL, PANEL):
        for r in range(n_rows):
            put(0.0, rows, corner + (n // PANEL * n_rows + r) * PANEL + s)


@jit
def lay_samples(net, i, n, places, rows, slopes, to, with_slopes):
    """The active B-splines of the samples that slot 0 of `places` places, one by one."""
    table, at, u, stretch, start = net.poly_transposed, places.at, places.u, places.stretch, net.start
    n_pieces, width, order = table.shape[1], table.shape[2], table.shape[3]
    apart = rows.shape[2] * PANEL
    if order == LANES:
        pieces, q, four = i * n_pieces * LANES * LANES, np.uint64(0), np.uint64(LANES)
        for s in range(n):
            r = np.uint64(s)
            place = np.uint64(at[q, r])
            table_at = pieces + np.int64(place) * LANES
            column = to + start[place // four] * PANEL + s // PANEL * apart + s % PANEL
            if with_slopes:
                lay(1, table, table_at, u[q, r], stretch[q, r], rows, slopes, column)
            else:
                lay(0, table, table_at, u[q, r], stretch[q, r], rows, slopes, column)
    else:
        for s in range(n):
            p, z = at[0, s] // width, u[0, s]
            column = to + start[p] * PANEL + s // PANEL * apart + s % PANEL
            for m in range(order):
                value, slope = 0.0, 0.0
                for d in range(width):
                    slope = slope * z + value
                    value = value * z + table[i, p, d, m]
                put(value, rows, column + m * PANEL)
                if with_slopes:
                    put(slope * stretch[0, s], slopes, column + m * PANEL)


@jit
def tile_size(n):
    """How many of n edges the next tile takes: tiles of five, at the end two of about the same size."""
    if n <= 5:
        return n
    return (n + 1) // 2 if n < 10 else 5


@jit
def panel_values(theta, edge, end, target, n, rows, slot, out):
    """out[target[e], s] += phi_e(x_s) for the edges edge <= e < end of the node whose rows are in `slot`."""
    n_panels, n_rows, width = rows.shape[1], rows.shape[2], out.shape[1]
    for panel in range((n + PANEL - 1) // PANEL):
        at, first, e = (slot * n_panels + panel) * n_rows * PANEL, panel * PANEL, edge
        while e < end:
            size = tile_size(end - e)
            if size == 5:
                tile_values(5, theta, e, n_rows, rows, at, target, out, width, first)
            elif size == 4:
                tile_values(4, theta, e, n_rows, rows, at, target, out, width, first)
            elif size == 3:
                tile_values(3, theta, e, n_rows, rows, at, target, out, width, first)
            elif size == 2:
                tile_values(2, theta, e, n_rows, rows, at, target, out, width, first)
            else:
                tile_values(1, theta, e, n_rows, rows, at, target, out, width, first)
            e += size


@jit
def panel_moments(delta, edge, end, target, n, rows, slot, grad):
    """grad[e, r] += sum_s delta[target[e], s] psi_r(x_s) for the edges edge <= e < end."""
    n_panels, n_rows = rows.shape[1], rows.shape[2]
    at, used, e = slot * n_panels * n_rows * PANEL, (n + PANEL - 1) // PANEL, edge
    while e < end:
        size, r = tile_size(end - e), 0
        while r < n_rows:
            if r + 3 <= n_rows:
                moments_of_three(size, delta, target, e, rows, at, r, used, grad)
                r += 3
            else:
                moments_of_one(size, delta, target, e, rows, at, r, used, grad)
                r += 1
        e += size


@jit
def moments_of_three(size, delta, target, edge, rows, at, r, used, grad):
    """`panel_moments` for rows r to r + 2 and a tile."""
    width, n_rows = delta.shape[1], rows.shape[2]
    if size == 5:
        tile_moments(5, 3, delta, width, target, edge, rows, at, n_rows, r, used, grad)
    elif size == 4:
        tile_moments(4, 3, delta, width, target, edge, rows, at, n_rows, r, used, grad)
    elif size == 3:
        tile_moments(3, 3, delta, width, target, edge, rows, at, n_rows, r, used, grad)
    elif size == 2:
        tile_moments(2, 3, delta, width, target, edge, rows, at, n_rows, r, used, grad)
    else:
        tile_moments(1, 3, delta, width, target, edge, rows, at, n_rows, r, used, grad)


@jit
def moments_of_one(size, delta, target, edge, rows, at, r, used, grad):
    """`panel_moments` for row r and a tile."""
    width, n_rows = delta.shape[1], rows.shape[2]
    if size == 5:
        tile_moments(5, 1, delta, width, target, edge, rows, at, n_rows, r, used, grad)
    elif size == 4:
        tile_moments(4, 1, delta, width, target, edge, rows, at, n_rows, r, used, grad)
    elif size == 3:
        tile_moments(3, 1, delta, width, target, edge, rows, at, n_rows, r, used, grad)
    elif size == 2:
        tile_moments(2, 1, delta, width, target, edge, rows, at, n_rows, r, used, grad)
    else:
        tile_moments(1, 1, delta, width, target, edge, rows, at, n_rows, r, used, grad)


@jit
def panel_slopes(theta, edge, end, target, n, slopes, slot, delta, out, node):
    """out[node, s] += sum_e delta[target[e], s] phi'_e(x_s) over the edges edge <= e < end."""
    n_panels, n_rows, width = slopes.shape[1], slopes.shape[2], out.shape[1]
    for panel in range((n + PANEL - 1) // PANEL):
        at, first, e = (slot * n_panels + panel) * n_rows * PANEL, panel * PANEL, edge
        while e < end:
            size = tile_size(end - e)
            if size == 5:
                tile_slopes(5, theta, e, n_rows, slopes, at, target, delta, width, first, out, node)
            elif size == 4:
                tile_slopes(4, theta, e, n_rows, slopes, at, target, delta, width, first, out, node)
            elif size == 3:
                tile_slopes(3, theta, e, n_rows, slopes, at, target, delta, width, first, out, node)
            elif size == 2:
                tile_slopes(2, theta, e, n_rows, slopes, at, target, delta, width, first, out, node)
            else:
                tile_slopes(1, theta, e, n_rows, slopes, at, target, delta, width, first, out, node)
            e += size

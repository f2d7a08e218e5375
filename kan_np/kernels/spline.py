"""The piece of a grid in which each sample lies, and B-splines as piecewise polynomials.

On every piece p the k + 1 active B-splines of order k are polynomials of the local coordinate
u = (x - origin_p) * scale_p, with the coefficients that `kan_np.edges.bspline` prepared, highest power first.
What happens outside the grid is one more piece at each end, so that no kernel knows about extrapolation.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import entry, jit, jit_inline
from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.piecewise_simd import place_panel
from kan_np.kernels.simd4 import LANES


@jit
def locate(x, n, breaks, bucket, bucket_scale, piece):
    """piece[s]: the piece that holds x[s]; 0 left of the grid, 1..n_inner inside, n_inner + 1 right of it.

    Pieces are closed on the left; the last inner one also on the right. A table of equal buckets gives
    the first piece to try. NaN gets some inner piece, and its polynomial is NaN.
    """
    n_inner = breaks.shape[0] - 1
    low, high = breaks[0], breaks[n_inner]
    last = bucket.shape[0] - 1
    for s in range(n):
        xs = x[s]
        if xs < low:
            piece[s] = 0
        elif xs > high:
            piece[s] = n_inner + 1
        else:
            p = bucket[min(max(np.int64((xs - low) * bucket_scale), 0), last)]
            while p < n_inner - 1 and xs >= breaks[p + 1]:
                p += 1
            while p > 0 and xs < breaks[p]:
                p -= 1
            piece[s] = p + 1


@jit_inline
def place_node(net, i, x, n, at, u, stretch, slot):
    """Pieces of the n samples x[i] of node i: at, u and stretch in `slot`, as in `arrays.Places`.

    Rows up to the next full panel are made valid: the first interval, u = 0.
    """
    q, width, n_inner = np.uint64(slot), net.poly.shape[3], net.breaks.shape[1] - 1
    n_intervals = net.start[net.start.shape[0] - 1] + 1
    if net.even[i] == 1:
        place_even(i, x, n, n_intervals, net.breaks, net.origin, net.scale, width, slot, at, u, stretch)
    else:
        origin, scale = net.origin, net.scale
        locate(x[i], n, net.breaks[i], net.bucket[i], net.bucket_scale[i], at[slot])
        for s in range(n):
            p = np.uint64(at[q, s])
            u[q, s] = (x[i, s] - origin[i, p]) * scale[i, p]
            stretch[q, s] = scale[i, p]
            at[q, s] *= width
    for s in range(n, (n + PANEL - 1) // PANEL * PANEL):
        at[q, s], u[q, s] = width * (1 + (n_inner - n_intervals) // 2), 0.0


@jit_inline
def place_nodes(net, first, end, x, n, at, u, stretch, slot0):
    """`place_node` for the sparse ones of the nodes first <= i < end, in slots from slot0 on."""
    for i in range(first, end):
        if not net.dense[i]:
            place_node(net, i, x, n, at, u, stretch, slot0 + i - first)


@jit_inline
def place_even(i, x, n, n_intervals, breaks, origin, scale, width, slot, at, u, stretch):
    """As `place_node` for a node with equally long intervals, in vector registers.

    Samples outside the grid follow one by one. Pieces between the intervals and the outermost piece at each
    end have the polynomial and the origin of the end interval.
    """
    r, q = np.uint64(i), np.uint64(slot)
    n_inner = breaks.shape[1] - 1
    first = 1 + (n_inner - n_intervals) // 2
    start, step = origin[r, first], scale[r, first]
    low, high = breaks[r, 0], breaks[r, n_inner]
    outside = False
    for s in range(0, n, PANEL):
        sample, to = i * x.shape[1] + s, slot * at.shape[1] + s
        outside |= place_panel(
            x, sample, low, high, start, step, n_intervals, first, width, at, u, stretch, to
        )
    if outside:
        for s in range(n):
            if x[r, s] < low or x[r, s] > high:
                p = 0 if x[r, s] < low else n_inner + 1
                u[q, s] = (x[r, s] - origin[r, p]) * scale[r, p]
                stretch[q, s] = scale[r, p]
                at[q, s] = p * width


@jit
def active_values(i, n, slot, at, u, poly, start, value, first):
    """value[i, s, r] = B_{first[i, s] + r} at sample s, r = 0..k, for the samples in a slot of node i."""
    order, width = poly.shape[2], poly.shape[3]
    for s in range(n):
        q = np.uint64(s)
        p = at[slot, q] // LANES if width == LANES else at[slot, q] // width
        first[i, q] = start[p]
        for r in range(order):
            total = 0.0
            for d in range(width):
                total = total * u[slot, q] + poly[i, np.uint64(p), np.uint64(r), np.uint64(d)]
            value[i, q, r] = total


@entry
def basis_derivative(x, breaks, bucket, bucket_scale, origin, scale, poly, start, nu, piece, out):
    """Dense matrix of nu-th derivatives: out[s, m] = d^nu B_m / dx^nu at x[s]; `out` is zero on entry."""
    order, width = poly.shape[1], poly.shape[2]
    locate(x, x.shape[0], breaks, bucket, bucket_scale, piece)
    for s in range(x.shape[0]):
        p = piece[s]
        u = (x[s] - origin[p]) * scale[p]
        factor = scale[p] ** nu
        for r in range(order):
            value = 0.0
            for d in range(width - nu):
                falling = 1.0
                for q in range(nu):
                    falling *= width - 1 - d - q
                value = value * u + falling * poly[p, r, d]
            out[s, start[p] + r] += value * factor

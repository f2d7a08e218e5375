"""Evaluation of B-splines as piecewise polynomials.

On every piece the k + 1 active B-splines of order k are polynomials of the local coordinate
u = (x - origin) * scale, with the coefficients that `kan_np.pieces` prepared, highest power first: values and
derivatives are Horner sums without divisions, on any knots. What happens outside the grid is one more piece
at each end, so that no kernel knows about extrapolation.
"""

from __future__ import annotations

import math

import numpy as np

from kan_np.kernels._jit import jit


@jit
def locate(x, n, breaks, bucket, bucket_scale, piece):
    """piece[s]: the piece that holds x[s]; 0 left of the grid, 1..n_inner inside, n_inner + 1 right of it.

    Pieces are closed on the left; the last inner one also on the right. A table of equal buckets gives
    the first piece to try. NaN lands on some inner piece and stays NaN through the polynomial.
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


@jit
def basis_derivative(x, breaks, bucket, bucket_scale, origin, scale, poly, start, nu, piece, out):
    """Dense matrix of nu-th derivatives: out[s, m] = d^nu B_m / dx^nu at x[s]. `out` comes zeroed."""
    k = poly.shape[0] - 1
    locate(x, x.shape[0], breaks, bucket, bucket_scale, piece)
    for s in range(x.shape[0]):
        p = piece[s]
        u = (x[s] - origin[p]) * scale[p]
        factor = scale[p] ** nu
        for r in range(k + 1):
            value = 0.0
            for d in range(k + 1 - nu):
                power = k - d
                falling = 1.0
                for q in range(nu):
                    falling *= power - q
                value = value * u + falling * poly[r, d, p]
            out[s, start[p] + r] += value * factor


@jit
def expand(
    x,
    n,
    even,
    breaks,
    bucket,
    bucket_scale,
    origin,
    scale,
    poly,
    start,
    shift,
    value,
    slope,
    first,
    piece,
    work,
):
    """Values and slopes of the active B-splines for a block of n samples of one node.

    value[r, s] = B_{start+r}(x[s]), slope[r, s] its derivative, first[s] = shift + start: the place of
    the first active coefficient within the parameters of an edge. `even` says that all inner pieces have the
    same polynomials, which then need no look-up. `piece` and `work` are scratch.
    """
    k = poly.shape[0] - 1
    u, stretch = work[0], work[1]
    if even:
        _expand_even(
            x, n, origin[1], start[start.shape[0] - 1], scale[1], poly, shift, value, slope, first, u
        )
        low, high = breaks[0], breaks[breaks.shape[0] - 1]
        outside = 0
        for s in range(n):
            outside += (x[s] < low) | (x[s] > high)
        if outside:
            for s in range(n):
                if x[s] < low or x[s] > high:
                    p = 0 if x[s] < low else breaks.shape[0]
                    _expand_one(x[s], p, origin, scale, poly, value, slope, s)
        return
    locate(x, n, breaks, bucket, bucket_scale, piece)
    for s in range(n):
        p = np.uint64(piece[s])
        first[s] = start[p] + shift
        stretch[s] = scale[p]
        u[s] = (x[s] - origin[p]) * scale[p]
    for r in range(k + 1):
        _horner(k, poly[r], n, piece, u, value[r], slope[r])
        for s in range(n):
            slope[r, s] *= stretch[s]


@jit
def _expand_even(x, n, low, last, scale, poly, shift, value, slope, first, u):
    """As `expand` for equal steps from the knot `low` on; outside them the end polynomials go on."""
    k = poly.shape[0] - 1
    last = float(last)
    for s in range(n):
        t = (x[s] - low) * scale
        p = min(max(math.floor(t), 0.0), last)
        u[s] = t - p
        first[s] = np.int64(np.int32(p)) + shift
    for r in range(k + 1):
        c = poly[r]
        v, dv = value[r], slope[r]
        if k == 3:  # cubic splines are what nearly everybody uses: one pass, unrolled
            c0, c1, c2, c3 = c[0, 1], c[1, 1], c[2, 1], c[3, 1]
            for s in range(n):
                t = u[s]
                v[s] = ((c0 * t + c1) * t + c2) * t + c3
                dv[s] = scale * ((3.0 * c0 * t + 2.0 * c1) * t + c2)
        else:
            for s in range(n):
                v[s] = c[0, 1]
                dv[s] = 0.0
            for d in range(1, k + 1):
                for s in range(n):
                    dv[s] = dv[s] * u[s] + v[s]
                    v[s] = v[s] * u[s] + c[d, 1]
            for s in range(n):
                dv[s] *= scale


@jit
def _expand_one(x, p, origin, scale, poly, value, slope, s):
    """Values and slopes of the B-splines of piece p at one sample."""
    u = (x - origin[p]) * scale[p]
    for r in range(poly.shape[0]):
        v = 0.0
        dv = 0.0
        for d in range(poly.shape[0]):
            dv = dv * u + v
            v = v * u + poly[r, d, p]
        value[r, s] = v
        slope[r, s] = dv * scale[p]


@jit
def _horner(k, poly, n, piece, u, value, slope):
    """value[s] = sum_d poly[d, piece[s]] u[s]^(k-d), and its derivative by u."""
    if k == 3:  # unrolled as above
        c0, c1, c2, c3 = poly[0], poly[1], poly[2], poly[3]
        for s in range(n):
            p = np.uint64(piece[s])
            x = u[s]
            a = c0[p]
            b = a * x + c1[p]
            c = b * x + c2[p]
            value[s] = c * x + c3[p]
            slope[s] = (a * x + b) * x + c
        return
    c0 = poly[0]
    for s in range(n):
        value[s] = c0[np.uint64(piece[s])]
        slope[s] = 0.0
    for d in range(1, k + 1):
        c = poly[d]
        for s in range(n):
            slope[s] = slope[s] * u[s] + value[s]
            value[s] = value[s] * u[s] + c[np.uint64(piece[s])]

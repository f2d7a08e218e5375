"""Spline edges with derivatives of several orders, as piecewise polynomials of their nodes.

The spline of an edge is on piece p the polynomial sum_d c_d u^(width - 1 - d) of the local coordinate u.
Horner's scheme carried on for derivatives, from a_m = 0,

    for each d:  a_m <- a_m u + a_(m-1), m falling to 1,  a_0 <- a_0 u + c_d,

ends with a_m = p^(m)(u) / m!. Backwards, with b_m the derivatives of the objective by a_m, the derivative by
c_d is b_0, and b_m <- b_m u + b_(m+1); these are summed for each piece and multiplied with the polynomials of
the B-splines once. `kan_np.kernels.derivative_rows` has the same by B-splines.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kan_np.kernels._jit import entry, jit, jit_exact, jit_inline
from kan_np.kernels.arrays import Floats, Ints
from kan_np.kernels.base import IDENTITY, SILU, ZERO
from kan_np.kernels.exponential import OCTET, exp_octet
from kan_np.kernels.jet_chain import BLOCK
from kan_np.kernels.spline import locate

#: Copies of the sums of a piece, for every fourth sample each: a sum need not wait for that of the sample
#: before, which often lies in the same piece.
COPIES = 4

#: Highest order of a derivative by the inputs.
HIGHEST = 3


class SplineFans(NamedTuple):
    """Spline edges of a layer by the nodes they leave, and the B-splines of these; see `arrays.Net`."""

    node: Ints  # (n_fans,)
    start: Ints  # (n_fans + 1,) first edge, and the end
    base: int  # kind of the base function
    breaks: Floats
    bucket: Ints
    bucket_scale: Floats
    origin: Floats
    scale: Floats
    poly: Floats
    first: Ints  # (n_pieces,) first active B-spline


class SplineSamples(NamedTuple):
    """Where the samples of each fan lie, and the base function there."""

    piece: Ints  # (n_fans, n)
    u: Floats  # (n_fans, n)
    stretch: Floats  # (n_fans, n) du / dx
    base: Floats  # (n_fans, n_orders, n)


@entry
def spline_curves(fans, x, theta, samples, polynomial, work, curves):
    """curves[e, m, s] = phi_e^(m) at x[node of e, s]; `samples` and `polynomial` are filled."""
    to_polynomials(fans, theta, polynomial)
    for q in range(fans.node.shape[0]):
        place_samples(fans, q, x, samples)
        base_derivatives(fans.base, x, fans.node[q], q, work, samples.base)
        for e in range(fans.start[q], fans.start[q + 1]):
            for low in range(0, x.shape[1], BLOCK):
                horner(e, q, low, min(BLOCK, x.shape[1] - low), polynomial, samples, curves)
            if fans.base != ZERO:
                for m in range(curves.shape[1]):
                    for s in range(x.shape[1]):
                        curves[e, m, s] += theta[e, 0] * samples.base[q, m, s]


@jit
def to_polynomials(fans, theta, polynomial):
    """polynomial[e, p, d] = c_d on piece p, for each edge."""
    n_pieces, order, width = fans.poly.shape[1], fans.poly.shape[2], fans.poly.shape[3]
    has_base = int(fans.base != ZERO)
    for q in range(fans.node.shape[0]):
        i = fans.node[q]
        for e in range(fans.start[q], fans.start[q + 1]):
            for p in range(n_pieces):
                for d in range(width):
                    total = 0.0
                    for r in range(order):
                        total += theta[e, has_base + fans.first[p] + r] * fans.poly[i, p, r, d]
                    polynomial[e, p, d] = total


@jit
def place_samples(fans, q, x, samples):
    """Pieces and local coordinates of the samples of fan q."""
    i = fans.node[q]
    row = np.uint64(i)
    locate(x[i], x.shape[1], fans.breaks[i], fans.bucket[i], fans.bucket_scale[i], samples.piece[q])
    for s in range(x.shape[1]):
        p = np.uint64(samples.piece[q, s])
        samples.u[q, s] = (x[row, s] - fans.origin[row, p]) * fans.scale[row, p]
        samples.stretch[q, s] = fans.scale[row, p]


@jit
def horner(e, q, low, n, polynomial, samples, curves):
    """phi^(m) of edge e at n samples from `low` on, without the base function: two to five orders."""
    start, edge, fan = np.uint64(low), np.uint64(e), np.uint64(q)
    width, n_orders = polynomial.shape[2], curves.shape[1]
    for s in range(n):
        r = start + np.uint64(s)
        piece, u = np.uint64(samples.piece[fan, r]), samples.u[fan, r]
        a0, a1, a2, a3, a4 = 0.0, 0.0, 0.0, 0.0, 0.0
        if n_orders > 4:
            for d in range(width):
                a4 = a4 * u + a3
                a3 = a3 * u + a2
                a2 = a2 * u + a1
                a1 = a1 * u + a0
                a0 = a0 * u + polynomial[edge, piece, np.uint64(d)]
            curves[edge, 4, r] = a4
        else:
            for d in range(width):
                a3 = a3 * u + a2
                a2 = a2 * u + a1
                a1 = a1 * u + a0
                a0 = a0 * u + polynomial[edge, piece, np.uint64(d)]
        curves[edge, 0, r], curves[edge, 1, r] = a0, a1
        if n_orders > 2:
            curves[edge, 2, r] = a2
        if n_orders > 3:
            curves[edge, 3, r] = a3
    for m in range(1, n_orders):
        for s in range(n):
            r = start + np.uint64(s)
            curves[edge, m, r] *= stretched(m, samples.stretch[fan, r])


@jit_inline
def stretched(m, stretch):
    """m! stretch^m, m = 0 .. 4."""
    square = stretch * stretch
    if m == 0:
        return 1.0
    if m == 1:
        return stretch
    if m == 2:
        return 2.0 * square
    if m == 3:
        return 6.0 * square * stretch
    return 24.0 * square * square


@jit
def weigh(e, q, low, n, by_curves, samples, work):
    """work[m, s] = derivative by a_m = p^(m) / m!, for n samples from `low` on; 0 for absent orders."""
    start, edge, fan = np.uint64(low), np.uint64(e), np.uint64(q)
    for m in range(work.shape[0]):
        if m < by_curves.shape[1]:
            for s in range(n):
                r = start + np.uint64(s)
                work[m, s] = by_curves[edge, m, r] * stretched(m, samples.stretch[fan, r])
        else:
            for s in range(n):
                work[m, s] = 0.0


@entry
def spline_gradient(fans, samples, by_curves, sums, work, grad):
    """grad[e, r] = sum_{m, s} by_curves[e, m, s] d phi_e^(m) / d theta_r.

    `sums` of shape (COPIES, n_pieces, width) and `work` of shape (HIGHEST + 1, BLOCK) are scratch.
    """
    n_all, n_orders = by_curves.shape[2], by_curves.shape[1]
    n_pieces, order, width = fans.poly.shape[1], fans.poly.shape[2], fans.poly.shape[3]
    has_base = int(fans.base != ZERO)
    for q in range(fans.node.shape[0]):
        i = fans.node[q]
        for e in range(fans.start[q], fans.start[q + 1]):
            sums[:] = 0.0
            for low in range(0, n_all, BLOCK):
                n = min(BLOCK, n_all - low)
                weigh(e, q, low, n, by_curves, samples, work)
                sum_by_piece(samples, q, low, n, work, sums)
            for r in range(grad.shape[1]):
                grad[e, r] = 0.0
            for m in range(n_orders if has_base else 0):
                total = 0.0
                for s in range(n_all):
                    total += by_curves[e, m, s] * samples.base[q, m, s]
                grad[e, 0] += total
            for p in range(n_pieces):
                for d in range(width):
                    total = (sums[0, p, d] + sums[1, p, d]) + (sums[2, p, d] + sums[3, p, d])
                    for r in range(order):
                        grad[e, has_base + fans.first[p] + r] += total * fans.poly[i, p, r, d]


@jit
def sum_by_piece(samples, q, low, n, work, sums):
    """sums[s modulo COPIES, piece of s, d] += derivative by c_d at sample s, for n samples from `low` on."""
    fan, start, width = np.uint64(q), np.uint64(low), sums.shape[2]
    for s in range(n):
        r = start + np.uint64(s)
        piece, u, copy = np.uint64(samples.piece[fan, r]), samples.u[fan, r], np.uint64(s % COPIES)
        b0, b1, b2, b3 = work[0, s], work[1, s], work[2, s], work[3, s]
        for d in range(width - 1, -1, -1):
            sums[copy, piece, np.uint64(d)] += b0
            b0 = b0 * u + b1
            b1 = b1 * u + b2
            b2 = b2 * u + b3
            b3 = b3 * u


@entry
def spline_jacobian(fans, samples, by_curves, work, powers, n_params, first_row, apart, out):
    """As `spline_gradient` without the sum over samples: row e n_params + r, sample s of `out`.

    Row t begins at index (first_row + t) apart of the flat `out`.
    """
    n_all, n_orders = by_curves.shape[2], by_curves.shape[1]
    has_base = int(fans.base != ZERO)
    for q in range(fans.node.shape[0]):
        for e in range(fans.start[q], fans.start[q + 1]):
            for low in range(0, n_all, BLOCK):
                n = min(BLOCK, n_all - low)
                at = (first_row + e * n_params) * apart + low
                weigh(e, q, low, n, by_curves, samples, work)
                powers_of(samples, q, low, n, work, powers)
                for r in range(n_params):
                    for s in range(n):
                        out[np.uint64(at + r * apart + s)] = 0.0
                if has_base:
                    for m in range(n_orders):
                        for s in range(n):
                            own = by_curves[e, m, np.uint64(low + s)]
                            out[np.uint64(at + s)] += own * samples.base[q, m, np.uint64(low + s)]
                put_active(fans, q, low, n, samples, powers, at + has_base * apart, apart, out)


@jit
def powers_of(samples, q, low, n, work, powers):
    """powers[s, d] = derivative by c_d at sample s, for n samples from `low` on."""
    fan, start, width = np.uint64(q), np.uint64(low), powers.shape[1]
    for s in range(n):
        u = samples.u[fan, start + np.uint64(s)]
        b0, b1, b2, b3 = work[0, s], work[1, s], work[2, s], work[3, s]
        for d in range(width - 1, -1, -1):
            powers[s, np.uint64(d)] = b0
            b0 = b0 * u + b1
            b1 = b1 * u + b2
            b2 = b2 * u + b3
            b3 = b3 * u


@jit
def put_active(fans, q, low, n, samples, powers, at, apart, out):
    """Write the derivatives by the coefficients of the B-splines that are not zero at each sample."""
    order, width, i = fans.poly.shape[2], fans.poly.shape[3], np.uint64(fans.node[q])
    for s in range(n):
        p = np.uint64(samples.piece[q, np.uint64(low + s)])
        to = at + fans.first[p] * apart + s
        for r in range(order):
            total = 0.0
            for d in range(width):
                total += fans.poly[i, p, r, d] * powers[s, d]
            out[np.uint64(to + r * apart)] = total


@jit_exact
def base_derivatives(kind, x, node, q, work, base):
    """base[q, m, s] = b^(m) at x[node, s], m = 0, 1, ...; `work` of shape (2, BLOCK) is scratch.

    SiLU by S = 1 / (1 + w), w = exp(-x): with R = S (1 - S) = S (w S) and T = 1 - 2 S,
    b' = S + x R, b'' = R (2 + x T), b''' = 3 R T + x R (T^2 - 2 R), b'''' = 4 R (T^2 - 2 R)
    + x R T (T^2 - 8 R).
    """
    i, n_orders = np.uint64(node), base.shape[1]
    if kind == IDENTITY:
        for m in range(n_orders):
            for s in range(x.shape[1]):
                base[q, m, s] = x[i, s] if m == 0 else (1.0 if m == 1 else 0.0)
    if kind != SILU:
        return
    for low in range(0, x.shape[1], BLOCK):
        start, n = np.uint64(low), min(BLOCK, x.shape[1] - low)
        for s in range((n + OCTET - 1) // OCTET * OCTET):
            work[0, s] = -x[i, start + np.uint64(s)] if s < n else 0.0
        for s in range(0, n, OCTET):
            exp_octet(work, s, work, work.shape[1] + s)
        for s in range(n):
            r = start + np.uint64(s)
            z, w = x[i, r], work[1, s]
            sigma = 1.0 / (1.0 + w)
            rest, turn = sigma * (w * sigma), 1.0 - 2.0 * sigma
            base[q, 0, r] = z * sigma
            base[q, 1, r] = sigma + z * rest
            if n_orders > 2:
                base[q, 2, r] = rest * (2.0 + z * turn)
            if n_orders > 3:
                base[q, 3, r] = 3.0 * rest * turn + z * (rest * (turn * turn - 2.0 * rest))
            if n_orders > 4:
                third = rest * (turn * turn - 2.0 * rest)
                base[q, 4, r] = 4.0 * third + z * rest * turn * (turn * turn - 8.0 * rest)

"""Spline edges on long grids (sparse nodes) as piecewise polynomials: values and derivatives.

An edge carries phi(x) = w b(x) + sum_m c_m B_m(x); its parameters are the row theta[e] = (w, c_0, ...,
c_{G+k-1}), without w where there is no base function. Once in an evaluation its spline is written as one
polynomial for each piece,

    q_d = sum_r c_{start + r} poly_{rd},      sum_m c_m B_m(x) = sum_d q_d u^(width - 1 - d),

which takes G (k + 1)^2 steps for each edge and leaves one Horner sum for each edge and sample, whatever G is.
Derivatives by q_d are powers of u; they are summed for each piece (`polynomial_grad`) and multiplied by the
transposed `poly` to become derivatives by coefficients. `width` is k + 1, at least 4: orders up to 3 use the
vector instructions of `kan_np.kernels.simd4` and, on grids of few intervals, of
`kan_np.kernels.piecewise_simd`.

Whole arrays are passed with row numbers, since making a view of a row takes some nanoseconds.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit, jit_inline
from kan_np.kernels.dense_basis import tile_size
from kan_np.kernels.exponential import OCTET
from kan_np.kernels.microkernels import PANEL
from kan_np.kernels.piecewise_simd import PIECES, any_outside, panel_edges, piece_param_grad
from kan_np.kernels.simd4 import LANES, add_product, add_row, param_grad_quad, spline_quad


@jit
def to_polynomials(theta, has_base, source, dense, poly, start, polynomial, columns):
    """polynomial[e, p, d]: splines of edges from sparse nodes as polynomials of each piece's coordinate.

    columns[e, d, p]: those of the intervals of a short grid alone.
    """
    n_pieces, order, width = poly.shape[1], poly.shape[2], poly.shape[3]
    n_intervals = start[n_pieces - 1] + 1
    inner = 1 + (n_pieces - 2 - n_intervals) // 2
    for e in range(theta.shape[0]):
        i = source[e]
        if dense[i]:
            continue
        for p in range(n_pieces):
            first = has_base + start[p]
            for d in range(width):
                polynomial[e, p, d] = 0.0
            if order == LANES:
                table, to = (i * n_pieces + p) * order * width, (e * n_pieces + p) * width
                add_product(theta, e * theta.shape[1] + first, poly, table, polynomial, to)
            else:
                for r in range(order):
                    for d in range(width):
                        polynomial[e, p, d] += theta[e, first + r] * poly[i, p, r, d]
        if width == LANES and n_intervals <= PIECES:
            for p in range(n_intervals):
                for d in range(width):
                    columns[e, d, p] = polynomial[e, inner + p, d]


@jit
def clear_polynomial_grad(polynomial_grad, source, dense):
    """Set the derivatives by the polynomials of edges from sparse nodes to zero."""
    for e in range(polynomial_grad.shape[1]):
        if not dense[source[e]]:
            for c in range(LANES):
                for p in range(polynomial_grad.shape[2]):
                    for d in range(polynomial_grad.shape[3]):
                        polynomial_grad[c, e, p, d] = 0.0


@jit
def to_coefficients(polynomial_grad, has_base, source, dense, poly_transposed, start, grad):
    """Add to `grad` derivatives by coefficients, from those by polynomials: `to_polynomials` transposed."""
    n_pieces, width, order = poly_transposed.shape[1], poly_transposed.shape[2], poly_transposed.shape[3]
    apart = polynomial_grad.shape[1] * n_pieces * width
    for e in range(grad.shape[0]):
        i = source[e]
        if dense[i]:
            continue
        for p in range(n_pieces):
            first, at = has_base + start[p], (e * n_pieces + p) * width
            if width == LANES:
                for c in range(1, LANES):
                    add_row(1.0, polynomial_grad, c * apart + at, polynomial_grad, at)
            if order == LANES:
                table = (i * n_pieces + p) * order * width
                add_product(polynomial_grad, at, poly_transposed, table, grad, e * grad.shape[1] + first)
            else:
                for d in range(width):
                    for r in range(order):
                        grad[e, first + r] += polynomial_grad[0, e, p, d] * poly_transposed[i, p, d, r]


@jit_inline
def polynomial_values(fans, theta, has_base, n_intervals, polynomial, columns, places, out, slope):
    """out[target[e], s] += phi_e(x_s) and slope[e, s] = phi'_e(x_s) for the edges e of sparse nodes.

    Rows of out and slope are written up to the next full panel.
    """
    dense, fan_start, target, first, end, n, slot0 = fans
    n_pieces, width, block = polynomial.shape[1], polynomial.shape[2], places.u.shape[1]
    inner = 1 + (n_pieces - 2 - n_intervals) // 2
    for i in range(first, end):
        slot = slot0 + i - first
        for e in range(fan_start[i], fan_start[i] if dense[i] else fan_start[i + 1]):
            w, table = theta[e, 0] if has_base else 0.0, e * n_pieces * width
            if width == LANES and n_intervals <= PIECES:
                for s in range(0, n, PANEL):
                    at, to, keep = slot * block + s, target[e] * block + s, e * block + s
                    panel_edges(
                        *(w, columns, e * PIECES * LANES, polynomial, table, inner, n_intervals, n_pieces),
                        *(places.at, places.u, places.stretch, places.base, places.dbase, at),
                        *(out, to, slope, keep),
                    )
                continue
            if width == LANES:
                for s in range(0, n, LANES):
                    at, to, keep = slot * block + s, target[e] * block + s, e * block + s
                    spline_quad(polynomial, table, places.at, places.u, at, out, to, slope, keep)
            else:
                long_splines(e, target[e], n, polynomial, places, slot, out, slope)
            add_base(e, target[e], n, w, places, slot, out, slope)


@jit
def long_splines(e, j, n, polynomial, places, slot, out, slope):
    """out[j, s] += p(u_s), slope[e, s] = p'(u_s) for splines of any order."""
    q, width = np.uint64(slot), polynomial.shape[2]
    for s in range(n):
        p, u = places.at[q, s] // width, places.u[q, s]
        value, derivative = 0.0, 0.0
        for d in range(width):
            derivative = derivative * u + value
            value = value * u + polynomial[e, p, d]
        out[j, s] += value
        slope[e, s] = derivative


@jit
def add_base(e, j, n, w, places, slot, out, slope):
    """out[j, s] += w b(x_s); slope[e, s] goes from the derivative of the spline by u to that of phi by x."""
    q, r, t = np.uint64(slot), np.uint64(e), np.uint64(j)
    for s in range(n):
        out[t, s] += w * places.base[q, s]
        slope[r, s] = slope[r, s] * places.stretch[q, s] + w * places.dbase[q, s]


@jit_inline
def polynomial_param_grad(fans, delta, has_base, n_intervals, places, polynomial_grad, grad):
    """polynomial_grad[., e, piece of s, d] += delta[target[e], s] u_s^(width - 1 - d); e of sparse nodes.

    Only the sum over the first axis of `polynomial_grad` means anything. The derivative by the base
    weight goes to grad[e, 0].
    """
    dense, fan_start, target, first, end, n, slot0 = fans
    width, base = polynomial_grad.shape[3], places.base
    for i in range(first, end):
        slot = slot0 + i - first
        q = np.uint64(slot)
        for e in range(fan_start[i], fan_start[i] if dense[i] else fan_start[i + 1]):
            j = target[e]
            done = 0
            if width == LANES and n_intervals <= PIECES:
                done = short_grid_param_grad(e, j, n, delta, n_intervals, places, slot, polynomial_grad)
            elif width == LANES:
                done = n // LANES * LANES
                to, apart = (
                    e * polynomial_grad.shape[2] * width,
                    polynomial_grad.shape[1] * polynomial_grad.shape[2] * width,
                )
                for s in range(0, done, LANES):
                    at = slot * base.shape[1] + s
                    param_grad_quad(
                        delta, j * delta.shape[1] + s, places.u, at, places.at, polynomial_grad, to, apart
                    )
            for s in range(done, n):
                add_sample_grad(e, delta[j, s], places.at[q, s] // width, places.u[q, s], polynomial_grad)
            if has_base:
                total, r = 0.0, np.uint64(j)
                for s in range(n):
                    total += delta[r, s] * base[q, s]
                grad[e, 0] += total


@jit
def short_grid_param_grad(e, j, n, delta, n_intervals, places, slot, polynomial_grad):
    """`polynomial_param_grad` of an edge on a short grid over whole octets of samples; returns how many."""
    n_pieces, width, done = polynomial_grad.shape[2], polynomial_grad.shape[3], n // OCTET * OCTET
    inner = 1 + (n_pieces - 2 - n_intervals) // 2
    start, at, p = j * delta.shape[1], slot * places.u.shape[1], 0
    while p < n_intervals:
        size, to = tile_size(n_intervals - p), (e * n_pieces + inner + p) * width
        piece_param_grad(
            size, delta, start, places.at, places.u, at, done // OCTET, inner + p, polynomial_grad, to
        )
        p += size
    low, high, q = inner * width, (inner + n_intervals) * width, np.uint64(slot)
    if any_outside(places.at, at, done // OCTET, low, high):
        for s in range(done):
            place = places.at[q, s]
            if place < low or place >= high:
                add_sample_grad(e, delta[j, s], place // width, places.u[q, s], polynomial_grad)
    return done


@jit
def add_sample_grad(e, factor, p, u, polynomial_grad):
    """polynomial_grad[0, e, p, d] += factor u^(width - 1 - d)."""
    for d in range(polynomial_grad.shape[3] - 1, -1, -1):
        polynomial_grad[0, e, p, d] += factor
        factor *= u


@jit_inline
def polynomial_input_grad(fans, only, slope, delta, out):
    """out[i, s] += sum_e delta[target[e], s] phi'_e(x_s) for edges of sparse nodes i to `only`, or ALL."""
    dense, fan_start, target, first, end, n, _ = fans
    for i in range(first, end):
        o = np.uint64(i)
        for e in range(fan_start[i], fan_start[i] if dense[i] else fan_start[i + 1]):
            if only < 0 or target[e] == only:
                j, r = np.uint64(target[e]), np.uint64(e)
                for s in range(n):
                    out[o, s] += delta[j, s] * slope[r, s]

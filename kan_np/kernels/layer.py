"""Edges as piecewise polynomials: conversion, values, and derivatives, over a block of samples.

An edge carries phi(x) = w b(x) + sum_m c_m B_m(x); its parameters are the row theta[e] = (w, c_0, ...,
c_{G+k-1}), without w where there is no residual function. Once an evaluation its spline is written as one
polynomial a piece,

    q_d = sum_r c_{start + r} poly_{rd},      sum_m c_m B_m(x) = sum_d q_d u^(width - 1 - d),

which costs G (k + 1)^2 steps an edge and leaves a Horner sum an edge and sample, whatever G is. Derivatives
by q_d are powers of u; they are summed by piece and go back to coefficients by the transposed table. `width`
is k + 1, at least 4: cubic and lower orders take the vector instructions of `kan_np.kernels.lanes`.

A fan is all edges that leave a node. Whole arrays are passed, with row numbers: a row taken out of an array
is an array of its own, and every one costs some nanoseconds.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit
from kan_np.kernels.lanes import LANES, add_product, add_row, spline_quad


@jit
def to_polynomials(theta, has_base, source, poly, start, polynomial):
    """polynomial[e, p, d]: the splines of all edges as polynomials of the local coordinate of each piece."""
    n_pieces, order, width = poly.shape[1], poly.shape[2], poly.shape[3]
    polynomial[:] = 0.0
    for e in range(theta.shape[0]):
        i = source[e]
        for p in range(n_pieces):
            first = has_base + start[p]
            if order == LANES:
                table, to = (i * n_pieces + p) * order * width, (e * n_pieces + p) * width
                add_product(theta, e * theta.shape[1] + first, poly, table, polynomial, to)
            else:
                for r in range(order):
                    for d in range(width):
                        polynomial[e, p, d] += theta[e, first + r] * poly[i, p, r, d]


@jit
def to_coefficients(moment, has_base, source, poly_transposed, start, grad):
    """Add to `grad` what derivatives by polynomials mean for coefficients: the transpose of the above."""
    n_pieces, width, order = poly_transposed.shape[1], poly_transposed.shape[2], poly_transposed.shape[3]
    apart = moment.shape[1] * n_pieces * width
    if width == LANES:
        for at in range(0, apart, LANES):
            for c in range(1, LANES):
                add_row(1.0, moment, c * apart + at, moment, at)
    for e in range(grad.shape[0]):
        i = source[e]
        for p in range(n_pieces):
            first = has_base + start[p]
            if order == LANES:
                table, at = (i * n_pieces + p) * order * width, (e * n_pieces + p) * width
                add_product(moment, at, poly_transposed, table, grad, e * grad.shape[1] + first)
            else:
                for d in range(width):
                    for r in range(order):
                        grad[e, first + r] += moment[0, e, p, d] * poly_transposed[i, p, d, r]


@jit
def fan_values(polynomial, edge, n_edges, n, at, u, slot, out, row, slope):
    """out[row + t, s] += spline of edge + t at sample s, and slope[edge + t, s] its derivative by u.

    The samples are those of `slot` in at and u. Rows of out and slope are written up to the next full lane.
    """
    n_pieces, width = polynomial.shape[1], polynomial.shape[2]
    block = at.shape[1]
    for t in range(n_edges):
        if width == LANES:
            first, start = (edge + t) * n_pieces * width, slot * block
            to, keep = (row + t) * block, (edge + t) * block
            for s in range(0, n, LANES):
                spline_quad(polynomial, first, at, u, start + s, out, to + s, slope, keep + s)
        else:
            for s in range(n):
                p, x = at[slot, s] // width, u[slot, s]
                value, derivative = 0.0, 0.0
                for d in range(width):
                    derivative = derivative * x + value
                    value = value * x + polynomial[edge + t, p, d]
                out[row + t, s] += value
                slope[edge + t, s] = derivative


@jit
def add_moments(delta, row, n, at, powers, slot, moment, edge, n_edges):
    """moment[., edge + t, piece of s, d] += delta[row + t, s] u_s^(width - 1 - d), summed over the samples.

    The sum is spread over the first axis of `moment`: sums into the same piece wait for each other.
    """
    _, all_edges, n_pieces, width = moment.shape
    block, q = at.shape[1], np.uint64(slot)
    full = n // LANES * LANES if width == LANES else 0
    apart, start = all_edges * n_pieces * width, slot * block * width
    for t in range(n_edges):
        r, to = np.uint64(row + t), (edge + t) * n_pieces * width
        for s in range(0, full, LANES):
            for c in range(LANES):
                place = to + c * apart + at[q, s + c]
                add_row(delta[r, s + c], powers, start + (s + c) * width, moment, place)
        for s in range(full, n):
            p = at[q, s] // width
            for d in range(width):
                moment[0, edge + t, p, d] += delta[r, s] * powers[q, s, d]


@jit
def fan_to_source(
    theta, has_base, edge, n_edges, n, slope, delta, row, stretch, dbase, slot, work, out, node
):
    """out[node, s] = sum_t delta[row + t, s] phi'_{edge + t}(x_s); work[0] and work[1] are scratch."""
    for s in range(n):
        work[0, s] = 0.0
        work[1, s] = 0.0
    for t in range(n_edges):
        w = theta[edge + t, 0] if has_base else 0.0
        for s in range(n):
            work[0, s] += delta[row + t, s] * slope[edge + t, s]
            work[1, s] += delta[row + t, s] * w
    if has_base:
        for s in range(n):
            out[node, s] = work[0, s] * stretch[slot, s] + work[1, s] * dbase[slot, s]
    else:
        for s in range(n):
            out[node, s] = work[0, s] * stretch[slot, s]

"""The chain rule along edges, sample by sample: `kan_np.jets.chain` has the formulas.

Arrays of derivatives have the shape (n_derivatives, n_nodes, n), those of functions of edges and of what
multiplies them (n_edges, n_orders, n). Samples are taken in blocks, so that the rows of an edge stay in the
first-level cache. `tests/jets/plain_jets.py` has a slow twin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kan_np.kernels._jit import entry, jit
from kan_np.kernels.arrays import Floats, Ints

#: Samples of a block.
BLOCK = 128


class ChainTable(NamedTuple):
    """Products P_cm of one set of derivatives, each a sum of terms factor prod_blocks U_block.

    P_c1 is U_c itself; the others are numbered in the order of `place`.
    """

    c: Ints  # (n_products,) number of the derivative
    m: Ints  # (n_products,) order of the derivative of phi
    place: Ints  # (n_products,) among those of order 2 and more; -1 for order 1
    term_start: Ints  # (n_products + 1,)
    factor: Floats  # (n_terms,)
    blocks: Ints  # (n_terms, 3) numbers of derivatives, the first m of them


@entry
def fill_products(table, nodes, products):
    """products[place, i, s] = P_cm of node i, for the orders m > 1."""
    for q in range(table.c.shape[0]):
        m = table.m[q]
        if m == 1:
            continue
        to = np.uint64(table.place[q])
        for i in range(nodes.shape[1]):
            for s in range(nodes.shape[2]):
                products[to, i, s] = 0.0
            for t in range(table.term_start[q], table.term_start[q + 1]):
                a, b = np.uint64(table.blocks[t, 0]), np.uint64(table.blocks[t, 1])
                if m == 2:
                    for s in range(nodes.shape[2]):
                        products[to, i, s] += table.factor[t] * nodes[a, i, s] * nodes[b, i, s]
                else:
                    d = np.uint64(table.blocks[t, 2])
                    for s in range(nodes.shape[2]):
                        own = nodes[a, i, s] * nodes[b, i, s] * nodes[d, i, s]
                        products[to, i, s] += table.factor[t] * own


@entry
def add_values(table, nodes, products, curves, source, target, sums):
    """sums[c, target[e], s] += Y_c of edge e, whose phi^(m) are curves[e, m]."""
    for low in range(0, nodes.shape[2], BLOCK):
        start, n = np.uint64(low), min(BLOCK, nodes.shape[2] - low)
        for e in range(curves.shape[0]):
            i, j = np.uint64(source[e]), np.uint64(target[e])
            for s in range(n):
                r = start + np.uint64(s)
                sums[0, j, r] += curves[e, 0, r]
            for q in range(table.c.shape[0]):
                c, m = np.uint64(table.c[q]), np.uint64(table.m[q])
                if table.place[q] < 0:
                    for s in range(n):
                        r = start + np.uint64(s)
                        sums[c, j, r] += curves[e, 1, r] * nodes[c, i, r]
                else:
                    p = np.uint64(table.place[q])
                    for s in range(n):
                        r = start + np.uint64(s)
                        sums[c, j, r] += curves[e, m, r] * products[p, i, r]


@entry
def add_by_curves(table, nodes, products, by_sums, source, target, by_curves):
    """by_curves[e, m, s] = A_m of edge e, given by_sums[c, target[e], s] = D_c; by_curves comes zeroed."""
    for low in range(0, nodes.shape[2], BLOCK):
        start, n = np.uint64(low), min(BLOCK, nodes.shape[2] - low)
        for e in range(by_curves.shape[0]):
            i, j = np.uint64(source[e]), np.uint64(target[e])
            for s in range(n):
                r = start + np.uint64(s)
                by_curves[e, 0, r] = by_sums[0, j, r]
            for q in range(table.c.shape[0]):
                c, m = np.uint64(table.c[q]), np.uint64(table.m[q])
                if table.place[q] < 0:
                    for s in range(n):
                        r = start + np.uint64(s)
                        by_curves[e, 1, r] += by_sums[c, j, r] * nodes[c, i, r]
                else:
                    p = np.uint64(table.place[q])
                    for s in range(n):
                        r = start + np.uint64(s)
                        by_curves[e, m, r] += by_sums[c, j, r] * products[p, i, r]


@entry
def add_by_nodes(table, nodes, curves, by_curves, by_sums, source, target, work, by_nodes):
    """by_nodes[c, i, s] += d L / d U_c of node i by the edges that leave it."""
    n_products, n_edges, order = table.c.shape[0], curves.shape[0], by_curves.shape[1]
    for low in range(0, nodes.shape[2], BLOCK):
        start, n, e = np.uint64(low), min(BLOCK, nodes.shape[2] - low), 0
        while e < n_edges:
            node = source[e]
            for p in range(work.shape[0]):
                for s in range(n):
                    work[np.uint64(p), np.uint64(s)] = 0.0
            while e < n_edges and source[e] == node:
                edge, i, j = np.uint64(e), np.uint64(node), np.uint64(target[e])
                for q in range(n_products):
                    c, m, place = np.uint64(table.c[q]), np.uint64(table.m[q]), np.uint64(table.place[q])
                    if table.place[q] < 0:
                        for s in range(n):
                            r = start + np.uint64(s)
                            by_nodes[c, i, r] += by_sums[c, j, r] * curves[edge, 1, r]
                    else:
                        for s in range(n):
                            k = np.uint64(s)
                            work[place, k] += by_sums[c, j, start + k] * curves[edge, m, start + k]
                for o in range(order):
                    m, above = np.uint64(o), np.uint64(o + 1)
                    for s in range(n):
                        r = start + np.uint64(s)
                        by_nodes[0, i, r] += by_curves[edge, m, r] * curves[edge, above, r]
                e += 1
            for q in range(n_products):
                for t in range(table.term_start[q], table.term_start[q + 1] if table.m[q] > 1 else 0):
                    add_term(table, q, t, nodes, work, node, start, n, by_nodes)


@jit
def add_term(table, q, t, nodes, work, node, start, n, by_nodes):
    """Add the derivatives of one term of order 2 or 3 by each of its blocks, times those by the product."""
    m, factor, own, i = table.m[q], table.factor[t], np.uint64(table.place[q]), np.uint64(node)
    for block in range(m):
        to = np.uint64(table.blocks[t, block])
        a, b = np.uint64(table.blocks[t, (block + 1) % m]), np.uint64(table.blocks[t, (block + 2) % m])
        if m == 2:
            for s in range(n):
                k = np.uint64(s)
                by_nodes[to, i, start + k] += factor * work[own, k] * nodes[a, i, start + k]
        else:
            for s in range(n):
                k = np.uint64(s)
                others = nodes[a, i, start + k] * nodes[b, i, start + k]
                by_nodes[to, i, start + k] += factor * work[own, k] * others

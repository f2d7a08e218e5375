"""Products of functions with derivatives, by Leibniz' rule: nodes that are products of sums.

A term (c, a, b) with its factor says that f_a g_b is part of derivative c of f g. Arrays of derivatives have
the shape (n_derivatives, n_sums or n_nodes, n); the sums of a node follow each other.
`tests/jets/plain_jets.py` has a slow twin.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import entry, jit
from kan_np.kernels.jet_chain import BLOCK


@entry
def multiply_sums(terms, factor, sum_start, sums, partial):
    """partial[c, j, s]: derivatives of the product of sum j and those before it that belong to its node."""
    for node in range(sum_start.shape[0] - 1):
        first = np.uint64(sum_start[node])
        for c in range(sums.shape[0]):
            for s in range(sums.shape[2]):
                partial[c, first, s] = sums[c, first, s]
        for j in range(sum_start[node] + 1, sum_start[node + 1]):
            own, before = np.uint64(j), np.uint64(j - 1)
            for c in range(sums.shape[0]):
                for s in range(sums.shape[2]):
                    partial[c, own, s] = 0.0
            for t in range(terms.shape[0]):
                to, a, b = np.uint64(terms[t, 0]), np.uint64(terms[t, 1]), np.uint64(terms[t, 2])
                for s in range(sums.shape[2]):
                    partial[to, own, s] += factor[t] * partial[a, before, s] * sums[b, own, s]


@entry
def pull_products(terms, factor, sum_start, sums, partial, by_nodes, work, by_sums):
    """by_sums[c, j, s] = derivatives by those of the sums, given those by the products.

    `work` of shape (2 n_derivatives, BLOCK) is scratch.
    """
    n_derivatives = sums.shape[0]
    for low in range(0, sums.shape[2], BLOCK):
        start, n = np.uint64(low), min(BLOCK, sums.shape[2] - low)
        for node in range(sum_start.shape[0] - 1):
            now, then = 0, n_derivatives  # rows of `work`
            for c in range(n_derivatives):
                for s in range(n):
                    k = np.uint64(s)
                    work[np.uint64(now + c), k] = by_nodes[c, np.uint64(node), start + k]
            for j in range(sum_start[node + 1] - 1, sum_start[node], -1):
                for c in range(n_derivatives):
                    for s in range(n):
                        work[np.uint64(then + c), np.uint64(s)] = 0.0
                        by_sums[c, np.uint64(j), start + np.uint64(s)] = 0.0
                for t in range(terms.shape[0]):
                    pull_term(terms, factor, t, j, start, n, sums, partial, work, now, then, by_sums)
                now, then = then, now
            first = np.uint64(sum_start[node])
            for c in range(n_derivatives):
                for s in range(n):
                    k = np.uint64(s)
                    by_sums[c, first, start + k] = work[np.uint64(now + c), k]


@jit
def pull_term(terms, factor, t, j, start, n, sums, partial, work, now, then, by_sums):
    """What a term adds to the derivatives by sum j, and by the product of those before it (rows `then`)."""
    a, b, here = np.uint64(terms[t, 1]), np.uint64(terms[t, 2]), np.uint64(now + terms[t, 0])
    own, before, there = np.uint64(j), np.uint64(j - 1), np.uint64(then + terms[t, 1])
    for s in range(n):
        k = np.uint64(s)
        work[there, k] += factor[t] * work[here, k] * sums[b, own, start + k]
    for s in range(n):
        k = np.uint64(s)
        by_sums[b, own, start + k] += factor[t] * work[here, k] * partial[a, before, start + k]

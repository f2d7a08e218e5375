"""Edges from inputs with derivatives: products of parameters with functions that stay the same.

Rows `kept` hold, for a derivative c and a fan q (the edges of one input), the functions of its edges from
first_kept[c, q] on, -1 where they are zero. With j the target of edge e and K its rows,

    add_kept        sums[c, j, s] += sum_r theta[e, r] K[r, s],
    kept_gradient   grad[e, r] = sum_c sum_s by_sums[c, j, s] K[r, s],
    kept_jacobian   row e n_params + r, sample s: sum_c by_sums[c, j, s] K[r, s].

`row_of[c, e]` is c times the number of sums plus j: arrays of derivatives of sums are seen as matrices.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import entry, jit_exact
from kan_np.kernels.dense_basis import tile_size
from kan_np.kernels.family_products import add_tile, tile_gradient
from kan_np.kernels.jet_chain import BLOCK
from kan_np.kernels.microkernels import PANEL


@entry
def add_kept(theta, kept, first_kept, fan_start, row_of, sums):
    """Values; see the module."""
    n_params, n = theta.shape[1], kept.shape[1]
    panels = n // PANEL
    for c in range(first_kept.shape[0]):
        for q in range(first_kept.shape[1]):
            first, e, end = first_kept[c, q], fan_start[q], fan_start[q + 1]
            if first < 0:
                continue
            while e < end:
                size, own = tile_size(end - e), c * theta.shape[0] + e
                for panel in range(panels):
                    column = panel * PANEL
                    add_tile(size, theta, e * n_params, n_params, kept, first, row_of, own, sums, n, column)
                e += size
            add_rest(theta, kept, first, fan_start[q], end, row_of, c, panels * PANEL, sums)


@jit_exact
def add_rest(theta, kept, first, edge, end, row_of, c, column, sums):
    """The samples behind the last whole panel, with the same roundings."""
    for e in range(edge, end):
        to = np.uint64(row_of[c, e])
        for s in range(column, kept.shape[1]):
            total = sums[to, s]
            for r in range(theta.shape[1]):
                total += theta[e, r] * kept[first + r, s]
            sums[to, s] = total


@entry
def kept_gradient(by_sums, kept, first_kept, fan_start, row_of, grad):
    """Sums over samples; see the module."""
    n_params, n = grad.shape[1], kept.shape[1]
    panels = n // PANEL
    for e in range(grad.shape[0]):
        for r in range(n_params):
            grad[e, r] = 0.0
    for c in range(first_kept.shape[0]):
        for q in range(first_kept.shape[1]):
            first, e, end = first_kept[c, q], fan_start[q], fan_start[q + 1]
            if first < 0:
                continue
            while e < end:
                size, own, at = tile_size(end - e), c * grad.shape[0] + e, e * n_params
                tile_gradient(size, by_sums, n, row_of, own, kept, first, n_params, panels, grad, at)
                e += size
            for edge in range(fan_start[q], end):
                row = np.uint64(row_of[c, edge])
                for r in range(n_params):
                    total = 0.0
                    for s in range(panels * PANEL, n):
                        total += by_sums[row, s] * kept[first + r, s]
                    grad[edge, r] += total


@entry
def kept_jacobian(by_sums, kept, first_kept, fan_start, row_of, n_params, first_row, apart, out):
    """A number of every sample; row t begins at index (first_row + t) apart of the flat `out`."""
    n_all = kept.shape[1]
    for low in range(0, n_all, BLOCK):
        start, n = np.uint64(low), min(BLOCK, n_all - low)
        for q in range(first_kept.shape[1]):
            for e in range(fan_start[q], fan_start[q + 1]):
                for r in range(n_params):
                    to = np.uint64((first_row + e * n_params + r) * apart + low)
                    for s in range(n):
                        out[to + np.uint64(s)] = 0.0
                    for c in range(first_kept.shape[0]):
                        if first_kept[c, q] >= 0:
                            row, by = np.uint64(first_kept[c, q] + r), np.uint64(row_of[c, e])
                            for s in range(n):
                                k = start + np.uint64(s)
                                out[to + np.uint64(s)] += by_sums[by, k] * kept[row, k]

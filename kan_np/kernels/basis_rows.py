"""Edges of other families than B-splines over a block of samples: values, and derivatives by everything.

The functions of a source node and their derivatives are rows, filled once for all edges of the family that
leave it; values, derivatives by parameters and by the node are sums over rows. Edges that are not linear in
their parameters have rows of their own. `kan_np.kernels.family_rows` says how a family fills them. Rows of
inputs are filled once where many evaluations see the same samples (`keep_rows`), and are then only looked up
(`use_kept_rows`). Networks without such edges pass empty arrays, networks of B-splines and sums alone pass
None.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit, jit_inline
from kan_np.kernels.dense_basis import tile_size
from kan_np.kernels.family_products import add_tile, pull_tile, tile_gradient
from kan_np.kernels.family_rows import call_rows
from kan_np.kernels.microkernels import PANEL


@jit
def keep_rows(bases, n_in, block, n, x):
    """Fill the rows of all inputs for a block of samples and keep them, but those with parameters in them."""
    if bases is not None:
        use_own_rows(bases)
        for i in range(n_in):
            for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
                if bases.kept_start[b] >= 0:
                    fill_rows(bases, b, x, i, n)
                    own, kept = bases.own_start[b], kept_row(bases, b, block)
                    for r in range(bases.n_params[b]):
                        for s in range((n + PANEL - 1) // PANEL * PANEL):
                            bases.rows[kept + r, s] = bases.rows[own + r, s]


@jit_inline
def kept_row(bases, b, block):
    """Index of the first row of block b that is kept for a block of samples."""
    return bases.slopes.shape[0] + block * bases.n_kept + bases.kept_start[b]


@jit_inline
def use_own_rows(bases):
    """Let all rows be those of the samples at hand, to be filled."""
    if bases is not None:
        for b in range(bases.row_start.shape[0]):
            bases.row_start[b] = bases.own_start[b]


@jit_inline
def use_kept_rows(bases, n_in, block):
    """Let the rows of inputs be those that are kept for a block of samples."""
    if bases is not None:
        for b in range(bases.fan_start[n_in]):
            if bases.kept_start[b] >= 0:
                bases.row_start[b] = kept_row(bases, b, block)


@jit_inline
def fill_rows(bases, b, x, i, n):
    """Rows and slopes of block b, whose source is i, at the samples x[i]; 0 behind them in their panel."""
    first, n_params = bases.own_start[b], bases.n_params[b]
    edges = (
        first,
        n_params,
        bases.size[b],
        bases.setting[b],
        bases.low[b],
        bases.high[b],
        bases.first_coef[bases.edge_start[b]],
    )
    call_rows(bases.kernel[b], edges, bases.coef, x, i, n, bases.rows, bases.slopes, bases.work)
    clear_rest(bases.rows, first, n_params + bases.is_pointwise[b], n)
    clear_rest(bases.slopes, first, n_params, n)


@jit_inline
def clear_rest(rows, first, n_rows, n):
    """Set some rows to zero behind the n-th sample, up to the end of the panel."""
    for r in range(first, first + n_rows):
        for s in range(n, (n + PANEL - 1) // PANEL * PANEL):
            rows[r, s] = 0.0


@jit_inline
def add_bases(bases, first, end, n, x, sums):
    """sums[target[e], s] += phi_e(x[i, s]) for the edges e that leave the nodes first <= i < end."""
    if bases is not None:
        for i in range(first, end):
            for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
                if bases.row_start[b] == bases.own_start[b]:
                    fill_rows(bases, b, x, i, n)
                add_block_values(bases, b, n, sums)


@jit_inline
def add_block_values(bases, b, n, out):
    """out[target[e], s] += phi_e for the edges e of block b, from its rows."""
    first, n_params = bases.row_start[b], bases.n_params[b]
    e, end = bases.edge_start[b], bases.edge_start[b + 1]
    if bases.is_pointwise[b]:
        j, value = np.uint64(bases.target[e]), np.uint64(first + n_params)
        for s in range(n):
            out[j, s] += bases.rows[value, s]
        return
    for panel in range((n + PANEL - 1) // PANEL):
        edge = e
        while edge < end:
            size, at = tile_size(end - edge), bases.first_coef[edge]
            add_tile(
                size,
                bases.coef,
                at,
                n_params,
                bases.rows,
                first,
                bases.target,
                edge,
                out,
                out.shape[1],
                panel * PANEL,
            )
            edge += size


@jit
def basis_values(bases, i, n, above):
    """above[target[e], s] = phi_e for the edges that leave node i, after `add_bases`."""
    if bases is not None:
        for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
            for e in range(bases.edge_start[b], bases.edge_start[b + 1]):
                j = np.uint64(bases.target[e])
                for s in range((n + PANEL - 1) // PANEL * PANEL):
                    above[j, s] = 0.0
            add_block_values(bases, b, n, above)


@jit_inline
def clear_basis_param_grad(bases):
    """Set the derivatives by all parameters to zero."""
    if bases is not None:
        bases.gradient[:] = 0.0


@jit_inline
def add_basis_param_grad(bases, first, end, n, by_sum):
    """Add derivatives by parameters, given those by the values of the edges: rows of their targets."""
    if bases is not None:
        used = (n + PANEL - 1) // PANEL
        for i in range(first, end):
            for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
                e, behind, n_params = bases.edge_start[b], bases.edge_start[b + 1], bases.n_params[b]
                while e < behind:
                    size, at = tile_size(behind - e), bases.first_coef[e]
                    tile_gradient(
                        size,
                        by_sum,
                        by_sum.shape[1],
                        bases.target,
                        e,
                        bases.rows,
                        bases.row_start[b],
                        n_params,
                        used,
                        bases.gradient,
                        at,
                    )
                    e += size


@jit_inline
def add_basis_input_grad(bases, first, end, n, by_sum, out):
    """out[i, s] += sum_e by_sum[target[e], s] phi'_e(x_is) for the nodes first <= i < end."""
    if bases is not None:
        for i in range(first, end):
            for b in range(bases.fan_start[i], bases.fan_start[i + 1]):
                if bases.is_pointwise[b]:
                    add_edge_input_grad(bases, b, n, by_sum, out, i)
                else:
                    add_block_input_grad(bases, b, n, by_sum, out, i)


@jit_inline
def add_edge_input_grad(bases, b, n, by_sum, out, i):
    """As `add_basis_input_grad` for block b, an edge that is not linear in its parameters."""
    j, q, o = np.uint64(bases.target[bases.edge_start[b]]), np.uint64(bases.own_start[b]), np.uint64(i)
    for s in range(n):
        out[o, s] += by_sum[j, s] * bases.slopes[q, s]


@jit_inline
def add_block_input_grad(bases, b, n, by_sum, out, i):
    """As `add_basis_input_grad` for block b, edges that share the functions of node i."""
    first, n_params, behind, width = (
        bases.own_start[b],
        bases.n_params[b],
        bases.edge_start[b + 1],
        out.shape[1],
    )
    for panel in range((n + PANEL - 1) // PANEL):
        e, column = bases.edge_start[b], panel * PANEL
        while e < behind:
            size, at = tile_size(behind - e), bases.first_coef[e]
            pull_tile(
                size,
                bases.coef,
                at,
                n_params,
                bases.slopes,
                first,
                bases.target,
                e,
                by_sum,
                width,
                column,
                out,
                i,
            )
            e += size


@jit
def basis_jacobian(bases, n, by_sum, work, first_row, jacobian, column):
    """Write the rows of a Jacobian that belong to parameters, from first_row on.

    Derivatives by the sums are multiplied with work[0]; products with work[2] are added to the gradient.
    """
    if bases is not None:
        start = np.uint64(column)
        for b in range(bases.size.shape[0]):
            for e in range(bases.edge_start[b], bases.edge_start[b + 1]):
                j = np.uint64(bases.target[e])
                for r in range(bases.n_params[b]):
                    place = bases.first_coef[e] + r
                    to, q, total = np.uint64(first_row + place), np.uint64(bases.row_start[b] + r), 0.0
                    for s in range(n):
                        jacobian[to, start + np.uint64(s)] = work[0, s] * by_sum[j, s] * bases.rows[q, s]
                    for s in range(n):  # of its own: see `_jit`
                        total += jacobian[to, start + np.uint64(s)] * work[2, s]
                    bases.gradient[place] += total

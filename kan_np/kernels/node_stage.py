"""From sums of edges to nodes: products of sums, with scales and biases.

A node with the sums z_j of its own subnodes j is

    t = S prod_j (s_j z_j + b_j) + B

(pykan's node and subnode scales and biases, 1 and 0 where a network has none). Where every node is one plain
sum, kernels pass None in place of `NodeStage`; sums and nodes are then the same rows, and none of this file
is compiled. Functions with sums are always inlined: LLVM may order the sums of a function
differently where it is compiled by itself, and a process that compiles a kernel calls that version, while one
that loads it from disk does not.
"""

from __future__ import annotations

import numpy as np

from kan_np.kernels._jit import jit, jit_inline
from kan_np.kernels.microkernels import PANEL


@jit_inline
def make_nodes(stage, first, end, n, sums, x):
    """x[t, s] of the nodes first <= t < end from their sums; products before scale and bias are kept."""
    if stage is not None:
        for t in range(first, end):
            r, factor, end_factor = np.uint64(t), stage.factor_start[t], stage.factor_start[t + 1]
            q, scale, bias = np.uint64(factor), stage.sum_scale[factor], stage.sum_bias[factor]
            own_scale, own_bias = stage.node_scale[t], stage.node_bias[t]
            if end_factor == factor + 1 and stage.gradient.shape[0] == 0:  # the product is used only here
                for s in range(n):
                    x[r, s] = own_scale * (scale * sums[q, s] + bias) + own_bias
            else:
                for s in range(n):
                    stage.product[r, s] = scale * sums[q, s] + bias
                for j in range(factor + 1, end_factor):
                    q, scale, bias = np.uint64(j), stage.sum_scale[j], stage.sum_bias[j]
                    for s in range(n):
                        stage.product[r, s] *= scale * sums[q, s] + bias
                for s in range(n):
                    x[r, s] = own_scale * stage.product[r, s] + own_bias
            for s in range(n, (n + PANEL - 1) // PANEL * PANEL):
                x[r, s] = 0.0


@jit_inline
def pull_to_sums(stage, first, end, n, sums, delta, by_sum):
    """by_sum[j, s]: derivatives by the sums, from those by the nodes first <= t < end in delta."""
    if stage is not None:
        for t in range(first, end):
            r, low, high = np.uint64(t), stage.factor_start[t], stage.factor_start[t + 1]
            if high == low + 1 and stage.gradient.shape[0] == 0:
                q, scale, own_scale = np.uint64(low), stage.sum_scale[low], stage.node_scale[t]
                for s in range(n):
                    by_sum[q, s] = scale * (own_scale * delta[r, s])
                for s in range(n, (n + PANEL - 1) // PANEL * PANEL):
                    by_sum[q, s] = 0.0
                continue
            for j in range(low, high):
                q = np.uint64(j)
                for s in range(n):
                    stage.by_scaled[q, s] = stage.node_scale[t] * delta[r, s]
                for other in range(low, high):
                    if other != j:
                        p, scale, bias = np.uint64(other), stage.sum_scale[other], stage.sum_bias[other]
                        for s in range(n):
                            stage.by_scaled[q, s] *= scale * sums[p, s] + bias
                for s in range(n):
                    by_sum[q, s] = stage.sum_scale[j] * stage.by_scaled[q, s]
                for s in range(n, (n + PANEL - 1) // PANEL * PANEL):
                    by_sum[q, s] = 0.0


@jit
def clear_affine_gradient(stage):
    """Set the derivatives by all scales and biases to zero."""
    if stage is not None:
        stage.gradient[:] = 0.0


@jit_inline
def add_affine_gradient(stage, first, end, n, sums, delta):
    """Add derivatives by scales and biases of the nodes first <= t < end, after `pull_to_sums`."""
    if stage is not None and stage.gradient.shape[0] > 0:
        n_sums, n_nodes = stage.n_sums, stage.n_nodes
        for t in range(first, end):
            r, by_scale, by_bias = np.uint64(t), 0.0, 0.0
            for s in range(n):
                by_scale += delta[r, s] * stage.product[r, s]
                by_bias += delta[r, s]
            at = 2 * n_sums + t - stage.n_inputs
            stage.gradient[at] += by_scale
            stage.gradient[at + n_nodes] += by_bias
            for j in range(stage.factor_start[t], stage.factor_start[t + 1]):
                q, by_scale, by_bias = np.uint64(j), 0.0, 0.0
                for s in range(n):
                    by_scale += stage.by_scaled[q, s] * sums[q, s]
                    by_bias += stage.by_scaled[q, s]
                at = j - stage.n_inputs
                stage.gradient[at] += by_scale
                stage.gradient[at + n_sums] += by_bias


@jit
def affine_jacobian(stage, n, sums, delta, work, first_row, jacobian, column):
    """Write the rows of a Jacobian of scales and biases, from first_row on, in the order of `gradient`.

    Derivatives are multiplied with work[0]; products with work[2] are added to the gradient.
    """
    if stage is not None and stage.gradient.shape[0] > 0:
        n_sums, n_nodes, n_inputs = stage.n_sums, stage.n_nodes, stage.n_inputs
        for t in range(n_inputs, n_inputs + n_nodes):
            at = 2 * n_sums + t - n_inputs
            affine_row(stage, at, n, stage.product, delta, t, work, first_row, jacobian, column)
            affine_row(stage, at + n_nodes, n, stage.ones, delta, t, work, first_row, jacobian, column)
        for j in range(n_inputs, n_inputs + n_sums):
            at = j - n_inputs
            affine_row(stage, at, n, sums, stage.by_scaled, j, work, first_row, jacobian, column)
            affine_row(
                stage, at + n_sums, n, stage.ones, stage.by_scaled, j, work, first_row, jacobian, column
            )


@jit_inline
def affine_row(stage, at, n, factor, delta, i, work, first_row, jacobian, column):
    """jacobian[first_row + at, column + s] = work[0, s] delta[i, s] factor[i, s]; `ones` has one row."""
    row, to, q = np.uint64(i), np.uint64(first_row + at), np.uint64(i if factor.shape[0] > 1 else 0)
    total, start = 0.0, np.uint64(column)
    for s in range(n):
        jacobian[to, start + np.uint64(s)] = work[0, s] * delta[row, s] * factor[q, s]
    for s in range(n):  # of its own: see `_jit`
        total += jacobian[to, start + np.uint64(s)] * work[2, s]
    stage.gradient[at] += total

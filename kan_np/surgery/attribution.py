"""Which edges, nodes and inputs of a network matter, judged on samples.

The scores are those of `kan_np.objective.edge_scores`, which has the formulas: with E_lij the standard
deviation over the samples of the values of edge (i, j) of layer l, and N_li that of node i, forward scores
take E by itself or against N, and backward scores ask what a part does for the outputs (arXiv:2408.10205,
section 4.1). Names, constants and values are those of pykan 0.2.8, whose arrays are transposed.

Samples are arrays (n_samples, n_in). All functions raise a ValueError where values on them overflow, and
outside the grids of a network with ``extrapolation="error"``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.bspline import SplineTable
from kan_np.network.kernel_arrays import base_values
from kan_np.network.network import Network
from kan_np.network.running_statistics import Moments
from kan_np.objective.edge_scores import Spread, backward_scores, input_scores, scores

_SAMPLES = 1000  # drawn over the input grids where none are given
_DEPENDENT = 1e-8  # columns that depend on each other do so up to rounding, enlarged a little
_CHUNK = 1024  # samples whose edges are in memory at once


def edge_scores(net: Network, x: FloatArray, metric: str = "edge_backward") -> list[FloatArray]:
    """Scores of all edges on samples: an array (n_in, n_subnodes) a layer.

    For "node_backward" it is (n_inputs, n_nodes), the source being always an input of the network.
    """
    return scores(measure_spread(net, x), metric)


def node_scores(net: Network, x: FloatArray) -> list[FloatArray]:
    """Backward scores A of all nodes on samples: an array (n_nodes,) a layer of nodes, inputs first."""
    return backward_scores(measure_spread(net, x))[0]


def feature_score(net: Network, x: FloatArray, groups: Sequence[Sequence[int]] = ()) -> FloatArray:
    """Backward scores A_0 of the inputs: what each contributes to the variation of the outputs, (n_in,).

    They are those of `node_scores`, pykan's, unless parts of the network cancel each other. Where inputs
    depend on each other on the samples, sum_i alpha_i x_i = const, as the 0/1 columns of classes do, any
    c alpha_i x_i may be added to the edges that leave them without a change of the outputs: of these equal
    networks the one whose edges vary least, with the least sum_i E_0ij^2, is scored. And edges whose sum
    varies much less than they would independently count for no more than their own spread, see
    `kan_np.objective.edge_scores.input_scores`.

    `groups` are inputs that are one quantity, as the columns of the classes of a category. A group is scored
    as one input whose edges are the sums of theirs, which do not depend on how the category is coded; its
    score is then divided among them in the proportion of their own.
    """
    spread = measure_spread(net, x)
    edges = [_least_spread(net, x, spread.edges[0]), *spread.edges[1:]]
    own = input_scores(replace(spread, edges=edges))
    groups = [list(group) for group in groups if len(group) > 1]
    if not groups:
        return own
    alone = np.setdiff1d(np.arange(own.size), np.concatenate(groups))
    merged = np.concatenate([edges[0][alone], _group_spread(net, x, groups)])
    score = input_scores(replace(spread, edges=[merged, *edges[1:]]))
    own[alone] = score[: alone.size]
    for group, whole in zip(groups, score[alone.size :], strict=True):
        total = own[group].sum()
        own[group] *= whole / total if total > 0 else 0.0
    return own


def _group_spread(net: Network, x: FloatArray, groups: Sequence[Sequence[int]]) -> FloatArray:
    """Standard deviations of the sums of the edges that leave groups of inputs: (n_groups, n_subnodes)."""
    sums = [Moments() for _ in groups]
    for low in range(0, len(x), _CHUNK):
        phi = edge_values(net, net.node_values(np.ascontiguousarray(x[low : low + _CHUNK])))[0]
        for moments, group in zip(sums, groups, strict=True):
            moments.join(phi[group].sum(axis=0))
    return np.stack([moments.deviation() for moments in sums])


def _least_spread(net: Network, x: FloatArray, edges: FloatArray) -> FloatArray:
    """Standard deviations of the edges that leave the inputs, least of all networks that are equal on `x`."""
    deviation = x - x.mean(axis=0)
    size = np.abs(deviation).max(axis=0)
    varies = np.flatnonzero(size > _DEPENDENT * np.abs(x).max(axis=0))
    if varies.size < 2 or len(x) < 2:
        return edges
    z = deviation[:, varies] / size[varies]
    z /= np.sqrt((z**2).sum(axis=0) / (len(x) - 1))
    _, values, directions = np.linalg.svd(np.linalg.qr(z, mode="r"), full_matrices=True)
    alpha = directions[np.count_nonzero(values > _DEPENDENT * values[0]) :]
    if not alpha.size:
        return edges
    shared = np.zeros((varies.size, edges.shape[1]))  # covariances of edges and standardised inputs
    for low in range(0, len(x), _CHUNK):
        rows = slice(low, low + _CHUNK)
        phi = edge_values(net, net.node_values(np.ascontiguousarray(x[rows])))[0][varies]
        shared += np.einsum("ijn,ni->ij", phi, z[rows]) / (len(x) - 1)
    # sum_i var(phi_i - (alpha beta)_i z_i) is least at beta = alpha^T cov, for alpha is orthonormal.
    added = alpha.T @ (alpha @ shared)
    least = edges.copy()
    least[varies] = np.sqrt(np.maximum(edges[varies] ** 2 - 2.0 * added * shared + added**2, 0.0))
    return least


def default_samples(net: Network) -> FloatArray:
    """Samples spread evenly at random over the grids of the inputs, always the same."""
    knots = net.knots[0]
    unit = np.random.default_rng(0).random((_SAMPLES, knots.shape[0]))
    return np.asarray(knots[:, 0] + (knots[:, -1] - knots[:, 0]) * unit)


def measure_spread(net: Network, x: FloatArray) -> Spread:
    """Standard deviations of all nodes and edges over samples; 0 for what is constant up to rounding."""
    nodes, edges, sums = ([m.deviation() for m in moments] for moments in _measure(net, x))
    symbols = [np.zeros(e.shape, dtype=bool) for e in edges]
    for layer, i, j in net.symbols:
        symbols[layer][i, j] = True
    owner = [np.repeat(np.arange(len(arity)), arity) for arity in net.arities]
    return Spread(nodes, edges, sums, owner, symbols)


def measure_means(net: Network, x: FloatArray) -> list[FloatArray]:
    """Means of all edges over samples, an array of shape (n_in, n_subnodes) a layer."""
    return [moments.mean for moments in _measure(net, x)[1]]


def _measure(net: Network, x: FloatArray) -> tuple[list[Moments], list[Moments], list[Moments]]:
    """Moments of every layer of nodes, of edges, and of their sums."""
    net.check_inputs(x)
    width = net.width
    nodes = [Moments() for _ in width]
    edges, sums = ([Moments() for _ in width[1:]] for _ in range(2))
    with np.errstate(over="ignore", invalid="ignore"):  # reported below, in words
        for low in range(0, x.shape[0], _CHUNK):
            values = net.node_values(x[low : low + _CHUNK])
            for moments, rows in zip(nodes, np.split(values, np.cumsum(width)[:-1]), strict=True):
                moments.join(rows)
            for q, phi in enumerate(edge_values(net, values)):
                edges[q].join(phi)
                sums[q].join(phi.sum(axis=0))
        finite = all(np.isfinite(m.deviation()).all() for m in (*nodes, *edges, *sums))
    if not finite:
        raise ValueError(
            "x makes values inside the model overflow, so nothing can be said about its parts; expected "
            "samples on which model(x) is finite. Leave out those far outside the grids."
        )
    return nodes, edges, sums


def edge_values(net: Network, nodes: FloatArray) -> list[FloatArray]:
    """Values phi_ij of every edge at given values of its source.

    Parameters
    ----------
    net : Network
    nodes : ndarray of shape (n_nodes, n)
        A row of values for every node, layer by layer, inputs first; outputs may be left out.

    Returns
    -------
    list of ndarray of shape (n_in, n_subnodes, n)
        Zeros where there is no edge.
    """
    values = [spline + base for spline, base in edge_parts(net, nodes)]
    first = np.concatenate([[0], np.cumsum(net.width)])
    for number, other in enumerate(net.layers if net.structure.bases else ()):
        x = nodes[first[number] : first[number + 1]]
        for own in other.bases:
            for (_, i, j), phi in own.curves(x):
                values[number][i, j] = phi
    for (layer, i, j), symbol in net.symbols.items():
        values[layer][i, j] = symbol(nodes[first[layer] + i])
    return values


def edge_parts(net: Network, nodes: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    """Spline and base part of every spline edge, each (n_in, n_subnodes, n); see `edge_values`."""
    first = np.concatenate([[0], np.cumsum(net.width)])
    layers = zip(net.coef, net.scale_base, net.knots, net.reach, strict=True)
    parts = []
    for layer, (coef, weight, knots, reach) in enumerate(layers):
        x = np.ascontiguousarray(nodes[first[layer] : first[layer + 1]], dtype=np.float64)
        basis = SplineTable.build(knots, net.k, net.extrapolation, reach).design_matrices(x)
        base = np.stack([base_values(net.base_fun, row) for row in x])
        parts.append((coef @ basis.swapaxes(1, 2), weight[:, :, None] * base[:, None, :]))
    return parts

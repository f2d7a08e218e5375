"""Which edges, nodes and inputs of a KAN matter, judged on samples.

The scores are those of `kan_np.objective.edge_scores`: with E_lij the standard deviation over the samples of
the values of edge (i, j) of layer l, and N_li that of node i, forward scores take E by itself or against N,
and backward scores ask what a part does for the outputs (arXiv:2408.10205, section 4.1). Names, constants and
values are those of pykan 0.2.8, whose arrays are transposed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.edges.bspline import SplineTable
from kan_np.network.kernel_arrays import residual_values
from kan_np.network.running_statistics import Moments
from kan_np.objective.edge_scores import METRICS, Spread, backward_scores, input_scores, scores

if TYPE_CHECKING:
    from kan_np.training.views import Views

_SAMPLES = 1000  # drawn over the input grids where none are given
_DEPENDENT = 1e-8  # columns that depend on each other do so up to rounding, enlarged a little
_CHUNK = 1024  # samples whose edges are in memory at once


def edge_scores(model: Views, x: ArrayLike, metric: str = "edge_backward") -> list[FloatArray]:
    """Scores of all edges on samples.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in)
        As ``model(x)`` takes them.
    metric : str
        One of pykan's names, with E, N, A and B as in `kan_np.objective.edge_scores`:
        "edge_forward_spline_n" and "edge_forward_sum", E_lij / (N_li + 0.1);
        "edge_forward_spline_u", E_lij;
        "edge_backward", B_lij, the part of the edge in the variation of the outputs;
        "node_backward", what every input contributes to every node of the layer above.

    Returns
    -------
    list of ndarray of shape (n_in, n_out)
        One array a layer, indexed by source and target. For "node_backward" the source is always an input of
        the network: (n_inputs, n_out).

    Raises
    ------
    ValueError
        For an unknown metric, for samples that ``model(x)`` refuses, and where values on them overflow.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> from kan_np.surgery.attribution import edge_scores
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    >>> [scores.shape for scores in edge_scores(KAN([2, 5, 1], seed=0), x)]
    [(2, 5), (5, 1)]

    References
    ----------
    arXiv:2404.19756, section 2.5.1 (forward); arXiv:2408.10205, section 4.1 (backward).
    """
    _validate.choice("metric", metric, METRICS)
    return scores(measure_spread(model, x), metric)


def node_scores(model: Views, x: ArrayLike) -> list[FloatArray]:
    """Backward scores A of all nodes on samples.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in)
        As ``model(x)`` takes them.

    Returns
    -------
    list of ndarray of shape (n_l,)
        One array a layer of nodes: inputs first, and 1 / n_out for each output last.

    Raises
    ------
    ValueError
        As `edge_scores`.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> from kan_np.surgery.attribution import node_scores
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    >>> [scores.shape for scores in node_scores(KAN([2, 5, 1], seed=0), x)]
    [(2,), (5,), (1,)]

    References
    ----------
    arXiv:2408.10205, section 4.1.
    """
    return backward_scores(measure_spread(model, x))[0]


def feature_score(model: Views, x: ArrayLike) -> FloatArray:
    """Backward scores A_0 of the inputs on samples: what each contributes to the variation of the outputs.

    They are those of `node_scores`, pykan's, unless parts of the model cancel each other. Where inputs depend
    on each other on the samples, sum_i alpha_i x_i = const, as the 0/1 columns of classes do, any c alpha_i
    x_i may be added to the edges that leave them without a change of the model: of these equal models the one
    whose edges vary least, with the least sum_i E_0ij^2, is scored. And edges whose sum varies much less than
    they would independently count for no more than their own spread, see
    `kan_np.objective.edge_scores.input_scores`.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in)
        As ``model(x)`` takes them.

    Returns
    -------
    ndarray of shape (n_in,)

    Raises
    ------
    ValueError
        As `edge_scores`.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, create_dataset
    >>> from kan_np.surgery.attribution import feature_score
    >>> dataset = create_dataset(lambda x: x[:, [0]] ** 2 + 0.1 * x[:, [1]], n_var=2, train_num=200, seed=0)
    >>> model = KAN([2, 1], seed=0)
    >>> result = model.fit(dataset, steps=10)
    >>> first, second = feature_score(model, dataset["train_input"])
    >>> bool(first > 3 * second)
    True
    """
    samples = _validate.matrix("x", model._select("x", x), model.width[0])
    spread = measure_spread(model, x)
    edges = [_least_spread(model, samples, spread.edges[0]), *spread.edges[1:]]
    return input_scores(replace(spread, edges=edges))


def _least_spread(model: Views, x: FloatArray, edges: FloatArray) -> FloatArray:
    """Standard deviations of the edges that leave the inputs, least of all models that are equal on `x`."""
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
        phi = edge_values(model, model._network.node_values(np.ascontiguousarray(x[rows])))[0][varies]
        shared += np.einsum("ijn,ni->ij", phi, z[rows]) / (len(x) - 1)
    # sum_i var(phi_i - (alpha beta)_i z_i) is least at beta = alpha^T cov, for alpha is orthonormal.
    added = alpha.T @ (alpha @ shared)
    least = edges.copy()
    least[varies] = np.sqrt(np.maximum(edges[varies] ** 2 - 2.0 * added * shared + added**2, 0.0))
    return least


def default_samples(model: Views) -> FloatArray:
    """Samples spread evenly at random over the grids of the inputs, always the same."""
    knots = model.knots[0]
    unit = np.random.default_rng(0).random((_SAMPLES, knots.shape[0]))
    return np.asarray(knots[:, 0] + (knots[:, -1] - knots[:, 0]) * unit)


def measure_spread(model: Views, x: ArrayLike) -> Spread:
    """Standard deviations of all nodes and edges over samples; 0 for what is constant up to rounding.

    Raises
    ------
    ValueError
        For samples that ``model(x)`` refuses, and where values on them overflow.
    """
    nodes, edges, sums = ([m.deviation() for m in moments] for moments in _measure(model, x))
    symbols = [np.zeros(e.shape, dtype=bool) for e in edges]
    for layer, i, j in model.symbols:
        symbols[layer][i, j] = True
    owner = [np.repeat(np.arange(len(arity)), arity) for arity in model._network.arities]
    return Spread(nodes, edges, sums, owner, symbols)


def measure_means(model: Views, x: ArrayLike) -> list[FloatArray]:
    """Means of all edges over samples, an array of shape (n_in, n_subnodes) a layer; as `measure_spread`."""
    return [moments.mean for moments in _measure(model, x)[1]]


def _measure(model: Views, x: ArrayLike) -> tuple[list[Moments], list[Moments], list[Moments]]:
    """Moments of every layer of nodes, of edges, and of their sums."""
    samples = _validate.matrix("x", model._select("x", x), model.width[0])
    network = model._network
    network.check_inputs(samples)
    width = model.width
    nodes = [Moments() for _ in width]
    edges, sums = ([Moments() for _ in width[1:]] for _ in range(2))
    with np.errstate(over="ignore", invalid="ignore"):  # reported below, in words
        for low in range(0, samples.shape[0], _CHUNK):
            values = network.node_values(samples[low : low + _CHUNK])
            for moments, rows in zip(nodes, np.split(values, np.cumsum(width)[:-1]), strict=True):
                moments.join(rows)
            for q, phi in enumerate(edge_values(model, values)):
                edges[q].join(phi)
                sums[q].join(phi.sum(axis=0))
        finite = all(np.isfinite(m.deviation()).all() for m in (*nodes, *edges, *sums))
    if not finite:
        raise ValueError(
            "x makes values inside the model overflow, so nothing can be said about its parts; expected "
            "samples on which model(x) is finite. Leave out those far outside the grids."
        )
    return nodes, edges, sums


def edge_values(model: Views, nodes: FloatArray) -> list[FloatArray]:
    """Values phi_ij of every edge at given values of its source.

    Parameters
    ----------
    model : KAN
    nodes : ndarray of shape (n_nodes, n)
        A row of values for every node, layer by layer, inputs first; outputs may be left out.

    Returns
    -------
    list of ndarray of shape (n_in, n_subnodes, n)
        Zeros where there is no edge.
    """
    values = [spline + residual for spline, residual in edge_parts(model, nodes)]
    first = np.concatenate([[0], np.cumsum(model.width)])
    for (layer, i, j), symbol in model.symbols.items():
        values[layer][i, j] = symbol(nodes[first[layer] + i])
    return values


def edge_parts(model: Views, nodes: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    """Spline and residual part of every spline edge, each (n_in, n_subnodes, n); see `edge_values`."""
    network = model._network
    first = np.concatenate([[0], np.cumsum(model.width)])
    layers = zip(network.coef, network.scale_base, network.knots, network.reach, strict=True)
    parts = []
    for layer, (coef, weight, knots, reach) in enumerate(layers):
        x = np.ascontiguousarray(nodes[first[layer] : first[layer + 1]], dtype=np.float64)
        basis = SplineTable.build(knots, network.k, network.extrapolation, reach).design_matrices(x)
        base = np.stack([residual_values(network.base_fun, row) for row in x])
        parts.append((coef @ basis.swapaxes(1, 2), weight[:, :, None] * base[:, None, :]))
    return parts

"""Which edges, nodes and inputs of a KAN matter, judged on samples.

Let E_lij be the standard deviation over the samples (n - 1 in the denominator, 0 for one sample) of the
values of edge (i, j) of layer l, and N_li that of node i of layer l. The forward scores are

    E_lij / (N_li + 0.1)       "edge_forward_spline_n", "edge_forward_sum"
    E_lij                      "edge_forward_spline_u"

The backward score asks what a part does for the outputs: every node hands its own score down to the edges
that make it vary (arXiv:2408.10205, section 4.1),

    A_Li  = 1 / n_out                                  outputs
    B_lij = A_{l+1,j} E_lij / (N_{l+1,j} + 1e-4)       "edge_backward"
    A_li  = sum_j B_lij                                nodes and, for l = 0, inputs

and "node_backward" is the same recursion from every single node down to the inputs. Names, constants and
values are those of pykan 0.2.8, whose arrays are transposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.network import residual_values

if TYPE_CHECKING:
    from kan_np.model import KAN

METRICS = (
    "edge_forward_spline_n",
    "edge_forward_spline_u",
    "edge_forward_sum",
    "edge_backward",
    "node_backward",
)

_INPUT_FLOOR = 0.1  # pykan's: an input that hardly varies does not make its edges infinitely important
_NODE_FLOOR = 1e-4  # pykan's: a constant node hands nothing down
_ROUNDING = 8 * np.finfo(np.float64).eps  # a spread below this part of the mean is rounding
_SAMPLES = 1000  # drawn over the input grids where none are given
_CHUNK = 1024  # samples whose edges are in memory at once


@dataclass(frozen=True)
class Spread:
    """Standard deviations over samples.

    Attributes
    ----------
    nodes : list of ndarray of shape (n_l,)
        N of every layer of nodes, inputs first.
    edges : list of ndarray of shape (n_in, n_out)
        E of every layer of edges.
    """

    nodes: list[FloatArray]
    edges: list[FloatArray]


def edge_scores(model: KAN, x: ArrayLike, metric: str = "edge_backward") -> list[FloatArray]:
    """Scores of all edges on samples.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in)
        As ``model(x)`` takes them.
    metric : str
        One of pykan's names, with E, N, A and B as in `kan_np.attribution`:
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
    >>> from kan_np.attribution import edge_scores
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    >>> [scores.shape for scores in edge_scores(KAN([2, 5, 1], seed=0), x)]
    [(2, 5), (5, 1)]

    References
    ----------
    arXiv:2404.19756, section 2.5.1 (forward); arXiv:2408.10205, section 4.1 (backward).
    """
    _validate.choice("metric", metric, METRICS)
    spread = measure_spread(model, x)
    if metric == "edge_forward_spline_u":
        return spread.edges
    if metric == "edge_backward":
        return _hand_down(spread)[1]
    if metric == "node_backward":
        return _input_shares(spread)
    sources = spread.nodes[:-1]
    return [e / (n[:, None] + _INPUT_FLOOR) for e, n in zip(spread.edges, sources, strict=True)]


def node_scores(model: KAN, x: ArrayLike) -> list[FloatArray]:
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
    >>> from kan_np.attribution import node_scores
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    >>> [scores.shape for scores in node_scores(KAN([2, 5, 1], seed=0), x)]
    [(2,), (5,), (1,)]

    References
    ----------
    arXiv:2408.10205, section 4.1.
    """
    return _hand_down(measure_spread(model, x))[0]


def feature_score(model: KAN, x: ArrayLike) -> FloatArray:
    """Backward scores A_0 of the inputs on samples: what each contributes to the variation of the outputs.

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
    >>> from kan_np.attribution import feature_score
    >>> dataset = create_dataset(lambda x: x[:, [0]] ** 2 + 0.1 * x[:, [1]], n_var=2, train_num=200, seed=0)
    >>> model = KAN([2, 1], seed=0)
    >>> result = model.fit(dataset, steps=10)
    >>> first, second = feature_score(model, dataset["train_input"])
    >>> bool(first > 3 * second)
    True
    """
    return node_scores(model, x)[0]


def default_samples(model: KAN) -> FloatArray:
    """Samples spread evenly at random over the grids of the inputs, always the same."""
    knots = model.knots[0]
    unit = np.random.default_rng(0).random((_SAMPLES, knots.shape[0]))
    return np.asarray(knots[:, 0] + (knots[:, -1] - knots[:, 0]) * unit)


def measure_spread(model: KAN, x: ArrayLike) -> Spread:
    """Standard deviations of all nodes and edges over samples; 0 for what is constant up to rounding.

    Raises
    ------
    ValueError
        For samples that ``model(x)`` refuses, and where values on them overflow.
    """
    samples = _validate.matrix("x", model._select("x", x), model.width[0])
    network = model._network
    network.check_inputs(samples)
    n_edges = [weight.shape for weight in model.scale_base]
    nodes, edges = _Moments((sum(model.width),)), [_Moments(shape) for shape in n_edges]
    with np.errstate(over="ignore", invalid="ignore"):  # reported below, in words
        for low in range(0, samples.shape[0], _CHUNK):
            values = network.node_values(samples[low : low + _CHUNK])
            nodes.add(values)
            for moments, phi in zip(edges, edge_values(model, values), strict=True):
                moments.add(phi)
        deviations = [nodes.deviation(), *(moments.deviation() for moments in edges)]
    if not all(np.isfinite(d).all() for d in deviations):
        raise ValueError(
            "x makes values inside the model overflow, so nothing can be said about its parts; expected "
            "samples on which model(x) is finite. Leave out those far outside the grids."
        )
    return Spread(np.split(deviations[0], np.cumsum(model.width)[:-1]), deviations[1:])


def edge_values(model: KAN, nodes: FloatArray) -> list[FloatArray]:
    """Values phi_ij of every edge at given values of its source.

    Parameters
    ----------
    model : KAN
    nodes : ndarray of shape (n_nodes, n)
        A row of values for every node, layer by layer, inputs first; outputs may be left out.

    Returns
    -------
    list of ndarray of shape (n_in, n_out, n)
    """
    return [spline + residual for spline, residual in edge_parts(model, nodes)]


def edge_parts(model: KAN, nodes: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    """Spline and residual part of every edge, each of shape (n_in, n_out, n); see `edge_values`."""
    first = np.concatenate([[0], np.cumsum(model.width[:-1])])
    x = np.ascontiguousarray(nodes[: first[-1]], dtype=np.float64)
    basis = model._network.table.design_matrices(x)
    base = np.stack([residual_values(model.base_fun, row) for row in x])
    parts = []
    for layer, (coef, weight) in enumerate(zip(model.coef, model.scale_base, strict=True)):
        here = slice(first[layer], first[layer + 1])
        parts.append((coef @ basis[here].swapaxes(1, 2), weight[:, :, None] * base[here, None, :]))
    return parts


class _Moments:
    """Mean and sum of squared deviations, chunk by chunk (Chan, Golub and LeVeque, Am. Stat. 37, 1983)."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.n, self.mean, self.square = 0, np.zeros(shape), np.zeros(shape)

    def add(self, values: FloatArray) -> None:
        """Take in samples, along the last axis."""
        n = values.shape[-1]
        mean = values.mean(axis=-1)
        step, total = mean - self.mean, self.n + n
        self.square += np.square(values - mean[..., None]).sum(axis=-1) + step**2 * (self.n * n / total)
        self.mean += step * (n / total)
        self.n = total

    def deviation(self) -> FloatArray:
        """Standard deviation with n - 1 in the denominator."""
        constant = self.square <= self.n * (_ROUNDING * self.mean) ** 2
        return np.sqrt(np.where(constant, 0.0, self.square) / max(self.n - 1, 1))


def _hand_down(spread: Spread) -> tuple[list[FloatArray], list[FloatArray]]:
    """A of every layer of nodes and B of every layer of edges, from the outputs down."""
    n_out = spread.nodes[-1].size
    nodes: list[FloatArray] = [np.full(n_out, 1.0 / n_out)]
    edges: list[FloatArray] = []
    for e, n in zip(spread.edges[::-1], spread.nodes[:0:-1], strict=True):
        edges.append(e * (nodes[-1] / (n + _NODE_FLOOR)))
        nodes.append(edges[-1].sum(axis=1))
    return nodes[::-1], edges[::-1]


def _input_shares(spread: Spread) -> list[FloatArray]:
    """For every layer of nodes above the inputs, what each input contributes to each node's score."""
    steps = [(e / (n + _NODE_FLOOR)) for e, n in zip(spread.edges, spread.nodes[1:], strict=True)]
    shares, down = [], np.eye(spread.nodes[0].size)
    for step, score in zip(steps, _hand_down(spread)[0][1:], strict=True):
        down = down @ step
        shares.append(down * score)
    return shares

"""Importance scores of edges and nodes, as in pykan, from their standard deviations; and derivatives.

Let E_lij be the standard deviation over samples of the values of edge (i, j) of layer l, N_li that of node i
of layer l, and S_lj that of the sum of the edges into subnode j. A sum node has one subnode, which is itself;
a product has one subnode a factor. The forward scores are

    E_lij / (N_li + 0.1)       "edge_forward_sum"; "edge_forward_spline_n", where symbols count as 0
    E_lij                      "edge_forward_spline_u"

The backward score measures the effect on the outputs: every node passes its full score to each of its
subnodes, and these divide theirs among their edges in proportion to the standard deviations,

    A_Li  = 1 / n_out                                        outputs
    B_lij = A_{l+1,node of j} E_lij / (S_lj + 1e-4)          "edge_backward"
    A_li  = sum_j B_lij                                      nodes and, for l = 0, inputs

and "node_backward" is the same recursion from every single node down to the inputs: with T_l the sum of
E_lij / (S_lj + 1e-4) over the subnodes j of each node, the inputs' shares in the nodes of layer l are
T_0 T_1 ... T_{l-1} diag(A_l). Names, constants and values are those of pykan 0.2.8, whose arrays are
transposed. Sources: arXiv:2404.19756, section 2.5.1; arXiv:2408.10205, section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Ints

METRICS = (
    "edge_forward_spline_n",
    "edge_forward_spline_u",
    "edge_forward_sum",
    "edge_backward",
    "node_backward",
)

_INPUT_FLOOR = 0.1  # pykan's value: keeps the scores of edges from nearly constant inputs finite
_NODE_FLOOR = 1e-4  # pykan's value: keeps the scores of edges to nearly constant nodes finite
#: For edges that vary independently S^2 = sum E^2. They count as cancelling each other where S^2 is less than
#: this fraction of the sum; chosen by judgement.
_CANCELLED = 0.25


@dataclass(frozen=True)
class Spread:
    """Spreads: standard deviations of nodes, edges and sums over samples (n - 1 in the denominator).

    Attributes
    ----------
    nodes : list of ndarray of shape (n_l,)
        N of every layer of nodes, inputs first.
    edges : list of ndarray of shape (n_in, n_subnodes)
        E of every layer of edges; 0 where there is no edge.
    sums : list of ndarray of shape (n_subnodes,)
        S of every layer of edges: the spread of the sums of edges, before affine values and products.
    owner : list of ndarray of int of shape (n_subnodes,)
        Which node of the layer above each subnode belongs to.
    symbols : list of ndarray of bool of shape (n_in, n_subnodes)
        Which edges are symbols.
    """

    nodes: list[FloatArray]
    edges: list[FloatArray]
    sums: list[FloatArray]
    owner: list[Ints]
    symbols: list[NDArray[np.bool_]]

    @classmethod
    def plain(cls, nodes: list[FloatArray], edges: list[FloatArray]) -> Spread:
        """The spreads of a network whose nodes are all sums and whose edges are all splines."""
        owner = [np.arange(n.size) for n in nodes[1:]]
        return cls(nodes, edges, nodes[1:], owner, [np.zeros(e.shape, dtype=bool) for e in edges])


class SpreadSlopes(NamedTuple):
    """Partial derivatives of a number by `Spread.nodes`, `Spread.edges` and `Spread.sums`.

    A sum node without scales and biases has the spread of its subnode: its derivative is the sum of both.
    """

    nodes: list[FloatArray]
    edges: list[FloatArray]
    sums: list[FloatArray]


def scores(spread: Spread, metric: str) -> list[FloatArray]:
    """Scores of all edges by one of `METRICS`, one array for each layer.

    Returns
    -------
    list of ndarray of shape (n_in, n_subnodes)
        By source and target. For "node_backward" of shape (n_inputs, n_nodes), by input of the network and
        node of the layer above.
    """
    if metric == "edge_forward_spline_u":
        return [e.copy() for e in spread.edges]
    if metric == "edge_backward":
        return backward_scores(spread)[1]
    if metric == "node_backward":
        return [down * a for down, a in zip(_descents(spread), backward_scores(spread)[0][1:], strict=True)]
    sources = spread.nodes[:-1]
    return [e / (n[:, None] + _INPUT_FLOOR) for e, n in zip(_counted(spread, metric), sources, strict=True)]


def backward_scores(spread: Spread) -> tuple[list[FloatArray], list[FloatArray]]:
    """Backward scores: A of every layer of nodes and B of every layer of edges."""
    n_out = spread.nodes[-1].size
    nodes: list[FloatArray] = [np.full(n_out, 1.0 / n_out)]
    edges: list[FloatArray] = []
    for step, owner in zip(edge_shares(spread)[::-1], spread.owner[::-1], strict=True):
        edges.append(step * nodes[-1][owner])
        nodes.append(edges[-1].sum(axis=1))
    return nodes[::-1], edges[::-1]


def input_scores(spread: Spread) -> FloatArray:
    """Backward scores A of the inputs, bounded where edges cancel each other.

    With R_lj^2 = sum_i E_lij^2, which is S_lj^2 for edges that vary independently, the share of an edge in
    its subnode is E / (max(S, R / 2) + 1e-4). That is pykan's, unless more than three quarters of the
    variance cancels. Without this bound two edges of size 100 whose difference has size 1 would get a hundred
    times the score of one edge of size 1.
    """
    n_out = spread.nodes[-1].size
    a: FloatArray = np.full(n_out, 1.0 / n_out)
    for e, s, owner in zip(spread.edges[::-1], spread.sums[::-1], spread.owner[::-1], strict=True):
        together = np.sqrt(_CANCELLED * np.einsum("ij,ij->j", e, e))
        a = (e / (np.maximum(s, together) + _NODE_FLOOR) * a[owner]).sum(axis=1)
    return a


def score_slopes(spread: Spread, metric: str, by_score: list[FloatArray]) -> SpreadSlopes:
    """Derivatives of a number by the spreads, given those by the `scores` of a metric."""
    nodes = [np.zeros_like(n) for n in spread.nodes]
    sums = [np.zeros_like(s) for s in spread.sums]
    if metric == "edge_forward_spline_u":
        return SpreadSlopes(nodes, [s.copy() for s in by_score], sums)
    if metric == "edge_backward":
        by_step = _backward_slopes(spread, [np.zeros_like(n) for n in nodes], by_score)
        return _by_steps(spread, by_step)
    if metric == "node_backward":
        return _by_steps(spread, _share_slopes(spread, by_score))
    edges = []
    for layer, (e, counts) in enumerate(zip(_counted(spread, metric), _counts(spread, metric), strict=True)):
        scale = spread.nodes[layer][:, None] + _INPUT_FLOOR
        slope = by_score[layer] / scale
        nodes[layer] = -(slope * e / scale).sum(axis=1)
        edges.append(slope * counts)
    return SpreadSlopes(nodes, edges, sums)


def _counts(spread: Spread, metric: str) -> list[NDArray[np.bool_]]:
    """True for the edges that a forward metric counts; it takes the others as 0."""
    return [~s if metric == "edge_forward_spline_n" else np.ones_like(s) for s in spread.symbols]


def _counted(spread: Spread, metric: str) -> list[FloatArray]:
    """E, with 0 for the edges that a forward metric takes as 0."""
    return [e * counts for e, counts in zip(spread.edges, _counts(spread, metric), strict=True)]


def edge_shares(spread: Spread) -> list[FloatArray]:
    """Steps: the share of each edge in its subnode, E / (S + 1e-4)."""
    return [e / (s + _NODE_FLOOR) for e, s in zip(spread.edges, spread.sums, strict=True)]


def _to_nodes(steps: FloatArray, owner: Ints, n_nodes: int) -> FloatArray:
    """T: the sum of the steps to all subnodes of each node."""
    if steps.shape[1] == n_nodes:
        return steps
    together = np.zeros((n_nodes, steps.shape[0]))
    np.add.at(together, owner, steps.T)
    return together.T


def _descents(spread: Spread) -> list[FloatArray]:
    """The product T_0 T_1 ... T_{l-1} for every layer l of nodes above the inputs."""
    down, all_down = np.eye(spread.nodes[0].size), []
    for step, owner, nodes in zip(edge_shares(spread), spread.owner, spread.nodes[1:], strict=True):
        down = down @ _to_nodes(step, owner, nodes.size)
        all_down.append(down)
    return all_down


def _backward_slopes(
    spread: Spread, by_node: list[FloatArray], by_edge: list[FloatArray]
) -> list[FloatArray]:
    """Derivatives by the steps E / (S + 1e-4), given those by A and B."""
    nodes, _ = backward_scores(spread)
    below, by_step = by_node[0], []
    for layer, step in enumerate(edge_shares(spread)):
        owner = spread.owner[layer]
        by_product = by_edge[layer] + below[:, None]
        by_step.append(by_product * nodes[layer + 1][owner])
        handed = np.bincount(owner, (by_product * step).sum(axis=0), minlength=nodes[layer + 1].size)
        below = by_node[layer + 1] + handed
    return by_step


def _share_slopes(spread: Spread, by_share: list[FloatArray]) -> list[FloatArray]:
    """Derivatives by the steps, given those by the inputs' shares in the nodes."""
    nodes, edges = backward_scores(spread)
    descents, steps = _descents(spread), edge_shares(spread)
    by_node = [np.zeros_like(nodes[0])]
    by_node += [(g * down).sum(axis=0) for g, down in zip(by_share, descents, strict=True)]
    by_step = _backward_slopes(spread, by_node, [np.zeros_like(e) for e in edges])
    by_down = np.zeros_like(by_share[-1])
    for layer in range(len(steps) - 1, -1, -1):
        owner = spread.owner[layer]
        by_down = by_down + by_share[layer] * nodes[layer + 1]
        if layer > 0:
            by_step[layer] += (descents[layer - 1].T @ by_down)[:, owner]
            by_down = by_down @ _to_nodes(steps[layer], owner, nodes[layer + 1].size).T
        else:
            by_step[0] += by_down[:, owner]
    return by_step


def _by_steps(spread: Spread, by_step: list[FloatArray]) -> SpreadSlopes:
    """Derivatives by E and S, given those by the steps."""
    edges = [g / (s + _NODE_FLOOR) for g, s in zip(by_step, spread.sums, strict=True)]
    sums = [-(g * step).sum(axis=0) for g, step in zip(edges, edge_shares(spread), strict=True)]
    return SpreadSlopes([np.zeros_like(n) for n in spread.nodes], edges, sums)

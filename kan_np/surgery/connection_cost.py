"""How far the edges of a network reach across its picture, and the order of hidden nodes that shortens them.

With the nodes of every layer at z_i = (i + 1/2) / n, from 0 to 1, and the scores B of `edge_backward`,

    C = sum_l sum_ij |z_i - z_j| B_lij

over sources i and subnodes j. What node a of a hidden layer costs in place p is a sum over its own edges
alone, as long as the other layers stay. The best order of one layer is therefore a linear assignment problem,
which is solved exactly; layers take turns until none changes. Source of the cost: pykan 0.2.8, which tries
exchanges of two nodes one after the other instead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kan_np._validate import FloatArray
from kan_np.network.network import Network
from kan_np.surgery.attribution import edge_scores
from kan_np.surgery.node_order import nodes_of, with_nodes

#: Orders that are better by less than this part of the cost are not taken: rounding must not go round.
_BETTER = 1e-9


def connection_cost(scores: Sequence[FloatArray]) -> float:
    """C of the scores of edges, arrays (n_in, n_subnodes), a layer each."""
    return float(sum((_distances(*score.shape) * score).sum() for score in scores))


def shortened(net: Network, x: FloatArray) -> Network:
    """The same function with the hidden nodes in an order of low cost; scores are taken on samples x."""
    scores = edge_scores(net, x)
    cost, changed = connection_cost(scores), True
    while changed:
        changed = False
        for layer in range(1, len(net.width) - 1):
            order = _best_order(scores[layer - 1], scores[layer], net.arities[layer - 1])
            swapped = _reordered(scores, layer, order, net.arities[layer - 1])
            lower = connection_cost(swapped)
            if lower < cost * (1.0 - _BETTER):
                nodes = nodes_of(net, layer)
                net = with_nodes(net, layer, [nodes[a] for a in order])
                scores, cost, changed = swapped, lower, True
    return net


def _distances(n_in: int, n_out: int) -> FloatArray:
    return np.abs(_places(n_in)[:, None] - _places(n_out))


def _places(n: int) -> FloatArray:
    return (np.arange(n) + 0.5) / n


def _best_order(below: FloatArray, above: FloatArray, arity: Sequence[int]) -> list[int]:
    """For every place of a layer the node that goes there.

    Nodes change places with those that have as many factors: then all subnodes keep their places.
    """
    from scipy.optimize import linear_sum_assignment

    start = np.concatenate([[0], np.cumsum(arity)])
    into, out = _distances(*below.shape), _distances(*above.shape)
    order = list(range(len(arity)))
    for m in set(arity):
        alike = [node for node, own in enumerate(arity) if own == m]
        cost = np.zeros((len(alike), len(alike)))  # of a place, by node
        for q, place in enumerate(alike):
            for r, node in enumerate(alike):
                at, own = (slice(start[n], start[n + 1]) for n in (place, node))
                cost[q, r] = (into[:, at] * below[:, own]).sum() + out[place] @ above[node]
        _, chosen = linear_sum_assignment(cost)
        for place, r in zip(alike, chosen.tolist(), strict=True):
            order[place] = alike[r]
    return order


def _reordered(
    scores: Sequence[FloatArray], layer: int, order: Sequence[int], arity: Sequence[int]
) -> list[FloatArray]:
    """Scores of the same network with the nodes of a layer in another order."""
    own = np.split(np.arange(sum(arity)), np.cumsum(arity)[:-1])
    moved = list(scores)
    moved[layer - 1] = scores[layer - 1][:, np.concatenate([own[a] for a in order])]
    moved[layer] = scores[layer][list(order)]
    return moved

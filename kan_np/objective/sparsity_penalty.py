"""pykan's penalties on edges, with exact gradients.

With v_ij the score of edge (i, j) of a layer by one of the metrics of `kan_np.objective.edge_scores`,

    R = sum_l  lamb_l1 sum_e v_e
             + lamb_entropy (H_in + H_out)
             + lamb_coef sum |c| / n_out + lamb_coefdiff sum |c_{m+1} - c_m| / n_out
    H_in  = -mean_j sum_i p log2(p + 1e-4),  p = v_ij / (sum_i v_ij + 1)     (edges into a target)
    H_out = -mean_i sum_j q log2(q + 1e-4),  q = v_ij / (sum_j v_ij + 1)     (edges out of a source)

and the objective is the mean squared error + lamb R. For "node_backward" v_ij are the shares of the inputs in
the nodes. Source: arXiv:2404.19756, section 2.5.1, eq. (2.17)-(2.20), in the form that pykan 0.2.8 computes.

The gradient is that of R with all it depends on: also the spreads of the nodes by which the backward scores
divide, which pykan takes for constants, and the scores "edge_forward_sum", which pykan does not derive at
all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.kernels import network as kernels
from kan_np.kernels.arrays import Places, Pull, Scratch
from kan_np.network.network import Network, new_places, new_scratch
from kan_np.network.running_statistics import deviation, deviation_weight
from kan_np.network.topology import Wiring
from kan_np.objective.edge_scores import METRICS, Spread, SpreadSlopes, score_slopes, scores

_LOG_FLOOR = 1e-4


@dataclass(frozen=True)
class Penalty:
    """Weights of the penalties, as in pykan's ``fit``; ``lamb`` multiplies them all."""

    lamb: float = 0.0
    lamb_l1: float = 1.0
    lamb_entropy: float = 2.0
    lamb_coef: float = 0.0
    lamb_coefdiff: float = 0.0
    reg_metric: str = "edge_forward_spline_n"

    def __post_init__(self) -> None:
        for name in ("lamb", "lamb_l1", "lamb_entropy", "lamb_coef", "lamb_coefdiff"):
            object.__setattr__(self, name, _validate.real(name, getattr(self, name), 0.0))
        _validate.choice("reg_metric", self.reg_metric, METRICS)

    @property
    def needs_statistics(self) -> bool:
        """Whether the spread of edges over the samples enters."""
        return self.lamb > 0 and (self.lamb_l1 > 0 or self.lamb_entropy > 0)


def scheduled_penalties(lamb: float | Iterable[float], **weights: Any) -> tuple[Penalty, ...]:
    """Penalties for equal parts of a fit, one after the other: one for each value of `lamb`.

    Parameters
    ----------
    lamb : float or sequence of float
    **weights
        The other weights of `Penalty`, the same for all parts.

    Raises
    ------
    ValueError, TypeError
        For an empty sequence, and for weights that `Penalty` refuses.

    Examples
    --------
    >>> from kan_np.objective.sparsity_penalty import scheduled_penalties
    >>> [penalty.lamb for penalty in scheduled_penalties([1e-3, 1e-2, 0])]
    [0.001, 0.01, 0.0]
    """
    if isinstance(lamb, str) or not hasattr(lamb, "__iter__"):
        return (Penalty(lamb, **weights),)
    parts = [_validate.real(f"lamb[{i}]", part, 0.0) for i, part in enumerate(lamb)]
    if not parts:
        raise ValueError("lamb is an empty sequence; expected a number, or one for each part of the steps.")
    first = Penalty(parts[0], **weights)
    return tuple(replace(first, lamb=part) for part in parts)


def sparsity(penalty: Penalty, spread: Spread) -> tuple[float, SpreadSlopes]:
    """Value of the L1 and entropy terms of R for these spreads, and its derivatives by them."""
    value, by_score = 0.0, []
    for v in scores(spread, penalty.reg_metric):
        h_in, d_in = _entropy(v, 0)
        h_out, d_out = _entropy(v, 1)
        value += penalty.lamb_l1 * float(v.sum()) + penalty.lamb_entropy * (h_in + h_out)
        by_score.append(penalty.lamb_l1 + penalty.lamb_entropy * (d_in + d_out))
    return value, score_slopes(spread, penalty.reg_metric, by_score)


@np.errstate(over="ignore", invalid="ignore")  # absurd parameters end as a status of the fit
def spread_penalty(
    penalty: Penalty, net: Network, theta: FloatArray, x: FloatArray, places: Places, scratch: Scratch
) -> tuple[float, Pull]:
    """Value of the L1 and entropy terms, and what ``lamb`` times them adds to edge and node derivatives."""
    w, n = net.wiring, x.shape[0]
    edge_mean, edge_square = np.zeros(w.n_edges), np.zeros(w.n_edges)
    node_mean, node_square = np.zeros(w.n_nodes), np.zeros(w.n_nodes)
    kernels.edge_statistics(
        net.net, theta, x, places, scratch, edge_mean, edge_square, node_mean, node_square
    )
    sigma, s = deviation(edge_square, edge_mean, n), deviation(node_square, node_mean, n)
    nodes = [s[i:j] for i, j in zip(w.node_start[:-1], w.node_start[1:], strict=True)]
    value, slopes = sparsity(penalty, Spread.plain(nodes, _by_layer(w, sigma)))
    by_node = np.concatenate(slopes.nodes)
    by_node[w.width[0] :] += np.concatenate(slopes.sums)  # every node above the inputs is its own sum
    edge_weight = deviation_weight(penalty.lamb * _by_edge(w, slopes.edges), sigma, n)
    return value, Pull(edge_weight, edge_mean, deviation_weight(penalty.lamb * by_node, s, n), node_mean)


def coefficient_penalty(penalty: Penalty, net: Network, theta: FloatArray, grad: FloatArray | None) -> float:
    """Value of the coefficient terms; ``lamb`` times their (sub)gradient is added to `grad`."""
    if penalty.lamb_coef == 0 and penalty.lamb_coefdiff == 0:
        return 0.0
    w, b = net.wiring, net.has_base
    n_out = np.repeat(np.asarray(w.width[1:], float), np.diff(w.edge_start))[:, None]
    coef = theta[:, b:]
    steps = np.diff(coef, axis=1)
    value = penalty.lamb_coef * np.sum(np.abs(coef) / n_out)
    value += penalty.lamb_coefdiff * np.sum(np.abs(steps) / n_out)
    if grad is not None:
        grad[:, b:] += penalty.lamb * penalty.lamb_coef * np.sign(coef) / n_out
        kink = penalty.lamb * penalty.lamb_coefdiff * np.sign(steps) / n_out
        grad[:, b + 1 :] += kink
        grad[:, b:-1] -= kink
    return float(value)


def penalty_value(penalty: Penalty, net: Network, x: FloatArray) -> float:
    """R of a network on the samples x."""
    value, _ = spread_penalty(penalty, net, net.theta, x, new_places(net), new_scratch(net))
    return value + coefficient_penalty(penalty, net, net.theta, None)


def _entropy(v: FloatArray, axis: int) -> tuple[float, FloatArray]:
    """H = -mean sum p log2(p + 1e-4), p = v / (sum of v + 1), sums along `axis`, and dH / dv."""
    total = v.sum(axis=axis, keepdims=True) + 1.0
    p, n_groups = v / total, v.shape[1 - axis]
    log = np.log2(p + _LOG_FLOOR)
    by_p = -(log + p / ((p + _LOG_FLOOR) * np.log(2.0))) / n_groups
    shared = (by_p * p).sum(axis=axis, keepdims=True)
    return -float((p * log).sum()) / n_groups, (by_p - shared) / total


def _by_layer(w: Wiring, rows: FloatArray) -> list[FloatArray]:
    """One number an edge as a matrix a layer; without copies where every edge is there."""
    shapes = list(zip(w.width[:-1], w.width[1:], strict=True))
    if w.n_edges < sum(n * m for n, m in shapes):
        return w.by_layer(rows)
    return [part.reshape(pair) for part, pair in zip(np.split(rows, w.edge_start[1:-1]), shapes, strict=True)]


def _by_edge(w: Wiring, layers: list[FloatArray]) -> FloatArray:
    """The reverse of `_by_layer`."""
    if w.n_edges < sum(a.size for a in layers):
        return w.by_edge(layers)
    return np.concatenate([a.ravel() for a in layers])

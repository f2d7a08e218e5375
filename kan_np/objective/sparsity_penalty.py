"""pykan's sparsity penalties on edges: L1 norm and entropy of scores, sizes of coefficients; exact gradients.

With v_ij the score of edge (i, j) of a layer by one of the metrics of `kan_np.objective.edge_scores`,

    R = sum_l  lamb_l1 sum_e v_e
             + lamb_entropy (H_in + H_out)
             + lamb_coef sum |c| / n_out + lamb_coefdiff sum |c_{m+1} - c_m| / n_out
    H_in  = -mean_j sum_i p log2(p + 1e-4),  p = v_ij / (sum_i v_ij + 1)     (edges into a target)
    H_out = -mean_i sum_j q log2(q + 1e-4),  q = v_ij / (sum_j v_ij + 1)     (edges out of a source)

and the objective is the mean squared error + lamb R. For "node_backward" v_ij are the shares of the inputs in
the nodes. Source: arXiv:2404.19756, section 2.5.1, eq. (2.17)-(2.20), in the form that pykan 0.2.8 computes.

The gradient is exact. pykan treats the spreads of nodes by which the backward scores divide as constants, and
does not differentiate the scores "edge_forward_sum" at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Pull, Statistics
from kan_np.network.kernel_arrays import basis_edges
from kan_np.network.running_statistics import deviation, deviation_weight
from kan_np.network.structure import Structure
from kan_np.network.topology import Topology
from kan_np.objective.edge_scores import METRICS, Spread, SpreadSlopes, score_slopes, scores
from kan_np.objective.evaluator import StatisticsEvaluator

_LOG_FLOOR = 1e-4  # pykan's value


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
        """Whether R depends on the spreads of edges over the samples."""
        return self.lamb > 0 and (self.lamb_l1 > 0 or self.lamb_entropy > 0)


def scheduled_penalties(lamb: float | Iterable[float], **weights: Any) -> tuple[Penalty, ...]:
    """One penalty for each value of `lamb`; a fit uses them one after the other, for equal numbers of steps.

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
    penalty: Penalty, structure: Structure, found: Statistics, n_samples: int
) -> tuple[float, Pull]:
    """Value of the L1 and entropy terms, and what ``lamb`` times them adds to derivatives."""
    edges = deviation(found.edge_square, found.edge_mean, n_samples)
    bases = deviation(found.basis_square, found.basis_mean, n_samples)
    symbols = deviation(found.symbol_square, found.symbol_mean, n_samples)
    sums = deviation(found.sum_square, found.sum_mean, n_samples)
    nodes = deviation(found.node_square, found.node_mean, n_samples)
    value, slopes = sparsity(penalty, network_spread(structure, edges, bases, symbols, sums, nodes))
    lamb, t = penalty.lamb, structure.topology
    by_node, by_sum = np.concatenate(slopes.nodes), np.concatenate(slopes.sums)
    if structure.is_plain:
        by_node[t.width[0] :] += by_sum  # every node above the inputs is one sum
        by_sum = by_sum[:0]
    else:
        by_sum = np.concatenate([np.zeros(t.width[0]), by_sum])
    by_basis = np.array([slopes.edges[layer][i, j] for layer, i, j in basis_edges(structure)])
    by_symbol = np.array([slopes.edges[layer][i, j] for layer, i, j in structure.symbols])
    return value, Pull(
        deviation_weight(lamb * _by_edge(t, slopes.edges), edges, n_samples),
        found.edge_mean,
        deviation_weight(lamb * by_basis, bases, n_samples),
        found.basis_mean,
        deviation_weight(lamb * by_symbol, symbols, n_samples),
        found.symbol_mean,
        deviation_weight(lamb * by_sum, sums, n_samples),
        found.sum_mean,
        deviation_weight(lamb * by_node, nodes, n_samples),
        found.node_mean,
    )


def network_spread(
    structure: Structure,
    edges: FloatArray,
    bases: FloatArray,
    symbols: FloatArray,
    sums: FloatArray,
    nodes: FloatArray,
) -> Spread:
    """Spreads by layer, from the standard deviations of edges of all kinds, sums and nodes."""
    t = structure.topology
    by_layer = _by_layer(t, edges)
    of_nodes = [nodes[i:j] for i, j in zip(t.node_start[:-1], t.node_start[1:], strict=True)]
    if structure.is_plain:
        return Spread.plain(of_nodes, by_layer)
    masks = [np.zeros(pair, dtype=bool) for pair in t.pairs]
    by_layer = [layer.copy() for layer in by_layer]
    for (layer, i, j), own in zip(basis_edges(structure), bases, strict=True):
        by_layer[layer][i, j] = own
    for (layer, i, j), own in zip(structure.symbols, symbols, strict=True):
        by_layer[layer][i, j], masks[layer][i, j] = own, True
    of_sums = [sums[i:j] for i, j in zip(t.sum_start[1:-1], t.sum_start[2:], strict=True)]
    return Spread(of_nodes, by_layer, of_sums, [t.owner(layer) for layer in range(len(masks))], masks)


def coefficient_penalty(
    penalty: Penalty, structure: Structure, params: FloatArray, grad: FloatArray | None
) -> float:
    """Value of the coefficient terms; ``lamb`` times their (sub)gradient is added to `grad`.

    `params` and `grad` are those of the spline edges, of shape (n_edges, n_row).
    """
    if penalty.lamb_coef == 0 and penalty.lamb_coefdiff == 0:
        return 0.0
    t, b = structure.topology, structure.has_base
    n_out = np.repeat(np.asarray(t.width_in[1:], float), np.diff(t.edge_start))[:, None]
    coef = params[:, b:]
    steps = np.diff(coef, axis=1)
    value = penalty.lamb_coef * np.sum(np.abs(coef) / n_out)
    value += penalty.lamb_coefdiff * np.sum(np.abs(steps) / n_out)
    if grad is not None:
        grad[:, b:] += penalty.lamb * penalty.lamb_coef * np.sign(coef) / n_out
        kink = penalty.lamb * penalty.lamb_coefdiff * np.sign(steps) / n_out
        grad[:, b + 1 :] += kink
        grad[:, b:-1] -= kink
    return float(value)


class SparsityPenalty:
    """R of a KAN as a penalty of an objective; see `kan_np.objective.regularized_loss.Regularizer`.

    Parameters
    ----------
    penalty : Penalty
    structure : Structure
    evaluator : StatisticsEvaluator
    n_samples : int
    """

    def __init__(
        self, penalty: Penalty, structure: Structure, evaluator: StatisticsEvaluator, n_samples: int
    ) -> None:
        self._penalty, self._structure = penalty, structure
        self._evaluator, self._n_samples = evaluator, n_samples

    @property
    def weight(self) -> float:
        """``lamb``."""
        return self._penalty.lamb

    def pull(self) -> tuple[float, Pull | None]:
        """Value of the terms that depend on samples, and what they add to derivatives."""
        if not self._penalty.needs_statistics:
            return 0.0, None
        found = self._evaluator.statistics()
        return spread_penalty(self._penalty, self._structure, found, self._n_samples)

    def add_gradient(self, values: FloatArray, grad: FloatArray) -> float:
        """Value of the other terms; ``lamb`` times their gradient is added to `grad`."""
        n, n_row = self._structure.ends.splines, self._structure.n_row
        params, by_params = values[:n].reshape(-1, n_row), grad[:n].reshape(-1, n_row)
        return coefficient_penalty(self._penalty, self._structure, params, by_params)


def _entropy(v: FloatArray, axis: int) -> tuple[float, FloatArray]:
    """H = -mean sum p log2(p + 1e-4), p = v / (sum of v + 1), sums along `axis`, and dH / dv."""
    total = v.sum(axis=axis, keepdims=True) + 1.0
    p, n_groups = v / total, v.shape[1 - axis]
    log = np.log2(p + _LOG_FLOOR)
    by_p = -(log + p / ((p + _LOG_FLOOR) * np.log(2.0))) / n_groups
    shared = (by_p * p).sum(axis=axis, keepdims=True)
    return -float((p * log).sum()) / n_groups, (by_p - shared) / total


def _by_layer(w: Topology, rows: FloatArray) -> list[FloatArray]:
    """One number for each edge as one matrix for each layer; without copies if no edge is missing."""
    pairs = w.pairs
    if w.n_edges < sum(n * m for n, m in pairs):
        return w.by_layer(rows)
    return [part.reshape(pair) for part, pair in zip(np.split(rows, w.edge_start[1:-1]), pairs, strict=True)]


def _by_edge(w: Topology, layers: list[FloatArray]) -> FloatArray:
    """The reverse of `_by_layer`."""
    if w.n_edges < sum(a.size for a in layers):
        return w.by_edge(layers)
    return np.concatenate([a.ravel() for a in layers])

"""pykan's penalties on edges, with exact gradients.

For layer l with n_out targets, sigma_e the standard deviation over samples (n - 1 in the denominator, as
torch.std) of the values of edge e = (i, j), and s_i that of its input x_i:

    v_e = sigma_e / (s_i + 0.1)            metric "edge_forward_spline_n"
    v_e = sigma_e                          metric "edge_forward_spline_u"

    R = sum_l  lamb_l1 sum_e v_e
             + lamb_entropy (H_in + H_out)
             + lamb_coef sum |c| / n_out + lamb_coefdiff sum |c_{m+1} - c_m| / n_out
    H_in  = -mean_j sum_i p log2(p + 1e-4),  p = v_ij / (sum_i v_ij + 1)     (edges into a target)
    H_out = -mean_i sum_j q log2(q + 1e-4),  q = v_ij / (sum_j v_ij + 1)     (edges out of a source)

and the objective is the mean squared error + lamb R. Source: arXiv:2404.19756, section 2.5.1,
eq. (2.17)-(2.20), in the form that pykan 0.2.8 computes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.kernels import network as kernels
from kan_np.kernels.structure import Ints, Places, Pull, Scratch
from kan_np.network import Network, new_places, new_scratch

METRICS = ("edge_forward_spline_n", "edge_forward_spline_u")

_INPUT_FLOOR = 0.1
_LOG_FLOOR = 1e-4
#: A spread below this part of the mean is rounding: such edges and nodes are constant.
_ROUNDING = 8 * np.finfo(np.float64).eps


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


def spread_penalty(
    penalty: Penalty, net: Network, theta: FloatArray, x: FloatArray, places: Places, scratch: Scratch
) -> tuple[float, Pull]:
    """Value of the L1 and entropy terms, and what ``lamb`` times them adds to edge and node derivatives.

    With d sigma / d phi_s = (phi_s - mean) / ((n - 1) sigma) the chain rule gives every edge an extra
    derivative proportional to its deviation from the mean; the factors are returned as a `Pull`.
    """
    w = net.wiring
    edge_mean, edge_square = np.zeros(w.n_edges), np.zeros(w.n_edges)
    node_mean, node_square = np.zeros(w.n_sources), np.zeros(w.n_sources)
    kernels.edge_statistics(
        net.net, theta, x, places, scratch, edge_mean, edge_square, node_mean, node_square
    )
    for square, mean in ((edge_square, edge_mean), (node_square, node_mean)):
        square[square <= x.shape[0] * (_ROUNDING * mean) ** 2] = 0.0
    freedom = max(x.shape[0] - 1, 1)
    sigma, s = np.sqrt(edge_square / freedom), np.sqrt(node_square / freedom)
    normalised = penalty.reg_metric == "edge_forward_spline_n"
    scale = s[w.source] + _INPUT_FLOOR if normalised else np.ones(w.n_edges)
    v = sigma / scale
    value, slope = 0.0, np.empty(w.n_edges)
    for layer in range(len(w.width) - 1):
        edges = slice(w.edge_start[layer], w.edge_start[layer + 1])
        sources = w.source[edges] - w.node_start[layer]
        targets = w.target[edges] - w.node_start[layer + 1]
        h_in, d_in = _entropy(v[edges], targets, w.width[layer + 1])
        h_out, d_out = _entropy(v[edges], sources, w.width[layer])
        value += penalty.lamb_l1 * float(v[edges].sum()) + penalty.lamb_entropy * (h_in + h_out)
        slope[edges] = penalty.lamb_l1 + penalty.lamb_entropy * (d_in + d_out)
    by_sigma: FloatArray = penalty.lamb * slope / scale
    edge_weight = _divide(by_sigma, freedom * sigma)
    node_weight = np.zeros(w.n_sources)
    if normalised:
        by_s = -np.bincount(w.source, by_sigma * v, minlength=w.n_sources).astype(np.float64)
        node_weight = _divide(by_s, freedom * s)
    return value, Pull(edge_weight, edge_mean, node_weight, node_mean)


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


def _entropy(v: FloatArray, group: Ints, n_groups: int) -> tuple[float, FloatArray]:
    """H = -(1 / n_groups) sum_e p log2(p + 1e-4), p = v / (sum of v in its group + 1), and dH / dv."""
    total = np.bincount(group, v, minlength=n_groups) + 1.0
    p = v / total[group]
    log = np.log2(p + _LOG_FLOOR)
    by_p = -(log + p / ((p + _LOG_FLOOR) * np.log(2.0))) / n_groups
    shared = np.bincount(group, by_p * v, minlength=n_groups) / total**2
    return float(-np.sum(p * log) / n_groups), by_p / total[group] - shared[group]


def _divide(a: FloatArray, b: FloatArray) -> FloatArray:
    """a / b, and 0 where b is 0: a constant edge has no direction in which its spread grows."""
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)

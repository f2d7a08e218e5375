"""What an optimizer minimises for a `MixedNetwork`; all means what it means in `kan_np.objective.objective`.

Gauss-Newton matrices come from the rows of J, laid out for a chunk of samples and multiplied by BLAS.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.network.layer_pass import Pulled
from kan_np.network.mixed_network import MixedNetwork
from kan_np.network.running_statistics import Moments, deviation_weight
from kan_np.objective.edge_scores import Spread
from kan_np.objective.objective import add_square, label_variance, residual_weights
from kan_np.objective.smoothing import WEAK, Roughness, Smoother, difference_matrix, jump_differences
from kan_np.objective.sparsity_penalty import Penalty, coefficient_penalty, sparsity

#: Bytes that B-splines, their derivatives and the rows of a Jacobian may take for the samples of a part.
_PART_BYTES = 64 * 2**20


class MixedObjective:
    """f(theta) = sum_s v_s |f(x_s) - y_s|^2 + lamb R + smoothing S for a `MixedNetwork`.

    Parameters
    ----------
    net : MixedNetwork
        Gives everything but the parameters.
    x : ndarray of shape (n_samples, n_in)
    y : ndarray of shape (n_samples, n_out)
    penalty : Penalty, optional
        R, see `kan_np.objective.sparsity_penalty`.
    weight : ndarray of shape (n_samples,), optional
        Sample weights; v_s = weight_s / (n_out sum of weight). Equal weights if not given.
    smoothing : float or "weak"
        Weight of S, over the spline edges, see `kan_np.objective.smoothing`. With "weak" `normal_equations`
        sets it, to one weight an edge.
    """

    def __init__(
        self,
        net: MixedNetwork,
        x: FloatArray,
        y: FloatArray,
        penalty: Penalty | None = None,
        weight: FloatArray | None = None,
        smoothing: float | str = 0.0,
    ) -> None:
        self.net = net
        self.penalty = penalty or Penalty()
        differences = self._edge_differences(weak=smoothing == WEAK)
        self._smoother = Smoother(Roughness(differences), smoothing, *differences.shape[:2])
        self.n_fev = 0
        self.mse = self.reg = float("nan")
        self._n = x.shape[0]
        self._weight = residual_weights(y, weight)
        self._label_variance = label_variance(y, self._weight)
        part = _samples_of_a_part(net)
        rows, labels = np.ascontiguousarray(x.T), np.ascontiguousarray(y.T)
        self._parts = [
            (
                np.ascontiguousarray(rows[:, low : low + part]),
                labels[:, low : low + part],
                slice(low, low + part),
            )
            for low in range(0, self._n, part)
        ]
        # with one part only, the B-splines of the inputs never change
        self._layers = net.passes(fixed=len(self._parts) == 1)
        self._ends = list(zip(net.value_starts[:-1], net.value_starts[1:], strict=True))
        self._matrix: FloatArray | None = None

    @property
    def smoothing(self) -> float | FloatArray:
        """Weight of S, or of every edge."""
        return self._smoother.weight

    @smoothing.setter
    def smoothing(self, weight: float) -> None:
        self._smoother.weight = weight

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        return self._n * self.net.width[-1]

    @property
    def least_squares(self) -> bool:
        """Whether no penalty but smoothing enters."""
        return self.penalty.lamb == 0

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Objective and gradient at the flat vector theta of length n_params."""
        self.n_fev += 1
        values = self._load(theta)
        grad = np.zeros(values.size)
        self.mse = self.reg = 0.0
        with np.errstate(all="ignore"):  # divergence is a status of the fit
            pulled = self._spread_penalty() if self.penalty.needs_statistics else None
            for x, y, samples in self._parts:
                residual = self._forward(x, back=True) - y
                delta = residual * self._weight[samples]
                self.mse += float(np.vdot(delta, residual))
                self._pull(2.0 * delta, grad, pulled)
            value = self.mse
            if self.penalty.lamb > 0:
                self.reg += self._coefficient_penalty(values, grad)
                value += self.penalty.lamb * self.reg
            if self._smoother.acts:
                value += self._smooth(values, grad)
        return value, self._free_gradient(grad)

    def value(self, theta: FloatArray) -> float:
        """Objective alone, without pykan's penalties, at the flat vector theta."""
        self.n_fev += 1
        values = self._load(theta)
        self.mse = self.reg = 0.0
        with np.errstate(all="ignore"):
            for x, y, samples in self._parts:
                residual = self._forward(x) - y
                self.mse += float(np.vdot(residual * self._weight[samples], residual))
            return self.mse + (self._smooth(values) if self._smoother.acts else 0.0)

    def normal_equations(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Objective, gradient and Gauss-Newton Hessian, without pykan's penalties; see `Objective`."""
        self.n_fev += 1
        values = self._load(theta)
        if self._matrix is None:
            self._matrix = np.empty((theta.size, theta.size))
        hessian, grad = self._matrix, np.zeros(theta.size)
        hessian.fill(0.0)
        total = 0.0
        with np.errstate(all="ignore"):
            for x, y, samples in self._parts:
                root = np.sqrt(2.0 * self._weight[samples])
                scaled = (self._forward(x, back=True) - y) * root
                rows = self._free_rows(self._jacobian(root))
                add_square(rows, hessian)
                grad += rows @ scaled.ravel()
                total += float(np.vdot(scaled, scaled))
            self.mse, self.reg = 0.5 * total, 0.0
            if self._smoother.follows_loss:
                self._follow_loss(values, hessian.diagonal())
            value = self.mse
            if self._smoother.acts:
                value += self._smooth_free(values, grad, hessian)
        return value, grad, hessian.T

    def _load(self, theta: FloatArray) -> FloatArray:
        values = self.net.all_values(np.asarray(theta, dtype=np.float64))
        for layer, (a, b) in zip(self._layers, self._ends, strict=True):
            layer.load(values[a:b])
        return values

    def _forward(self, x: FloatArray, *, back: bool = False) -> FloatArray:
        for layer in self._layers:
            x = layer.forward(x, back=back)
        return x

    def _pull(self, delta: FloatArray, grad: FloatArray, pulled: list[Pulled] | None) -> None:
        for level in range(len(self._layers) - 1, -1, -1):
            layer, (a, b) = self._layers[level], self._ends[level]
            if pulled is None:
                delta = layer.pull(delta, grad[a:b])
            else:
                delta = layer.pull(delta, grad[a:b], layer.edge_values(), pulled[level])

    def _jacobian(self, root: FloatArray) -> FloatArray:
        """Rows of root times the Jacobian after a forward pass: (n_values, n_out n)."""
        n_out, n = self.net.width[-1], root.size
        rows = np.empty((self._ends[-1][1], n_out, n))
        for j in range(n_out):
            delta = np.zeros((n_out, n))
            delta[j] = root
            for layer, (a, b) in zip(self._layers[::-1], self._ends[::-1], strict=True):
                delta = layer.jacobian(delta, rows[a:b, j])
        return rows.reshape(rows.shape[0], -1)

    def _free_gradient(self, grad: FloatArray) -> FloatArray:
        if self.net.shared is None:
            return grad
        return np.asarray(np.bincount(self.net.shared, grad, self.net.n_params), dtype=np.float64)

    def _free_rows(self, rows: FloatArray) -> FloatArray:
        if self.net.shared is None:
            return rows
        free = np.zeros((self.net.n_params, rows.shape[1]))
        for place, row in zip(self.net.shared, rows, strict=True):
            free[place] += row
        return free

    def _spread_penalty(self) -> list[Pulled]:
        """L1 and entropy terms into `reg`; what lamb times them adds to derivatives, layer by layer."""
        moments = [_LayerMoments() for _ in self._layers]
        inputs = Moments()
        for x, _, _ in self._parts:
            self._forward(x, back=True)
            inputs.join(x)
            for layer, moment in zip(self._layers, moments, strict=True):
                moment.edges.join(layer.edge_values())
                moment.sums.join(layer.sums)
                moment.nodes.join(layer.nodes)
        net = self.net
        spread = Spread(
            nodes=[inputs.deviation(), *(m.nodes.deviation() for m in moments)],
            edges=[m.edges.deviation() for m in moments],
            sums=[m.sums.deviation() for m in moments],
            owner=[layer.owner for layer in net.layers],
            symbols=[layer.mask & ~layer.splines.masks[0] for layer in net.layers],
        )
        self.reg, slopes = sparsity(self.penalty, spread)
        lamb, n = self.penalty.lamb, self._n
        return [
            Pulled(
                deviation_weight(lamb * slopes.edges[level], spread.edges[level], n),
                m.edges.mean,
                deviation_weight(lamb * slopes.sums[level], spread.sums[level], n),
                m.sums.mean,
                deviation_weight(lamb * slopes.nodes[level + 1], spread.nodes[level + 1], n),
                m.nodes.mean,
            )
            for level, m in enumerate(moments)
        ]

    def _splines(self, values: FloatArray) -> Iterator[tuple[Any, slice, FloatArray]]:
        """Spline network, place among all values, and parameters (n_edges, n_row) of each layer."""
        for layer, (start, _) in zip(self.net.layers, self._ends, strict=True):
            theta = layer.splines.theta
            here = slice(start, start + theta.size)
            yield layer.splines, here, values[here].reshape(theta.shape)

    def _coefficients(self, values: FloatArray) -> FloatArray:
        return np.concatenate([theta[:, self.net.has_base :] for _, _, theta in self._splines(values)])

    def _edge_differences(self, *, weak: bool) -> FloatArray:
        """D of every spline edge, see `kan_np.objective.smoothing`."""
        splines = [layer.splines for layer in self.net.layers]
        if not weak:
            return np.concatenate(
                [np.repeat(difference_matrix(s.table.n_basis)[None], len(s.theta), axis=0) for s in splines]
            )
        return np.concatenate([jump_differences(s.table)[s.wiring.source] for s in splines])

    def _follow_loss(self, values: FloatArray, diagonal: FloatArray) -> None:
        """Set the weights of "weak"; `diagonal` is that of the Gauss-Newton matrix."""
        of_values = diagonal if self.net.shared is None else diagonal[self.net.shared]
        felt = self._coefficients(of_values).sum(axis=1)
        coef = self._coefficients(values)
        self._smoother.follow(self.mse, coef, 0, felt, self.n_residuals, self._label_variance)

    def _coefficient_penalty(self, values: FloatArray, grad: FloatArray) -> float:
        total = 0.0
        for splines, here, theta in self._splines(values):
            total += coefficient_penalty(self.penalty, splines, theta, grad[here].reshape(theta.shape))
        return total

    def _smooth(self, values: FloatArray, grad: FloatArray | None = None) -> float:
        """The smoothing penalty over the spline edges; its gradient is added to `grad`."""
        coef = self._coefficients(values)
        if grad is None:
            return self._smoother.value(coef, 0)
        slope, first = np.zeros_like(coef), 0
        value = self._smoother.add_slope(coef, 0, slope)
        for _, here, theta in self._splines(values):
            own = grad[here].reshape(theta.shape)
            own[:, self.net.has_base :] += slope[first : first + len(theta)]
            first += len(theta)
        return value

    def _smooth_free(self, values: FloatArray, grad: FloatArray, hessian: FloatArray) -> float:
        """As `_smooth` with derivatives by the trainable numbers, also the second ones."""
        full, b, net = np.zeros(values.size), self.net.has_base, self.net
        value = self._smooth(values, full)
        grad += self._free_gradient(full)
        free = np.arange(values.size) if net.shared is None else net.shared
        edges = [row for _, here, theta in self._splines(values) for row in free[here].reshape(theta.shape)]
        n_basis = edges[0].size - b
        curvature = np.zeros((len(edges) * n_basis, n_basis))
        self._smoother.add_curvature(0, (n_basis, 0), curvature)
        for edge, matrix in zip(edges, np.split(curvature, len(edges)), strict=True):
            hessian[np.ix_(edge[b:], edge[b:])] += matrix
        return value


class _LayerMoments:
    """Of a layer: its edges, their sums, the nodes above."""

    def __init__(self) -> None:
        self.edges, self.sums, self.nodes = Moments(), Moments(), Moments()


def _samples_of_a_part(net: MixedNetwork) -> int:
    """Samples whose full rows fit into `_PART_BYTES`."""
    n_row = net.layers[0].splines.theta.shape[1]
    rows = 2 * n_row * sum(net.width[:-1]) + net.width[-1] * net.value_starts[-1]
    rows += sum(a * b for a, b in zip(net.width[:-1], net.width_in[1:], strict=True))
    return max(_PART_BYTES // (8 * rows), 256)

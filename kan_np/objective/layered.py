"""The squared error of a KAN on samples, computed layer by layer, for symbols without a compiled function."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Ints, Pull, Statistics
from kan_np.network.kernel_arrays import basis_edges
from kan_np.network.layered import LayerPass, LayerPull, new_passes, values_by_layer
from kan_np.network.parameters import ParameterMap
from kan_np.network.running_statistics import Moments
from kan_np.network.structure import Structure
from kan_np.objective.evaluator import add_square, label_variance, residual_weights

#: Most bytes of B-splines, their derivatives and rows of the Jacobian for one part of the samples; chosen by
#: judgement.
_PART_BYTES = 64 * 2**20


class LayeredEvaluator:
    """The loss of a KAN on samples; see `kan_np.objective.evaluator.Evaluator`.

    Parameters
    ----------
    structure : Structure
    x : ndarray of shape (n_samples, n_in)
    y : ndarray of shape (n_samples, n_out)
    weight : ndarray of shape (n_samples,), optional
    part_bytes : int
        Samples are processed in parts that need no more memory than this.
    """

    def __init__(
        self,
        structure: Structure,
        x: FloatArray,
        y: FloatArray,
        weight: FloatArray | None = None,
        part_bytes: int = _PART_BYTES,
    ) -> None:
        self.structure = structure
        self._n = x.shape[0]
        self._weight = residual_weights(y, weight)
        self.label_variance = label_variance(y, self._weight)
        part = _samples_of_a_part(structure, part_bytes)
        rows, labels = np.array(x.T, order="C"), np.array(y.T, order="C")  # copies, for `load`
        self.parts = [
            (
                np.ascontiguousarray(rows[:, low : low + part]),
                labels[:, low : low + part],
                slice(low, low + part),
            )
            for low in range(0, self._n, part)
        ]
        # if all samples are one part, the B-splines of the inputs never change
        self.values, self.gradient = np.zeros(structure.n_values), np.zeros(structure.n_values)
        self._layers = new_passes(structure, self.values, fixed=len(self.parts) == 1)
        self._own_values = values_by_layer(structure)

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        return self._n * self.structure.topology.width[-1]

    def load(self, x: FloatArray, y: FloatArray, weight: FloatArray) -> None:
        """Replace all samples by as many others."""
        for inputs, _, samples in self.parts:
            inputs[...] = x[samples].T
        self.load_labels(y, weight)
        self._layers[0].forget_samples()

    def load_labels(self, y: FloatArray, weight: FloatArray) -> None:
        """Replace labels and weights; see `kan_np.objective.loss_evaluator.OutputsEvaluator`."""
        self._weight[...] = weight
        for _, labels, samples in self.parts:
            labels[...] = y[samples].T

    def outputs(self) -> FloatArray:
        """Outputs for the present values, (n_samples, n_out)."""
        self._load()
        with np.errstate(all="ignore"):
            return np.concatenate([self._forward(x).T for x, _, _ in self.parts])

    def jacobian_parts(self) -> Iterator[tuple[slice, FloatArray]]:
        """Parts of the samples with the Jacobian of all outputs, (n_values, n_out, n)."""
        self._load()
        n_out = self.structure.topology.width[-1]
        for x, _, samples in self.parts:
            with np.errstate(all="ignore"):
                self._forward(x, back=True)
                rows = self._jacobian(np.ones(x.shape[1]))
            yield samples, rows.reshape(rows.shape[0], n_out, -1)

    def loss(self) -> float:
        """The loss without its gradient."""
        self._load()
        total = 0.0
        with np.errstate(all="ignore"):  # divergence is a status of the fit
            for x, y, samples in self.parts:
                residual = self._forward(x) - y
                total += float(np.vdot(residual * self._weight[samples], residual))
        return total

    def loss_and_gradient(self, pull: Pull | None) -> float:
        """The loss; its gradient, with what a penalty adds by `pull`, is written to `gradient`."""
        self._load()
        self.gradient.fill(0.0)
        pulls = None if pull is None else layer_pulls(self.structure, pull)
        total = 0.0
        with np.errstate(all="ignore"):
            for x, y, samples in self.parts:
                residual = self._forward(x, back=True) - y
                delta = residual * self._weight[samples]
                total += float(np.vdot(delta, residual))
                self._pull(2.0 * delta, pulls)
        return total

    def normal_equations(self, parameters: ParameterMap | None) -> tuple[float, FloatArray, FloatArray]:
        """Loss, gradient, and upper triangle of 2 J^T V J."""
        self._load()
        n = self.values.size if parameters is None else parameters.n_free
        hessian, grad, total = np.zeros((n, n)), np.zeros(n), 0.0
        with np.errstate(all="ignore"):
            for x, y, samples in self.parts:
                root = np.sqrt(2.0 * self._weight[samples])
                scaled = (self._forward(x, back=True) - y) * root
                rows = self._jacobian(root)
                rows = rows if parameters is None else parameters.rows(rows)
                add_square(rows, hessian)
                grad += rows @ scaled.ravel()
                total += float(np.vdot(scaled, scaled))
        return 0.5 * total, grad, hessian

    def statistics(self) -> Statistics:
        """Means and squared deviations of edges, sums and nodes over the samples."""
        self._load()
        edges, sums, nodes = ([Moments() for _ in self._layers] for _ in range(3))
        inputs = Moments()
        with np.errstate(all="ignore"):
            for x, _, _ in self.parts:
                self._forward(x)
                inputs.join(x)
                for number, layer in enumerate(self._layers):
                    edges[number].join(layer.edge_values())
                    sums[number].join(layer.sums)
                    nodes[number].join(layer.nodes)
        t = self.structure.topology
        found: list[FloatArray] = []
        symbols, others = list(self.structure.symbols), basis_edges(self.structure)
        n_sums = 0 if self.structure.is_plain else t.n_sums
        for name in ("mean", "square"):
            layers = [getattr(moments, name) for moments in edges]
            found += [
                t.by_edge(layers),
                np.array([layers[layer][i, j] for layer, i, j in others]),
                np.array([layers[layer][i, j] for layer, i, j in symbols]),
                np.concatenate([np.zeros(t.width[0]), *(getattr(m, name) for m in sums)])[:n_sums],
                np.concatenate([getattr(m, name) for m in (inputs, *nodes)]),
            ]
        return Statistics(*(found[kind + 5 * square] for kind in range(5) for square in range(2)))

    def _load(self) -> None:
        for layer, own in zip(self._layers, self._own_values, strict=True):
            layer.load(self.values[own])

    def _forward(self, x: FloatArray, *, back: bool = False) -> FloatArray:
        for layer in self._layers:
            x = layer.forward(x, back=back)
        return x

    def _pull(self, delta: FloatArray, pulls: list[LayerPull] | None) -> None:
        for number in range(len(self._layers) - 1, -1, -1):
            layer, own = self._layers[number], self._own_values[number]
            by_value = np.zeros(own.size)
            if pulls is None:
                delta = layer.pull(delta, by_value)
            else:
                delta = layer.pull(delta, by_value, layer.edge_values(), pulls[number])
            self.gradient[own] += by_value

    def _jacobian(self, root: FloatArray) -> FloatArray:
        """Transposed Jacobian times `root`, after a forward pass: (n_values, n_out n)."""
        n_out, n = self.structure.topology.width[-1], root.size
        rows = np.empty((self.structure.n_values, n_out, n))
        steps: list[tuple[LayerPass, Ints]] = list(zip(self._layers, self._own_values, strict=True))
        for j in range(n_out):
            delta = np.zeros((n_out, n))
            delta[j] = root
            for layer, own in reversed(steps):
                by_value = np.empty((own.size, n))
                delta = layer.jacobian(delta, by_value)
                rows[own, j] = by_value
        return rows.reshape(rows.shape[0], -1)


def layer_pulls(structure: Structure, pull: Pull) -> list[LayerPull]:
    """What a penalty adds to derivatives, split by layers."""
    t = structure.topology
    pairs = []
    others = basis_edges(structure)
    for of_splines, of_bases, of_symbols in (
        (pull.edge_weight, pull.basis_weight, pull.symbol_weight),
        (pull.edge_mean, pull.basis_mean, pull.symbol_mean),
    ):
        layers = t.by_layer(of_splines)
        for (layer, i, j), value in zip(others, of_bases, strict=True):
            layers[layer][i, j] = value
        for (layer, i, j), value in zip(structure.symbols, of_symbols, strict=True):
            layers[layer][i, j] = value
        pairs.append(layers)
    sums = [slice(a, b) for a, b in zip(t.sum_start[1:-1], t.sum_start[2:], strict=True)]
    nodes = [slice(a, b) for a, b in zip(t.node_start[1:-1], t.node_start[2:], strict=True)]
    if not pull.sum_mean.size:  # every node is one sum, and its weight includes that of the sum
        zero = np.zeros(t.n_sums)
        pull = pull._replace(sum_weight=zero, sum_mean=zero)
    return [
        LayerPull(
            weight,
            mean,
            pull.sum_weight[sums[layer]],
            pull.sum_mean[sums[layer]],
            pull.node_weight[nodes[layer]],
            pull.node_mean[nodes[layer]],
        )
        for layer, (weight, mean) in enumerate(zip(*pairs, strict=True))
    ]


def _samples_of_a_part(structure: Structure, part_bytes: int) -> int:
    """Number of samples whose arrays fit in `part_bytes`."""
    t = structure.topology
    rows = 2 * structure.n_row * sum(t.width[:-1]) + t.width[-1] * structure.n_values
    rows += sum(a * b for a, b in t.pairs)
    return max(part_bytes // (8 * rows), 256)

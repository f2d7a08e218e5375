"""Other losses than squares on the compiled kernels: value, gradient and generalised Gauss-Newton matrix.

With f the outputs, l the loss, and g and H its first and second derivatives by the outputs, the mean loss has
the gradient sum_s v_s J_s^T g_s and the Gauss-Newton matrix sum_s v_s J_s^T H_s J_s. The kernels compute
squared errors sum_s u_s |f_s - z_s|^2, whose gradient is 2 sum_s u_s J_s^T (f_s - z_s). So they are asked for

    u = v / 2,    z = f - g            the gradient,
    u = v H / 2,  z = f - g / H        gradient and matrix, for one output: weights and working labels of
                                       iteratively reweighted least squares,

and for several outputs the matrix is the product of the rows of J, which the kernels lay out, mixed by a root
R of H = R R^T.

Sources: N. N. Schraudolph (2002), Fast curvature matrix-vector products, Neural Computation 14, 1723;
P. McCullagh and J. A. Nelder (1989), Generalized Linear Models, section 2.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Pull
from kan_np.network.parameters import ParameterMap
from kan_np.objective.evaluator import Evaluator, add_square
from kan_np.objective.loss import Loss

#: Least curvature of a sample, as a fraction of the largest curvature or slope of all: keeps the working
#: labels of samples finite where the loss is a straight line.
_LEAST_CURVATURE = 1e-10


class OutputsEvaluator(Evaluator, Protocol):
    """An evaluator of squares that also says the outputs and lays out the Jacobian, for other losses."""

    def outputs(self) -> FloatArray:
        """f for the present values, (n_samples, n_out)."""
        ...

    def load_labels(self, y: FloatArray, weight: FloatArray) -> None:
        """Replace labels (n_samples, n_out) and weights v (n_samples,)."""
        ...

    def jacobian_parts(self) -> Iterator[tuple[slice, FloatArray]]:
        """Parts of the samples with d f_j / d theta, (n_values, n_out, n); the next overwrites the last."""
        ...


class LossEvaluator:
    """The mean of a loss on samples; see `kan_np.objective.evaluator.Evaluator`.

    Parameters
    ----------
    squares : OutputsEvaluator
        The model on the same samples. Its labels and weights are overwritten.
    loss : Loss
    y : ndarray of shape (n_samples, n_out)
        As ``loss.labels`` returns them.
    weight : ndarray of shape (n_samples,), optional
    """

    def __init__(
        self, squares: OutputsEvaluator, loss: Loss, y: FloatArray, weight: FloatArray | None = None
    ) -> None:
        self._squares, self._loss, self._y = squares, loss, y
        self._share = np.full(len(y), 1.0 / len(y)) if weight is None else weight / weight.sum()
        self.values, self.gradient = squares.values, squares.gradient
        self._matrix: FloatArray | None = None

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        return int(self._y.size)

    @property
    def label_variance(self) -> float:
        """Variance of the labels."""
        return self._squares.label_variance

    def load(self, x: FloatArray, y: FloatArray, weight: FloatArray) -> None:
        """Replace all samples by as many others."""
        self._squares.load(x, y, weight)
        self._y, self._share = y, weight * y.shape[1]

    def loss(self) -> float:
        """The mean loss without its gradient."""
        with np.errstate(all="ignore"):  # divergence is a status of the fit
            return float(self._share @ self._loss.value(self._y, self._squares.outputs()))

    def loss_and_gradient(self, pull: Pull | None) -> float:
        """The mean loss; its gradient, with what a penalty adds by `pull`, is written to `gradient`."""
        with np.errstate(all="ignore"):
            f = self._squares.outputs()
            value, slope = self._loss.value_and_gradient(self._y, f)
            self._squares.load_labels(f - slope, 0.5 * self._share)
            self._squares.loss_and_gradient(pull)
            return float(self._share @ value)

    def normal_equations(self, parameters: ParameterMap | None) -> tuple[float, FloatArray, FloatArray]:
        """Mean loss, gradient, and upper triangle of the generalised Gauss-Newton matrix."""
        with np.errstate(all="ignore"):
            f = self._squares.outputs()
            value, slope = self._loss.value_and_gradient(self._y, f)
            curvature = self._loss.curvature(self._y, f)
            mean = float(self._share @ value)
            if f.shape[1] == 1:
                bend = _at_least(curvature[:, :, 0], slope)
                self._squares.load_labels(f - slope / bend, 0.5 * self._share * bend[:, 0])
                _, gradient, upper = self._squares.normal_equations(parameters)
                return mean, gradient, upper
            if not (np.isfinite(mean) and np.isfinite(curvature).all()):  # no root; the fit ends
                n = self.values.size if parameters is None else parameters.n_free
                return np.nan, np.full(n, np.nan), np.full((n, n), np.nan)
            upper = self._mixed(_roots(curvature * self._share[:, None, None]), parameters)
            self._squares.load_labels(f - slope, 0.5 * self._share)
            self._squares.loss_and_gradient(None)
            by_values = self.gradient
            return (
                mean,
                by_values.copy() if parameters is None else parameters.gradient(by_values),
                upper,
            )

    def _mixed(self, roots: FloatArray, parameters: ParameterMap | None) -> FloatArray:
        """Upper triangle of the sum of J^T R R^T J over all samples."""
        n = self.values.size if parameters is None else parameters.n_free
        if self._matrix is None or self._matrix.shape[0] != n:
            self._matrix = np.empty((n, n))
        self._matrix.fill(0.0)
        for samples, rows in self._squares.jacobian_parts():
            root = roots[samples]
            mixed = np.zeros_like(rows)
            for j in range(rows.shape[1]):
                for k in range(rows.shape[1]):
                    factor = root[:, j, k]
                    if factor.any():
                        mixed[:, k] += rows[:, j] * factor
            flat = mixed.reshape(rows.shape[0], -1)
            add_square(flat if parameters is None else parameters.rows(flat), self._matrix)
        return self._matrix


def _at_least(curvature: FloatArray, slope: FloatArray) -> FloatArray:
    """Curvatures of one output, none of them 0 or less."""
    largest = max(float(curvature.max()), float(np.abs(slope).max()))
    return np.maximum(curvature, _LEAST_CURVATURE * largest if largest > 0 else 1.0)


def _roots(matrices: FloatArray) -> FloatArray:
    """R with R R^T = H for symmetric matrices (n, m, m), negative eigenvalues of which count as 0."""
    off = matrices.copy()
    for j in range(matrices.shape[1]):
        off[:, j, j] = 0.0
    if not off.any():
        return np.asarray(np.sqrt(np.maximum(matrices, 0.0)))
    sizes, vectors = np.linalg.eigh(matrices)
    return np.asarray(vectors * np.sqrt(np.maximum(sizes, 0.0))[:, None, :])

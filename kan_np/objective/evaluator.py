"""Evaluators: the interface by which an objective computes the loss of a model and its derivatives.

Three compute squared errors: the compiled one of KANs, the one of KANs layer by layer, and that of MLPs.
`kan_np.objective.loss_evaluator` makes other losses of them. All work on *all* values of a model, trained or
frozen; `RegularizedLoss` selects the trained ones. Values are read from an array of the evaluator, `values`,
and derivatives written to another, `gradient`, since allocating arrays would be slow: a small network is
evaluated in some ten microseconds, and a new array takes half a microsecond.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from scipy.linalg import blas

from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Pull, Statistics

#: Least variance of labels, as a fraction of their mean square. For labels that are all equal the weight of
#: the
#: "weak" smoothing would otherwise exceed the loss by a factor of 1e16, and the loss would be lost in
#: rounding. Labels whose spread is above 1 % of their size are not affected.
_LEAST_VARIANCE = 1e-4


class Evaluator(Protocol):
    """The loss sum_s v_s |f(x_s) - y_s|^2 of a model on samples, as a function of all its values.

    Attributes
    ----------
    values : ndarray of shape (n_values,)
        The values of all parameters; to be filled before an evaluation.
    gradient : ndarray of shape (n_values,)
        The derivatives by them after `loss_and_gradient`.
    """

    values: FloatArray
    gradient: FloatArray

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        ...

    @property
    def label_variance(self) -> float:
        """Weighted variance of the labels, averaged over outputs."""
        ...

    def load(self, x: FloatArray, y: FloatArray, weight: FloatArray) -> None:
        """Replace all samples by as many others, in place; `weight` is v, as from `residual_weights`."""
        ...

    def loss(self) -> float:
        """The loss without its gradient."""
        ...

    def loss_and_gradient(self, pull: Pull | None) -> float:
        """The loss; its gradient, with what a penalty adds by `pull`, is written to `gradient`."""
        ...

    def normal_equations(self, parameters: Any) -> tuple[float, FloatArray, FloatArray]:
        """Loss, gradient, and upper triangle of 2 J^T V J, by theta of a `ParameterMap` or by all values.

        The matrix belongs to the evaluator: the next call overwrites it.
        """
        ...


class StatisticsEvaluator(Evaluator, Protocol):
    """An evaluator that also computes means and variances of edges and nodes, for pykan's penalties."""

    def statistics(self) -> Statistics:
        """Means and squared deviations of edges, sums and nodes over the samples."""
        ...


def residual_weights(y: FloatArray, weight: FloatArray | None) -> FloatArray:
    """v_s = weight_s / (n_out sum of weight), so that sum_s v_s r_s^2 is the weighted mean of squares."""
    if weight is None:
        return np.full(y.shape[0], 1.0 / y.size)
    return weight / (y.shape[1] * weight.sum())


def label_variance(y: FloatArray, weight: FloatArray) -> float:
    """Weighted variance of the labels, averaged over outputs; `weight` is from `residual_weights`."""
    with np.errstate(over="ignore", invalid="ignore"):  # overflow is reported by the status of the fit
        variance = float(np.square(y - weight @ y * y.shape[1]).sum(axis=1) @ weight)
        return max(variance, _LEAST_VARIANCE * float(np.square(y).sum(axis=1) @ weight))


def add_square(rows: FloatArray, matrix: FloatArray) -> None:
    """Add rows @ rows.T to the upper triangle of `matrix`, both C-contiguous, in place."""
    blas.dsyrk(1.0, rows.T, beta=1.0, c=matrix.T, trans=1, lower=1, overwrite_c=1)

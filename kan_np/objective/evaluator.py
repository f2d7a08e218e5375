"""What evaluates a model on samples for an objective: squared residuals and their derivatives.

There are three: the compiled one of KANs, the one that goes layer by layer, and that of MLPs. All work on
*all* numbers of a model; which of them are trained, `RegularizedLoss` knows. They read the numbers from an
array of their own, which is filled before, and add derivatives to another one: a small network is evaluated
in some ten microseconds, and an array that is made on the way takes half of one.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from scipy.linalg import blas

from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Pull, Statistics

#: Labels vary by this part of their mean square at least: of labels that are one number the weight of the
#: "weak" smoothing would else outgrow the loss by 1e16, and the loss count as rounding beside it. Labels
#: whose spread is above 1 % of their size do not notice.
_LEAST_VARIANCE = 1e-4


class Evaluator(Protocol):
    """The loss sum_s v_s |f(x_s) - y_s|^2 of a model on samples, by all its numbers.

    Attributes
    ----------
    values : ndarray of shape (n_values,)
        The numbers; to be filled before an evaluation.
    gradient : ndarray of shape (n_values,)
        Where `loss_and_gradient` leaves derivatives by them.
    """

    values: FloatArray
    gradient: FloatArray

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        ...

    @property
    def label_variance(self) -> float:
        """Weighted variance of the labels, the mean over outputs."""
        ...

    def loss(self) -> float:
        """The loss alone."""
        ...

    def loss_and_gradient(self, pull: Pull | None) -> float:
        """The loss; `gradient` becomes its gradient and what `pull` adds to that."""
        ...

    def normal_equations(self, parameters: Any) -> tuple[float, FloatArray, FloatArray]:
        """Loss, gradient, and upper triangle of 2 J^T V J, by the entries of a `ParameterMap` or all numbers.

        The matrix belongs to the evaluator: the next call overwrites it.
        """
        ...


class StatisticsEvaluator(Evaluator, Protocol):
    """An evaluator that also measures how much edges and nodes vary, as pykan's penalties need it."""

    def statistics(self) -> Statistics:
        """Means and squared deviations of edges, sums and nodes over the samples."""
        ...


def residual_weights(y: FloatArray, weight: FloatArray | None) -> FloatArray:
    """v_s = weight_s / (n_out sum of weight): the weighted mean over samples and outputs as a sum."""
    if weight is None:
        return np.full(y.shape[0], 1.0 / y.size)
    return weight / (y.shape[1] * weight.sum())


def label_variance(y: FloatArray, weight: FloatArray) -> float:
    """Weighted variance of the labels, the mean over outputs; `weight` as from `residual_weights`."""
    with np.errstate(over="ignore", invalid="ignore"):  # absurd labels end as a status of the fit
        variance = float(np.square(y - weight @ y * y.shape[1]).sum(axis=1) @ weight)
        return max(variance, _LEAST_VARIANCE * float(np.square(y).sum(axis=1) @ weight))


def add_square(rows: FloatArray, matrix: FloatArray) -> None:
    """Add rows @ rows.T to the upper triangle of `matrix`, both C-contiguous, in place."""
    blas.dsyrk(1.0, rows.T, beta=1.0, c=matrix.T, trans=1, lower=1, overwrite_c=1)

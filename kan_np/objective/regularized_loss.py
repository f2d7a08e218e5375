"""The objective of every model: mean loss + lamb R + smoothing S, as a function of trained parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Ints, Pull
from kan_np.network.parameters import ParameterMap
from kan_np.objective.evaluator import Evaluator
from kan_np.objective.smoothing import Smoother

Number = TypeVar("Number", bound=np.generic)


class Regularizer(Protocol):
    """A penalty R with the weight lamb, and its derivatives by all values of a model."""

    @property
    def weight(self) -> float:
        """lamb."""
        ...

    def pull(self) -> tuple[float, Pull | None]:
        """The part of R that depends on samples, and what lamb times it adds in backpropagation."""
        ...

    def add_gradient(self, values: FloatArray, grad: FloatArray) -> float:
        """The part of R that depends on parameters only; lamb times its gradient is added to `grad`."""
        ...


@dataclass(frozen=True)
class Samples:
    """The samples of an objective, and how a model is evaluated on others.

    Attributes
    ----------
    x : ndarray of shape (n_samples, n_in)
    y : ndarray of shape (n_samples, n_out)
    weight : ndarray of shape (n_samples,)
        v, as from `kan_np.objective.evaluator.residual_weights`.
    evaluated : callable
        (x, y) -> evaluator and penalty of the same model on these samples.
    """

    x: FloatArray
    y: FloatArray
    weight: FloatArray
    evaluated: Callable[[FloatArray, FloatArray], tuple[Evaluator, Regularizer]]


class RegularizedLoss:
    """f(theta) = sum_s v_s |f(x_s) - y_s|^2 + lamb R + S: see `kan_np.objective.objective.SampledObjective`.

    Of another loss than squares the evaluator has the mean in place of the first term.

    Parameters
    ----------
    evaluator : Evaluator
        The model on its samples.
    values : ndarray of shape (n_values,)
        All values of the model; those that are not trained keep these values.
    regularizer : Regularizer
    samples : Samples
        Those of the evaluator.
    parameters : ParameterMap, optional
        Which values are trained; all of them if None.
    smoother : Smoother, optional
        S of the spline edges, whose parameters come first among the values.
    first_coef : int
        Number of parameters of a spline edge before its coefficients.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        values: FloatArray,
        regularizer: Regularizer,
        samples: Samples,
        parameters: ParameterMap | None = None,
        smoother: Smoother | None = None,
        first_coef: int = 0,
    ) -> None:
        self.evaluator, self.regularizer = evaluator, regularizer
        self.n_fev = 0
        self.mse = self.reg = float("nan")
        self._parameters = parameters
        evaluator.values[:] = values
        self._smoother, self._first = smoother, first_coef
        self._samples = samples
        self._batches: dict[int, RegularizedLoss] = {}  # by number of samples

    @property
    def smoothing(self) -> float | FloatArray:
        """Weight of S, or of every edge; 0 for models without splines."""
        return 0.0 if self._smoother is None else self._smoother.weight

    @smoothing.setter
    def smoothing(self, weight: float) -> None:
        if self._smoother is not None:
            self._smoother.weight = weight

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        return self.evaluator.n_residuals

    @property
    def least_squares(self) -> bool:
        """Whether f has no penalty but smoothing."""
        return self.regularizer.weight == 0

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Objective and gradient at theta, of length n_params."""
        self.n_fev += 1
        self._load(theta)
        lamb, grad = self.regularizer.weight, self.evaluator.gradient
        self.reg, pull = self.regularizer.pull() if lamb > 0 else (0.0, None)
        self.mse = self.evaluator.loss_and_gradient(pull)
        if lamb > 0:
            self.reg += self.regularizer.add_gradient(self.evaluator.values, grad)
        value = self.mse + lamb * self.reg + self._smooth(grad)
        return value, grad.copy() if self._parameters is None else self._parameters.gradient(grad)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self._samples.x)

    def on_samples(self, theta: FloatArray, rows: Ints) -> tuple[float, FloatArray]:
        """Objective and gradient on some of the samples; see `SampledObjective`.

        The arrays of an evaluation are kept for the next batch with as many samples.
        """
        samples, batch = self._samples, self._batches.get(rows.size)
        x, y = samples.x[rows], samples.y[rows]
        if batch is None:
            batch = self._batches[rows.size] = self._on(x, y)
        batch.evaluator.load(x, y, samples.weight[rows] * (self.n_samples / rows.size))
        found = batch(theta)
        self.n_fev += 1
        self.mse, self.reg = batch.mse, batch.reg
        return found

    def _on(self, x: FloatArray, y: FloatArray) -> RegularizedLoss:
        """The same objective on other samples."""
        evaluator, regularizer = self._samples.evaluated(x, y)
        return RegularizedLoss(
            evaluator,
            self.evaluator.values,
            regularizer,
            self._samples,
            self._parameters,
            self._smoother,
            self._first,
        )

    def value(self, theta: FloatArray) -> float:
        """Objective without R and without its gradient, at theta."""
        self.n_fev += 1
        self._load(theta)
        self.mse, self.reg = self.evaluator.loss(), 0.0
        return self.mse + self._smooth(None)

    def normal_equations(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Objective, gradient and Gauss-Newton Hessian, without R; see `Objective`."""
        self.n_fev += 1
        self._load(theta)
        self.mse, grad, upper = self.evaluator.normal_equations(self._parameters)
        self.reg = 0.0
        smoother = self._smoother
        if smoother is None:
            return self.mse, grad, upper.T
        if smoother.follows_loss:
            self._follow_loss(smoother, upper.diagonal())
        if not smoother.acts:
            return self.mse, grad, upper.T
        by_values = grad if self._parameters is None else np.zeros(self.evaluator.values.size)
        penalty = self._smooth(by_values)
        if self._parameters is not None:
            grad = grad + self._parameters.gradient(by_values)
        self._add_curvature(smoother, upper)
        return self.mse + penalty, grad, upper.T

    def _load(self, theta: FloatArray) -> None:
        """Copy theta into the values of the evaluator."""
        if self._parameters is None:
            self.evaluator.values[:] = theta
        else:
            self._parameters.fill(theta, self.evaluator.values)

    def _edges(self, values: NDArray[Number]) -> NDArray[Number]:
        """Parameters of the spline edges, a row each: a view."""
        n_edges, n_basis = self._smoother.shape if self._smoother is not None else (0, 0)
        n_row = self._first + n_basis
        return values[: n_edges * n_row].reshape(n_edges, n_row)

    def _smooth(self, grad: FloatArray | None) -> float:
        """The smoothing penalty; its derivatives are added to `grad`."""
        if self._smoother is None or not self._smoother.acts:
            return 0.0
        edges = self._edges(self.evaluator.values)
        if grad is None:
            return self._smoother.value(edges, self._first)
        return self._smoother.add_slope(edges, self._first, self._edges(grad))

    def _follow_loss(self, smoother: Smoother, diagonal: FloatArray) -> None:
        """Set the weights of "weak" smoothing; `diagonal` is the diagonal of the Gauss-Newton matrix."""
        if self._parameters is not None:
            of_values = np.zeros(self.evaluator.values.size)
            of_values[self._parameters.trained] = diagonal[self._parameters.trained_position]
            diagonal = of_values
        felt = self._edges(diagonal)[:, self._first :].sum(axis=1)
        variance = self.evaluator.label_variance
        edges = self._edges(self.evaluator.values)
        smoother.follow(self.mse, edges, self._first, felt, self.n_residuals, variance)

    def _add_curvature(self, smoother: Smoother, upper: FloatArray) -> None:
        """Add the second derivatives of S to those of the loss."""
        n_edges, n_basis = smoother.shape
        if self._parameters is None:
            n_row = self._first + n_basis
            smoother.add_curvature(self._first, (n_row, n_row), upper)
            return
        curvature = np.zeros((n_edges * n_basis, n_basis))
        smoother.add_curvature(0, (n_basis, 0), curvature)
        positions = self._edges(self._parameters.position)[:, self._first :]
        for position, own in zip(positions, np.split(curvature, n_edges), strict=True):
            free = np.flatnonzero(position >= 0)
            upper[np.ix_(position[free], position[free])] += own[np.ix_(free, free)]

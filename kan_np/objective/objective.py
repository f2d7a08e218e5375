"""The interface of an objective: mean loss + penalties and derivatives, as functions of one vector.

An objective holds its data and scratch space, which are prepared once. Reported losses are RMSE,
sqrt(weighted mean over samples and outputs of the squared residual), as in pykan, or the weighted mean of
another loss (`kan_np.objective.losses`).
"""

from __future__ import annotations

from typing import Protocol

from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Ints


class Objective(Protocol):
    """Value and derivatives of f = mean loss + penalties.

    `mse` and `reg` are the terms of the last value: the weighted mean of the squared residuals, or of another
    loss, and pykan's penalty R.
    """

    n_fev: int
    mse: float
    reg: float

    @property
    def smoothing(self) -> float | FloatArray:
        """Weight of the smoothing penalty, or of every edge; 0 where there is none."""
        ...

    @property
    def n_residuals(self) -> int:
        """Number of samples times outputs."""
        ...

    @property
    def least_squares(self) -> bool:
        """Whether f has no sparsity penalty, so that Gauss-Newton methods apply."""
        ...

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return f at theta and a new array with its gradient."""
        ...

    def value(self, theta: FloatArray) -> float:
        """Return f without its gradient; only without a sparsity penalty."""
        ...

    def normal_equations(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return f, its gradient, and the lower triangle of its Gauss-Newton Hessian 2 (J^T W J + ...).

        Of other losses than squares it is J^T H J + ... with H by the outputs.

        The matrix is in Fortran order and belongs to the objective: the next call overwrites it.
        """
        ...


class SampledObjective(Objective, Protocol):
    """An objective that is also known on some of its samples, for training by mini-batches."""

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        ...

    def on_samples(self, theta: FloatArray, rows: Ints) -> tuple[float, FloatArray]:
        """Return f and its gradient at theta on the samples `rows` alone.

        Weights of samples stay those among all samples, so that the mean of the squared residuals over
        batches of equal size is the weighted mean over all. `mse` and `reg` become those of the batch.
        """
        ...

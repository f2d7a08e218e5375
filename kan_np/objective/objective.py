"""What an optimizer minimises: mean squared error + penalties, with derivatives, by one flat vector.

An objective is bound to data and scratch space, both prepared once. Reported losses are RMSE,
sqrt(weighted mean over samples and outputs of the squared residual), as in pykan.
"""

from __future__ import annotations

from typing import Protocol

from kan_np._validate import FloatArray


class Objective(Protocol):
    """Value and derivatives of f = mean squared error + penalties.

    `mse` and `reg` are the parts of the last value: the weighted mean of the squared residuals, and pykan's
    R.
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
        """Whether f is a sum of squares, so that `normal_equations` has all of its curvature."""
        ...

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return f and a new array with its gradient, both at the flat vector theta."""
        ...

    def value(self, theta: FloatArray) -> float:
        """Return f alone; only for least squares."""
        ...

    def normal_equations(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return f, its gradient, and the lower triangle of its Gauss-Newton Hessian 2 (J^T W J + ...).

        The matrix is in Fortran order and belongs to the objective: the next call overwrites it.
        """
        ...

"""Levenberg-Marquardt steps by orthogonal transformations of the Jacobian, which keep all digits.

The normal equations square the condition number of J: steps lose their digits where residuals are to fall by
more than about eight orders of magnitude. With J = Q R, found once an iteration, the step for a damping mu is
the least-squares solution of

    [ R              ]       [ -Q^T r ]
    [ sqrt(mu D / 2) ] s  =  [    0   ],

by a second, smaller factorisation. Source: J. J. More (1978), The Levenberg-Marquardt algorithm:
implementation and theory, section 3.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.linalg import lapack

from kan_np._validate import FloatArray
from kan_np.optimize.levenberg_marquardt import Search


class SquaresObjective(Protocol):
    """A sum of squares f = |r|^2 that is known by its residuals."""

    mse: float

    def value(self, theta: FloatArray) -> float:
        """Return f."""
        ...

    def rows(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return r, (n,), and its transposed Jacobian, (n_params, n), which may be overwritten."""
        ...


class OrthogonalSearch(Search):
    """Steps by Householder's transformations; the objective is a `SquaresObjective`."""

    def evaluate(self) -> None:
        """See `Search`."""
        residual, rows = self.objective.rows(self.theta)
        self.f = float(residual @ residual)
        self.gradient = 2.0 * (rows @ residual)
        self.diagonal = 2.0 * np.einsum("ps,ps->p", rows, rows)
        self._triangle, self._right = _triangular(rows.T, residual)

    def solve(self) -> FloatArray | None:
        """See `Search`."""
        n = self.theta.size
        height = len(self._triangle)
        stacked = np.zeros((height + n, n), order="F")
        stacked[:height] = self._triangle
        stacked[height + np.arange(n), np.arange(n)] = np.sqrt(0.5 * self.damping * self.scale)
        triangle, right = _triangular(stacked, np.concatenate([-self._right, np.zeros(n)]))
        step, failed = lapack.dtrtrs(triangle, right[:, None])
        return step[:, 0] if failed == 0 and np.isfinite(step).all() else None


def _triangular(matrix: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """R and Q^T b of a factorisation A = Q R: as many rows as the shorter side of A, (n_rows, n_columns)."""
    if not np.isfinite(matrix).all():
        return np.full((1, matrix.shape[1]), np.nan), np.full(1, np.nan)
    work = int(lapack.dgeqrf_lwork(*matrix.shape)[0])
    factors, tau, _, _ = lapack.dgeqrf(matrix, lwork=work, overwrite_a=1)
    height = min(matrix.shape)
    reflectors = factors[:, :height]
    turned, _, _ = lapack.dormqr("L", "T", reflectors, tau, right[:, None], max(64 * len(right), 1))
    return np.triu(factors[:height]), turned[:height, 0]

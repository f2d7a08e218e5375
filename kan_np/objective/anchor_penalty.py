"""The penalty of an anchor: the quadratic form that keeps parameters where earlier samples hold them.

    A(theta) = 1/2 (theta - theta*)^T H (theta - theta*)

with theta* the parameters of the earlier fit and H a Gauss-Newton matrix there. It is a sum of squares, so
that Gauss-Newton methods have it without approximation.
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray


class AnchorPenalty:
    """A of the trained parameters; see `kan_np.objective.shrinkage.Prior`.

    Parameters
    ----------
    theta : ndarray of shape (n_params,)
        theta*.
    curvature : ndarray of shape (n_params, n_params)
        H, symmetric.
    """

    def __init__(self, theta: FloatArray, curvature: FloatArray) -> None:
        self._theta, self._curvature = theta, curvature

    def value_and_slope(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """A and its gradient at theta."""
        with np.errstate(all="ignore"):  # divergence is a status of the fit
            away = theta - self._theta
            slope = self._curvature @ away
            return 0.5 * float(away @ slope), slope

    def add_curvature(self, hessian: FloatArray, weight: float) -> None:
        """Add weight times the second derivatives of A to a matrix in place."""
        hessian += weight * self._curvature

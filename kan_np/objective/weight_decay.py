"""Weight decay: a prior for MLPs with more weights than the samples determine, which draws weights to zero.

    P(theta) = sum over layers of v_l |W_l|^2, with var(x_i) (W_0)_ij^2 in the first of them,

v_l = 1 in the last layer and the variance of the labels in the others; biases are not penalised. With a large
weight of P the network is the mean of the labels. The effect of the weight does not depend on the units of
inputs and labels: scaling the inputs, with the first weights scaled inversely, leaves P unchanged; scaling
the labels, with the last weights, multiplies P and the mean squared error by the same factor.

Source: A. Krogh and J. A. Hertz (1991), A simple weight decay can improve generalization, NIPS 4, eq. (2).
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.network.mlp_network import MlpNetwork, split_layers


class WeightPrior:
    """P of the weights of an MLP; the formula is in the docstring of the module.

    Parameters
    ----------
    net : MlpNetwork
        Only its width is used.
    x : ndarray of shape (n_samples, n_in)
        Samples whose variance scales the first weights. Constant inputs get the mean variance of the others,
        so that their weights stay small and other values of these inputs do no harm.
    weight : ndarray of shape (n_samples,), optional
        Sample weights.
    label_variance : float
        v.
    """

    def __init__(
        self, net: MlpNetwork, x: FloatArray, weight: FloatArray | None, label_variance: float
    ) -> None:
        self._scale = np.zeros(net.n_params)
        layers = split_layers(net.width, self._scale)  # views
        for number, (weights, _) in enumerate(layers, start=1):
            weights[:] = label_variance if number < len(layers) else 1.0
        with np.errstate(over="ignore", invalid="ignore"):  # absurd inputs end as a status of the fit
            spread = np.average(np.square(x - np.average(x, axis=0, weights=weight)), axis=0, weights=weight)
            varies = spread > 0
            spread[~varies] = spread[varies].mean() if varies.any() else 1.0
            layers[0][0][:] *= spread[:, None]

    def value_and_slope(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """P and its gradient at the flat vector theta."""
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is a status of the fit
            half = self._scale * theta
            return float(np.vdot(theta, half)), 2.0 * half

    def add_curvature(self, hessian: FloatArray, weight: float) -> None:
        """Add weight times the second derivatives of P to a matrix in place."""
        hessian[np.diag_indices_from(hessian)] += 2.0 * weight * self._scale

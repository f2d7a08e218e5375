"""The Laplace approximation: a normal distribution of the parameters around the fitted ones.

Its precision is that of the Gauss-Newton matrix and of a prior, both weighed by marginal likelihood
(`kan_np.uncertainty.evidence`):

    theta ~ N(theta_fit, A^-1),  A = H / sigma^2 + alpha R,
    var f_j(x) = J_j(x) A^-1 J_j(x)^T,  var y_j(x) = var f_j(x) + sigma_j^2.

R is the prior of fits to few samples, which draws edges of a KAN to constants and weights of an MLP to zero
(`kan_np.objective.shrinkage`, `weight_decay`), with a small ridge for what it leaves free. With several
outputs the noise of each is sigma_j^2 = rss_j / (n - gamma_j), gamma_j the effective parameters that it uses,
and var f_j is multiplied by sigma_j^2 / sigma^2. For a model that is linear in its parameters this is the
posterior of Bayesian linear regression.

Source: D. J. C. MacKay (1992), A practical Bayesian framework for backpropagation networks, Neural
Computation 4, 448; for the linearised model E. Daxberger et al. (2021), Laplace redux, NeurIPS 34, section
2.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kan_np._validate import FloatArray
from kan_np.network.mlp_network import MlpNetwork
from kan_np.network.network import Network
from kan_np.objective.parameter_jacobian import parameter_jacobian
from kan_np.training.estimator import Estimator
from kan_np.training.folds import Sample
from kan_np.uncertainty.evidence import best_evidence
from kan_np.uncertainty.samples import outputs

#: Most parameters: matrices of as many rows and columns are decomposed (a minute for 3000) and kept.
MAX_PARAMS = 3000
#: Ridge added to the prior, as a part of its mean diagonal element; chosen by judgement.
_RIDGE = 1e-4
#: Most bytes of a Jacobian that is in memory at once; chosen by judgement.
_JACOBIAN_BYTES = 64 * 2**20


class Laplace:
    """Normal distribution of the parameters of a network, and of the noise.

    Parameters
    ----------
    noise_variance : ndarray of shape (n_out,)
        sigma_j^2.
    freedom : ndarray of shape (n_out,)
        Degrees of freedom that the fit leaves to the noise, n - gamma_j.
    root : ndarray of shape (n_params, n_directions)
        C with var f_j = sigma_j^2 |J_j C|^2. Without directions the parameters count as known.
    """

    def __init__(self, noise_variance: FloatArray, freedom: FloatArray, root: FloatArray) -> None:
        self.noise_variance, self.freedom, self.root = noise_variance, freedom, root

    @classmethod
    def fit(cls, model: Estimator, sample: Sample) -> Laplace:
        """The distribution for a model that was fitted to these samples.

        Raises
        ------
        ValueError
            For more than `MAX_PARAMS` parameters, and where the curvature is not finite.
        """
        if model.n_params > MAX_PARAMS:
            raise ValueError(
                f"the model has {model.n_params} parameters; 'laplace' takes at most {MAX_PARAMS}. Use "
                "'conformal', 'jackknife+' or 'ensemble'."
            )
        network, x = model._network, model._within(sample.x)
        weight = _weights(sample)
        square = weight[:, None] * np.square(outputs(model, sample.x) - sample.y)
        curvature = np.zeros((model.n_params, model.n_params))
        for rows, low in _jacobian_parts(network, x):
            for own in rows * np.sqrt(weight[low : low + rows.shape[2]]):
                curvature += own @ own.T
        if not (np.isfinite(curvature).all() and np.isfinite(square).all()):
            raise ValueError(
                "the derivatives of the model by its parameters are not finite on the samples; expected a "
                "fit that has not diverged."
            )
        n_rows, n_out = square.shape
        theta, prior = model._theta, _prior_matrix(model, sample)
        found = best_evidence(curvature, prior, theta, float(square.sum()), square.size)
        if n_out == 1:
            freedom = np.array([max(n_rows - found.n_effective, 1.0)])
            return cls(np.array([found.noise_variance]), freedom, found.root)
        used = np.zeros(n_out)
        for rows, low in _jacobian_parts(network, x):
            own = np.square(np.einsum("jps,pd->jsd", rows, found.root)).sum(axis=2)
            used += own @ weight[low : low + rows.shape[2]]
        freedom = np.maximum(n_rows - used, 1.0)
        noise = np.maximum(square.sum(axis=0) / freedom, np.finfo(float).tiny)
        return cls(noise, freedom, found.root)

    def arrays(self) -> dict[str, FloatArray]:
        """What is written to a file."""
        return {"noise": self.noise_variance, "freedom": self.freedom, "root": self.root}

    def function_variance(self, network: Network | MlpNetwork, x: FloatArray) -> FloatArray:
        """var f of the outputs at x, (n_samples, n_in) -> (n_samples, n_out)."""
        variance = np.zeros((len(x), len(self.noise_variance)))
        if self.root.shape[1]:
            for rows, low in _jacobian_parts(network, x):
                with np.errstate(over="ignore", invalid="ignore"):  # far outside the samples
                    felt = np.square(np.swapaxes(rows, 1, 2) @ self.root).sum(axis=2).T
                variance[low : low + rows.shape[2]] = felt
        return variance * self.noise_variance

    def draws(self, network: Network | MlpNetwork, x: FloatArray, normal: FloatArray) -> FloatArray:
        """Deviations of functions from the fitted one at x, for standard normal numbers (n, n_directions).

        Returns
        -------
        ndarray of shape (n, n_samples, n_out)
        """
        found = np.zeros((len(normal), len(x), len(self.noise_variance)))
        for rows, low in _jacobian_parts(network, x):
            by_direction = np.swapaxes(rows, 1, 2) @ self.root  # (n_out, n, n_directions)
            found[:, low : low + rows.shape[2]] = np.moveaxis(by_direction @ normal.T, 2, 0).swapaxes(1, 2)
        return found * np.sqrt(self.noise_variance)


def _weights(sample: Sample) -> FloatArray:
    """Weights of the samples, 1 in the mean."""
    if sample.weight is None:
        return np.ones(len(sample.y))
    return sample.weight / sample.weight.mean()


def _prior_matrix(model: Estimator, sample: Sample) -> FloatArray:
    """R: half of the second derivatives of the prior, with a ridge."""
    matrix = np.zeros((model.n_params, model.n_params))
    prior = model._prior(sample.x, sample.weight, max(sample.spread, np.finfo(float).tiny))
    prior.add_curvature(matrix, 0.5)
    size = float(matrix.diagonal().mean())
    matrix[np.diag_indices_from(matrix)] += _RIDGE * size if size > 0 else 1.0
    return matrix


def _jacobian_parts(network: Network | MlpNetwork, x: FloatArray) -> Iterator[tuple[FloatArray, int]]:
    """Jacobians (n_out, n_params, n) of parts of the samples, each with the index of its first sample."""
    n_part = max(_JACOBIAN_BYTES // (8 * max(network.n_params, 1) * network.width[-1]), 1)
    for low in range(0, len(x), n_part):
        yield parameter_jacobian(network, x[low : low + n_part]), low

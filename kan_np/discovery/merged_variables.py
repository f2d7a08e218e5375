"""Variables that enter a function only together, as a straight line through them.

If f(x) = F(x_i + r x_j, the others) then df/dx_j = r df/dx_i everywhere: the two derivatives are proportional
over all samples. They are taken from a network that has learned f roughly; their correlation (about 0, not
about their means) tells how nearly this holds. A pair above the threshold is only a proposal: the networks
that are trained with it decide.

Source: the symmetries of Udrescu and Tegmark, AI Feynman, Sci. Adv. 6 (2020), found by derivatives.
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.discovery.training import Data, Stop, never, train_tree
from kan_np.discovery.trees import Source, ridge, total
from kan_np.network.network import Network

_LEAST = 0.96
#: Part of the samples, those with the smallest derivatives, that is compared: splines err at their ends.
_COMPARED = 0.95
#: Hidden nodes and grids of dense networks, of which the best is taken.
_DENSE = ((3, (4, 8)), (5, (4, 8)), (7, (3, 5)))


def rough_network(data: Data, rng: np.random.Generator, stop: Stop = never) -> Network:
    """A network of one hidden layer that has learned the data more or less."""
    sources = list(range(data.x.shape[1]))
    networks = [
        train_tree(
            total([total(sources, q) for q in range(m)]),
            data,
            rng,
            grids=grids,
            restarts=3,
            keep=1,
            stop=stop,
        )
        for m, grids in _DENSE
    ]
    return min(networks, key=lambda trained: trained.rmse).network


def merged(network: Network, x: FloatArray, least: float = _LEAST) -> list[Source]:
    """The variables, those that enter together replaced by the straight line through them.

    Parameters
    ----------
    network : Network
        Of one output.
    x : ndarray of shape (n, n_in)
    least : float
        Least correlation of two derivatives.
    """
    sources: list[Source] = list(range(x.shape[1]))
    slopes = network.input_jacobian(x)[:, 0, :]
    slopes = slopes[np.isfinite(slopes).all(axis=1)]
    usual = np.maximum(np.median(np.abs(slopes), axis=0), np.finfo(np.float64).tiny)
    length = np.linalg.norm(slopes / usual, axis=1)
    slopes = slopes[length <= np.quantile(length, _COMPARED)]
    while len(sources) > 1:
        size = np.sqrt(np.mean(np.square(slopes), axis=0))
        product = slopes.T @ slopes / max(len(slopes), 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            correlation = np.nan_to_num(product / np.outer(size, size))
        np.fill_diagonal(correlation, 0.0)
        i, j = sorted(np.unravel_index(int(np.argmax(np.abs(correlation))), correlation.shape))
        if abs(correlation[i, j]) < least:
            break
        slope = float(np.sign(correlation[i, j]) * size[j] / size[i])
        sources[i] = ridge(sources[i], sources[j], slope)
        del sources[j]
        # the new variable has the derivative of its first one
        slopes = np.delete(slopes, j, axis=1)
    return sources

"""Random initialisation of the parameters of a KAN, and the grids of its layers.

With n_in inputs of a layer, G intervals and order k, an edge starts with

    "pykan"   c uniform in +-0.15 / (G sqrt(n_in)),   w uniform in (mu +- sigma) / sqrt(n_in)
    "wide"    the same with ten times the coefficients
    "power"   c and w normal with standard deviation (n_in (G + k + 1))^(-1/4)

With "pykan" a network begins close to one of base functions alone; with the others every edge begins with a
curve of its own, from which optimizers reach other minima. Edges of families that are linear in their
parameters start near to what the spline would be, others with parameters that their family draws
(`kan_np.edges.pointwise`). Sources: pykan 0.2.8; the power law of arXiv:2509.03417, which has one exponent
for c and one for w: both are 1/4 here. The factor ten of "wide" was chosen by judgement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray

#: Names of the initialisations, in the order in which restarts take them in turn.
STARTS = ("pykan", "wide", "power")

_WIDER = 10.0
_POWER = -0.25


def random_parameters(
    start: str,
    fan_in: FloatArray,
    grid: int,
    k: int,
    has_base: int,
    scales: tuple[float, float, float],
    rng: np.random.Generator,
) -> FloatArray:
    """Parameters of all edges, shape (n_edges, has_base + G + k).

    Parameters
    ----------
    start : str
        One of `STARTS`.
    fan_in : ndarray of shape (n_edges,)
        Inputs of the layer of each edge.
    grid, k : int
    has_base : int
        1 with a base weight in front, 0 without.
    scales : tuple of float
        noise_scale, scale_base_mu and scale_base_sigma, for "pykan" and "wide".
    rng : numpy.random.Generator
    """
    n_edges, root = fan_in.size, np.sqrt(fan_in)[:, None]
    if start == "power":
        sigma = (fan_in * (grid + k + 1)) ** _POWER
        return np.asarray(rng.normal(size=(n_edges, has_base + grid + k)) * sigma[:, None])
    noise, mu, sigma_base = scales
    noise *= _WIDER if start == "wide" else 1.0
    coef = rng.uniform(-0.5, 0.5, (n_edges, grid + k)) * noise / grid / root
    if not has_base:
        return coef
    weights = (mu + sigma_base * rng.uniform(-1.0, 1.0, (n_edges, 1))) / root
    return np.hstack([weights, coef])


def grid_ranges(grid_range: ArrayLike, n_in: int, n_sources: int) -> FloatArray:
    """One row (low, high) a source node."""
    try:
        given = np.asarray(grid_range, dtype=np.float64)
    except (ValueError, TypeError):
        raise TypeError(
            f"grid_range is {_validate.shown(grid_range)}; expected numbers (low, high)."
        ) from None
    if given.shape not in ((2,), (n_in, 2)):
        raise ValueError(
            f"grid_range has shape {given.shape}; expected (2,) for all inputs or ({n_in}, 2) for each."
        )
    ranges = np.tile([-1.0, 1.0], (n_sources, 1))
    if given.ndim == 1:
        ranges[:] = given
    else:
        ranges[:n_in] = given
    if not np.isfinite(ranges).all() or not (ranges[:, 1] > ranges[:, 0]).all():
        raise ValueError(f"grid_range is {given.tolist()}; expected finite low < high.")
    return ranges

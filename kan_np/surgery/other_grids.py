"""The function of a network on grids with another number of intervals."""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.edges.knots import knots_from_samples, refined_knots
from kan_np.network.grid_update import moved
from kan_np.network.network import Network


def with_grid(net: Network, grid: int, x: FloatArray | None, grid_eps: float, margin: float) -> Network:
    """The network on grids of `grid` intervals, more or fewer than it has, each spline the nearest.

    Parameters
    ----------
    net : Network
    grid : int
    x : ndarray of shape (n_samples, n_in), optional
        Samples whose values at the nodes the grids cover; those of the present grids if None.
    grid_eps, margin : float
        For samples, see `kan_np.edges.knots.knots_from_samples`.
    """
    if x is not None:
        ends = np.cumsum((0, *net.width))
        values = net.node_values(x)[: ends[-2]]
        if np.isfinite(values).all() and not (net.ties or net.frozen):
            return net.with_knots(knots_from_samples(values, grid, grid_eps, margin))
        net = moved(net, x, grid_eps, margin)
    if grid >= net.table.knots.shape[1] - 1:
        return net.refined(grid)
    return net.with_knots(refined_knots(net.table.knots, grid))

"""Grid updates: the grids of every layer move to where the samples reach its nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.edges.knots import knots_from_samples
from kan_np.network.network import Network


def moved(net: Network, x: FloatArray, grid_eps: float, margin: float, slack: float = 0.0) -> Network:
    """The network, refitted on grids that cover the samples at every node.

    Parameters
    ----------
    net : Network
    x : ndarray of shape (n_samples, n_in)
    grid_eps, margin : float
        See `kan_np.edges.knots.knots_from_samples`.
    slack : float
        Even grids that would move by no more than this many of their intervals stay.

    Returns
    -------
    Network
        Where node values overflow, the grids of later layers stay.
    """
    ends = np.cumsum((0, *net.width))
    # layer by layer: the values at the nodes of a layer depend on the moved grids of the layers before it
    for layer, old in enumerate(net.knots):
        samples = net.node_values(x)[ends[layer] : ends[layer + 1]] if layer else np.ascontiguousarray(x.T)
        if not np.isfinite(samples).all():
            return net
        knots = _moved_knots(samples, old, grid_eps, margin, slack)
        for group in net.shared_grids(layer):
            together = samples[group].reshape(1, -1)
            knots[group] = _moved_knots(together, old[group[:1]], grid_eps, margin, slack)
        held = net.structure.held_grids(layer)
        knots[held] = old[held]
        # all samples are inside the new grid: the reach that a refined grid inherited is no longer needed
        carried = net.with_layer_knots(layer, knots)
        carried = carried.with_layer_intervals(layer, knots[:, [0, -1]], (knots != old).any(axis=1))
        if not np.isfinite(carried.theta).all():
            return net
        net = carried
    return net


def widened(net: Network, x: FloatArray, slack: float) -> Network:
    """The network, refitted on grids that are widened to hold all samples of their nodes.

    Grids become wider, never narrower, and a grid whose samples lie outside by no more than `slack` of its
    intervals stays: the prior of `kan_np.objective.shrinkage` measures an edge over its whole grid, and a
    grid that shrank with its samples would undo it. Input grids cover their samples already, unless a fit
    continues with more samples, as the last fit of `fit_schedule`, which adds the validation samples.

    Parameters
    ----------
    net : Network
    x : ndarray of shape (n_samples, n_in)
    slack : float
    """
    ends = np.cumsum((0, *net.width))
    for layer in range(len(net.width) - 1):
        samples, old = net.node_values(x)[ends[layer] : ends[layer + 1]], net.knots[layer]
        if not np.isfinite(samples).all():
            return net
        low, high = np.minimum(samples.min(axis=1), old[:, 0]), np.maximum(samples.max(axis=1), old[:, -1])
        for group in net.shared_grids(layer):
            low[group], high[group] = low[group].min(), high[group].max()
        length = old[:, -1] - old[:, 0]
        outside = np.maximum(old[:, 0] - low, high - old[:, -1]) > slack * length / (old.shape[1] - 1)
        outside &= ~net.structure.held_grids(layer)
        if not outside.any():
            continue
        new = low[:, None] + (old - old[:, :1]) * ((high - low) / length)[:, None]
        new[:, -1] = high
        carried = net.with_layer_knots(layer, np.where(outside[:, None], new, old))
        carried = carried.with_layer_intervals(layer, new[:, [0, -1]], outside)
        if not np.isfinite(carried.theta).all():
            return net
        net = carried
    return net


def _moved_knots(
    samples: FloatArray, knots: FloatArray, grid_eps: float, margin: float, slack: float
) -> FloatArray:
    """Knots for the samples of some nodes, (n, n_samples); the old knots where these may stay."""
    new = knots_from_samples(samples, knots.shape[1] - 1, grid_eps, margin)
    # equal values do not determine a range: a grid that contains them stays
    flat = samples.min(axis=1) == samples.max(axis=1)
    held = (knots[:, 0] <= samples[:, 0]) & (samples[:, 0] <= knots[:, -1])
    stays = flat & held
    if grid_eps == 1.0:
        stays |= _fits(knots, new, slack)
    return np.where(stays[:, None], knots, new)


def _fits(knots: FloatArray, new: FloatArray, slack: float) -> NDArray[np.bool_]:
    """Which nodes have an even grid whose ends are within `slack` intervals of those of the new one."""
    off = np.abs(knots[:, [0, -1]] - new[:, [0, -1]]).max(axis=1)
    step = (new[:, -1] - new[:, 0]) / (knots.shape[1] - 1)
    uneven = np.ptp(np.diff(knots, axis=1), axis=1) > 1e-6 * step
    return np.asarray((off <= slack * step) & ~uneven)

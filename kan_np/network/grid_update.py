"""Grids that follow the samples, layer by layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.edges.knots import knots_from_samples
from kan_np.network.network import Network


def moved(net: Network, x: FloatArray, grid_eps: float, margin: float, slack: float = 0.0) -> Network:
    """The same function, as far as it can be carried, on grids that lie where the samples reach the nodes.

    Parameters
    ----------
    net : Network
    x : ndarray of shape (n_samples, n_in)
    grid_eps, margin : float
        See `kan_np.edges.knots.knots_from_samples`.
    slack : float
        Even grids whose ends are off by no more than this many intervals stay.

    Returns
    -------
    Network
        With the grids of the first layers alone moved, if samples overflow behind them.
    """
    ends = np.cumsum((0, *net.width))
    # layer by layer: what reaches a layer depends on the moved grids before it
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
        # the samples are inside again: what a refined grid inherited for outside has done its work
        carried = net.with_layer_knots(layer, knots)
        carried = carried.with_layer_intervals(layer, knots[:, [0, -1]], (knots != old).any(axis=1))
        if not np.isfinite(carried.theta).all():
            return net
        net = carried
    return net


def widened(net: Network, x: FloatArray, slack: float) -> Network:
    """The same function, as far as it can be carried, on grids that hold all samples of their nodes.

    Grids become wider, never narrower, and a grid that samples leave by no more than `slack` of its intervals
    stays: the prior of `kan_np.objective.shrinkage` counts what an edge does over its whole grid, and a grid
    that shrank with its samples would undo it. Grids of inputs have their samples already, unless a fit goes
    on with others: the last of `fit_schedule` has the validation rows, too.

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
    """Knots for the samples of some nodes, (n, n_samples), the old ones where they may stay."""
    new = knots_from_samples(samples, knots.shape[1] - 1, grid_eps, margin)
    # a constant says nothing about scale: a grid that holds it stays
    flat = samples.min(axis=1) == samples.max(axis=1)
    held = (knots[:, 0] <= samples[:, 0]) & (samples[:, 0] <= knots[:, -1])
    stays = flat & held
    if grid_eps == 1.0:
        stays |= _fits(knots, new, slack)
    return np.where(stays[:, None], knots, new)


def _fits(knots: FloatArray, new: FloatArray, slack: float) -> NDArray[np.bool_]:
    """Nodes whose even grid ends within `slack` intervals of where it would be moved."""
    off = np.abs(knots[:, [0, -1]] - new[:, [0, -1]]).max(axis=1)
    step = (new[:, -1] - new[:, 0]) / (knots.shape[1] - 1)
    uneven = np.ptp(np.diff(knots, axis=1), axis=1) > 1e-6 * step
    return np.asarray((off <= slack * step) & ~uneven)

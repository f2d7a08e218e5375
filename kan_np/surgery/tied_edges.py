"""Edges of a layer that are one function: locked, they share their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kan_np import _validate
from kan_np.edges.bspline import default_reach
from kan_np.edges.knots import uniform_knots
from kan_np.network.edge_index import EdgeIndex, checked_edges
from kan_np.network.network import Network
from kan_np.network.ties import refuse_different


def lock(net: Network, layer: int, edges: Sequence[Sequence[int]]) -> Network:
    """Let edges (i, j) of a layer be one function, that of the first of them, also while training.

    Splines get a common grid, over the ranges of all. Edges that are locked with one of them join.
    """
    named = checked_edges(net.masks, layer, edges)
    if len(named) < 2:
        raise ValueError(f"edges has {len(named)} different ones; expected at least two to share a function.")
    layer = named[0][0]
    touched = [group for group in net.ties if set(group) & set(named)]
    group = list(dict.fromkeys([*named, *(edge for other in touched for edge in other)]))
    symbol = net.symbols.get(group[0])
    refuse_different(net, group)
    free = _with_ties(net, tuple(other for other in net.ties if other not in touched))
    tied = _with_ties(net, tuple(sorted([*free.ties, tuple(sorted(group))])))
    if symbol is not None:
        return tied.with_symbols(dict.fromkeys(group, symbol))
    free = with_shared_grids(free, layer, tied.shared_grids(layer))
    coef, weight = free.coef, free.scale_base
    for _, i, j in group[1:]:
        coef[layer][i, j], weight[layer][i, j] = coef[layer][named[0][1:]], weight[layer][named[0][1:]]
    return _with_ties(free.with_splines(coef, weight), tied.ties)


def unlock(net: Network, layer: int, edges: Sequence[Sequence[int]] | None = None) -> Network:
    """Give locked edges (i, j) of a layer, or all of it, parameters of their own; the function stays."""
    layer = _validate.integer("l", layer, 0, len(net.width) - 2)
    if edges is None:
        named = {edge for group in net.ties for edge in group if edge[0] == layer}
    else:
        named = set(checked_edges(net.masks, layer, edges))
    left = [tuple(edge for edge in group if edge not in named) for group in net.ties]
    return _with_ties(net, tuple(group for group in left if len(group) > 1))


def _with_ties(net: Network, ties: tuple[tuple[EdgeIndex, ...], ...]) -> Network:
    """The network with other groups of tied edges, which are frozen together or not at all."""
    frozen = set(net.structure.frozen)
    for group in ties:
        kinds = {kind for edge, kind in frozen if edge in group}
        frozen |= {(edge, kind) for edge in group for kind in kinds}
    return replace(net, structure=replace(net.structure, ties=ties, frozen=frozenset(frozen)))


def tied_with(net: Network, edge: EdgeIndex) -> tuple[EdgeIndex, ...]:
    """All edges that share the function of this one, itself among them."""
    return next((group for group in net.ties if edge in group), (edge,))


def with_shared_grids(net: Network, layer: int, groups: Sequence[list[int]]) -> Network:
    """A common grid, over the ranges of all, for each group of sources of a layer."""
    knots, reach = net.knots[layer], net.reach[layer]
    for group in groups:
        if not (knots[group] == knots[group[0]]).all():
            low, high = knots[group, 0].min(), knots[group, -1].max()
            knots[group] = uniform_knots(np.array([low]), np.array([high]), knots.shape[1] - 1)
            reach[group] = default_reach(knots[group])
        reach[group] = reach[group[0]]
    return net.with_layer_knots(layer, knots, reach)

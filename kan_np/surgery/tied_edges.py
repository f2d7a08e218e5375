"""Edges of a layer that are one function: locked, they share their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kan_np import _validate
from kan_np.edges.bspline import default_reach
from kan_np.edges.knots import uniform_knots
from kan_np.network.edge_index import EdgeIndex, checked_edge
from kan_np.network.network import Network
from kan_np.network.ties import refuse_different

if TYPE_CHECKING:
    from kan_np.training.views import Views


def lock(model: Views, l: int, edges: Sequence[Sequence[int]]) -> None:  # noqa: E741
    """Let edges of a layer be one function, that of the first of them, also while training.

    Splines get a common grid, over the ranges of all.

    Parameters
    ----------
    model : KAN
        Changed in place.
    l : int
        Layer.
    edges : sequence of (i, j)
        Sources and subnodes: at least two edges, all splines or all one symbol. Edges that are locked
        with one of them join.

    Raises
    ------
    ValueError, TypeError
        If there is no such edge, or they cannot be one function.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 1], grid=5, seed=0)
    >>> model.lock(0, [(0, 0), (1, 0)])
    >>> model.n_params, bool(abs(model([[0.1, 0.5]]) - model([[0.5, 0.1]])) < 1e-15)
    (9, True)
    """
    net = model._network
    places = named_edges(net, l, edges)
    if len(places) < 2:
        raise ValueError(
            f"edges has {len(places)} different ones; expected at least two to share a function."
        )
    level = places[0][0]
    touched = [group for group in net.ties if set(group) & set(places)]
    group = list(dict.fromkeys([*places, *(place for other in touched for place in other)]))
    symbol = net.symbols.get(group[0])
    refuse_different(net, group)
    free = _with_ties(net, tuple(other for other in net.ties if other not in touched))
    tied = _with_ties(net, tuple(sorted([*free.ties, tuple(sorted(group))])))
    if symbol is not None:
        model._network = tied.with_symbols(dict.fromkeys(group, symbol))
        return
    free = with_shared_grids(free, level, tied.shared_grids(level))
    coef, weight = free.coef, free.scale_base
    for _, i, j in group[1:]:
        coef[level][i, j], weight[level][i, j] = coef[level][places[0][1:]], weight[level][places[0][1:]]
    model._network = _with_ties(free.with_splines(coef, weight), tied.ties)


def unlock(model: Views, l: int, edges: Sequence[Sequence[int]] | None = None) -> None:  # noqa: E741
    """Give locked edges of a layer parameters of their own again; the function stays.

    Parameters
    ----------
    model : KAN
        Changed in place.
    l : int
        Layer.
    edges : sequence of (i, j), optional
        All of the layer if not given.

    Raises
    ------
    ValueError, TypeError
        If there is no such edge.
    """
    net = model._network
    level = _validate.integer("l", l, 0, len(net.width) - 2)
    if edges is None:
        named = {place for group in net.ties for place in group if place[0] == level}
    else:
        named = set(named_edges(net, level, edges))
    left = [tuple(place for place in group if place not in named) for group in net.ties]
    model._network = _with_ties(net, tuple(group for group in left if len(group) > 1))


def _with_ties(net: Network, ties: tuple[tuple[EdgeIndex, ...], ...]) -> Network:
    """The network with other groups of tied edges, which are frozen together or not at all."""
    frozen = set(net.structure.frozen)
    for group in ties:
        kinds = {kind for edge, kind in frozen if edge in group}
        frozen |= {(edge, kind) for edge in group for kind in kinds}
    return replace(net, structure=replace(net.structure, ties=ties, frozen=frozenset(frozen)))


def tied_with(net: Network, place: EdgeIndex) -> tuple[EdgeIndex, ...]:
    """All edges that share the function of this one, itself among them."""
    return next((group for group in net.ties if place in group), (place,))


def with_shared_grids(net: Network, level: int, groups: Sequence[list[int]]) -> Network:
    """A common grid, over the ranges of all, for each group of sources of a layer."""
    knots, reach = net.knots[level], net.reach[level]
    for group in groups:
        if not (knots[group] == knots[group[0]]).all():
            low, high = knots[group, 0].min(), knots[group, -1].max()
            knots[group] = uniform_knots(np.array([low]), np.array([high]), knots.shape[1] - 1)
            reach[group] = default_reach(knots[group])
        reach[group] = reach[group[0]]
    return net.with_layer_knots(level, knots, reach)


def named_edges(net: Network, level: Any, edges: Sequence[Sequence[int]]) -> list[EdgeIndex]:
    """Edges (i, j) of a layer, each once.

    Raises
    ------
    ValueError, TypeError
        For what names no edges.
    """
    if isinstance(edges, str) or not hasattr(edges, "__iter__"):
        raise TypeError(f"edges is {_validate.shown(edges)}; expected pairs (i, j).")
    pairs = list(edges)
    if not all(hasattr(pair, "__len__") and len(pair) == 2 for pair in pairs):
        raise ValueError(f"edges is {_validate.shown(pairs)}; expected pairs (i, j).")
    return list(dict.fromkeys(checked_edge(net.masks, (level, i, j)) for i, j in pairs))

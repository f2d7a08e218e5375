"""Checks of tied edges: all edges of a group must be able to be, and be, the same function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kan_np.network.edge_index import EdgeIndex
from kan_np.network.network import Network


def check_ties(net: Network) -> None:
    """Raise ValueError for groups of tied edges that cannot be, or are not, the same function."""
    if not net.ties:
        return
    edges = [edge for group in net.ties for edge in group]
    alone = any(len(group) < 2 or len({layer for layer, _, _ in group}) > 1 for group in net.ties)
    if alone or len(set(edges)) < len(edges):
        raise ValueError(f"locks are {net.ties}; expected different edges, at least two of a layer a group.")
    for group in net.ties:
        refuse_different(net, group)
    same = np.array_equal(net.with_theta(net.theta).values, net.values)
    grids = [knots[group] for layer, knots in enumerate(net.knots) for group in net.shared_grids(layer)]
    if not same or any((g != g[0]).any() for g in grids):
        raise ValueError(
            f"parameters or knots of locked edges differ; expected the same for all of each group of "
            f"{net.ties}. Set equal ones, or unlock the edges first."
        )


def refuse_different(net: Network, group: Sequence[EdgeIndex]) -> None:
    """Raise ValueError for edges that are neither all splines nor all the same symbol."""
    others = net.families
    if any(edge in others for edge in group):
        names = [others.get(edge, ("bspline", 0))[0] for edge in group]
        raise ValueError(
            f"the edges {list(group)} are of the families {names}; expected splines or symbols, which alone "
            "can be one function."
        )
    symbols = [net.structure.symbols.get(edge) for edge in group]
    if len(set(symbols)) > 1:
        found = ["spline" if symbol is None else symbol.name for symbol in symbols]
        raise ValueError(f"the edges {list(group)} are {found}; expected all splines or all one symbol.")

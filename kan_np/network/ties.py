"""Groups of tied edges: whether the edges of a group can be, and are, one function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kan_np.network.edge_index import Place
from kan_np.network.mixed_network import MixedNetwork
from kan_np.network.network import Network


def check_locks(net: Network | MixedNetwork) -> None:
    """Raise for groups of locked edges that cannot be, or are not, one function."""
    if not isinstance(net, MixedNetwork) or not net.locks:
        return
    places = [place for group in net.locks for place in group]
    alone = any(len(group) < 2 or len({level for level, _, _ in group}) > 1 for group in net.locks)
    if alone or len(set(places)) < len(places):
        raise ValueError(f"locks are {net.locks}; expected different edges, at least two of a layer a group.")
    for group in net.locks:
        refuse_different(net, group)
    values = np.concatenate([layer.values for layer in net.layers])
    grids = [knots[group] for level, knots in enumerate(net.knots) for group in net.shared_grids(level)]
    if not np.array_equal(net.all_values(net.theta), values) or any((g != g[0]).any() for g in grids):
        raise ValueError(
            f"parameters or knots of locked edges differ; expected the same for all of each group of "
            f"{net.locks}. Set equal ones, or unlock the edges first."
        )


def refuse_different(net: MixedNetwork, group: Sequence[Place]) -> None:
    """Raise for edges that are not all splines or all one symbol."""
    edges = [net.layers[level].symbols.get((i, j)) for level, i, j in group]
    if len({None if edge is None else edge.symbol for edge in edges}) > 1:
        found = ["spline" if edge is None else edge.name for edge in edges]
        raise ValueError(f"the edges {list(group)} are {found}; expected all splines or all one symbol.")

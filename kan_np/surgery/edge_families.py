"""Edges that become those of another family: Chebyshev polynomials, piecewise linear functions, ..."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kan_np import _validate
from kan_np.edges.family import BSPLINE, LARGEST_SIZE, Basis, fitted
from kan_np.edges.registry import family, family_names
from kan_np.network.edge_index import checked_edges
from kan_np.network.network import Network
from kan_np.surgery.tied_edges import tied_with


def set_family(
    net: Network,
    layer: int,
    name: str,
    edges: Sequence[Sequence[int]] | None = None,
    size: int | None = None,
) -> Network:
    """Make edges (i, j) of a layer, or all of it, those of a family, as near as it comes to what they are.

    By least squares over the grid of their source node; for the same functions on a larger size that is
    exact. `size` is the number of intervals of the splines if None.
    """
    layer = _validate.integer("l", layer, 0, len(net.width) - 2)
    _validate.choice("name", name, family_names())
    if edges is None:
        chosen = [(layer, i, j) for i, j in np.argwhere(net.masks[layer]).tolist()]
    else:
        chosen = checked_edges(net.masks, layer, edges)
        if not chosen:
            raise ValueError("edges is empty; expected pairs (i, j), or None for all edges of the layer.")
    if name != BSPLINE and net.extrapolation == "error":
        raise ValueError(
            "extrapolation is 'error', which other families than B-splines do not know: they go on as lines; "
            "expected another one."
        )
    for edge in chosen:
        if len(tied_with(net, edge)) > 1:
            raise ValueError(f"the edge {edge} is locked with others; expected a free one: see unlock.")
    pairs = [(i, j) for _, i, j in chosen]
    if name == BSPLINE:
        if size is not None:
            raise ValueError("size is given for B-splines, which have the model's grid; expected none.")
        return _as_splines(net, layer, pairs)
    given = net.table.knots.shape[1] - 1 if size is None else size
    size = _validate.integer("grid" if size is None else "size", given, 1, LARGEST_SIZE)
    return with_family(net, layer, pairs, family(name), size)


def with_family(
    net: Network, layer: int, pairs: Sequence[tuple[int, int]], kind: type[Basis], size: int
) -> Network:
    """The network with edges (i, j) of a layer of a family and size, on the grids of their sources."""
    knots = net.knots[layer]
    same = next((own for own in net.layers[layer].bases if own.key == (kind, size)), None)
    basis = kind(knots[:, 0].copy(), knots[:, -1].copy(), size) if same is None else same.basis
    x = basis.points(max(basis.n_functions, 4 * net.table.n_basis))
    old, rows = net.edge_values(layer, x), basis.values(x)
    coef = np.stack([fitted(rows[i], old[i, j][None])[0] for i, j in pairs])
    return net.with_basis(layer, pairs, basis, coef)


def _as_splines(net: Network, layer: int, pairs: Sequence[tuple[int, int]]) -> Network:
    """The network with edges (i, j) of a layer as the splines that are nearest to them on their grids."""
    others = [(i, j) for i, j in pairs if (layer, i, j) not in net.topology.edge_number]
    if not others:
        return net
    table = net.layers[layer].table
    low, high = table.knots[:, :1], table.knots[:, -1:]
    n = 8 * table.n_basis
    x = low + (high - low) * (0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n))
    old, design = net.edge_values(layer, x), table.design_matrices(x)
    new = net.with_symbols({(layer, i, j): None for i, j in others})
    coef, weight = new.coef, new.scale_base
    for i, j in others:
        coef[layer][i, j] = fitted(design[i].T, old[i, j][None])[0]
    return new.with_splines(coef, weight)

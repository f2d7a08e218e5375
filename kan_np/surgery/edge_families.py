"""Edges that become those of another family: Chebyshev polynomials, sines, small networks, ..."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kan_np import _validate
from kan_np.edges.choice import Choice, chosen_families, chosen_family
from kan_np.edges.family import BSPLINE, EdgeFamily, least_squares
from kan_np.edges.pointwise import Pointwise
from kan_np.edges.registry import family_names
from kan_np.network.edge_index import checked_edges
from kan_np.network.network import Network
from kan_np.surgery.tied_edges import tied_with


def set_family(
    net: Network,
    layer: int,
    name: str,
    edges: Sequence[Sequence[int]] | None = None,
    size: int | None = None,
    options: Mapping[str, object] | None = None,
) -> Network:
    """Make edges (i, j) of a layer, or all of it, those of a family, as near as it comes to what they are.

    By least squares over the grid of their source node; for the same functions on a larger size that is
    exact for families that are linear in their parameters. `size` is the number of intervals of the splines
    if None, and `options` has settings of the family, or its size by its own word.
    """
    layer = _validate.integer("l", layer, 0, len(net.width) - 2)
    _validate.choice("name", name, family_names())
    if edges is None:
        chosen = [(layer, i, j) for i, j in np.argwhere(net.masks[layer]).tolist()]
    else:
        chosen = checked_edges(net.masks, layer, edges)
        if not chosen:
            raise ValueError("edges is empty; expected pairs (i, j), or None for all edges of the layer.")
    for edge in chosen:
        if len(tied_with(net, edge)) > 1:
            raise ValueError(f"the edge {edge} is locked with others; expected a free one: see unlock.")
    pairs = [(i, j) for _, i, j in chosen]
    grid = net.table.knots.shape[1] - 1
    chosen_families(name, 1, grid, options or {}, "name")
    if name == BSPLINE:
        if size is not None:
            raise ValueError("size is given for B-splines, which have the model's grid; expected none.")
        return _as_splines(net, layer, pairs)
    if size is None:
        return with_family(net, layer, pairs, chosen_family(name, grid, options or {}))
    return with_family(net, layer, pairs, chosen_family(name, size, options or {}, "size"))


def with_family(net: Network, layer: int, pairs: Sequence[tuple[int, int]], choice: Choice) -> Network:
    """The network with edges (i, j) of a layer of a family and size, near to what they are."""
    basis = _basis(net, layer, choice)
    x = basis.points(max(basis.n_params, 4 * net.table.n_basis))
    old = net.edge_values(layer, x)
    source = np.array([i for i, _ in pairs], dtype=np.int64)
    coef = basis.fitted(x, source, np.stack([old[i, j] for i, j in pairs]))
    return net.with_basis(layer, pairs, basis, coef)


def started(net: Network, layer: int, choice: Choice, init: str, rng: np.random.Generator) -> Network:
    """An untrained network of splines with a layer of another family, at its start.

    Families that are linear in their parameters start near to the splines; others draw their parameters.
    """
    pairs = [(i, j) for i, j in np.argwhere(net.masks[layer]).tolist()]
    basis = _basis(net, layer, choice)
    if not isinstance(basis, Pointwise):
        return with_family(net, layer, pairs, choice)
    fan_in = np.full(len(pairs), float(net.width[layer]))
    return net.with_basis(layer, pairs, basis, basis.start(init, fan_in, rng))


def _basis(net: Network, layer: int, choice: Choice) -> EdgeFamily:
    """The family on the grids of a layer, or on the intervals of edges that have it there."""
    if net.extrapolation == "error":
        raise ValueError(
            "extrapolation is 'error', which other families than B-splines do not know: each goes on in its "
            "own way; expected another one."
        )
    knots = net.knots[layer]
    basis = choice.on(knots[:, 0].copy(), knots[:, -1].copy())
    return next((own.basis for own in net.layers[layer].bases if own.key == basis.key), basis)


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
        coef[layer][i, j] = least_squares(design[i].T, old[i, j][None])[0]
    return new.with_splines(coef, weight)

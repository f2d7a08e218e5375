"""Hidden nodes in another order, and more of them: the function of the network stays.

Nodes that are added have no edges. Which nodes a layer has, and in which order, is said by pairs (node,
factors): the number of a node that there is, or `NEW`, and of how many factors it is a product, 1 for a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.edges.bspline import SplineTable, default_reach
from kan_np.edges.knots import uniform_knots
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.layer import Layer, LayerBasis
from kan_np.network.network import Network
from kan_np.network.structure import AFFINE, Affine
from kan_np.network.topology import Topology

#: In place of the number of a node that the network does not have yet.
NEW = -1

#: A node by its number, or `NEW`, and its number of factors.
Node = tuple[int, int]


def nodes_of(net: Network, layer: int) -> list[Node]:
    """The nodes of a layer above the inputs, as they are."""
    return list(enumerate(net.arities[layer - 1]))


def with_nodes(net: Network, layer: int, nodes: Sequence[Node]) -> Network:
    """The network whose hidden layer consists of these nodes, all that it has and new ones, in this order."""
    below, above = net.layers[layer - 1], net.layers[layer]
    subnodes = _subnodes(below, nodes)
    layers = list(net.layers)
    layers[layer - 1] = _rearranged(below, list(range(below.n_in)), subnodes, nodes)
    sources = [node for node, _ in nodes]
    layers[layer] = _rearranged(above, sources, list(range(above.n_subnodes)), list(enumerate(above.arity)))
    subnode_at = {old: new for new, old in enumerate(subnodes)}
    source_at = {old: new for new, old in enumerate(sources)}

    def moved(edge: EdgeIndex) -> EdgeIndex:
        at, i, j = edge
        if at == layer - 1:
            return at, i, subnode_at[j]
        return (at, source_at[i], j) if at == layer else edge

    ties = tuple(sorted(tuple(sorted(map(moved, group))) for group in net.ties))
    frozen = frozenset((edge if kind == AFFINE else moved(edge), kind) for edge, kind in net.frozen)
    new = Network.from_layers(layers, ties, frozen)
    return replace(new, structure=replace(new.structure, evaluation=net.structure.evaluation))


def swapped(net: Network, layer: int, first: int, second: int) -> Network:
    """The network with two nodes of a hidden layer exchanged; a sum and a product cannot be.

    Raises
    ------
    ValueError, TypeError
        If there are no such hidden nodes, or one is a sum and the other a product.
    """
    layer = hidden_layer(net, layer)
    nodes = nodes_of(net, layer)
    first, second = (
        _validate.integer(name, i, 0, len(nodes) - 1) for name, i in (("i1", first), ("i2", second))
    )
    if (nodes[first][1] == 1) != (nodes[second][1] == 1):
        raise ValueError(
            f"nodes {first} and {second} of layer {layer} are a sum and a product; expected two of a kind, "
            "because sums come before products."
        )
    nodes[first], nodes[second] = nodes[second], nodes[first]
    return with_nodes(net, layer, nodes)


def widened_layer(
    net: Network, layer: int, n_added: int, is_sum: bool, arity: int | Sequence[int]
) -> Network:
    """The network with more nodes in a hidden layer, without edges: sums behind sums, products at the end.

    Raises
    ------
    ValueError, TypeError
        For a layer that is not hidden, and numbers of nodes or factors that cannot be.
    """
    layer = hidden_layer(net, layer)
    n_added = _validate.integer("n_added_nodes", n_added, 1)
    nodes = nodes_of(net, layer)
    if is_sum:
        n_sums = sum(m == 1 for _, m in nodes)
        return with_nodes(net, layer, [*nodes[:n_sums], *[(NEW, 1)] * n_added, *nodes[n_sums:]])
    factors = list(arity) if isinstance(arity, Sequence) else [arity] * n_added
    if len(factors) != n_added:
        raise ValueError(
            f"mult_arity is {_validate.shown(arity)} for {n_added} products; expected an integer, or one for "
            "each of them."
        )
    return with_nodes(net, layer, [*nodes, *[(NEW, _validate.integer("mult_arity", m, 2)) for m in factors]])


def hidden_layer(net: Network, layer: int) -> int:
    """The number of a hidden layer of nodes; ValueError or TypeError for what is none."""
    if len(net.width) == 2:
        raise ValueError(f"the network has width {list(net.width)}, without hidden nodes; expected some.")
    return _validate.integer("l", layer, 1, len(net.width) - 2)


def _subnodes(below: Layer, nodes: Sequence[Node]) -> list[int]:
    """The subnodes of nodes, in their order."""
    own = np.split(np.arange(below.n_subnodes), np.cumsum(below.arity)[:-1])
    return [j for node, m in nodes for j in ([NEW] * m if node == NEW else own[node].tolist())]


def _rearranged(layer: Layer, sources: list[int], subnodes: list[int], nodes: Sequence[Node]) -> Layer:
    """The layer between these sources and these nodes, given with their subnodes."""
    mask = _picked(layer.spline_mask, sources, subnodes)
    params = _picked(layer.topology.by_layer(layer.spline_params)[0], sources, subnodes)[mask]
    places = {
        (old_i, old_j): (new_i, new_j)
        for new_i, old_i in enumerate(sources)
        for new_j, old_j in enumerate(subnodes)
    }
    affine = None
    if layer.affine is not None:
        owners = (subnodes, subnodes, [n for n, _ in nodes], [n for n, _ in nodes])
        parts = zip(layer.affine, owners, (1.0, 0.0, 1.0, 0.0), strict=True)
        affine = Affine(*(_entries(part, owner, new) for part, owner, new in parts))
    return Layer(
        Topology.from_masks([mask]),
        _table(layer.table, sources),
        layer.base_fun,
        params,
        dict(sorted((places[edge], symbol) for edge, symbol in layer.symbols.items())),
        tuple(m for _, m in nodes),
        affine,
        tuple(_basis(own, sources, subnodes) for own in layer.bases),
    )


def _basis(own: LayerBasis, sources: list[int], subnodes: list[int]) -> LayerBasis:
    mask = _picked(own.mask, sources, subnodes)
    coef = _picked(own.topology.by_layer(own.coef)[0], sources, subnodes)[mask]
    low, high = _entries(own.basis.low, sources, -1.0), _entries(own.basis.high, sources, 1.0)
    return LayerBasis(Topology.from_masks([mask]), own.basis.moved(low, high), coef)


def _table(table: SplineTable, sources: list[int]) -> SplineTable:
    """The splines of these sources; those of new ones are on (-1, 1)."""
    new = uniform_knots(-1.0, 1.0, table.knots.shape[1] - 1)
    knots, reach = _rows(table.knots, sources, new), _rows(table.reach, sources, default_reach(new))
    return SplineTable.build(knots, table.k, table.extrapolation, reach)


def _rows(array: FloatArray, index: list[int], new: FloatArray) -> FloatArray:
    rows = array[index].copy()
    rows[np.array(index) == NEW] = new
    return rows


def _entries(array: FloatArray, index: list[int], new: float) -> FloatArray:
    return np.where(np.array(index) == NEW, new, array[index])


def _picked(array: NDArray[Any], sources: list[int], subnodes: list[int]) -> NDArray[Any]:
    """Entries by source and subnode, zero for new ones."""
    picked = array[np.ix_(sources, subnodes)].copy()
    picked[np.array(sources) == NEW] = 0
    picked[:, np.array(subnodes) == NEW] = 0
    return picked

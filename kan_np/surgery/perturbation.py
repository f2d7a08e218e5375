"""Random splines on edges, so that a network made by hand or compiled from a formula can be trained further.

An edge is *there* unless it was pruned or is the symbol "0"; a node or subnode is *active* if edges that are
there leave it or lead to it. Three sets of edges may be perturbed (names from pykan 0.2.8):

    "minimal"        those that are there
    "all"            all pairs of a source and a subnode
    "non-intrusive"  those from all nodes to subnodes that no edge leads to, of nodes that no edge leaves; and
                     in the last layer those that are missing, as splines that are zero: the function stays

A missing edge becomes a random spline, times the magnitude; to a spline such a one is added; a symbol becomes
the spline that is nearest to it on its grid first; parameters of other families move by a tenth of their size
times the magnitude (chosen by judgement). What is frozen stays, and edges that are locked move together.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.initialization import random_parameters
from kan_np.network.layer import LayerBasis
from kan_np.network.network import Network
from kan_np.surgery.symbolic_edges import unfix_symbolic
from kan_np.surgery.tied_edges import tied_with

MODES = ("non-intrusive", "all", "minimal")

#: noise_scale, scale_base_mu and scale_base_sigma of the splines that are added, those of a new model.
_SCALES = (0.3, 0.0, 1.0)
_OTHERS = 0.1

Bools = NDArray[np.bool_]


def perturbed(net: Network, magnitude: float, mode: str, rng: np.random.Generator) -> Network:
    """The network with random splines on some of its edges.

    Parameters
    ----------
    net : Network
    magnitude : float
        1 for those of a new model.
    mode : str
        One of `MODES`.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        For an unknown mode, and for a symbol that has no finite spline on its grid.
    """
    _validate.choice("mode", mode, MODES)
    chosen, zeros = _chosen(net, mode)
    held = {edge for edge, _ in net.frozen}
    touched = [edge for edge in chosen if edge not in held]
    there = net.masks
    for edge in touched:
        if edge in net.structure.symbols:
            net = unfix_symbolic(net, edge)
    missing = [(layer, i, j) for layer, i, j in (*touched, *zeros) if not there[layer][i, j]]
    net = net.with_symbols(dict.fromkeys(missing)) if missing else net
    return _with_noise(net, touched, magnitude, rng)


def _there(net: Network) -> list[Bools]:
    """True for edges that are not the symbol "0"."""
    masks = net.masks
    for (layer, i, j), symbol in net.structure.symbols.items():
        masks[layer][i, j] = symbol.name != "0"
    return masks


def _chosen(net: Network, mode: str) -> tuple[list[EdgeIndex], list[EdgeIndex]]:
    """Edges that get random splines, and missing edges that become zero."""
    there, masks = _there(net), net.masks
    if mode == "minimal":
        return _edges(there), []
    if mode == "all":
        return _edges([np.ones_like(mask) for mask in there]), []
    idle: list[Bools] = []
    for layer, mask in enumerate(there[:-1]):
        unread = ~masks[layer + 1].any(axis=1)
        free = np.repeat(unread, net.arities[layer]) & ~masks[layer].any(axis=0)
        idle.append(np.broadcast_to(free, mask.shape))
    last = [np.zeros_like(mask) for mask in there[:-1]] + [~masks[-1]]
    return _edges([*idle, np.zeros_like(there[-1])]), _edges(last)


def _edges(masks: list[Bools]) -> list[EdgeIndex]:
    return [(layer, i, j) for layer, mask in enumerate(masks) for i, j in np.argwhere(mask).tolist()]


def _with_noise(net: Network, edges: list[EdgeIndex], magnitude: float, rng: np.random.Generator) -> Network:
    """The network with random splines added to edges that are no symbols."""
    t, k = net.topology, net.k
    grid = net.table.knots.shape[1] - 1
    fan_in = np.concatenate([np.full(n * m, float(n)) for n, m in t.pairs])
    noise = magnitude * random_parameters("pykan", fan_in, grid, k, net.has_base, _SCALES, rng)
    place = np.concatenate([[0], np.cumsum([n * m for n, m in t.pairs])])
    coef, weight = net.coef, net.scale_base
    for edge in edges:
        layer, i, j = first = tied_with(net, edge)[0]
        if first in t.edge_number:
            own = noise[place[layer] + i * t.pairs[layer][1] + j]
            layer, i, j = edge
            coef[layer][i, j] += own[net.has_base :]
            weight[layer][i, j] += own[0] * net.has_base
    net = net.with_splines(coef, weight)
    return _other_families(net, set(edges), magnitude, rng) if net.structure.bases else net


def _other_families(
    net: Network, edges: set[EdgeIndex], magnitude: float, rng: np.random.Generator
) -> Network:
    """The network with the parameters of edges of other families moved."""
    layers = []
    for number, layer in enumerate(net.layers):
        bases = []
        for own in layer.bases:
            moves = np.array([(number, i, j) in edges for _, i, j in own.topology.edges])
            bases.append(replace(own, coef=own.coef + moves[:, None] * _moves(own, magnitude, rng)))
        layers.append(replace(layer, bases=tuple(bases)))
    new = Network.from_layers(layers, net.ties, net.frozen)
    return replace(new, structure=replace(new.structure, evaluation=net.structure.evaluation))


def _moves(own: LayerBasis, magnitude: float, rng: np.random.Generator) -> FloatArray:
    size = np.sqrt(np.mean(np.square(own.coef), axis=1, keepdims=True))
    return np.asarray(magnitude * _OTHERS * size * rng.normal(size=own.coef.shape))

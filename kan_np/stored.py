"""What a file keeps of a network, and the network again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from kan_np.locking import check_locks
from kan_np.mixed_layer import MixedLayer
from kan_np.mixed_network import MixedNetwork, as_mixed
from kan_np.network import Network
from kan_np.pieces import SplineTable
from kan_np.place import Place, checked_place
from kan_np.shape import Shape
from kan_np.symbolic.library import rebuild_symbol
from kan_np.symbolic_edge import SymbolicEdge
from kan_np.wiring import Wiring


def network_arrays(net: Network | MixedNetwork) -> dict[str, Any]:
    """Arrays that hold all of a network but its shape; symbols as text and constants."""
    edges = np.concatenate([mask.ravel() for mask in net.masks])
    if isinstance(net, Network):
        return {"theta": net.theta, "knots": net.table.knots, "reach": net.table.reach, "edges": edges}
    symbols = net.symbols
    affine = [layer.affine for layer in net.layers if layer.affine is not None]
    locks = [(g, *place) for g, group in enumerate(net.locks) for place in group]
    return {
        "theta": np.concatenate([layer.splines.theta for layer in net.layers]),
        "knots": np.concatenate(net.knots),
        "reach": np.concatenate(net.reach),
        "edges": edges,
        "symbols": np.array(json.dumps([[*place, *edge.symbol.identity] for place, edge in symbols.items()])),
        "constants": np.array([edge.constants for edge in symbols.values()]).reshape(-1, 4),
        "affine": np.concatenate(affine) if affine else np.zeros(0),
        "locks": np.array(locks, dtype=np.int64).reshape(-1, 4),
    }


def restored_network(template: Network | MixedNetwork, arrays: dict[str, Any]) -> Network | MixedNetwork:
    """The network of a file.

    Parameters
    ----------
    template : Network or MixedNetwork
        Of the same shape, with all edges.
    arrays : dict
        As `network_arrays` gives them; files of earlier formats lack some.

    Raises
    ------
    ValueError, KeyError, TypeError
        For arrays that do not belong together.
    """
    shape = Shape.of(template)
    n_edges = sum(n * m for n, m in shape.pairs)
    # nothing was pruned before format 3
    edges = arrays.get("edges", np.ones(n_edges, dtype=bool))
    _fits("edges", edges, (n_edges,), np.bool_)
    cuts = np.cumsum([n * m for n, m in shape.pairs])[:-1]
    masks = [part.reshape(pair) for part, pair in zip(np.split(edges, cuts), shape.pairs, strict=True)]
    mixed = as_mixed(template)
    symbols = _symbols(mixed, arrays) if "symbols" in arrays else {}
    splines = [mask.copy() for mask in masks]
    for level, i, j in symbols:
        splines[level][i, j] = False
    net = _with_splines(mixed, splines, arrays)
    for level, i, j in symbols:
        if not masks[level][i, j]:
            raise ValueError(f"there is a symbol but no edge at {(level, i, j)}")
    layers = []
    affine, at = arrays.get("affine", np.zeros(0)), 0
    for level, layer in enumerate(net.layers):
        own = {(i, j): edge for (at_l, i, j), edge in symbols.items() if at_l == level}
        n = 0 if layer.affine is None else layer.affine.size
        values = None if layer.affine is None else affine[at : at + n].copy()
        layers.append(replace(layer, symbols=dict(sorted(own.items())), affine=values))
        at += n
    _fits("affine", affine, (at,), np.float64)
    net = MixedNetwork(tuple(layers))
    net = replace(net, locks=_locks(net, arrays))
    check_locks(net)
    return net.simplified()


def _with_splines(net: MixedNetwork, masks: list[Any], arrays: dict[str, Any]) -> MixedNetwork:
    """The network with the splines of a file on these edges."""
    theta, knots = arrays["theta"], arrays["knots"]
    reach = arrays.get("reach", np.diff(knots, axis=1)[:, [0, -1]])  # format 1: always one interval
    counts = [int(mask.sum()) for mask in masks]
    n_row = net.layers[0].splines.theta.shape[1]
    n_knots = net.knots[0].shape[1]
    _fits("theta", theta, (sum(counts), n_row), np.float64)
    _fits("knots", knots, (sum(net.width[:-1]), n_knots), np.float64)
    _fits("reach", reach, (knots.shape[0], 2), np.float64)
    layers: list[MixedLayer] = []
    first_edge = first_node = 0
    for layer, mask, n in zip(net.layers, masks, counts, strict=True):
        nodes = slice(first_node, first_node + layer.n_in)
        table = SplineTable.build(knots[nodes], net.k, net.extrapolation, reach[nodes])
        splines = Network(Wiring.from_masks([mask]), table, net.base_fun, theta[first_edge : first_edge + n])
        layers.append(replace(layer, splines=splines))
        first_edge, first_node = first_edge + n, nodes.stop
    return MixedNetwork(tuple(layers))


def _symbols(net: MixedNetwork, arrays: dict[str, Any]) -> dict[Place, SymbolicEdge]:
    rows, constants = json.loads(str(arrays["symbols"])), arrays["constants"]
    _fits("constants", constants, (len(rows), 4), np.float64)
    return {
        checked_place(net.masks, (level, i, j)): SymbolicEdge(
            rebuild_symbol(name, expression, complexity), *(float(value) for value in own)
        )
        for (level, i, j, name, expression, complexity), own in zip(rows, constants, strict=True)
    }


def _locks(net: MixedNetwork, arrays: dict[str, Any]) -> tuple[tuple[Place, ...], ...]:
    rows = arrays.get("locks", np.zeros((0, 4), dtype=np.int64))
    _fits("locks", rows, (len(rows), 4), np.int64)
    groups: dict[int, list[Place]] = {}
    for number, *place in rows.tolist():
        groups.setdefault(number, []).append(checked_place(net.masks, place))
    return tuple(tuple(group) for group in groups.values())


def _fits(name: str, array: Any, shape: tuple[int, ...], kind: Any) -> None:
    if array.dtype != kind or array.shape != shape:
        raise ValueError(
            f"{name} is an array of {array.dtype} of shape {array.shape}; "
            f"expected {np.dtype(kind)} of {shape}"
        )

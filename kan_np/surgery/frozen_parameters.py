"""Parameters that training leaves as they are: base weights, coefficients, constants of symbols, ..."""

from __future__ import annotations

from collections.abc import Sequence

from kan_np import _validate
from kan_np.network.edge_index import EdgeIndex, checked_edges
from kan_np.network.network import Network
from kan_np.network.structure import AFFINE, BASE, BASIS, KINDS, SPLINE, SYMBOL, Part
from kan_np.surgery.tied_edges import tied_with


def freeze(
    net: Network,
    layer: int | None = None,
    edges: Sequence[Sequence[int]] | None = None,
    kind: str | None = None,
) -> Network:
    """Let parameters of edges (i, j) of a layer, of a layer, or of all keep their values while training.

    `kind` is one of `kan_np.network.structure.KINDS`; if None, all kinds that are there, but for the scales
    and biases of nodes where edges are named. Edges that are locked with one of them are frozen, too.
    """
    parts = _parts(net, layer, edges, kind)
    if not parts:
        named = "parameters" if kind is None else f"parameters of the kind {kind!r}"
        raise ValueError(
            f"there are no {named} to freeze there; expected some that the model has: see model.symbols, "
            "model.families and model.affine_trainable."
        )
    return net.with_frozen(net.structure.frozen | parts)


def frozen_kinds(net: Network, kinds: Sequence[str]) -> Network:
    """The network with all parameters of some kinds frozen, as far as it has any."""
    parts = {part for kind in kinds for part in _parts(net, None, None, kind)}
    return net.with_frozen(net.structure.frozen | parts) if parts else net


def unfreeze(
    net: Network,
    layer: int | None = None,
    edges: Sequence[Sequence[int]] | None = None,
    kind: str | None = None,
) -> Network:
    """Train parameters again that were frozen, named as for `freeze`."""
    return net.with_frozen(net.structure.frozen - _parts(net, layer, edges, kind))


def _parts(
    net: Network,
    layer: int | None,
    edges: Sequence[Sequence[int]] | None,
    kind: str | None,
) -> frozenset[Part]:
    """Parameters that are named, as far as they are there."""
    layers = range(len(net.width) - 1)
    if layer is not None:
        layers = range(number := _validate.integer("l", layer, 0, len(net.width) - 2), number + 1)
    kinds = KINDS if kind is None else (_validate.choice("kind", kind, KINDS),)
    if edges is None:
        chosen = {edge for own in layers for edge in _edges_of(net, own)}
    elif layer is None:
        raise ValueError("edges are given without l; expected the layer that they are in.")
    elif kind == AFFINE:
        raise ValueError("kind is 'affine', which belongs to nodes; expected no edges with it.")
    else:
        chosen = {own for edge in checked_edges(net.masks, layers[0], edges) for own in tied_with(net, edge)}
    parts = {(edge, own) for edge in chosen for own in _kinds_of(net, edge) if own in kinds}
    if edges is None and net.structure.has_affine and AFFINE in kinds:
        parts |= {((own, -1, -1), AFFINE) for own in layers}
    return frozenset(parts)


def _edges_of(net: Network, layer: int) -> list[EdgeIndex]:
    mask = net.masks[layer]
    return [(layer, i, j) for i in range(mask.shape[0]) for j in range(mask.shape[1]) if mask[i, j]]


def _kinds_of(net: Network, edge: EdgeIndex) -> tuple[str, ...]:
    structure = net.structure
    if edge in structure.symbols:
        return (SYMBOL,)
    if edge not in structure.topology.edge_number:
        return (BASIS,)
    return (BASE, SPLINE) if structure.has_base else (SPLINE,)

"""Parameters of a KAN that training leaves as they are.

The functions change the model that they are given; ``KAN`` has them as methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kan_np import _validate
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.structure import AFFINE, BASE, BASIS, KINDS, SPLINE, SYMBOL, Part
from kan_np.surgery.tied_edges import named_edges, tied_with

if TYPE_CHECKING:
    from kan_np.training.views import Views


def freeze(
    model: Views,
    l: int | None = None,  # noqa: E741
    edges: Sequence[Sequence[int]] | None = None,
    kind: str | None = None,
) -> None:
    """Let parameters keep their values in every fit, whatever the optimizer.

    They do not count in ``n_params``; saving, `refine` and pruning keep them. Grids of nodes that a frozen
    spline leaves do not follow the samples. Where pruning has no other edge to put a constant on that it
    leaves behind, it changes a frozen one, which is free then.

    Parameters
    ----------
    model : KAN
        Changed in place.
    l : int, optional
        Layer of edges; all layers if not given.
    edges : sequence of (i, j), optional
        Sources and subnodes of layer l; all edges if not given. Edges that are locked with one of them are
        frozen, too.
    kind : {"base", "spline", "symbol", "affine", "basis"}, optional
        Residual weights, spline coefficients, constants of symbols, scales and biases of nodes, or
        coefficients of other families alone; all of them if not given (of named edges all but "affine").

    Raises
    ------
    ValueError, TypeError
        If there is no such layer, edge or kind, or nothing of the kind is there.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 1], grid=5, seed=0)
    >>> model.freeze(0, [(0, 0)])
    >>> model.n_params, model.frozen
    (9, [(0, 0, 0, 'base'), (0, 0, 0, 'spline')])
    >>> model.unfreeze(kind="base")
    >>> model.n_params
    10
    """
    net, parts = model._network, _parts(model, l, edges, kind)
    if not parts:
        named = "parameters" if kind is None else f"parameters of the kind {kind!r}"
        raise ValueError(
            f"there are no {named} to freeze there; see model.symbols and model.affine_trainable."
        )
    model._reshape(net.with_frozen(net.structure.frozen | parts))


def unfreeze(
    model: Views,
    l: int | None = None,  # noqa: E741
    edges: Sequence[Sequence[int]] | None = None,
    kind: str | None = None,
) -> None:
    """Train parameters again that were frozen; those that are not frozen stay as they are.

    Parameters
    ----------
    model : KAN
        Changed in place.
    l, edges, kind
        As for `freeze`.

    Raises
    ------
    ValueError, TypeError
        If there is no such layer, edge or kind.
    """
    net = model._network
    model._reshape(net.with_frozen(net.structure.frozen - _parts(model, l, edges, kind)))


def _parts(
    model: Views,
    l: int | None,  # noqa: E741
    edges: Sequence[Sequence[int]] | None,
    kind: str | None,
) -> frozenset[Part]:
    """Parameters that are named, as far as they are there."""
    net = model._network
    layers = range(len(net.width) - 1)
    if l is not None:
        layers = range(number := _validate.integer("l", l, 0, len(net.width) - 2), number + 1)
    kinds = KINDS if kind is None else (_validate.choice("kind", kind, KINDS),)
    if edges is None:
        chosen = {edge for layer in layers for edge in _edges_of(model, layer)}
    elif l is None:
        raise ValueError("edges are given without l; expected the layer that they are in.")
    elif kind == AFFINE:
        raise ValueError("kind is 'affine', which belongs to nodes; expected no edges with it.")
    else:
        chosen = {own for edge in named_edges(net, layers[0], edges) for own in tied_with(net, edge)}
    parts = {(edge, own) for edge in chosen for own in _kinds_of(model, edge) if own in kinds}
    if edges is None and net.structure.has_affine and AFFINE in kinds:
        parts |= {((layer, -1, -1), AFFINE) for layer in layers}
    return frozenset(parts)


def _edges_of(model: Views, layer: int) -> list[EdgeIndex]:
    mask = model.edges[layer]
    return [(layer, i, j) for i in range(mask.shape[0]) for j in range(mask.shape[1]) if mask[i, j]]


def _kinds_of(model: Views, edge: EdgeIndex) -> tuple[str, ...]:
    structure = model._network.structure
    if edge in structure.symbols:
        return (SYMBOL,)
    if edge not in structure.topology.edge_number:
        return (BASIS,)
    return (BASE, SPLINE) if structure.has_base else (SPLINE,)

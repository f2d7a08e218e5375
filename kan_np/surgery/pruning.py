"""Smaller networks: without the nodes, edges and inputs that do little, or that are named.

Arrays, parameters and arithmetic of the new networks are those of what is left. Two things can become of an
edge that is left out:

- By name (`remove_edge`, `remove_node`, `keep_nodes`, `keep_inputs`) it is set to zero, as if it had never
  been.
- By a threshold it leaves its mean over the samples behind, added to its target. What does not vary can so be
  left out without changing the function, and what varies little changes it by that variation alone. (pykan
  sets it to zero, and the loss jumps by the mean.)

Nothing else changes the function:

- A hidden node that no output depends on any more is left out, with the edges into it.
- A hidden node that no input reaches is a constant, and so is every edge from it. They are left out as well,
  and the constants added to what is left, layer by layer. A product with a constant factor loses that factor
  and is scaled by it; a product of two becomes a sum; a product with a factor 0 is the constant 0
  (`kan_np.surgery.constant_folding`).

Hence every hidden node of a pruned network has edges on both sides. Symbols stay symbols. Inputs stay, used
or not, until `prune_input` or `keep_inputs` leave them out. An output that no input reaches would be a
constant: that is refused.

Names, thresholds and scores are those of pykan 0.2.8 (arXiv:2408.10205, section 4.1;
`kan_np.surgery.attribution`): a part stays if its score on samples x, (n_samples, n_in), is above the
threshold. All functions raise a ValueError where an output would be left without a path from an input.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.network.edge_index import checked_edge
from kan_np.network.network import Network
from kan_np.surgery.attribution import edge_scores, feature_score, measure_means, node_scores
from kan_np.surgery.constant_folding import Bools, Reduction

_LOWER = "lower the threshold, or train longer or with a smaller lamb first."


@dataclass(frozen=True)
class FewerInputs:
    """A network that takes fewer inputs.

    Attributes
    ----------
    network : Network
    inputs : ndarray of bool of shape (n_in,)
        The inputs before that it takes.
    """

    network: Network
    inputs: Bools


def prune(net: Network, x: FloatArray, node_th: float, edge_th: float) -> Network:
    """Leave out weak hidden nodes, then, by the scores of what is left, weak edges."""
    return prune_edge(prune_node(net, x, node_th), x, edge_th)


def prune_node(net: Network, x: FloatArray, threshold: float) -> Network:
    """Keep the hidden nodes with a backward score above the threshold."""
    kept = [score > threshold for score in node_scores(net, x)[1:-1]]
    return _keep(net, _between(net, kept), f"prune_node with threshold {threshold:g}", _LOWER, x)


def keep_nodes(net: Network, active: Sequence[Sequence[int]]) -> Network:
    """Keep the hidden nodes that are named, a sequence for each hidden layer."""
    hidden = net.width[1:-1]
    if isinstance(active, str) or not hasattr(active, "__len__"):
        raise TypeError(
            f"active is {_validate.shown(active)}; expected a list, with the nodes to keep of each hidden "
            "layer."
        )
    if len(active) != len(hidden):
        raise ValueError(
            f"active has {len(active)} entries; expected {len(hidden)}, the nodes to keep of each hidden "
            f"layer of width {list(net.width)}."
        )
    kept = [_named(f"active[{h}]", ids, n) for h, (ids, n) in enumerate(zip(active, hidden, strict=True))]
    return _keep(net, _between(net, kept), "prune_node with active", "name more nodes.")


def prune_edge(net: Network, x: FloatArray, threshold: float) -> Network:
    """Keep the edges with a backward score above the threshold."""
    kept = [score > threshold for score in edge_scores(net, x)]
    return _keep(net, kept, f"prune_edge with threshold {threshold:g}", _LOWER, x)


def prune_input(net: Network, x: FloatArray, threshold: float) -> FewerInputs:
    """Keep the inputs with a backward score above the threshold."""
    inputs = feature_score(net, x) > threshold
    return _with_inputs(net, inputs, f"prune_input with threshold {threshold:g}", _LOWER, x)


def keep_inputs(net: Network, active: Sequence[int]) -> FewerInputs:
    """Keep the inputs that are named; they stay in their order."""
    inputs = _named("active", active, net.width[0])
    asked = f"prune_input with active {np.flatnonzero(inputs).tolist()}"
    return _with_inputs(net, inputs, asked, "name more inputs.")


def remove_edge(net: Network, layer: int, i: int, j: int) -> Network:
    """Leave out the edge from node i of a layer to subnode j of the next, as if it were zero."""
    kept = net.masks
    layer, i, j = checked_edge(kept, (layer, i, j))
    kept[layer][i, j] = False
    return _keep(net, kept, f"remove_edge({layer}, {i}, {j})", "keep this edge.")


def remove_node(net: Network, layer: int, i: int) -> Network:
    """Leave out the hidden node i of a layer of nodes, 0 being the inputs, as if it were zero."""
    width = list(net.width)
    layer = _validate.integer("l", layer, 0, len(width) - 1)
    if layer in (0, len(width) - 1):
        raise ValueError(
            f"layer {layer} of width {width} are the {'outputs' if layer else 'inputs'}; expected a hidden "
            f"layer. {'Outputs stay.' if layer else 'Leave inputs out with prune_input(active=...).'}"
        )
    i = _validate.integer("i", i, 0, width[layer] - 1)
    nodes = [np.ones(n, dtype=bool) for n in width[1:-1]]
    nodes[layer - 1][i] = False
    return _keep(net, _between(net, nodes), f"remove_node({layer}, {i})", "keep this node.")


def _named(name: str, ids: Iterable[int], n: int) -> Bools:
    """True for the named ones of n."""
    if isinstance(ids, str) or not hasattr(ids, "__iter__"):
        raise TypeError(
            f"{name} is {_validate.shown(ids)}; expected a sequence of integers from 0 to {n - 1}."
        )
    kept = np.zeros(n, dtype=bool)
    kept[[_validate.integer(f"{name}[{q}]", one, 0, n - 1) for q, one in enumerate(ids)]] = True
    return kept


def _between(net: Network, hidden: Sequence[Bools]) -> list[Bools]:
    """The edges between inputs, these hidden nodes, and outputs."""
    nodes = [np.ones(net.width[0], dtype=bool), *hidden, np.ones(net.width[-1], dtype=bool)]
    layers = zip(net.masks, nodes[:-1], nodes[1:], net.arities, strict=True)
    return [mask & below[:, None] & np.repeat(above, arity) for mask, below, above, arity in layers]


def _with_inputs(
    net: Network, inputs: Bools, asked: str, advice: str, x: FloatArray | None = None
) -> FewerInputs:
    """The network without the other inputs and the edges from them."""
    kept = net.masks
    kept[0] &= inputs[:, None]
    return FewerInputs(_keep(net, kept, asked, advice, x, inputs), inputs)


def _keep(
    net: Network,
    kept: Sequence[Bools],
    asked: str,
    advice: str,
    x: FloatArray | None = None,
    inputs: Bools | None = None,
) -> Network:
    """A network of these edges, without nodes that have become useless.

    The other edges are zero or, given samples x, their means there. `inputs` are the inputs that stay, all if
    None. Errors say that what was `asked` for cannot be, and give the `advice`.
    """
    there = net.masks
    means = [np.zeros(mask.shape) for mask in there] if x is None else measure_means(net, x)
    kept = [mask & stays for mask, stays in zip(there, kept, strict=True)]
    left_behind = [np.where(stays, 0.0, mean).sum(axis=0) for stays, mean in zip(kept, means, strict=True)]
    reduction = Reduction(net, kept, left_behind)
    if reduction.lost:
        n_edges, outputs = sum(int(mask.sum()) for mask in there), ", ".join(map(str, reduction.lost))
        raise ValueError(
            f"{asked} would leave {reduction.n_edges} of {n_edges} edges and no path from an input to output "
            f"{outputs}; expected one to every output: {advice}"
        )
    return reduction.network(np.ones(net.width[0], dtype=bool) if inputs is None else inputs)

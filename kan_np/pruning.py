"""Smaller models: without the nodes, edges and inputs that do little, or that are named.

All functions return new models whose arrays, parameters and arithmetic are those of what is left. What is
asked for is set to zero; nothing else changes the function:

- A hidden node that no output depends on any more is left out, with the edges into it.
- A hidden node without edges into it is the constant 0, and every edge phi from it the constant phi(0). Such
  nodes and edges are left out as well, layer by layer. The constants are kept: B-splines sum to 1, so that
  adding a number to all coefficients of an edge adds it to the target of that edge. It goes to the first edge
  that is left. (With ``extrapolation="zero"`` splines fade outside the grid, and the constant with them.)

Hence every hidden node of a pruned model has edges on both sides. Inputs stay, used or not, until
`prune_input` leaves them out. An output that no input reaches would be a constant: that is refused.

Names, thresholds and scores are those of pykan 0.2.8 (arXiv:2408.10205, section 4.1; `kan_np.attribution`):
a part stays if its score is above the threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.attribution import default_samples, edge_scores, feature_score, node_scores
from kan_np.data.scaler import Scaler
from kan_np.network import Network, residual_values

if TYPE_CHECKING:
    from kan_np.model import KAN

Bools = NDArray[np.bool_]

_LOWER = "lower the threshold, or train longer or with a smaller lamb first."


def prune(model: KAN, x: ArrayLike | None = None, node_th: float = 1e-2, edge_th: float = 3e-2) -> KAN:
    """Leave out weak hidden nodes, then, by the scores of what is left, weak edges.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in), optional
        Samples on which the scores are taken, such as ``dataset["train_input"]``. If not given, 1000 samples
        spread over the grids of the inputs, which follow the samples of the last fit.
    node_th, edge_th : float
        Thresholds of `prune_node` and `prune_edge`.

    Returns
    -------
    KAN

    Raises
    ------
    ValueError
        If an output would be left without a path from an input, and for samples that ``model(x)`` refuses.

    Examples
    --------
    >>> from kan_np import KAN, create_dataset
    >>> from kan_np.pruning import prune
    >>> dataset = create_dataset(lambda x: x[:, [0]] ** 2 + x[:, [1]], n_var=2, train_num=200, seed=0)
    >>> model = KAN([2, 5, 1], seed=0)
    >>> result = model.fit(dataset, steps=20, lamb=0.01)
    >>> pruned = prune(model, dataset["train_input"])
    >>> pruned.n_params < model.n_params
    True
    """
    edge_th = _validate.real("edge_th", edge_th)
    return prune_edge(prune_node(model, _validate.real("node_th", node_th), x=x), edge_th, x)


def prune_node(
    model: KAN,
    threshold: float = 1e-2,
    active: Sequence[Sequence[int]] | None = None,
    x: ArrayLike | None = None,
) -> KAN:
    """Keep the hidden nodes with a backward score above the threshold, or those that are named.

    Parameters
    ----------
    model : KAN
    threshold : float
        For `kan_np.attribution.node_scores`.
    active : sequence of sequences of int, optional
        Nodes to keep, one sequence a hidden layer; then scores and threshold do not matter.
    x : array_like of shape (n_samples, n_in), optional
        As for `prune`.

    Returns
    -------
    KAN

    Raises
    ------
    ValueError, TypeError
        As `prune`, and for nodes that there are not.

    Examples
    --------
    >>> from kan_np import KAN
    >>> from kan_np.pruning import prune_node
    >>> prune_node(KAN([2, 5, 1], seed=0), active=[[0, 3]])
    KAN([2, 2, 1], grid=5, k=3, n_params=54)
    """
    hidden = model.width[1:-1]
    if active is None:
        threshold = _validate.real("threshold", threshold)
        kept = [score > threshold for score in node_scores(model, _samples(model, x))[1:-1]]
        asked, advice = f"prune_node with threshold {threshold:g}", _LOWER
    else:
        if len(active) != len(hidden):
            raise ValueError(
                f"active has {len(active)} entries; expected {len(hidden)}, the nodes to keep of each hidden "
                f"layer of width {model.width}."
            )
        kept = [_named(f"active[{h}]", ids, n) for h, (ids, n) in enumerate(zip(active, hidden, strict=True))]
        asked, advice = "prune_node with active", "name more nodes."
    ends = np.ones(model.width[0], dtype=bool), np.ones(model.width[-1], dtype=bool)
    nodes = np.concatenate([ends[0], *kept, ends[1]])
    w = model._network.wiring
    return _keep(model, nodes[w.source] & nodes[w.target], asked, advice)


def prune_edge(model: KAN, threshold: float = 3e-2, x: ArrayLike | None = None) -> KAN:
    """Keep the edges with a backward score above the threshold.

    Parameters
    ----------
    model : KAN
    threshold : float
        For `kan_np.attribution.edge_scores` with "edge_backward".
    x : array_like of shape (n_samples, n_in), optional
        As for `prune`.

    Returns
    -------
    KAN

    Raises
    ------
    ValueError
        As `prune`.
    """
    threshold = _validate.real("threshold", threshold)
    scores = model._network.wiring.by_edge(edge_scores(model, _samples(model, x)))
    return _keep(model, scores > threshold, f"prune_edge with threshold {threshold:g}", _LOWER)


def prune_input(
    model: KAN,
    threshold: float = 1e-2,
    active: Sequence[int] | None = None,
    x: ArrayLike | None = None,
) -> KAN:
    """Keep the inputs with a backward score above the threshold, or those that are named.

    The new model takes all columns of the data, of which it uses ``input_id``, or these columns alone.

    Parameters
    ----------
    model : KAN
    threshold : float
        For `kan_np.attribution.feature_score`.
    active : sequence of int, optional
        Inputs of `model` to keep, counted from 0, in any order: inputs stay in the order of the data.
    x : array_like of shape (n_samples, n_in), optional
        As for `prune`.

    Returns
    -------
    KAN

    Raises
    ------
    ValueError, TypeError
        As `prune`, and for inputs that there are not.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> from kan_np.pruning import prune_input
    >>> smaller = prune_input(KAN([3, 2, 1], seed=0), active=[0, 2])
    >>> smaller.width, smaller.input_id.tolist()
    ([2, 2, 1], [0, 2])
    >>> x = np.random.default_rng(0).uniform(-1, 1, (5, 3))
    >>> bool((smaller(x) == smaller(x[:, [0, 2]])).all())
    True
    """
    if active is None:
        threshold = _validate.real("threshold", threshold)
        inputs = feature_score(model, _samples(model, x)) > threshold
        asked, advice = f"prune_input with threshold {threshold:g}", _LOWER
    else:
        inputs = _named("active", active, model.width[0])
        asked, advice = f"prune_input with active {np.flatnonzero(inputs).tolist()}", "name more inputs."
    w = model._network.wiring
    kept = np.concatenate([inputs, np.ones(w.n_sources - w.width[0], dtype=bool)])[w.source]
    return _keep(model, kept, asked, advice, inputs)


def remove_edge(model: KAN, l: int, i: int, j: int) -> KAN:  # noqa: E741
    """Leave out the edge from node i of layer l to node j of the next.

    Parameters
    ----------
    model : KAN
    l, i, j : int
        Layer, source and target, counted from 0.

    Returns
    -------
    KAN

    Raises
    ------
    ValueError, TypeError
        If there is no such edge, or if an output would be left without a path from an input.
    """
    width = model.width
    layer = _validate.integer("l", l, 0, len(width) - 2)
    i, j = _validate.integer("i", i, 0, width[layer] - 1), _validate.integer("j", j, 0, width[layer + 1] - 1)
    masks = model.edges
    if not masks[layer][i, j]:
        raise ValueError(
            f"there is no edge ({layer}, {i}, {j}): it was pruned before; expected one where model.edges is "
            "True."
        )
    mask = [np.ones_like(m) for m in masks]
    mask[layer][i, j] = False
    kept = model._network.wiring.by_edge(mask)
    return _keep(model, kept, f"remove_edge({layer}, {i}, {j})", "keep this edge.")


def remove_node(model: KAN, l: int, i: int) -> KAN:  # noqa: E741
    """Leave out the hidden node i of layer l of nodes.

    Parameters
    ----------
    model : KAN
    l, i : int
        Layer of nodes, 0 being the inputs, and node, counted from 0.

    Returns
    -------
    KAN

    Raises
    ------
    ValueError, TypeError
        If there is no such hidden node, or if an output would be left without a path from an input.
    """
    width = model.width
    layer = _validate.integer("l", l, 0, len(width) - 1)
    if layer in (0, len(width) - 1):
        raise ValueError(
            f"layer {layer} of width {width} are the {'outputs' if layer else 'inputs'}; expected a hidden "
            f"layer. {'Outputs stay.' if layer else 'Leave inputs out with prune_input(active=...).'}"
        )
    i = _validate.integer("i", i, 0, width[layer] - 1)
    w = model._network.wiring
    node = w.node_start[layer] + i
    kept = (w.source != node) & (w.target != node)
    return _keep(model, kept, f"remove_node({layer}, {i})", "keep this node.")


def scaler_of_inputs(scaler: Scaler, inputs: Bools) -> Scaler:
    """The scaler of data without the other inputs."""
    shift, scale = scaler.input_shift[inputs], scaler.input_scale[inputs]
    return Scaler(shift, scale, scaler.label_shift, scaler.label_scale)


def _samples(model: KAN, x: ArrayLike | None) -> ArrayLike:
    return default_samples(model) if x is None else x


def _named(name: str, ids: Iterable[int], n: int) -> Bools:
    """True for the named ones of n."""
    if isinstance(ids, str) or not hasattr(ids, "__iter__"):
        raise TypeError(f"{name} is {ids!r}; expected a sequence of integers from 0 to {n - 1}.")
    kept = np.zeros(n, dtype=bool)
    kept[[_validate.integer(f"{name}[{q}]", one, 0, n - 1) for q, one in enumerate(ids)]] = True
    return kept


def _keep(model: KAN, edges: Bools, asked: str, advice: str, inputs: Bools | None = None) -> KAN:
    """A model of these edges, without nodes that have become useless; `inputs` are the inputs that stay."""
    w = model._network.wiring
    net, edges, reached = _without_constants(model._network, edges)
    lost = np.flatnonzero(~reached[w.n_sources :])
    if lost.size:
        raise ValueError(
            f"{asked} would leave {np.count_nonzero(edges)} of {w.n_edges} edges and no path from an input "
            f"to output {', '.join(map(str, lost))}; expected one to every output: {advice}"
        )
    edges, nodes = _needed(net, edges)
    nodes[: w.width[0]] = True if inputs is None else inputs
    new = model.copy()
    new._network = net.keep(edges, nodes)
    if inputs is not None:
        new._used[model._used] = inputs
        if model.scaler is not None:
            new.scaler = scaler_of_inputs(model.scaler, inputs)
    return new


def _without_constants(net: Network, edges: Bools) -> tuple[Network, Bools, Bools]:
    """Those of the edges, and the nodes, that an input reaches; constants of the others are carried over."""
    w, theta, edges = net.wiring, net.theta.copy(), edges.copy()
    constant, reached = np.zeros(w.n_nodes), np.zeros(w.n_nodes, dtype=bool)
    reached[: w.width[0]] = True
    for layer in range(len(w.width) - 1):
        here = w.edge_start[layer] + np.flatnonzero(edges[w.edge_start[layer] : w.edge_start[layer + 1]])
        still, moving = here[~reached[w.source[here]]], here[reached[w.source[here]]]
        np.add.at(constant, w.target[still], _values_at(net, still, constant))
        edges[still] = False
        target, first = np.unique(w.target[moving], return_index=True)
        theta[moving[first], net.has_base :] += constant[target, None]
        reached[target] = True
    return replace(net, theta=theta), edges, reached


def _values_at(net: Network, edges: NDArray[np.int64], x: FloatArray) -> FloatArray:
    """phi_e(x of its source) for the edges with these numbers; x has one value a node."""
    if edges.size == 0:
        return np.zeros(0)
    b, at = net.has_base, np.ascontiguousarray(x[: net.wiring.n_sources])
    basis, source = net.table.design_matrices(at[:, None])[:, 0], net.wiring.source[edges]
    value = (net.theta[edges, b:] * basis[source]).sum(axis=1)
    if b:
        value += net.theta[edges, 0] * residual_values(net.base_fun, at)[source]
    return np.asarray(value)


def _needed(net: Network, edges: Bools) -> tuple[Bools, Bools]:
    """Those of the edges, and the nodes, on which an output depends."""
    w, edges = net.wiring, edges.copy()
    nodes = np.zeros(w.n_nodes, dtype=bool)
    nodes[w.n_sources :] = True
    for layer in range(len(w.width) - 2, -1, -1):
        here = slice(w.edge_start[layer], w.edge_start[layer + 1])
        edges[here] &= nodes[w.target[here]]
        nodes[w.source[here][edges[here]]] = True
    return edges, nodes

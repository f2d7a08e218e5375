"""Smaller models: without the nodes, edges and inputs that do little, or that are named.

All functions return new models whose arrays, parameters and arithmetic are those of what is left. Two things
can become of an edge that is left out:

- By name (`remove_edge`, `remove_node`, and ``active=``) it is set to zero, as if it had never been.
- By a threshold it leaves its mean over the samples behind, added to its target. What does not vary can so be
  left out without changing the function, and what varies little changes it by that variation alone. (pykan
  sets it to zero, and the loss jumps by the mean.)

Nothing else changes the function:

- A hidden node that no output depends on any more is left out, with the edges into it.
- A hidden node that no input reaches is a constant, and so is every edge from it. They are left out as well,
  and the constants added to what is left, layer by layer. A product with a constant factor loses that factor
  and is scaled by it; a product of two becomes a sum; a product with a factor 0 is the constant 0
  (`kan_np.surgery.constant_folding`).

Hence every hidden node of a pruned model has edges on both sides. Symbols stay symbols. Inputs stay, used
or not, until `prune_input` leaves them out. An output that no input reaches would be a constant: that is
refused.

Names, thresholds and scores are those of pykan 0.2.8 (arXiv:2408.10205, section 4.1;
`kan_np.surgery.attribution`): a part stays if its score is above the threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np.data.scaler import Scaler
from kan_np.surgery.attribution import default_samples, edge_scores, feature_score, measure_means, node_scores
from kan_np.surgery.constant_folding import Bools, Reduction
from kan_np.training.views import Views

#: A KAN comes back as a KAN.
Model = TypeVar("Model", bound=Views)

_LOWER = "lower the threshold, or train longer or with a smaller lamb first."


def prune(model: Model, x: ArrayLike | None = None, node_th: float = 1e-2, edge_th: float = 3e-2) -> Model:
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
    >>> from kan_np.surgery.pruning import prune
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
    model: Model,
    threshold: float = 1e-2,
    active: Sequence[Sequence[int]] | None = None,
    x: ArrayLike | None = None,
) -> Model:
    """Keep the hidden nodes with a backward score above the threshold, or those that are named.

    Edges from weak nodes leave their means behind; those from nodes that are not named are set to zero.

    Parameters
    ----------
    model : KAN
    threshold : float
        For `kan_np.surgery.attribution.node_scores`.
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
    >>> from kan_np.surgery.pruning import prune_node
    >>> prune_node(KAN([2, 5, 1], seed=0), active=[[0, 3]])
    KAN([2, 2, 1], grid=5, k=3, n_params=54)
    """
    hidden, samples = model.width[1:-1], None
    if active is None:
        threshold = _validate.real("threshold", threshold)
        samples = _samples(model, x)
        kept = [score > threshold for score in node_scores(model, samples)[1:-1]]
        asked, advice = f"prune_node with threshold {threshold:g}", _LOWER
    else:
        if len(active) != len(hidden):
            raise ValueError(
                f"active has {len(active)} entries; expected {len(hidden)}, the nodes to keep of each hidden "
                f"layer of width {model.width}."
            )
        kept = [_named(f"active[{h}]", ids, n) for h, (ids, n) in enumerate(zip(active, hidden, strict=True))]
        asked, advice = "prune_node with active", "name more nodes."
    return _keep(model, _between(model, kept), asked, advice, samples)


def prune_edge(model: Model, threshold: float = 3e-2, x: ArrayLike | None = None) -> Model:
    """Keep the edges with a backward score above the threshold; the others leave their means behind.

    Parameters
    ----------
    model : KAN
    threshold : float
        For `kan_np.surgery.attribution.edge_scores` with "edge_backward".
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
    samples = _samples(model, x)
    kept = [score > threshold for score in edge_scores(model, samples)]
    return _keep(model, kept, f"prune_edge with threshold {threshold:g}", _LOWER, samples)


def prune_input(
    model: Model,
    threshold: float = 1e-2,
    active: Sequence[int] | None = None,
    x: ArrayLike | None = None,
) -> Model:
    """Keep the inputs with a backward score above the threshold, or those that are named.

    The new model takes all columns of the data, of which it uses ``input_id``, or these columns alone. Edges
    from weak inputs leave their means behind; those from inputs that are not named are set to zero.

    Parameters
    ----------
    model : KAN
    threshold : float
        For `kan_np.surgery.attribution.feature_score`.
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
    >>> from kan_np.surgery.pruning import prune_input
    >>> smaller = prune_input(KAN([3, 2, 1], seed=0), active=[0, 2])
    >>> smaller.width, smaller.input_id.tolist()
    ([2, 2, 1], [0, 2])
    >>> x = np.random.default_rng(0).uniform(-1, 1, (5, 3))
    >>> bool((smaller(x) == smaller(x[:, [0, 2]])).all())
    True
    """
    samples = None
    if active is None:
        threshold = _validate.real("threshold", threshold)
        samples = _samples(model, x)
        inputs = feature_score(model, samples) > threshold
        asked, advice = f"prune_input with threshold {threshold:g}", _LOWER
    else:
        inputs = _named("active", active, model.width[0])
        asked, advice = f"prune_input with active {np.flatnonzero(inputs).tolist()}", "name more inputs."
    kept = model.edges
    kept[0] &= inputs[:, None]
    return _keep(model, kept, asked, advice, samples, inputs)


def remove_edge(model: Model, l: int, i: int, j: int) -> Model:  # noqa: E741
    """Leave out the edge from node i of layer l to subnode j of the next, as if it were zero.

    Parameters
    ----------
    model : KAN
    l, i, j : int
        Layer, source and subnode, counted from 0.

    Returns
    -------
    KAN

    Raises
    ------
    ValueError, TypeError
        If there is no such edge, or if an output would be left without a path from an input.
    """
    kept = model.edges
    layer = _validate.integer("l", l, 0, len(kept) - 1)
    n_in, n_subnodes = kept[layer].shape
    i, j = _validate.integer("i", i, 0, n_in - 1), _validate.integer("j", j, 0, n_subnodes - 1)
    if not kept[layer][i, j]:
        raise ValueError(
            f"there is no edge ({layer}, {i}, {j}): it was pruned before; expected one where model.edges is "
            "True."
        )
    kept[layer][i, j] = False
    return _keep(model, kept, f"remove_edge({layer}, {i}, {j})", "keep this edge.")


def remove_node(model: Model, l: int, i: int) -> Model:  # noqa: E741
    """Leave out the hidden node i of layer l of nodes, sum or product, as if it were zero.

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
    nodes = [np.ones(n, dtype=bool) for n in width[1:-1]]
    nodes[layer - 1][i] = False
    return _keep(model, _between(model, nodes), f"remove_node({layer}, {i})", "keep this node.")


def scaler_of_inputs(scaler: Scaler, inputs: Bools) -> Scaler:
    """The scaler of data without the other inputs."""
    shift, scale = scaler.input_shift[inputs], scaler.input_scale[inputs]
    return Scaler(shift, scale, scaler.label_shift, scaler.label_scale)


def _samples(model: Model, x: ArrayLike | None) -> ArrayLike:
    return default_samples(model) if x is None else x


def _named(name: str, ids: Iterable[int], n: int) -> Bools:
    """True for the named ones of n."""
    if isinstance(ids, str) or not hasattr(ids, "__iter__"):
        raise TypeError(
            f"{name} is {_validate.shown(ids)}; expected a sequence of integers from 0 to {n - 1}."
        )
    kept = np.zeros(n, dtype=bool)
    kept[[_validate.integer(f"{name}[{q}]", one, 0, n - 1) for q, one in enumerate(ids)]] = True
    return kept


def _between(model: Model, hidden: Sequence[Bools]) -> list[Bools]:
    """The edges between inputs, these hidden nodes, and outputs."""
    nodes = [np.ones(model.width[0], dtype=bool), *hidden, np.ones(model.width[-1], dtype=bool)]
    layers = zip(model.edges, nodes[:-1], nodes[1:], model._network.arities, strict=True)
    return [mask & below[:, None] & np.repeat(above, arity) for mask, below, above, arity in layers]


def _keep(
    model: Model,
    kept: Sequence[Bools],
    asked: str,
    advice: str,
    x: ArrayLike | None = None,
    inputs: Bools | None = None,
) -> Model:
    """A model of these edges, without nodes that have become useless.

    The other edges are zero or, given samples x, their means there. `inputs` are the inputs that stay.
    """
    there = model.edges
    means = [np.zeros(mask.shape) for mask in there] if x is None else measure_means(model, x)
    kept = [mask & stays for mask, stays in zip(there, kept, strict=True)]
    left_behind = [np.where(stays, 0.0, mean).sum(axis=0) for stays, mean in zip(kept, means, strict=True)]
    reduction = Reduction(model._network, kept, left_behind)
    if reduction.lost:
        n_edges, outputs = sum(int(mask.sum()) for mask in there), ", ".join(map(str, reduction.lost))
        raise ValueError(
            f"{asked} would leave {reduction.n_edges} of {n_edges} edges and no path from an input to output "
            f"{outputs}; expected one to every output: {advice}"
        )
    new = model.copy()
    new._network = reduction.network(np.ones(model.width[0], dtype=bool) if inputs is None else inputs)
    if inputs is not None:
        new._used[model._used] = inputs
        new._columns = model._columns.of_inputs(inputs)
        if model._training_range is not None:
            new._training_range = model._training_range[:, inputs]
        if model._followed is not None:
            new._followed = model._followed[:, inputs]
        if model.scaler is not None:
            new.scaler = scaler_of_inputs(model.scaler, inputs)
    return new

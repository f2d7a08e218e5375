"""Methods that leave out nodes, edges and inputs, in a copy of the model."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np.inspection.model_type import M
from kan_np.methods.history import recorded
from kan_np.surgery import pruning


@recorded
def prune(model: M, x: ArrayLike | None = None, node_th: float = 1e-2, edge_th: float = 3e-2) -> M:
    """Return a model without weak hidden nodes and without the weak ones of the remaining edges.

    Every edge that is left out is replaced by its mean over the samples, so that the loss does not jump;
    `kan_np.surgery.pruning` has the rules.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in), optional
        Samples on which the scores are taken, such as ``dataset["train_input"]``. If not given, 1000
        samples spread over the grids of the inputs, which follow the samples of the last fit.
    node_th, edge_th : float
        Thresholds of `prune_node` and `prune_edge`.

    Returns
    -------
    KAN

    Raises
    ------
    ValueError
        If an output would be left without a path from an input, and for samples that ``model(x)``
        refuses.

    Examples
    --------
    >>> from kan_np import KAN, create_dataset
    >>> dataset = create_dataset(lambda x: x[:, [0]] ** 2 + x[:, [1]], n_var=2, train_num=200, seed=0)
    >>> model = KAN([2, 5, 1], seed=0)
    >>> result = model.fit(dataset, steps=20, lamb=0.01)
    >>> model.prune(dataset["train_input"]).n_params < model.n_params
    True
    """
    edge_th = _validate.real("edge_th", edge_th)
    node_th = _validate.real("node_th", node_th)
    return model._with(pruning.prune(model._network, model._samples_or_spread(x), node_th, edge_th))


@recorded
def prune_node(
    model: M,
    threshold: float = 1e-2,
    active: Sequence[Sequence[int]] | None = None,
    x: ArrayLike | None = None,
) -> M:
    """Return a model of the hidden nodes with a score above the threshold, or of those that are named.

    Edges from weak nodes leave their means behind; those from nodes that are not named are set to zero.

    Parameters
    ----------
    model : KAN
    threshold : float
        For `node_scores`.
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
    >>> KAN([2, 5, 1], seed=0).prune_node(active=[[0, 3]])
    KAN([2, 2, 1], grid=5, k=3, n_params=54)
    """
    if active is not None:
        return model._with(pruning.keep_nodes(model._network, active))
    threshold = _validate.real("threshold", threshold)
    return model._with(pruning.prune_node(model._network, model._samples_or_spread(x), threshold))


@recorded
def prune_edge(model: M, threshold: float = 3e-2, x: ArrayLike | None = None) -> M:
    """Return a model of the edges with a score above the threshold; the others leave their means behind.

    Parameters
    ----------
    model : KAN
    threshold : float
        For `edge_scores` with "edge_backward".
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
    return model._with(pruning.prune_edge(model._network, model._samples_or_spread(x), threshold))


@recorded
def prune_input(
    model: M,
    threshold: float = 1e-2,
    active: Sequence[int] | None = None,
    x: ArrayLike | None = None,
) -> M:
    """Return a model of the inputs with a score above the threshold, or of those that are named.

    It takes all columns of the data, of which it uses ``input_id``, or these columns alone. Edges from
    weak inputs leave their means behind; those from inputs that are not named are set to zero.

    Parameters
    ----------
    model : KAN
    threshold : float
        For `feature_score`.
    active : sequence of int, optional
        Inputs of the model to keep, counted from 0, in any order: they stay in the order of the data.
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
    >>> smaller = KAN([3, 2, 1], seed=0).prune_input(active=[0, 2])
    >>> smaller.width, smaller.input_id.tolist()
    ([2, 2, 1], [0, 2])
    >>> x = np.random.default_rng(0).uniform(-1, 1, (5, 3))
    >>> bool((smaller(x) == smaller(x[:, [0, 2]])).all())
    True
    """
    if active is not None:
        fewer = pruning.keep_inputs(model._network, active)
    else:
        threshold = _validate.real("threshold", threshold)
        fewer = pruning.prune_input(model._network, model._samples_or_spread(x), threshold)
    model, inputs = model._with(fewer.network), fewer.inputs
    model._used[model._used] = inputs
    model._columns = model._columns.of_inputs(inputs)
    if model._training_range is not None:
        model._training_range = model._training_range[:, inputs]
    if model._followed is not None:
        model._followed = model._followed[:, inputs]
    if model.scaler is not None:
        model.scaler = model.scaler.of_inputs(inputs)
    return model


@recorded
def remove_edge(model: M, l: int, i: int, j: int) -> M:  # noqa: E741
    """Return a model without the edge from node i of layer l to subnode j of the next: as if it were 0.

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
    return model._with(pruning.remove_edge(model._network, l, i, j))


@recorded
def remove_node(model: M, l: int, i: int) -> M:  # noqa: E741
    """Return a model without the hidden node i of layer l of nodes, sum or product, as if it were zero.

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
    return model._with(pruning.remove_node(model._network, l, i))

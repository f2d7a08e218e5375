"""Scores of edges, nodes and inputs of a model: which of its parts matter."""

from __future__ import annotations

from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.inspection.model_type import KanModel
from kan_np.objective.edge_scores import METRICS
from kan_np.surgery import attribution


def edge_scores(model: KanModel, x: ArrayLike, metric: str = "edge_backward") -> list[FloatArray]:
    """Scores of all edges on samples; `kan_np.objective.edge_scores` has the formulas.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in)
        As ``model(x)`` takes them.
    metric : str
        One of pykan's names. With the spreads E_lij of edge (i, j) of layer l and N_li of node i:
        "edge_forward_spline_n" and "edge_forward_sum", E_lij / (N_li + 0.1); "edge_forward_spline_u",
        E_lij; "edge_backward", B_lij, the part of the edge in the variation of the outputs;
        "node_backward", what every input contributes to every node of the layer above.

    Returns
    -------
    list of ndarray of shape (n_in, n_subnodes)
        One array a layer, indexed by source and target. For "node_backward" the source is always an
        input of the network: (n_inputs, n_nodes).

    Raises
    ------
    ValueError
        For an unknown metric, for samples that ``model(x)`` refuses, and where values on them overflow.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    >>> [scores.shape for scores in KAN([2, 5, 1], seed=0).edge_scores(x)]
    [(2, 5), (5, 1)]

    References
    ----------
    arXiv:2404.19756, section 2.5.1 (forward); arXiv:2408.10205, section 4.1 (backward).
    """
    _validate.choice("metric", metric, METRICS)
    return attribution.edge_scores(model._network, model._samples(x), metric)


def node_scores(model: KanModel, x: ArrayLike) -> list[FloatArray]:
    """Backward scores A of all nodes on samples (arXiv:2408.10205, section 4.1).

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in)
        As ``model(x)`` takes them.

    Returns
    -------
    list of ndarray of shape (n_l,)
        One array a layer of nodes: inputs first, and 1 / n_out for each output last.

    Raises
    ------
    ValueError
        As `edge_scores`.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    >>> [scores.shape for scores in KAN([2, 5, 1], seed=0).node_scores(x)]
    [(2,), (5,), (1,)]
    """
    return attribution.node_scores(model._network, model._samples(x))


def feature_score(model: KanModel, x: ArrayLike) -> FloatArray:
    """Backward scores A_0 of the inputs: what each contributes to the variation of the outputs.

    They are those of `node_scores`, pykan's, unless edges cancel each other or inputs depend on each
    other, as the 0/1 columns of classes do: see `kan_np.surgery.attribution.feature_score`. The columns
    "c=class" of a column c of `classes` are scored together, as one input, and divide its score among
    them: their sum does not depend on how the classes were coded.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in)
        As ``model(x)`` takes them.

    Returns
    -------
    ndarray of shape (n_in,)

    Raises
    ------
    ValueError
        As `edge_scores`.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, create_dataset
    >>> f = lambda x: x[:, [0]] ** 2 + 0.1 * x[:, [1]]
    >>> dataset = create_dataset(f, n_var=2, train_num=200, seed=0)
    >>> model = KAN([2, 1], seed=0)
    >>> result = model.fit(dataset, steps=10)
    >>> first, second = model.feature_score(dataset["train_input"])
    >>> bool(first > 3 * second)
    True
    """
    return attribution.feature_score(model._network, model._samples(x), model._columns.class_groups())

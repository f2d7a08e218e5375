"""Attribution: what the inputs, nodes and edges below a layer contribute to it, as pykan's ``attribute``.

The scores are the backward scores of `kan_np.objective.edge_scores`, from the nodes of a layer downwards,
kept apart for each of these nodes. With A of node n of the layer where it begins,

    subnode j of node n:   A^(n) of its node
    edge (i, j):           B^(n)_ij = A^(n)_j E_ij / (S_j + 1e-4)
    node i below:          sum_j B^(n)_ij

and the mean over n is what pykan calls ``node_scores``, ``subnode_scores`` and ``edge_scores``. Sources:
arXiv:2408.10205, section 4.1; pykan 0.2.8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.inspection.model_type import KanModel
from kan_np.inspection.samples import network_inputs
from kan_np.objective.edge_scores import Spread, backward_scores, edge_shares
from kan_np.surgery.attribution import measure_spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Attribution:
    """Scores of what is below the nodes of a layer: one number for each of these nodes and each part.

    Attributes
    ----------
    layer : int
        The layer of nodes that scores begin at.
    node_scores : list of ndarray of shape (n_asked, n_nodes)
        For each node that is asked for those of every layer, inputs first, up to the layer itself
        (``node_scores_all``).
    subnode_scores : list of ndarray of shape (n_asked, n_subnodes)
        Of every layer above the inputs (``subnode_scores_all``).
    edge_scores : list of ndarray of shape (n_asked, n_in, n_subnodes)
        Of every layer of edges below (``edge_scores_all``).
    asked : list of int
        The nodes of the layer that are asked for.
    single : bool
        Whether one node was asked for by its number.
    """

    layer: int
    node_scores: list[FloatArray]
    subnode_scores: list[FloatArray]
    edge_scores: list[FloatArray]
    asked: list[int]
    single: bool = False

    @property
    def inputs(self) -> FloatArray:
        """Scores of the inputs, (n_asked, n_in), or (n_in,) of a single node: what pykan returns."""
        return self.node_scores[0][0] if self.single else self.node_scores[0]

    def plot(self, in_vars: Sequence[Any] | None = None) -> Figure:
        """Draw the scores of the inputs as bars, a row of them for each node that is asked for.

        Parameters
        ----------
        in_vars : sequence of str or SymPy expressions, optional
            Names of the inputs; x_1, x_2, ... if None.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from kan_np.plot.bars import plot_bars

        titles = [f"node {i} of layer {self.layer}" for i in self.asked]
        return plot_bars(self.node_scores[0], titles, in_vars)


def attribute(
    model: KanModel,
    l: int | None = None,  # noqa: E741
    i: int | None = None,
    x: ArrayLike | dict[str, Any] | None = None,
    *,
    out_score: ArrayLike | None = None,
) -> Attribution:
    """Attribute the nodes of a layer to what is below them; pykan's ``attribute``.

    ``model.attribute(l, i, x).inputs`` are the numbers that pykan returns and, with its ``plot=True``, draws:
    ``.plot()`` draws them here.

    Parameters
    ----------
    model : KAN
    l : int, optional
        Layer of nodes; the outputs if None.
    i : int, optional
        One node of the layer; all of them if None.
    x : array_like of shape (n_samples, n_in), or dataset, optional
        As for `get_act`.
    out_score : array_like of shape (n_nodes,), optional
        Scores of the nodes of the layer. If None those that they have for the outputs (mean over these), and
        1 for each output where l is None.

    Returns
    -------
    Attribution

    Raises
    ------
    ValueError, TypeError
        If there is no such layer or node, for scores of another shape, and as ``model(x)``.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> model = KAN([3, 2, 1], seed=0)
    >>> found = model.attribute(1, x=np.random.default_rng(0).uniform(-1, 1, (100, 3)))
    >>> found.inputs.shape, [score.shape for score in found.edge_scores]
    ((2, 3), [(2, 3, 2)])
    """
    depth = len(model.width) - 1
    layer = depth if l is None else _validate.integer("l", l, 0, depth)
    spread = measure_spread(model._network, network_inputs(model, x))
    n_nodes = model.width[layer]
    asked = list(range(n_nodes)) if i is None else [_validate.integer("i", i, 0, n_nodes - 1)]
    if out_score is not None:
        score = _validate.vector("out_score", out_score)
        if score.size != n_nodes:
            raise ValueError(f"out_score has {score.size} numbers; expected {n_nodes}, one for each node.")
    else:
        score = np.ones(n_nodes) if l is None else backward_scores(spread)[0][layer]
    return replace(_downwards(spread, layer, np.diag(score)[asked], asked), single=i is not None)


def feature_interaction(
    model: KanModel,
    l: int,  # noqa: E741
    x: ArrayLike | dict[str, Any] | None = None,
    *,
    neuron_th: float = 1e-2,
    feature_th: float = 1e-2,
) -> dict[tuple[int, ...], int]:
    """Count the nodes of a layer by the inputs that they depend on; pykan's ``feature_interaction``.

    Parameters
    ----------
    model : KAN
    l : int
        Layer of nodes.
    x : array_like of shape (n_samples, n_in), or dataset, optional
        As for `get_act`.
    neuron_th : float
        Nodes count for which the score of an input is above this.
    feature_th : float
        A node depends on the inputs with more than this part of the largest score that it gives.

    Returns
    -------
    dict from tuple of int to int
        Inputs, counted from 0, and the number of nodes that depend on just these, most frequent first.

    Raises
    ------
    ValueError, TypeError
        As `attribute`.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> model = KAN([3, 2, 1], seed=0).remove_edge(0, 2, 0).remove_edge(0, 0, 1).remove_edge(0, 1, 1)
    >>> model.feature_interaction(1, np.random.default_rng(0).uniform(-1, 1, (100, 3)))
    {(0, 1): 1, (2,): 1}
    """
    neuron_th, feature_th = (
        _validate.real(name, value, 0.0)
        for name, value in (("neuron_th", neuron_th), ("feature_th", feature_th))
    )
    found: dict[tuple[int, ...], int] = {}
    for score in attribute(model, l, x=x).node_scores[0]:
        if score.max() > neuron_th:
            inputs = tuple(np.flatnonzero(score > score.max() * feature_th).tolist())
            found[inputs] = found.get(inputs, 0) + 1
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _downwards(spread: Spread, layer: int, start: FloatArray, asked: list[int]) -> Attribution:
    """Scores from the nodes of a layer down to the inputs; `start` is (n_asked, n_nodes)."""
    nodes, subnodes, edges = [start], [], []
    shares = edge_shares(spread)[:layer]
    for share, owner in zip(shares[::-1], spread.owner[:layer][::-1], strict=True):
        subnodes.append(nodes[-1][:, owner])
        edges.append(subnodes[-1][:, None, :] * share)
        nodes.append(edges[-1].sum(axis=2))
    return Attribution(layer, nodes[::-1], subnodes[::-1], edges[::-1], asked)

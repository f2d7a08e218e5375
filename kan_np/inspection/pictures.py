"""Pictures of a model: the whole, one edge, one prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np.inspection.model_type import KanModel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kan_np.plot.graph import ComputationalGraph


def plot(model: KanModel, x: ArrayLike | None = None, **options: Any) -> Figure:
    """Draw the network with the function of every edge over samples x, as ``model(x)`` takes them.

    `options` are those of `kan_np.plot.plot_network`: metric, beta, in_vars, out_vars, title, threshold,
    indices, figsize.
    """
    from kan_np.plot import plot_network

    return plot_network(model._network, None if x is None else model._samples(x), **options)


def plot_edge(model: KanModel, l: int, i: int, j: int, x: ArrayLike | None = None, **options: Any) -> Figure:  # noqa: E741
    """Draw the function of the edge from node i of layer l to node j, with the samples x that reach it.

    The axis of an input is in the units of the data, values of hidden nodes and edges in the network's.

    The model is not changed. `options` are those of `kan_np.plot.plot_edge`: symbol, in_vars, figsize.
    """
    from kan_np.plot import plot_edge

    samples = None if x is None else model._samples(x)
    return plot_edge(model._network, l, i, j, samples, scaler=model.scaler, **options)


def draw_graph(
    model: KanModel,
    x: ArrayLike,
    output: int = 0,
    *,
    in_vars: Sequence[Any] | None = None,
    out_vars: Sequence[Any] | None = None,
) -> ComputationalGraph:
    """Draw the computational graph of one prediction, with all its values and gradients.

    From the inputs to the outputs it has every edge, sum and product (and, where there are scales and
    biases, what they make of a sum); each with its value at the sample and the derivative of the output
    by it. Inputs and the outputs are in the units of the data, what is between in the network's.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_in,) or (1, n_in)
        One sample, as ``model(x)`` takes it.
    output : int
        The output that is differentiated, from 0.
    in_vars, out_vars : sequence of str or SymPy expressions, optional
        Names of inputs and outputs; x_1, x_2, ... and y if not given.

    Returns
    -------
    ComputationalGraph
        It shows itself in a notebook; ``.save("graph.svg")`` writes it, by Graphviz where the package
        graphviz and its program are installed, otherwise by matplotlib; ``.figure()`` is a matplotlib
        Figure; ``.vertices`` and ``.arrows`` are the graph itself.

    Raises
    ------
    ValueError
        For more than one sample, samples that ``model(x)`` refuses, and networks with more than 600 edges
        and sums.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> model, x = KAN([2, 2, 1], seed=0), np.array([[0.25, 0.75]])
    >>> graph = model.draw_graph(x)
    >>> bool(np.isclose(graph["sum_2_0"].value, model(x)[0, 0])), graph["sum_2_0"].gradient
    (True, 1.0)
    >>> bool(np.isclose(graph["x_1"].gradient, model.input_jacobian(x)[0, 0, 0]))
    True
    """
    from kan_np.plot.graph import draw_graph

    row = np.asarray(x)
    sample = model._samples(row[None, :] if row.ndim == 1 else x)
    if len(sample) != 1:
        raise ValueError(f"x has {len(sample)} rows; expected one sample: model.draw_graph(x[0]).")
    model._network.check_inputs(sample)
    return draw_graph(model._network, model._within(sample)[0], output, in_vars, out_vars, model.scaler)

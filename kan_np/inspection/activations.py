"""Activations: the values of all nodes and edges of a model on samples, and of one edge alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np._memory import check_memory
from kan_np._validate import FloatArray
from kan_np.inspection.model_type import KanModel
from kan_np.inspection.samples import network_inputs
from kan_np.network.edge_index import checked_edge
from kan_np.network.network import Network
from kan_np.surgery.attribution import edge_parts, edge_values


@dataclass(frozen=True)
class Activations:
    """Values inside a model on samples, in the numbers of its network; `outputs` in the units of the data.

    With the names that pykan has for them, whose arrays of edges are (n_samples, n_subnodes, n_in).

    Attributes
    ----------
    nodes : list of ndarray of shape (n_samples, n_nodes)
        Values of the nodes of each layer, inputs first (``acts``). They are what edges get
        (``spline_preacts``).
    subnodes : list of ndarray of shape (n_samples, n_subnodes)
        Of each layer above the inputs the factors of products and the sums, with their scales and biases
        (``acts_premult``).
    edges : list of ndarray of shape (n_samples, n_in, n_subnodes)
        Values phi_ij of the edges of each layer (``spline_postacts``); 0 where there is none.
    splines : list of ndarray of shape (n_samples, n_in, n_subnodes)
        Their splines without the base functions (``spline_postsplines``); 0 where an edge is no B-spline.
    outputs : ndarray of shape (n_samples, n_out)
        ``model(x)``.
    """

    nodes: list[FloatArray]
    subnodes: list[FloatArray]
    edges: list[FloatArray]
    splines: list[FloatArray]
    outputs: FloatArray = field(repr=False)

    @property
    def acts(self) -> list[FloatArray]:
        """`nodes`, by pykan's name."""
        return self.nodes

    @property
    def acts_premult(self) -> list[FloatArray]:
        """`subnodes`, by pykan's name."""
        return self.subnodes


def get_act(model: KanModel, x: ArrayLike | dict[str, Any] | None = None) -> Activations:
    """Activations of all nodes and edges on samples; pykan's ``get_act``, which keeps them in the model.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in), or dataset, optional
        As ``model(x)`` takes them; of a dataset its ``train_input``. Samples that are spread over the grids
        of the inputs if None.

    Returns
    -------
    Activations

    Raises
    ------
    ValueError
        As ``model(x)``, and for arrays that do not fit in memory.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> x = np.random.default_rng(0).uniform(-1, 1, (100, 2))
    >>> model = KAN([2, 3, 1], seed=0)
    >>> act = model.get_act(x)
    >>> [a.shape for a in act.nodes], [a.shape for a in act.edges]
    ([(100, 2), (100, 3), (100, 1)], [(100, 2, 3), (100, 3, 1)])
    >>> bool(np.allclose(act.edges[1].sum(axis=1), model(x)))
    True
    """
    samples = network_inputs(model, x)
    net = model._network
    n_values = 3 * sum(n * m for n, m in net.topology.pairs) + net.topology.n_nodes
    advice = "Ask for fewer samples."
    check_memory(f"activations of {len(samples)} samples", 8 * n_values * len(samples), advice)
    values = net.node_values(samples)
    nodes = np.split(values, np.cumsum(net.width)[:-1])
    edges = edge_values(net, values)
    return Activations(
        [_by_sample(rows) for rows in nodes],
        [_by_sample(rows) for rows in _subnodes(net, edges)],
        [_by_sample(phi) for phi in edges],
        [_by_sample(spline) for spline, _ in edge_parts(net, values)],
        model._outputs(_by_sample(nodes[-1])),
    )


def get_fun(
    model: KanModel,
    l: int,  # noqa: E741
    i: int,
    j: int,
    x: ArrayLike | dict[str, Any] | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Return the function of an edge on samples: its arguments in ascending order, and its values there.

    pykan's ``get_fun``, which draws them, too: that is `plot_edge` here. `take_function` returns a callable.

    Parameters
    ----------
    model : KAN
    l, i, j : int
        Layer, source and subnode, counted from 0.
    x : array_like of shape (n_samples, n_in), or dataset, optional
        As for `get_act`.

    Returns
    -------
    x, y : ndarray of shape (n_samples,)
        In the numbers of the network.

    Raises
    ------
    ValueError, TypeError
        If there is no such edge, and as ``model(x)``.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 1], seed=0)
    >>> _ = model.fix_symbolic(0, 1, 0, "x^2", fit=False)
    >>> model.get_fun(0, 1, 0, [[0.0, 3.0], [0.0, -1.0]])
    (array([-1.,  3.]), array([1., 9.]))
    """
    layer, i, j = checked_edge(model.edges, (l, i, j))
    net = model._network
    first = sum(net.width[:layer])
    rows = net.node_values(network_inputs(model, x))[first : first + net.width[layer]]
    order = np.argsort(rows[i], kind="stable")
    return rows[i][order], net.edge_values(layer, rows)[i, j][order]


def get_range(
    model: KanModel,
    l: int,  # noqa: E741
    i: int,
    j: int,
    x: ArrayLike | dict[str, Any] | None = None,
) -> tuple[float, float, float, float]:
    """Return the range of an edge on samples: lowest and highest argument, lowest and highest value.

    pykan's ``get_range``.

    Parameters
    ----------
    model : KAN
    l, i, j, x
        As for `get_fun`.

    Returns
    -------
    x_min, x_max, y_min, y_max : float

    Raises
    ------
    ValueError, TypeError
        As `get_fun`.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 1], seed=0)
    >>> _ = model.fix_symbolic(0, 1, 0, "x^2", fit=False)
    >>> model.get_range(0, 1, 0, [[0.0, 3.0], [0.0, -1.0]])
    (-1.0, 3.0, 1.0, 9.0)
    """
    arguments, values = get_fun(model, l, i, j, x)
    return float(arguments[0]), float(arguments[-1]), float(values.min()), float(values.max())


def _by_sample(rows: FloatArray) -> FloatArray:
    """The samples, which come last, first."""
    return np.ascontiguousarray(np.moveaxis(rows, -1, 0))


def _subnodes(net: Network, edges: list[FloatArray]) -> list[FloatArray]:
    """Sums of edges with the scales and biases of their subnodes, (n_subnodes, n) a layer."""
    rows = []
    for layer, phi in zip(net.layers, edges, strict=True):
        own = layer.unit_affine if layer.affine is None else layer.affine
        rows.append(own.subnode_scale[:, None] * phi.sum(axis=0) + own.subnode_bias[:, None])
    return rows

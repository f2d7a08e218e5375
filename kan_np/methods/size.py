"""Methods that give a model more nodes or another layer, and order its hidden nodes; its function stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from kan_np.inspection.model_type import KanModel
from kan_np.inspection.samples import network_inputs
from kan_np.methods.history import recorded
from kan_np.surgery import connection_cost, deeper, node_order


@recorded
def expand_width(
    model: KanModel,
    layer_id: int,
    n_added_nodes: int,
    sum_bool: bool = True,
    mult_arity: int | Sequence[int] = 2,
) -> None:
    """Add nodes without edges to a hidden layer, in place; pykan's ``expand_width``.

    The function stays to the bit. `perturb` gives the new nodes edges that can be trained. Sums come behind
    the other sums and products behind all, so that sums keep their numbers (pykan puts sums first).

    Parameters
    ----------
    model : KAN
    layer_id : int
        Layer of nodes, 0 being the inputs.
    n_added_nodes : int
    sum_bool : bool
        True for sums, False for products.
    mult_arity : int or sequence of int
        Factors of every product, or of each.

    Raises
    ------
    ValueError, TypeError
        For a layer that is not hidden, and numbers of nodes or factors that cannot be.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 3, 1], seed=0)
    >>> model.expand_width(1, 2, sum_bool=False)
    >>> model.width, model.width_in, model.n_params == KAN([2, 3, 1]).n_params
    ([2, 5, 1], [2, 7, 1], True)
    """
    if not isinstance(sum_bool, bool):
        raise TypeError(f"sum_bool is {sum_bool!r}; expected True for sums or False for products.")
    net = model._network
    model._reshape(node_order.widened_layer(net, layer_id, n_added_nodes, sum_bool, mult_arity))


@recorded
def expand_depth(model: KanModel, x: ArrayLike | None = None) -> None:
    """Add a layer behind the outputs that passes them on, in place; pykan's ``expand_depth``.

    Its edges are the symbol x, from every output to itself: the function stays to the bit. `perturb` or
    `unfix_symbolic` make edges that can be trained to other functions.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in), optional
        Samples: the grids of the new layer cover the outputs there. Spread over the grids of the inputs if
        None.

    Raises
    ------
    ValueError
        For samples that ``model(x)`` refuses.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 3, 1], seed=0)
    >>> before = model([[0.1, 0.2]])
    >>> model.expand_depth()
    >>> model.width, bool((model([[0.1, 0.2]]) == before).all())
    ([2, 3, 1, 1], True)
    """
    model._reshape(deeper.with_identity_layer(model._network, network_inputs(model, x)))


@recorded
def swap(model: KanModel, l: int, i1: int, i2: int) -> None:  # noqa: E741
    """Exchange two nodes of a hidden layer with all their edges, in place; pykan's ``swap``.

    The function stays, up to the order in which edges are summed.

    Parameters
    ----------
    model : KAN
    l : int
        Layer of nodes, 0 being the inputs.
    i1, i2 : int
        Two sums, or two products.

    Raises
    ------
    ValueError, TypeError
        If there are no such hidden nodes, or one is a sum and the other a product.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 3, 1], seed=0)
    >>> first = model.coef[1][0].copy()
    >>> model.swap(1, 0, 2)
    >>> bool((model.coef[1][2] == first).all())
    True
    """
    model._reshape(node_order.swapped(model._network, l, i1, i2))


@recorded
def auto_swap(model: KanModel, x: ArrayLike | dict[str, Any] | None = None) -> None:
    """Order the hidden nodes so that edges reach less far across a picture, in place; pykan's ``auto_swap``.

    The `connection_cost` falls or stays. The order of each layer is the best for those of the others, a
    linear assignment problem (pykan tries exchanges of two nodes); layers take turns until none changes.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in), or dataset, optional
        Samples on which edges are scored; spread over the grids of the inputs if None.

    Raises
    ------
    ValueError
        As `edge_scores`.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([4, 4, 4], sparse_init=True, seed=0)
    >>> model.swap(1, 0, 3)
    >>> crossed = model.connection_cost()
    >>> model.auto_swap()
    >>> crossed > model.connection_cost() == 0.0
    True
    """
    net = model._network
    if len(net.width) > 2:
        model._reshape(connection_cost.shortened(net, network_inputs(model, x)))

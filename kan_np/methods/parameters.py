"""Methods that set parameters, families of edges, and what is trained together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from kan_np.inspection.model_type import KanModel
from kan_np.methods.history import recorded
from kan_np.surgery import edge_families, frozen_parameters, tied_edges
from kan_np.surgery import set_parameters as numbers


@recorded
def set_parameters(
    model: KanModel,
    coef: Sequence[ArrayLike],
    scale_base: Sequence[ArrayLike] | None = None,
    knots: Sequence[ArrayLike] | None = None,
) -> None:
    """Set coefficients, base weights and knots from outside, in place.

    Parameters
    ----------
    model : KAN
    coef : list of array_like of shape (n_in, n_subnodes, G + k)
        One array a layer, as the property of the same name returns them: zero where there is no spline.
    scale_base : list of array_like of shape (n_in, n_subnodes), optional
        Unchanged if not given.
    knots : list of array_like of shape (n_in, G + 1), optional
        Unchanged if not given; may have another G than before.

    Raises
    ------
    ValueError
        For shapes that do not fit the width and order, non-finite values, values other than zero where
        there is no spline, locked edges that differ, or knots that do not increase.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 1], seed=0)
    >>> model.set_parameters([2.0 * c for c in model.coef])
    """
    model._network = numbers.set_parameters(model._network, coef, scale_base, knots)


@recorded
def set_family(
    model: KanModel,
    l: int,  # noqa: E741
    name: str,
    edges: Sequence[Sequence[int]] | None = None,
    size: int | None = None,
    **edge_options: Any,
) -> None:
    """Make edges of a layer those of a family, in place, as near as it comes to what they are.

    By least squares over the grid of their source node; for families that are linear in their parameters
    the same functions on a larger size are exact. `kan_np.edges.family` says how to add a family.

    Parameters
    ----------
    model : KAN
    l : int
        Layer.
    name : str
        As for ``edges`` of `KAN`.
    edges : sequence of (i, j), optional
        Sources and subnodes; all edges of the layer if not given.
    size : int, optional
        Degree, intervals, hidden nodes, ...; the model's ``grid`` if not given. B-splines have that.
    **edge_options
        Settings of the family, or its size by its own word, as for `KAN`.

    Raises
    ------
    ValueError, TypeError
        If there is no such edge or family, and for edges that are locked.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 3, 1], grid=5, seed=0)
    >>> model.set_family(1, "chebyshev", size=4)
    >>> model.n_params, model.families[1, 0, 0]
    (69, ('chebyshev', 4))
    """
    model._reshape(edge_families.set_family(model._network, l, name, edges, size, edge_options))


@recorded
def freeze(
    model: KanModel,
    l: int | None = None,  # noqa: E741
    edges: Sequence[Sequence[int]] | None = None,
    kind: str | None = None,
) -> None:
    """Let parameters keep their values in every fit, whatever the optimizer.

    They do not count in ``n_params``; saving, `refine` and pruning keep them. Grids of nodes that a
    frozen spline leaves do not follow the samples. Where pruning has no other edge to put a constant on
    that it leaves behind, it changes a frozen one, which is free then.

    Parameters
    ----------
    model : KAN
    l : int, optional
        Layer of edges; all layers if not given.
    edges : sequence of (i, j), optional
        Sources and subnodes of layer l; all edges if not given. Edges that are locked with one of them
        are frozen, too.
    kind : {"base", "spline", "symbol", "affine", "basis"}, optional
        Base weights, spline coefficients, constants of symbols, scales and biases of nodes, or
        coefficients of other families alone; all if not given (of named edges all but "affine").

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
    model._reshape(frozen_parameters.freeze(model._network, l, edges, kind))


@recorded
def unfreeze(
    model: KanModel,
    l: int | None = None,  # noqa: E741
    edges: Sequence[Sequence[int]] | None = None,
    kind: str | None = None,
) -> None:
    """Train parameters again that were frozen; those that are not frozen stay as they are.

    Parameters
    ----------
    model : KAN
    l, edges, kind
        As for `freeze`.

    Raises
    ------
    ValueError, TypeError
        If there is no such layer, edge or kind.
    """
    model._reshape(frozen_parameters.unfreeze(model._network, l, edges, kind))


@recorded
def lock(model: KanModel, l: int, edges: Sequence[Sequence[int]]) -> None:  # noqa: E741
    """Let edges of a layer be one function, that of the first of them, also while training.

    Splines get a common grid, over the ranges of all.

    Parameters
    ----------
    model : KAN
    l : int
        Layer.
    edges : sequence of (i, j)
        Sources and subnodes: at least two edges, all splines or all one symbol. Edges that are locked
        with one of them join.

    Raises
    ------
    ValueError, TypeError
        If there is no such edge, or they cannot be one function.

    Examples
    --------
    >>> from kan_np import KAN
    >>> model = KAN([2, 1], grid=5, seed=0)
    >>> model.lock(0, [(0, 0), (1, 0)])
    >>> model.n_params, bool(abs(model([[0.1, 0.5]]) - model([[0.5, 0.1]])) < 1e-15)
    (9, True)
    """
    model._network = tied_edges.lock(model._network, l, edges)


@recorded
def unlock(model: KanModel, l: int, edges: Sequence[Sequence[int]] | None = None) -> None:  # noqa: E741
    """Give locked edges of a layer parameters of their own again; the function stays.

    Parameters
    ----------
    model : KAN
    l : int
        Layer.
    edges : sequence of (i, j), optional
        All of the layer if not given.

    Raises
    ------
    ValueError, TypeError
        If there is no such edge.
    """
    model._network = tied_edges.unlock(model._network, l, edges)

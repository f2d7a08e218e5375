"""Methods that make grids finer, or let them follow samples."""

from __future__ import annotations

from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np.inspection.model_type import KanModel, M
from kan_np.methods.history import recorded
from kan_np.network.width import Shape


@recorded
def refine(model: M, grid: int) -> M:
    """Return a new model on a finer grid: the same function, with ``grid`` intervals an edge.

    Exact (to rounding) where ``grid`` is a multiple of the old G, inside the grids and outside, since the
    finer splines contain the coarse ones; otherwise the new splines fit the old by least squares
    (arXiv:2404.19756, section 2.4). Only "zero" fades sooner outside, within k of the finer intervals.
    Edges of other families get the size ``grid`` where theirs is smaller. That is exact for all but
    "gaussian", and for "piecewise_linear" where ``grid`` is a multiple.

    Parameters
    ----------
    model : KAN
    grid : int
        Number of intervals, at least the present one, and at most the largest size of the families of
        its edges.

    Returns
    -------
    KAN

    Raises
    ------
    ValueError
        If ``grid`` is smaller than the present one, or larger than a family of edges allows.
    """
    grid = _validate.integer("grid", grid, model.grid, model._network.largest_grid)
    Shape.of(model._network).check_memory(grid, model.k)
    model = model._with(model._network.refined(grid))
    same = model._start.structure.outline == model._network.structure.outline
    if model._shrinkage is not None and same:  # a weight that held a coarse grid may not hold a finer one
        model._start, model._constant = model._start.refined(grid), model._network
    return model


@recorded
def update_grid(model: KanModel, x: ArrayLike) -> None:
    """Move all grids to where samples and their hidden values lie, layer by layer.

    The function is kept as far as the moved grids can carry it.

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in)

    Raises
    ------
    ValueError
        For a wrong number of columns and for NaN or infinite values.
    """
    untrained = model._is_untrained
    model._move_grid(model._samples(x))
    if untrained:
        model._start, model._constant = model._network, None

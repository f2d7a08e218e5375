"""Numbers that users hand over for a KAN, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.edges.registry import family_names
from kan_np.network.ties import check_ties

if TYPE_CHECKING:
    from kan_np.training.views import Views


def set_parameters(
    model: Views,
    coef: Sequence[ArrayLike],
    scale_base: Sequence[ArrayLike] | None = None,
    knots: Sequence[ArrayLike] | None = None,
) -> None:
    """Set coefficients, residual weights and knots from outside.

    Parameters
    ----------
    model : KAN
        Changed in place.
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
    """
    tables = model.knots
    if knots is not None:
        tables = [_validate.matrix("knots", t) for t in knots]
        shapes = [t.shape for t in tables]
        n_knots = max(shapes[0][1] if shapes else 0, 2)
        expected = [(n, n_knots) for n in model.width[:-1]]
        if shapes != expected or not all((np.diff(t) > 0).all() for t in tables):
            raise ValueError(f"knots have shapes {shapes}; expected {expected}, strictly increasing rows.")
    coefs = _by_layer(model, "coef", coef, (tables[0].shape[1] - 1 + model.k,))
    weights = model.scale_base
    if model._network.has_base and scale_base is not None:
        weights = _by_layer(model, "scale_base", scale_base, ())
    new = model._network.with_splines(coefs, weights, None if knots is None else tables)
    check_ties(new)
    model._network = new


def _by_layer(
    model: Views, name: str, layers: Sequence[ArrayLike], tail: tuple[int, ...]
) -> list[FloatArray]:
    masks = model._network.topology.masks
    shapes = [(*mask.shape, *tail) for mask in masks]
    arrays = [np.asarray(a, dtype=np.float64) for a in layers]
    if [a.shape for a in arrays] != shapes:
        raise ValueError(f"{name} has shapes {[a.shape for a in arrays]}; expected {shapes}.")
    for layer, (a, mask) in enumerate(zip(arrays, masks, strict=True)):
        _validate.finite(name, a)
        if np.any(a[~mask]):
            raise ValueError(
                f"{name}[{layer}] is not zero for all of the {np.count_nonzero(~mask)} edges that were "
                "pruned, or are symbols or of another family; expected zeros where model.edges is False, and "
                "for model.symbols and model.families."
            )
    return arrays


def layer_families(family: object, n_layers: int) -> list[str]:
    """The family of every layer of edges, of one name or a sequence of them."""
    given = (
        [family] * n_layers if isinstance(family, str) or not hasattr(family, "__iter__") else list(family)
    )
    if len(given) != n_layers:
        raise ValueError(
            f"family has {len(given)} names; expected one, or one for each of {n_layers} layers."
        )
    return [_validate.choice("family", name, family_names()) for name in given]


def grid_ranges(grid_range: ArrayLike, n_in: int, n_sources: int) -> FloatArray:
    """One row (low, high) a source node."""
    try:
        given = np.asarray(grid_range, dtype=np.float64)
    except (ValueError, TypeError):
        raise TypeError(
            f"grid_range is {_validate.shown(grid_range)}; expected numbers (low, high)."
        ) from None
    if given.shape not in ((2,), (n_in, 2)):
        raise ValueError(
            f"grid_range has shape {given.shape}; expected (2,) for all inputs or ({n_in}, 2) for each."
        )
    ranges = np.tile([-1.0, 1.0], (n_sources, 1))
    if given.ndim == 1:
        ranges[:] = given
    else:
        ranges[:n_in] = given
    if not np.isfinite(ranges).all() or not (ranges[:, 1] > ranges[:, 0]).all():
        raise ValueError(f"grid_range is {given.tolist()}; expected finite low < high.")
    return ranges

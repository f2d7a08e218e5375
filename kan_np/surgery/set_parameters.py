"""Coefficients, base weights and knots of a network, set from outside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.network.network import Network
from kan_np.network.ties import check_ties


def set_parameters(
    net: Network,
    coef: Sequence[ArrayLike],
    scale_base: Sequence[ArrayLike] | None = None,
    knots: Sequence[ArrayLike] | None = None,
) -> Network:
    """The network with other numbers: an array a layer, shaped as the properties of these names give them.

    Knots may have another number of intervals than before. What is None stays.
    """
    tables = net.knots
    if knots is not None:
        tables = [_validate.matrix("knots", t) for t in _listed("knots", knots)]
        shapes = [t.shape for t in tables]
        n_knots = max(shapes[0][1] if shapes else 0, 2)
        expected = [(n, n_knots) for n in net.width[:-1]]
        if shapes != expected or not all((np.diff(t) > 0).all() for t in tables):
            raise ValueError(f"knots have shapes {shapes}; expected {expected}, strictly increasing rows.")
    coefs = _by_layer(net, "coef", coef, (tables[0].shape[1] - 1 + net.k,))
    weights = net.scale_base
    if net.has_base and scale_base is not None:
        weights = _by_layer(net, "scale_base", scale_base, ())
    new = net.with_splines(coefs, weights, None if knots is None else tables)
    check_ties(new)
    return new


def _by_layer(
    net: Network, name: str, layers: Sequence[ArrayLike], tail: tuple[int, ...]
) -> list[FloatArray]:
    masks = net.topology.masks
    shapes = [(*mask.shape, *tail) for mask in masks]
    arrays = [_validate.real_array(name, a) for a in _listed(name, layers)]
    if [a.shape for a in arrays] != shapes:
        raise ValueError(f"{name} has shapes {[a.shape for a in arrays]}; expected {shapes}.")
    for layer, (a, mask) in enumerate(zip(arrays, masks, strict=True)):
        if not np.isfinite(a).all():
            raise ValueError(f"{name}[{layer}] has NaN or infinite values; expected finite numbers.")
        if np.any(a[~mask]):
            raise ValueError(
                f"{name}[{layer}] is not zero for all of the {np.count_nonzero(~mask)} edges that were "
                "pruned, or are symbols or of another family; expected zeros where model.edges is False, and "
                "for model.symbols and model.families."
            )
    return arrays


def _listed(name: str, layers: Sequence[ArrayLike]) -> list[ArrayLike]:
    if isinstance(layers, str) or not hasattr(layers, "__iter__"):
        raise TypeError(f"{name} is {_validate.shown(layers)}; expected a list with an array for each layer.")
    return list(layers)

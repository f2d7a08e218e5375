"""What options of models may be, and how many parameters a model will have, without making one.

For programs that plan many models, such as a sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from kan_np import _validate
from kan_np.edges import bspline
from kan_np.edges.family import BSPLINE
from kan_np.edges.registry import LIBRARY_NAMES, family
from kan_np.network import initialization, kernel_arrays, mlp_network

#: Values of `KAN`'s `base_fun`.
BASE_FUNCTIONS = tuple(kernel_arrays.BASE_FUNCTIONS)
#: Values of `KAN`'s `extrapolation`.
EXTRAPOLATIONS = tuple(bspline.EXTRAPOLATIONS)
#: Values of `KAN`'s `init`.
STARTS = tuple(initialization.STARTS)
#: Values of `KAN`'s `family` that need no registration.
EDGE_FAMILIES = LIBRARY_NAMES
#: Values of `MLP`'s `activation`.
ACTIVATIONS = tuple(mlp_network.ACTIVATIONS)


def kan_params(
    width: Sequence[int], grid: int, k: int = 3, base_fun: str = "silu", family: str = BSPLINE
) -> int:
    """Return `n_params` of a KAN of sums: of every edge G + k + 1, G + k without base function.

    Edges of other families have a parameter a function; `k` and `base_fun` do not matter to them.

    Parameters
    ----------
    width : sequence of int
        Nodes of each layer, inputs first.
    grid, k, base_fun, family
        As for `KAN`, one family for all layers.

    Returns
    -------
    int

    Raises
    ------
    ValueError, TypeError
        For a family or base function that there is not.

    Examples
    --------
    >>> from kan_np import KAN
    >>> from kan_np.options import kan_params
    >>> kan_params([2, 5, 1], grid=5), KAN([2, 5, 1], grid=5).n_params
    (135, 135)
    >>> kan_params([2, 5, 1], grid=5, family="chebyshev")
    90
    """
    _validate.choice("base_fun", base_fun, BASE_FUNCTIONS)
    n_edges = sum(n_in * n_out for n_in, n_out in zip(width[:-1], width[1:], strict=True))
    own = grid + k + (base_fun != "zero") if family == BSPLINE else _n_functions(family, grid)
    return n_edges * own


@cache
def _n_functions(name: str, size: int) -> int:
    """The number of functions of a node, of a family and size."""
    return family(name)(np.zeros(1), np.ones(1), size).n_functions


def mlp_params(width: Sequence[int]) -> int:
    """Return `n_params` of an MLP: its weights and biases.

    Examples
    --------
    >>> from kan_np.options import mlp_params
    >>> mlp_params([2, 5, 1])
    21
    """
    return sum((n_in + 1) * n_out for n_in, n_out in zip(width[:-1], width[1:], strict=True))

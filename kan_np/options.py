"""What options of models may be, and how many parameters a model will have, without making one.

For programs that plan many models, such as a sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kan_np import _validate
from kan_np.edges import bspline
from kan_np.edges.choice import GRID, chosen_families
from kan_np.edges.family import BSPLINE, LARGEST_SIZE
from kan_np.edges.registry import LIBRARY_NAMES, family
from kan_np.network import initialization, kernel_arrays, mlp_network

#: Values of `KAN`'s `base_fun`.
BASE_FUNCTIONS = tuple(kernel_arrays.BASE_FUNCTIONS)
#: Values of `KAN`'s `extrapolation`.
EXTRAPOLATIONS = tuple(bspline.EXTRAPOLATIONS)
#: Values of `KAN`'s `init`.
STARTS = tuple(initialization.STARTS)
#: Values of `KAN`'s `edges` that need no registration.
EDGE_FAMILIES = LIBRARY_NAMES
#: Values of `MLP`'s `activation`.
ACTIVATIONS = tuple(mlp_network.ACTIVATIONS)


@dataclass(frozen=True)
class EdgeOptions:
    """What can be chosen for edges of a family.

    Attributes
    ----------
    size_name : str
        The family's own word for its size; "grid" does for all families, too.
    smallest, largest : int
        Sizes that it has.
    settings : dict
        Names of its other options and their defaults, numbers or truth values.
    """

    size_name: str
    smallest: int
    largest: int
    settings: dict[str, float | int | bool]


def edge_options(name: str) -> EdgeOptions:
    """Return what can be chosen for edges of a family.

    Parameters
    ----------
    name : str
        A value of `KAN`'s ``edges``.

    Returns
    -------
    EdgeOptions

    Raises
    ------
    ValueError, TypeError
        For a family that there is not.

    Examples
    --------
    >>> from kan_np.options import edge_options
    >>> edge_options("fourier")
    EdgeOptions(size_name='frequencies', smallest=1, largest=1000, settings={'period': 2.0})
    """
    if name == BSPLINE:
        return EdgeOptions(GRID, 1, LARGEST_SIZE, {})
    kind = family(name)
    settings = {option.name: option.kind(option.default) for option in kind.options}
    return EdgeOptions(kind.size_name, kind.smallest, kind.largest, settings)


def kan_params(
    width: Sequence[int],
    grid: int,
    k: int = 3,
    base_fun: str = "silu",
    edges: str | Sequence[str] = BSPLINE,
    **options: Any,
) -> int:
    """Return `n_params` of a KAN of sums: of every spline edge G + k + 1, G + k without base function.

    To the numbers of other families `k` and `base_fun` do not matter.

    Parameters
    ----------
    width : sequence of int
        Nodes of each layer, inputs first.
    grid, k, base_fun, edges
        As for `KAN`.
    **options
        Options of edges, as for `KAN`.

    Returns
    -------
    int

    Raises
    ------
    ValueError, TypeError
        For a family, base function, size or option that there is not.

    Examples
    --------
    >>> from kan_np import KAN
    >>> from kan_np.options import kan_params
    >>> kan_params([2, 5, 1], grid=5), KAN([2, 5, 1], grid=5).n_params
    (135, 135)
    >>> kan_params([2, 5, 1], grid=5, edges="chebyshev")
    90
    >>> kan_params([2, 5, 1], grid=5, edges=["linear", "mlp"], hidden=4)
    195
    """
    _validate.choice("base_fun", base_fun, BASE_FUNCTIONS)
    of_spline = grid + k + (base_fun != "zero")
    choices = chosen_families(edges, len(width) - 1, grid, options)
    own = [of_spline if choice.name == BSPLINE else choice.n_params for choice in choices]
    return sum(n_in * n_out * n for n_in, n_out, n in zip(width[:-1], width[1:], own, strict=True))


def mlp_params(width: Sequence[int]) -> int:
    """Return `n_params` of an MLP: its weights and biases.

    Examples
    --------
    >>> from kan_np.options import mlp_params
    >>> mlp_params([2, 5, 1])
    21
    """
    return sum((n_in + 1) * n_out for n_in, n_out in zip(width[:-1], width[1:], strict=True))

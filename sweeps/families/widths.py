"""Widths of networks in sweeps: nodes of the layers, some of which may be products.

A layer is the number of its nodes, or a pair of how many are sums and how many are products of two sums.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

#: Nodes of a layer: sums, or (sums, products).
Layer = int | Sequence[int]


def layer_sizes(width: Sequence[Layer]) -> list[tuple[int, int]]:
    """Return for every layer of edges how many nodes it comes from, and to how many sums it leads.

    Examples
    --------
    >>> layer_sizes([2, 5, 1]), layer_sizes([2, [1, 3], 1])
    ([(2, 5), (5, 1)], [(2, 7), (4, 1)])
    """
    return [(_nodes(a), _sums(b)) for a, b in itertools.pairwise(width)]


def has_products(width: Sequence[Layer]) -> bool:
    """Say whether a layer has nodes that are products."""
    return any(not isinstance(layer, int) for layer in width)


def width_of(config: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the width of a configuration in tuples, () where it has none.

    Examples
    --------
    >>> width_of({"width": [2, [1, 3], 1]})
    (2, (1, 3), 1)
    """
    return tuple(tuple(own) if isinstance(own, list) else own for own in config.get("width", ()))


def layer_text(layer: Layer) -> str:
    """Return the nodes of a layer, products behind sums.

    Examples
    --------
    >>> layer_text(5), layer_text((1, 3))
    ('5', '1+3x')
    """
    return str(layer) if isinstance(layer, int) else f"{layer[0]}+{layer[1]}x"


def _nodes(layer: Layer) -> int:
    return layer if isinstance(layer, int) else sum(layer)


def _sums(layer: Layer) -> int:
    return layer if isinstance(layer, int) else layer[0] + 2 * layer[1]

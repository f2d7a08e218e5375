"""Writing edges of other families than B-splines to a file, and reading them.

A file lists family, size and, unless they are the defaults, settings of each group of edges in its
configuration, ``families``. For the q-th group it has the arrays ``basis_q_edges`` (a mask over all edges),
``basis_q_ends`` (the interval of every source node) and ``basis_q_coef``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.archive import Declared
from kan_np.edges.family import EdgeFamily
from kan_np.edges.registry import family
from kan_np.network.structure import BasisEdges, Structure
from kan_np.network.topology import Topology
from kan_np.network.width import Shape

#: Most groups of edges in a file; larger numbers are refused as damage. Chosen by judgement.
_MOST_FAMILIES = 50

#: Family, size and settings of a group.
Group = tuple[type[EdgeFamily], int, tuple[float, ...]]


def basis_config(structure: Structure) -> list[list[Any]]:
    """Family, size and settings of every group; without settings where they are the defaults."""
    return [
        [edges.basis.name, edges.basis.size]
        + ([list(edges.basis.settings)] if edges.basis.settings != _defaults(type(edges.basis)) else [])
        for edges in structure.bases
    ]


def _defaults(kind: type[EdgeFamily]) -> tuple[float, ...]:
    return tuple(option.default for option in kind.options)


def basis_arrays(structure: Structure, values: FloatArray) -> dict[str, Any]:
    """The arrays of all groups."""
    arrays: dict[str, Any] = {}
    for q, (start, edges) in enumerate(zip(structure.basis_starts, structure.bases, strict=True)):
        coef = values[start : start + edges.n_values]
        arrays[f"basis_{q}_edges"] = np.concatenate([mask.ravel() for mask in edges.topology.masks])
        arrays[f"basis_{q}_ends"] = np.stack([edges.basis.low, edges.basis.high], axis=1)
        arrays[f"basis_{q}_coef"] = coef.reshape(-1, edges.basis.n_params)
    return arrays


def checked_families(families: Any) -> list[Group]:
    """Family, size and settings of every group of a file.

    Raises
    ------
    ValueError, TypeError
        For anything but a list of these, and for a family that is not registered.
    """
    if not isinstance(families, list) or len(families) > _MOST_FAMILIES:
        raise ValueError(f"families is no list of at most {_MOST_FAMILIES} families")
    return [_checked_family(entry) for entry in families]


def _checked_family(entry: Any) -> Group:
    if not isinstance(entry, list) or len(entry) not in (2, 3) or type(entry[1]) is not int:
        raise ValueError("an entry of families is no name and size")
    kind = family(entry[0])
    if not kind.smallest <= entry[1] <= kind.largest:
        raise ValueError(f"an entry of families has the size {entry[1]}, which {kind.name} has not")
    if len(entry) == 2:
        return kind, entry[1], _defaults(kind)
    given = entry[2]
    fits = isinstance(given, list) and len(given) == len(kind.options)
    if not fits or not all(isinstance(value, (int, float)) and -1e9 < value < 1e9 for value in given):
        raise ValueError(f"an entry of families has no {len(kind.options)} numbers as settings")
    values = [
        value if option.kind is float else option.kind(value)
        for option, value in zip(kind.options, given, strict=True)
    ]
    settings = tuple(option.checked(value) for option, value in zip(kind.options, values, strict=True))
    return kind, entry[1], settings


def expected_arrays(
    families: Sequence[Group], shape: Shape, declared: Mapping[str, Declared]
) -> dict[str, tuple[type, tuple[int | None, ...]]]:
    """Type and shape of the arrays of all groups, by name.

    Raises
    ------
    ValueError
        If one of them is not in the file.
    """
    n_edges, n_sources = sum(n * m for n, m in shape.pairs), sum(shape.width[:-1])
    expected: dict[str, tuple[type, tuple[int | None, ...]]] = {}
    for q, (kind, size, settings) in enumerate(families):
        n_params = kind(np.zeros(1), np.ones(1), size, settings).n_params
        expected[f"basis_{q}_edges"] = (np.bool_, (n_edges,))
        expected[f"basis_{q}_ends"] = (np.float64, (n_sources, 2))
        expected[f"basis_{q}_coef"] = (np.float64, (None, n_params))
    if missing := set(expected) - set(declared):
        raise ValueError(f"there is no array {min(missing)}")
    return expected


def restored_bases(
    families: Sequence[Group], shape: Shape, arrays: Mapping[str, Any]
) -> tuple[tuple[BasisEdges, ...], list[FloatArray], NDArray[np.bool_]]:
    """Groups of edges, their parameters, and a mask over all edges that is True where they are.

    Raises
    ------
    ValueError
        For arrays that do not fit together, values that are not finite, and ends that are no interval.
    """
    taken = np.zeros(sum(n * m for n, m in shape.pairs), dtype=bool)
    cuts = np.cumsum([n * m for n, m in shape.pairs])[:-1]
    found, coefs = [], []
    for q, (kind, size, settings) in enumerate(families):
        edges, ends, coef = (arrays[f"basis_{q}_{name}"] for name in ("edges", "ends", "coef"))
        if not (np.isfinite(ends).all() and np.isfinite(coef).all() and (ends[:, 0] < ends[:, 1]).all()):
            raise ValueError(f"the arrays of basis_{q} have values that are not finite, or no intervals")
        if int(edges.sum()) != coef.shape[0] or (taken & edges).any() or not edges.any():
            raise ValueError(f"basis_{q}_coef has {coef.shape[0]} edges of {int(edges.sum())} that are free")
        taken |= edges
        masks = [part.reshape(pair) for part, pair in zip(np.split(edges, cuts), shape.pairs, strict=True)]
        basis = kind(ends[:, 0].copy(), ends[:, 1].copy(), size, settings)
        found.append(BasisEdges(Topology.from_masks(masks, shape.arities), basis))
        coefs.append(coef.ravel())
    return tuple(found), coefs, taken

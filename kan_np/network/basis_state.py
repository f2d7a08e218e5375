"""Writing edges of other families than B-splines to a file, and reading them.

A file lists family and size of each group of edges in its configuration, ``families``. For the q-th group it
has the arrays ``basis_q_edges`` (a mask over all edges), ``basis_q_ends`` (the interval of every source node)
and ``basis_q_coef``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.archive import Declared
from kan_np.edges.family import LARGEST_SIZE, Basis
from kan_np.edges.registry import family
from kan_np.network.structure import BasisEdges, Structure
from kan_np.network.topology import Topology
from kan_np.network.width import Shape

#: Most groups of edges in a file; larger numbers are refused as damage. Chosen by judgement.
_MOST_FAMILIES = 50


def basis_config(structure: Structure) -> list[list[Any]]:
    """Family and size of every group."""
    return [[edges.basis.name, edges.basis.size] for edges in structure.bases]


def basis_arrays(structure: Structure, values: FloatArray) -> dict[str, Any]:
    """The arrays of all groups."""
    arrays: dict[str, Any] = {}
    for q, (start, edges) in enumerate(zip(structure.basis_starts, structure.bases, strict=True)):
        coef = values[start : start + edges.n_values]
        arrays[f"basis_{q}_edges"] = np.concatenate([mask.ravel() for mask in edges.topology.masks])
        arrays[f"basis_{q}_ends"] = np.stack([edges.basis.low, edges.basis.high], axis=1)
        arrays[f"basis_{q}_coef"] = coef.reshape(-1, edges.basis.n_functions)
    return arrays


def checked_families(families: Any) -> list[tuple[type[Basis], int]]:
    """Family and size of every group of a file.

    Raises
    ------
    ValueError, TypeError
        For anything but a list of such pairs, and for a family that is not registered.
    """
    if not isinstance(families, list) or len(families) > _MOST_FAMILIES:
        raise ValueError(f"families is no list of at most {_MOST_FAMILIES} families")
    found = []
    for pair in families:
        fits = isinstance(pair, list) and len(pair) == 2 and type(pair[1]) is int
        if not fits or not 1 <= pair[1] <= LARGEST_SIZE:
            raise ValueError("an entry of families is no name and size")
        found.append((family(pair[0]), pair[1]))
    return found


def expected_arrays(
    families: Sequence[tuple[type[Basis], int]], shape: Shape, declared: Mapping[str, Declared]
) -> dict[str, tuple[type, tuple[int | None, ...]]]:
    """Type and shape of the arrays of all groups, by name.

    Raises
    ------
    ValueError
        If one of them is not in the file.
    """
    n_edges, n_sources = sum(n * m for n, m in shape.pairs), sum(shape.width[:-1])
    expected: dict[str, tuple[type, tuple[int | None, ...]]] = {}
    for q, (kind, size) in enumerate(families):
        n_functions = kind(np.zeros(1), np.ones(1), size).n_functions
        expected[f"basis_{q}_edges"] = (np.bool_, (n_edges,))
        expected[f"basis_{q}_ends"] = (np.float64, (n_sources, 2))
        expected[f"basis_{q}_coef"] = (np.float64, (None, n_functions))
    if missing := set(expected) - set(declared):
        raise ValueError(f"there is no array {min(missing)}")
    return expected


def restored_bases(
    families: Sequence[tuple[type[Basis], int]], shape: Shape, arrays: Mapping[str, Any]
) -> tuple[tuple[BasisEdges, ...], list[FloatArray], NDArray[np.bool_]]:
    """Groups of edges, their coefficients, and a mask over all edges that is True where they are.

    Raises
    ------
    ValueError
        For arrays that do not fit together, values that are not finite, and ends that are no interval.
    """
    taken = np.zeros(sum(n * m for n, m in shape.pairs), dtype=bool)
    cuts = np.cumsum([n * m for n, m in shape.pairs])[:-1]
    found, coefs = [], []
    for q, (kind, size) in enumerate(families):
        edges, ends, coef = (arrays[f"basis_{q}_{name}"] for name in ("edges", "ends", "coef"))
        if not (np.isfinite(ends).all() and np.isfinite(coef).all() and (ends[:, 0] < ends[:, 1]).all()):
            raise ValueError(f"the arrays of basis_{q} have values that are not finite, or no intervals")
        if int(edges.sum()) != coef.shape[0] or (taken & edges).any() or not edges.any():
            raise ValueError(f"basis_{q}_coef has {coef.shape[0]} edges of {int(edges.sum())} that are free")
        taken |= edges
        masks = [part.reshape(pair) for part, pair in zip(np.split(edges, cuts), shape.pairs, strict=True)]
        basis = kind(ends[:, 0].copy(), ends[:, 1].copy(), size)
        found.append(BasisEdges(Topology.from_masks(masks, shape.arities), basis))
        coefs.append(coef.ravel())
    return tuple(found), coefs, taken

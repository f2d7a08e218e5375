"""Writing a network to the arrays of a file, and reading it: every array of a file is checked before use."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.archive import Declared
from kan_np.edges.bspline import SplineTable
from kan_np.edges.symbol import SymbolicEdge
from kan_np.functions.library import rebuild_symbol
from kan_np.functions.symbol import Symbol
from kan_np.functions.time_limit import within
from kan_np.network.basis_state import Group, basis_arrays, expected_arrays, restored_bases
from kan_np.network.edge_index import EdgeIndex, checked_edge
from kan_np.network.network import Network
from kan_np.network.structure import AFFINE, BASIS, KINDS, SYMBOL, BasisEdges, Part, Structure
from kan_np.network.ties import check_ties
from kan_np.network.topology import Topology
from kan_np.network.width import Shape

#: Most characters of a header: the names of a hundred thousand columns fit in.
_LONGEST_TEXT = 2**22
#: Most characters of one word of a configuration; the longest valid one has 8.
_LONGEST_WORD = 100
#: Most layers of a network in a file; chosen by judgement.
_MOST_LAYERS = 1000
#: Most processor seconds for reading symbols that are not built in; one takes 0.03 to 0.4, importing sympy 1.
_SYMBOL_S = 3.0


def network_arrays(net: Network) -> dict[str, Any]:
    """Arrays that describe a network completely except for its width; symbols as text and constants."""
    edges = np.concatenate([mask.ravel() for mask in net.masks])
    arrays = {
        "theta": net.spline_params,
        "knots": net.table.knots,
        "reach": net.table.reach,
        "edges": edges,
    }
    if net.structure.frozen:
        frozen = sorted((*edge, KINDS.index(kind)) for edge, kind in net.structure.frozen)
        arrays["frozen"] = np.array(frozen, dtype=np.int64)
    arrays |= basis_arrays(net.structure, net.values)
    structure = net.structure
    if not (structure.symbols or structure.has_affine or structure.ties or structure.topology.has_products):
        return arrays
    symbols = net.symbols
    affine = [np.concatenate(layer.affine) for layer in net.layers if layer.affine is not None]
    ties = [(g, *edge) for g, group in enumerate(net.ties) for edge in group]
    return {
        **arrays,
        "symbols": np.array(
            json.dumps([[*edge, *symbol.symbol.identity] for edge, symbol in symbols.items()])
        ),
        "constants": net.constants,
        "affine": np.concatenate(affine) if affine else np.zeros(0),
        "locks": np.array(ties, dtype=np.int64).reshape(-1, 4),
    }


def check_config(config: Mapping[str, Any], declared: Mapping[str, Declared]) -> None:
    """Raise ValueError for a configuration with more nodes than the arrays of its file have numbers for.

    The check itself allocates nothing of that size.
    """
    room = 2 * sum(math.prod(array.shape) for array in declared.values())
    width, arity = config["width"], config.get("mult_arity", 2)
    if not isinstance(width, list) or len(width) > _MOST_LAYERS:
        raise ValueError(f"width is no list of at most {_MOST_LAYERS} layers")
    factor = abs(arity) if isinstance(arity, int) else 1
    if sum(map(abs, _integers(width))) * max(factor, 1) + sum(map(abs, _integers(arity))) > room:
        raise ValueError("its width has more nodes than its arrays have numbers for")
    if any(isinstance(value, str) and len(value) > _LONGEST_WORD for value in config.values()):
        raise ValueError("its configuration has a word that is too long to be one")


def check_arrays(
    shape: Shape,
    n_row: int,
    n_knots: int,
    *,
    affine: bool,
    families: Sequence[Group] = (),
    declared: Mapping[str, Declared],
) -> None:
    """Raise ValueError unless the arrays of a file are those of a network of this shape.

    Parameters
    ----------
    shape : Shape
    n_row : int
        Parameters of a spline edge.
    n_knots : int
    affine : bool
        Whether nodes have scales and biases.
    families : sequence of (family, size, settings)
        Of edges that are neither B-splines nor symbols.
    declared : mapping of str to Declared
        What the file says of its arrays; files of earlier formats lack some.
    """
    n_edges, n_sources = sum(n * m for n, m in shape.pairs), sum(shape.width[:-1])
    n_affine = sum(2 * (m + n) for (_, m), n in zip(shape.pairs, shape.width[1:], strict=True))
    expected: dict[str, tuple[type, tuple[int | None, ...]]] = {
        "theta": (np.float64, (None, n_row)),
        "knots": (np.float64, (n_sources, n_knots)),
        "reach": (np.float64, (n_sources, 2)),
        "edges": (np.bool_, (n_edges,)),
        "constants": (np.float64, (None, 4)),
        "affine": (np.float64, (n_affine if affine else 0,)),
        "locks": (np.int64, (None, 4)),
        "frozen": (np.int64, (None, 4)),
        "used": (np.bool_, (None,)),
        **expected_arrays(families, shape, declared),
    }
    for name, array in declared.items():
        if name == "symbols":
            check_text(name, array)
            continue
        if name not in expected:
            raise ValueError(f"there is an array {name[:40]!r}, which no model has")
        kind, sizes = expected[name]
        fits = len(array.shape) == len(sizes) and all(
            size in (None, own) for size, own in zip(sizes, array.shape, strict=True)
        )
        if array.dtype != kind or not fits:
            wanted = "(" + ", ".join("n" if size is None else str(size) for size in sizes) + ")"
            raise ValueError(
                f"{name} is an array of {array.dtype} of shape {array.shape}; "
                f"expected {np.dtype(kind)} of {wanted}"
            )
    if missing := {"theta", "knots"} - set(declared):
        raise ValueError(f"there is no array {min(missing)}")
    # without edges in the file there are all, and n_edges is not bounded by an array of its own
    if declared["theta"].shape[0] != n_edges and not ("edges" in declared and _at_most(declared, n_edges)):
        raise ValueError(f"there are parameters of {declared['theta'].shape[0]} of {n_edges} edges")


def check_text(name: str, array: Declared) -> None:
    """Raise ValueError unless an array is one text of reasonable length."""
    if array.dtype.kind != "U" or array.shape or array.dtype.itemsize > 4 * _LONGEST_TEXT:
        raise ValueError(f"{name} is no text of at most {_LONGEST_TEXT} characters")


def check_vector(name: str, array: Declared, size: int) -> None:
    """Raise ValueError unless an array is a vector of so many floats."""
    if array.dtype != np.float64 or array.shape != (size,):
        raise ValueError(
            f"{name} is an array of {array.dtype} of shape {array.shape}; expected float64 of ({size},)"
        )


def _at_most(declared: Mapping[str, Declared], n_edges: int) -> bool:
    return all(
        declared[name].shape[0] <= n_edges for name in ("theta", "constants", "locks") if name in declared
    )


def _integers(entries: Any) -> list[int]:
    """All integers of a list and of the lists in it; other entries are ignored here and refused later."""
    if not isinstance(entries, list):
        return []
    inner = [part for entry in entries for part in (entry if isinstance(entry, list) else [entry])]
    return [part for part in inner if isinstance(part, int)]


def restored_network(
    shape: Shape,
    like: Network,
    arrays: dict[str, Any],
    *,
    affine: bool,
    families: Sequence[Group] = (),
) -> Network:
    """The network of a file, built directly with the edges that the file has.

    Parameters
    ----------
    shape : Shape
        Of the network, all edges counted.
    like : Network
        Of the same order, extrapolation and base function.
    arrays : dict
        As `network_arrays` gives them, of shapes that `check_arrays` let pass.
    affine : bool
        Whether nodes have scales and biases.
    families : sequence of (family, size, settings)
        Of edges that are neither B-splines nor symbols.

    Raises
    ------
    ValueError, KeyError, TypeError
        For arrays that do not fit together, values that are not finite, and knots that do not increase.
    """
    theta, knots = arrays["theta"], arrays["knots"]
    reach = arrays.get("reach", np.diff(knots, axis=1)[:, [0, -1]])  # format 1: always one interval
    for name in ("theta", "knots", "reach", "constants", "affine"):
        if name in arrays and not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} has values that are not finite")
    if not (knots[:, 1:] > knots[:, :-1]).all():
        raise ValueError("knots do not increase")
    if not (reach > 0).all():
        raise ValueError("reach is not positive")
    # nothing was pruned before format 3
    n_edges = sum(n * m for n, m in shape.pairs)
    edges = arrays.get("edges")
    edges = np.ones(n_edges, dtype=bool) if edges is None else edges
    cuts = np.cumsum([n * m for n, m in shape.pairs])[:-1]
    masks = [part.reshape(pair) for part, pair in zip(np.split(edges, cuts), shape.pairs, strict=True)]
    symbols = _symbols(masks, arrays) if "symbols" in arrays else {}
    locks = _locks(masks, arrays)
    bases, coefs, taken = restored_bases(families, shape, arrays)
    n_others = int(taken.sum())
    if int(edges.sum()) != theta.shape[0] + len(symbols) + n_others or (taken & ~edges).any():
        raise ValueError(f"there are parameters of {theta.shape[0]} splines of {int(edges.sum())} edges")
    all_edges = masks
    if symbols or n_others:
        parts = np.split(edges & ~taken, cuts)
        masks = [part.reshape(pair) for part, pair in zip(parts, shape.pairs, strict=True)]
    for layer, i, j in symbols:
        if not masks[layer][i, j]:
            raise ValueError(f"the edge {(layer, i, j)} is a symbol and of another family")
        masks[layer][i, j] = False
    table = _table(knots, reach, like)  # first, since building it takes more memory than keeping it
    structure = Structure(
        Topology.from_masks(masks, shape.arities),
        table,
        like.base_fun,
        {edge: symbols[edge].symbol for edge in sorted(symbols)},
        bases,
        affine,
        locks,
        _frozen(all_edges, symbols, bases, arrays, affine=affine),
    )
    values = theta.ravel()
    if symbols or affine or bases:
        constants = [symbols[edge].constants for edge in sorted(symbols)]
        own = _by_kind(shape, arrays["affine"]) if affine else np.zeros(0)
        values = np.concatenate([values, *coefs, np.array(constants).ravel(), own])
    net = Network(structure, values)
    check_ties(net)
    return net


def _frozen(
    masks: list[Any],
    symbols: Mapping[EdgeIndex, SymbolicEdge],
    bases: Sequence[BasisEdges],
    arrays: dict[str, Any],
    *,
    affine: bool,
) -> frozenset[Part]:
    """Frozen parameters of a file; raises where the network has no such parameters."""
    others = {edge for edges in bases for edge in edges.topology.edge_number}
    found: set[Part] = set()
    for *named, number in arrays["frozen"].tolist() if "frozen" in arrays else ():
        kind = KINDS[number] if 0 <= number < len(KINDS) else ""
        if kind == AFFINE:
            if not affine or named[1:] != [-1, -1] or not 0 <= named[0] < len(masks):
                raise ValueError(f"there are no scales and biases {named} to be frozen")
            found.add(((named[0], -1, -1), AFFINE))
            continue
        edge = checked_edge(masks, named)
        if not kind or (kind == SYMBOL) != (edge in symbols) or (kind == BASIS) != (edge in others):
            raise ValueError(f"the edge {named} has no parameters of kind {number} to be frozen")
        found.add((edge, kind))
    return frozenset(found)


def _by_kind(shape: Shape, affine: FloatArray) -> FloatArray:
    """Scales and biases that a file has layer by layer, in the order of `Structure`: kind by kind."""
    kinds: list[list[FloatArray]] = [[], [], [], []]
    for (_, n_sums), n_nodes in zip(shape.pairs, shape.width[1:], strict=True):
        own, affine = np.split(affine, [2 * (n_sums + n_nodes)])
        for kind, part in zip(kinds, np.split(own, np.cumsum([n_sums, n_sums, n_nodes])), strict=True):
            kind.append(part)
    return np.concatenate([part for kind in kinds for part in kind])


def _table(knots: FloatArray, reach: FloatArray, like: Network) -> SplineTable:
    """B-splines on these knots; raises where the distances of knots exceed the range of float64."""
    with np.errstate(all="ignore"):
        table = SplineTable.build(knots, like.k, like.extrapolation, reach)
    made = (table.breaks, table.bucket_scale, table.origin, table.scale, table.poly)
    if not all(np.isfinite(array).all() for array in made):
        raise ValueError("knots are too near to each other or too far from each other for float64")
    return table


def _symbols(masks: list[Any], arrays: dict[str, Any]) -> dict[EdgeIndex, SymbolicEdge]:
    rows, constants = json.loads(str(arrays["symbols"])), arrays["constants"]
    if not isinstance(rows, list) or len(rows) != len(constants):
        raise ValueError(f"there are constants of {len(constants)} symbols, and other symbols")
    identities = {tuple(identity) for _, _, _, *identity in rows}
    known = within(_SYMBOL_S, lambda: {identity: rebuild_symbol(*identity) for identity in identities})
    found: dict[EdgeIndex, SymbolicEdge] = {}
    for (layer, i, j, *identity), own in zip(rows, constants, strict=True):
        symbol: Symbol = known[tuple(identity)]
        found[checked_edge(masks, (layer, i, j))] = SymbolicEdge(symbol, *own.tolist())
    if len(found) < len(rows):
        raise ValueError("there are two symbols of one edge")
    return found


def _locks(masks: list[Any], arrays: dict[str, Any]) -> tuple[tuple[EdgeIndex, ...], ...]:
    groups: dict[int, list[EdgeIndex]] = {}
    for number, *edge in arrays["locks"].tolist() if "locks" in arrays else ():
        groups.setdefault(number, []).append(checked_edge(masks, edge))
    return tuple(tuple(group) for group in groups.values())

"""The edge families of KANs in a sweep: their names, their sizes, and how kan_np is told of them.

The edges of a configuration are the name of a family, or a list with one for each layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sweeps.checks import Check, Expected, TomlTable, axis, one_of
from sweeps.families.family import Axis, HiddenWidths
from sweeps.families.widths import Layer, layer_sizes

#: The name of one family for all layers, or one for each.
Edges = str | Sequence[str]

BSPLINE = "bspline"
#: In place of names: all families of kan_np, B-splines first.
ALL = "all"
#: What sweeps call a size in place of a family's own word: "hidden" are the layers of the network.
_RENAMED = {"hidden": "edge_hidden"}
#: Options of B-splines alone: edges of another family are the same with every value.
_OF_SPLINES = ("k", "base_fun")


def edge_names() -> tuple[str, ...]:
    """Return the names of the edge families of kan_np; a user's own are not known to worker processes."""
    from kan_np import options

    return tuple(options.EDGE_FAMILIES)


@cache
def size_words() -> Mapping[str, tuple[str, ...]]:
    """Return what families call their size, where that is not the grid, and which families do so.

    In a table such a word has the chain of sizes of these families, in place of `grids`.
    """
    from kan_np import options

    words: dict[str, tuple[str, ...]] = {}
    for name in sorted(edge_names()):
        own = options.edge_options(name)
        if own.size_name != "grid" and own.smallest < own.largest:
            word = _RENAMED.get(own.size_name, own.size_name)
            words[word] = (*words.get(word, ()), name)
    return words


@cache
def _has_one_size(name: str) -> bool:
    from kan_np import options

    own = options.edge_options(name)
    return own.smallest == own.largest


def edge_arguments(edges: Edges) -> dict[str, Any]:
    """Return the arguments with which functions of kan_np are told the edges of a model."""
    return {"edges": edges}


def edges_axis(table: TomlTable) -> Axis:
    """Return the axis of edge families of a table: names, or lists with a name for each layer."""
    return "edges", table.take("edges", _edges, ())


def _edges(value: object) -> tuple[Edges, ...]:
    if value == ALL:
        return edge_names()
    return axis(_one(), "families of edges, or of lists with one for each layer")(value)


def _one() -> Check[Edges]:
    check = one_of(edge_names())

    def check_one(value: object) -> Edges:
        if not isinstance(value, list):
            return check(value)
        names = _each(value, check)
        # A list of one name is that name: the same model has one configuration.
        return names[0] if len(set(names)) == 1 else names

    return check_one


def _each(value: list[object], check: Callable[[object], str]) -> tuple[str, ...]:
    if not value:
        raise Expected("a family of edges for each layer in an inner list")
    return tuple(check(item) for item in value)


def size_axes(
    table: TomlTable, chains: Check[tuple[HiddenWidths, ...]], edges: Sequence[Edges]
) -> list[Axis]:
    """Return the sizes that a table gives by words of families; a UserError if none of its edges has one."""
    given: list[Axis] = [(word, table.take(word, chains, ())) for word in size_words()]
    for word, values in given:
        if values and not any(_has(one, word) for one in edges):
            families, given_edges = " or ".join(size_words()[word]), ", ".join(map(edges_text, edges))
            raise table.error(
                f"{word} is the size of edges of the family {families}, and the edges of the table are "
                f"{given_edges}. Give sizes as grids, or name such a family in edges."
            )
    return [(word, values) for word, values in given if values]


def products(axes: Sequence[Axis]) -> list[list[Axis]]:
    """Return axes of a table as several products of axes, in each of which all edges have the same sizes.

    Of options that edges do not have the first value stands for all.
    """
    values = dict(axes)
    if "edges" not in values:
        return [list(axes)]
    groups: dict[tuple[Axis, ...], list[Edges]] = {}
    for edges in values["edges"]:
        own = values | {"grids": _chains(edges, values)}
        if not _has_splines(edges):
            own |= {name: values[name][:1] for name in _OF_SPLINES if name in values}
        kept = tuple((name, own[name]) for name, _ in axes if name not in size_words() and name != "edges")
        groups.setdefault(kept, []).append(edges)
    place = [name for name, _ in axes if name not in size_words()].index("edges")
    return [[*kept[:place], ("edges", tuple(edges)), *kept[place:]] for kept, edges in groups.items()]


def _chains(edges: Edges, values: Mapping[str, tuple[Any, ...]]) -> tuple[HiddenWidths, ...]:
    """Return the chains of sizes of a family: by its own word, one of size 1 if it has no size, or grids."""
    if all(_has_one_size(name) for name in _names(edges)):
        return ((1,),)
    own = [chains for word, chains in values.items() if word in size_words() and _has(edges, word)]
    return own[0] if own else values["grids"]


def _names(edges: Edges) -> set[str]:
    return {edges} if isinstance(edges, str) else set(edges)


def _has(edges: Edges, word: str) -> bool:
    """Say whether a size in that word is one of all layers that have a size."""
    sized = {name for name in _names(edges) if not _has_one_size(name)}
    return bool(sized) and sized <= set(size_words()[word])


def _has_splines(edges: Edges) -> bool:
    return BSPLINE in _names(edges)


def edges_text(edges: Edges) -> str:
    """Return edges in a word.

    Examples
    --------
    >>> edges_text("chebyshev"), edges_text(["linear", "bspline"])
    ('chebyshev', 'linear-bspline')
    """
    return edges if isinstance(edges, str) else "-".join(edges)


def misfit(edges: Edges, width: Sequence[Layer]) -> str:
    """Return why edges do not fit a width, as a sentence; "" if they do.

    Examples
    --------
    >>> misfit(["linear", "bspline"], [2, 5, 1])
    ''
    """
    n_layers = len(width) - 1
    if isinstance(edges, str) or len(edges) == n_layers:
        return ""
    return (
        f"edges are {list(edges)!r}, a family for each of {len(edges)} layers, and a model has the width "
        f"{list(width)!r}, which are {n_layers} layers. Give shapes of {len(edges) - 1} hidden widths."
    )


def unsquashed(edges: Edges, squash: bool) -> str:
    """Return why edges cannot take the hyperbolic tangent of their inputs, as a sentence; "" if they can.

    Examples
    --------
    >>> unsquashed("chebyshev", True)
    ''
    """
    from kan_np import options

    if not squash or any("squash" in options.edge_options(name).settings for name in _names(edges)):
        return ""
    return (
        "squash is true, an option of edges of the family chebyshev, and the edges are "
        f"{edges_text(edges)}; leave squash out, or take edges = 'chebyshev'."
    )


def n_params(width: Sequence[Layer], grid: int, k: int, base_fun: str, edges: Edges) -> int:
    """Return the number of parameters of a KAN with these edges.

    Examples
    --------
    >>> n_params([2, 5, 1], 5, 3, "silu", "chebyshev"), n_params([2, 5, 1], 5, 3, "silu", "bspline")
    (90, 135)
    >>> n_params([2, 5, 1], 5, 3, "silu", ["chebyshev", "bspline"])
    105
    """
    from kan_np import options

    names = [edges] * (len(width) - 1) if isinstance(edges, str) else edges
    layers = zip(layer_sizes(width), names, strict=True)
    return sum(options.kan_params(pair, grid, k, base_fun, **edge_arguments(name)) for pair, name in layers)

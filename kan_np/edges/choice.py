"""Which family, size and settings the edges of each layer have, from what a user gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from kan_np import _validate
from kan_np.edges.family import BSPLINE, FAMILIES, EdgeFamily
from kan_np.edges.registry import family, family_names

#: What the size of B-splines is called, and of families without a word of their own.
GRID = "grid"


class Choice(NamedTuple):
    """A family by name, its size and its settings; of B-splines the number of intervals."""

    name: str
    size: int
    settings: tuple[float, ...] = ()

    def on(self, low: _validate.FloatArray, high: _validate.FloatArray) -> EdgeFamily:
        """The family on intervals; not of B-splines."""
        return family(self.name)(low, high, self.size, self.settings)

    @property
    def n_params(self) -> int:
        """Parameters of an edge; not of B-splines."""
        return self.on(np.zeros(1), np.ones(1)).n_params


def option_names() -> list[str]:
    """Keywords of all families: their own words for the size, and settings."""
    return sorted({word for name in FAMILIES for word in _words(name)})


def _words(name: str) -> list[str]:
    """Keywords of a family: its own word for the size, and its settings."""
    if name == BSPLINE:
        return []
    kind = family(name)
    own = [kind.size_name] if kind.size_name != GRID and kind.smallest < kind.largest else []
    return own + [option.name for option in kind.options]


def chosen_families(
    edges: object, n_layers: int, grid: int, given: Mapping[str, object], argument: str = "edges"
) -> list[Choice]:
    """The family, size and settings of every layer of edges.

    Parameters
    ----------
    edges : str or sequence of str
        One name, or one for each layer.
    n_layers : int
    grid : int
        The size of all families, unless it is given by a family's own word.
    given : mapping
        Sizes and settings by name; each is for all families that have it.
    argument : str
        What messages call `edges`.

    Raises
    ------
    ValueError, TypeError
        For a name that no family has, a number of names that is not that of the layers, a size or setting
        that a family has not, and one that no chosen family has.

    Examples
    --------
    >>> from kan_np.edges.choice import chosen_families
    >>> [tuple(choice) for choice in chosen_families(["linear", "chebyshev"], 2, 5, {"degree": 8})]
    [('linear', 1, ()), ('chebyshev', 8, (0.0,))]
    """
    one = isinstance(edges, str) or not isinstance(edges, Iterable)
    found: list[object] = [edges] * n_layers if one else list(edges)  # type: ignore[call-overload]
    if len(found) != n_layers:
        raise ValueError(
            f"{argument} has {len(found)} names; expected one, or one for each of {n_layers} layers."
        )
    names = [_validate.choice(argument, name, family_names()) for name in found]
    for word in given:
        _refuse_idle(word, names)
    return [chosen_family(name, grid, given) for name in names]


def chosen_family(name: str, grid: int, given: Mapping[str, object], word: str = GRID) -> Choice:
    """As `chosen_families` for one name; `word` is what messages call `grid`."""
    if name == BSPLINE:
        return Choice(name, grid)
    kind = family(name)
    if kind.smallest == kind.largest and word == GRID:
        size = kind.smallest
    else:
        own = kind.size_name
        size = checked_size(kind, given[own], own) if own in given else checked_size(kind, grid, word)
    settings = tuple(
        option.checked(given[option.name]) if option.name in given else option.default
        for option in kind.options
    )
    return Choice(name, size, settings)


def checked_size(kind: type[EdgeFamily], size: object, word: str) -> int:
    """The size, if a family has it; `word` is what messages call it.

    Raises
    ------
    ValueError, TypeError
        For a size that it has not.
    """
    try:
        return _validate.integer(word, size, kind.smallest, kind.largest)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{str(error).rstrip('.')} for edges of the family {kind.name!r}.") from None


def default_sizes(edges: object) -> tuple[int, ...]:
    """Sizes to be trained in turn where none are given, for the families of all layers.

    Those of the family whose largest is least; of B-splines for names that no family has, which are refused
    when a model is made.

    Examples
    --------
    >>> default_sizes("bspline"), default_sizes(["linear", "sine"]), default_sizes("linear")
    ((3, 5, 10, 20, 50), (1, 2, 4, 8), (1,))
    """
    names = [edges] if isinstance(edges, str) or not isinstance(edges, Iterable) else list(edges)
    known = [_sizes(name) for name in names if isinstance(name, str) and name in family_names()]
    several = [sizes for sizes in known if len(sizes) > 1]
    return min(several or known or [EdgeFamily.sizes], key=max)


def _sizes(name: str) -> tuple[int, ...]:
    return EdgeFamily.sizes if name == BSPLINE else family(name).sizes


def _refuse_idle(word: str, names: list[str]) -> None:
    """Raise for an option that no chosen family has, and say which one has it."""
    if any(word in _words(name) for name in names):
        return
    owners = [name for name in sorted(FAMILIES) if word in _words(name)]
    if not owners:
        _validate.choice("an option of edges", word, option_names())
    had = {name: _words(name) for name in dict.fromkeys(names)}
    own = "; ".join(f"{name!r} has {', '.join(words) if words else 'none'}" for name, words in had.items())
    raise ValueError(
        f"{word} is an option of {' and '.join(map(repr, owners))}, but the edges are "
        f"{' and '.join(map(repr, had))}; expected an option of these ({own}), or other edges."
    )

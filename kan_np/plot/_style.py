"""Colours (from the palette of Okabe and Ito for colour-blind readers), sizes, nodes, and empty figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from kan_np import _validate
from kan_np._validate import FloatArray

#: Makes a figure, and axes of this width and height in inches on it.
Sheet = Callable[[float, float], tuple[Figure, Axes]]

INK = "#1a1a1a"
GREY = "#8a8f98"
BLUE = "#0072B2"
VERMILION = "#D55E00"

FONT_SIZE = 11.0
POINT = 1.0 / 72.0  # in inches
NODE_SIZE = 6.0  # diameter in points, less where nodes are crowded
PRODUCT_SIZE = 10.0
_FACTOR = 0.33  # size of a factor, as a fraction of that of its product


def check_network(net: object, kind: type, method: str) -> None:
    """Raise unless `net` is a network of a kind; models have a method that draws theirs."""
    if not isinstance(net, kind):
        raise TypeError(
            f"net is {_validate.shown(net)}; expected a {kind.__name__}. Draw a model with its method "
            f"{method}."
        )


def checked_size(figsize: Any) -> tuple[float, float] | None:
    """Return (width, height) in inches as floats, or None for None."""
    if figsize is None:
        return None
    if isinstance(figsize, str) or not hasattr(figsize, "__len__") or len(figsize) != 2:
        raise TypeError(f"figsize is {_validate.shown(figsize)}; expected (width, height) in inches.")
    return _validate.real("figsize", figsize[0], 1.0), _validate.real("figsize", figsize[1], 1.0)


def sheet(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty white figure and axes that cover it, whose coordinates are inches."""
    figure = Figure(figsize=(width, height), dpi=150, facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0), frameon=False)
    axes.set(xlim=(0.0, width), ylim=(0.0, height), xticks=[], yticks=[])
    return figure, axes


def shades(colours: list[str], opacity: ArrayLike) -> FloatArray:
    """Return the RGBA rows of colours, each with its opacity."""
    rows = np.array([to_rgba(c) for c in colours], dtype=np.float64).reshape(-1, 4)
    rows[:, 3] = opacity
    return rows


def draw_nodes(
    axes: Axes, x: FloatArray, y: float, strength: ArrayLike = 1.0, room: float | None = None
) -> PathCollection:
    """Draw a layer of nodes as dots; weak ones are mixed with white and opaque, so that they hide wires.

    `room` is the distance of two nodes in inches, by default that of the first two.
    """
    if room is None and x.size > 1:
        room = float(x[1] - x[0])
    size = NODE_SIZE if room is None else min(NODE_SIZE, 0.6 * room / POINT)
    colours = _faded(np.broadcast_to(strength, x.shape))
    return axes.scatter(x, np.full_like(x, y), size**2, color=colours, linewidths=0, zorder=4, clip_on=False)


def draw_products(
    axes: Axes,
    nodes: tuple[FloatArray, float],
    owner: NDArray[np.int64],
    subnodes: FloatArray,
    strengths: tuple[FloatArray, FloatArray],
    room: float | None,
) -> None:
    """Draw products as circles with a cross, over a dot for each factor.

    Parameters
    ----------
    axes : Axes
    nodes : ndarray of shape (n,), float
        x of all nodes of the layer, products or not, and their y.
    owner : ndarray of int of shape (n_factors,)
        Node of each factor.
    subnodes : ndarray of shape (n_factors, 2)
        x and y of each factor.
    strengths : ndarray of shape (n,), ndarray of shape (n_factors,)
        Of nodes and factors.
    room : float or None
        Distance of two nodes in inches.
    """
    if not owner.size:
        return
    (x, y), (of_nodes, of_subnodes) = nodes, strengths
    size = PRODUCT_SIZE if room is None else min(PRODUCT_SIZE, 0.8 * room / POINT)
    products = np.unique(owner)
    shade, factor_shade = _faded(of_nodes[products]), _faded(of_subnodes)
    stems = [np.array([place, (x[node], y)]) for place, node in zip(subnodes, owner, strict=True)]
    wires = LineCollection(stems, colors=factor_shade, linewidths=0.9, zorder=3, clip_on=False, gid="factors")
    axes.add_collection(wires)
    at = (x[products], np.full(products.size, y))
    for places, area, look in (
        ((subnodes[:, 0], subnodes[:, 1]), (_FACTOR * size) ** 2, {"color": factor_shade, "linewidths": 0}),
        (at, size**2, {"facecolors": "white", "edgecolors": shade, "linewidths": 1.1, "gid": "products"}),
        (at, (0.5 * size) ** 2, {"marker": "x", "color": shade, "linewidths": 1.1}),
    ):
        style: dict[str, Any] = {"zorder": 4, "clip_on": False, **look}
        axes.scatter(places[0], places[1], area, **style)


def _faded(strength: FloatArray) -> FloatArray:
    """Ink mixed with white: rows of RGB."""
    return np.asarray(1.0 - strength[:, None] * (1.0 - np.array(to_rgba(INK)[:3])))

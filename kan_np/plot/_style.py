"""Colours (apart for colour-blind eyes as well; Okabe and Ito), sizes, and a sheet to draw on."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from kan_np._validate import FloatArray

INK = "#1a1a1a"
GREY = "#8a8f98"
BLUE = "#0072B2"
VERMILION = "#D55E00"

FONT_SIZE = 11.0
POINT = 1.0 / 72.0  # in inches
NODE_SIZE = 6.0  # diameter in points, less where nodes are crowded


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


def draw_nodes(axes: Axes, x: FloatArray, y: float, strength: ArrayLike = 1.0) -> PathCollection:
    """Draw a layer of nodes as dots, mixed with white where they are weak so that no wire shines through."""
    ink = np.array(to_rgba(INK)[:3])
    colours = 1.0 - np.broadcast_to(strength, x.shape)[:, None] * (1.0 - ink)
    size = NODE_SIZE if x.size == 1 else min(NODE_SIZE, 0.6 * float(x[1] - x[0]) / POINT)
    return axes.scatter(x, np.full_like(x, y), size**2, color=colours, linewidths=0, zorder=4, clip_on=False)

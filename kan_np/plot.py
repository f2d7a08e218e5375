"""Pictures of models as matplotlib Figures: a KAN with the function of every edge, an MLP with its weights.

Figures are made without pyplot, so that nothing global changes; show one in a notebook by returning it, and
write it with ``figure.savefig("model.png")``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from kan_np._validate import FloatArray
from kan_np.network import residual_values
from kan_np.pieces import design_matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from kan_np.mlp import MLP
    from kan_np.model import KAN

_INK = "#1a1a1a"
_NODE = "#0072B2"
_BELOW_ZERO = "#D55E00"
_FAINTEST = 0.12  # opacity of an edge that contributes nothing: still visible, so that nothing is hidden


def plot_network(model: KAN, points: int = 200) -> Figure:
    """Draw a KAN: nodes layer by layer from the bottom up, and on every edge its function in a small box.

    A box shows phi over the grid of its input, each with its own vertical scale; opacity is
    tanh(3 r), with r the standard deviation of phi over the grid as part of the largest in its layer, as in
    Figure 2.4 of arXiv:2404.19756.

    Parameters
    ----------
    model : KAN
    points : int
        Points of each curve.

    Returns
    -------
    matplotlib.figure.Figure
    """
    curves = edge_curves(model, points)
    width = model.width
    span = max(
        max(n_in * n_out for n_in, n_out in zip(width[:-1], width[1:], strict=True)) * 0.62, max(width)
    )
    figure, axes = _canvas(span, len(width))
    rise = _rise(span)
    centres = [_positions(n, span) for n in width]
    for layer, (x, phi) in enumerate(curves):
        n_in, n_out = phi.shape[:2]
        boxes = _positions(n_in * n_out, span).reshape(n_in, n_out)
        size = 0.85 * min(0.55, span / (n_in * n_out))
        spread = phi.std(axis=2)
        strength = np.tanh(3.0 * spread / max(float(spread.max()), 1e-300))
        for i in range(n_in):
            for j in range(n_out):
                alpha = max(float(strength[i, j]), _FAINTEST)
                _edge(
                    axes,
                    (centres[layer][i], boxes[i, j], centres[layer + 1][j]),
                    layer,
                    rise,
                    size,
                    alpha,
                    x[i],
                    phi[i, j],
                )
    _nodes(axes, centres, rise)
    return figure


def edge_curves(model: KAN, points: int = 200) -> list[tuple[FloatArray, FloatArray]]:
    """Values of every edge over the grid of its input.

    Returns
    -------
    list of (x, phi)
        For each layer x of shape (n_in, points) and phi of shape (n_in, n_out, points).
    """
    curves = []
    for knots, coef, weight in zip(model.knots, model.coef, model.scale_base, strict=True):
        x = np.linspace(knots[:, 0], knots[:, -1], points, axis=1)
        phi = np.empty((*weight.shape, points))
        for i in range(x.shape[0]):
            basis = design_matrix(x[i], knots[i], model.k, extrapolation="continue")
            phi[i] = coef[i] @ basis.T + weight[i][:, None] * residual_values(model.base_fun, x[i])
        curves.append((x, phi))
    return curves


def plot_mlp(model: MLP) -> Figure:
    """Draw an MLP: nodes layer by layer from the bottom up, weights as lines, blue above zero and red below.

    Line width and opacity grow with |W| as part of the largest in its layer.

    Returns
    -------
    matplotlib.figure.Figure
    """
    width = model.width
    span = float(min(max(width), 24))
    figure, axes = _canvas(span, len(width))
    rise = _rise(span)
    centres = [_positions(n, span) for n in width]
    for layer, (weights, _) in enumerate(model._network.layers):
        part = (np.abs(weights) / max(float(np.abs(weights).max()), 1e-300)).ravel()
        ends = np.empty((part.size, 2, 2))
        ends[:, 0, 0] = np.repeat(centres[layer], weights.shape[1])
        ends[:, 1, 0] = np.tile(centres[layer + 1], weights.shape[0])
        ends[:, :, 1] = [layer * rise, (layer + 1) * rise]
        colours = np.where(weights.ravel()[:, None] > 0, to_rgba(_NODE), to_rgba(_BELOW_ZERO))
        colours[:, 3] = 0.1 + 0.7 * part
        axes.add_collection(LineCollection(list(ends), colors=colours, linewidths=0.3 + 1.5 * part, zorder=1))
    _nodes(axes, centres, rise)
    return figure


def _positions(n: int, span: float) -> FloatArray:
    """Centres of n places side by side on [0, span]."""
    return np.asarray((np.arange(n) + 0.5) * (span / n), dtype=np.float64)


def _rise(span: float) -> float:
    """Distance of two layers: one box and its lines, more in wide networks so that lines stay apart."""
    return max(1.0, 0.1 * span)


def _canvas(span: float, n_layers: int) -> tuple[Figure, Axes]:
    height = (n_layers - 1) * _rise(span)
    inches = min(max(1.15 * span, 3.2), 40.0)
    figure = Figure(figsize=(inches, 1.15 * inches / span * height + 1.1), dpi=150)
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.96))
    axes.set_xlim(0, span)
    axes.set_ylim(-0.32, height + 0.32)
    axes.set_aspect("equal")
    axes.axis("off")
    return figure, axes


def _edge(
    axes: Axes,
    places: tuple[float, float, float],
    layer: int,
    rise: float,
    size: float,
    alpha: float,
    x: FloatArray,
    phi: FloatArray,
) -> None:
    source, middle, target = places
    bottom = (layer + 0.5) * rise - size / 2
    style: dict[str, Any] = {"color": _INK, "alpha": alpha, "lw": 1.0, "zorder": 1, "solid_capstyle": "round"}
    axes.plot([source, middle], [layer * rise, bottom], **style)
    axes.plot([middle, target], [bottom + size, (layer + 1) * rise], **style)
    left = middle - size / 2
    axes.fill(
        [left, left + size, left + size, left],
        [bottom, bottom, bottom + size, bottom + size],
        facecolor="white",
        edgecolor=_INK,
        alpha=alpha,
        lw=0.8,
        zorder=2,
    )
    low, high = float(phi.min()), float(phi.max())
    height = (phi - low) / (high - low) if high > low else np.full_like(phi, 0.5)
    across = (x - x[0]) / (x[-1] - x[0])
    axes.plot(
        left + size * (0.1 + 0.8 * across),
        bottom + size * (0.1 + 0.8 * height),
        color=_NODE,
        alpha=max(alpha, 0.25),
        lw=1.4,
        zorder=3,
    )


def _nodes(axes: Axes, centres: list[FloatArray], rise: float) -> None:
    for layer, places in enumerate(centres):
        axes.plot(places, np.full_like(places, layer * rise), "o", color=_INK, ms=6, zorder=4)
    n_out = len(centres[-1])
    for i, place in enumerate(centres[0]):
        axes.annotate(
            f"$x_{{{i + 1}}}$", (place, 0), (0, -9), textcoords="offset points", ha="center", va="top"
        )
    for j, place in enumerate(centres[-1]):
        name = "$y$" if n_out == 1 else f"$y_{{{j + 1}}}$"
        top = (len(centres) - 1) * rise
        axes.annotate(name, (place, top), (0, 9), textcoords="offset points", ha="center", va="bottom")

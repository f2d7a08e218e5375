"""Figure of a KAN: nodes, wires, and the function of every edge in a small square."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.network.edge_index import EdgeIndex
from kan_np.network.network import Network
from kan_np.plot import layout as geometry
from kan_np.plot import names as naming
from kan_np.plot import reading
from kan_np.plot._style import (
    BLUE,
    INK,
    POINT,
    VERMILION,
    Sheet,
    check_network,
    checked_size,
    draw_nodes,
    draw_products,
    shades,
    sheet,
)
from kan_np.plot.layout import Bools, Layout
from kan_np.surgery.attribution import edge_scores

#: Values of `metric` in `plot_network`, as in pykan's ``plot``, and the scores that they stand for.
PLOT_METRICS = {
    "backward": "edge_backward",
    "forward_n": "edge_forward_sum",
    "forward_u": "edge_forward_spline_u",
}

_STRAIGHT = 0.004  # largest error of a drawn curve, as a fraction of its square
_INSET = 0.1  # fraction of a square that stays free at each side of its curve
_FAINTEST = 0.25  # least opacity of nodes
_MARGIN = 0.25  # inches around the picture
_GAP = 0.12  # inches between a node and its name, and between names and title
_WIDENED = 6.5  # inches to which a narrow picture is widened for its names


#: Lowest and highest x of every source, (n_in, 2), and value of every edge, (n_in, n_subnodes, 2), a layer.
Limits = list[tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Look:
    """How a network is drawn; the checked options of `plot_network`."""

    inputs: list[str]
    outputs: list[str]
    title: str | None = None
    metric: str = "backward"
    beta: float = 3.0
    threshold: float = 0.0
    indices: bool = False
    figsize: tuple[float, float] | None = None


def plot_network(
    net: Network,
    x: ArrayLike | None = None,
    *,
    metric: str = "backward",
    beta: float = 3.0,
    in_vars: Sequence[Any] | None = None,
    out_vars: Sequence[Any] | None = None,
    title: str | None = None,
    threshold: float = 0.0,
    indices: bool = False,
    figsize: tuple[float, float] | None = None,
) -> Figure:
    """Draw a KAN: nodes layer by layer from the bottom up, and on every edge its function in a small square.

    A square shows phi over the values that reach it, on its own vertical scale. Its opacity and that of its
    wires is

        tanh(beta s),    s = n_out B  ("backward"),  s = the score itself  (the others)

    with the scores of `kan_np.surgery.attribution`. B is the share of an edge averaged over the outputs,
    n_out B its share summed over them (both are the same for one output, as in Figure 2.4 of arXiv:2404.19756
    and pykan). Squares of symbolic edges are orange with the name of the symbol. A node that is a product is
    a circle with a cross, above a dot for each of its factors. Edges that are zero everywhere are left out;
    in large networks only the strongest edges of each node have a square, and the others are plain wires.

    Parameters
    ----------
    net : Network
        That of a model, whose method `plot` draws it.
    x : array_like of shape (n_samples, n_in), optional
        Samples that scores and ranges come from, as ``model(x)`` takes them; 1000 random ones over the grids
        of the inputs if not given.
    metric : {"backward", "forward_n", "forward_u"}
        Score: "edge_backward", "edge_forward_sum" or "edge_forward_spline_u" of `kan_np.surgery.attribution`.
    beta : float
        Above 0; larger values show weaker edges.
    in_vars, out_vars : sequence of str or SymPy expressions, optional
        Names of inputs and outputs; x_1, x_2, ... and y if not given. Formulas are written between dollar
        signs.
    title : str, optional
    threshold : float
        Edges with a lower score (B, not n_out B) are left out, as pruning at that threshold would do.
    indices : bool
        Write (l, i, j) under every square, the indices of functions that take one edge.
    figsize : (float, float), optional
        Width and height in inches; if not given they follow from the network.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError, TypeError
        For an unknown metric, samples that ``model(x)`` refuses, a wrong number of names, formulas that
        cannot be read, and a figsize that has no room for the network.

    Examples
    --------
    >>> from kan_np import KAN
    >>> figure = KAN([2, 5, 1], seed=0).plot(in_vars=["mass", r"$\\alpha$"], title="energy")
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['mass', '$\\\\alpha$', '$y$', 'energy']
    """
    check_network(net, Network, "plot")
    _validate.choice("metric", metric, PLOT_METRICS)
    beta = _validate.real("beta", beta, 0.0)
    threshold = _validate.real("threshold", threshold, 0.0)
    figsize = checked_size(figsize)
    inputs = naming.names_of("in_vars", in_vars, "x", net.width[0])
    outputs = naming.names_of("out_vars", out_vars, "y", net.width[-1])
    samples = reading.default_samples(net) if x is None else _validate.matrix("x", x, net.width[0])
    told = None if title is None else naming.title_of("title", title)
    return draw_network(net, samples, Look(inputs, outputs, told, metric, beta, threshold, indices, figsize))


def draw_network(
    net: Network,
    samples: FloatArray,
    look: Look,
    sheet_of: Sheet = sheet,
    limits: Limits | None = None,
    shown: list[Bools] | None = None,
) -> Figure:
    """Draw a KAN; see `plot_network`.

    Parameters
    ----------
    net : Network
    samples : ndarray of shape (n_samples, n_in)
    look : Look
    sheet_of : callable
        Makes the figure.
    limits : list of (ndarray, ndarray), optional
        What every square spans, the same for several pictures; of each curve itself if not given.
    shown : list of ndarray of bool, optional
        Edges that have a square if they are drawn at all; the strongest if not given.
    """
    scores = edge_scores(net, samples, PLOT_METRICS[look.metric])
    alive = zip(reading.nonzero_edges(net), scores, strict=True)
    kept = [own & (s >= look.threshold) for own, s in alive]
    shown = shown or strongest_edges(kept, scores, look.figsize)
    captions = _captions(net, look.indices)
    captioned = [np.zeros_like(s) for s in shown]
    for layer, i, j in captions:
        captioned[layer][i, j] = shown[layer][i, j]
    rows = (look.inputs, look.outputs, look.title)
    figure, axes, layout = _sheet_for(rows, (shown, captioned, net.arities), look.figsize, sheet_of)
    scale = net.width[-1] if look.metric == "backward" else 1
    opacity = [np.tanh(look.beta * scale * s) for s in scores]
    curves = reading.edge_curves(net, samples)
    spans = curve_limits(curves) if limits is None else limits
    for layer in range(len(scores)):
        _draw_plain(axes, layout, layer, kept[layer] & ~shown[layer], opacity[layer])
        symbols = reading.edge_symbols(net)
        _draw_edges(axes, layout, layer, opacity[layer], curves[layer], symbols, spans[layer])
    _draw_captions(axes, layout, captions, opacity, reading.edge_symbols(net))
    _draw_nodes(axes, layout, net.arities, _strengths(net, kept, opacity))
    return figure


def strongest_edges(
    kept: list[Bools], scores: list[FloatArray], figsize: tuple[float, float] | None
) -> list[Bools]:
    """True for the edges that get a square, layer by layer."""
    return [_strongest(k, s, figsize) for k, s in zip(kept, scores, strict=True)]


def curve_limits(curves: list[tuple[FloatArray, FloatArray]]) -> Limits:
    """Ends of the curves of `kan_np.plot.reading.edge_curves`: of x a source, of values an edge."""
    return [
        (np.stack([x[:, 0], x[:, -1]], axis=-1), np.stack([phi.min(axis=-1), phi.max(axis=-1)], axis=-1))
        for x, phi in curves
    ]


def _strongest(kept: Bools, scores: FloatArray, figsize: tuple[float, float] | None) -> Bools:
    """True for the edges of each source that get a square: the strongest ones, as many as fit."""
    widest = geometry.WIDEST if figsize is None else figsize[0] - 2 * _MARGIN
    room = geometry.room_for(kept.shape[0], widest)
    rank = np.argsort(np.argsort(np.where(kept, -scores, np.inf), axis=1, kind="stable"), axis=1)
    return np.asarray(kept & (rank < room))


def _captions(net: Network, indices: bool) -> dict[EdgeIndex, str]:
    """Captions under the squares, by layer, source and target."""
    symbols = reading.edge_symbols(net)
    if not indices:
        return {edge: naming.raised(name) for edge, name in symbols.items()}
    edges = ((layer, *edge) for layer, w in enumerate(net.scale_base) for edge in np.ndindex(*w.shape))
    named = {edge: naming.raised(f" {symbols[edge]}") if edge in symbols else "" for edge in edges}
    return {edge: ",".join(map(str, edge)) + name for edge, name in named.items()}


def _sheet_for(
    names: tuple[list[str], list[str], str | None],
    drawn: tuple[list[Bools], list[Bools], Sequence[tuple[int, ...]]],
    figsize: tuple[float, float] | None,
    sheet_of: Sheet,
) -> tuple[Figure, Axes, Layout]:
    """A figure with names and title, and the layout of the network between them."""
    inputs, outputs, title = names
    shown, captioned, arities = drawn
    widest = geometry.WIDEST if figsize is None else figsize[0] - 2 * _MARGIN
    width = widest
    if figsize is None:
        asked = [len(row) * max(naming.width_of(n, 10.0) + 0.15 for n in row) for row in (inputs, outputs)]
        narrowest = max((w for w in asked if w <= _WIDENED), default=0.0)
        layout = geometry.arrange(shown, captioned, narrowest, arities=arities)
        width = layout.width
    below, above = (naming.fit_row(row, width / len(row)) for row in (inputs, outputs))
    head = None if title is None else naming.fit_title(title, width)
    around = 2 * _MARGIN + 2 * _GAP + below.height + above.height + (_GAP + head.height if head else 0.0)
    if figsize is not None:
        height = figsize[1] - around
        layout = geometry.arrange(shown, captioned, widest=widest, height=height, arities=arities)
    figure, axes = sheet_of(width + 2 * _MARGIN, layout.height + around)
    base = _MARGIN + below.height + _GAP
    axes.set(xlim=(-_MARGIN, width + _MARGIN), ylim=(-base, layout.height + around - base))
    below.write(axes, list(layout.node_x[0]), -_GAP, "below")
    above.write(axes, list(layout.node_x[-1]), layout.height + _GAP, "above")
    if head:
        head.write(axes, [0.5 * width], layout.height + 2 * _GAP + above.height, "above")
    return figure, axes, layout


def _draw_plain(axes: Axes, layout: Layout, layer: int, plain: Bools, opacity: FloatArray) -> None:
    """Straight wires for the edges that get no square."""
    i, j = np.nonzero(plain)
    if not i.size:
        return
    ends = np.empty((i.size, 2, 2))
    ends[:, 0, 0], ends[:, 0, 1] = layout.node_x[layer][i], layout.node_y[layer]
    ends[:, 1] = layout.ends[layer][j]
    colours = shades([INK] * i.size, opacity[i, j])
    axes.add_collection(
        LineCollection(
            list(ends), colors=colours, linewidths=0.4, zorder=0, gid=f"plain-{layer}", clip_on=False
        )
    )


def _draw_edges(
    axes: Axes,
    layout: Layout,
    layer: int,
    opacity: FloatArray,
    curves: tuple[FloatArray, FloatArray],
    symbols: Mapping[EdgeIndex, str],
    limits: tuple[FloatArray, FloatArray],
) -> None:
    """Wires, squares and curves of one layer."""
    drawn, side = layout.edges[layer], layout.side
    alpha = [float(opacity[p.i, p.j]) for p in drawn]
    is_symbol = [(layer, p.i, p.j) in symbols for p in drawn]
    frame = shades([VERMILION if s else INK for s in is_symbol], alpha)
    line = shades([VERMILION if s else BLUE for s in is_symbol], alpha)
    corner = side * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    inside = [
        np.array((p.left, p.bottom))
        + side * _in_square(curves[0][p.i], curves[1][p.i, p.j], limits[0][p.i], limits[1][p.i, p.j])
        for p in drawn
    ]
    weight = side / geometry.LARGEST
    axes.add_collection(
        LineCollection(
            [w for p in drawn for w in (p.into, p.out)],
            colors=np.repeat(frame, 2, axis=0),
            linewidths=0.35 + 0.65 * weight,
            capstyle="round",
            joinstyle="round",
            zorder=1,
            gid=f"wires-{layer}",
            clip_on=False,
        )
    )
    axes.add_collection(
        PolyCollection(
            [np.array((p.left, p.bottom)) + corner for p in drawn],
            facecolors="white",
            edgecolors=frame,
            linewidths=0.4 + 0.6 * weight,
            zorder=2,
            gid=f"squares-{layer}",
            clip_on=False,
        )
    )
    axes.add_collection(
        LineCollection(
            inside,
            colors=line,
            linewidths=0.6 + 1.4 * weight,
            capstyle="round",
            joinstyle="round",
            zorder=3,
            gid=f"curves-{layer}",
            clip_on=False,
        )
    )


def _draw_captions(
    axes: Axes,
    layout: Layout,
    captions: Mapping[EdgeIndex, str],
    opacity: list[FloatArray],
    symbols: Mapping[EdgeIndex, str],
) -> None:
    """Names of symbols and indices under the squares."""
    if not layout.caption:
        return
    size = naming.fit_caption(list(captions.values()), layout.side, layout.caption / (1.25 * POINT))
    for layer, drawn in enumerate(layout.edges):
        for p in drawn:
            edge = (layer, p.i, p.j)
            if edge in captions:
                axes.text(
                    p.left + 0.5 * layout.side,
                    p.bottom - 0.5 * layout.caption,
                    captions[edge],
                    size=size,
                    color=VERMILION if edge in symbols else INK,
                    alpha=float(opacity[layer][p.i, p.j]),
                    ha="center",
                    va="center",
                )


def _strengths(
    net: Network, kept: list[Bools], opacity: list[FloatArray]
) -> list[tuple[FloatArray, FloatArray]]:
    """Opacity of each layer's nodes and subnodes: at hidden ones that of the strongest edges, else 1."""
    strengths = [(np.ones(net.width[0]), np.ones(net.width[0]))]
    seen = [np.where(there, strength, 0.0) for there, strength in zip(kept, opacity, strict=True)]
    for layer, arity in enumerate(net.arities):
        subnodes = np.maximum(seen[layer].max(axis=0), _FAINTEST)
        nodes = np.ones(len(arity))
        if layer < len(seen) - 1:
            starts = np.cumsum((0, *arity[:-1]))
            below = np.maximum.reduceat(subnodes, starts)
            nodes = np.maximum(below, seen[layer + 1].max(axis=1))
        strengths.append((nodes, subnodes))
    return strengths


def _draw_nodes(
    axes: Axes,
    layout: Layout,
    arities: Sequence[tuple[int, ...]],
    strengths: list[tuple[FloatArray, FloatArray]],
) -> None:
    """Dots; for a product a circle with a cross over its subnodes."""
    draw_nodes(axes, layout.node_x[0], layout.node_y[0], strengths[0][0])
    for layer, arity in enumerate(arities):
        x, y = layout.node_x[layer + 1], layout.node_y[layer + 1]
        nodes, subnodes = strengths[layer + 1]
        is_sum = np.array(arity) == 1
        room = float(x[1] - x[0]) if x.size > 1 else None
        draw_nodes(axes, x[is_sum], y, nodes[is_sum], room)
        owner = np.repeat(np.arange(x.size), arity)
        factors = ~is_sum[owner]
        ends = layout.ends[layer][factors]
        draw_products(axes, (x, y), owner[factors], ends, (nodes, subnodes[factors]), room)


def _in_square(x: FloatArray, phi: FloatArray, ends: FloatArray, span: FloatArray) -> FloatArray:
    """A curve in the unit square, whose sides are the given x and values, reduced to few points."""
    low, high = float(span[0]), float(span[1])
    varies = high - low > 1e-9 * max(abs(low), abs(high))
    up = (phi - low) / (high - low) if varies else np.full_like(phi, 0.5)
    across = (x - ends[0]) / (ends[1] - ends[0])
    return _thinned(_INSET + (1 - 2 * _INSET) * np.column_stack([across, up]), _STRAIGHT)


def _thinned(points: FloatArray, tolerance: float) -> FloatArray:
    """Leave out points that lie within `tolerance` above or below the line through the kept neighbours.

    The curve is split where it is farthest from its chord until no part is too far (Douglas and Peucker).
    """
    keep = np.zeros(len(points), dtype=bool)
    keep[[0, -1]] = True
    parts = [(0, len(points) - 1)]
    while parts:
        first, last = parts.pop()
        x, y = points[first : last + 1].T
        off = np.abs(y - np.interp(x, x[[0, -1]], y[[0, -1]]))
        worst = int(off.argmax())
        if off[worst] > tolerance:
            keep[first + worst] = True
            parts += [(first, first + worst), (first + worst, last)]
    return points[keep]

"""Figure of an MLP: nodes as dots, weights as lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from kan_np.network.mlp_network import MlpNetwork
from kan_np.plot._style import BLUE, VERMILION, Sheet, check_network, draw_nodes, shades, sheet
from kan_np.plot.layout import side_by_side
from kan_np.plot.names import fit_row, names_of


def plot_mlp(net: MlpNetwork) -> Figure:
    """Draw an MLP: nodes layer by layer from the bottom up, weights as lines, blue above zero, orange below.

    Line width and opacity grow with abs(W) relative to the largest of the layer.

    Returns
    -------
    matplotlib.figure.Figure
    """
    return draw_mlp(net)


def draw_mlp(net: MlpNetwork, sheet_of: Sheet = sheet, largest: Sequence[float] | None = None) -> Figure:
    """Draw an MLP: nodes layer by layer from the bottom up, weights as lines, blue above zero, orange below.

    Parameters
    ----------
    net : MlpNetwork
    sheet_of : callable
        Makes the figure.
    largest : sequence of float, optional
        |W| of the thickest lines of each layer; the largest of the network itself if not given.
    """
    check_network(net, MlpNetwork, "plot")
    sizes = net.width
    width = float(np.clip(0.45 * max(sizes), 2.2, 13.0))
    rise = float(np.clip(0.16 * width, 0.8, 1.4))
    node_x = [side_by_side(n, width) for n in sizes]
    rows = [
        fit_row(names_of(f"{letter} names", None, letter, n), width / n)
        for letter, n in (("x", sizes[0]), ("y", sizes[-1]))
    ]
    height = (len(sizes) - 1) * rise
    around = 0.25 + 0.12 + rows[0].height
    figure, axes = sheet_of(width + 0.5, height + 2 * around)
    axes.set(xlim=(-0.25, width + 0.25), ylim=(-around, height + around))
    for layer, (weights, _) in enumerate(net.layers):
        most = float(np.abs(weights).max()) if largest is None else largest[layer]
        part = (np.abs(weights) / max(most, 1e-300)).ravel()
        ends = np.empty((part.size, 2, 2))
        ends[:, 0, 0] = np.repeat(node_x[layer], weights.shape[1])
        ends[:, 1, 0] = np.tile(node_x[layer + 1], weights.shape[0])
        ends[:, :, 1] = [layer * rise, (layer + 1) * rise]
        colours = shades([BLUE if w > 0 else VERMILION for w in weights.ravel()], 0.1 + 0.7 * part)
        axes.add_collection(
            LineCollection(list(ends), colors=colours, linewidths=0.3 + 1.5 * part, zorder=1, clip_on=False)
        )
    for layer, x in enumerate(node_x):
        draw_nodes(axes, x, layer * rise)
    rows[0].write(axes, list(node_x[0]), -0.12, "below")
    rows[1].write(axes, list(node_x[-1]), height + 0.12, "above")
    return figure

"""Pictures of a film: networks that are drawn alike in all frames, losses beside them, strips."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kan_np._validate import FloatArray
from kan_np.network.mlp_network import MlpNetwork
from kan_np.network.network import Network
from kan_np.plot import reading
from kan_np.plot._style import BLUE, FONT_SIZE, GREY, INK, VERMILION
from kan_np.plot.layout import WIDEST, Bools
from kan_np.plot.mlp import draw_mlp
from kan_np.plot.network import (
    PLOT_METRICS,
    Limits,
    Look,
    curve_limits,
    draw_network,
    strongest_edges,
)
from kan_np.surgery.attribution import edge_scores

#: Inches of the panel with the losses, and of what is around its axes: left, right, below, above.
_PANEL, _AROUND = (3.8, 2.7), (1.0, 0.2, 0.6, 0.5)
#: Inches above a picture of a strip, for its step.
_LABEL = 0.35
#: Fewest pictures of a row of a strip, in which they are drawn smaller if need be.
_COLUMNS = 3
_LOOKS = {
    "train_loss": ("training", BLUE),
    "val_loss": ("validation", GREY),
    "test_loss": ("test", VERMILION),
}
#: The range of the losses begins at most so many powers of ten below their largest.
_DECADES = 20.0


class FilmSheet:
    """A figure with room for a network of some size, and axes beside it.

    Parameters
    ----------
    figure : Figure, optional
        One to be drawn anew; a new one if None.
    """

    def __init__(self, figure: Figure | None = None) -> None:
        self.figure = Figure(dpi=150, facecolor="white") if figure is None else figure
        self.figure.clear()
        self.beside: Axes

    def __call__(self, width: float, height: float) -> tuple[Figure, Axes]:
        """Axes for a network of this size, as `kan_np.plot._style.sheet` makes them."""
        whole = width + _PANEL[0], max(height, _PANEL[1])
        self.figure.set_size_inches(*whole)
        axes = _own_axes(self.figure, (0.0, 0.5 * (whole[1] - height)), (width, height), whole)
        left, right, below, above = _AROUND
        low = 0.5 * (whole[1] - max(_PANEL[1], 0.7 * height))
        place = (width + left, low + below)
        size = (_PANEL[0] - left - right, whole[1] - 2 * low - below - above)
        self.beside = self.figure.add_axes(_parts(place, size, whole))
        return self.figure, axes


def _own_axes(
    figure: Figure, place: tuple[float, float], size: tuple[float, float], whole: tuple[float, float]
) -> Axes:
    """Axes without frame at a place of a figure; who draws a network gives them limits in inches."""
    axes = figure.add_axes(_parts(place, size, whole), frameon=False)
    axes.set(xlim=(0.0, size[0]), ylim=(0.0, size[1]), xticks=[], yticks=[])
    return axes


def _parts(
    place: tuple[float, float], size: tuple[float, float], whole: tuple[float, float]
) -> tuple[float, float, float, float]:
    """Inches as parts of a figure."""
    return place[0] / whole[0], place[1] / whole[1], size[0] / whole[0], size[1] / whole[1]


@dataclass(frozen=True, eq=False)
class Cast:
    """What is the same in all frames of a film: names, ranges, and which edges have a square.

    Attributes
    ----------
    samples : ndarray of shape (n_samples, n_in)
    look : Look
    limits : list of (ndarray, ndarray)
        What the squares of a KAN span: all that any frame has there.
    shown : list of ndarray of bool
    largest : list of float
        Largest |W| of each layer of an MLP in any frame.
    """

    samples: FloatArray
    look: Look
    limits: Limits
    shown: list[Bools]
    largest: list[float]

    @classmethod
    def of(cls, networks: Sequence[Network | MlpNetwork], samples: FloatArray, look: Look) -> Cast:
        """Of all frames."""
        last = networks[-1]
        if isinstance(last, MlpNetwork):
            sizes = [
                [np.abs(w).max() for w, _ in net.layers] for net in networks if isinstance(net, MlpNetwork)
            ]
            return cls(samples, look, [], [], np.max(sizes, axis=0).tolist())
        kans = [net for net in networks if isinstance(net, Network)]
        limits: Limits = []
        for net in kans:
            own = curve_limits(reading.edge_curves(net, samples))
            limits = [_both(a, b) for a, b in zip(limits, own, strict=True)] if limits else own
        alive = [np.any(layers, axis=0) for layers in zip(*map(reading.nonzero_edges, kans), strict=True)]
        scores = edge_scores(last, samples, PLOT_METRICS[look.metric])
        return cls(samples, look, limits, strongest_edges(alive, scores, look.figsize), [])

    def draw(self, network: Network | MlpNetwork, sheet_of: FilmSheet | _Cell) -> None:
        """Draw one of the networks."""
        if isinstance(network, MlpNetwork):
            draw_mlp(network, sheet_of, self.largest)
        else:
            draw_network(network, self.samples, self.look, sheet_of, self.limits, self.shown)


def _both(
    one: tuple[FloatArray, FloatArray], other: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Limits that hold what either holds."""
    first, second = (
        np.stack([np.fmin(a[..., 0], b[..., 0]), np.fmax(a[..., 1], b[..., 1])], axis=-1)
        for a, b in zip(one, other, strict=True)
    )
    return first, second


def draw_losses(
    axes: Axes, losses: Mapping[str, Sequence[float]], step: int | None, title: str | None = None
) -> None:
    """Losses against steps on axes that do not depend on `step`, up to which they are drawn; None is all."""
    found = [np.asarray(values, dtype=np.float64) for values in losses.values()]
    everything = np.concatenate([*found, np.zeros(0)])
    positive = everything[np.isfinite(everything) & (everything > 0)]
    signed = bool((everything[np.isfinite(everything)] < 0).any())
    last = max([len(values) for values in found], default=0)
    for name, values in losses.items():
        if not len(values):
            continue
        label, colour = _LOOKS.get(name, (name, INK))
        upto = len(values) if step is None else step
        at = np.arange(1, len(values) + 1)
        marker = "o" if len(values) == 1 else ""
        axes.plot(at[:upto], values[:upto], color=colour, label=label, linewidth=1.4, marker=marker, ms=3)
        if step is not None and 0 < step <= len(values):
            axes.plot([step], [values[step - 1]], "o", color=colour, ms=4)
    if positive.size and not signed:
        high = float(positive.max())
        low = max(float(positive.min()), high * 10.0**-_DECADES)
        axes.set(yscale="log", ylim=(low / 1.5, high * 1.5))
    elif everything[np.isfinite(everything)].size:
        low, high = (float(end(everything[np.isfinite(everything)])) for end in (np.min, np.max))
        more = 0.05 * (high - low) or 1.0
        axes.set_ylim(low - more, high + more)
    axes.set_xlim(0, max(last, 1))
    axes.set_xlabel("step", fontsize=FONT_SIZE)
    axes.set_ylabel("loss", fontsize=FONT_SIZE)
    axes.grid(True, color=GREY, alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    told = [title] if title else []
    told += [] if step is None else [f"step {step} of {last}"]
    axes.set_title(", ".join(told), fontsize=FONT_SIZE, loc="left")
    if losses:
        axes.legend(frameon=False, fontsize=8, loc="upper right")


class _Cell:
    """A place in a strip, in which a network is drawn smaller where it has to be.

    Parameters
    ----------
    figure : Figure
    number, n, columns : int
        Which picture of how many, in how many columns; three at most if `columns` is None.
    """

    def __init__(self, figure: Figure, number: int, n: int, columns: int | None) -> None:
        self.figure, self._number, self._n, self._columns = figure, number, n, columns

    def __call__(self, width: float, height: float) -> tuple[Figure, Axes]:
        columns = min(self._columns or max(_COLUMNS, int(WIDEST / width)), self._n)
        rows, scale = math.ceil(self._n / columns), min(WIDEST / (columns * width), 1.0)
        width, height = scale * width, scale * height
        self.cell = height + _LABEL
        whole = max(columns * width, _PANEL[0] + 1.0), rows * self.cell + _PANEL[1]
        if self._number == 0:
            self.figure.set_size_inches(*whole)
        row, column = divmod(self._number, columns)
        left = 0.5 * (whole[0] - columns * width) + column * width
        self.whole, self.top = whole, (left + 0.5 * width, whole[1] - row * self.cell - 0.6 * _LABEL)
        place = (left, whole[1] - (row + 1) * self.cell)
        return self.figure, _own_axes(self.figure, place, (width, height), whole)


def draw_strip(
    cast: Cast,
    shown: Sequence[tuple[int, Network | MlpNetwork]],
    losses: Mapping[str, Sequence[float]],
    title: str | None,
    columns: int | None,
) -> Figure:
    """Some networks with their steps side by side, over the losses with these steps marked."""
    figure = Figure(dpi=150, facecolor="white")
    for number, (step, network) in enumerate(shown):
        cell = _Cell(figure, number, len(shown), columns)
        cast.draw(network, cell)
        x, y = cell.top
        label = "start" if step == 0 else f"step {step}"
        figure.text(x / cell.whole[0], y / cell.whole[1], label, ha="center", va="center", size=FONT_SIZE)
    left, right, below, above = _AROUND
    size = (cell.whole[0] - left - right, _PANEL[1] - below - above)
    axes = figure.add_axes(_parts((left, below), size, cell.whole))
    draw_losses(axes, losses, None, title)
    for step, _ in shown:
        axes.axvline(step, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    return figure

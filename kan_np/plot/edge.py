"""Figure of one edge: its function, its parts, and the samples that reach it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.scaler import Scaler
from kan_np.network.edge_index import checked_edge
from kan_np.network.network import Network
from kan_np.plot import names as naming
from kan_np.plot import reading
from kan_np.plot._style import BLUE, GREY, INK, VERMILION, check_network, checked_size
from kan_np.surgery.attribution import edge_parts, edge_scores, edge_values

_SIZE = (4.8, 3.6)
_POINTS = 401
_RUG = 100  # samples that are drawn one by one; more become a histogram
_BINS = 50
_STRIP = 0.14  # fraction of the height for the samples
_IN_A_ROW = 4  # entries of the legend
_BEYOND = 0.5  # the grid is shown beyond the samples up to this fraction of their range


def plot_edge(
    net: Network,
    l: int,  # noqa: E741  the layer's name in the paper and in pykan
    i: int,
    j: int,
    x: ArrayLike | None = None,
    *,
    symbol: tuple[str, Callable[[FloatArray], ArrayLike]] | None = None,
    in_vars: Sequence[Any] | None = None,
    figsize: tuple[float, float] | None = None,
    scaler: Scaler | None = None,
) -> Figure:
    """Draw the function phi_lij of one edge.

    phi is blue, or orange with its formula if the edge is a symbol. Its two parts, the spline and the base
    function times its weight, are grey. Blue ticks on the axis are the knots, and the range outside the grid
    is shaded. Along the axis are the samples that reach the edge, as lines or, if there are more than 100, as
    a histogram. The score is B_lij of `kan_np.objective.edge_scores`.

    Parameters
    ----------
    net : Network
        That of a model, whose method `plot_edge` draws it.
    l, i, j : int
        Layer, source and subnode, from 0.
    x : array_like of shape (n_samples, n_in), optional
        Inputs of the network, as it takes them; 1000 random ones over the grids of the inputs if not given.
    symbol : (str, callable), optional
        Name and function of a candidate, drawn over the edge: the function takes and returns an array (n,),
        in the numbers of the network.
    in_vars : sequence of str or SymPy expressions, optional
        Names of the inputs; x_1, x_2, ... if not given.
    figsize : (float, float), optional
        Width and height in inches; 4.8 and 3.6 if not given.
    scaler : Scaler, optional
        That of the model: the axis of an input is in the units of the data.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError, TypeError
        For an edge that does not exist, samples that ``model(x)`` refuses, a wrong number of names, and a
        `symbol` that is not a pair of name and function.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> figure = KAN([2, 5, 1], seed=0).plot_edge(0, 1, 3, symbol=("x^2", np.square))
    >>> figure.axes[0].get_xlabel()
    '$x_{2}$'
    """
    check_network(net, Network, "plot_edge")
    edge = checked_edge(net.masks, (l, i, j))
    variables = naming.names_of("in_vars", in_vars, "x", net.width[0])
    _check_symbol(symbol)
    figsize = checked_size(figsize) or _SIZE
    samples = reading.default_samples(net) if x is None else _validate.matrix("x", x, net.width[0])
    score = float(edge_scores(net, samples)[l][i, j])
    first = sum(net.width[:l])
    values = net.node_values(samples)[first + i]
    knots = net.knots[l][i]
    at = _shown_range(values, knots)
    told, values, knots = (_in_units(scaler, l, i, v) for v in (at, values, knots))
    nodes = np.zeros((sum(net.width), at.size))
    nodes[first + i] = at
    carried = net.symbols.get(edge)

    figure = Figure(figsize=figsize, dpi=150, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    if edge in net.families:
        phi = edge_values(net, nodes)[l][i, j]
        axes.plot(told, phi, color=INK, lw=2.2, label=net.families[edge][0].replace("_", " "), zorder=3)
        _frame(axes, told, *_ends(phi))
    elif carried is None:
        _draw_spline(axes, told, *(part[i, j] for part in edge_parts(net, nodes)[l]))
    else:
        phi = carried(at)
        axes.plot(told, phi, color=VERMILION, lw=2.2, label=naming.formula_of(carried), zorder=3)
        _frame(axes, told, *_ends(phi))
    if symbol is not None:
        label = naming.raised(symbol[0])
        axes.plot(
            told, _values_of(symbol, at), color=VERMILION, lw=1.6, ls=(0, (4, 2)), label=label, zorder=4
        )
    _draw_samples(axes, values)
    _draw_grid(axes, knots)
    axes.set_xlabel(variables[i] if l == 0 else f"$h_{{{l},{i}}}$", math_fontfamily="cm")
    axes.set_title(f"$\\varphi_{{{l},{i},{j}}}$", loc="left", math_fontfamily="cm", color=INK)
    axes.set_title(f"score {score:.2g}", loc="right", fontsize=9, color=GREY)
    _finish(figure, axes)
    return figure


def _in_units(scaler: Scaler | None, layer: int, i: int, values: FloatArray) -> FloatArray:
    """Values of a source node, those of an input in the units of the data."""
    if scaler is None or layer:
        return values
    return np.asarray(values * scaler.input_scale[i] + scaler.input_shift[i])


def _check_symbol(symbol: object) -> None:
    if symbol is None:
        return
    pair = isinstance(symbol, tuple) and len(symbol) == 2
    if not pair or not isinstance(symbol[0], str) or not callable(symbol[1]):  # type: ignore[index]
        raise TypeError(
            f"symbol is {_validate.shown(symbol)}; expected a name and a function of an array, as in "
            "('sin', np.sin)."
        )


def _values_of(symbol: tuple[str, Callable[[FloatArray], ArrayLike]], at: FloatArray) -> FloatArray:
    with np.errstate(all="ignore"):  # outside its domain a candidate is simply not drawn
        values = np.asarray(symbol[1](at), dtype=np.float64)
    if values.shape != at.shape:
        raise ValueError(
            f"symbol {symbol[0]!r} returns shape {values.shape} for an array of shape {at.shape}; expected "
            "the same shape. Use NumPy functions of one variable."
        )
    return np.where(np.isfinite(values), values, np.nan)


def _shown_range(values: FloatArray, knots: FloatArray) -> FloatArray:
    """Points over the samples, and over the grid as far as it is not much wider."""
    low, high = float(values.min()), float(values.max())
    start, end = min(low, knots[0]), max(high, knots[-1])
    if high - low > 1e-9 * (abs(low) + abs(high)):
        beyond = _BEYOND * (high - low)
        start, end = max(start, low - beyond), min(end, high + beyond)
    return np.linspace(start, end, _POINTS)


def _draw_spline(axes: Axes, at: FloatArray, spline: FloatArray, base: FloatArray) -> None:
    """Draw the function, and its parts if their values are of its size."""
    phi = spline + base
    low, high, size = _ends(phi)
    near = (low - size, high + size)
    axes.plot(at, phi, color=BLUE, lw=2.2, label=r"$\varphi$", zorder=3, solid_capstyle="round")
    for part, name, dashes in ((spline, "spline", (5, 2)), (base, "base", (1, 1.6))):
        seen = part[(part >= near[0]) & (part <= near[1])]
        if seen.size and base.any():
            axes.plot(at, part, color=GREY, lw=1.1, ls=(0, dashes), label=name, zorder=2)
            low, high = min(low, float(seen.min())), max(high, float(seen.max()))
    _frame(axes, at, low, high, size)


def _ends(phi: FloatArray) -> tuple[float, float, float]:
    """Lowest and highest value, and a size that is not 0 where nothing varies."""
    low, high = float(phi.min()), float(phi.max())
    varies = high - low > 1e-9 * max(abs(low), abs(high))
    return low, high, high - low if varies else max(abs(high), 1.0)


def _frame(axes: Axes, at: FloatArray, low: float, high: float, size: float) -> None:
    """Set the limits of the axes around the function, with a strip for the samples."""
    room = 0.06 * (high - low or size)
    axes.set_ylim(low - room - _STRIP / (1 - _STRIP) * (high - low + 2 * room), high + room)
    axes.set_xlim(at[0], at[-1])


def _draw_samples(axes: Axes, values: FloatArray) -> None:
    """Draw the samples along the axis: few as lines, many as a histogram."""
    along_axis = axes.get_xaxis_transform()
    if values.size <= _RUG:
        axes.vlines(values, 0.0, 0.3 * _STRIP, color=GREY, lw=0.6, transform=along_axis, label="samples")
        return
    count, ends = np.histogram(values, bins=_BINS)
    heights = 0.9 * _STRIP * count / count.max()
    axes.bar(
        ends[:-1],
        heights,
        np.diff(ends),
        align="edge",
        color=GREY,
        alpha=0.35,
        lw=0,
        transform=along_axis,
        zorder=1,
        label="samples",
    )


def _draw_grid(axes: Axes, knots: FloatArray) -> None:
    """Draw the knots as ticks inwards, and shade the range outside the grid."""
    start, end = axes.get_xlim()
    axes.xaxis.remove_overlapping_locs = False  # keep the ticks of knots that coincide with labelled ticks
    axes.set_xticks(knots[(knots >= start) & (knots <= end)], minor=True)
    axes.tick_params(axis="x", which="minor", direction="in", length=7, color=BLUE, width=1.0)
    for low, high in ((start, knots[0]), (knots[-1], end)):
        if high - low > 1e-9 * (end - start):
            axes.axvspan(low, high, color=GREY, alpha=0.12, lw=0, zorder=0, label="outside the grid")
    axes.set_xlim(start, end)


def _finish(figure: Figure, axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(which="major", color=GREY, labelsize=9)
    entries = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="outside lower center",
        ncols=len(entries) if len(entries) <= _IN_A_ROW else 3,
        frameon=False,
        fontsize=9,
        handlelength=1.8,
        columnspacing=1.4,
    )

"""Figures of the answer on a table: parity, importance of the inputs, a curve an input; scores of classes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sweeps.page.style import GREY, house_style, wrap

Answer = Mapping[str, Any]

_BLUE, _ORANGE = "#0072B2", "#D55E00"
#: Colours of classes in curves, in their order; more classes repeat them.
_CLASSES = (_BLUE, _ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_GRID = "#eceef1"
_MOST_BARS, _MOST_LINES = 20, 6
#: Inches of a panel of a curve, and panels in a row.
_PANEL, _COLUMNS = (2.5, 2.15), 3


def parity_figure(answer: Answer) -> Figure:
    """Draw predictions of the test rows against what was measured, in the units of the target."""
    measured, predicted = (np.array(answer["parity"][name]) for name in ("measured", "predicted"))
    target = wrap(str(answer["target"]), 34, 1)
    with house_style():
        figure = Figure(figsize=(4.3, 4.1), layout="constrained")
        axes = figure.add_subplot()
        finite = predicted[np.isfinite(predicted)]
        low, high = (float(f([f(measured), f(finite)])) for f in (np.min, np.max))
        room = 0.04 * (high - low) or 1.0
        ends = np.array([low - room, high + room])
        axes.fill_between(
            ends, ends - answer["rmse"], ends + answer["rmse"], color=GREY, alpha=0.18, linewidth=0
        )
        axes.plot(ends, ends, color=GREY, linewidth=1.2)
        size = 5.0 if measured.size < 300 else 3.0
        axes.plot(measured, predicted, "o", color=_BLUE, markersize=size, alpha=0.6, markeredgewidth=0)
        axes.set_xlim(*ends)
        axes.set_ylim(*ends)
        axes.set_aspect("equal")
        _plain_axes(axes)
        axes.set_xlabel(f"measured: {target}", parse_math=False)
        axes.set_ylabel(f"predicted: {target}", parse_math=False)
    return figure


def importance_figure(answer: Answer) -> Figure:
    """Draw by how much the test error rises if a column is shuffled, with the noise of that number."""
    shown = answer["importance"][:_MOST_BARS][::-1]
    with house_style():
        figure = Figure(figsize=(4.6, 0.34 * max(len(shown), 2) + 1.15), layout="constrained")
        axes = figure.add_subplot()
        rows = range(len(shown))
        values = [own["value"] for own in shown]
        colours = [_BLUE if own["clear"] else GREY for own in shown]
        axes.barh(rows, values, color=colours, height=0.62)
        reach = [[max(own["value"] - own["low"], 0.0), max(own["high"] - own["value"], 0.0)] for own in shown]
        axes.errorbar(
            values, rows, xerr=np.array(reach).T, fmt="none", ecolor="#5b616b", elinewidth=1.3, capsize=2.5
        )
        axes.axvline(0.0, color="#c3c7ce", linewidth=1.0)
        axes.set_yticks(rows, [wrap(str(own["column"]), 24, 1) for own in shown], parse_math=False)
        axes.set_ylim(-0.6, len(shown) - 0.4)
        axes.grid(True, axis="x", color=_GRID, linewidth=0.8)
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        if answer["kind"] == "classification":
            axes.set_xlabel("rise of the log loss\nif the column is shuffled")
        else:
            unit = f"in the units of {wrap(str(answer['target']), 30, 1)}"
            axes.set_xlabel(f"rise of the error if the column is shuffled,\n{unit}", parse_math=False)
    return figure


def curves_figure(answer: Answer) -> Figure:
    """Draw the average prediction along every column, with the band of the rows; classes in their order."""
    shown = answer["curves"]
    columns = min(_COLUMNS, max(len(shown), 1))
    n_rows = max(1, math.ceil(len(shown) / columns))
    named = answer.get("class_names") or ()
    with house_style():
        size = (_PANEL[0] * columns + 0.5, _PANEL[1] * n_rows + (0.55 if len(named) > 2 else 0.3))
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(n_rows, columns, squeeze=False, sharey=True)
        for axes, curve in zip(grid.flat, shown, strict=False):
            _draw_curve(axes, curve, named)
            axes.set_xlabel(wrap(str(curve["column"]), 30, 1), parse_math=False)
        for axes in grid.flat[len(shown) :]:
            axes.set_axis_off()
        figure.supylabel(_predicted(answer), fontsize=11, parse_math=False)
        if len(named) > 2:
            handles, labels = grid.flat[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside upper right", ncols=min(len(labels), 4), fontsize=10)
    return figure


def _predicted(answer: Answer) -> str:
    target, named = str(answer["target"]), answer.get("class_names") or ()
    if not named:
        return f"predicted: {wrap(target, 34, 1)}"
    return f"probability of {wrap(str(named[1]), 24, 1)}" if len(named) == 2 else "probability"


def _lines_of(named: Sequence[str]) -> list[tuple[int, str, str]]:
    """Return the outputs to draw with their names and colours: of two classes the second one."""
    if not named:
        return [(0, "", _BLUE)]
    if len(named) == 2:
        return [(1, "", _BLUE)]
    return [
        (i, wrap(str(name), 20, 1), _CLASSES[i % len(_CLASSES)]) for i, name in enumerate(named[:_MOST_LINES])
    ]


def _draw_curve(axes: Axes, curve: Mapping[str, Any], named: Sequence[str]) -> None:
    lines = _lines_of(named)
    has_band = len(lines) == 1  # those of several classes lie upon each other
    labels = curve["x"] if curve["x"] and isinstance(curve["x"][0], str) else None
    x = np.arange(len(labels)) if labels else np.array(curve["x"], dtype=np.float64)
    for output, name, colour in lines:
        mean, low, high = (np.array(curve[key][output], dtype=np.float64) for key in ("mean", "low", "high"))
        if named:  # a row that was moved to the mean of all may be moved beyond what probabilities are
            low, high = np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)
        if labels:
            reach = np.maximum([mean - low, high - mean], 0.0) * has_band
            axes.errorbar(
                x, mean, yerr=reach, fmt="o", color=colour, markersize=6, elinewidth=4, alpha=0.85, label=name
            )
        else:
            if has_band:
                axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(x, mean, color=colour, linewidth=2.0, label=name)
    if labels:
        axes.set_xticks(x, [wrap(label, 10, 1) for label in labels], parse_math=False, fontsize=9)
        axes.set_xlim(-0.5, len(labels) - 0.5)
    if named:
        axes.set_ylim(-0.04, 1.04)
    _plain_axes(axes)


def _plain_axes(axes: Axes) -> None:
    axes.grid(True, color=_GRID, linewidth=0.8)
    axes.tick_params(length=0)
    axes.locator_params(axis="y", nbins=5)


def confusion_figure(answer: Answer) -> Figure:
    """Draw how many test rows of every class are told to be of each."""
    names, counts = [str(name) for name in answer["class_names"]], np.array(answer["confusion"])
    n = len(names)
    with house_style():
        side = min(1.9 + 0.55 * n, 7.5)
        figure = Figure(figsize=(side + 0.3, side), layout="constrained")
        axes = figure.add_subplot()
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        for i in range(n):
            for j in range(n):
                colour = _BLUE if i == j else _ORANGE
                axes.fill_between(
                    [j - 0.48, j + 0.48],
                    i - 0.48,
                    i + 0.48,
                    color=colour,
                    alpha=0.75 * shares[i, j],
                    linewidth=0,
                )
                if n <= 12 and counts[i, j]:
                    axes.text(j, i, str(counts[i, j]), ha="center", va="center")
        told = [wrap(name, 14, 1) for name in names]
        axes.set_xticks(range(n), told, rotation=0 if n <= 4 else 60, parse_math=False)
        axes.set_yticks(range(n), told, parse_math=False)
        axes.set_xlim(-0.5, n - 0.5)
        axes.set_ylim(n - 0.5, -0.5)
        axes.tick_params(length=0)
        axes.set_xlabel(f"predicted: {wrap(str(answer['target']), 28, 1)}", parse_math=False)
        axes.set_ylabel(f"measured: {wrap(str(answer['target']), 28, 1)}", parse_math=False)
    return figure


def calibration_figure(answer: Answer) -> Figure:
    """Draw how often the predicted class is right against how probable it was said to be."""
    points = answer["calibration"]
    said, right, error = (np.array([own[key] for own in points]) for key in ("said", "right", "error"))
    with house_style():
        figure = Figure(figsize=(3.9, 3.7), layout="constrained")
        axes = figure.add_subplot()
        low = min(float(said.min()), float(right.min()), 0.5) - 0.04
        axes.plot([low, 1.0], [low, 1.0], color=GREY, linewidth=1.2)
        axes.errorbar(
            said, right, yerr=2 * error, fmt="o", color=_BLUE, markersize=6, elinewidth=1.3, capsize=2.5
        )
        axes.set_xlim(low, 1.03)
        axes.set_ylim(max(low - 0.1, -0.03), 1.05)
        _plain_axes(axes)
        axes.set_xlabel("probability of the predicted class")
        axes.set_ylabel("share of rows where it is right")
    return figure

"""Figures of studies: what a model knows after each phase, what it forgot, and numbers by method."""

from __future__ import annotations

import math
from collections.abc import Callable

import matplotlib.style
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sweeps.analysis.studies import MethodResult, StudyResult
from sweeps.families import KAN, MLP
from sweeps.page.style import GREY, INK, house_style, power_of_ten

#: A figure: what follows the name of the study in its name, its title, and itself.
Drawn = tuple[str, str, Figure]
_SMALL = {"font.size": 8.5, "axes.titlesize": 9.5}


def study_figures(study: StudyResult) -> list[Drawn]:
    """Return the figures of a study as far as its runs are there."""
    if not any(method.first is not None for method in study.methods):
        return []
    return _FIGURES.get(study.name, _numbers)(study)


def _with_arrays(study: StudyResult, name: str) -> list[MethodResult]:
    return [own for own in study.methods if own.first is not None and name in own.first.arrays]


def _colour(method: str) -> str:
    return KAN.colour if method.startswith(KAN.name) else MLP.colour if method.startswith(MLP.name) else GREY


def _continual(study: StudyResult) -> list[Drawn]:
    drawn = _with_arrays(study, "known_after_phase")
    if not drawn:
        return _numbers(study)
    return [
        ("phases", "What every model knows of the five peaks after each phase", _phases(drawn)),
        ("forgetting", "RMSE on every phase after every phase", _forgetting(drawn)),
    ]


def _phases(methods: list[MethodResult]) -> Figure:
    """Draw a row a method and a column a phase, as figure 3.4 of the paper."""
    with house_style(), matplotlib.style.context(_SMALL):
        n = len(_arrays(methods[0])["known_after_phase"])
        figure = Figure(figsize=(2.3 * n, 1.45 * len(methods) + 0.5), layout="constrained")
        grid = figure.subplots(len(methods), n, squeeze=False, sharex=True, sharey=True)
        for row, method in zip(grid, methods, strict=True):
            arrays = _arrays(method)
            for phase, axes in enumerate(row):
                x = arrays["x"]
                axes.plot(x, arrays["target"], color="#c9cdd4", linewidth=2.2)
                axes.plot(x, arrays["known_after_phase"][phase], color=_colour(method.method), linewidth=1.2)
                axes.tick_params(length=0)
            row[0].set_ylabel(method.method)
        for phase, axes in enumerate(grid[0]):
            axes.set_title(f"after phase {phase + 1}", loc="left")
            axes.set_ylim(-0.6, 1.6)
    return figure


def _forgetting(methods: list[MethodResult]) -> Figure:
    """Draw the matrices of the RMSE on each phase after each, in one scale of colours."""
    with house_style(), matplotlib.style.context(_SMALL):
        matrices = [np.maximum(_arrays(own)["forgetting_matrix"], 1e-16) for own in methods]
        norm = LogNorm(min(m.min() for m in matrices), max(m.max() for m in matrices))
        figure = Figure(figsize=(2.9 * len(methods) + 0.8, 2.9), layout="constrained")
        row = figure.subplots(1, len(methods), squeeze=False)[0]
        for axes, method, matrix in zip(row, methods, matrices, strict=True):
            image = axes.imshow(matrix, norm=norm, cmap="cividis")
            labels = [str(i + 1) for i in range(len(matrix))]
            axes.set_xticks(range(len(matrix)), labels)
            axes.set_yticks(range(len(matrix)), labels)
            axes.set_title(method.method, loc="left")
            axes.set_xlabel("RMSE on phase")
            axes.tick_params(length=0)
        row[0].set_ylabel("after phase")
        figure.colorbar(image, ax=row, shrink=0.85, format=power_of_ten)
    return figure


def _arrays(method: MethodResult) -> dict[str, np.ndarray]:
    return dict(method.first.arrays) if method.first is not None else {}


def _numbers(study: StudyResult) -> list[Drawn]:
    """Return a figure with a panel a quantity and a row a method: medians, and from least to greatest."""
    quantities = [
        name for name in study.quantities if sum(math.isfinite(own.median(name)) for own in study.methods) > 1
    ]
    if not quantities:
        return []
    methods = [own for own in study.methods if own.n_done]
    with house_style(), matplotlib.style.context(_SMALL):
        size = (2.4 * len(quantities) + 1.2, 0.3 * len(methods) + 1.0)
        figure = Figure(figsize=size, layout="constrained")
        row = figure.subplots(1, len(quantities), squeeze=False, sharey=True)[0]
        for axes, name in zip(row, quantities, strict=True):
            for place, method in enumerate(methods):
                low, high = method.ends(name)
                axes.plot([low, high], [place, place], color=_colour(method.method), linewidth=1.6)
                axes.plot(
                    method.median(name), place, color=_colour(method.method), marker="o", linestyle="none"
                )
                if 0 < method.n_found(name) < method.n_done:
                    axes.annotate(
                        f"{method.n_found(name)} of {method.n_done}",
                        (method.median(name), place),
                        xytext=(0, 5),
                        textcoords="offset points",
                        ha="center",
                        fontsize=7,
                        color=INK,
                    )
            medians = [own.median(name) for own in methods if math.isfinite(own.median(name))]
            if min(medians) > 0 and max(medians) > 30 * min(medians):
                axes.set_xscale("log")
            else:
                axes.xaxis.set_major_locator(MaxNLocator(3))
            axes.set_title(name.replace("_", " "), loc="left")
            axes.grid(True, axis="x", color="#eceef1", linewidth=0.8)
            axes.tick_params(length=0)
        row[0].set_yticks(range(len(methods)), [own.method for own in methods], color=INK)
        row[0].invert_yaxis()
    return [("numbers", f"Numbers of {study.name} by method", figure)]


def _knots(study: StudyResult) -> list[Drawn]:
    """Return the signature against the natural slope of held-out knots, and the numbers by method."""
    drawn = [own for own in _with_arrays(study, "slope") if {"signature", "guess"} <= _arrays(own).keys()]
    found = _numbers(study)
    if not drawn:
        return found
    arrays = _arrays(next((own for own in drawn if "line" in _arrays(own)), drawn[0]))
    with house_style(), matplotlib.style.context(_SMALL):
        figure = Figure(figsize=(5.2, 3.3), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(arrays["slope"], arrays["signature"], "o", color=GREY, markersize=2.5, alpha=0.5)
        if "line" in arrays:
            ends = np.array([arrays["slope"].min(), arrays["slope"].max()])
            axes.plot(ends, np.polyval(arrays["line"], ends), color=KAN.colour, linewidth=1.4, label="rule")
            axes.legend(fontsize=9)
        axes.set_xlabel("natural slope")
        axes.set_ylabel("signature")
        axes.tick_params(length=0)
    return [*found, ("slope", "Signature against natural slope of held-out knots", figure)]


def _localization(study: StudyResult) -> list[Drawn]:
    """Return for every model of chains the states on both sides of the mobility edge that was found."""
    needed = {"edge", "lam", "localized"}
    drawn = [own for own in study.methods if needed <= _arrays(own).keys()]
    found = _numbers(study)
    if not drawn:
        return found
    with house_style(), matplotlib.style.context(_SMALL):
        figure = Figure(figsize=(3.1 * len(drawn) + 0.4, 3.2), layout="constrained")
        row = figure.subplots(1, len(drawn), squeeze=False)[0]
        for axes, method in zip(row, drawn, strict=True):
            arrays = _arrays(method)
            seen = np.isfinite(arrays["edge"])
            low, high = float(arrays["lam"].min()), float(arrays["lam"].max())
            room = 0.5 * (high - low)
            is_localized = arrays["localized"].astype(bool)
            kinds = (("localized", is_localized, MLP.colour), ("extended", ~is_localized, KAN.colour))
            for name, own, colour in kinds:
                x, y = arrays["edge"][seen & own], arrays["lam"][seen & own]
                axes.plot(x, y, "o", color=colour, markersize=1.6, alpha=0.4, label=name, rasterized=True)
            axes.plot([low, high], [low, high], color=INK, linewidth=1.0)
            axes.set_xlim(low - room, high + room)
            axes.set_title(method.method, loc="left")
            axes.set_xlabel("λ of the edge that was found")
            axes.tick_params(length=0)
        row[0].set_ylabel("λ of the state")
        row[0].legend(fontsize=8, markerscale=3)
    title = "States of held-out chains: on the line they would be on the mobility edge"
    return [("edges", title, figure), *found]


def _none(study: StudyResult) -> list[Drawn]:
    """Return no figure: pictures of such a study are made by itself."""
    return []


_FIGURES: dict[str, Callable[[StudyResult], list[Drawn]]] = {
    "continual": _continual,
    "formulas": _none,
    "film": _none,
    "knots": _knots,
    "localization": _localization,
}

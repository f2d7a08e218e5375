"""Additive models, a baseline: a sum of splines of every input, which is a KAN without a hidden layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sweeps.checks import TomlTable, axis, whole
from sweeps.families.axes import early_ends, smoothing_axis, spline_axes
from sweeps.families.classify import train_kan_classifier
from sweeps.families.family import NO_HIDDEN, Axis, Config, HiddenWidths, Training, small_kind
from sweeps.families.kan import KAN_DEFAULTS, KanFamily, train_through_grids
from sweeps.families.linear import COST_S, LEAST_SQUARES, LEAST_SQUARES_STEPS
from sweeps.families.optimizers import LARGE_MODELS

# A rough cost in seconds on one core, of a number of the normal equations and a sample.
_ENTRY_S = 4e-9


class AdditiveFamily(KanFamily):
    """Additive splines, as smooth as generalised cross-validation says unless a table says more."""

    label, one_model = "additive splines", "additive spline"
    colour, marker = "#CC79A7", "^"
    has_hidden = has_suggested_shape = is_network = has_splines = False
    is_baseline = is_deterministic = True

    def hidden(self, table: TomlTable) -> tuple[HiddenWidths | str, ...]:
        """Return one shape without a hidden layer."""
        return NO_HIDDEN

    def axes(self, table: TomlTable) -> list[Axis]:
        """Return grids, order, smoothing and steps."""
        return [
            *spline_axes(table),
            smoothing_axis(table, ("gcv",)),
            ("steps", table.take("steps", axis(whole(1), "integers >= 1"), (LEAST_SQUARES_STEPS,))),
            *early_ends(table),
        ]

    def cost(self, config: Config) -> float:
        """Return the cost of least squares on all grids."""
        n_train, width = config["data"].get("n_train", 1000), config["width"]
        rows = [width[0] * (grid + config["k"] + 1) for grid in config["grids"]]
        return float(sum(_ENTRY_S * config["steps"] * n_train * row**2 for row in rows)) + COST_S

    def train(self, training: Training) -> None:
        """Solve least squares in the coefficients of the splines, on every grid."""
        config = training.config
        options = training.options(**LEAST_SQUARES, steps=config["steps"])
        smoothing = config.get("smoothing", KAN_DEFAULTS["smoothing"])
        if training.classifies:
            train_kan_classifier(training, {"smoothing": smoothing}, opt="")
            return
        train_through_grids(training, options | {"smoothing": smoothing}, opt="")

    def small(self, config: Config) -> Sequence[dict[str, Any]]:
        """Return a model of two inputs, and a network: a fit by LM that finds no better point needs both."""
        kind = small_kind(config, [2, 1])
        return [kind, kind | {"family": "kan", "width": [2, 2, 1], "opt": LARGE_MODELS}]

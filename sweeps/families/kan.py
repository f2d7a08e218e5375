"""Kolmogorov-Arnold networks with B-splines on their edges, trained through grids that grow finer."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sweeps.checks import TomlTable, axis, one_of, real
from sweeps.families.axes import early_ends, hidden_layers, smoothing_axis, spline_axes, training_axes
from sweeps.families.family import Axis, Config, Family, HiddenWidths, Training, small_kind
from sweeps.families.optimizers import (
    LARGE_MODELS,
    LAYER_S,
    SMALL_MODELS,
    n_weights,
    optimizers_tried,
    step_cost,
    training_cost,
)
from sweeps.training.stage_recorder import ChainEnd

#: Options that enter a configuration only where they differ from these values. They belong to the format of
#: configurations: every run is told them, whatever the defaults of the library come to be. Without a value of
#: "init" the library takes its first start, and with restarts all of its starts in turn.
KAN_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {"base_fun": "silu", "grid_eps": 1.0, "extrapolation": "smooth", "smoothing": "weak", "init": None}
)
#: The family of edges where a configuration names none.
_EDGES = "bspline"
#: Where they were others in earlier formats of configurations.
_EARLIER_DEFAULTS: Mapping[int, Mapping[str, Any]] = {1: {"extrapolation": "linear"}}
_STEPS = 50
# Rough costs, see `sweeps.families.optimizers`: of an edge and sample in a loss and gradient; and where two
# edges meet in few numbers of the matrix of LM, of a sample and such number.
_EDGE_S = 30e-9
_SCATTERED_S = 1e-9


class KanFamily(Family):
    """Kolmogorov-Arnold networks; a run is a chain of fits on finer and finer grids."""

    label = one_model = "KAN"
    colour, marker = "#0072B2", "o"
    has_suggested_shape = True
    defaults = MappingProxyType({**KAN_DEFAULTS, "edges": _EDGES})

    def hidden(self, table: TomlTable) -> tuple[HiddenWidths | str, ...]:
        """Return the hidden layers, among which may be those that belong to the task."""
        return hidden_layers(table, suggested=True)

    def axes(self, table: TomlTable) -> list[Axis]:
        """Return grids, order and rules of training, and the options that a table gives."""
        axes = [*spline_axes(table), *training_axes(table, _STEPS)]
        # These enter the configuration, and with it the run id, only where they differ from KAN_DEFAULTS: a
        # later release may add others without giving old runs new ids.
        from kan_np import options as known

        # Families of edges of a user's own are not known to worker processes.
        options: list[Axis] = [
            ("base_fun", table.take("base_fun", axis(one_of(known.BASE_FUNCTIONS), "base functions"), ())),
            ("grid_eps", table.take("grid_eps", axis(real(0.0, 1.0), "numbers from 0 to 1"), ())),
            ("extrapolation", table.take("extrapolation", axis(one_of(known.EXTRAPOLATIONS), "modes"), ())),
            ("edges", table.take("edges", axis(one_of(known.EDGE_FAMILIES), "families of edges"), ())),
            ("init", table.take("init", axis(one_of(known.STARTS), "starts"), ())),
            smoothing_axis(table),
        ]
        return axes + [option for option in options if option[1]] + early_ends(table)

    def spelt_out(self, config: Config) -> Config:
        """Return a configuration with all options, as its format of configurations meant them."""
        earlier = _EARLIER_DEFAULTS.get(config.get("format", 0), {})
        return {**self.defaults, **earlier, **config}

    def n_params(self, config: Config, grid: int | None = None) -> int | None:
        """Return the number of parameters with a grid; None without one."""
        if grid is None:
            return None
        from kan_np import options

        base_fun = config.get("base_fun", KAN_DEFAULTS["base_fun"])
        return options.kan_params(config["width"], grid, config["k"], base_fun, config.get("edges", _EDGES))

    def cost(self, config: Config) -> float:
        """Return the cost of all grids."""
        n_train, width, k = config["data"].get("n_train", 1000), config["width"], config["k"]
        edges = n_weights(width)
        evaluation = LAYER_S * (len(width) - 1) + n_train * edges * _EDGE_S
        scattered = n_train * (edges * (k + 2)) ** 2 * _SCATTERED_S / 2

        def step_s(grid: int | None) -> float:
            n_params = self.n_params(config, grid) or 0
            return step_cost(config["opt"], n_params, n_train, evaluation, scattered)

        return training_cost(config, config["grids"], step_s)

    def train(self, training: Training) -> None:
        """Train through all grids, or until finer ones bring nothing."""
        options = {name: training.config.get(name, default) for name, default in KAN_DEFAULTS.items()}
        options["edges"] = training.config.get("edges", _EDGES)
        train_through_grids(training, options | training.options())

    def small(self, config: Config) -> Sequence[dict[str, Any]]:
        """Return a small network for every optimizer."""
        tried = optimizers_tried(config["opt"])
        kind = small_kind(config, [2, 2, 1])
        if tried == (SMALL_MODELS,):
            # A fit by LM that finds no better point takes the loss with its gradient, as LBFGS always does.
            tried = (SMALL_MODELS, LARGE_MODELS)
        return [kind | {"opt": opt} for opt in tried]


def train_through_grids(training: Training, options: Mapping[str, Any], opt: str | None = None) -> None:
    """Train a chain of models with `kan_np.fit_schedule`, and record every grid as it is done.

    `opt` is what records call the optimizer, where its name says nothing to a reader.
    """
    import kan_np

    config, recorder = training.config, training.recorder

    def on_stage(trained: Any) -> None:
        recorder.add(trained, opt)
        recorder.check_end(config.get("patience"), config.get("enough"))

    with contextlib.suppress(ChainEnd):
        kan_np.fit_schedule(
            config["width"],
            training.dataset,
            grids=tuple(config["grids"]),
            k=config["k"],
            on_stage=on_stage,
            **options,
        )

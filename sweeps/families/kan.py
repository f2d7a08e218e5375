"""Kolmogorov-Arnold networks with edges of any family, trained through grids that grow finer."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sweeps.checks import TomlTable, axis, one_of, real, truth
from sweeps.families import edges as edge_families
from sweeps.families.axes import (
    chains,
    early_ends,
    hidden_layers,
    rounds_axis,
    smoothing_axis,
    spline_axes,
    training_axes,
)
from sweeps.families.classify import train_kan_classifier
from sweeps.families.equations import misplaced_axes, solve_by
from sweeps.families.family import Axis, Config, Family, HiddenWidths, Solving, Training, small_kind
from sweeps.families.optimizers import (
    LARGE_MODELS,
    LAYER_S,
    SMALL_MODELS,
    n_weights,
    optimizers_tried,
    step_cost,
    training_cost,
)
from sweeps.families.widths import has_products
from sweeps.training.stage_recorder import ChainEnd

#: Options that enter a configuration only where they differ from these values. They belong to the format of
#: configurations: every run is told them, whatever the defaults of the library come to be. Without a value of
#: "init" the library takes its first start, and with restarts all of its starts in turn.
KAN_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {"base_fun": "silu", "grid_eps": 1.0, "extrapolation": "smooth", "smoothing": "weak", "init": None}
)
#: The family of edges where a configuration names none.
_EDGES = edge_families.BSPLINE
#: Where they were others in earlier formats of configurations.
_EARLIER_DEFAULTS: Mapping[int, Mapping[str, Any]] = {1: {"extrapolation": "linear"}}
_STEPS = 50
# Rough costs, see `sweeps.families.optimizers`: of an edge and sample in a loss and gradient, of B-splines
# and of others; and where two edges of B-splines meet in few numbers of the matrix of LM, of a sample and
# such number.
_EDGE_S = 30e-9
_OTHER_EDGE_S = 80e-9
_SCATTERED_S = 1e-9


class KanFamily(Family):
    """Kolmogorov-Arnold networks; a run is a chain of fits on finer and finer grids."""

    label = one_model = "KAN"
    colour, marker = "#0072B2", "o"
    has_suggested_shape = is_network = has_splines = solves_equations = True
    defaults = MappingProxyType({**KAN_DEFAULTS, "edges": _EDGES, "squash": False})

    def hidden(self, table: TomlTable) -> tuple[HiddenWidths | str, ...]:
        """Return the hidden layers, among which may be those that belong to the task."""
        return hidden_layers(table, suggested=True, products=True)

    def axes(self, table: TomlTable) -> list[Axis]:
        """Return grids, order and rules of training, and the options that a table gives."""
        axes = [*spline_axes(table), *training_axes(table, _STEPS)]
        # These enter the configuration, and with it the run id, only where they differ from KAN_DEFAULTS: a
        # later release may add others without giving old runs new ids.
        from kan_np import options as known

        edges = edge_families.edges_axis(table)
        options: list[Axis] = [
            ("base_fun", table.take("base_fun", axis(one_of(known.BASE_FUNCTIONS), "base functions"), ())),
            ("grid_eps", table.take("grid_eps", axis(real(0.0, 1.0), "numbers from 0 to 1"), ())),
            ("extrapolation", table.take("extrapolation", axis(one_of(known.EXTRAPOLATIONS), "modes"), ())),
            edges,
            ("squash", table.take("squash", axis(truth, "true or false"), ())),
            ("init", table.take("init", axis(one_of(known.STARTS), "starts"), ())),
            smoothing_axis(table),
        ]
        sizes = edge_families.size_axes(table, chains, edges[1] or (_EDGES,))
        return (
            axes
            + [option for option in options if option[1]]
            + sizes
            + early_ends(table)
            + rounds_axis(table)
        )

    def products(self, axes: Sequence[Axis]) -> list[list[Axis]]:
        """Return one product of axes for all edge families that have the same sizes."""
        return edge_families.products(axes)

    def misfit(self, config: Config) -> str:
        """Return why the edges of a configuration do not fit its width."""
        edges = config.get("edges", _EDGES)
        return edge_families.misfit(edges, config["width"]) or edge_families.unsquashed(
            edges, config.get("squash", False)
        )

    def spelt_out(self, config: Config) -> Config:
        """Return a configuration with all options, as its format of configurations meant them."""
        earlier = _EARLIER_DEFAULTS.get(config.get("format", 0), {})
        return {**self.defaults, **earlier, **config}

    def n_params(self, config: Config, grid: int | None = None) -> int | None:
        """Return the number of parameters with a grid; None without one."""
        if grid is None:
            return None
        base_fun, edges = config.get("base_fun", KAN_DEFAULTS["base_fun"]), config.get("edges", _EDGES)
        return edge_families.n_params(config["width"], grid, config["k"], base_fun, edges)

    def cost(self, config: Config) -> float:
        """Return the cost of all grids."""
        n_train, width, k = config["data"].get("n_train", 1000), config["width"], config["k"]
        n_edges, edges = n_weights(width), config.get("edges", _EDGES)
        edge_s, scattered = _EDGE_S, n_train * (n_edges * (k + 2)) ** 2 * _SCATTERED_S / 2
        if edges != _EDGES:  # a sample touches all functions of an edge
            edge_s, scattered = _OTHER_EDGE_S, math.inf
        evaluation = LAYER_S * (len(width) - 1) + n_train * n_edges * edge_s

        def step_s(grid: int | None) -> float:
            n_params = self.n_params(config, grid) or 0
            return step_cost(config["opt"], n_params, n_train, evaluation, scattered)

        return training_cost(config, config["grids"], step_s)

    def text(self, config: Config) -> str:
        """Return a configuration in a few words, with its edges if they are no B-splines."""
        text, edges = super().text(config), config.get("edges", _EDGES)
        return text if edges == _EDGES else f"{text} {edge_families.edges_text(edges)}"

    def train(self, training: Training) -> None:
        """Train through all grids, or until finer ones bring nothing."""
        options = {name: training.config.get(name, default) for name, default in KAN_DEFAULTS.items()}
        options |= _edge_options(training.config)
        if training.classifies:
            train_kan_classifier(training, options)
            return
        train_through_grids(training, options | training.options())

    def solve(self, solving: Solving) -> None:
        """Solve an equation through all grids, or until finer ones bring nothing."""
        import kan_np

        config = solving.config
        options = {name: config[name] for name in KAN_DEFAULTS if name in config} | _edge_options(config)
        options = {"extrapolation": KAN_DEFAULTS["extrapolation"], **options}

        def make(seed: int) -> Any:
            return kan_np.KAN(config["width"], grid=config["grids"][0], k=config["k"], seed=seed, **options)

        solve_by(solving, make, config["grids"])

    def misplaced(self, axes: Sequence[Axis], of_equations: bool) -> str:
        """Return which axis is not for equations, or not for samples."""
        return misplaced_axes(axes, of_equations)

    def small(self, config: Config) -> Sequence[dict[str, Any]]:
        """Return a small network for every optimizer."""
        tried = optimizers_tried(config["opt"])
        edges = config.get("edges", _EDGES)
        n_layers = 2 if isinstance(edges, str) else len(edges)
        hidden: list[Any] = [2] * (n_layers - 1)
        if has_products(config["width"]):
            hidden = [layer if isinstance(layer, list) else 2 for layer in config["width"][1:-1]]
        kind = small_kind(config, [2, *hidden, 1])
        if tried == (SMALL_MODELS,):
            # A fit by LM that finds no better point takes the loss with its gradient, as LBFGS always does.
            tried = (SMALL_MODELS, LARGE_MODELS)
        return [kind | {"opt": opt} for opt in tried]


def _edge_options(config: Config) -> dict[str, Any]:
    """Return the arguments with which functions of kan_np are told the edges of a configuration."""
    edges = edge_families.edge_arguments(config.get("edges", _EDGES))
    return edges | ({"squash": True} if config.get("squash") else {})


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

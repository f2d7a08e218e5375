"""Multilayer perceptrons of kan_np, trained with the optimizers and rules of Kolmogorov-Arnold networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sweeps.checks import TomlTable, axis, one_of
from sweeps.families.axes import hidden_layers, rounds_axis, training_axes
from sweeps.families.classify import train_mlp_classifier
from sweeps.families.equations import misplaced_axes, solve_by
from sweeps.families.family import Axis, Config, Family, HiddenWidths, Solving, Training, small_kind
from sweeps.families.optimizers import LAYER_S, n_weights, optimizers_tried, step_cost, training_cost

_STEPS = 200
# Rough costs of a loss and gradient, see `sweeps.families.optimizers`: of a sample and node, and weight.
_NODE_S = 12e-9
_WEIGHT_S = 0.5e-9


class MlpFamily(Family):
    """Multilayer perceptrons; a run is one model."""

    label = one_model = "MLP"
    colour, marker = "#D55E00", "s"
    is_network = solves_equations = True

    def hidden(self, table: TomlTable) -> tuple[HiddenWidths | str, ...]:
        """Return the hidden layers."""
        return hidden_layers(table)

    def axes(self, table: TomlTable) -> list[Axis]:
        """Return activations and rules of training."""
        from kan_np import options

        activations = axis(one_of(options.ACTIVATIONS), "activations")
        return [
            ("activation", table.take("activation", activations, ("tanh",))),
            *training_axes(table, _STEPS),
            *rounds_axis(table),
        ]

    def n_params(self, config: Config, grid: int | None = None) -> int | None:
        """Return the number of weights and biases."""
        return n_weights_and_biases(config["width"])

    def cost(self, config: Config) -> float:
        """Return the cost of all steps."""
        n_train, width = config["data"].get("n_train", 1000), config["width"]
        samples_s = n_weights(width) * _WEIGHT_S + sum(width[1:]) * _NODE_S
        evaluation = LAYER_S * (len(width) - 1) + n_train * samples_s
        step = step_cost(config["opt"], n_weights_and_biases(width), n_train, evaluation)
        return training_cost(config, [None], lambda grid: step)

    def train(self, training: Training) -> None:
        """Train one model."""
        import kan_np

        if training.classifies:
            train_mlp_classifier(training)
            return
        config = training.config
        training.recorder.add(
            kan_np.fit_mlp(
                config["width"], training.dataset, activation=config["activation"], **training.options()
            )
        )

    def solve(self, solving: Solving) -> None:
        """Solve an equation."""
        import kan_np

        config = solving.config
        solve_by(
            solving, lambda seed: kan_np.MLP(config["width"], activation=config["activation"], seed=seed)
        )

    def misplaced(self, axes: Sequence[Axis], of_equations: bool) -> str:
        """Return which axis is not for equations, or not for samples."""
        return misplaced_axes(axes, of_equations)

    def small(self, config: Config) -> Sequence[dict[str, Any]]:
        """Return a small network for every optimizer."""
        kind = small_kind(config, [2, 2, 1])
        return [kind | {"opt": opt} for opt in optimizers_tried(config["opt"])]


def n_weights_and_biases(width: Sequence[int]) -> int:
    """Return the number of parameters of a multilayer perceptron.

    Examples
    --------
    >>> n_weights_and_biases([2, 5, 1])
    21
    """
    from kan_np import options

    return options.mlp_params(width)

"""Linear models by least squares, a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sweeps.checks import TomlTable
from sweeps.families.classify import train_logistic
from sweeps.families.family import NO_HIDDEN, Axis, Config, Family, HiddenWidths, Training, small_kind
from sweeps.families.mlp import n_weights_and_biases

#: Iterations of least squares: a quadratic needs a few, a badly conditioned one some more.
LEAST_SQUARES_STEPS = 50
#: How a sum of squares without a hidden layer is minimised: from one start, to the end.
LEAST_SQUARES: Mapping[str, Any] = {"opt": "LM", "restarts": 1}
#: A rough cost in seconds on one core.
COST_S = 0.02


class LinearFamily(Family):
    """Linear models, with nothing to choose."""

    label = "linear"
    one_model = one_model_of_many = "linear model"
    colour, marker = "#8c6d46", "X"
    has_hidden = False
    is_baseline = is_deterministic = True

    def hidden(self, table: TomlTable) -> tuple[HiddenWidths | str, ...]:
        """Return one shape without a hidden layer."""
        return NO_HIDDEN

    def axes(self, table: TomlTable) -> list[Axis]:
        """Return no axes."""
        return []

    def n_params(self, config: Config, grid: int | None = None) -> int | None:
        """Return the number of weights and biases."""
        return n_weights_and_biases(config["width"])

    def cost(self, config: Config) -> float:
        """Return a rough estimate of the seconds that a run takes on one core.

        Examples
        --------
        >>> LinearFamily("linear").cost({"family": "linear", "width": [3, 1], "data": {}})
        0.02
        """
        return COST_S

    def train(self, training: Training) -> None:
        """Solve least squares: an MLP without a hidden layer, brought to the optimum by LM.

        Of classes it is logistic regression.
        """
        import kan_np

        if training.classifies:
            train_logistic(training, LEAST_SQUARES_STEPS)
            return
        options = training.options(**LEAST_SQUARES, steps=LEAST_SQUARES_STEPS)
        no_decay = {"weight_decay": 0.0}  # least squares however few the samples are
        model = kan_np.fit_mlp(training.config["width"], training.dataset, fit_options=no_decay, **options)
        training.recorder.add(model, opt="")

    def small(self, config: Config) -> Sequence[dict[str, Any]]:
        """Return a model of two inputs."""
        return [small_kind(config, [2, 1])]

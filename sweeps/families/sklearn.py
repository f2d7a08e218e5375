"""scikit-learn's MLPRegressor with its own optimizers, as a baseline."""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sweeps.checks import Check, TomlTable, axis, one_of, real, whole
from sweeps.errors import UserError
from sweeps.families.axes import hidden_layers
from sweeps.families.family import Axis, Config, Family, HiddenWidths, Training
from sweeps.families.linear import COST_S
from sweeps.families.mlp import n_weights_and_biases
from sweeps.families.optimizers import n_weights

FloatArray = NDArray[np.float64]

SOLVERS = ("lbfgs", "adam")
ACTIVATIONS = ("tanh", "relu")
#: scikit-learn's own default of the penalty on weights.
ALPHA = 1e-4
#: Iterations of "lbfgs", epochs of "adam".
_STEPS = 500
#: The hidden layers that `--sklearn` puts beside a preset.
DEFAULT_HIDDEN = ((20, 20), (100,))
# Rough costs in seconds on one core, of a weight, sample and step.
_WEIGHT_S = {"lbfgs": 2e-9, "adam": 4e-9}


class _Predicts(Protocol):
    """A trained model: n_params, and predictions (n, n_out) of inputs (n, n_in)."""

    @property
    def n_params(self) -> int: ...

    def __call__(self, x: Any) -> FloatArray: ...


@dataclass(frozen=True)
class TrainedElsewhere:
    """What another library trained, with the names of a `kan_np.Stage`."""

    model: _Predicts
    train_rmse: float
    val_rmse: float
    test_rmse: float
    wall_s: float
    n_iter: int
    n_fev: int
    status: str
    opt: str
    grid: None = None

    @property
    def n_params(self) -> int:
        """Weights and biases."""
        return self.model.n_params


class SklearnFamily(Family):
    """MLPRegressor of scikit-learn; its weights are taken over by a `kan_np.MLP`."""

    label = one_model = "scikit-learn MLP"
    colour, marker = "#E69F00", "v"
    is_baseline = True
    can_classify = False

    def hidden(self, table: TomlTable) -> tuple[HiddenWidths | str, ...]:
        """Return the hidden layers."""
        return hidden_layers(table)

    def axes(self, table: TomlTable) -> list[Axis]:
        """Return activation, solver, steps and penalty."""
        checks: dict[str, tuple[Check[tuple[Any, ...]], Any]] = {
            "activation": (axis(one_of(ACTIVATIONS), "activations"), "tanh"),
            "solver": (axis(one_of(SOLVERS), "solvers"), "lbfgs"),
            "steps": (axis(whole(1), "integers >= 1"), _STEPS),
            "alpha": (axis(real(0.0, 1e6), "numbers from 0"), ALPHA),
        }
        return [(name, table.take(name, check, (default,))) for name, (check, default) in checks.items()]

    def n_params(self, config: Config, grid: int | None = None) -> int | None:
        """Return the number of weights and biases."""
        return n_weights_and_biases(config["width"])

    def cost(self, config: Config) -> float:
        """Return the cost of all steps."""
        n_train, width = config["data"].get("n_train", 1000), config["width"]
        return float(_WEIGHT_S[config["solver"]] * config["steps"] * n_train * n_weights(width)) + COST_S

    def train(self, training: Training) -> None:
        """Train one model; a UserError if scikit-learn is not installed."""
        training.recorder.add(fit_sklearn(training.config, training.dataset, training.seed))


def require_sklearn() -> None:
    """Raise a UserError if scikit-learn is not there."""
    try:
        importlib.import_module("sklearn")
    except ImportError:
        raise UserError(
            "family 'sklearn' needs scikit-learn, which is not installed. Install it with "
            "pip install 'kan_np[sklearn]', or leave --sklearn out."
        ) from None


def fit_sklearn(config: Config, dataset: Mapping[str, Any], seed: int) -> TrainedElsewhere:
    """Train scikit-learn's MLPRegressor and take its weights over, so that it is stored as every other MLP.

    Parameters
    ----------
    config : mapping
        Its "width", "activation", "solver", "steps" (iterations of "lbfgs", epochs of "adam") and "alpha".
    dataset : mapping
        Training samples, and where there are any validation and test samples.
    seed : int
        The `random_state`, below 2^32.

    Raises
    ------
    UserError
        If scikit-learn is not installed.
    """
    require_sklearn()
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    start = time.perf_counter()
    regressor = MLPRegressor(
        hidden_layer_sizes=tuple(config["width"][1:-1]),
        activation=config["activation"],
        solver=config["solver"],
        alpha=config["alpha"],
        max_iter=config["steps"],
        max_fun=20 * config["steps"],
        random_state=seed,
    )
    labels = dataset["train_label"]
    with warnings.catch_warnings():
        # That the steps ran out is a status here, as it is for other models.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regressor.fit(dataset["train_input"], labels[:, 0] if labels.shape[1] == 1 else labels)
    model = _as_mlp(regressor, config, dataset)
    train, val, test = (_rmse(model, dataset, part) for part in ("train", "val", "test"))
    model.scaler = dataset.get("scaler")
    return TrainedElsewhere(
        model,
        train_rmse=train,
        val_rmse=val,
        test_rmse=test,
        wall_s=time.perf_counter() - start,
        n_iter=int(regressor.n_iter_),
        n_fev=int(regressor.n_iter_),
        status="step limit" if regressor.n_iter_ >= config["steps"] else "converged",
        opt=config["solver"],
    )


def _as_mlp(regressor: Any, config: Config, dataset: Mapping[str, Any]) -> Any:
    """Return a model of the standardised samples, without their scaler."""
    import kan_np

    model = kan_np.MLP.from_weights(regressor.coefs_, regressor.intercepts_, config["activation"])
    model.feature_names, model.target_names = dataset.get("feature_names"), dataset.get("target_names")
    model.classes = dataset.get("classes")
    return model


def _rmse(model: _Predicts, dataset: Mapping[str, Any], part: str) -> float:
    if f"{part}_input" not in dataset:
        return float("nan")
    residual = model(dataset[f"{part}_input"]) - dataset[f"{part}_label"]
    with np.errstate(over="ignore"):  # an infinite error says as much
        return float(np.sqrt(np.mean(np.square(residual))))

"""Models that tell what a table is worth without a hidden layer, and another library's network.

Whoever shows a KAN on a table owes the reader three comparisons: a linear model (least squares), an additive
one (a spline of every input, summed: a KAN without hidden layer, its smoothness chosen by generalised
cross-validation), and on request scikit-learn's MLPRegressor with its own optimizers.
"""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sweeps.errors import UserError
from sweeps.records import ADDITIVE, LINEAR, SKLEARN

FloatArray = NDArray[np.float64]

#: Iterations of least squares: a quadratic needs a few, a badly conditioned one some more.
LEAST_SQUARES_STEPS = 50
SKLEARN_SOLVERS = ("lbfgs", "adam")
SKLEARN_ACTIVATIONS = ("tanh", "relu")
#: scikit-learn's own default of the penalty on weights.
SKLEARN_ALPHA = 1e-4
_SKLEARN_STEPS = 500
_SKLEARN_HIDDEN = ((20, 20), (100,))

# Rough costs in seconds on one core; see `sweeps.plan`.
_LINEAR_S = 0.02
_ADDITIVE_ENTRY_S = 4e-9
_SKLEARN_WEIGHT_S = {"lbfgs": 2e-9, "adam": 4e-9}


class Predicts(Protocol):
    """A trained model: n_params, and predictions (n, n_out) of inputs (n, n_in)."""

    @property
    def n_params(self) -> int: ...

    def __call__(self, x: Any) -> FloatArray: ...


@dataclass(frozen=True)
class TrainedBaseline:
    """What another library trained, with the names of a `kan_np.Stage`."""

    model: Predicts
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


def baseline_tables(sklearn: bool = False) -> list[dict[str, Any]]:
    """Return the `[[models]]` tables that are put beside the models of a preset on a table.

    Examples
    --------
    >>> [table["family"] for table in baseline_tables()]
    ['linear', 'additive']
    """
    tables: list[dict[str, Any]] = [{"family": LINEAR}, {"family": ADDITIVE}]
    if sklearn:
        hidden = [list(shape) for shape in _SKLEARN_HIDDEN]
        tables.append({"family": SKLEARN, "hidden": hidden, "solver": list(SKLEARN_SOLVERS)})
    return tables


def sklearn_axes_defaults() -> dict[str, Any]:
    """Return what a table of family "sklearn" says where it says nothing."""
    return {"activation": "tanh", "solver": "lbfgs", "steps": _SKLEARN_STEPS, "alpha": SKLEARN_ALPHA}


def baseline_cost(config: Mapping[str, Any]) -> float:
    """Return a rough estimate of the seconds that a baseline takes on one core.

    Examples
    --------
    >>> baseline_cost({"family": "linear", "width": [3, 1], "data": {}})
    0.02
    """
    n_train, width = config["data"].get("n_train", 1000), config["width"]
    if config["family"] == LINEAR:
        return _LINEAR_S
    if config["family"] == ADDITIVE:
        rows = [width[0] * (grid + config["k"] + 1) for grid in config["grids"]]
        return float(sum(_ADDITIVE_ENTRY_S * config["steps"] * n_train * row**2 for row in rows)) + _LINEAR_S
    weights = sum(a * b for a, b in zip(width[:-1], width[1:], strict=True))
    return float(_SKLEARN_WEIGHT_S[config["solver"]] * config["steps"] * n_train * weights) + _LINEAR_S


def require_sklearn() -> None:
    """Raise a UserError if scikit-learn is not there."""
    try:
        importlib.import_module("sklearn")
    except ImportError:
        raise UserError(
            "family 'sklearn' needs scikit-learn, which is not installed. Install it with "
            "pip install 'kan_np[sklearn]', or leave --sklearn out."
        ) from None


def fit_sklearn(
    config: Mapping[str, Any],
    dataset: Mapping[str, Any],
    seed: int,
    as_model: Callable[[Sequence[FloatArray], Sequence[FloatArray], str, Any], Predicts],
) -> TrainedBaseline:
    """Train scikit-learn's MLPRegressor and take its weights over.

    Parameters
    ----------
    config : mapping
        Its "width", "activation", "solver", "steps" (iterations of "lbfgs", epochs of "adam") and "alpha".
    dataset : mapping
        Training samples, and where there are any validation and test samples.
    seed : int
        The `random_state`, below 2^32.
    as_model : callable
        Makes a model of weights, biases, activation and scaler: it is then stored, loaded and drawn as every
        other MLP.

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
    model = as_model(regressor.coefs_, regressor.intercepts_, config["activation"], dataset.get("scaler"))
    return TrainedBaseline(
        model,
        train_rmse=_rmse(model, dataset, "train"),
        val_rmse=_rmse(model, dataset, "val"),
        test_rmse=_rmse(model, dataset, "test"),
        wall_s=time.perf_counter() - start,
        n_iter=int(regressor.n_iter_),
        n_fev=int(regressor.n_iter_),
        status="step limit" if regressor.n_iter_ >= config["steps"] else "converged",
        opt=config["solver"],
    )


def _rmse(model: Predicts, dataset: Mapping[str, Any], part: str) -> float:
    if f"{part}_input" not in dataset:
        return float("nan")
    residual = model(dataset[f"{part}_input"]) - dataset[f"{part}_label"]
    with np.errstate(over="ignore"):  # an infinite error says as much
        return float(np.sqrt(np.mean(np.square(residual))))

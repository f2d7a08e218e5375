"""Training of models that tell classes apart: cross-entropy in the place of squared errors.

The stages of these runs have log losses, means of -log p of the class that occurred, where others have RMSE.
Where labels are few, as in most tables, fits have a prior whose weight cross-validation chooses.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sweeps.families.family import Training
from sweeps.training.log_loss import log_losses
from sweeps.training.stage_recorder import ChainEnd

_LOSS = "cross_entropy"
#: Weights of the penalty on weights among which cross-validation with so many folds chooses for logistic
#: regression.
_DECAYS, _N_FOLDS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1), 5
#: Weights of a penalty on rough splines that are for squared errors only; "auto" takes their place.
_OF_SQUARES = ("weak", "gcv")


@dataclass(frozen=True)
class ClassifierStage:
    """A trained classifier, with the names of a `kan_np.Stage`; errors are log losses."""

    model: Any
    grid: int | None
    train_rmse: float
    val_rmse: float
    test_rmse: float
    wall_s: float
    n_iter: int
    n_fev: int
    status: Any
    opt: str

    @property
    def n_params(self) -> int:
        """Trainable parameters."""
        return int(self.model.n_params)

    @property
    def score(self) -> float:
        """The log loss of validation, or where there are no such rows of training."""
        return self.train_rmse if math.isnan(self.val_rmse) else self.val_rmse


def train_kan_classifier(training: Training, options: Mapping[str, Any], opt: str | None = None) -> None:
    """Train a KAN through all grids, or until finer ones bring nothing, and record every grid.

    With restarts the best start on the first grid goes on.

    Parameters
    ----------
    training : Training
    options : mapping
        Those of `kan_np.KAN`; "smoothing" is of its fit.
    opt : str, optional
        What records call the optimizer, where its name says nothing to a reader.
    """
    import kan_np

    config, recorder = training.config, training.recorder
    own = dict(options)
    smoothing = own.pop("smoothing", "auto")
    rules = _rules(training) | {"smoothing": "auto" if smoothing in _OF_SQUARES else smoothing}
    if own.get("init") is None:
        own.pop("init", None)
    grids, width = list(config["grids"]), _width(training)
    clock = time.perf_counter()

    def begin(seed: int) -> Any:
        return kan_np.KAN(width, grids[0], config["k"], seed=seed, **own)

    model = None
    with contextlib.suppress(ChainEnd):
        for grid in grids:
            starts = (begin(seed) for seed in _seeds(training)) if model is None else [model.refine(grid)]
            stage = _best(_fitted(start, training, rules, clock) for start in starts)
            model = stage.model
            recorder.add(stage, opt)
            recorder.check_end(config.get("patience"), config.get("enough"))


def train_mlp_classifier(training: Training) -> None:
    """Train an MLP; with restarts the best start is kept."""
    import kan_np

    config, rules, clock = training.config, _rules(training), time.perf_counter()
    models = (kan_np.MLP(_width(training), config["activation"], seed=seed) for seed in _seeds(training))
    training.recorder.add(_best(_fitted(model, training, rules, clock) for model in models))


def train_logistic(training: Training, steps: int) -> None:
    """Train logistic regression: one layer without an activation, with a penalty on its weights.

    The weight of the penalty is that with the least log loss in cross-validation of the training rows.
    """
    import kan_np

    clock, width = time.perf_counter(), _width(training)
    rules: dict[str, Any] = {"opt": "LM", "steps": steps, "loss": _LOSS, "callback": training.limit.check}
    held_out = dict.fromkeys(_DECAYS, 0.0)
    for fold in _folds(training.dataset):
        for decay in _DECAYS:
            model = kan_np.MLP(width, seed=training.seed)
            model.fit(fold, **rules, weight_decay=decay)
            held_out[decay] += len(fold["val_input"]) * _log_loss(model, fold, "val")
    decay = min(_DECAYS, key=lambda own: held_out[own]) if any(held_out.values()) else _DECAYS[1]
    model = kan_np.MLP(width, seed=training.seed)
    training.recorder.add(_fitted(model, training, rules | {"weight_decay": decay}, clock), "")


def _folds(dataset: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the training rows of a dataset without a part of them, which is there as the validation rows."""
    x, y = dataset["train_input"], dataset["train_label"]
    if len(x) < 2 * _N_FOLDS:
        return
    numbers = np.arange(len(x)) % _N_FOLDS
    np.random.default_rng(0).shuffle(numbers)
    scaler = {"scaler": dataset["scaler"]} if "scaler" in dataset else {}
    for number in range(_N_FOLDS):
        out = numbers == number
        yield {
            "train_input": x[~out],
            "train_label": y[~out],
            "val_input": x[out],
            "val_label": y[out],
            **scaler,
        }


def _rules(training: Training) -> dict[str, Any]:
    config = training.config
    rules = {"opt": config.get("opt", "LM"), "steps": config["steps"]}
    return rules | {"loss": _LOSS, "callback": training.limit.check}


def _width(training: Training) -> list[int]:
    return [int(n) for n in training.config["width"]]


def _seeds(training: Training) -> Sequence[int]:
    """Return a seed for every start."""
    n = training.config.get("restarts", 1)
    return np.random.SeedSequence(training.seed).generate_state(n).tolist() if n > 1 else [training.seed]


def _fitted(model: Any, training: Training, rules: Mapping[str, Any], clock: float) -> ClassifierStage:
    """Return a model after a fit, with its log losses."""
    dataset = training.dataset
    seen = {key: value for key, value in dataset.items() if not key.startswith("test_")}
    result = model.fit(seen, **rules)
    return ClassifierStage(
        model=model,
        grid=getattr(model, "grid", None),
        train_rmse=_log_loss(model, dataset, "train"),
        val_rmse=_log_loss(model, dataset, "val"),
        test_rmse=_log_loss(model, dataset, "test"),
        wall_s=time.perf_counter() - clock,
        n_iter=result.n_iter,
        n_fev=result.n_fev,
        status=result.status,
        opt=result.opt,
    )


def _best(stages: Iterable[ClassifierStage]) -> ClassifierStage:
    """Return the stage with the lowest score; one that is not finite comes last."""
    return min(stages, key=lambda stage: stage.score if math.isfinite(stage.score) else math.inf)


def _log_loss(model: Any, dataset: Mapping[str, Any], part: str) -> float:
    """Return the mean log loss of a part of a dataset with standardised inputs; NaN without it."""
    if f"{part}_input" not in dataset:
        return math.nan
    x, scaler = dataset[f"{part}_input"], dataset.get("scaler")
    if scaler is not None:
        x = x * scaler.input_scale + scaler.input_shift
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is a status
        loss = float(np.mean(log_losses(model.predict_proba(x), dataset[f"{part}_label"])))
    return math.inf if math.isnan(loss) else loss

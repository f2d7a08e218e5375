"""What an answer rests on, as plain values: computed once from the stored models, and kept in the store.

A report reads them there and runs no model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.answer.candidates import TrainedConfiguration, model_name
from sweeps.answer.influence import Part, curves, importances
from sweeps.answer.stored import VERSION
from sweeps.answer.stored_models import StoredModels
from sweeps.families import LINEAR
from sweeps.spec.table_rows import classifies, input_columns
from sweeps.training.log_loss import brier_score, log_losses

FloatArray = NDArray[np.float64]
Evidence = dict[str, Any]

#: Most rows of a parity plot, and most inputs that have a curve.
_MOST_SHOWN, _MOST_CURVES = 2000, 12
_CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Question:
    """What was asked of a table: the column to predict, and what is known of the table."""

    task: str
    target: str
    description: Mapping[str, Any]


def evidence_of(
    question: Question,
    chosen: TrainedConfiguration,
    candidates: Sequence[TrainedConfiguration],
    models: StoredModels,
) -> Evidence:
    """Return what is known of the recommended model.

    Parameters
    ----------
    question : Question
    chosen : TrainedConfiguration
        What is recommended; of its seeds the model with the lowest validation error is looked at, with folds
        that of every fold, each on its own test rows.
    candidates : sequence of TrainedConfiguration
        All that were trained, among which baselines are looked for.
    models : StoredModels
        Evaluates them.
    """
    fitted = chosen.best_of_folds
    of_classes = classifies(models.config(chosen.best))
    parts = [
        Part(rows.x, rows.y, models.predictor(one, chosen.stage))
        for one in fitted
        for rows in [models.rows(one, "test")]
    ]
    dataset = models.dataset(chosen.best)
    columns = input_columns(dataset)
    found: Evidence = {
        "version": VERSION,
        "task": question.task,
        "target": question.target,
        "kind": "classification" if of_classes else "regression",
        "run_id": chosen.best.run_id,
        "stage": chosen.stage,
        "family": chosen.family,
        "model": model_name(chosen, of_classes),
        "n_params": chosen.n_params,
        "n_train": len(dataset["train_input"]),
        "n_labels": len(dataset["train_input"]) * (1 if of_classes else dataset["train_label"].shape[1]),
        "n_val": len(dataset.get("val_input", ())),
        "n_test": sum(len(part.x) for part in parts),
        "folds": len(fitted) if len(fitted) > 1 else 0,
        "seeds": len(chosen.seeds),
        "is_deterministic": chosen.is_deterministic,
        "columns": list(columns),
        "notes": list(question.description.get("notes", ())),
    }
    outputs = [part.predict(part.x) for part in parts]
    if of_classes:
        found |= _scores_of_classes(parts, outputs, dataset, chosen, candidates, models)
        importance = importances(parts, columns, log_losses, lambda losses: float(np.mean(losses)))
    else:
        found |= _scores_of_numbers(parts, outputs, [models.dataset(one) for one in fitted], chosen)
        importance = importances(parts, columns, _squares, lambda losses: math.sqrt(np.mean(losses)))
    wanted = [str(own["column"]) for own in importance[:_MOST_CURVES]]
    training = models.rows(chosen.best, "train")
    classes = {name: dataset.get("classes", {}).get(name, ()) for name in columns}
    found["importance"] = importance
    found["curves"] = curves(
        models.predictor(chosen.best, chosen.stage), training.x, columns, classes, wanted
    )
    return found


def _squares(predicted: FloatArray, y: FloatArray) -> FloatArray:
    return np.asarray(np.mean((predicted - y) ** 2, axis=1))


def _scores_of_numbers(
    parts: Sequence[Part],
    outputs: Sequence[FloatArray],
    datasets: Sequence[Mapping[str, Any]],
    chosen: TrainedConfiguration,
) -> Evidence:
    """Return errors in the units of the target, those of simpler predictions, and a parity plot."""
    y, predicted = np.concatenate([part.y for part in parts]), np.concatenate(outputs)
    error = predicted - y
    simple = [_simple_predictions(dataset) for dataset in datasets]
    scale = float(np.mean([dataset["scaler"].label_scale[0] for dataset in datasets]))
    tests = [run.test * scale for run in chosen.runs]
    return {
        "rmse": _rms(error),
        "half": float(np.median(np.abs(error))),
        "worst": float(np.max(np.abs(error))),
        "linear": _rms(np.concatenate([own for own, _ in simple]) - y),
        "mean": _rms(np.concatenate([own for _, own in simple]) - y),
        "spread": scale,
        "of_runs": [min(tests), max(tests)],
        "parity": _parity(y[:, 0], predicted[:, 0]),
    }


def _simple_predictions(dataset: Mapping[str, Any]) -> tuple[FloatArray, FloatArray]:
    """Return what a linear model and the mean of the training rows predict of the test rows, in units."""
    ones = [np.ones((len(dataset[f"{part}_input"]), 1)) for part in ("train", "test")]
    train, test = (
        np.hstack([dataset[f"{part}_input"], one]) for part, one in zip(("train", "test"), ones, strict=True)
    )
    weights = np.linalg.lstsq(train, dataset["train_label"], rcond=None)[0]
    mean = np.broadcast_to(dataset["train_label"].mean(axis=0), dataset["test_label"].shape)
    scaler = dataset["scaler"]
    return scaler.unscale_label(test @ weights), scaler.unscale_label(mean)


def _rms(error: FloatArray) -> float:
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.mean(np.square(error))))


def _parity(measured: FloatArray, predicted: FloatArray) -> dict[str, list[float]]:
    rows = np.arange(len(measured))
    if rows.size > _MOST_SHOWN:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:_MOST_SHOWN])
    return {"measured": measured[rows].tolist(), "predicted": predicted[rows].tolist()}


def _scores_of_classes(
    parts: Sequence[Part],
    outputs: Sequence[FloatArray],
    dataset: Mapping[str, Any],
    chosen: TrainedConfiguration,
    candidates: Sequence[TrainedConfiguration],
    models: StoredModels,
) -> Evidence:
    """Return scores of probabilities, those of simpler predictions, confusions and a calibration curve."""
    names = list(dataset["class_names"])
    y, p = np.concatenate([part.y for part in parts]), np.concatenate(outputs)
    found: Evidence = {"class_names": names, **_scores(p, y)}
    shares = np.bincount(dataset["train_label"][:, 0].astype(np.int64), minlength=len(names)) + 0.5
    common = np.broadcast_to(shares / shares.sum(), p.shape)
    found["shares"] = _scores(common, y)
    found["families"] = _scores_of_families(candidates, chosen, models)
    if LINEAR.name in found["families"]:
        found["linear"] = found["families"][LINEAR.name]
    numbers = y[:, 0].astype(np.int64)
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(confusion, (numbers, p.argmax(axis=1)), 1)
    found["confusion"] = confusion.tolist()
    found["calibration"] = calibration_curve(p, y)
    tests = [run.test for run in chosen.runs]
    found["of_runs"] = [min(tests), max(tests)]
    return found


def _scores_of_families(
    candidates: Sequence[TrainedConfiguration], chosen: TrainedConfiguration, models: StoredModels
) -> dict[str, dict[str, Any]]:
    """Return the scores of the best model of every family by validation, and of the recommended one."""
    best: dict[str, TrainedConfiguration] = {}
    for candidate in candidates:
        held = best.get(candidate.family)
        if held is None or candidate.val < held.val:
            best[candidate.family] = candidate
    best[chosen.family] = chosen
    found = {}
    for family, candidate in best.items():
        fitted = candidate.best_of_folds
        rows = [models.rows(one, "test") for one in fitted]
        p = [models.predictor(one, candidate.stage)(own.x) for one, own in zip(fitted, rows, strict=True)]
        scores = _scores(np.concatenate(p), np.concatenate([own.y for own in rows]))
        found[family] = {"model": model_name(candidate, True), "n_params": candidate.n_params, **scores}
    return found


def _scores(p: FloatArray, y: FloatArray) -> dict[str, float]:
    return {
        "log_loss": float(np.mean(log_losses(p, y))),
        "accuracy": float(np.mean(p.argmax(axis=1) == y[:, 0])),
        "brier": brier_score(p, y),
    }


def calibration_curve(p: FloatArray, y: FloatArray) -> list[dict[str, float]]:
    """Return how often the predicted class was right, against how probable it was said to be.

    Rows in the order of the probability of their predicted class, in up to ten groups of about equal size.

    Returns
    -------
    list of dict
        "said" and "right", means over a group, its size "n", and the standard error of "right".
    """
    top, right = p.max(axis=1), p.argmax(axis=1) == y[:, 0]
    order = np.argsort(top, kind="stable")
    groups = np.array_split(order, min(_CALIBRATION_BINS, max(len(order) // 8, 1)))
    return [
        {
            "said": float(top[rows].mean()),
            "right": float(right[rows].mean()),
            "n": int(rows.size),
            "error": float(math.sqrt(max(top[rows].mean() * (1 - top[rows].mean()), 0.0) / rows.size)),
        }
        for rows in groups
        if rows.size
    ]

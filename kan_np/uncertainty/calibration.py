"""Calibration: what a model and its data say about the errors of new predictions, by the method of choice."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np import _validate
from kan_np._threads import one_thread
from kan_np._warnings import parts_of_one_fit
from kan_np.data.check import Dataset
from kan_np.training.estimator import Estimator
from kan_np.training.folds import Sample
from kan_np.uncertainty.bars import (
    ConformalBars,
    EnsembleBars,
    ErrorBars,
    JackknifeBars,
    LaplaceBars,
    expected_deviation,
)
from kan_np.uncertainty.laplace import MAX_PARAMS, Laplace
from kan_np.uncertainty.outside import Outside
from kan_np.uncertainty.refits import Refit, checked_refit, same_fit
from kan_np.uncertainty.samples import as_the_network, checked, outputs, outputs_of, part

#: Names of the methods.
METHODS = ("laplace", "conformal", "jackknife+", "ensemble")


def calibrated(
    model: Estimator,
    dataset: Dataset,
    method: str = "laplace",
    *,
    members: int = 5,
    folds: int = 10,
    refit: Refit | None = None,
    seed: int = 0,
) -> ErrorBars:
    """The error bars of a fitted model; see ``KAN.calibrate``.

    Parameters
    ----------
    model : Estimator
        Not changed.
    dataset : dict
        That of the fit.
    method : {"laplace", "conformal", "jackknife+", "ensemble"}
    members : int
        Of "ensemble": fits from other starts.
    folds : int
        Of "jackknife+".
    refit : callable, optional
        (dataset, seed) -> model fitted to the training samples of the dataset.
    seed : int
        Of the folds and of the starts.
    """
    method = _validate.choice("method", method, METHODS)
    if not model._loss.is_squares:
        raise ValueError(
            f"the model was fitted with loss={model._loss.name!r}; error bars are for squared errors. The "
            "probabilities of classes, predict_proba, say how certain a class is."
        )
    members = _validate.integer("members", members, 1)
    folds = _validate.integer("folds", folds, 2)
    seed = _validate.integer("seed", seed, 0)
    again = None if refit is None else checked_refit(refit, model)
    given = checked(model, dataset)
    data = as_the_network(model, given)
    sample = part(data, "train")
    assert sample is not None  # noqa: S101  a checked dataset has training samples
    model._network.check_inputs(sample.x)
    outside = Outside.of(sample.x, sample.y)
    with one_thread(), parts_of_one_fit():
        if method == "laplace":
            return LaplaceBars(model, outside, Laplace.fit(model, sample))
        if method == "conformal":
            return _conformal(model, data, sample, outside)
        if method == "ensemble":
            again = again or same_fit(model, new_start=True)
            return _ensemble(model, given, sample, outside, again, members, seed)
        again = again or same_fit(model, new_start=False)
        return _jackknife(model, given, sample, outside, again, folds, seed)


def _conformal(model: Estimator, data: Dataset, sample: Sample, outside: Outside) -> ConformalBars:
    held = part(data, "val")
    if held is not None and held.weight is not None:
        held = held.part(np.flatnonzero(held.weight > 0))
    if held is None or not len(held.y):
        raise ValueError(
            "the dataset has no val_input and val_label; 'conformal' needs rows that the fit did not use: "
            "fit to split_validation(dataset) and calibrate with it, or use method='jackknife+'."
        )
    if model._n_fitted is not None and model._n_fitted == len(sample.y) + len(held.y):
        raise ValueError(
            f"the model was fitted to {model._n_fitted} rows, as many as the training and validation rows of "
            "the dataset together; 'conformal' needs rows that the fit did not use. Give a schedule "
            "refit=False, or use method='laplace'."
        )
    model._network.check_inputs(held.x)
    laplace = _expected(model, sample)
    residual = np.abs(held.y - outputs(model, held.x))
    scores = residual / expected_deviation(model, held.x, laplace, outside)
    return ConformalBars(model, outside, laplace, np.sort(scores, axis=0))


def _ensemble(
    model: Estimator,
    given: Dataset,
    sample: Sample,
    outside: Outside,
    again: Refit,
    members: int,
    seed: int,
) -> EnsembleBars:
    laplace = _expected(model, sample)
    sequences = np.random.SeedSequence(seed).spawn(members)
    fitted = [again(given, int(own.generate_state(1)[0])) for own in sequences]
    return EnsembleBars(model, outside, fitted, laplace.noise_variance, laplace.freedom)


def _jackknife(
    model: Estimator, given: Dataset, sample: Sample, outside: Outside, again: Refit, folds: int, seed: int
) -> JackknifeBars:
    n_rows = len(sample.y)
    if n_rows < folds:
        raise ValueError(f"the dataset has {n_rows} training rows; expected one for each fold, {folds}.")
    order = np.random.default_rng(seed).permutation(n_rows)
    fold, residuals, members = np.empty(n_rows, dtype=np.intp), np.empty_like(sample.y), []
    for number, held in enumerate(np.array_split(order, folds)):
        kept = np.setdiff1d(order, held)
        members.append(again(_only(given, kept), seed))
        fold[held] = number
        residuals[held] = np.abs(sample.y[held] - outputs_of(members[-1], model, sample.x[held]))
    return JackknifeBars(model, outside, members, fold, residuals)


def _only(given: Dataset, rows: NDArray[np.intp]) -> Dataset:
    """The dataset with these training samples and no others."""
    names = ("input", "label", "weight")
    samples = {f"{split}_{name}" for split in ("train", "test", "val") for name in names}
    rest: dict[str, Any] = {key: value for key, value in given.items() if key not in samples}
    own = {f"train_{name}": given[f"train_{name}"][rows] for name in names if f"train_{name}" in given}
    return rest | own


def _expected(model: Estimator, sample: Sample) -> Laplace:
    """The deviations that are expected: of large models those of the noise alone."""
    if model.n_params <= MAX_PARAMS:
        return Laplace.fit(model, sample)
    n_rows, n_out = sample.y.shape
    freedom = max(n_rows - model.n_params / n_out, 1.0)
    square = np.average(np.square(sample.y - outputs(model, sample.x)), axis=0, weights=sample.weight)
    noise = np.maximum(square * n_rows / freedom, np.finfo(float).tiny)
    return Laplace(noise, np.full(n_out, freedom), np.zeros((model.n_params, 0)))

"""Making an anchor of a model and samples, and checking that one fits the model that is trained with it."""

from __future__ import annotations

import copy as copying
import hashlib
import json

import numpy as np

from kan_np import _validate
from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np.data.check import Dataset, check_dataset, without_idle_samples
from kan_np.data.scaler import Scaler
from kan_np.data.standardize import network_samples
from kan_np.objective.anchor_penalty import AnchorPenalty
from kan_np.objective.loss import Loss
from kan_np.objective.objective import SampledObjective
from kan_np.objective.shrinkage import WithSquares
from kan_np.objective.sparsity_penalty import Penalty
from kan_np.optimize.levenberg_marquardt import MAX_PARAMS
from kan_np.training.anchor import Anchor
from kan_np.training.cross_validation import LARGEST
from kan_np.training.estimator import Estimator
from kan_np.training.folds import Sample
from kan_np.training.labels import labelled_for
from kan_np.training.training_range import training_range


def anchored(
    model: Estimator, dataset: Dataset, previous: Anchor | None = None, ridge: float = 0.0
) -> Anchor:
    """The anchor of a model and the samples that it was fitted to; see ``KAN.anchor``."""
    ridge, loss = _validate.real("ridge", ridge, 0.0), model._loss
    if previous is not None:
        check_anchor(model, previous, loss, model.scaler)
    if model._is_untrained:
        raise ValueError(
            "the model was not fitted, or its fit left the mean of the labels; expected a fitted model, "
            "because an anchor keeps what a fit has found. Call model.fit(dataset) first."
        )
    if not loss.has_curvature:
        raise ValueError(
            "the model was fitted by a loss without second derivatives; expected one that returns its "
            "Hessian by the outputs, too, because an anchor is made of it."
        )
    if not 0 < model.n_params <= MAX_PARAMS:
        raise ValueError(
            f"the model has {model.n_params} trained parameters; expected 1 to {MAX_PARAMS}: an anchor "
            "is a matrix of as many rows."
        )
    sample, total = _samples(model, dataset)
    check_total(total)
    model._network.check_inputs(sample.x)
    matrix = _gauss_newton(model, sample)
    if previous is None:
        _add_prior(model, sample, matrix)
    matrix[np.diag_indices_from(matrix)] += ridge * matrix.diagonal().mean()
    curvature = total * loss.divided_by * matrix
    limits, weight, n_phases = training_range(sample.x), total, 1
    if previous is not None:
        curvature += previous.curvature
        both = np.concatenate([limits, previous.limits])
        limits, weight, n_phases = training_range(both), total + previous.weight, previous.n_phases + 1
    return Anchor(
        model._theta, curvature, weight, n_phases, limits, loss.described(), digest_of(model, model.scaler)
    )


def _samples(model: Estimator, dataset: Dataset) -> tuple[Sample, float]:
    """The training samples as the network sees them, and the sum of their weights."""
    dataset, data = network_data(model, dataset)
    total = total_weight(dataset, data)
    data = without_idle_samples(data)
    sample = Sample(data["train_input"], data["train_label"], data.get("train_weight"), model._loss)
    return sample, total


def network_data(model: Estimator, dataset: Dataset) -> tuple[Dataset, Dataset]:
    """A dataset with its columns matched by the names of a model, and checked as the network sees it."""
    if isinstance(dataset, dict):
        dataset = labelled_for(model._loss, model._matched(dataset), model.width[-1])
    data = check_dataset(dataset, model.width[0], model.width[-1])
    if "scaler" in data and digest_of(model, data["scaler"]) != digest_of(model, model.scaler):
        raise ValueError(
            "the dataset is standardised in another way than the one that the model was fitted to; expected "
            "samples in the units of the data, or a dataset with the same 'scaler'."
        )
    return dataset, network_samples(data, None, model.scaler, is_new=False)


def total_weight(dataset: Dataset, data: Dataset) -> float:
    """Sum of the weights of the training samples in the dataset's own size, which `data` no longer has."""
    if dataset.get("train_weight") is None:
        return float(len(data["train_label"]))
    with np.errstate(over="ignore"):  # of weights that are so large only an anchor would ask for the sum
        return float(np.sum(np.asarray(dataset["train_weight"], dtype=np.float64)))


def check_total(total: float) -> None:
    """Raise ValueError for a sum of sample weights by which nothing can be multiplied."""
    if not np.isfinite(total):
        raise ValueError(
            "the sum of dataset['train_weight'] exceeds the range of float64; expected smaller weights: with "
            "an anchor their size counts, compared with those of earlier phases."
        )


def _gauss_newton(model: Estimator, sample: Sample) -> FloatArray:
    """Gauss-Newton matrix of the mean loss at the parameters of the model, both triangles."""
    x = model._within(sample.x)
    with one_thread(), np.errstate(all="ignore"):
        objective = model._objective(x, sample.y, Penalty(), sample.weight, 0.0, sample.loss)
        lower = objective.normal_equations(model._theta)[2]
        matrix = np.tril(lower) + np.tril(lower, -1).T
    if not np.isfinite(matrix).all():
        raise ValueError(
            "the derivatives of the model by its parameters are not finite on the samples; expected a fit "
            "that has not diverged."
        )
    return np.asarray(matrix)


def _add_prior(model: Estimator, sample: Sample, matrix: FloatArray) -> None:
    """Add the curvature of the prior that fits of the model to few samples have chosen."""
    shrinkage = model._shrinkage
    if shrinkage is not None and 0.0 < shrinkage < np.inf:
        model._prior(sample.x, sample.weight, sample.spread).add_curvature(matrix, min(shrinkage, LARGEST))


def check_anchor(model: Estimator, anchor: object, loss: Loss, scaler: Scaler | None) -> None:
    """Raise unless an anchor belongs to the parameters of a model, and to samples of this loss and scaler.

    Raises
    ------
    TypeError
        For something else than an anchor.
    ValueError
        For one of another model, of other grids, edges, frozen parameters or units, and of another loss.
    """
    if not isinstance(anchor, Anchor):
        raise TypeError(f"anchor is {_validate.shown(anchor)}; expected an Anchor, as model.anchor makes it.")
    remedy = (
        "Pruned, refined or otherwise changed models need an anchor of their own, made by "
        "model.anchor(earlier samples) after the change."
    )
    if anchor.n_params != model.n_params:
        raise ValueError(
            f"the anchor is of {anchor.n_params} parameters, the model has {model.n_params}; expected an "
            f"anchor of the same parameters. {remedy}"
        )
    if anchor.digest != digest_of(model, scaler):
        raise ValueError(
            "the anchor is of a model with other edges, grids, frozen parameters or units of the data "
            f"(scaler), in which the parameters mean something else; expected one of this model. {remedy}"
        )
    if anchor.loss != loss.described():
        raise ValueError(
            f"the anchor is of a fit with loss={anchor.loss.get('name')!r}, this one has "
            f"loss={loss.described()['name']!r}; expected the same loss and options, because their values "
            "are added."
        )


def digest_of(model: Estimator, scaler: Scaler | None) -> str:
    """A checksum of all of a model but the values of its trained parameters."""
    bare = copying.copy(model)
    bare._network = model._network.with_theta(np.zeros(model.n_params))
    found = hashlib.sha256(json.dumps([type(model).__name__, bare._config()], sort_keys=True).encode())
    arrays = bare._arrays() | ({} if scaler is None else scaler.to_arrays())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype.str} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def with_anchor(objective: SampledObjective, anchor: Anchor, total: float, loss: Loss) -> WithSquares:
    """The mean loss of samples of the weight `total` + the penalty of an anchor."""
    penalty = AnchorPenalty(anchor.theta, anchor.curvature)
    return WithSquares(objective, penalty, 1.0 / (total * loss.divided_by))

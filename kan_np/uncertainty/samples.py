"""The samples of a dataset, and rows to predict, as the network of a model sees them."""

from __future__ import annotations

from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.data.check import Dataset, check_dataset, without_idle_samples
from kan_np.data.scaler import Scaler
from kan_np.data.standardize import network_samples
from kan_np.training.estimator import Estimator
from kan_np.training.folds import Sample


def checked(model: Estimator, dataset: Dataset) -> Dataset:
    """The dataset as a fit of the model takes it, in the units that it has.

    Raises
    ------
    ValueError, TypeError
        As ``fit``, and for a dataset that was standardised in another way than that of the fit.
    """
    if isinstance(dataset, dict):
        dataset = model._matched(dataset)
    data = check_dataset(dataset, model.width[0], model.width[-1])
    if "scaler" in data and not _same(data["scaler"], model.scaler):
        raise ValueError(
            "the dataset is standardised in another way than the one that the model was fitted to; expected "
            "the dataset of the fit, samples in the units of the data, or a dataset with the same 'scaler'."
        )
    return without_idle_samples(data)


def as_the_network(model: Estimator, data: Dataset) -> Dataset:
    """A checked dataset with samples as the network of the model sees them."""
    return network_samples(data, None, model.scaler, is_new=False)


def part(data: Dataset, split: str) -> Sample | None:
    """The samples of a split of a checked dataset; None without such."""
    if f"{split}_input" not in data:
        return None
    return Sample(data[f"{split}_input"], data[f"{split}_label"], data.get(f"{split}_weight"))


def outputs(model: Estimator, x: FloatArray) -> FloatArray:
    """What the network gives for samples as it sees them: (n_samples, n_in) -> (n_samples, n_out)."""
    with np.errstate(over="ignore", invalid="ignore"):  # far outside the samples
        return model._network.forward(model._within(x))


def outputs_of(member: Estimator, model: Estimator, x: FloatArray) -> FloatArray:
    """What another model says to rows as the network of `model` sees them, in the units of its outputs."""
    own, other = model.scaler, member.scaler
    if _same(own, other):
        return outputs(member, x)
    raw = x if own is None else x * own.input_scale + own.input_shift
    y = outputs(member, raw if other is None else other.scale_input(raw))
    y = y if other is None else other.unscale_label(y)
    return y if own is None else own.scale_label(y)


def network_inputs(model: Estimator, x: Any) -> FloatArray:
    """Rows in the units of the data as the network sees them."""
    rows = model._samples(x)
    model._network.check_inputs(rows)
    return rows


def label_scale(model: Estimator) -> FloatArray:
    """The unit of the outputs of the network in the units of the data, (n_out,)."""
    return np.ones(model.width[-1]) if model.scaler is None else model.scaler.label_scale


def _same(given: Scaler | None, own: Scaler | None) -> bool:
    if given is None or own is None:
        return given is own
    pairs = zip(given.to_arrays().values(), own.to_arrays().values(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)

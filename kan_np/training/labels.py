"""Labels of a dataset as a loss has them: classes become columns, counts are not standardised."""

from __future__ import annotations

import numpy as np

from kan_np.data.check import Dataset
from kan_np.data.scaler import Scaler
from kan_np.objective.loss import Loss

#: Labels that were standardised and brought back are whole numbers if they are as near to one.
_WHOLE = 1e-9


def labelled_for(loss: Loss, dataset: Dataset, n_out: int) -> Dataset:
    """The dataset with the labels of all splits as ``loss.labels`` makes them.

    Where the loss is one of classes or counts and the scaler of the dataset standardised the labels, they are
    brought back, and the scaler leaves outputs as they are.

    Raises
    ------
    ValueError, TypeError
        For labels that the loss is not for.
    """
    if loss.is_squares or not isinstance(dataset, dict):
        return dataset
    dataset, scaler = dict(dataset), None
    if loss.of_raw_labels and isinstance(dataset.get("scaler"), Scaler):
        scaler = dataset["scaler"]
    for split in ("train", "test", "val"):
        name = f"{split}_label"
        if dataset.get(name) is None:
            continue
        labels = dataset[name]
        if scaler is not None and np.shape(labels)[1:] == scaler.label_shift.shape:
            labels = scaler.unscale_label(labels)
            whole = np.round(labels)
            labels = np.where(
                np.abs(labels - whole) <= _WHOLE * np.maximum(1.0, np.abs(whole)), whole, labels
            )
        dataset[name] = loss.labels(f"dataset[{name!r}]", labels, n_out)
    if scaler is not None:
        shift, scale = scaler.input_shift, scaler.input_scale
        dataset["scaler"] = Scaler(shift, scale, np.zeros(n_out), np.ones(n_out))
    names = dataset.get("target_names")
    if loss.of_raw_labels and names is not None and len(names) != n_out:  # a column of classes has one name
        dataset["target_names"] = None
    return dataset

"""Checks of the dataset that is passed to a fit: a dict of arrays of matching shapes and finite values."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.columns import Columns, without_tables
from kan_np.data.scaler import Scaler
from kan_np.data.standardize import checked_wish

#: A dict with train_input (n, n_in), train_label (n, n_out) and optional sample weights train_weight (n,);
#: likewise test_* and val_*, both optional, all in the units of the data. "standardize" says whether models
#: standardise them inside. Further keys such as "feature_names" and "target_names" describe the data; a
#: "scaler" is that of samples which were standardised before (`kan_np.data.standardize.standardized`).
Dataset = dict[str, Any]


def check_dataset(dataset: Dataset, n_in: int, n_out: int) -> Dataset:
    """Return the samples of `dataset` as finite C-contiguous float64 arrays of the expected widths.

    Columns of data frames are matched by the names in the training table; the names are kept in the result.

    Raises
    ------
    TypeError
        If it is not a dict of arrays.
    ValueError
        If samples or names are missing, do not match each other or the model, or samples are not finite.
    """
    if not isinstance(dataset, dict):
        raise TypeError(
            f"dataset is a {type(dataset).__name__}; expected a dict with train_input and train_label, "
            "as create_dataset or dataset_from_arrays make it."
        )
    dataset = without_tables(dataset)
    checked: Dataset = {}
    for split in ("train", "test", "val"):
        names = (f"{split}_input", f"{split}_label")
        missing = [name for name in names if dataset.get(name) is None]
        if len(missing) == 2 and split != "train":
            continue
        if missing:
            raise ValueError(
                f"dataset has no {' and no '.join(missing)}; it has {sorted(dataset)}. "
                "Make it with create_dataset or dataset_from_arrays."
            )
        for name, n_columns in zip(names, (n_in, n_out), strict=True):
            checked[name] = _validate.matrix(f"dataset[{name!r}]", dataset[name], n_columns)
        n_inputs, n_labels = (checked[name].shape[0] for name in names)
        if n_inputs != n_labels:
            raise ValueError(
                f"dataset[{names[0]!r}] has {n_inputs} samples and dataset[{names[1]!r}] has {n_labels}; "
                "expected the same number, one row of labels for each sample."
            )
        if dataset.get(f"{split}_weight") is not None:
            checked[f"{split}_weight"] = check_weight(
                f"dataset[{split + '_weight'!r}]", dataset[f"{split}_weight"], n_inputs
            )
    scaler = dataset.get("scaler")
    if scaler is not None:
        if not isinstance(scaler, Scaler):
            raise TypeError(
                f"dataset['scaler'] is a {type(scaler).__name__}; expected a kan_np.Scaler or None."
            )
        sizes = (scaler.input_shift.size, scaler.label_shift.size)
        if sizes != (n_in, n_out):
            raise ValueError(
                f"dataset['scaler'] is for {sizes} inputs and outputs; expected {(n_in, n_out)}."
            )
        checked["scaler"] = scaler
    if dataset.get("standardize") is not None:
        checked["standardize"] = checked_wish(dataset["standardize"])
    if "label_unit" in dataset:  # of a schedule, whose fits get samples that it standardised
        checked["label_unit"] = dataset["label_unit"]
    return checked | Columns.of(dataset, n_in, n_out).described()


def check_weight(name: str, value: ArrayLike, n_samples: int) -> FloatArray:
    """Return sample weights of shape (n_samples,): not negative, not all zero, scaled to a largest of 1.

    Raises
    ------
    ValueError, TypeError
        If they are something else.
    """
    weight = _validate.vector(name, value)
    if weight.size != n_samples:
        raise ValueError(f"{name} has {weight.size} values; expected {n_samples}, one for each sample.")
    if weight.min() < 0 or weight.max() == 0:
        raise ValueError(
            f"{name} has values from {weight.min():g} to {weight.max():g}; expected weights that are not "
            "negative and not all zero."
        )
    return weight / weight.max()  # so that their sum cannot overflow; only their ratios matter


def without_idle_samples(data: Dataset) -> Dataset:
    """A checked dataset without the training samples of weight 0, which have no effect on a fit."""
    weight = data.get("train_weight")
    if weight is None or weight.min() > 0:
        return data
    names = ("train_input", "train_label", "train_weight")
    return data | {name: data[name][weight > 0] for name in names}

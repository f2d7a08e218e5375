"""What discover is given, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.data.check import Dataset, check_dataset
from kan_np.data.columns import Columns, without_tables
from kan_np.data.dataset import split_validation
from kan_np.discovery.training import Data
from kan_np.functions.variables import checked_variables

#: A line has two constants; with two samples more than that a formula can be wrong and be seen to be.
LEAST_SAMPLES = 4


def checked_data(dataset: Dataset, seed: int) -> tuple[Data, Columns]:
    """The training and validation samples of a dataset, and the names of its columns.

    Raises
    ------
    ValueError, TypeError
        If they cannot be used, or are fewer than four.
    """
    if not isinstance(dataset, dict):
        raise TypeError(
            f"dataset is a {type(dataset).__name__}; expected a dict with train_input, train_label."
        )
    dataset = without_tables(dataset)
    n = sum(_rows(dataset, f"{split}_input") for split in ("train", "val"))
    if 0 < n < LEAST_SAMPLES:
        raise ValueError(
            f"the dataset has {n} samples to search; expected at least {LEAST_SAMPLES}, and some dozens for "
            "more than a line: any formula of as many numbers meets them."
        )
    given = dataset if dataset.get("val_input") is not None else _split(dataset, seed)
    n_in = np.shape(given["train_input"])[1] if np.ndim(given["train_input"]) == 2 else 1
    shape = np.shape(given.get("train_label"))  # type: ignore[arg-type]
    checked = check_dataset(given, n_in, max(shape[1], 1) if len(shape) == 2 else 1)
    data = Data(checked["train_input"], checked["train_label"], checked["val_input"], checked["val_label"])
    return data, Columns.of(checked, n_in, data.y.shape[1])


def checked_names(var: Sequence[Any] | None, n_in: int) -> None:
    """Say what is wrong with the names of the inputs."""
    if var is not None:
        checked_variables(var, n_in)


def physical(data: Data, scaler: Any) -> tuple[FloatArray, FloatArray]:
    """All samples (n, n_in) and labels (n,), in the units that a scaler was fitted in."""
    x, y = np.concatenate([data.x, data.val_x]), np.concatenate([data.y, data.val_y])
    if scaler is not None:
        x, y = x * scaler.input_scale + scaler.input_shift, y * scaler.label_scale + scaler.label_shift
    return x, y[:, 0]


def _rows(dataset: Dataset, name: str) -> int:
    value = dataset.get(name)
    return 0 if value is None or np.ndim(value) == 0 else len(value)


def _split(dataset: Dataset, seed: int) -> Dataset:
    without = {key: value for key, value in dataset.items() if key not in ("val_input", "val_label")}
    return split_validation(without, 0.2, seed)

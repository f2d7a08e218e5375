"""Where units change: samples in the units of the data become the standardised numbers of networks.

A network starts with parameters for numbers of order one. Samples that are far from one are therefore
standardised (see `Scaler`) before a fit, and the scaler becomes part of the model, which takes and gives the
units of the data. Samples of order one are left as they are, to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray, shown
from kan_np.data.scaler import Scaler

#: What a dataset may ask for under "standardize": which sides are brought to mean 0 and standard deviation 1.
WISHES = (True, False, "inputs", "labels")
#: A spread within these limits is of order one, and a mean within so many times the spread, or one. A decade
#: inside the scales from which on starts fail (`kan_np.training.diagnosis`), chosen by judgement: the usual
#: test functions lie within, and kelvins, pascals, years, electronvolts in joules outside.
LEAST_SPREAD, LARGEST_SPREAD, LARGEST_MEAN = 1e-2, 1e2, 1e1
#: A column whose spread is below this part of its size is one number.
_CONSTANT = 1e-12

Samples = Mapping[str, Any]


def far_from_one(columns: FloatArray) -> NDArray[np.bool_]:
    """Which columns of (n, n_columns) have a spread or a mean that is far from one.

    Examples
    --------
    >>> far_from_one(np.array([[-1.0, 1e14, 2019.0], [1.0, 3e14, 2021.0]])).tolist()
    [False, True, True]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.abs(columns).max(axis=0)
        unit = np.where(size > 0, size, 1.0)  # squares of very large or small numbers leave the range
        mean, spread = unit * (columns / unit).mean(axis=0), unit * (columns / unit).std(axis=0)
    varies = spread > _CONSTANT * size
    off_centre = np.abs(mean) > LARGEST_MEAN * np.maximum(spread, 1.0)
    return np.asarray(off_centre | (varies & ((spread < LEAST_SPREAD) | (spread > LARGEST_SPREAD))))


def chosen_scaler(data: Samples, wish: bool | str | None = None, with_labels: bool = True) -> Scaler | None:
    """The scaler for checked training samples; None where they are left as they are.

    Parameters
    ----------
    data : mapping
        train_input, train_label, and where there are such train_weight: rows of weight 0 do not count.
    wish : bool or str, optional
        One of `WISHES`. None standardises the inputs if any of them is far from one, and the labels likewise.
    with_labels : bool
        False leaves labels as they are, whatever the wish.
    """
    x, y, weight = data["train_input"], data["train_label"], data.get("train_weight")
    if weight is not None:
        x, y = x[weight > 0], y[weight > 0]
    if wish is not None:
        inputs, labels = wish in (True, "inputs"), wish in (True, "labels") and with_labels
        return Scaler.fit(x, y, scale_inputs=inputs, scale_labels=labels) if inputs or labels else None
    inputs, labels = bool(far_from_one(x).any()), with_labels and bool(far_from_one(y).any())
    if not (inputs or labels):
        return None
    try:
        return Scaler.fit(x, y, scale_inputs=inputs, scale_labels=labels)
    except ValueError:  # numbers near the end of the range of doubles: the fit will say so
        return None


def checked_wish(value: object) -> bool | str:
    """What a dataset asks for under "standardize".

    Raises
    ------
    ValueError
        If it is not one of `WISHES`.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str) and value in WISHES:
        return value
    raise ValueError(
        f"dataset['standardize'] is {shown(value)}; expected True, False, 'inputs' or 'labels', or no such "
        "key: samples are then standardised where they are far from one."
    )


def scaled_samples(data: Samples, scaler: Scaler) -> dict[str, Any]:
    """A dataset whose samples, all its splits, are standardised by a scaler, which it then has."""
    scaled = {key: value for key, value in data.items() if key != "standardize"}
    for split in ("train", "test", "val"):
        if data.get(f"{split}_input") is not None:
            scaled[f"{split}_input"] = scaler.scale_input(data[f"{split}_input"])
            scaled[f"{split}_label"] = scaler.scale_label(data[f"{split}_label"])
    return scaled | {"scaler": scaler}


def standardized(dataset: Samples) -> dict[str, Any]:
    """Return a dataset of standardised samples, for programs that cannot standardise by themselves.

    Models of kan_np need it not: they take the units of the data, and standardise inside. A model that is
    fitted on such a dataset keeps its scaler, and takes and gives the units that were there before.

    Parameters
    ----------
    dataset : mapping
        As `load_csv`, `create_dataset` and `dataset_from_arrays` make it; it is not changed. What it asks for
        under "standardize" is done; without such a key inputs and labels are standardised.

    Returns
    -------
    dict
        With ``scaler``, a `Scaler` with the mean and the standard deviation of the training rows. A dataset
        that has one already is returned as it is.

    Raises
    ------
    ValueError
        If ``dataset["standardize"]`` is something else than True, False, "inputs" or "labels".

    Examples
    --------
    >>> from kan_np import dataset_from_arrays
    >>> dataset = standardized(dataset_from_arrays([1.0, 3.0], [10.0, 30.0], [2.0], [40.0]))
    >>> dataset["train_input"].ravel().tolist(), dataset["test_label"].ravel().tolist()
    ([-1.0, 1.0], [2.0])
    """
    if dataset.get("scaler") is not None:
        return dict(dataset)
    scaler = chosen_scaler(dataset, checked_wish(dataset.get("standardize", True)))
    return dict(dataset) if scaler is None else scaled_samples(dataset, scaler)


def network_samples(
    data: Samples,
    standardize: bool | None,
    own: Scaler | None,
    is_new: bool,
    labels: str = "far",
) -> dict[str, Any]:
    """The samples of a checked dataset as a network is trained on them.

    Parameters
    ----------
    data : mapping
        In the units of the data, unless it has a ``scaler``: then it is standardised already, and returned as
        it is.
    standardize : bool, optional
        The user's word; None leaves it to the dataset, or else to the samples.
    own : Scaler, optional
        That of a model which was fitted before.
    is_new : bool
        Whether a scaler may be chosen: the parameters of a trained model belong to the numbers it had.
    labels : {"far", "kept", "never"}
        "far": like the inputs. "kept": a scaler that is chosen leaves labels as they are. "never": so does
        that of the model from now on, for classes and counts.

    Returns
    -------
    dict
        If the samples were standardised here, with ``scaler`` and with ``label_unit``, (n_out,): the unit of
        the labels, by which errors are to be multiplied.
    """
    wish = data.get("standardize") if standardize is None else standardize
    if "scaler" in data:
        return dict(data)
    scaler = own if own is None or labels != "never" else _of_inputs_alone(own)
    if own is None and is_new:
        scaler = chosen_scaler(data, wish, with_labels=labels == "far")
    if scaler is None:
        return {key: value for key, value in data.items() if key != "standardize"}
    return scaled_samples(data, scaler) | {"label_unit": scaler.label_scale}


def _of_inputs_alone(scaler: Scaler) -> Scaler:
    """The same without the labels."""
    shift, scale = np.zeros_like(scaler.label_shift), np.ones_like(scaler.label_scale)
    return Scaler(scaler.input_shift, scaler.input_scale, shift, scale)


def common_unit(data: Samples) -> float | None:
    """The unit of the labels of `network_samples`, 1 where they have none; None if outputs have several."""
    unit = data.get("label_unit")
    if unit is None:
        return 1.0
    return float(unit[0]) if (unit == unit[0]).all() else None

"""Datasets: sampled from a function, or taken from arrays, and how they are split.

A dataset is a plain dictionary of C-contiguous float64 arrays: ``train_input`` (n, n_var), ``train_label``
(n, n_out), ``test_input``, ``test_label``, and where there is a validation split ``val_input`` and
``val_label``, all in the units of the data. Optional further keys: ``standardize`` says that models
standardise them inside (`kan_np.data.standardize`), ``feature_names`` and ``target_names`` name the columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np._arguments import DATASET, explained
from kan_np._memory import check_memory
from kan_np._validate import FloatArray, choice, integer, matrix, real, shown
from kan_np.data.check import Dataset, check_weight

# Splits have a random stream of their own: with the plain seed the same random bits would generate the
# samples and choose among them, and the held-out rows would not be a random subset.
_SPLIT_STREAM = 1


@explained(DATASET)
def create_dataset(
    f: Callable[[Any], ArrayLike],
    n_var: int = 2,
    f_mode: str = "col",
    ranges: ArrayLike = (-1, 1),
    train_num: int = 1000,
    test_num: int = 1000,
    normalize_input: bool = False,
    normalize_label: bool = False,
    seed: int = 0,
) -> Dataset:
    """Sample `f` uniformly in a box, as pykan's function of the same name.

    With ``U = numpy.random.default_rng(seed).random((train_num + test_num, n_var))`` the inputs are
    ``lo + (hi - lo) * U``; the first `train_num` rows are the training samples. (The points are not those of
    pykan, which draws from torch's global generator.)

    Parameters
    ----------
    f : callable
        The function. ``f_mode="col"`` passes it an array (n, n_var), so that a variable is ``x[:, [0]]``;
        ``f_mode="row"`` an array (n_var, n), so that a variable is ``x[0]``. It returns (n,) or (n, n_out).
    n_var : int
        Number of input variables.
    f_mode : {"col", "row"}
    ranges : array_like, shape (2,) or (n_var, 2)
        Lowest and highest value, of all variables or of each.
    train_num, test_num : int
        Number of samples.
    normalize_input, normalize_label : bool
        Let models bring each column to mean 0 and standard deviation 1 of the training samples, inside: the
        samples themselves, predictions and errors stay in the units of `f`. `standardized` returns the
        normalised arrays. If both are False models do so only where columns are far from one.
    seed : int
        Seed of a local generator; the global random state is not touched.

    Returns
    -------
    dict
        ``train_input``, ``train_label``, ``test_input``, ``test_label``, and ``standardize`` if normalised.

    Raises
    ------
    ValueError, TypeError
        If an option is out of range, or `f` returns a wrong shape, NaN, infinity or complex numbers.

    Examples
    --------
    >>> f = lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)
    >>> dataset = create_dataset(f, n_var=2, train_num=100)
    >>> dataset["train_input"].shape, dataset["test_label"].shape
    ((100, 2), (1000, 1))
    """
    if not callable(f):
        raise TypeError(f"f is {shown(f)}; expected a function of an array (see f_mode).")
    n_var = integer("n_var", n_var, 1)
    f_mode = choice("f_mode", f_mode, ("col", "row"))
    train_num, test_num = integer("train_num", train_num, 1), integer("test_num", test_num, 1)
    _check_samples(train_num + test_num, n_var)
    box = _box(ranges, n_var)
    _, points = sample_box(train_num + test_num, box, seed)
    train_label = _call(f, points[:train_num], f_mode)
    test_label = _call(f, points[train_num:], f_mode)
    if test_label.shape[1] != train_label.shape[1]:
        raise ValueError(
            f"f returned {train_label.shape[1]} columns for the training samples and "
            f"{test_label.shape[1]} for the test samples; expected the same number of outputs."
        )
    dataset: Dataset = {
        "train_input": points[:train_num].copy(),
        "train_label": train_label,
        "test_input": points[train_num:].copy(),
        "test_label": test_label,
    }
    if normalize_input or normalize_label:
        dataset["standardize"] = (
            True if normalize_input and normalize_label else ("inputs" if normalize_input else "labels")
        )
    return dataset


def dataset_from_arrays(
    train_input: ArrayLike,
    train_label: ArrayLike,
    test_input: ArrayLike | None = None,
    test_label: ArrayLike | None = None,
    *,
    val_input: ArrayLike | None = None,
    val_label: ArrayLike | None = None,
    test_fraction: float = 0.2,
    val_fraction: float = 0.0,
    standardize: bool = False,
    seed: int = 0,
) -> Dataset:
    """Make a dataset from arrays, which are copied and never changed.

    Given test (or validation) arrays are used as they are. Without test arrays the fraction `test_fraction`
    of the rows is held out at random as test split, and `val_fraction` as validation split. A split keeps the
    order of its rows.

    Parameters
    ----------
    train_input, test_input, val_input : array_like, shape (n, n_var)
    train_label, test_label, val_label : array_like, shape (n, n_out) or (n,)
    test_fraction, val_fraction : float
        Fractions of the rows of `train_input`, rounded to whole rows (at least 1). `test_fraction` is not
        used if test arrays are given.
    standardize : bool
        Let models bring inputs and labels to mean 0 and standard deviation 1 of the training rows, inside:
        the samples themselves, predictions and errors stay in the units of the data. If False models do so
        only where columns are far from one.
    seed : int
        Seed of the splits.

    Returns
    -------
    dict
        A dataset; see the docstring of `kan_np.data.dataset`.

    Raises
    ------
    ValueError, TypeError
        If rows or columns do not match, values are not finite, or there are too few rows to split.

    Examples
    --------
    >>> x = np.linspace(0, 1, 10)
    >>> dataset = dataset_from_arrays(x, x**2, test_fraction=0.3)
    >>> dataset["train_input"].shape, dataset["test_label"].shape
    ((7, 1), (3, 1))
    """
    x, y = _pair("train", train_input, train_label)
    test = _optional_pair("test", test_input, test_label, x.shape[1], y.shape[1])
    val = _optional_pair("val", val_input, val_label, x.shape[1], y.shape[1])
    if val is not None and val_fraction != 0:
        raise ValueError(
            f"val_fraction is {val_fraction}, and val_input is given too; expected one of them. "
            "Leave val_fraction at 0 to use the given validation arrays."
        )
    held_test = 0.0 if test is not None else _fraction("test_fraction", test_fraction)
    held_val = 0.0 if val_fraction == 0 else _fraction("val_fraction", val_fraction)
    rows, test_rows, val_rows = split_rows(x.shape[0], (held_test, held_val), seed)
    if test is None:
        test = x[test_rows], y[test_rows]
    if held_val:
        val = x[val_rows], y[val_rows]
    dataset: Dataset = {
        "train_input": x[rows],
        "train_label": y[rows],
        "test_input": test[0],
        "test_label": test[1],
    }
    if val is not None:
        dataset["val_input"], dataset["val_label"] = val
    if standardize:
        dataset["standardize"] = True
    return dataset


def create_dataset_from_data(
    inputs: ArrayLike, labels: ArrayLike, train_ratio: float = 0.8, seed: int = 0
) -> Dataset:
    """Split samples at random into training and test samples; pykan's ``create_dataset_from_data``.

    `dataset_from_arrays` does the same and more.

    Parameters
    ----------
    inputs : array_like of shape (n, n_var)
    labels : array_like of shape (n, n_out) or (n,)
    train_ratio : float
        Part of the rows that become training samples, rounded to whole rows; at least 1 of either kind.
    seed : int
        Of the split, which leaves the global random state alone.

    Returns
    -------
    dict
        ``train_input``, ``train_label``, ``test_input`` and ``test_label``.

    Raises
    ------
    ValueError, TypeError
        As `dataset_from_arrays`.

    Examples
    --------
    >>> x = np.linspace(0, 1, 10)
    >>> create_dataset_from_data(x, x**2)["train_input"].shape
    (8, 1)
    """
    held = 1.0 - _fraction("train_ratio", train_ratio)
    return dataset_from_arrays(inputs, labels, test_fraction=held, seed=seed)


def dataset_of_parts(parts: Mapping[str, tuple[FloatArray, FloatArray]], standardize: bool) -> Dataset:
    """Make a dataset from checked inputs and labels of each part; "train" is required, other parts optional.

    Examples
    --------
    >>> x = np.arange(3.0)[:, None]
    >>> dataset_of_parts({"train": (x, 2.0 * x)}, standardize=True)["standardize"]
    True
    """
    dataset: Dataset = {}
    for part, (inputs, labels) in parts.items():
        dataset[f"{part}_input"] = np.ascontiguousarray(inputs)
        dataset[f"{part}_label"] = np.ascontiguousarray(labels)
    if standardize:
        dataset["standardize"] = True
    return dataset


def split_validation(dataset: Mapping[str, Any], fraction: float = 0.2, seed: int = 0) -> Dataset:
    """Return a new dataset in which a random fraction of the training rows became the validation split.

    Everything else is copied.

    Parameters
    ----------
    dataset : mapping
        Has ``train_input`` and ``train_label``, and no validation split yet. It is not changed. Rows whose
        ``train_weight`` is 0 are left out of both splits.
    fraction : float
        Fraction of the training rows to hold out, in (0, 1), rounded to whole rows (at least 1).
    seed : int
        Seed of the choice.

    Raises
    ------
    ValueError
        If there is a validation split already, or there are too few rows.

    Examples
    --------
    >>> dataset = create_dataset(lambda x: x[:, [0]], n_var=1, train_num=50)
    >>> held = split_validation(dataset, 0.2)
    >>> held["train_input"].shape, held["val_input"].shape
    ((40, 1), (10, 1))
    """
    for key in ("train_input", "train_label"):
        if key not in dataset:
            raise ValueError(f"the dataset has no {key!r}; expected it, see dataset_from_arrays.")
    if "val_input" in dataset or "val_label" in dataset:
        raise ValueError("the dataset has a validation split already; expected none. Use it as it is.")
    x, y = _pair("train", dataset["train_input"], dataset["train_label"])
    weight = dataset.get("train_weight")
    if weight is not None:
        weight = check_weight("dataset['train_weight']", weight, x.shape[0])
    counted = np.arange(x.shape[0]) if weight is None else np.flatnonzero(weight)
    rows, held = (
        counted[part] for part in split_rows(counted.size, (_fraction("fraction", fraction),), seed)
    )
    split = {"train_input": x[rows], "train_label": y[rows], "val_input": x[held], "val_label": y[held]}
    if weight is not None:
        split |= {"train_weight": weight[rows], "val_weight": weight[held]}
    return {**dataset, **split}


def sample_box(n: int, box: FloatArray, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return `n` uniform samples U of the unit cube and Z = lo + (hi - lo) U of the box, both (n, n_var)."""
    _check_samples(n, box.shape[0])
    low, high = box[:, 0], box[:, 1]
    unit = np.random.default_rng(integer("seed", seed, 0)).random((n, box.shape[0]))
    return unit, low + (high - low) * unit


def _check_samples(n: int, n_var: int) -> None:
    """Raise ValueError if n samples do not fit in memory; U, Z and a copy of each part are needed."""
    check_memory(f"{n} samples of {n_var} variables", 8 * n * (3 * n_var + 1), "Make fewer of them.")


def split_rows(n: int, fractions: Sequence[float], seed: int) -> list[NDArray[np.intp]]:
    """Split range(n) at random: the remaining rows first, then one sorted part for each fraction.

    A fraction above 0 gets round(fraction * n) rows, at least 1; at least 1 row must remain.
    """
    seed = integer("seed", seed, 0)
    sizes = [max(1, round(fraction * n)) if fraction > 0 else 0 for fraction in fractions]
    # Rounding may leave one row although the fractions add up to 1 or more: both are checked.
    if sum(sizes) >= n or sum(fractions) >= 1:
        shares = " and ".join(f"{fraction:g}" for fraction in fractions if fraction > 0)
        raise ValueError(
            f"{n} rows cannot be split: holding out {shares} of them leaves none to train on; expected at "
            "least 1 training row. Use more rows or smaller fractions."
        )
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_SPLIT_STREAM,)))
    order = generator.permutation(n) if any(sizes) else np.arange(n)
    parts = np.split(order, np.cumsum(sizes))
    return [np.sort(part) for part in (parts[-1], *parts[:-1])]


def _call(f: Callable[[Any], ArrayLike], points: FloatArray, f_mode: str) -> FloatArray:
    """Return f(points) as (n, n_out); raise ValueError for a result of another shape or type."""
    n = points.shape[0]
    # f gets a copy, which it may overwrite. Its floating-point warnings would only announce the error below.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = np.asarray(f(points.copy() if f_mode == "col" else points.T.copy()))
    if value.ndim not in (1, 2) or value.shape[0] != n:
        shape = "(n, n_var)" if f_mode == "col" else "(n_var, n)"
        hint = " Transpose what it returns." if value.ndim == 2 and value.shape[1] == n else ""
        raise ValueError(
            f"f returned an array of shape {value.shape} for {n} samples; expected ({n},) or ({n}, n_out). "
            f"With f_mode={f_mode!r} it is called with an array of shape {shape}.{hint}"
        )
    if value.dtype.kind in "biuf":
        bad = ~np.isfinite(value).reshape(n, -1).all(axis=1)
        if bad.any():
            first = int(np.argmax(bad))
            raise ValueError(
                f"f returned NaN or infinity for {int(bad.sum())} of {n} samples, the first at "
                f"x = {shown(points[first].tolist())}; expected finite values. Choose ranges where f is "
                "finite."
            )
    return matrix("the value of f", value).copy()


def _box(ranges: ArrayLike, n_var: int) -> FloatArray:
    """Return `ranges` as (n_var, 2), checked."""
    expected = f"expected (low, high), or {n_var} such pairs, one per variable"
    try:
        box = np.array(ranges, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"ranges is {shown(ranges)}; {expected}.") from None
    if box.shape == (2,):
        box = np.tile(box, (n_var, 1))
    if box.shape != (n_var, 2):
        raise ValueError(f"ranges has shape {box.shape}; {expected}.")
    if not np.isfinite(box).all() or (box[:, 0] >= box[:, 1]).any():
        raise ValueError(f"ranges is {shown(box.tolist())}; {expected}, finite and with low < high.")
    return box


def _fraction(name: str, value: object) -> float:
    number = real(name, value)
    if not 0 < number < 1:
        raise ValueError(f"{name} is {number:g}; expected a fraction between 0 and 1, both excluded.")
    return number


def _pair(
    split: str, inputs: ArrayLike, labels: ArrayLike, n_var: int | None = None, n_out: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return copies of inputs and labels of one split; raise ValueError unless they have as many rows."""
    x = matrix(f"{split}_input", inputs, n_var).copy()
    y = matrix(f"{split}_label", labels, n_out).copy()
    if x.shape[0] != y.shape[0]:
        raise ValueError(
            f"{split}_input has {x.shape[0]} rows and {split}_label has {y.shape[0]}; "
            "expected one label row for every input row."
        )
    return x, y


def _optional_pair(
    split: str, inputs: ArrayLike | None, labels: ArrayLike | None, n_var: int, n_out: int
) -> tuple[FloatArray, FloatArray] | None:
    if inputs is None and labels is None:
        return None
    if inputs is None or labels is None:
        given, missing = ("label", "input") if inputs is None else ("input", "label")
        raise ValueError(f"{split}_{given} is given without {split}_{missing}; expected both or neither.")
    return _pair(split, inputs, labels, n_var, n_out)

"""Notes on why errors on a table are uncertain, as sentences: few rows, rows in both tables, classes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.errors import UserError
from sweeps.spec.sweep_spec import TaskInfo

FloatArray = NDArray[np.float64]

#: From so many rows an RMSE has a standard error below 16 %, where errors are normally distributed.
ENOUGH_ROWS = 20
#: A class of fewer rows is one of few, and so many whole numbers of a target may stand for classes; chosen by
#: judgement.
FEW_OF_A_CLASS, FEW_VALUES = 8, 5
_PARTS = ("train", "val", "test")


def table_notes(dataset: Mapping[str, Any], target: str, folds: int, test: str | None) -> list[str]:
    """Return what to know about a dataset that was read from a table.

    Parameters
    ----------
    dataset : mapping
        As `kan_np.load_csv` returns it.
    target : str
        The column to predict.
    folds : int
        Number of folds, 0 for one hold-out; `dataset` is then that of the first.
    test : str or None
        The path of the table with the test rows, None if they were held out.

    Raises
    ------
    UserError
        If the table with the test rows has none that the training table does not have too.
    """
    notes = [*_class_notes(dataset, target), *_row_notes(dataset, folds)]
    return notes if test is None else [*_shared_notes(dataset, test), *notes]


def notes_of(infos: Mapping[str, TaskInfo]) -> list[str]:
    """Return the notes in the descriptions of tasks."""
    return [note for info in infos.values() for note in info.description.get("notes", ())]


def _row_notes(dataset: Mapping[str, Any], folds: int) -> list[str]:
    n_train, n_val, n_test = (len(dataset.get(f"{part}_input", ())) for part in ("train", "val", "test"))
    n_tested = n_train + n_val + n_test if folds else n_test
    few = [
        f"{n} {what}"
        for n, what in ((n_tested, "test the models"), (n_val, "choose among them"))
        if _is_few(n)
    ]
    notes = []
    if few:
        error = 1.0 / math.sqrt(2.0 * min(n for n in (n_tested, n_val) if _is_few(n)))
        way = "" if folds else ", and cross-validation (--folds) tests every row"
        notes.append(
            f"Few rows: {n_train} train, {' and only '.join(few)}. The RMSE of so few is uncertain by "
            f"{error:.0%} or more (its standard error), so which model is better may be chance. More rows "
            f"help{way}."
        )
    n_linear = dataset["train_input"].shape[1] + 1
    if n_train <= n_linear:
        notes.append(
            f"The {n_train} training rows are no more than the {n_linear} parameters of a linear model: it "
            "and every larger model can agree with all of them, and be wrong elsewhere. Use more rows or "
            "fewer columns."
        )
    return notes


def _is_few(n: int) -> bool:
    """Say whether errors of so many rows are uncertain; a part that is not there is none."""
    return 0 < n < ENOUGH_ROWS


def _shared_notes(dataset: Mapping[str, Any], test: str) -> list[str]:
    """Compare what is used of the test rows with the others; all are scaled alike, to the last bit."""
    known = _row_keys(dataset, "train") | _row_keys(dataset, "val")
    tested = np.concatenate([dataset["test_input"], dataset["test_label"]], axis=1)
    shared = sum(key in known for key in _keys(tested))
    if shared == len(tested):
        raise UserError(
            f"all {shared} rows of {test} are rows of the training table too; expected test rows that no "
            "model has seen, or their error says nothing about new ones. Keep rows out of the training "
            "table, or do without a table of test rows: then rows are held out at random."
        )
    if not shared:
        return []
    return [
        f"{shared} of the {len(tested)} rows of {test} are rows of the training table too (the same inputs "
        "and target): the test error is lower than on new rows. Delete them from one of the tables."
    ]


def _row_keys(dataset: Mapping[str, Any], part: str) -> set[bytes]:
    if f"{part}_input" not in dataset:
        return set()
    return set(_keys(np.concatenate([dataset[f"{part}_input"], dataset[f"{part}_label"]], axis=1)))


def _keys(rows: FloatArray) -> list[bytes]:
    return [row.tobytes() for row in rows + 0.0]  # -0.0 is 0.0


def _class_notes(dataset: Mapping[str, Any], target: str) -> list[str]:
    if "class_names" in dataset:
        return [_classification_note(dataset, target)]
    labels = dataset.get("classes", {}).get(target, ())
    if not labels:
        return _few_values_note(dataset, target)
    if len(labels) == 2:
        how = f"it is learnt as a number, 1 for {labels[1]!r} and 0 for {labels[0]!r}"
    else:
        how = (
            f"each of its {len(labels)} classes ({_named(labels)}) is an output of its own, a number that is "
            "1 for rows of the class and 0 for all others"
        )
    return [
        f"The target {target!r} holds text: {how}. This is least squares, not classification: errors are "
        "RMSE of these numbers, not shares of rows in the wrong class."
    ]


def _named(labels: Sequence[str]) -> str:
    return ", ".join(map(repr, labels[:5])) + (", ..." if len(labels) > 5 else "")


def _classification_note(dataset: Mapping[str, Any], target: str) -> str:
    """Say that classes are told apart, and which of them have few rows."""
    labels = dataset["class_names"]
    why = "holds text" if dataset.get("class_values") is None else "is taken for one of classes"
    numbers = np.concatenate(
        [dataset[f"{part}_label"][:, 0] for part in _PARTS if f"{part}_label" in dataset]
    )
    counts = np.bincount(numbers.astype(np.int64), minlength=len(labels))
    rare = [
        f"{label!r} ({n})" for label, n in zip(labels, counts.tolist(), strict=True) if n < FEW_OF_A_CLASS
    ]
    few = f" Classes with few rows: {', '.join(rare[:5])}{', ...' if len(rare) > 5 else ''}." if rare else ""
    return (
        f"The target {target!r} {why}: its {len(labels)} classes ({_named(labels)}) are told apart by their "
        "probabilities (classification by cross-entropy), and errors are log losses. To learn numbers by "
        f"least squares say --task regression.{few}"
    )


def _few_values_note(dataset: Mapping[str, Any], target: str) -> list[str]:
    """Say of a target with few whole numbers that these may be classes."""
    scaler, y = dataset.get("scaler"), dataset["train_label"]
    values = np.unique(np.round(y if scaler is None else scaler.unscale_label(y), 9))
    if y.shape[1] > 1 or values.size > FEW_VALUES or not np.array_equal(values, np.round(values)):
        return []
    return [
        f"The target {target!r} has {values.size} different values, and is learnt as a number. If they stand "
        "for classes, say --task classification."
    ]

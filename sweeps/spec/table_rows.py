"""Reads the rows of a table for runs: split as a configuration says, classes as numbers."""

from __future__ import annotations

import hashlib
import inspect
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import kan_np
from sweeps.spec.sweep_spec import CLASSIFICATION, ONE_HOT, REFUSE

Dataset = dict[str, Any]

TOGETHER, APART = "together", "apart"
#: So many different numbers may be classes, as many as texts.
MOST_CLASSES = 100


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def classifies(config: Mapping[str, Any]) -> bool:
    """Say whether a run tells classes apart: it trains by cross-entropy, and its errors are log losses."""
    return config.get("data", {}).get("task") == CLASSIFICATION


def n_outputs(dataset: Mapping[str, Any]) -> int:
    """Return how many outputs a model of a dataset has: one for two classes, else one a class or target."""
    n_classes = len(dataset.get("class_names", ()))
    return n_classes if n_classes > 2 else int(dataset["train_label"].shape[1])


def csv_dataset(config: Mapping[str, Any], csv_path: str | None, test_path: str | None) -> Dataset:
    """Read the table of a run; raise ValueError if it is not there or has changed since the plan."""
    data = config["data"]
    if csv_path is None:
        raise ValueError(f"task {config['task']} needs the path of its table.")
    _check_unchanged(csv_path, data["sha256"])
    if "test_sha256" not in data:
        return load_split(csv_path, None, data, config.get("fold", 0))
    if test_path is None:
        raise ValueError(f"task {config['task']} needs the path of the table with its test rows.")
    _check_unchanged(test_path, data["test_sha256"])
    return load_split(csv_path, test_path, data, 0)


def _check_unchanged(path: str, sha256: str) -> None:
    found = file_sha256(path)
    if found != sha256:
        raise ValueError(
            f"the table {Path(path).name} has changed since the sweep was planned: its SHA-256 is "
            f"{found[:12]}..., expected {sha256[:12]}.... Run the command again to plan anew."
        )


def load_call(config: Mapping[str, Any], csv_path: str | None, test_path: str | None) -> str:
    """Return the call that loads the table of a configuration, split as in its run, in the table's units."""
    data = config["data"]
    arguments = _load_arguments(data, test_path if "test_sha256" in data else None, config.get("fold", 0))
    defaults = {name: p.default for name, p in inspect.signature(kan_np.load_csv).parameters.items()}
    if "duplicates" not in data:
        del arguments["duplicates"]  # planned for a table without them
    said = [f"{name}={value!r}" for name, value in arguments.items() if value != defaults[name]]
    return f"load_csv({', '.join([repr(csv_path), *said, 'standardize=False'])})"


def rows_call(config: Mapping[str, Any], csv_path: str | None) -> str:
    """Return the call that reads the inputs of all rows of a table, for a model that is called `model`."""
    data = config["data"]
    said = [f"features={list(data['features'])!r}", "classes=model.classes or 'refuse'"]
    said += ["dates=model.dates or 'refuse'"] if data.get("dates") else []
    said += [f"{name}={data[name]!r}" for name in ("decimal", "missing") if data.get(name)]
    return f"load_csv({csv_path!r}, None, {', '.join(said)})"


def input_columns(dataset: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the columns of the table that are inputs, and for each where its numbers stand in a row.

    A column of classes has a number for every class, or one for two classes.
    """
    column_of = _column_of_name(dataset)
    found: dict[str, list[int]] = {}
    for position, name in enumerate(map(str, dataset["feature_names"])):
        found.setdefault(column_of.get(name, name), []).append(position)
    return found


def load_split(path: str, test_path: str | None, data: Mapping[str, Any], fold: int) -> Dataset:
    """Read a table and split it as a configuration says."""
    arguments = _load_arguments(data, test_path, fold)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", kan_np.TableWarning)  # it is among the notes, which are shown once
        if classifies({"data": data}):
            return _with_classes(kan_np.load_csv(path, **arguments, standardize=False), data["target"])
        return kan_np.standardized(kan_np.load_csv(path, **arguments))


def _with_classes(dataset: Dataset, target: str) -> Dataset:
    """Return a dataset in the units of the table with standardised inputs and the numbers of classes.

    Classes are those of the text of the target, or its different numbers in their order; their names are
    `class_names`, and the numbers `class_values`.

    Raises
    ------
    ValueError
        If the numbers are too many to be classes.
    """
    parts = [part for part in ("train", "val", "test") if f"{part}_input" in dataset]
    given = {part: dataset[f"{part}_label"] for part in parts}
    known, values = dataset.get("classes", {}), None
    if target in known:
        names = [str(name) for name in known[target]]
        numbers = {part: y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0] for part, y in given.items()}
    else:
        values = np.unique(np.concatenate([y[:, 0] for y in given.values()]))
        if values.size > MOST_CLASSES:
            raise ValueError(
                f"the target {target!r} has {values.size} different numbers; expected at most "
                f"{MOST_CLASSES} classes. Learn it as a number: --task regression."
            )
        names = [f"{value:g}" for value in values]
        numbers = {part: np.searchsorted(values, y[:, 0]) for part, y in given.items()}
    scaler = kan_np.Scaler.fit(dataset["train_input"], np.zeros((len(given["train"]), 1)))
    changed: Dataset = {"scaler": scaler, "class_names": names, "classes": {**known, target: names}}
    if values is not None:
        changed["class_values"] = values.tolist()
    for part in parts:
        changed[f"{part}_input"] = scaler.scale_input(dataset[f"{part}_input"])
        changed[f"{part}_label"] = np.asarray(numbers[part], dtype=np.float64).reshape(-1, 1)
    outputs = names if len(names) != 2 else names[1:]
    return dataset | changed | {"target_names": [f"{target}={name}" for name in outputs]}


def _load_arguments(data: Mapping[str, Any], test_path: str | None, fold: int) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "target": data["target"],
        "features": list(data["features"]) or None,
        "group": data.get("group"),
        "test": test_path,
        "val_fraction": data["val_fraction"],
        "folds": data.get("folds", 0),
        "fold": fold,
        "classes": ONE_HOT if classifies({"data": data}) else data.get("classes", REFUSE),
        "seed": data["seed"],
        "decimal": data.get("decimal"),
        "missing": data.get("missing", REFUSE),
        "dates": data.get("dates", REFUSE),
        # Runs that do not say so are of tables without copies, or of a version that left copies apart.
        "duplicates": data.get("duplicates", APART),
    }
    # Where the test rows come from elsewhere there is no share of them.
    share = {"test_fraction": data["test_fraction"]} if "test_fraction" in data else {}
    return arguments | share


def columns_of(dataset: Dataset) -> list[str]:
    """Return the input columns as the header names them: one-hot columns belong to one of it."""
    return list(input_columns(dataset))


def _column_of_name(dataset: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{column}={label}": column
        for column, labels in dataset.get("classes", {}).items()
        for label in labels
    }


def column_names(source: str) -> list[str]:
    """The names of the columns of a table; none if it cannot be read."""
    try:
        return kan_np.read_table_text(source)[0]
    except (OSError, ValueError):
        return []

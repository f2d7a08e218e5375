"""The stored models of a table, with the rows that they were trained, chosen and tested on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.answer.candidates import Fitted, TrainedConfiguration
from sweeps.run_one import RunOptions, load_model_bytes, outputs_of, sample_losses
from sweeps.spec.table_rows import load_call, rows_call
from sweeps.spec.tasks import load_dataset
from sweeps.storage.store import Store

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

#: Largest difference of a number after it was scaled and scaled back, as a fraction of the largest of its
#: column.
_ROUNDING = 1e-10


@dataclass(frozen=True)
class Rows:
    """Rows of a table in its own units: inputs (n, n_in) and labels (n, n_labels)."""

    x: FloatArray
    y: FloatArray


class StoredModels:
    """Reads trained models from a store and evaluates them; what was read is kept.

    Parameters
    ----------
    store : Store
        Open.
    options : RunOptions
        Where the tables are.
    """

    def __init__(self, store: Store, options: RunOptions) -> None:
        self._store, self._options = store, options
        self._configs: dict[str, Mapping[str, Any]] = {}
        self._losses: dict[tuple[str, int, str], FloatArray] = {}
        self._rows: dict[tuple[str, tuple[int, ...]], IntArray] = {}

    def config(self, fitted: Fitted) -> Mapping[str, Any]:
        """Return the configuration of the run of a model."""
        if fitted.run_id not in self._configs:
            self._configs[fitted.run_id] = self._store.run(fitted.run_id)["config"]
        return self._configs[fitted.run_id]

    def model(self, fitted: Fitted, stage: int) -> Any:
        """Return a model, which takes and gives the units of the table by its `predict`."""
        return load_model_bytes(self._store.model(fitted.run_id, stage))

    def predictor(self, fitted: Fitted, stage: int) -> Callable[[FloatArray], FloatArray]:
        """Return what gives predictions or probabilities, (n, n_out), of inputs in the units of the table."""
        model, config = self.model(fitted, stage), self.config(fitted)
        return lambda x: outputs_of(model, config, x)

    def dataset(self, fitted: Fitted) -> Mapping[str, Any]:
        """Return the dataset of the run of a model, standardised as it was trained on."""
        return load_dataset(self.config(fitted), self._options.csv_path, self._options.test_path)

    def rows(self, fitted: Fitted, part: str) -> Rows:
        """Return the rows of a part of the data of a model, in the units of the table."""
        dataset = self.dataset(fitted)
        return Rows(*unscaled(dataset, part))

    def losses(self, candidate: TrainedConfiguration, part: str) -> FloatArray:
        """Return the losses of the best model of every fold, one a sample: see `sample_losses`.

        A row that validates in several folds counts once, with its mean: its errors are not independent.
        """
        fitted = candidate.best_of_folds
        errors = np.concatenate([self._losses_of(one, candidate.stage, part) for one in fitted])
        if part != "val" or len(fitted) == 1:
            return errors
        rows = self._numbers_of(fitted, part)
        return np.asarray(np.bincount(rows, errors) / np.bincount(rows))

    def split_call(self, fitted: Fitted) -> str:
        """Return the call of `kan_np.load_csv` that gives the rows of a model, split as they were."""
        return load_call(self.config(fitted), self._options.csv_path, self._options.test_path)

    def new_rows_call(self, fitted: Fitted) -> str:
        """Return the call of `kan_np.load_csv` that reads rows without a target, for this model."""
        return rows_call(self.config(fitted), self._options.csv_path)

    def _losses_of(self, fitted: Fitted, stage: int, part: str) -> FloatArray:
        key = (fitted.run_id, stage, part)
        if key not in self._losses:
            model = self._store.model(fitted.run_id, stage)
            self._losses[key] = sample_losses(model, self.config(fitted), self._options, part)
        return self._losses[key]

    def _numbers_of(self, fitted: Sequence[Fitted], part: str) -> IntArray:
        """Return a number for every sample of a part of these folds, the same where it is the same row.

        Rows are told apart by what the table says; every fold is scaled by its own training rows.
        """
        key = (part, tuple(one.fold for one in fitted))
        if key not in self._rows:
            tables = [np.concatenate(unscaled(self.dataset(one), part), axis=1) for one in fitted]
            self._rows[key] = same_rows(np.concatenate(tables))
        return self._rows[key]


def unscaled(dataset: Mapping[str, Any], part: str) -> tuple[FloatArray, FloatArray]:
    """Return inputs and labels of a part as the table has them, up to rounding."""
    x, y, scaler = dataset[f"{part}_input"], dataset[f"{part}_label"], dataset.get("scaler")
    if scaler is None:
        return x, y
    if y.shape[1] != scaler.label_shift.size:  # numbers of classes
        return x * scaler.input_scale + scaler.input_shift, y
    return x * scaler.input_scale + scaler.input_shift, scaler.unscale_label(y)


def same_rows(table: FloatArray) -> IntArray:
    """Return a number for every row, from 0; rows that differ by rounding alone have the same.

    Examples
    --------
    >>> same_rows(np.array([[0.3, 5.0], [0.1, 5.0], [0.1 + 0.2, 5.0]])).tolist()
    [1, 0, 1]
    """
    unit = np.maximum(np.abs(table).max(axis=0), np.finfo(float).tiny) * _ROUNDING
    _, numbers = np.unique(np.round(table / unit), axis=0, return_inverse=True)
    return numbers.ravel()

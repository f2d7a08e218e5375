"""What KAN and MLP share: training, prediction, saving. The two differ in their numbers, not in their use."""

from __future__ import annotations

import copy as copying
from abc import ABC, abstractmethod
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.data.check import Dataset, check_dataset
from kan_np.data.scaler import Scaler
from kan_np.objective import Objective
from kan_np.optimize.fit import Callback, FitOptions, fit
from kan_np.optimize.status import FitResult
from kan_np.penalty import Penalty

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Trainable(ABC):
    """A model that is fitted to samples, predicts, and is saved."""

    scaler: Scaler | None
    _network: Any  # Network or MlpNetwork: parameters and arithmetic, never changed, only replaced

    @property
    @abstractmethod
    def width(self) -> list[int]:
        """Nodes of each layer, inputs first."""

    @property
    def n_params(self) -> int:
        """Number of trainable scalars: the x-axis of every frontier."""
        return int(self._network.n_params)

    @property
    def _theta(self) -> FloatArray:
        return np.asarray(self._network.theta).ravel()

    @_theta.setter
    def _theta(self, theta: FloatArray) -> None:
        self._network = self._network.with_theta(theta)

    @abstractmethod
    def _objective(
        self,
        x: FloatArray,
        y: FloatArray,
        penalty: Penalty,
        weight: FloatArray | None,
        smoothing: float | str,
    ) -> Objective: ...

    @abstractmethod
    def _config(self) -> dict[str, Any]:
        """Constructor arguments, as plain values."""

    @abstractmethod
    def _arrays(self) -> dict[str, FloatArray]:
        """What is learned, as arrays."""

    @classmethod
    @abstractmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, FloatArray]) -> Self: ...

    @abstractmethod
    def plot(self) -> Figure:
        """Draw the model as a matplotlib Figure."""

    def _move_grid(self, x: FloatArray, slack: float = 0.0) -> None:  # noqa: B027  models without grids
        """Fit the grids to the samples."""

    def _rmse(self, x: FloatArray, y: FloatArray, weight: FloatArray | None = None) -> float:
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is a status, not a warning
            square = np.square(self._network.forward(x) - y).mean(axis=1)
            return float(np.sqrt(np.average(square, weights=weight)))

    def _forward(self, x: FloatArray, first_row: int = 0) -> FloatArray:
        self._network.check_inputs(x, first_row)
        outputs: FloatArray = self._network.forward(x)
        return outputs

    def __call__(self, x: ArrayLike) -> FloatArray:
        """Outputs of the network for inputs as it was trained on: (n_samples, n_in) -> (n_samples, n_out).

        Raises
        ------
        ValueError
            For a wrong number of columns, for NaN or infinite values, and outside the grid of a model with
            ``extrapolation="error"``.
        """
        return self._forward(_validate.matrix("x", x, self.width[0]))

    def predict(self, x: ArrayLike, batch_size: int = 65536) -> FloatArray:
        """Predictions in the units of the data: (n_samples, n_in) -> (n_samples, n_out).

        As ``model(x)`` for a model without a `scaler`. A model fitted on standardised data carries its
        scaler: x is standardised and the outputs are brought back. Rows are converted and checked
        `batch_size` at a time, so that an array on disk (``numpy.memmap``) is never in memory as a whole.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in)
        batch_size : int
            Rows at a time; up to rounding the result does not depend on it.

        Raises
        ------
        ValueError
            As ``model(x)``.

        Examples
        --------
        >>> import numpy as np
        >>> from kan_np import KAN
        >>> KAN([2, 3, 1], seed=0).predict(np.zeros((5, 2))).shape
        (5, 1)
        """
        batch_size = _validate.integer("batch_size", batch_size, 1)
        rows: Any = np.atleast_1d(x if isinstance(x, np.ndarray) else np.asarray(x))  # a memmap stays one
        parts = []
        for low in range(0, max(len(rows), 1), batch_size):
            part = _validate.matrix("x", rows[low : low + batch_size], self.width[0], low)
            if self.scaler is not None:
                part = self.scaler.scale_input(part)
            out = self._forward(part, low)
            parts.append(out if self.scaler is None else self.scaler.unscale_label(out))
        return np.concatenate(parts)

    def input_jacobian(self, x: ArrayLike) -> FloatArray:
        """Exact derivatives d f_j / d x_i of ``model(x)``.

        Parameters
        ----------
        x : array_like of shape (n_samples, n_in)

        Returns
        -------
        ndarray of shape (n_samples, n_out, n_in)

        Raises
        ------
        ValueError
            As ``model(x)``.
        """
        samples = _validate.matrix("x", x, self.width[0])
        self._network.check_inputs(samples)
        jacobian: FloatArray = self._network.input_jacobian(samples)
        return jacobian

    def copy(self) -> Self:
        """Return an independent model with the same function."""
        return copying.deepcopy(self)

    def save(self, file: str | PathLike[str] | BinaryIO) -> None:
        """Write the model to one .npz file, atomically: arrays and a JSON header, no pickle.

        A path either keeps its old content or holds the whole new model, also when the process is killed.
        ``kan_np.load_model`` reads it back to the same bits.

        Parameters
        ----------
        file : path or writable binary file

        Raises
        ------
        FileNotFoundError
            If the folder does not exist.
        OSError
            If the file cannot be written.
        """
        from kan_np.serialize import save_model

        save_model(self, file)

    def _fit(
        self,
        dataset: Dataset,
        options: FitOptions,
        penalty: Penalty | Sequence[Penalty],
        callback: Callback | None,
    ) -> FitResult:
        data = check_dataset(dataset, self.width[0], self.width[-1])
        if callback is not None and not callable(callback):
            raise TypeError(
                f"callback is {_validate.shown(callback)}; expected a function that takes a Progress."
            )
        return fit(self, data, options, penalty, callback)


def check_width(width: object) -> list[int]:
    """Return `width` as a new list of at least two positive ints."""
    if isinstance(width, str) or not hasattr(width, "__iter__"):
        raise TypeError(
            f"width is {_validate.shown(width)}; expected a list of node counts such as [2, 5, 1]."
        )
    layers = [_validate.integer(f"width[{i}]", n, 1) for i, n in enumerate(width)]
    if len(layers) < 2:
        raise ValueError(
            f"width is {_validate.shown(layers)}; expected at least inputs and outputs, such as [2, 5, 1]."
        )
    return layers

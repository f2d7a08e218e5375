"""Standardisation of inputs and labels: shifts and scales that datasets and models keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kan_np._validate import FloatArray, matrix

_FIELDS = ("input_shift", "input_scale", "label_shift", "label_scale")


@dataclass(frozen=True, eq=False)
class Scaler:
    """Affine maps between values in physical units and the standardised values that a network uses.

    An input becomes ``(x - input_shift) / input_scale`` and a label ``(y - label_shift) / label_scale``; a
    prediction p is converted back by ``p * label_scale + label_shift``.

    Parameters
    ----------
    input_shift, input_scale : array_like, shape (n_in,)
        Subtracted from, then divided out of the inputs, in the units of the inputs.
    label_shift, label_scale : array_like, shape (n_out,)
        The same for the labels, in the units of the labels.

    Raises
    ------
    ValueError
        If a value is not finite, a scale is not positive, or the lengths differ.

    Examples
    --------
    >>> scaler = Scaler.fit([[0.0], [2.0]], [[10.0], [30.0]])
    >>> scaler.scale_input([[0.0], [1.0]]).ravel().tolist()
    [-1.0, 0.0]
    >>> scaler.unscale_label([[0.5]]).ravel().tolist()
    [25.0]
    """

    input_shift: FloatArray
    input_scale: FloatArray
    label_shift: FloatArray
    label_scale: FloatArray

    def __post_init__(self) -> None:
        for field in _FIELDS:
            # A copy that cannot be written to, so that `frozen` also holds for the numbers inside.
            vector = np.array(getattr(self, field), dtype=np.float64, ndmin=1)
            if vector.ndim != 1:
                raise ValueError(f"{field} has shape {vector.shape}; expected one value per column.")
            if not np.isfinite(vector).all():
                raise ValueError(
                    f"{field} is {vector}; expected finite numbers (are the data near overflow?)."
                )
            vector.setflags(write=False)
            object.__setattr__(self, field, vector)
        for side in ("input", "label"):
            shift, scale = getattr(self, f"{side}_shift"), getattr(self, f"{side}_scale")
            if shift.shape != scale.shape:
                raise ValueError(
                    f"{side}_shift has {shift.size} values and {side}_scale {scale.size}; expected as many."
                )
            if (scale <= 0).any():
                raise ValueError(f"{side}_scale is {scale}; expected positive numbers.")

    def of_inputs(self, kept: NDArray[np.bool_]) -> Scaler:
        """The same for data without the inputs that are not `kept`."""
        return Scaler(self.input_shift[kept], self.input_scale[kept], self.label_shift, self.label_scale)

    def of_output(self, j: int) -> Scaler:
        """The same for data with label column j alone."""
        return Scaler(
            self.input_shift, self.input_scale, self.label_shift[j : j + 1], self.label_scale[j : j + 1]
        )

    @classmethod
    def fit(
        cls,
        inputs: ArrayLike,
        labels: ArrayLike,
        *,
        scale_inputs: bool = True,
        scale_labels: bool = True,
    ) -> Scaler:
        """Return the scaler that gives each column of these samples mean 0 and standard deviation 1.

        The standard deviation is that of the samples themselves, sqrt(mean (x - mean)^2). A column
        that does not vary keeps scale 1.

        Parameters
        ----------
        inputs : array_like, shape (n, n_in)
        labels : array_like, shape (n, n_out)
            Pass the training rows only, so that no information about test rows is used.
        scale_inputs, scale_labels : bool
            False leaves that side as it is (shift 0, scale 1).

        Returns
        -------
        Scaler
        """
        x, y = matrix("inputs", inputs), matrix("labels", labels)
        if x.shape[0] != y.shape[0]:
            raise ValueError(f"inputs has {x.shape[0]} rows and labels {y.shape[0]}; expected as many.")
        return cls(*_mean_and_std(x, scale_inputs), *_mean_and_std(y, scale_labels))

    def scale_input(self, x: ArrayLike) -> FloatArray:
        """Return ``(x - input_shift) / input_scale``, shape (n, n_in), for physical inputs `x`."""
        return _scaled("x", matrix("x", x, self.input_shift.size), self.input_shift, self.input_scale)

    def scale_label(self, y: ArrayLike) -> FloatArray:
        """Return ``(y - label_shift) / label_scale``, shape (n, n_out), for physical labels `y`."""
        return _scaled("y", matrix("y", y, self.label_shift.size), self.label_shift, self.label_scale)

    def unscale_label(self, y: ArrayLike) -> FloatArray:
        """Return ``y * label_scale + label_shift``, shape (n, n_out): predictions in physical units.

        A prediction that is not finite stays so: hiding it or refusing it is the caller's choice.
        """
        array = np.asarray(y, dtype=np.float64)
        if array.ndim == 1:
            array = array[:, None]
        if array.ndim != 2 or array.shape[1] != self.label_shift.size:
            raise ValueError(f"y has shape {array.shape}; expected (n_samples, {self.label_shift.size}).")
        return array * self.label_scale + self.label_shift

    def to_arrays(self) -> dict[str, FloatArray]:
        """Return the four vectors by name, as `from_arrays` takes them (for saving in a file)."""
        return {field: getattr(self, field).copy() for field in _FIELDS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, ArrayLike]) -> Scaler:
        """Return the scaler that `to_arrays` described; other keys are ignored.

        Raises
        ------
        ValueError
            If one of the four names is missing.
        """
        missing = [field for field in _FIELDS if field not in arrays]
        if missing:
            raise ValueError(
                f"the arrays of a scaler lack {', '.join(missing)}; expected {', '.join(_FIELDS)}."
            )
        return cls(*(np.asarray(arrays[field], dtype=np.float64) for field in _FIELDS))


def _scaled(name: str, values: FloatArray, shift: FloatArray, scale: FloatArray) -> FloatArray:
    with np.errstate(over="ignore"):
        scaled: FloatArray = (values - shift) / scale
    bad = np.argwhere(~np.isfinite(scaled))
    if bad.size:
        row, column = bad[0].tolist()
        raise ValueError(
            f"{name} holds {values[row, column]:g} in column {column + 1}, which overflows when it is "
            f"divided by {scale[column]:g}, the standard deviation of the training rows; expected values of "
            "the size of the training rows. Correct it, or leave the row out."
        )
    return scaled


def _mean_and_std(columns: FloatArray, wanted: bool) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of each column; (0, 1) if not wanted, std 1 if it is constant."""
    n_columns = columns.shape[1]
    if not wanted:
        return np.zeros(n_columns), np.ones(n_columns)
    # The mean of a constant column has a rounding error, and its std is then tiny, not 0: compare the values.
    constant = (columns == columns[0]).all(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):  # __post_init__ raises an error for an overflow
        mean = np.where(constant, columns[0], columns.mean(axis=0))
        deviation = columns - mean
        # Squares of very large or small values exceed the range of float64: divide by the size first.
        size = np.abs(deviation).max(axis=0)
        size[size == 0] = 1.0
        std = size * np.sqrt(np.mean((deviation / size) ** 2, axis=0))
    std[constant] = 1.0
    return mean, std

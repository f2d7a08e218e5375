"""What a fit minimises the mean of: the interface of losses of outputs and labels, and squares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from kan_np._validate import FloatArray


class Loss(ABC):
    """A loss l(y, f) of labels y and outputs f, (n_samples, n_out) each; a fit minimises its mean.

    Attributes
    ----------
    name : str
    is_squares : bool
        Whether it is the mean squared error, which has compiled code of its own.
    has_curvature : bool
        Whether it has second derivatives, so that Gauss-Newton methods apply.
    samples_a_parameter : float
        With fewer labels for each parameter a fit chooses a prior.
    of_raw_labels : bool
        Whether labels must not be standardised.
    standardized_by_default : bool
        Whether labels far from one are standardised without being asked: outputs are predictions of labels.
    degree : int
        Power of the unit of the labels that the loss has.
    divided_by : float
        Number that values were divided by, to be of order one.
    """

    name: str
    is_squares = False
    has_curvature = True
    samples_a_parameter = 3.0
    of_raw_labels = False
    standardized_by_default = True
    degree = 0
    divided_by = 1.0

    @abstractmethod
    def value(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """l of every sample, (n_samples,)."""

    @abstractmethod
    def gradient(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Derivatives by the outputs, (n_samples, n_out)."""

    @abstractmethod
    def curvature(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """H, positive semidefinite: (n_samples, n_out, n_out)."""

    def value_and_gradient(self, y: FloatArray, f: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Both at once."""
        return self.value(y, f), self.gradient(y, f)

    def mean(
        self,
        y: FloatArray,
        f: FloatArray,
        weight: FloatArray | None = None,
        unit: FloatArray | float = 1.0,
    ) -> float:
        """The weighted mean over samples as histories have it, y and f being numbers of such units."""
        with np.errstate(all="ignore"):  # divergence is a status of the fit
            return float(np.average(self.told(y, f, unit), weights=weight))

    def told(self, y: FloatArray, f: FloatArray, unit: FloatArray | float) -> FloatArray:
        """l of every sample in the units of the data, (n_samples,)."""
        return self.value(y, f)

    def reported(self, mean: float, unit: float = 1.0) -> float:
        """What histories say of a mean loss, where all outputs have this unit."""
        return float(mean) * unit**self.degree

    def labels(self, name: str, y: Any, n_out: int) -> Any:
        """Labels as `value` takes them: checked, and made of classes where labels are such.

        Raises
        ------
        ValueError, TypeError
            For labels that the loss is not for.
        """
        return y

    def checked(self, y: FloatArray, f: FloatArray) -> Loss:
        """This loss, if its derivatives are right at these labels and outputs."""
        return self

    def constant(self, y: FloatArray, weight: FloatArray | None) -> FloatArray:
        """The outputs of the best constant, (n_out,)."""
        return lowest_constant(self, y, weight)

    def spread(self, y: FloatArray, weight: FloatArray | None) -> float:
        """Mean square of the changes of outputs that labels ask for: their variance, or 1 for logarithms."""
        centred = y - np.average(y, axis=0, weights=weight)
        return float(np.average(np.square(centred).mean(axis=1), weights=weight))

    def n_labels(self, y: FloatArray) -> int:
        """How many numbers the labels y are, beside which parameters are counted."""
        return int(y.size)

    def described(self) -> dict[str, Any]:
        """Name and options, as files keep them and `loss_of` reads them."""
        return {"name": self.name}


@dataclass(frozen=True)
class Squares(Loss):
    """The mean squared error; histories have its root."""

    name = "squares"
    is_squares = True

    def value(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """l of every sample."""
        return np.asarray(np.square(f - y).mean(axis=1))

    def gradient(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Derivatives by the outputs."""
        return 2.0 / y.shape[1] * (f - y)

    def curvature(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """H."""
        return diagonal(np.full(f.shape, 2.0 / y.shape[1]))

    def mean(
        self,
        y: FloatArray,
        f: FloatArray,
        weight: FloatArray | None = None,
        unit: FloatArray | float = 1.0,
    ) -> float:
        """RMSE."""
        size = float(np.max(unit))
        with np.errstate(all="ignore"):
            square = np.square((f - y) * (unit / size)).mean(axis=1)
            return float(np.sqrt(np.average(square, weights=weight))) * size

    def reported(self, mean: float, unit: float = 1.0) -> float:
        """RMSE."""
        return float(np.sqrt(mean)) * unit

    def constant(self, y: FloatArray, weight: FloatArray | None) -> FloatArray:
        """The mean of the labels."""
        return np.asarray(np.average(y, axis=0, weights=weight))


class ByOutput(Loss):
    """The mean over outputs of a function of a label and its output."""

    @property
    def has_own_unit(self) -> bool:
        """Whether it has an option in the units of the labels, such as a threshold of residuals."""
        return False

    def told(self, y: FloatArray, f: FloatArray, unit: FloatArray | float) -> FloatArray:
        """l of every sample in the units of the data."""
        return np.asarray((self.terms(y, f) * unit**self.degree).mean(axis=1))

    @abstractmethod
    def terms(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """The function, (n_samples, n_out)."""

    @abstractmethod
    def slopes(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Its derivatives, (n_samples, n_out)."""

    @abstractmethod
    def bends(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Its second derivatives, or those of a parabola above it, (n_samples, n_out)."""

    def value(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """l of every sample, (n_samples,), for labels y and outputs f."""
        return np.asarray(self.terms(y, f).mean(axis=1))

    def gradient(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Derivatives of l by the outputs f, (n_samples, n_out), at labels y."""
        return self.slopes(y, f) / y.shape[1]

    def curvature(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """H at labels y and outputs f, (n_samples, n_out, n_out)."""
        return diagonal(self.bends(y, f) / y.shape[1])


SQUARES = Squares()


def lowest_constant(loss: Loss, y: FloatArray, weight: FloatArray | None) -> FloatArray:
    """The outputs (n_out,) that have the lowest mean loss where all samples get the same ones."""
    from scipy.optimize import minimize  # imported here, since the import takes 0.2 s

    share = np.full(len(y), 1.0 / len(y)) if weight is None else weight / weight.sum()

    def mean(constant: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = loss.value_and_gradient(y, np.tile(constant, (len(y), 1)))
        return float(share @ value), share @ gradient

    with np.errstate(all="ignore"):
        found = minimize(mean, np.median(y, axis=0), jac=True, method="L-BFGS-B")
    return np.asarray(found.x, dtype=np.float64)


def diagonal(numbers: FloatArray) -> FloatArray:
    """Diagonal matrices (n, m, m) of the rows of (n, m)."""
    return np.asarray(numbers[:, :, None] * np.eye(numbers.shape[1]))

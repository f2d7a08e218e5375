"""Losses in the units of the data, for networks whose labels and outputs are standardised numbers.

With u the unit and s the shift of every output, labels and outputs in the units of the data are u y + s and
u f + s, and a network is trained by their loss as a function of y and f.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.objective.loss import ByOutput, Loss
from kan_np.objective.own_loss import CHECKED, OwnLoss, check_derivatives


def network_loss(loss: Loss, shift: FloatArray, unit: FloatArray, y: FloatArray | None = None) -> Loss:
    """A loss of labels and outputs in the units of the data, as one of those of a network.

    Parameters
    ----------
    loss : Loss
        Squares, and losses by output without an option in units, are those of standardised numbers: all
        outputs count alike whatever their units.
    shift, unit : ndarray of shape (n_out,)
        s and u.
    y : ndarray of shape (n_samples, n_out), optional
        Labels of the network. If given, other losses are divided by what their mean labels cost, so that
        optimizers see numbers of order one.
    """
    if (shift == 0).all() and (unit == 1).all():
        return loss
    if loss.is_squares or (isinstance(loss, ByOutput) and loss.degree):
        return ByOutputInUnits(loss, unit) if isinstance(loss, ByOutput) and loss.has_own_unit else loss
    size = 1.0
    if y is not None:
        with np.errstate(all="ignore"):
            cost = float(np.abs(loss.value(y * unit + shift, np.zeros_like(y) + shift)).mean())
        size = cost if np.isfinite(cost) and cost > 0 else 1.0
    return LossInUnits(loss, shift, unit, size)


class ByOutputInUnits(ByOutput):
    """The mean over outputs of l(u y, u f) / u^degree, of losses of residuals with a threshold in units.

    Parameters
    ----------
    given : ByOutput
        l.
    unit : ndarray of shape (n_out,)
        u.
    """

    def __init__(self, given: ByOutput, unit: FloatArray) -> None:
        self._given, self._unit = given, unit
        self.name, self.degree = given.name, given.degree
        self.samples_a_parameter = given.samples_a_parameter

    def terms(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """The function of labels y and outputs f."""
        return self._given.terms(y * self._unit, f * self._unit) / self._unit**self.degree

    def slopes(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Its derivatives by f at labels y."""
        return self._given.slopes(y * self._unit, f * self._unit) / self._unit ** (self.degree - 1)

    def bends(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Second derivatives of the parabola above it, at labels y and outputs f."""
        return self._given.bends(y * self._unit, f * self._unit) * self._unit ** float(2 - self.degree)

    def described(self) -> dict[str, Any]:
        """Those of the loss of the data."""
        return self._given.described()


class LossInUnits(Loss):
    """l(u y + s, u f + s) / size of any loss l.

    Parameters
    ----------
    given : Loss
        l.
    shift, unit : ndarray of shape (n_out,)
        s and u.
    size : float
    """

    def __init__(self, given: Loss, shift: FloatArray, unit: FloatArray, size: float = 1.0) -> None:
        self._given, self._shift, self._unit, self.divided_by = given, shift, unit, size
        self.name, self.has_curvature = given.name, given.has_curvature
        self.samples_a_parameter = given.samples_a_parameter

    def value(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """L of every sample, (n_samples,), for labels y and outputs f."""
        return self._given.value(*self._of_data(y, f)) / self.divided_by

    def gradient(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Derivatives by the outputs f, (n_samples, n_out), at labels y."""
        return self._given.gradient(*self._of_data(y, f)) * (self._unit / self.divided_by)

    def value_and_gradient(self, y: FloatArray, f: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Both at once."""
        value, gradient = self._given.value_and_gradient(*self._of_data(y, f))
        return value / self.divided_by, gradient * (self._unit / self.divided_by)

    def curvature(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """H at labels y and outputs f, (n_samples, n_out, n_out)."""
        bends = self._unit[:, None] * (self._unit / self.divided_by)
        return self._given.curvature(*self._of_data(y, f)) * bends

    def told(self, y: FloatArray, f: FloatArray, unit: FloatArray | float) -> FloatArray:
        """l of every sample."""
        return self._given.value(*self._of_data(y, f))

    def reported(self, mean: float, unit: float = 1.0) -> float:
        """What histories say of a mean."""
        return float(mean) * self.divided_by

    def checked(self, y: FloatArray, f: FloatArray) -> LossInUnits:
        """This loss, if the derivatives of a user's own are right at these labels and outputs."""
        if not isinstance(self._given, OwnLoss):
            return self
        own = self._given.curved(*self._of_data(y[:CHECKED], f[:CHECKED]))
        loss = LossInUnits(own, self._shift, self._unit, self.divided_by)
        check_derivatives(loss, y, f)
        return loss

    def described(self) -> dict[str, Any]:
        """Those of the loss of the data."""
        return self._given.described()

    def _of_data(self, y: FloatArray, f: FloatArray) -> tuple[FloatArray, FloatArray]:
        return y * self._unit + self._shift, f * self._unit + self._shift

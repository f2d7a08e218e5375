"""Losses as pykan takes them: a function of predictions and labels, whose derivatives are found here.

The derivatives by the predictions are those of a complex step, Im l(f + i h) / h, which is exact to rounding
for functions that NumPy continues to complex numbers. Where that does not agree with central differences, as
for functions with absolute values, differences of fourth order are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.objective.loss import Loss
from kan_np.objective.losses import loss_of
from kan_np.objective.own_loss import CHECKED, OwnLoss, check_derivatives

_COMPLEX_STEP = 1e-100
#: Balances the errors of a formula of fourth order and of rounding: eps^(1/5).
_STEP = float(np.finfo(np.float64).eps) ** 0.2
#: A complex step is right where it is as near to differences, relative to the largest slope; and a mean over
#: the samples is one to this part. Chosen by judgement.
_NEAR, _SAME = 1e-6, 1e-9

GIVEN, COMPLEX, DIFFERENCES = "given", "complex", "differences"


def chosen_loss(loss: object, loss_fn: object) -> Loss:
    """The loss that a fit is asked for: by `loss`, or by pykan's `loss_fn`.

    Raises
    ------
    ValueError, TypeError
        If both are given, and for what is no loss.
    """
    if loss_fn is None:
        return loss_of(loss)
    if not isinstance(loss, str) or loss != "squares":
        raise ValueError("loss and loss_fn are both given; expected one of them.")
    if isinstance(loss_fn, type) or not callable(loss_fn):
        raise TypeError(
            f"loss_fn is {_validate.shown(loss_fn)}; expected a function of predictions and labels, "
            "(n_samples, n_out) each, that returns values (n_samples,). Losses by name are loss=."
        )
    return PredictionLoss(loss_fn)


class PredictionLoss(OwnLoss):
    """A loss that a function of predictions and labels is.

    Parameters
    ----------
    given : callable
        (f, y) -> values (n_samples,), values (n_samples, n_out) whose mean over the outputs counts, one
        number that is the mean over the samples, or a pair of values and their gradient by f.
    how : str
        Where derivatives come from: `GIVEN`, `COMPLEX` or `DIFFERENCES`; `checked` finds out.
    """

    def __init__(self, given: Callable[[Any, Any], Any], how: str = DIFFERENCES) -> None:
        super().__init__(given)
        self._how = how

    def value(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """l of every sample."""
        found: FloatArray = np.asarray(self._values(y, f), dtype=np.float64)
        return found

    def gradient(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Derivatives by the outputs."""
        if self._how == GIVEN:
            slopes = np.asarray(self._given(f, y)[1], dtype=np.float64)
            if slopes.shape != f.shape:
                raise ValueError(f"the gradient of loss_fn: shape {slopes.shape}; expected {f.shape}.")
            return slopes
        by_output = self._complex if self._how == COMPLEX else self._differences
        return np.stack([by_output(y, f, j) for j in range(f.shape[1])], axis=1)

    def value_and_gradient(self, y: FloatArray, f: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Both at once."""
        return self.value(y, f), self.gradient(y, f)

    def checked(self, y: FloatArray, f: FloatArray) -> PredictionLoss:
        """This loss with the best derivatives that it has at these outputs; ValueError if given are wrong."""
        loss = self.curved(y[:CHECKED], f[:CHECKED])
        check_derivatives(loss, y, f)
        return loss

    def curved(self, y: FloatArray, f: FloatArray) -> PredictionLoss:
        """This loss, knowing where its derivatives come from."""
        with np.errstate(all="ignore"):
            found = self._given(f, y)
            if isinstance(found, tuple):
                return PredictionLoss(self._given, GIVEN)
            self._refuse_sums(y, f, found)
            apart = f + np.linspace(-0.37, 0.41, len(f))[:, None]  # predictions that are not the labels
            exact = all(self._complex_is_right(y, apart, j) for j in range(f.shape[1]))
        return PredictionLoss(self._given, COMPLEX if exact else DIFFERENCES)

    def _values(self, y: FloatArray, f: Any) -> Any:
        """Values at predictions that may be complex, (n_samples,)."""
        found = self._given(f, y)
        values = np.asarray(found[0] if isinstance(found, tuple) else found)
        if values.ndim == 0 and len(y) > 1:
            return np.array([self._given(f[s : s + 1], y[s : s + 1]) for s in range(len(y))])
        if values.shape == (*y.shape[:1], f.shape[1]):
            return values.mean(axis=1)
        if values.size != len(y):
            raise ValueError(
                f"loss_fn returned an array of shape {values.shape} for {len(y)} samples; expected "
                f"({len(y)},), one number a sample, or one number that is their mean."
            )
        return values.reshape(len(y))

    def _refuse_sums(self, y: FloatArray, f: FloatArray, found: Any) -> None:
        """Raise for one number that is not the mean of what single samples give."""
        if np.ndim(found) > 0 or len(y) < 2:
            return
        whole, mean = float(np.asarray(found)), float(np.mean(self._values(y, f)))
        if not abs(whole - mean) <= _SAME * abs(mean):
            raise ValueError(
                f"loss_fn returned {whole:.6g} for {len(y)} samples, and {mean:.6g} is the mean of what it "
                "returns for each of them; expected a mean over the samples. Return an array (n_samples,) "
                "instead."
            )

    def _complex_is_right(self, y: FloatArray, f: FloatArray, j: int) -> bool:
        try:
            slope = self._complex(y, f, j)
        except TypeError:  # functions that know real numbers only
            return False
        near = self._differences(y, f, j)
        return bool((np.abs(slope - near) <= _NEAR * max(float(np.abs(near).max()), 1e-30)).all())

    def _complex(self, y: FloatArray, f: FloatArray, j: int) -> FloatArray:
        shifted = f.astype(np.complex128)
        shifted[:, j] += 1j * _COMPLEX_STEP
        values = self._values(y, shifted)
        if not np.iscomplexobj(values):
            raise TypeError("the values are real")
        return np.asarray(values.imag / _COMPLEX_STEP)

    def _differences(self, y: FloatArray, f: FloatArray, j: int) -> FloatArray:
        shift = np.zeros_like(f)
        shift[:, j] = _STEP * np.maximum(np.abs(f[:, j]), 1.0)
        near = self.value(y, f + shift) - self.value(y, f - shift)
        far = self.value(y, f + 2.0 * shift) - self.value(y, f - 2.0 * shift)
        return np.asarray((8.0 * near - far) / (12.0 * shift[:, j]))

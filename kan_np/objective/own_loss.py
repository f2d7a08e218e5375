"""Losses of a user's own: functions or objects with derivatives by the outputs, checked by differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.objective.loss import Loss, diagonal

#: So many samples are compared with central differences of this step, and a derivative is right that is as
#: near as this part of its size; a tenth of them may be wrong, where a loss has kinks. Chosen by judgement.
CHECKED, _STEP, _NEAR, _KINKS = 30, 1e-5, 1e-3, 0.1
_WHAT = (
    "a name, one of CrossEntropy, Poisson, Huber and Quantile, a function (y, f) -> (values, gradient) or "
    "(values, gradient, hessian) of labels and outputs, or an object with methods value, gradient and, if it "
    "has one, hessian, each of (y, f)"
)


class OwnLoss(Loss):
    """A loss of a user's own; `OwnLoss.of` makes it.

    Values are an array (n_samples,), the gradient (n_samples, n_out), and the Hessian by the outputs
    (n_samples, n_out, n_out), or (n_samples, n_out) where it is diagonal.

    Parameters
    ----------
    given : object
        The function, or the object with methods.
    has_curvature : bool
        Whether it has a Hessian; `checked` finds out.
    """

    name = "own"
    standardized_by_default = False  # outputs may be logits, or logarithms of rates

    def __init__(self, given: Any, has_curvature: bool = False) -> None:
        self._given, self.has_curvature = given, has_curvature
        self._has_methods = hasattr(given, "value") and hasattr(given, "gradient")

    @staticmethod
    def of(given: object) -> OwnLoss:
        """The loss that a function or an object is.

        Raises
        ------
        TypeError
            For anything else.
        """
        if isinstance(given, type) or not (
            callable(given) or all(callable(getattr(given, name, None)) for name in ("value", "gradient"))
        ):
            raise TypeError(f"loss is {_validate.shown(given)}; expected {_WHAT}.")
        return OwnLoss(given)

    @staticmethod
    def forgotten() -> OwnLoss:
        """That of a model from a file, which holds no code."""
        return OwnLoss(_forgotten)

    def value(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """l of every sample."""
        found = self._given.value(y, f) if self._has_methods else self._call(y, f)[0]
        return _array("values", found, (len(y),))

    def gradient(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """Derivatives by the outputs."""
        found = self._given.gradient(y, f) if self._has_methods else self._call(y, f)[1]
        return _array("the gradient", found, f.shape)

    def value_and_gradient(self, y: FloatArray, f: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Both at once: a function is called once."""
        if self._has_methods:
            return self.value(y, f), self.gradient(y, f)
        found = self._call(y, f)
        return _array("values", found[0], (len(y),)), _array("the gradient", found[1], f.shape)

    def curvature(self, y: FloatArray, f: FloatArray) -> FloatArray:
        """H; where it is not positive semidefinite, what is negative counts as 0 in matrices."""
        found = self._given.hessian(y, f) if self._has_methods else self._call(y, f)[2]
        if np.ndim(found) == 2:
            return diagonal(_array("the Hessian", found, f.shape))
        return _array("the Hessian", found, (*f.shape, f.shape[1]))

    def checked(self, y: FloatArray, f: FloatArray) -> OwnLoss:
        """This loss, if its derivatives agree with central differences near these outputs.

        Raises
        ------
        ValueError
            If they do not, or are arrays of other shapes.
        """
        loss = self.curved(y[:1], f[:1])
        check_derivatives(loss, y, f)
        return loss

    def curved(self, y: FloatArray, f: FloatArray) -> OwnLoss:
        """This loss, knowing whether it has a Hessian."""
        if self._has_methods:
            return OwnLoss(self._given, callable(getattr(self._given, "hessian", None)))
        with np.errstate(all="ignore"):
            return OwnLoss(self._given, len(self._call(y, f)) > 2)

    def _call(self, y: FloatArray, f: FloatArray) -> tuple[Any, ...]:
        found = self._given(y, f)
        if not isinstance(found, tuple) or len(found) not in (2, 3):
            raise ValueError(
                f"the function that is the loss returned {_validate.shown(found)}; expected a tuple (values, "
                "gradient) or (values, gradient, hessian)."
            )
        return found


def check_derivatives(loss: Loss, y: FloatArray, f: FloatArray) -> None:
    """Raise ValueError if derivatives of a loss do not agree with central differences near these outputs."""
    y, f = y[:CHECKED], f[:CHECKED] + np.linspace(-0.37, 0.41, min(len(y), CHECKED))[:, None]
    with np.errstate(all="ignore"):
        gradient, steps = loss.gradient(y, f), _STEP * np.maximum(np.abs(f), 1.0)
        curvature = loss.curvature(y, f) if loss.has_curvature else None
        for j in range(f.shape[1]):
            shift = np.zeros_like(f)
            shift[:, j] = steps[:, j]
            slope = loss.value(y, f + shift) - loss.value(y, f - shift)
            _compare(f"its derivative by output {j}", gradient[:, j], slope / (2.0 * steps[:, j]))
            if curvature is not None:
                bend = loss.gradient(y, f + shift) - loss.gradient(y, f - shift)
                what = f"its second derivatives by output {j}"
                _compare(what, curvature[:, :, j], bend / (2.0 * steps[:, j : j + 1]))


def _forgotten(y: FloatArray, f: FloatArray) -> tuple[Any, ...]:
    raise ValueError(
        "the model was trained with a loss of its user, and files hold no code; give fit the loss again."
    )


def _array(what: str, found: Any, shape: tuple[int, ...]) -> FloatArray:
    array = np.asarray(found, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{what} of the loss: shape {array.shape}; expected {shape}.")
    return array


def _compare(what: str, told: FloatArray, differences: FloatArray) -> None:
    """Raise if more numbers than there may be kinks are wrong."""
    unit = np.maximum(np.abs(differences), max(float(np.abs(differences).max()), 1e-6) * 0.1)
    wrong = ~(np.abs(told - differences) <= _NEAR * unit)
    if wrong.mean() > _KINKS:
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"the loss is wrong or not smooth: {what} is {told[place]:.6g} in sample {place[0]}, central "
            f"differences say {differences[place]:.6g}; expected derivatives of its values by the outputs."
        )

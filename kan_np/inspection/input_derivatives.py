"""Derivatives of models and functions by their inputs, with the names that pykan's tutorials use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.training.derivatives import HasDerivatives

_MODES = ("scalar", "vector")


def batch_jacobian(
    func: HasDerivatives | Callable[[FloatArray], ArrayLike], x: ArrayLike, mode: str = "scalar"
) -> FloatArray:
    """Derivatives of a model, or of a function, by its inputs at every sample.

    Of a model they are exact: those of its method ``input_jacobian``. Of a function that is no model they are
    finite differences with steps that adapt, `scipy.differentiate.jacobian`.

    Parameters
    ----------
    func : KAN, MLP or callable
        A callable takes an array (n_samples, n_in) and returns (n_samples, n_out) or (n_samples,), a value of
        each sample that depends on this sample alone.
    x : array_like of shape (n_samples, n_in)
    mode : {"scalar", "vector"}
        "scalar" is for one output, of several the first, as in pykan; "vector" for all.

    Returns
    -------
    ndarray of shape (n_samples, n_in), with "vector" (n_samples, n_out, n_in)

    Raises
    ------
    ValueError, TypeError
        For another mode, and as ``model(x)``.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN
    >>> from kan_np.inspection import batch_jacobian
    >>> model = KAN([2, 1], seed=0)
    >>> _ = model.fix_symbolic(0, 0, 0, "x^2", fit=False)
    >>> _ = model.fix_symbolic(0, 1, 0, "x", fit=False)
    >>> batch_jacobian(model, [[3.0, 1.0], [0.5, 2.0]])
    array([[6., 1.],
           [1., 1.]])
    >>> batch_jacobian(lambda x: np.sin(x[:, [0]]), [[0.0]]).round(9)
    array([[1.]])
    """
    _validate.choice("mode", mode, _MODES)
    if isinstance(func, HasDerivatives):
        jacobian = func.input_jacobian(x)
    else:
        from scipy.differentiate import jacobian as by_differences

        points = _validate.matrix("x", x)
        jacobian = np.moveaxis(by_differences(_columns_first(func), points.T).df, -1, 0)
    return np.asarray(jacobian[:, 0] if mode == "scalar" else jacobian)


def batch_hessian(
    model: HasDerivatives | Callable[[FloatArray], ArrayLike], x: ArrayLike, mode: str = "scalar"
) -> FloatArray:
    """Second derivatives of a model, or of a function, by its inputs at every sample.

    Of a model they are exact: those of its method ``input_hessian``. Of a function that is no model they are
    finite differences, `scipy.differentiate.hessian`.

    Parameters
    ----------
    model : KAN, MLP or callable
        As for `batch_jacobian`.
    x : array_like of shape (n_samples, n_in)
    mode : {"scalar", "vector"}
        As for `batch_jacobian`.

    Returns
    -------
    ndarray of shape (n_samples, n_in, n_in), with "vector" (n_samples, n_out, n_in, n_in)

    Raises
    ------
    ValueError, TypeError
        As `batch_jacobian`.

    Examples
    --------
    >>> from kan_np import KAN
    >>> from kan_np.inspection import batch_hessian
    >>> model = KAN([2, 1], seed=0)
    >>> _ = model.fix_symbolic(0, 0, 0, "x^2", fit=False)
    >>> _ = model.fix_symbolic(0, 1, 0, "x", fit=False)
    >>> batch_hessian(model, [[3.0, 1.0]])
    array([[[2., 0.],
            [0., 0.]]])
    """
    _validate.choice("mode", mode, _MODES)
    if isinstance(model, HasDerivatives):
        hessian = model.input_hessian(x)
    else:
        from scipy.differentiate import hessian as by_differences

        points, function = _validate.matrix("x", x), _columns_first(model)
        n_out = function(points.T).shape[0]
        parts = [by_differences(_one_output(function, j), points.T).ddf for j in range(n_out)]
        hessian = np.moveaxis(np.stack(parts), -1, 0)
    return np.asarray(hessian[:, 0] if mode == "scalar" else hessian)


def _columns_first(func: Callable[[FloatArray], ArrayLike]) -> Callable[[FloatArray], FloatArray]:
    """The function of arrays (n_in, ...) that returns (n_out, ...), as SciPy calls it."""

    def function(columns: FloatArray) -> FloatArray:
        shape = columns.shape[1:]
        rows = np.ascontiguousarray(columns.reshape(columns.shape[0], -1).T)
        values: Any = np.asarray(func(rows), dtype=np.float64)
        if values.ndim not in (1, 2) or len(values) != len(rows):
            raise ValueError(
                f"func returned an array of shape {values.shape} for {len(rows)} samples; expected "
                f"({len(rows)},) or ({len(rows)}, n_out)."
            )
        return np.asarray(values.reshape(len(rows), -1).T.reshape(-1, *shape))

    return function


def _one_output(function: Callable[[FloatArray], FloatArray], j: int) -> Callable[[FloatArray], FloatArray]:
    return lambda columns: function(columns)[j]

"""Predictions with error bars, in the units of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.training.estimator import Estimator
from kan_np.uncertainty.bars import ErrorBars
from kan_np.uncertainty.samples import label_scale, network_inputs


def with_error_bars(
    model: Estimator,
    x: Any,
    prediction: FloatArray,
    return_std: bool,
    interval: float | None,
    batch_size: int = 65536,
) -> tuple[FloatArray, ...]:
    """(prediction,) followed by the standard deviation and by both ends of the interval, where asked for.

    Parameters
    ----------
    model : Estimator
    x : array_like of shape (n_samples, n_in), or table
    prediction : ndarray of shape (n_samples, n_out)
        What the model predicts there.
    return_std : bool
    interval : float, optional
        Level, between 0 and 1.
    batch_size : int
        Rows at a time.

    Raises
    ------
    ValueError
        If the model has no error bars, and for a level that is none or that needs more rows.
    """
    bars, scale = of_model(model), label_scale(model)
    level = None if interval is None else checked_level(interval)
    rows = network_inputs(model, x)
    shift = np.zeros_like(scale) if model.scaler is None else model.scaler.label_shift
    found: list[tuple[FloatArray, ...]] = []
    for first in range(0, len(rows), batch_size):
        here = rows[first : first + batch_size]
        deviation = (scale * bars.std(model, here),) if return_std else ()
        ends = () if level is None else bars.interval(model, here, level)
        found.append(deviation + tuple(end * scale + shift for end in ends))
    return prediction, *(np.concatenate(part) for part in zip(*found, strict=True))


def drawn(model: Estimator, x: Any, n: int, seed: int | np.random.Generator) -> FloatArray:
    """Functions that the data allow, at x, in the units of the data: (n, n_samples, n_out).

    Raises
    ------
    ValueError
        If the model has no error bars, or by a method that knows intervals only.
    """
    n = _validate.integer("n", n, 1)
    rng = _validate.generator("seed", seed)
    bars = of_model(model)
    functions = bars.draws(model, network_inputs(model, x), n, rng)
    scaler = model.scaler
    return functions if scaler is None else functions * scaler.label_scale + scaler.label_shift


def of_model(model: Estimator) -> ErrorBars:
    """The error bars of a model.

    Raises
    ------
    ValueError
        If it has none, or was changed after they were made.
    """
    bars: ErrorBars | None = model._error_bars
    if bars is None:
        raise ValueError(
            "the model has no error bars; first call model.calibrate(dataset) with the dataset of the fit."
        )
    if bars.network is not model._network:
        raise ValueError(
            "the model was changed after calibrate, so that its error bars are those of another one; call "
            "model.calibrate(dataset) again."
        )
    return bars


def checked_level(interval: object) -> float:
    """A level of intervals, between 0 and 1."""
    if isinstance(interval, bool):
        raise TypeError(f"interval is {interval}; expected a level between 0 and 1, such as 0.9.")
    level = _validate.real("interval", interval)
    if not 0.0 < level < 1.0:
        hint = f" For {level:g} % give {level / 100:g}." if 1.0 < level < 100.0 else ""
        raise ValueError(f"interval is {level:g}; expected a level between 0 and 1, such as 0.9.{hint}")
    return level

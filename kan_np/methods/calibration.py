"""Methods that learn and use how far predictions may be off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from kan_np._validate import FloatArray
from kan_np.data.check import Dataset
from kan_np.training.estimator import Estimator
from kan_np.uncertainty import calibration, prediction
from kan_np.uncertainty.bars import ErrorBars
from kan_np.uncertainty.refits import Refit


def calibrate(
    model: Estimator,
    dataset: Dataset,
    method: str = "laplace",
    *,
    members: int = 5,
    folds: int = 10,
    refit: Refit | None = None,
    seed: int = 0,
) -> ErrorBars:
    """Learn from the data of the fit how far predictions may be off; then `predict` can say it.

    Parameters
    ----------
    model : KAN
    dataset : dict
        The dataset of the fit, or its samples in the units of the data.
    method : {"laplace", "conformal", "jackknife+", "ensemble"}
        "laplace": parameters are normally distributed around the fitted ones; at once, from the training
        samples alone. It assumes normally distributed noise of one size and that the model can represent
        the truth. "conformal": the residuals of ``val_input`` and ``val_label``, which the fit must not
        have used, say how wide intervals are, "laplace" where they are wider and narrower. It assumes
        only that new rows are drawn as those were: use it if there are rows to spare. "jackknife+": the
        same by `folds` further fits, each to all rows but those of one fold: for small tables.
        "ensemble": `members` further fits from other random starts; where they disagree the model is
        uncertain, and noise is of one size. Outside the training range all of them widen
        (`kan_np.uncertainty.outside`).
    members : int
        Of "ensemble".
    folds : int
        Of "jackknife+"; as many as there are rows is the jackknife+ proper.
    refit : callable, optional
        (dataset, seed) -> fitted model, for "jackknife+" and "ensemble". By default the fit that made the
        model is repeated; a model that was trained in several steps needs this function.
    seed : int
        Of the folds, and of the starts of the members.

    Returns
    -------
    ErrorBars
        Also the attribute `error_bars`; it is saved with the model. It holds for the model as it is: one
        that is trained further or changed has to be calibrated again.

    Raises
    ------
    ValueError, TypeError
        For options and data that cannot be used: another dataset than that of the fit, no held-out rows
        for "conformal", too many parameters (3000) for "laplace".

    Notes
    -----
    Sample weights count as one over the variance of the noise; a new row has the mean weight. The
    conformal methods count all rows with a weight above 0 alike.

    Examples
    --------
    >>> import numpy as np
    >>> from kan_np import KAN, dataset_from_arrays, split_validation
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-1, 1, (200, 1))
    >>> dataset = split_validation(dataset_from_arrays(x, x**2 + rng.normal(0, 0.1, (200, 1)), seed=0))
    >>> model = KAN([1, 1], grid=3, seed=0)
    >>> result = model.fit(dataset, "LM")
    >>> bars = model.calibrate(dataset, method="conformal")
    >>> y, std = model.predict([[0.5]], return_std=True)
    >>> bool(0.05 < std < 0.2)
    True
    """
    options: dict[str, Any] = {"members": members, "folds": folds, "refit": refit, "seed": seed}
    model._error_bars = calibration.calibrated(model, dataset, method, **options)
    return model._error_bars


def sample_predictions(
    model: Estimator, x: ArrayLike, n: int = 10, seed: int | np.random.Generator = 0
) -> FloatArray:
    """Functions that the data allow, at the rows of x: for the error of what is computed of predictions.

    Each is drawn as a whole, so that a difference, a slope or an integral of predictions can be computed
    of every one of them; noise is not included. After `calibrate` with "laplace" (normally distributed
    parameters, the model being linear in them) or "ensemble" (one of its fits).

    Parameters
    ----------
    model : KAN
    x : array_like of shape (n_samples, n_in), or table
    n : int
        Number of functions.
    seed : int or numpy.random.Generator

    Returns
    -------
    ndarray of shape (n, n_samples, n_out)
        In the units of the data.

    Raises
    ------
    ValueError
        As `predict`, and after `calibrate` by a method that knows intervals only.

    Examples
    --------
    >>> from kan_np import KAN, create_dataset
    >>> dataset = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=60, seed=0)
    >>> model = KAN([1, 1], grid=3, seed=0)
    >>> result = model.fit(dataset, "LM")
    >>> bars = model.calibrate(dataset)
    >>> model.sample_predictions([[0.0], [1.0]], n=5).shape
    (5, 2, 1)
    """
    return prediction.drawn(model, x, n, seed)

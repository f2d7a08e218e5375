"""How far outside the range of its samples a fit without a prior is followed: as far as its error says.

Such a fit goes on there by the slopes at its ends, and a slope is known about as well as the labels are
explained. With e the squared error of a prediction inside the range over the variance of the labels, edges
are followed for

    LEEWAY (1 / e - 1)

training ranges: not at all where labels are not explained, 1 % of the range with e = 1/4, a third of it with
1 %, three with 0.1 %, three thousand with 1e-6, which is no end at all. Rows further out are taken as if they
lay there. e is the larger of two, for the worst of the outputs: that of generalised cross-validation,

    n |y - f|^2 / (n - p)^2 / variance,

where there are more labels n than parameters p, and the mean squared error of validation samples where there
are any. With another loss than squares its mean over that of the best constant takes the place of a squared
error over the variance. With neither nothing is known, and what an earlier fit of the model has found holds.

Fits to few samples with a prior ask their folds: `kan_np.training.cross_validation`.
"""

from __future__ import annotations

import numpy as np

from kan_np._validate import FloatArray
from kan_np.data.check import Dataset
from kan_np.training.diagnosis import Shares
from kan_np.training.estimator import Estimator
from kan_np.training.loss_diagnosis import explained_share

#: Training ranges for every time that the explained variance is that of the errors. Additive splines and
#: networks of one to three nodes as `kan-sweep auto` trains them, 412 fits on ten tables of
#: `benchmarks.accuracy.tables`, data seeds 700 to 715, test RMSE over that of the mean: 0 gave geometric mean
#: 0.581, 0.003 0.582, 0.01 0.587, 0.1 0.600, no end 0.705; those above 1.2 were 20, 20, 22, 24 and 49.
LEEWAY = 0.003


def leeway_of(model: Estimator, data: Dataset) -> float | None:
    """How far edges may be followed, in mean distances of neighbours; None where nothing is known.

    Parameters
    ----------
    model : Estimator
        As it was fitted, still without ends.
    data : dict
        Checked: what it was fitted to, and validation samples where there are any.
    """
    error = unexplained(model, data)
    if error is None:
        return None
    n_samples = data["train_label"].shape[0]
    return LEEWAY * max(1.0 / error - 1.0, 0.0) * n_samples if error > 0 else np.inf


def unexplained(model: Estimator, data: Dataset) -> float | None:
    """Expected squared error inside the range over the variance of the labels, of the worst output."""
    if not model._loss.is_squares:
        return _unexplained_loss(model, data)
    train, n_labels = Shares.of(model, data, "train"), data["train_label"].size
    found: list[FloatArray] = []
    if n_labels > model.n_params:
        found.append(train.parts / (1.0 - model.n_params / n_labels))
    if "val_input" in data:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found.append(np.nan_to_num(Shares.of(model, data, "val").rmse / train.spread, posinf=np.inf))
    with np.errstate(over="ignore"):  # infinite where it has diverged
        return float(np.square(np.max(found))) if found else None


def _unexplained_loss(model: Estimator, data: Dataset) -> float | None:
    """The same for another loss: its mean over that of the best constant."""
    n_labels, found = data["train_label"].size, []
    if n_labels > model.n_params:
        found.append(explained_share(model, data, "train") / (1.0 - model.n_params / n_labels) ** 2)
    if "val_input" in data:
        found.append(explained_share(model, data, "val"))
    return float(np.nan_to_num(np.max(found), nan=np.inf)) if found else None

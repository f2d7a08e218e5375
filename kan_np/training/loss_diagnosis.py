"""What is wrong with a fit by another loss than squares: nothing learnt, or held-out rows badly met."""

from __future__ import annotations

import numpy as np

from kan_np._warnings import Finding, NotLearntWarning, OverfitWarning, ScaleWarning
from kan_np.data.check import Dataset, without_idle_samples
from kan_np.data.standardize import far_from_one
from kan_np.optimize.status import FitStatus
from kan_np.training.estimator import Estimator
from kan_np.training.folds import Sample

#: A training loss of this part of that of the best constant is that of having learnt nothing, and a held-out
#: loss of this multiple is worse than saying nothing. Chosen by judgement.
_NOTHING_LEARNT, _WORSE = 0.98, 1.2
#: Fits that ended for want of steps are judged from so many iterations on, as those of squares.
_FEWEST_ITERATIONS = 50
_STANDARDIZE = (
    "standardize=True, since the data are far from one (a loss of your own still gets labels and outputs in "
    "their units), "
)


def explained_share(model: Estimator, data: Dataset, split: str) -> float:
    """Mean loss of samples over that of the best constant of the training samples."""
    sample = _sample(model, data, "train")
    held = _sample(model, data, split)
    constant = held.loss_of_constant(sample.mean)
    with np.errstate(all="ignore"):  # divergence is a status, not a warning
        losses = model._loss.value(held.y, model._network.forward(model._within(held.x)))
        return float(np.average(losses, weights=held.weight)) / constant if constant > 0 else 0.0


def judge_loss(
    model: Estimator, data: Dataset, status: FitStatus, n_iter: int
) -> tuple[FitStatus, list[Finding]]:
    """The status of a fit with what was learnt in mind, and what is wrong."""
    data = without_idle_samples(data)
    y = data["train_label"]
    if status is FitStatus.NON_FINITE:
        return status, [Finding(status.message)]
    if status is FitStatus.STOPPED or (y == y[0]).all():
        return status, []
    far = _is_far_from_one(model, data)
    ended = far or status in (FitStatus.CONVERGED, FitStatus.STALLED) or n_iter >= _FEWEST_ITERATIONS
    if explained_share(model, data, "train") < _NOTHING_LEARNT or not ended:
        return status, []
    sample, unit = _sample(model, data, "train"), data.get("label_unit", 1.0)
    found = model._mean_loss(sample.x, y, sample.weight, unit)
    best = model._loss.mean(y, np.broadcast_to(sample.mean, y.shape), sample.weight, unit)
    text = (
        f"The mean training loss is {found:.4g}, that of the best constant {best:.4g}: nothing was learnt. "
        f"Try {_STANDARDIZE if far else ''}another seed, more samples or another shape, unless the inputs do "
        "not determine the labels."
    )
    learnt_not = FitStatus.NOT_LEARNT if status is FitStatus.CONVERGED else status
    return learnt_not, [Finding(text, ScaleWarning if far else NotLearntWarning)]


def _is_far_from_one(model: Estimator, data: Dataset) -> bool:
    """Whether samples are far from one that a fit could have standardised."""
    if "scaler" in data and not (data["scaler"].label_scale == 1).all():
        return False
    inputs = "scaler" not in data and far_from_one(data["train_input"]).any()
    return bool(inputs or (not model._loss.of_raw_labels and far_from_one(data["train_label"]).any()))


def held_out_loss(model: Estimator, data: Dataset, split: str, kind: str) -> list[Finding]:
    """Held-out rows that are met worse than by the best constant."""
    share, train = explained_share(model, data, split), explained_share(model, data, "train")
    if share <= max(_WORSE, 2.0 * train) or len(data[f"{split}_label"]) < 2:
        return []
    return [
        Finding(
            f"The mean {kind} loss is {share:.3g} times that of the best constant, and {train:.3g} times on "
            "the training samples: other rows are predicted worse than by saying nothing of them. Use more "
            "samples, fewer intervals or nodes, or smoothing='auto'.",
            OverfitWarning,
        )
    ]


def _sample(model: Estimator, data: Dataset, split: str) -> Sample:
    weight = data.get(f"{split}_weight")
    return Sample(data[f"{split}_input"], data[f"{split}_label"], weight, model._loss)

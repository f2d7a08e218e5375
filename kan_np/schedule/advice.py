"""Advice in words after a schedule: whether the model over- or underfits, and what to change.

The order of the advice is that of the authors of arXiv:2404.19756: start small, refine the grid while that
helps, and only then make the network wider.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from kan_np.objective.smoothing import GCV
from kan_np.optimize.status import FitResult, FitStatus


class Shaped(Protocol):
    """A model with a width."""

    @property
    def width(self) -> list[int]:
        """Nodes of each layer, inputs first."""


class Judged(Protocol):
    """The attributes of a stage that the advice depends on; see `kan_np.schedule.stage.Stage`."""

    @property
    def model(self) -> Shaped: ...
    @property
    def grid(self) -> int | None: ...
    @property
    def n_params(self) -> int: ...
    @property
    def val_rmse(self) -> float: ...
    @property
    def score(self) -> float: ...
    @property
    def status(self) -> FitStatus: ...
    @property
    def result(self) -> FitResult: ...


#: The best stage overfits if its validation error is more than this times its training error. This and the
#: next numbers were chosen by judgement.
_GAP = 2.0
#: The same factor if a finer grid still lowered the error considerably.
_LARGE_GAP = 10.0
#: A finer grid helps if it lowers the error at least by this factor.
_GAIN = 1.25
#: From this fraction of the spread of the labels on an error counts as that of predicting their mean.
_NOTHING_LEARNT = 0.95
#: Most parameters for each label of a suggested network, so that it cannot fit noise.
_MOST_PER_LABEL = 0.5


def advise(
    stages: Sequence[Judged], n_train: int, *, smoothing: float | str = 0.0, label_spread: float = math.nan
) -> str:
    """Return sentences on whether the model under- or overfits, and what to try next.

    Parameters
    ----------
    stages : sequence of Stage
        Coarse grids first.
    n_train : int
        Training samples.
    smoothing : float or str
        The argument of the fits; smoothing is not advised if it is on.
    label_spread : float
        Standard deviation of the training labels; NaN if unknown.
    """
    if not stages:
        return "No stage was finished: there is nothing to judge."
    number = min(range(len(stages)), key=lambda i: stages[i].score)
    best, last = stages[number], stages[-1]
    if math.isnan(best.val_rmse):
        return (
            "Nothing was held out, so overfitting cannot be seen: give the dataset validation samples or set "
            "val_fraction."
        )
    model = "The model" if best.grid is None else f"G = {best.grid}"
    train = before_refit(best)
    held = f"{model} is the best by validation (RMSE {best.val_rmse:.2e}, training {train:.2e}). "
    smoother = "" if smoothing == GCV else "smoothing='gcv', "
    learnt = math.isfinite(best.score) and not best.score >= _NOTHING_LEARNT * label_spread
    if not learnt:
        return held + _nothing_learnt(best, n_train, smoother, label_spread)
    overfits = before_refit(last) <= train
    if number < len(stages) - 1 and not overfits:
        return held + (
            f"G = {last.grid} was not trained out ({last.status.value}): its training error is higher, too. "
            "Give it more steps before judging finer grids."
        )
    if number < len(stages) - 1 and last.score > _GAIN * best.score:
        return held + (
            f"Finer grids overfit: at G = {last.grid} the validation RMSE is {last.val_rmse:.2e} with "
            f"{last.n_params} parameters for {n_train} samples. Keep G = {best.grid}; for a better model use "
            f"more samples, {smoother}or a narrower network."
        )
    if best.val_rmse > (_GAP if not _grid_pays(stages, number) else _LARGE_GAP) * train:
        return held + _overfitting(best, n_train, smoother)
    return held + _underfitting(stages, number, n_train)


def _overfitting(best: Judged, n_train: int, smoother: str) -> str:
    return (
        f"It overfits: {best.n_params} parameters for {n_train} samples. Use fewer intervals or nodes, "
        f"{smoother}or more samples."
    )


def _nothing_learnt(best: Judged, n_train: int, smoother: str, label_spread: float) -> str:
    """Advice for a model that predicts held-out samples no better than their mean."""
    beside = "" if math.isnan(label_spread) else f" where the labels have a spread of {label_spread:.2e}"
    told = f"That is no better than the mean of the labels{beside}: nothing was learnt that holds elsewhere. "
    if before_refit(best) < best.val_rmse / _GAP:
        return told + _overfitting(best, n_train, smoother)
    return told + (
        "Either the inputs do not determine the labels, or the scales of the data are too far from one "
        "(standardise them), or more steps and restarts are needed."
    )


def _underfitting(stages: Sequence[Judged], number: int, n_train: int) -> str:
    best = stages[number]
    width = _larger(best, n_train)
    if best.grid is not None and _grid_pays(stages, number):
        return f"A finer grid still lowers the error: try G = {2 * best.grid}."
    told = "It does not overfit"
    if best.grid is not None:
        told += ", and finer grids no longer help: the width is the limit, or the noise in the labels"
    if width is None:
        return (
            f"{told}. A larger network would have too many parameters for {n_train} samples: if the error is "
            "too large, use more samples or fewer inputs."
        )
    knob = f"a {'hidden layer' if len(best.model.width) == 2 else 'wider network'} such as {width}"
    if best.grid is None:
        return f"{told}. If the error is too large, try {knob}."
    return f"{told}. Try {knob}, or more restarts."


def _grid_pays(stages: Sequence[Judged], number: int) -> bool:
    """Whether the best stage is the last one and much better than the one before it."""
    best = stages[number]
    if best.grid is None or number < len(stages) - 1:
        return False
    return number == 0 or stages[number - 1].score > _GAIN * best.score


def _larger(best: Judged, n_train: int) -> list[int] | None:
    """A wider network, or one with a hidden layer, that has few enough parameters; None if there is none."""
    width = list(best.model.width)
    most = _MOST_PER_LABEL * n_train * width[-1]
    if len(width) > 2:
        wider = [n + (0 < i < len(width) - 1) for i, n in enumerate(width)]
        return wider if _edges(wider) * best.n_params <= most * _edges(width) else None
    for hidden in range(2 * width[0] + 1, 0, -1):
        deeper = [width[0], hidden, width[-1]]
        if _edges(deeper) * best.n_params <= most * _edges(width):
            return deeper
    return None


def _edges(width: Sequence[int]) -> int:
    return sum(n * m for n, m in zip(width[:-1], width[1:], strict=True))


def before_refit(stage: Judged) -> float:
    """Training RMSE of the model whose validation RMSE the stage reports."""
    return stage.result["train_loss"][-1]

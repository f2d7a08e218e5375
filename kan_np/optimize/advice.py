"""What the training and validation errors of a schedule say, in words.

The order of the knobs is the advice of the authors of arXiv:2404.19756: start small, refine the grid while
that helps, and only then make the network wider.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kan_np.optimize.stage import Stage

#: The validation error of the best stage may be so many times its training error before that is overfitting.
_GAP = 2.0
#: Where a finer grid still lowered the error much, only a gap of this size is overfitting.
_LARGE_GAP = 10.0
#: A finer grid helps where it lowers the error by this factor at least.
_GAIN = 1.25


def advise(stages: Sequence[Stage], n_train: int) -> str:
    """Say whether the model under- or overfits and what to try next.

    Parameters
    ----------
    stages : sequence of Stage
        Coarse grids first.
    n_train : int
        Training samples.
    """
    if not stages:
        return "No stage was finished: there is nothing to judge."
    place = min(range(len(stages)), key=lambda i: stages[i].score)
    best, last = stages[place], stages[-1]
    if math.isnan(best.val_rmse):
        return (
            "Nothing was held out, so overfitting cannot be seen: give the dataset validation samples or set "
            "val_fraction."
        )
    model = "The model" if best.grid is None else f"G = {best.grid}"
    train = before_refit(best)
    held = f"{model} is the best by validation (RMSE {best.val_rmse:.2e}, training {train:.2e}). "
    overfits = before_refit(last) <= train
    if place < len(stages) - 1 and not overfits:
        return held + (
            f"G = {last.grid} was not trained out ({last.status.value}): its training error is higher, too. "
            "Give it more steps before judging finer grids."
        )
    if place < len(stages) - 1 and last.score > _GAIN * best.score:
        return held + (
            f"Finer grids overfit: at G = {last.grid} the validation RMSE is {last.val_rmse:.2e} with "
            f"{last.n_params} parameters for {n_train} samples. Keep G = {best.grid}; for a better model use "
            "more samples, smoothing='gcv', or a narrower network."
        )
    if best.val_rmse > (_GAP if not _grid_pays(stages, place) else _LARGE_GAP) * train:
        return held + (
            f"It overfits: {best.n_params} parameters for {n_train} samples. Use fewer intervals or nodes, "
            "more samples, or smoothing='gcv'."
        )
    return held + _underfitting(stages, place)


def _underfitting(stages: Sequence[Stage], place: int) -> str:
    best = stages[place]
    wider = [n + (0 < i < len(best.model.width) - 1) for i, n in enumerate(best.model.width)]
    knob = (
        f"a wider network such as {wider}" if len(wider) > 2 else f"a hidden layer such as {_deeper(wider)}"
    )
    if best.grid is None:
        return f"It does not overfit. If the error is too large, try {knob}."
    if _grid_pays(stages, place):
        return f"The grid still pays: try a finer one (G = {2 * best.grid})."
    return (
        "It does not overfit, and finer grids no longer help: the shape is the limit, or the noise in the "
        f"labels. Try {knob}, or more restarts."
    )


def _grid_pays(stages: Sequence[Stage], place: int) -> bool:
    """Whether the best stage is the last one and much better than the one before it."""
    best = stages[place]
    if best.grid is None or place < len(stages) - 1:
        return False
    return place == 0 or stages[place - 1].score > _GAIN * best.score


def _deeper(width: list[int]) -> list[int]:
    return [width[0], 2 * width[0] + 1, width[-1]]


def before_refit(stage: Stage) -> float:
    """Training RMSE of the model whose validation RMSE the stage reports."""
    return stage.result["train_loss"][-1]

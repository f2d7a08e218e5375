"""Training through a list of grids, as a sweep does it: coarse first, refine, go on, keep every stage."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np.data.check import Dataset, check_dataset
from kan_np.model import KAN
from kan_np.optimize.fit import Callback
from kan_np.optimize.status import FitResult, FitStatus
from kan_np.trainable import check_width


@dataclass(frozen=True)
class Stage:
    """A trained model of a schedule: one point of a frontier.

    Attributes
    ----------
    model : KAN
    grid, n_params : int
    train_rmse, val_rmse, test_rmse : float
        NaN where the dataset has no such samples.
    wall_s : float
        Seconds from the start of the schedule, restarts included, to the end of this stage.
    result : FitResult
        History and status of this stage's fit.
    """

    model: KAN
    grid: int
    n_params: int
    train_rmse: float
    val_rmse: float
    test_rmse: float
    wall_s: float
    result: FitResult = field(repr=False)

    @property
    def status(self) -> FitStatus:
        """How this stage's fit ended."""
        return self.result.status

    @property
    def n_iter(self) -> int:
        """Optimizer iterations of this stage."""
        return self.result.n_iter

    @property
    def n_fev(self) -> int:
        """Evaluations of loss and gradient in this stage."""
        return self.result.n_fev


def fit_schedule(
    width: Sequence[int],
    dataset: Dataset,
    *,
    grids: Sequence[int] = (3, 5, 10, 20, 50),
    k: int = 3,
    opt: str = "LBFGS",
    steps: int = 50,
    restarts: int = 1,
    seed: int = 0,
    callback: Callback | None = None,
    on_stage: Callable[[Stage], object] | None = None,
    fit_options: dict[str, Any] | None = None,
    **model_options: Any,
) -> list[Stage]:
    """Train a KAN through `grids`, each model starting as the refined one before it.

    Grid extension is section 2.4 of arXiv:2404.19756. With ``restarts`` above 1 that many starts are trained
    on the first grid, and the one with the lowest validation RMSE (training RMSE without validation samples)
    is carried on.

    Parameters
    ----------
    width : sequence of int
    dataset : dict
        As for ``KAN.fit``.
    grids : sequence of int
        Increasing numbers of intervals.
    k : int
        Spline order.
    opt : str
        Optimizer of ``KAN.fit``.
    steps : int
        Steps on every grid.
    restarts : int
        Starts on the first grid. Their seeds are spawned from `seed`.
    seed : int
    callback : callable
        As for ``KAN.fit``; returning True ends the stage and the schedule.
    on_stage : callable
        Called with each `Stage` as soon as it is there.
    fit_options : dict
        Further arguments of ``KAN.fit``, such as ``{"lamb": 1e-3}``.
    **model_options
        Further arguments of ``KAN``.

    Returns
    -------
    list of Stage
        One a grid; fewer when a fit was stopped or became non-finite.

    Raises
    ------
    ValueError
        For grids that do not increase, and as ``KAN`` and ``KAN.fit``.

    Examples
    --------
    >>> from kan_np import create_dataset, fit_schedule
    >>> dataset = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=200, seed=0)
    >>> stages = fit_schedule([2, 2, 1], dataset, grids=(3, 6), steps=10, seed=0)
    >>> [stage.grid for stage in stages]
    [3, 6]
    """
    width = check_width(width)
    grids = [_validate.integer("grids", g, 1) for g in grids]
    if not grids or any(b <= a for a, b in zip(grids[:-1], grids[1:], strict=True)):
        raise ValueError(f"grids is {grids}; expected increasing numbers of intervals such as (3, 5, 10).")
    restarts = _validate.integer("restarts", restarts, 1)
    check_dataset(dataset, width[0], width[-1])
    clock = time.perf_counter()
    options = {"opt": opt, "steps": steps, "callback": callback, **(fit_options or {})}
    seeds = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(restarts)]

    stages: list[Stage] = []
    for grid in grids:
        if stages:
            model = stages[-1].model.refine(grid)
            result = model.fit(dataset, **options)
            stage = _stage(model, dataset, result, clock)
        else:
            stage = _best_start(width, grid, k, dataset, seeds, options, model_options, clock)
        stages.append(stage)
        if on_stage is not None:
            on_stage(stage)
        if stage.status in (FitStatus.STOPPED, FitStatus.NON_FINITE):
            break
    return stages


def _best_start(
    width: list[int],
    grid: int,
    k: int,
    dataset: Dataset,
    seeds: list[np.random.Generator],
    options: dict[str, Any],
    model_options: dict[str, Any],
    clock: float,
) -> Stage:
    best: Stage | None = None
    stopped = False
    for rng in seeds:
        model = KAN(width, grid, k, seed=rng, **model_options)
        stage = _stage(model, dataset, model.fit(dataset, **options), clock)
        stopped = stage.status is FitStatus.STOPPED
        if best is None or _score(stage) < _score(best):
            best = stage
        if stopped:
            break
    assert best is not None  # noqa: S101  restarts >= 1
    result = replace(best.result, status=FitStatus.STOPPED) if stopped else best.result
    return replace(best, wall_s=time.perf_counter() - clock, result=result)


def _score(stage: Stage) -> float:
    score = stage.train_rmse if math.isnan(stage.val_rmse) else stage.val_rmse
    return math.inf if math.isnan(score) else score


def _stage(model: KAN, dataset: Dataset, result: FitResult, clock: float) -> Stage:
    def last(split: str) -> float:
        history = result.history.get(f"{split}_loss") or [math.nan]
        return history[-1]

    return Stage(
        model=model,
        grid=model.grid,
        n_params=model.n_params,
        train_rmse=last("train"),
        val_rmse=last("val"),
        test_rmse=last("test"),
        wall_s=time.perf_counter() - clock,
        result=result,
    )

"""The steps of a schedule on each grid: train all starts, choose the best, refit it on all samples."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._warnings import Finding, parts_of_one_fit, warn
from kan_np.data.check import Dataset, check_dataset, without_idle_samples
from kan_np.data.dataset import split_validation
from kan_np.data.standardize import network_samples
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.objective.smoothing import AUTO as AUTO_SMOOTHING
from kan_np.objective.smoothing import GCV, WEAK
from kan_np.optimize.status import FitResult, FitStatus
from kan_np.schedule.leave_one_out import leave_one_out_rmse
from kan_np.schedule.restarts import Maker, Start, best_of, first_starts
from kan_np.schedule.stage import Stage
from kan_np.training.cross_validation import NOISELESS, is_underdetermined
from kan_np.training.diagnosis import data_findings, judge
from kan_np.training.fit import Callback

#: A schedule ends after a fit with one of these statuses.
ENDS = (FitStatus.STOPPED, FitStatus.NON_FINITE)


class Race:
    """The data and options of a schedule, and the operations on its starts."""

    def __init__(
        self,
        width: list[int],
        dataset: Dataset,
        options: dict[str, Any],
        val_fraction: float,
        refit: bool,
        callback: Callback | None,
    ) -> None:
        self.clock = time.perf_counter()
        data = check_dataset(dataset, width[0], width[-1])
        data = without_idle_samples(network_samples(data, options.get("standardize"), None, True))
        options = {**options, "standardize": False}  # that is done
        val_fraction = _validate.real("val_fraction", val_fraction, 0.0, 0.9)
        holds_out = val_fraction > 0 and "val_input" not in data and data["train_input"].shape[0] > 1
        self.all_samples = data if holds_out and refit else None
        self.data = split_validation(data, val_fraction) if holds_out else data
        # the test error is computed once for each stage, not after every step
        self.seen = {key: value for key, value in self.data.items() if not key.startswith("test_")}
        self.n_train = int(self.data["train_input"].shape[0])
        self.options, self.callback = options, callback
        self.names = dataset.get("feature_names")
        self._found: list[tuple[Stage, list[Finding]]] = []
        self._refitted: list[Stage] = []
        self.stopped = False
        #: Whether stages are refitted by `refit` only, not at once.
        self.refits_later = False
        self.best_score = math.inf

    def start(self, make: Maker, restarts: int, seed: int) -> list[Start]:
        restarts = _validate.integer("restarts", restarts, 1)
        with parts_of_one_fit():
            return first_starts(make, restarts, seed, self.seen, self.options, self._ask)

    def has_few_samples(self, model: KAN) -> bool:
        """Whether a model on the coarsest grid is too fine for least squares, or for the choice by GCV."""
        smoothing = self.options.get("smoothing")
        n_params = model._n_straight if smoothing == GCV else model.n_params
        return smoothing in (WEAK, GCV) and is_underdetermined(self.seen["train_label"].size, n_params)

    def choose_prior(self, model: KAN) -> None:
        """Use a prior in every fit if a first fit with a prior finds that the labels are noisy.

        Without noise validation chooses among finer grids with "weak" smoothing (Lennard-Jones from 50
        samples, eight data seeds: median test RMSE 1e-4; with the prior on all grids 4e-4).
        """
        options = {**self.options, "smoothing": AUTO_SMOOTHING, "steps": 1, "callback": self._ask}
        with parts_of_one_fit():
            first = model.fit(self.seen, **options)
        if first.shrinkage > NOISELESS:
            self.options["smoothing"] = AUTO_SMOOTHING

    def choose_weight_decay(self, model: MLP) -> None:
        """As `choose_prior` for MLPs: by cross-validation where labels are few and noisy, otherwise none."""
        options = self.options
        decay, lamb = options.get("weight_decay", AUTO_SMOOTHING), options.get("lamb", 0.0)
        if not isinstance(decay, str) or decay != AUTO_SMOOTHING:
            return
        options["weight_decay"] = 0.0
        free = isinstance(lamb, int | float) and lamb == 0
        if free and is_underdetermined(self.seen["train_label"].size, model.n_params):
            short = {**options, "weight_decay": AUTO_SMOOTHING, "steps": 1, "callback": self._ask}
            with parts_of_one_fit():
                first = model.fit(self.seen, **short)
            if first.shrinkage > NOISELESS:
                options["weight_decay"] = AUTO_SMOOTHING

    def train(self, starts: list[Start], grid: int | None) -> list[Start]:
        """Train the starts in full on a grid; the best comes first."""
        if self.stopped:  # the callback stopped during the short fits, which are then the result
            return [start if start.result else self._unfitted(start) for start in starts]
        trained: list[Start] = []
        for start in starts:
            if self.stopped:
                break
            model = start.model
            if grid is not None and isinstance(model, KAN) and model.grid != grid:
                model = model.refine(grid)
            with parts_of_one_fit():
                result = model.fit(self.seen, **self.options, callback=self._ask)
            trained.append(Start(start.number, model, result))
        return best_of(trained, len(trained))

    def _unfitted(self, start: Start) -> Start:
        """A start that was not fitted before the callback asked to stop, fitted for one iteration."""
        options = {**self.options, "steps": 1, "callback": lambda progress: True}
        with parts_of_one_fit():
            return Start(start.number, start.model, start.model.fit(self.seen, **options))

    def stage(self, start: Start) -> Stage:
        """The stage of a trained start, refitted on all samples where some were held out."""
        model, result = start.model, start.result
        assert result is not None  # noqa: S101  train sets it
        is_best, self.best_score = start.score < self.best_score, min(start.score, self.best_score)
        return self._stage(model, result, is_best and not self.refits_later)

    def refit(self, stage: Stage) -> Stage:
        """The stage after its model was refitted on all samples."""
        return self._stage(stage.model, stage.result, True)

    def expected_error(self, stage: Stage) -> float:
        """Root of the mean of the squared errors of validation and of samples left out of the training."""
        if np.any(np.not_equal(self.options.get("lamb", 0.0), 0.0)):
            return stage.score
        refitted = any(stage is known for known in self._refitted)
        seen = self.all_samples if refitted else self.seen
        assert seen is not None  # noqa: S101  nothing is refitted without them
        smoothing = stage.result.smoothing if self.options["smoothing"] == GCV else self.options["smoothing"]
        left_out = leave_one_out_rmse(stage.model, seen, smoothing)
        return stage.score if math.isnan(left_out) else math.hypot(stage.score, left_out) / math.sqrt(2.0)

    def _stage(self, model: KAN | MLP, result: FitResult, refits: bool) -> Stage:
        val, data = _rmse(model, self.data, "val"), self.data
        if refits and self.all_samples is not None and not self.stopped and result.status not in ENDS:
            again = model.copy()
            training = {key: v for key, v in self.all_samples.items() if not key.startswith("test_")}
            with parts_of_one_fit():
                more = again.fit(training, **self._refit_options(model, result))
            if more.status not in ENDS:
                model, data = again, self.all_samples
        if self.stopped:
            result = replace(result, status=FitStatus.STOPPED)
        free = bool(np.all(np.equal(self.options.get("lamb", 0.0), 0.0)))
        shrunk = result.shrinkage > 0
        status, findings = judge(model, data, result.status, result.n_iter, free, shrunk=shrunk)
        findings += data_findings(model, data, self.names)
        result = replace(result, status=status, advice=tuple(finding.text for finding in findings))
        stage = Stage(
            model=model,
            grid=model.grid if isinstance(model, KAN) else None,
            n_params=model.n_params,
            train_rmse=_rmse(model, data, "train"),
            val_rmse=val,
            test_rmse=_rmse(model, data, "test"),
            wall_s=time.perf_counter() - self.clock,
            result=result,
        )
        self._found.append((stage, findings))
        if data is self.all_samples:
            self._refitted.append(stage)
        return stage

    def warn_of(self, stage: Stage) -> None:
        """Warn, once for all fits, of what is wrong with a stage."""
        warn(next(findings for known, findings in self._found if known is stage))

    def _refit_options(self, model: KAN | MLP, result: FitResult) -> dict[str, Any]:
        options = {**self.options, "opt": result.opt, "callback": self._ask}
        if isinstance(model, KAN) and math.isfinite(result.shrinkage):  # else it starts from a constant
            options["update_grid"] = False  # moving the grids could lose more than the added samples gain
        if options.get("smoothing") == GCV:
            options["smoothing"] = result.smoothing
        return options

    def _ask(self, progress: Any) -> bool:
        """The user's callback; remembers that it asked to stop."""
        if self.callback is None:
            return False
        answer = self.callback(progress)
        self.stopped = isinstance(answer, bool | np.bool_) and bool(answer)
        return self.stopped


def _rmse(model: KAN | MLP, data: Dataset, split: str) -> float:
    """RMSE of the samples of a split, NaN without them; infinite where it is none."""
    if f"{split}_input" not in data:
        return math.nan
    samples = data[f"{split}_input"], data[f"{split}_label"], data.get(f"{split}_weight")
    rmse = model._rmse(*samples, data.get("label_unit", 1.0))
    return math.inf if math.isnan(rmse) else rmse

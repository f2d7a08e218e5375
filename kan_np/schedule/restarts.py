"""Restarts: many short fits from random parameters, of which the best few are continued (successive halving).

Source: K. Jamieson and A. Talwalkar (2016), Non-stochastic best arm identification and hyperparameter
optimization, AISTATS, algorithm 1; here the budget of a round is its grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kan_np.data.check import Dataset
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.objective.smoothing import AUTO as AUTO_SMOOTHING
from kan_np.objective.smoothing import GCV, WEAK
from kan_np.optimize import OPTIMIZERS, check_optimizer, choose_optimizer
from kan_np.optimize.status import FitResult, FitStatus
from kan_np.training.fit import Callback

#: Number of short fits for each fit that is continued, and most training samples of a short fit: ranks of
#: starts are clear after sixteen iterations on 512 samples (docs/design/shapes.md, "Many short fits").
STARTS_PER_RESTART = 6
SHORT_SAMPLES = 512
_SAMPLE_STREAM = 2**31

#: Iterations of a short fit: of optimizers with several iterations in a step, which was chosen by judgement,
#: of those with one (as measured there), and of Adam and gradient descent, by judgement.
_SHORT_ITERATIONS, _SHORT_STEPS, _SHORT_UPDATES = 40, 16, 200

Model = KAN | MLP
Maker = Callable[[int, np.random.Generator], Model]


@dataclass(frozen=True)
class Start:
    """One random start of a schedule: its number, its model, and the result of its last fit."""

    number: int
    model: Model
    result: FitResult | None = None

    @property
    def score(self) -> float:
        """Validation RMSE, without validation samples training RMSE; infinite if not finite."""
        if self.result is None:
            return math.inf
        history = self.result.get("val_loss") or self.result["train_loss"]
        return history[-1] if math.isfinite(history[-1]) else math.inf

    @property
    def status(self) -> FitStatus | None:
        """How its last fit ended."""
        return None if self.result is None else self.result.status


def first_starts(
    make: Maker,
    restarts: int,
    seed: int,
    dataset: Dataset,
    options: dict[str, Any],
    callback: Callback | None,
) -> list[Start]:
    """Return the starts to be trained in full: one, or the best `restarts` of many short fits.

    Parameters
    ----------
    make : callable
        (number, generator) -> untrained model.
    restarts : int
        Number of starts to return; with 1 there are no short fits.
    seed : int
        The generators of the starts are spawned from it.
    dataset : dict
        The data; short fits use some of its training samples only.
    options : dict
        Options of the full fits; short ones use all but the number of steps, the callback and the smoothing.
    callback : callable
        Returning True ends the search; the starts that were fitted so far are returned.
    """
    if restarts == 1:
        return [Start(0, make(0, generators(seed, 1)[0]))]
    # short fits without a prior would fit the noise of few samples
    if AUTO_SMOOTHING in (options.get("smoothing"), options.get("weight_decay")):
        return [Start(number, make(number, g)) for number, g in enumerate(generators(seed, restarts))]
    training = _few_samples(dataset, seed)
    short = {**options, "callback": callback}
    if short.get("smoothing") == GCV:
        short["smoothing"] = WEAK
    fitted = []
    for number, generator in enumerate(generators(seed, STARTS_PER_RESTART * restarts)):
        model = make(number, generator)
        short["steps"] = min(_short_steps(options, model.n_params), options["steps"])
        fitted.append(Start(number, model, model.fit(training, **short)))
        if fitted[-1].status is FitStatus.STOPPED:
            break
    return best_of(fitted, restarts)


def _short_steps(options: dict[str, Any], n_params: int) -> int:
    opt = check_optimizer(options["opt"])
    optimizer = OPTIMIZERS[choose_optimizer(opt, n_params, options.get("lamb", 0.0) == 0)]
    if optimizer.first_order:
        return _SHORT_UPDATES
    several = optimizer.iterations_per_step
    return _SHORT_STEPS if several == 1 else -(-_SHORT_ITERATIONS // several)


def best_of(starts: Sequence[Start], n: int) -> list[Start]:
    """The `n` starts with the lowest score, ended ones last; ties go to the earlier start."""
    ended = FitStatus.NON_FINITE
    return sorted(starts, key=lambda c: (c.status is ended, c.score, c.number))[:n]


def _few_samples(dataset: Dataset, seed: int) -> Dataset:
    """The training samples of the short fits: a random choice of at most `SHORT_SAMPLES`."""
    training: Dataset = {
        key: dataset[key] for key in ("train_input", "train_label", "train_weight") if key in dataset
    }
    scaler: Dataset = {key: dataset[key] for key in ("scaler", "label_unit") if key in dataset}
    n = training["train_input"].shape[0]
    if n <= SHORT_SAMPLES:
        return training | scaler
    # a stream of its own: the starts themselves are children of the same seed
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_SAMPLE_STREAM,)))
    rows = np.sort(generator.choice(n, SHORT_SAMPLES, replace=False))
    return {key: value[rows] for key, value in training.items()} | scaler


def generators(seed: int, n: int) -> list[np.random.Generator]:
    """Generators of the first n starts."""
    return [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(n)]

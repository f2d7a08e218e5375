"""Parts of few samples that are held out in turn: what they say of a weight, and of rows outside the range.

`kan_np.training.cross_validation` says what is chosen here and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.objective.loss import SQUARES, Loss
from kan_np.optimize.outcome import Outcome
from kan_np.optimize.status import FitStatus
from kan_np.training.estimator import Estimator
from kan_np.training.training_range import FAR_PREDICTED, training_range, with_leeway

#: Part of the standard error of the difference that a heavier weight, or the mean, may be worse by. Of 0,
#: 0.5 and 1 all kept every one of 54 draws within 1.2 times the mean; 0 overfits linear tables, 1 returns the
#: mean of a table of 48 rows whose R2 is 0.5 too often.
_TOLERANCE = 0.5
#: A squared error counts as no more than so many variances of the labels, another loss as no more than so
#: many times that of the best constant. Of a steep curve without noise the
#: one held out sample at its end may be so far off that the mean would pass for the best of all.
_MOST = 25.0
#: How far outside the range of the samples edges are followed, in mean distances of neighbours, where the
#: folds do not show that they can be followed further. On the 264 draws of
#: `kan_np.training.cross_validation` no distance gave geometric mean 0.41 and worst 1.16, always 2 gave 0.33
#: and 2.4, always 4 gave 0.31 and 4.6, no end 0.30 and 12.9; the better of 0 and 2 by the folds 0.33 and
#: 1.19.
_LEEWAYS = (0.0, 2.0)
#: They show it where held out samples outside the range of the others are off by no more than this part of
#: the variance in the mean: 0.067 on Lennard-Jones from 50 samples, data seed 101, which fits to 8e-4 if
#: its edges are followed and such samples choose the weight, and to 9e-3 if not.
_MET = 0.1
#: Then edges are followed for this part of the range. Of 12 draws of 25 samples of 1 / (0.1 + x^2) two were
#: at 1.16 and 1.54 by rows 60 % outside; with a quarter the worst of them is 0.84.
_FAR = FAR_PREDICTED
#: Folds, and the samples that have to be held out altogether: large tables do with fewer of the folds.
_FOLDS, _HELD = 5, 100
_FOLD_STREAM = 2**31 + 1


@dataclass
class Sample:
    """Training samples with their weights, and the loss that a fit minimises; never changed."""

    x: FloatArray
    y: FloatArray
    weight: FloatArray | None
    loss: Loss = SQUARES

    @cached_property
    def mean(self) -> FloatArray:
        """The outputs of the best constant, (n_out,): the weighted mean of the labels, of squares."""
        return self.loss.constant(self.y, self.weight)

    @cached_property
    def constant_loss(self) -> float:
        """Mean loss of the best constant: of squares the variance of the labels."""
        return self.loss_of_constant(self.mean)

    def loss_of_constant(self, outputs: FloatArray) -> float:
        """Mean loss where all samples get the same outputs, (n_out,)."""
        with np.errstate(all="ignore"):  # absurd labels end as a status of the fit
            losses = self.loss.value(self.y, np.broadcast_to(outputs, self.y.shape))
            return float(np.average(losses, weights=self.weight))

    @property
    def spread(self) -> float:
        """Mean square of the changes of outputs that the labels ask for; of squares their variance."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.loss.spread(self.y, self.weight)

    def part(self, rows: NDArray[np.intp]) -> Sample:
        """Return some of the samples."""
        weight = None if self.weight is None else self.weight[rows]
        return Sample(self.x[rows], self.y[rows], weight, self.loss)


class Fit(Protocol):
    """A model that is fitted to some samples with one weight of the prior after the other."""

    model: Estimator
    sample: Sample

    def descend(self, weight: float) -> Outcome:
        """Fit with the next weight, from where the one before it has led."""


@dataclass(frozen=True)
class Choice:
    """What cross-validation says.

    Attributes
    ----------
    weight : float
        Of the prior, infinite where the mean of the labels is as good.
    leeway : float
        How far outside the range of the samples edges are followed; see
        `kan_np.training.training_range.with_leeway`.
    from_start : bool
        Whether to fit with this weight from the start, not by way of heavier ones.
    """

    weight: float
    leeway: float = np.inf
    from_start: bool = False


@dataclass(frozen=True)
class Tried:
    """Losses of all held out samples with a weight; `held` by leeway, where rows were held back."""

    choice: Choice
    error: FloatArray
    held: dict[float, FloatArray] = field(default_factory=dict)


class Folds:
    """Parts of the samples that are held out in turn, and what fits to the rest make of them."""

    def __init__(self, sample: Sample) -> None:
        rows = np.arange(sample.y.shape[0])
        parts = _folds(rows.size)
        self._held = [sample.part(part) for part in parts]
        self.rest = [sample.part(np.setdiff1d(rows, part)) for part in parts]
        own = [np.ones(held.y.shape[0]) if held.weight is None else held.weight for held in self._held]
        self.all, self._unit, self._n_samples = np.concatenate(own), sample.constant_loss, rows.size
        pairs = list(zip(self.rest, self._held, strict=True))
        self._outside = np.concatenate(
            [(held.x != np.clip(held.x, *training_range(rest.x))).any(axis=1) for rest, held in pairs]
        )
        many = 2 * np.count_nonzero(self._outside) > self._outside.size
        self.inside = self.all if many else self.all * ~self._outside
        losses = [_losses(np.broadcast_to(rest.mean, held.y.shape), held, self._most) for rest, held in pairs]
        self.mean = Tried(Choice(np.inf), np.concatenate(losses))

    @property
    def _most(self) -> float:
        return _MOST * self._unit

    def try_out(self, fits: Sequence[Fit], choice: Choice) -> Tried | None:
        """Fit with the weight of a choice; None after a stop."""
        for fit in fits:
            if fit.descend(choice.weight).status is FitStatus.STOPPED:
                return None
        smooth = fits[0].model._goes_on_smoothly
        held = {leeway: self._errors(fits, leeway) for leeway in (_LEEWAYS if smooth else ())}
        return Tried(choice, self._errors(fits, np.inf), held)

    def _errors(self, fits: Sequence[Fit], leeway: float) -> FloatArray:
        """Losses of all held out samples, which are held back as the final model would do it."""
        errors = []
        for fit, held in zip(fits, self._held, strict=True):
            limits = with_leeway(fit.sample.x, leeway)
            x = held.x if limits is None else np.clip(held.x, *limits)
            errors.append(_losses(forward(fit.model, x), held, self._most))
        return np.concatenate(errors)

    def score(self, tried: Tried, share: FloatArray) -> float:
        """Mean loss."""
        return float(np.average(tried.error, weights=share))

    def best(self, tried: list[Tried], share: FloatArray) -> Tried:
        """What has the lowest error."""
        return min(tried, key=lambda one: self.score(one, share))

    def are_worse(self, tried: list[Tried], others: list[Tried], share: FloatArray) -> bool:
        """Whether the best of the others is better than chance."""
        return not self.is_as_good(self.best(tried, share).error, self.best(others, share).error, share)

    def heaviest(self, tried: list[Tried], share: FloatArray) -> Tried:
        """The heaviest weight that is as good as the best; the mean of the labels if that is."""
        best = self.best(tried, share)
        return next(one for one in tried if self.is_as_good(one.error, best.error, share))

    def choice_of(self, tried: list[Tried]) -> Choice:
        """The weight, and how far outside the samples edges may be followed; see the module."""
        one, outside = self.heaviest(tried, self.all), self.all * self._outside
        met = outside.any() and self.score(one, outside) <= _MET * self._unit
        if not met:
            one = self.heaviest(tried, self.inside)
        if not one.held:
            return one.choice
        if met:
            leeway = _FAR * self._n_samples
        elif outside.any():
            best = min(one.held.values(), key=lambda error: float(np.average(error, weights=self.all)))
            leeway = next(own for own in _LEEWAYS if self.is_as_good(one.held[own], best, self.all))
        else:
            leeway = max(_LEEWAYS)
        return replace(one.choice, leeway=leeway)

    def is_as_good(self, error: FloatArray, best: FloatArray, share: FloatArray) -> bool:
        """Whether losses are higher by at most part of the standard error of the mean difference."""
        with np.errstate(over="ignore", invalid="ignore"):  # of absurd labels
            difference = error - best
            mean = float(np.average(difference, weights=share))
            deviation = np.sqrt(np.average(np.square(difference - mean), weights=share))
        return bool(mean <= _TOLERANCE * deviation / np.sqrt(max(int(np.count_nonzero(share)) - 1, 1)))


def _folds(n: int) -> list[NDArray[np.intp]]:
    """Rows held out in each fold; always the same for as many samples."""
    sequence = np.random.SeedSequence(0, spawn_key=(_FOLD_STREAM,))
    order = np.random.default_rng(sequence).permutation(n)
    folds = np.array_split(order, min(_FOLDS, n))
    wanted = -(-_HELD // max(folds[0].size, 1))
    return folds[: max(wanted, 1)]


def forward(model: Estimator, x: FloatArray) -> FloatArray:
    """Outputs of a model, however far outside its samples x lies; not finite where it has diverged."""
    with np.errstate(over="ignore", invalid="ignore"):
        out: FloatArray = model._network.forward(x)
    return out


def _losses(prediction: FloatArray, held: Sample, most: float) -> FloatArray:
    """Loss of every sample; `most` at most and where it is not finite."""
    with np.errstate(all="ignore"):
        return np.fmin(held.loss.value(held.y, prediction), most)

"""Fits to few samples: the weight of the prior, or the mean of the labels alone, by cross-validation.

Least squares needs several samples a parameter. With fewer, three things go wrong, all measured on tables of
16 to 400 training rows, [n, 5, 1], G = 5, in units of the test RMSE of predicting the mean:

- Interpolation. With as many parameters as samples the training error vanishes and coefficients that no
  sample holds are as large as those that are held: medians of 1.5 to 2.6 on pure noise and on linnerud.
- Steep edges behind each other. A test row that ends where no training row did, inside or outside the grid
  of a hidden node, goes through two such splines one after the other: single rows are off by factors of 10
  to 1000, whatever edges do outside their grids.
- Generalised cross-validation does not see it (3 to 5 on the same tables, worse than no smoothing). It trusts
  the trace of a linearised hat matrix, and a network that turned its hidden nodes towards the noise has used
  freedom that this trace does not count; near interpolation it is a quotient of two small numbers. And its
  penalty leaves all straight lines free, of which [50, 5, 1] alone has 255.

So with fewer than `SAMPLES_A_PARAMETER` residuals a parameter a model is fitted with the prior of
`kan_np.shrinkage`, whose weight falls by decades, each fit starting from the one before; folds of the
training samples say how far. The heaviest weight within half a standard error of the best is taken (the rule
of Breiman et al. 1984, section 3.4.3, with half of its width), and the mean of the labels if that is as good.
Where the path explains little it may have been caught by its own heavy weights: then a few light ones are
tried from the start, and one of them is taken if it is better.
In the end all samples are fitted with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kan_np._validate import FloatArray
from kan_np.grid_moves import widened
from kan_np.network import Network
from kan_np.optimize import OPTIMIZERS
from kan_np.optimize.outcome import Outcome
from kan_np.optimize.status import FitStatus
from kan_np.penalty import Penalty
from kan_np.shrinkage import Shrunk, constant_network
from kan_np.training_range import FAR_PREDICTED, training_range, with_leeway

if TYPE_CHECKING:
    from kan_np.trainable import Trainable

#: Least squares on pure noise with n residuals and p parameters is off by sqrt(1 + p / (n - p)) times what
#: the mean is: 1.22 at n = 3 p.
SAMPLES_A_PARAMETER = 3.0

#: First weight. Above about 0.5 (per unit of the labels' variance) no edge pays for itself, and a network
#: that has collapsed to a constant stays one, for all of its gradients vanish.
LARGEST = 0.1
_DECADES = 14
_WEIGHTS = tuple(LARGEST * 10.0**-decade for decade in range(_DECADES))
#: A fit whose outputs vary by less than this part of the labels' variance has collapsed. [3,6,6,1] on 800
#: samples of exp(-x) sin(3y) cos(2z) without noise collapsed at the first weight and stayed the mean at all
#: others.
_COLLAPSED = 1e-3
#: Where the path leaves more than this part of the variance, these weights are tried from the start itself:
#: [3,4,4,1] of order 5 on the same samples lost all but one of its edges to heavy weights (0.68 of the
#: spread), and reaches 1.7e-2 from the start.
_UNEXPLAINED, _FROM_START = 0.1, (1e-3, 1e-6, 1e-9, 1e-14)
#: The path ends after so many weights in a row that are worse than the best by this factor.
_PATIENCE, _WORSE = 3, 1.02
#: Part of the standard error of the difference that a heavier weight, or the mean, may be worse by. Of 0,
#: 0.5 and 1 all kept every one of 54 draws within 1.2 times the mean; 0 overfits linear tables, 1 returns the
#: mean of a table of 48 rows whose R2 is 0.5 too often.
_TOLERANCE = 0.5
#: A squared error counts as no more than so many variances of the labels. Of a steep curve without noise the
#: one held out sample at its end may be so far off that the mean would pass for the best of all.
_MOST = 25.0
#: How far outside the range of the samples edges are followed, in mean distances of neighbours, where the
#: folds do not show that they can be followed further.
_LEEWAYS = (0.0, 2.0)
#: They show it where held out samples outside the range of the others are off by no more than this part of
#: the variance in the mean. Then edges are followed for this part of the range.
_MET, _FAR = 0.1, FAR_PREDICTED
#: A weight below this one says that labels have less than about half a per cent of noise.
NOISELESS = 1e-8
#: Folds, and the samples that have to be held out altogether: large tables do with fewer of the folds.
_FOLDS, _HELD = 5, 100
_FOLD_STREAM = 2**31 + 1
#: Up to so many parameters the path is that of Levenberg-Marquardt whatever optimizer ends it: without noise
#: it reaches lower weights (Lennard-Jones from 50 samples: median 4e-4 and worst 2e-2 with either optimizer
#: in the end, 3e-3 and 7e-2 along L-BFGS). Beyond, L-BFGS finds weights that are as good with noise
#: (geometric means 0.52 and 0.50 of the mean's RMSE over 36 draws) in a fifth of the time.
_LM_PARAMS = 300
#: Iterations for the first weight and for each further one.
_ITERATIONS = {"LM": (36, 18), "LBFGS": (120, 60)}
#: A grid that samples leave by less than this part of an interval stays.
_GRID_SLACK = 0.1


def is_underdetermined(n_residuals: int, n_params: int) -> bool:
    """Whether there are too few samples for least squares."""
    return n_residuals < SAMPLES_A_PARAMETER * n_params


@dataclass
class Sample:
    """Training samples with their weights."""

    x: FloatArray
    y: FloatArray
    weight: FloatArray | None

    @property
    def mean(self) -> FloatArray:
        """Weighted mean of the labels, shape (n_out,)."""
        return np.asarray(np.average(self.y, axis=0, weights=self.weight))

    @property
    def variance(self) -> float:
        """Weighted variance of the labels, the mean over the outputs."""
        return float(np.average(np.square(self.y - self.mean).mean(axis=1), weights=self.weight))

    def part(self, rows: NDArray[np.intp]) -> Sample:
        """Return some of the samples."""
        return Sample(self.x[rows], self.y[rows], None if self.weight is None else self.weight[rows])


class ShrunkFit:
    """A model on its way from heavier to lighter weights of the prior.

    Parameters
    ----------
    model : Trainable
        Fitted in place; its grids follow its samples once, and those of hidden nodes become wider where
        samples leave them.
    sample : Sample
    moves_grid : bool
    watch : callable
        Called with every new objective.
    on_iteration : callable
    """

    def __init__(
        self,
        model: Trainable,
        sample: Sample,
        moves_grid: bool,
        watch: Callable[[Any], object],
        on_iteration: Callable[[FloatArray], bool],
    ) -> None:
        self.model, self.sample, self.moves_grid = model, sample, moves_grid
        self._watch, self._on_iteration = watch, on_iteration
        self._begun, self._start = False, model._network

    def descend(self, weight: float) -> Outcome:
        """Fit with the next weight."""
        if not self._begun:
            self.model._network = self._start
            if self.moves_grid:
                self.model._move_grid(self.sample.x)
        name = "LM" if self.model.n_params <= _LM_PARAMS else "LBFGS"
        iterations, self._begun = _ITERATIONS[name][self._begun], True
        objective = shrunk_objective(self.model, self.sample, weight, self.moves_grid)
        self._watch(objective)
        minimize = OPTIMIZERS[name].minimize
        outcome = minimize(objective, self.model._theta, iterations, self._on_iteration)
        self.model._theta = outcome.theta
        if self._has_collapsed():
            self.model._network, self._begun = self._start, False
        return outcome

    def _has_collapsed(self) -> bool:
        """Whether a heavy weight left a constant, whose gradients vanish: the next fit begins anew."""
        with np.errstate(over="ignore", invalid="ignore"):  # absurd labels end as a status of the fit
            explained = float(np.var(_forward(self.model, self.sample.x), axis=0).mean())
        return not explained > _COLLAPSED * self.sample.variance


def shrunk_objective(model: Trainable, sample: Sample, weight: float, moves_grid: bool) -> Shrunk:
    """The objective of a model with a weight of the prior; first its hidden grids are widened."""
    if moves_grid:
        model._network = widened(model._network, sample.x, _GRID_SLACK)
    plain = model._objective(sample.x, sample.y, Penalty(), sample.weight, 0.0)
    return Shrunk(plain, model._network, sample.variance, weight)


@dataclass(frozen=True)
class Choice:
    """What cross-validation says.

    Attributes
    ----------
    weight : float
        Of the prior, infinite where the mean of the labels is as good.
    leeway : float
        How far outside the range of the samples edges are followed; see `kan_np.training_range.with_leeway`.
    from_start : bool
        Whether to fit with this weight from the start, not by way of heavier ones.
    """

    weight: float
    leeway: float = np.inf
    from_start: bool = False


@dataclass(frozen=True)
class _Tried:
    """Squared errors of all held out samples with a weight; `held` by leeway, where rows were held back."""

    choice: Choice
    error: FloatArray
    held: dict[float, FloatArray] = field(default_factory=dict)


def fit_by_cross_validation(
    model: Trainable,
    sample: Sample,
    moves_grid: bool,
    watch: Callable[[Any], object],
    on_iteration: Callable[[FloatArray], bool],
) -> Choice | None:
    """Fit an untrained model with the weight of the prior that cross-validation chooses.

    Returns
    -------
    Choice or None
        Of infinite weight where the mean of the labels was as good: then the model is that constant. None
        where `on_iteration` asked to stop; the model is then what it was.
    """
    before = model._network
    chosen = _choose(model, sample, moves_grid, watch, on_iteration)
    if chosen is None:
        return None
    weight = chosen.weight
    if np.isinf(weight) and isinstance(before, Network):
        model._network = constant_network(before, sample.mean)
        return chosen
    weight = min(weight, LARGEST)
    path = ShrunkFit(model, sample, moves_grid, watch, on_iteration)
    for w in (*([] if chosen.from_start else [w for w in _WEIGHTS if w > weight]), weight):
        if path.descend(w).status is FitStatus.STOPPED:
            model._network = before
            return None
    return replace(chosen, weight=weight)


def _choose(
    model: Trainable,
    sample: Sample,
    moves_grid: bool,
    watch: Callable[[Any], object],
    on_iteration: Callable[[FloatArray], bool],
) -> Choice | None:
    """What cross-validation chooses; None after a stop."""
    folds = _Folds(sample)

    def from_the_start() -> list[ShrunkFit]:
        return [ShrunkFit(model.copy(), rest, moves_grid, watch, on_iteration) for rest in folds.rest]

    fits, tried = from_the_start(), [folds.mean]
    best, worse = np.full(2, np.inf), 0
    for weight in _WEIGHTS:
        found = folds.try_out(fits, Choice(weight))
        if found is None:
            return None
        tried.append(found)
        score = np.array([folds.score(found, folds.all), folds.score(found, folds.inside)])
        worse = worse + 1 if (score > _WORSE * best).all() else 0
        best = np.fmin(best, score)
        if worse >= _PATIENCE:
            break
    if (best > _UNEXPLAINED * sample.variance).all():
        again: list[_Tried] = []
        for weight in _FROM_START:
            found = folds.try_out(from_the_start(), Choice(weight, from_start=True))
            if found is None:
                return None
            again.append(found)
        if all(folds.are_worse(tried, again, share) for share in (folds.all, folds.inside)):
            tried = again
    return folds.choice_of(tried)


class _Folds:
    """Parts of the samples that are held out in turn, and what fits to the rest make of them."""

    def __init__(self, sample: Sample) -> None:
        rows = np.arange(sample.y.shape[0])
        parts = _folds(rows.size)
        self._held = [sample.part(part) for part in parts]
        self.rest = [sample.part(np.setdiff1d(rows, part)) for part in parts]
        own = [np.ones(held.y.shape[0]) if held.weight is None else held.weight for held in self._held]
        self.all, self._variance, self._n_samples = np.concatenate(own), sample.variance, rows.size
        pairs = list(zip(self.rest, self._held, strict=True))
        self._outside = np.concatenate(
            [(held.x != np.clip(held.x, *training_range(rest.x))).any(axis=1) for rest, held in pairs]
        )
        many = 2 * np.count_nonzero(self._outside) > self._outside.size
        self.inside = self.all if many else self.all * ~self._outside
        squares = [_squares(rest.mean, held, self._most) for rest, held in pairs]
        self.mean = _Tried(Choice(np.inf), np.concatenate(squares))

    @property
    def _most(self) -> float:
        return _MOST * self._variance

    def try_out(self, fits: list[ShrunkFit], choice: Choice) -> _Tried | None:
        """Fit with the weight of a choice; None after a stop."""
        for fit in fits:
            if fit.descend(choice.weight).status is FitStatus.STOPPED:
                return None
        smooth = getattr(fits[0].model._network, "extrapolation", None) == "smooth"
        held = {leeway: self._errors(fits, leeway) for leeway in (_LEEWAYS if smooth else ())}
        return _Tried(choice, self._errors(fits, np.inf), held)

    def _errors(self, fits: list[ShrunkFit], leeway: float) -> FloatArray:
        """Squared errors of all held out samples, which are held back as the final model would do it."""
        errors = []
        for fit, held in zip(fits, self._held, strict=True):
            limits = with_leeway(fit.sample.x, leeway)
            x = held.x if limits is None else np.clip(held.x, *limits)
            errors.append(_squares(_forward(fit.model, x), held, self._most))
        return np.concatenate(errors)

    def score(self, tried: _Tried, share: FloatArray) -> float:
        """Mean squared error."""
        return float(np.average(tried.error, weights=share))

    def best(self, tried: list[_Tried], share: FloatArray) -> _Tried:
        """What has the lowest error."""
        return min(tried, key=lambda one: self.score(one, share))

    def are_worse(self, tried: list[_Tried], others: list[_Tried], share: FloatArray) -> bool:
        """Whether the best of the others is better than chance."""
        return not self.is_as_good(self.best(tried, share).error, self.best(others, share).error, share)

    def heaviest(self, tried: list[_Tried], share: FloatArray) -> _Tried:
        """The heaviest weight that is as good as the best; the mean of the labels if that is."""
        best = self.best(tried, share)
        return next(one for one in tried if self.is_as_good(one.error, best.error, share))

    def choice_of(self, tried: list[_Tried]) -> Choice:
        """The weight, and how far outside the samples edges may be followed.

        Samples outside the range of the others have a say in the weight where they are met.
        """
        one, outside = self.heaviest(tried, self.all), self.all * self._outside
        met = outside.any() and self.score(one, outside) <= _MET * self._variance
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
        """Whether squared errors are higher by at most part of the standard error of the mean difference."""
        difference = error - best
        mean = float(np.average(difference, weights=share))
        deviation = np.sqrt(np.average(np.square(difference - mean), weights=share))
        return bool(mean <= _TOLERANCE * deviation / np.sqrt(max(np.count_nonzero(share) - 1, 1)))


def _folds(n: int) -> list[NDArray[np.intp]]:
    """Rows held out in each fold; always the same for as many samples."""
    sequence = np.random.SeedSequence(0, spawn_key=(_FOLD_STREAM,))
    order = np.random.default_rng(sequence).permutation(n)
    folds = np.array_split(order, min(_FOLDS, n))
    wanted = -(-_HELD // max(folds[0].size, 1))
    return folds[: max(wanted, 1)]


def _forward(model: Trainable, x: FloatArray) -> FloatArray:
    with np.errstate(over="ignore", invalid="ignore"):
        out: FloatArray = model._network.forward(x)
    return out


def _squares(prediction: FloatArray, held: Sample, most: float) -> FloatArray:
    """Squared error of every sample, the mean over the outputs, `most` at most and where it is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.fmin(np.square(prediction - held.y).mean(axis=1), most)

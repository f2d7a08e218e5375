"""Fits to few samples: the weight of a prior, or the mean, and how far edges go on, by cross-validation.

Least squares needs several samples a parameter. With fewer, four things go wrong, all measured on tables of
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
- Outside the training range. Edges go on there as the cubics of their end intervals and then as lines; a row
  that leaves the range goes through two such cubics, one behind the other, and what was a small error of a
  slope becomes its cube. Of 264 draws of 22 tables (1 to 29 inputs, 15 to 60 rows, most of them normal or
  with heavy tails) eight were above 1.2, up to 13, though a good weight had been chosen; more than 99 % of
  the squared error was of the rows outside in the worst of them. The same fits are at 1.16 at most where
  rows outside are taken as if they lay at the end of the range.

So with fewer than `SAMPLES_A_PARAMETER` residuals a parameter a model is fitted with the prior of
`kan_np.objective.shrinkage`, whose weight falls by decades, each fit starting from the one before; folds of
the training samples say how far. The heaviest weight within half a standard error of the best is taken (the
rule of Breiman et al. 1984, section 3.4.3, with half of its width), and the mean of the labels if that is as
good. Where the path explains little it may have been caught by its own heavy weights: then a few light ones
are tried from the start, and one of them is taken if it is better. In the end all samples are fitted with it.

The folds say as well how far edges may be followed outside the range of the samples, by the held out samples
that lie outside the range of the others. Where those are met, as without noise, edges go on for a quarter of
the range. Where they are not, edges go on for two mean distances of neighbours or not at all, whichever is
better there, and such samples do not choose the weight: one of them, met by luck, outweighs all of the
others. What lies further out is taken as if it lay where that ends.

With another loss than squares its mean takes the place of the squared error, and that of the best constant
the place of the variance of the labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kan_np._validate import FloatArray
from kan_np.network.grid_update import widened
from kan_np.network.network import Network
from kan_np.objective.shrinkage import Shrunk
from kan_np.objective.sparsity_penalty import Penalty
from kan_np.optimize import OPTIMIZERS
from kan_np.optimize.outcome import Outcome
from kan_np.optimize.status import FitStatus
from kan_np.training.estimator import Estimator
from kan_np.training.folds import Choice, Folds, Sample, Tried, forward

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
#: spread), and reaches 1.7e-2 from the start. One of them is taken only if it leaves less than that part:
#: where labels are noisy a fit from the start to all samples may end elsewhere than those to the folds, and
#: nothing says so (a table with one row far outside, 2.45 times the mean in place of 0.59).
_UNEXPLAINED, _FROM_START = 0.1, (1e-3, 1e-6, 1e-9, 1e-14)
#: The path ends after so many weights in a row that are worse than the best by this factor.
_PATIENCE, _WORSE = 3, 1.02
#: A weight below this one says that labels have less than about half a per cent of noise.
NOISELESS = 1e-8
#: Up to so many parameters the path is that of Levenberg-Marquardt whatever optimizer ends it: without noise
#: it reaches lower weights (Lennard-Jones from 50 samples: median 4e-4 and worst 2e-2 with either optimizer
#: in the end, 3e-3 and 7e-2 along L-BFGS). Beyond, L-BFGS finds weights that are as good with noise
#: (geometric means 0.52 and 0.50 of the mean's RMSE over 36 draws) in a fifth of the time.
_LM_PARAMS = 300
#: Iterations for the first weight and for each further one.
_ITERATIONS = {"LM": (36, 18), "LBFGS": (120, 60)}
#: A grid that samples leave by less than this part of an interval stays.
_GRID_SLACK = 0.1


def is_underdetermined(
    n_residuals: int, n_params: int, samples_a_parameter: float = SAMPLES_A_PARAMETER
) -> bool:
    """Whether there are too few samples for least squares, or another loss."""
    return n_residuals < samples_a_parameter * n_params


class ShrunkFit:
    """A model on its way from heavier to lighter weights of the prior.

    Parameters
    ----------
    model : Estimator
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
        model: Estimator,
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
        curved = self.sample.loss.has_curvature
        name = "LM" if curved and self.model.n_params <= _LM_PARAMS else "LBFGS"
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
            explained = float(np.var(forward(self.model, self.sample.x), axis=0).mean())
        return not explained > _COLLAPSED * self.sample.spread


def shrunk_objective(model: Estimator, sample: Sample, weight: float, moves_grid: bool) -> Shrunk:
    """The objective of a model with a weight of the prior; first grids that samples leave are widened."""
    if moves_grid and isinstance(model._network, Network):
        model._network = widened(model._network, sample.x, _GRID_SLACK)
    plain = model._objective(sample.x, sample.y, Penalty(), sample.weight, 0.0)
    return Shrunk(plain, model._prior(sample.x, sample.weight, sample.spread), weight)


def fit_by_cross_validation(
    model: Estimator,
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
    if np.isinf(weight):
        constant = model._constant_network(sample.mean)
        if constant is not None:
            model._network = constant
            return chosen
    weight = min(weight, LARGEST)
    path = ShrunkFit(model, sample, moves_grid, watch, on_iteration)
    for w in (*([] if chosen.from_start else [w for w in _WEIGHTS if w > weight]), weight):
        if path.descend(w).status is FitStatus.STOPPED:
            model._network = before
            return None
    return replace(chosen, weight=weight)


def _choose(
    model: Estimator,
    sample: Sample,
    moves_grid: bool,
    watch: Callable[[Any], object],
    on_iteration: Callable[[FloatArray], bool],
) -> Choice | None:
    """What cross-validation chooses; None after a stop."""
    folds = Folds(sample)

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
    if (best > _UNEXPLAINED * sample.constant_loss).all():
        again: list[Tried] = []
        for weight in _FROM_START:
            found = folds.try_out(from_the_start(), Choice(weight, from_start=True))
            if found is None:
                return None
            again.append(found)
        met = (
            folds.score(folds.best(again, folds.inside), folds.inside) <= _UNEXPLAINED * sample.constant_loss
        )
        if met and all(folds.are_worse(tried, again, share) for share in (folds.all, folds.inside)):
            tried = again
    return folds.choice_of(tried)

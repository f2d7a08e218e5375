"""Shape, grid and weight of a prior chosen together by cross-validation: for tables with noise.

Every shape, small ones first, is trained on the rows outside each of five folds with the prior of
`kan_np.objective.shrinkage`, whose weight falls by half decades, each fit starting from the one before; the
held out rows say which weight is best, with some preference for a usual one (`PULL`). A wider network has to
be better by `GAIN` and by more than chance, and the search ends after two in a row that are not. Then the
best one goes on with grids twice as fine for as long as these are better. In the end all rows are fitted with
the weight that was chosen, from the network of every fold, and the fit of least objective is kept, so that
the fit to all rows is one that the folds have spoken of.

Rows are predicted as if they lay at the end of the range of the training rows, or so little outside of it as
the folds say. Where no weight is better than the mean of the labels the model is that.

Equal rows are one row with the sum of their weights, and rows with equal inputs lie in one fold: the order of
the rows does not matter, and a row with weight two is a row that is there twice, to the last bit.

Other than `kan_np.training.cross_validation`, which finds the weight for a model that a user has made, this
compares shapes by the same folds, for tables of any number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np._warnings import parts_of_one_fit
from kan_np.model import KAN
from kan_np.network.mlp_network import MlpNetwork
from kan_np.network.network import Network
from kan_np.optimize import OPTIMIZERS
from kan_np.optimize.outcome import Outcome
from kan_np.training.cross_validation import LARGEST, ShrunkFit, shrunk_objective
from kan_np.training.estimator import Estimator
from kan_np.training.folds import Sample, forward
from kan_np.training.training_range import training_range, with_leeway

#: Weights of the prior in turn. The best ones of eleven tables (benchmarks/tables.py, seeds 100 to 102) lay
#: between the third and the twelfth.
WEIGHTS = tuple(LARGEST * 10.0 ** (-0.5 * step) for step in range(19))
#: A weight that is usual for splines, and how much an error counts as larger for every squared decade away
#: from it, times the root of the number of rows: few held out rows do not tell a weight from its neighbours.
#: Additive splines on wine, bupa, saheart, diabetes and pima of benchmarks/tables.py, seeds 100 to 102, R2
#: without it 0.520, 0.157, 0.722, 0.491, 0.222; with 0.4: 0.538, 0.170, 0.722, 0.492, 0.225; by weights of
#: hindsight 0.571, 0.200, 0.732, 0.499, 0.238.
USUAL, PULL = 3e-4, 0.4
#: A path ends after so many weights in a row that are worse than the best by this factor.
_PATIENCE, _WORSE = 3, 1.02
#: Relative decrease of the error of held out rows for which a wider network or finer grids are taken, and the
#: least decrease in standard errors of the mean difference between rows: networks that were taken for less,
#: by luck of few rows, predicted new ones worse than additive models did (saheart, bupa of KEEL).
GAIN, _SURE = 0.01, 1.0
#: Widths in a row without that decrease after which no wider one is tried.
_FAILURES = 2
#: With so many labels for each parameter grids that are no better are refined once more, for waves that only
#: fine grids meet; chosen by judgement.
_MANY_LABELS = 10
#: Fewer distinct rows than this are predicted by their mean.
_LEAST_ROWS = 4
#: Rows that are held out altogether: large tables do with fewer of the folds.
_HELD = 2000
#: A loss counts as no more than so many times that of the best constant: one row may not outweigh a table.
_MOST = 25.0
#: How far outside the range edges may be followed, in lengths of the range; the folds choose.
_LEEWAYS = (0.0, 0.05, 0.25)
#: Iterations of the last fit.
_LAST = {"LM": 40, "LBFGS": 200}
_LM_PARAMS = 300

#: (hidden widths, size of grids, number of a random start) -> model of a random start.
Maker = Callable[[tuple[int, ...], int, int], Estimator]


@dataclass(frozen=True)
class TriedModel:
    """A shape with its best weight.

    Attributes
    ----------
    hidden : tuple of int
        Nodes of the hidden layers.
    grid : int
        Size of the grids; 0 of MLPs.
    n_params : int
    weight : float
        Of the prior; infinite of the constant.
    error : float
        Mean loss of held out rows over that of the best constant: of squares 1 - R^2.
    """

    hidden: tuple[int, ...]
    grid: int
    n_params: int
    weight: float
    error: float


@dataclass(frozen=True)
class CrossValidated:
    """A model that cross-validation chose, and what it chose from.

    Attributes
    ----------
    model : KAN or MLP
    best : TriedModel
    tried : tuple of TriedModel
    """

    model: Estimator
    best: TriedModel
    tried: tuple[TriedModel, ...]


def distinct_rows(
    x: FloatArray, y: FloatArray, weight: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Rows of x (n, n_in) and y (n, n_out) in ascending order, equal ones once with the sum of their weights.

    Rows of weight 0 are left out. The weights are None where all are equal.
    """
    given = np.ones(len(x)) if weight is None else weight
    both, given = np.hstack([x, y])[given > 0], given[given > 0]
    rows, which = np.unique(both + 0.0, axis=0, return_inverse=True)  # -0 becomes 0
    total = np.bincount(which.ravel(), weights=given, minlength=len(rows))
    n_in = x.shape[1]
    own = None if (total == total[0]).all() else total / total.max()
    return np.ascontiguousarray(rows[:, :n_in]), np.ascontiguousarray(rows[:, n_in:]), own


def fit_cross_validated(
    make: Maker,
    shapes: Sequence[tuple[tuple[int, ...], int]],
    sample: Sample,
    *,
    folds: int = 5,
    refine: bool = True,
    seed: int = 0,
    usual: float | None = USUAL,
    anew: bool = False,
    most_params: int = 3000,
) -> CrossValidated:
    """Train models of several shapes, and return the one that cross-validation chooses, fitted to all rows.

    Parameters
    ----------
    make : callable
        (hidden, grid, number) -> model of a random start.
    shapes : sequence of (hidden, grid)
        Small ones first.
    sample : Sample
        `distinct_rows`, of order one, with the loss to be minimised.
    folds : int
    refine : bool
        Whether to try finer grids than those of the shapes.
    seed : int
        Of the folds.
    usual : float, optional
        A weight that is preferred where held out rows do not tell weights apart.
    anew : bool
        Whether every weight is fitted from the random start, not by way of heavier ones: for MLPs, which
        heavy weights lead astray.
    most_params : int
        Larger models than this are left out, but for the first shape.

    Raises
    ------
    ValueError
        If there is no shape.
    """
    if not shapes:
        raise ValueError("there are no shapes; expected at least one, (hidden, grid).")
    with one_thread(), parts_of_one_fit(), np.errstate(over="ignore", invalid="ignore"):
        search = _Search(make, sample, _fold_parts(sample.x, folds, seed), most_params, usual, anew)
        if sample.y.shape[0] >= _LEAST_ROWS and 0.0 < sample.constant_loss < np.inf and search.parts:
            search.climb(shapes)
            if refine:
                search.refine()
        return search.finish(shapes[0])


def fit_again(make: Maker, found: TriedModel, sample: Sample, *, anew: bool = False) -> Estimator:
    """Fit other rows with the shape and the weight that were chosen, as for jackknife+."""
    with one_thread(), parts_of_one_fit(), np.errstate(over="ignore", invalid="ignore"):
        model = make(found.hidden, found.grid, 0)
        model._loss = sample.loss
        if np.isinf(found.weight):
            return _constant(model, sample)
        path = _Fit(model, sample)
        heavier = [] if anew else [w for w in WEIGHTS if w > found.weight]
        for weight in (*heavier, found.weight):
            path.descend(weight)
        _finish(model, sample, found.weight, 0.0)
        return model


def _fold_parts(x: FloatArray, folds: int, seed: int) -> list[NDArray[np.intp]]:
    """Rows that are held out in each fold; rows with equal inputs together."""
    _, group = np.unique(x, axis=0, return_inverse=True)
    group = group.ravel()
    n_groups = int(group.max()) + 1
    order = np.random.default_rng(seed).permutation(n_groups)
    parts = np.array_split(order, min(folds, n_groups))
    if len(parts) < 2:
        return []
    wanted = -(-_HELD * len(parts) // len(x))
    return [np.flatnonzero(np.isin(group, part)) for part in parts[: max(wanted, 1)]]


class _Fit(ShrunkFit):
    """A fit to some rows, from the start of a model or, if it `goes_on`, from where it is."""

    def __init__(self, model: Estimator, sample: Sample, *, goes_on: bool = False) -> None:
        super().__init__(model, sample, True, lambda objective: None, lambda theta: False)
        self._begun = goes_on

    def descend(self, weight: float, *, anew: bool = False) -> Outcome:
        """Fit with the next weight, from the start if `anew`."""
        if anew:
            self._begun = False
        return super().descend(weight)


@dataclass(frozen=True)
class _Path:
    """The best weight of a path, its error with the preference, and the models of the folds."""

    tried: TriedModel
    score: float
    losses: FloatArray
    models: list[Estimator]
    leeway: float


@dataclass
class _Search:
    """Rows, folds, and the best path so far."""

    make: Maker
    sample: Sample
    parts: list[NDArray[np.intp]]
    most_params: int
    usual: float | None
    anew: bool
    tried: list[TriedModel] = field(default_factory=list)
    best: _Path | None = None

    def __post_init__(self) -> None:
        rows = np.arange(self.sample.y.shape[0])
        self.held = [self.sample.part(part) for part in self.parts]
        self.rest = [self.sample.part(np.setdiff1d(rows, part)) for part in self.parts]
        if self.parts:
            self.unit = self._mean(
                [
                    held.loss.value(held.y, np.broadcast_to(rest.mean, held.y.shape))
                    for rest, held in zip(self.rest, self.held, strict=True)
                ]
            )

    def _mean(self, losses: list[FloatArray]) -> float:
        weights = [np.ones(len(held.y)) if held.weight is None else held.weight for held in self.held]
        return float(np.average(np.concatenate(losses), weights=np.concatenate(weights)))

    def _losses(self, models: Sequence[Estimator], leeway: float) -> FloatArray:
        """Losses of held out rows over the mean one of the constants."""
        losses = []
        for model, rest, held in zip(models, self.rest, self.held, strict=True):
            limits = with_leeway(rest.x, leeway * len(rest.x))
            assert limits is not None  # noqa: S101  the leeway is finite
            value = held.loss.value(held.y, forward(model, np.clip(held.x, *limits)))
            losses.append(np.fmin(value, _MOST * self.unit))
        return np.concatenate(losses) / self.unit

    def _is_better(self, path: _Path, than: _Path) -> bool:
        """Whether a larger model is worth it, by more than chance."""
        if not path.score < (1 - GAIN) * than.score:
            return False
        gain = than.losses - path.losses
        mean = self._mean([gain])
        deviation = np.sqrt(self._mean([np.square(gain - mean)]))
        return bool(mean > _SURE * deviation / np.sqrt(len(gain)))

    def _preference(self, weight: float) -> float:
        """Factor of the error of a weight; see `PULL`."""
        if self.usual is None:
            return 1.0
        return 1.0 + PULL / np.sqrt(len(self.sample.y)) * np.log10(weight / self.usual) ** 2

    def _walk(
        self, hidden: tuple[int, ...], grid: int, fits: Sequence[_Fit], weights: Sequence[float]
    ) -> _Path:
        """Go down the weights, and return the best."""
        best: _Path | None = None
        worse, lowest = 0, np.inf
        for weight in weights:
            for fit in fits:
                fit.descend(weight, anew=self.anew)
            models = [fit.model for fit in fits]
            losses = [self._losses(models, leeway) for leeway in _LEEWAYS]
            errors = [self._mean([own]) for own in losses]
            error = min(errors)
            score, lowest = error * self._preference(weight), min(error, lowest)
            if best is None or score < best.score:
                leeway = _LEEWAYS[next(i for i, own in enumerate(errors) if own <= error * (1 + GAIN))]
                tried = TriedModel(hidden, grid, models[0].n_params, weight, error)
                best = _Path(
                    tried, score, losses[int(np.argmin(errors))], [model.copy() for model in models], leeway
                )
                worse = 0
            elif error > _WORSE * lowest:
                worse += 1
                if worse == _PATIENCE:
                    break
        assert best is not None  # noqa: S101  there is a weight
        self.tried.append(best.tried)
        return best

    def climb(self, shapes: Sequence[tuple[tuple[int, ...], int]]) -> None:
        """Try shapes until two in a row are no better."""
        failures = 0
        for number, (hidden, grid) in enumerate(shapes):
            models = [self.make(hidden, grid, fold) for fold in range(len(self.parts))]
            if number and models[0].n_params > self.most_params:
                break
            for model in models:
                model._loss = self.sample.loss
            fits = [_Fit(model, rest) for model, rest in zip(models, self.rest, strict=True)]
            path = self._walk(hidden, grid, fits, WEIGHTS)
            if self.best is None or self._is_better(path, self.best):
                self.best, failures = path, 0
            else:
                failures += 1
                if failures == _FAILURES:
                    break

    def refine(self) -> None:
        """Go on with grids twice as fine, for as long as these are better."""
        last, failed = self.best, False
        while last is not None and self.best is not None:
            grid, n_labels = 2 * last.tried.grid, self.sample.loss.n_labels(self.sample.y)
            models = [own for own in last.models if isinstance(own, KAN)]
            bounds = [model._network.largest_grid for model in models]
            too_large = 2 * last.tried.n_params > min(self.most_params, n_labels)
            if not models or too_large or any(b is not None and b < grid for b in bounds):
                return
            finer = [model.refine(grid) for model in models]
            fits = [_Fit(model, rest, goes_on=True) for model, rest in zip(finer, self.rest, strict=True)]
            weights = [w for w in WEIGHTS if w <= 1.001 * last.tried.weight]
            last = self._walk(last.tried.hidden, grid, fits, weights)
            if self._is_better(last, self.best):
                self.best, failed = last, False
            elif failed or n_labels < _MANY_LABELS * last.tried.n_params:
                return
            else:
                failed = True

    def finish(self, first: tuple[tuple[int, ...], int]) -> CrossValidated:
        """Fit all rows with what is best."""
        if self.best is None or self.best.tried.error >= 1.0:
            model = self.make(*first, 0)
            model._loss = self.sample.loss
            model = _constant(model, self.sample)
            return CrossValidated(model, TriedModel(*first, model.n_params, np.inf, 1.0), tuple(self.tried))
        weight, found = self.best.tried.weight, []
        convex = not self.best.tried.hidden
        for model in self.best.models[: 1 if convex else None]:
            objective = shrunk_objective(model, self.sample, weight, True)
            name = "LM" if model.n_params <= _LM_PARAMS else "LBFGS"
            outcome = OPTIMIZERS[name].minimize(objective, model._theta, _LAST[name], lambda theta: False)
            model._theta = outcome.theta
            found.append((float(objective.value(model._theta)), model))
        model = min(found, key=lambda pair: pair[0])[1]
        _finish(model, self.sample, weight, self.best.leeway)
        return CrossValidated(model, self.best.tried, tuple(self.tried))


def _constant(model: Estimator, sample: Sample) -> Estimator:
    network: Network | MlpNetwork | None = model._constant_network(sample.mean)
    if network is None:
        raise ValueError("the edges of this network have no constants; use B-splines.")
    model._network = network
    _finish(model, sample, np.inf, 0.0)
    return model


def _finish(model: Estimator, sample: Sample, weight: float, leeway: float) -> None:
    """What a fit leaves beside the network."""
    model._loss = sample.loss
    model._training_range = training_range(sample.x)
    model._leeway = leeway * len(sample.x)
    model._followed = with_leeway(sample.x, model._leeway)
    model._n_fitted = len(sample.x)
    model._keep_shrinkage(weight)

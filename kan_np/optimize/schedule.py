"""Training through a list of grids, as a sweep does it: coarse first, refine, go on, keep every stage."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._arguments import with_own
from kan_np._warnings import Finding, parts_of_one_fit, warn
from kan_np.data.check import Dataset, check_dataset, without_idle_samples
from kan_np.data.dataset import split_validation
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.optimize.cross_validation import NOISELESS, is_underdetermined
from kan_np.optimize.diagnosis import data_findings, judge, label_spread
from kan_np.optimize.fit import Callback
from kan_np.optimize.restarts import Candidate, Maker, best_of, first_candidates, generators
from kan_np.optimize.shapes import AUTO_WIDTH, RESTARTS, choose_shape
from kan_np.optimize.stage import Schedule, Stage, split_rmse
from kan_np.optimize.status import FitResult, FitStatus
from kan_np.shape import Shape
from kan_np.smoothing import AUTO as AUTO_SMOOTHING
from kan_np.smoothing import GCV, WEAK
from kan_np.starts import STARTS
from kan_np.trainable import check_width

_ENDS = (FitStatus.STOPPED, FitStatus.NON_FINITE)


def fit_schedule(
    width: Sequence[int | Sequence[int]] | str | None,
    dataset: Dataset,
    *,
    grids: Sequence[int] = (3, 5, 10, 20, 50),
    k: int | None = None,
    opt: str = "auto",
    steps: int = 50,
    restarts: int | None = None,
    seed: int = 0,
    val_fraction: float = 0.2,
    refit: bool = True,
    init: str | None = None,
    smoothing: float | str = "weak",
    callback: Callback | None = None,
    on_stage: Callable[[Stage], object] | None = None,
    fit_options: dict[str, Any] | None = None,
    **model_options: Any,
) -> Schedule:
    """Train a KAN through `grids`, each model starting as the refined one before it.

    Grid extension is section 2.4 of arXiv:2404.19756. Stages are chosen by validation samples: those of the
    dataset, or a part of its training samples that is held out here.

    Parameters
    ----------
    width : sequence of int or pairs, or "auto"
        As for ``KAN``. With "auto", or None, validation chooses the shape, from an additive model to two
        hidden layers with at most half a parameter a training label (`kan_np.optimize.shapes`).
    dataset : dict
        As for ``KAN.fit``.
    grids : sequence of int
        Increasing numbers of intervals. With "auto" those that have too many parameters for a shape give way
        to the finest grid that has not.
    k : int, optional
        Spline order; by default 3, and with "auto" 3 or 5, which is chosen like the shape.
    opt : {"auto", "LM", "LBFGS"}
        Optimizer of ``KAN.fit``; "auto" may take another one on finer grids.
    steps : int
        Steps on every grid. With "auto" that is for shapes that are tried; the two best are
        then trained again with four times as many.
    restarts : int, optional
        By default 1, with "auto" 4. With n above 1, 6 n short starts are made on the first grid, the
        best n of them are trained in full
        there and on the second grid, and the best n/2, n/4, ... of those on the grids that follow (successive
        halving). Every `Stage` is the best of its grid. Seeds are spawned from `seed`.
    seed : int
    val_fraction : float
        Share of the training samples that is held out if the dataset has no validation samples; 0 holds
        out nothing, and stages are then chosen by training RMSE. Which samples does not depend on `seed`, so
        that several seeds can be compared.
    refit : bool
        Where samples were held out here: train the model of a stage that is the best so far for at most
        ``steps`` more steps on all samples, after its validation RMSE was taken. The next grid starts from
        the model before that.
    init : str, optional
        Start of ``KAN``; by default all of them in turn with restarts, else "pykan".
    smoothing : float, "weak" or "gcv"
        As for ``KAN.fit``.
    callback : callable
        As for ``KAN.fit``; returning True ends the stage and the schedule.
    on_stage : callable
        Called with each `Stage` as soon as it is there, with "auto" also with those of shapes that are not
        chosen.
    fit_options : dict
        Further arguments of ``KAN.fit``, such as ``{"lamb": 1e-3}``.
    **model_options
        Further arguments of ``KAN``.

    Returns
    -------
    Schedule
        A list of `Stage`, one a grid (fewer when a fit was stopped or became non-finite), with ``.best``,
        ``.advice`` and ``.summary()``. With "auto" all are of the chosen shape, and ``.shapes`` is what was
        tried.

    Raises
    ------
    ValueError
        For grids that do not increase, for "auto" with nothing to validate by, and as ``KAN`` and
        ``KAN.fit``.

    Examples
    --------
    >>> from kan_np import create_dataset, fit_schedule
    >>> dataset = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=200, seed=0)
    >>> stages = fit_schedule([2, 2, 1], dataset, grids=(3, 6), restarts=2, seed=0)
    >>> [stage.grid for stage in stages]
    [3, 6]
    >>> bool(stages.best.test_rmse < 1e-3)
    True
    """
    seed = _validate.integer("seed", seed, 0)
    grids = [_validate.integer("grids", g, 1) for g in grids]
    if not grids or any(b <= a for a, b in zip(grids[:-1], grids[1:], strict=True)):
        got = _validate.shown(grids)
        raise ValueError(f"grids is {got}; expected increasing numbers of intervals such as (3, 5, 10).")
    options = with_own({"opt": opt, "steps": steps, "smoothing": smoothing}, fit_options)
    is_open = width is None or (isinstance(width, str) and width == AUTO_WIDTH)
    restarts = _validate.integer(
        "restarts", (RESTARTS if is_open else 1) if restarts is None else restarts, 1
    )
    plan = _Plan(
        dataset, options, restarts, seed, val_fraction, refit, init, callback, on_stage, model_options
    )
    if width is None or is_open:
        has_base = model_options.get("base_fun") != "zero"
        schedule = choose_shape(plan.try_shape, dataset, val_fraction, grids, k, has_base)
    else:
        given: Any = width  # another word is refused with the other nonsense
        schedule = plan.train(given, 3 if k is None else k, grids)
    plan.warn_of(schedule)
    return schedule


@dataclass(frozen=True)
class _Plan:
    """The arguments of `fit_schedule` but for shape, order and grids."""

    dataset: Dataset
    options: dict[str, Any]
    restarts: int
    seed: int
    val_fraction: float
    refit: bool
    init: str | None
    callback: Callback | None
    on_stage: Callable[[Stage], object] | None
    model_options: dict[str, Any]
    clock: float = field(default_factory=time.perf_counter)
    races: list[tuple[Schedule, _Race]] = field(default_factory=list)

    def try_shape(
        self, width: list[int], k: int, grids: list[int], *, steps_factor: int, final: bool
    ) -> Schedule:
        """Train a shape that competes with others."""
        options = {**self.options, "steps": steps_factor * self.options["steps"]}
        own = replace(self, options=options, refit=self.refit and final)
        # few samples a parameter are no reason for a prior where validation has taken the shape
        return own.train(width, k, grids, may_have_prior=len(width) == 2)

    def warn_of(self, schedule: Schedule) -> None:
        """Warn, once for all fits, of what is wrong with the best stage of one of the schedules."""
        next(race for known, race in self.races if known is schedule).warn_of(schedule.best)

    def train(
        self,
        width: Sequence[int | Sequence[int]],
        k: int,
        grids: Sequence[int],
        *,
        may_have_prior: bool = True,
    ) -> Schedule:
        """Train a shape through its grids."""
        shape = Shape.parse(width, self.model_options.get("mult_arity", 2))
        shape.check_memory(grids[-1], 0)  # before the coarser ones are trained
        inits = (
            STARTS
            if self.init is None and self.restarts != 1
            else (STARTS[0] if self.init is None else self.init,)
        )

        def make(number: int, generator: np.random.Generator) -> KAN:
            chosen = inits[number % len(inits)]
            return KAN(width, grids[0], k, init=chosen, seed=generator, **self.model_options)

        race = _Race(
            list(shape.width), self.dataset, dict(self.options), self.val_fraction, self.refit, self.callback
        )
        race.clock = self.clock
        has_base = self.model_options.get("base_fun") != "zero"
        if may_have_prior and race.has_few_samples(shape.fan_in.size, grids[0] + k, has_base):
            race.choose_prior(make(0, generators(self.seed, 1)[0]))
        candidates = race.start(make, self.restarts, self.seed)
        spread = label_spread(race.data["train_label"])
        schedule = Schedule([], race.n_train, smoothing=race.options["smoothing"], label_spread=spread)
        for grid in grids:
            candidates = race.train(candidates, grid)
            stage = race.stage(candidates[0])
            schedule.append(stage)
            if self.on_stage is not None:
                self.on_stage(stage)
            if race.stopped or stage.status in _ENDS:
                break
            if grid != grids[0]:  # the coarsest grid says too little about what a start becomes on fine ones
                candidates = candidates[: (len(candidates) + 1) // 2]
        self.races.append((schedule, race))
        return schedule


def fit_mlp(
    width: Sequence[int],
    dataset: Dataset,
    *,
    activation: str = "tanh",
    opt: str = "auto",
    steps: int = 50,
    restarts: int = 1,
    seed: int = 0,
    val_fraction: float = 0.2,
    refit: bool = True,
    callback: Callback | None = None,
    fit_options: dict[str, Any] | None = None,
) -> Stage:
    """Train an MLP by the rules of `fit_schedule`: the baseline gets the same restarts and the same split.

    Parameters
    ----------
    width : sequence of int
    dataset : dict
    activation : str
        As for ``MLP``.
    opt, steps, restarts, seed, val_fraction, refit, callback, fit_options
        As for `fit_schedule`: with n restarts the best n of 6 n short starts are trained for all steps.

    Returns
    -------
    Stage
        With ``grid`` None.

    Raises
    ------
    ValueError
        As ``MLP`` and ``MLP.fit``.

    Examples
    --------
    >>> from kan_np import create_dataset, fit_mlp
    >>> dataset = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=200, seed=0)
    >>> bool(fit_mlp([2, 8, 1], dataset, restarts=2, seed=0).test_rmse < 1e-2)
    True
    """
    width, seed = check_width(width), _validate.integer("seed", seed, 0)

    def make(number: int, generator: np.random.Generator) -> MLP:
        return MLP(width, activation, seed=generator)

    options = with_own({"opt": opt, "steps": steps}, fit_options)
    race = _Race(width, dataset, options, val_fraction, refit, callback)
    candidates = race.train(race.start(make, restarts, seed), None)
    stage = race.stage(candidates[0])
    race.warn_of(stage)
    return stage


class _Race:
    """The data and options of a schedule, and what is done with the candidates of every grid."""

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
        data = without_idle_samples(check_dataset(dataset, width[0], width[-1]))
        val_fraction = _validate.real("val_fraction", val_fraction, 0.0, 0.9)
        holds_out = val_fraction > 0 and "val_input" not in data and data["train_input"].shape[0] > 1
        self.all_samples = data if holds_out and refit else None
        self.data = split_validation(data, val_fraction) if holds_out else data
        # test samples are looked at once a stage, not after every step
        self.seen = {key: value for key, value in self.data.items() if not key.startswith("test_")}
        self.n_train = int(self.data["train_input"].shape[0])
        self.options, self.callback = options, callback
        self.names = dataset.get("feature_names")
        self._found: list[tuple[Stage, list[Finding]]] = []
        self.stopped = False
        self.best_score = math.inf

    def start(self, make: Maker, restarts: int, seed: int) -> list[Candidate]:
        restarts = _validate.integer("restarts", restarts, 1)
        with parts_of_one_fit():
            return first_candidates(make, restarts, seed, self.seen, self.options, self._ask)

    def has_few_samples(self, n_edges: int, n_basis: int, has_base: bool) -> bool:
        """Whether the coarsest grid is too fine for least squares, or for cross-validation by GCV."""
        smoothing = self.options.get("smoothing")
        n_params = n_edges * (has_base + (min(n_basis, 2) if smoothing == GCV else n_basis))
        return smoothing in (WEAK, GCV) and is_underdetermined(self.seen["train_label"].size, n_params)

    def choose_prior(self, model: KAN) -> None:
        """Let every fit have a prior if the labels are noisy, as a first fit with one says.

        Without noise validation chooses among finer grids under "weak" (Lennard-Jones from 50 samples, eight
        data seeds: median 1e-4, with the prior on all grids 4e-4).
        """
        options = {**self.options, "smoothing": AUTO_SMOOTHING, "steps": 1, "callback": self._ask}
        with parts_of_one_fit():
            first = model.fit(self.seen, **options)
        if first.shrinkage > NOISELESS:
            self.options["smoothing"] = AUTO_SMOOTHING

    def train(self, candidates: list[Candidate], grid: int | None) -> list[Candidate]:
        """Train the candidates in full on a grid; the best comes first."""
        if self.stopped:  # among the short starts: what they reached is what there is
            return candidates
        trained: list[Candidate] = []
        for candidate in candidates:
            if self.stopped:
                break
            model = candidate.model
            if grid is not None and isinstance(model, KAN) and model.grid != grid:
                model = model.refine(grid)
            with parts_of_one_fit():
                result = model.fit(self.seen, **self.options, callback=self._ask)
            trained.append(Candidate(candidate.number, model, result))
        return best_of(trained, len(trained))

    def stage(self, candidate: Candidate) -> Stage:
        """The stage of a trained candidate, refitted on all samples where some were held out."""
        model, result, data = candidate.model, candidate.result, self.data
        assert result is not None  # noqa: S101  train sets it
        train, val, test = (split_rmse(model, self.data, split) for split in ("train", "val", "test"))
        is_best, self.best_score = candidate.score < self.best_score, min(candidate.score, self.best_score)
        if self.all_samples is not None and is_best and not self.stopped and result.status not in _ENDS:
            again = model.copy()
            training = {key: v for key, v in self.all_samples.items() if not key.startswith("test_")}
            with parts_of_one_fit():
                more = again.fit(training, **self._refit_options(model, result))
            if more.status not in _ENDS:
                model, data = again, self.all_samples
                train, test = (split_rmse(model, self.all_samples, split) for split in ("train", "test"))
        if self.stopped:
            result = replace(result, status=FitStatus.STOPPED)
        free = bool(np.all(np.equal(self.options.get("lamb", 0.0), 0.0)))
        status, findings = judge(model, data, result.status, result.n_iter, free)
        findings += data_findings(model, data, self.names)
        result = replace(result, status=status, advice=tuple(finding.text for finding in findings))
        stage = Stage(
            model=model,
            grid=model.grid if isinstance(model, KAN) else None,
            n_params=model.n_params,
            train_rmse=train,
            val_rmse=val,
            test_rmse=test,
            wall_s=time.perf_counter() - self.clock,
            result=result,
        )
        self._found.append((stage, findings))
        return stage

    def warn_of(self, stage: Stage) -> None:
        """Warn, once for all fits, of what is wrong with a stage."""
        warn(next(findings for known, findings in self._found if known is stage))

    def _refit_options(self, model: KAN | MLP, result: FitResult) -> dict[str, Any]:
        options = {**self.options, "opt": result.opt, "callback": self._ask}
        if isinstance(model, KAN) and math.isfinite(result.shrinkage):  # else it begins anew
            options["update_grid"] = False  # a move could lose more than the new samples bring
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

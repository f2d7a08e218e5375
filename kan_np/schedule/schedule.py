"""fit_schedule: train a KAN on a coarse grid, then refine and continue, and keep the model of every grid."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._time_limit import deadline
from kan_np.data.check import Dataset
from kan_np.edges.choice import default_sizes
from kan_np.edges.family import BSPLINE
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.network.initialization import STARTS
from kan_np.network.width import Shape, check_width
from kan_np.schedule.race import ENDS, Race
from kan_np.schedule.restarts import generators
from kan_np.schedule.shapes import AUTO_WIDTH, RESTARTS, choose_shape
from kan_np.schedule.stage import Schedule, Stage
from kan_np.training.diagnosis import label_spread
from kan_np.training.fit import Callback
from kan_np.training.progress import Show, progress_bar


def fit_schedule(
    width: Sequence[int | Sequence[int]] | str | None,
    dataset: Dataset,
    *,
    grids: Sequence[int] | None = None,
    k: int | None = None,
    opt: str = "auto",
    steps: int = 50,
    restarts: int | None = None,
    seed: int = 0,
    val_fraction: float = 0.2,
    refit: bool = True,
    init: str | None = None,
    smoothing: float | str = "weak",
    standardize: bool | None = None,
    callback: Callback | None = None,
    on_stage: Callable[[Stage], object] | None = None,
    fit_options: dict[str, Any] | None = None,
    max_seconds: float | None = None,
    progress: bool = False,
    **model_options: Any,
) -> Schedule:
    """Train a KAN on each of `grids` in turn, each model starting from the previous one, refined.

    This is grid extension, section 2.4 of arXiv:2404.19756. The best stage is chosen by validation samples:
    those of the dataset, or a part of its training samples that is held out here.

    Parameters
    ----------
    width : sequence of int or pairs, or "auto"
        As for ``KAN``. With "auto", or None, the width is chosen by validation, from an additive model to two
        hidden layers with at most half a parameter for each training label; the last choice, among three,
        also uses the leave-one-out error of training samples (`kan_np.schedule.shapes`).
    dataset : dict
        As for ``KAN.fit``.
    grids : sequence of int, optional
        Increasing numbers of intervals, or sizes of another family; by default (3, 5, 10, 20, 50) for
        B-splines, and fewer for families that take more parameters a size. With "auto" grids with too many
        parameters for a width are replaced by the finest one within the bound.
    k : int, optional
        Spline order; by default 3, and with "auto" 3 or 5, which is chosen like the width.
    opt : {"auto", "LM", "LBFGS"} or str
        Optimizer of ``KAN.fit``; "auto" may choose another one on finer grids.
    steps : int
        Steps on every grid. With "auto" this is for all widths that are tried; the two best are then
        trained again with four times as many.
    restarts : int, optional
        By default 1, with "auto" 4. With n above 1, 6 n short fits are made on the first grid, the best n of
        them are trained in full there and on the second grid, and the best n/2, n/4, ... of those on the
        following grids (successive halving). Every `Stage` is the best of its grid. Seeds are spawned from
        `seed`.
    seed : int
    val_fraction : float
        Fraction of the training samples that is held out if the dataset has no validation samples. With 0 the
        best stage is chosen by training RMSE. The choice of samples does not depend on `seed`, so that
        results of several seeds can be compared.
    refit : bool
        If samples were held out here: whether the model of a stage that is the best so far is trained for at
        most ``steps`` more steps on all samples, after its validation RMSE was computed. The next grid starts
        from the model before that refit. With "auto" only the models of the last choice are refitted.
    init : str, optional
        Initialisation of ``KAN``; by default all of them in turn with restarts, else "pykan".
    smoothing : float, "weak" or "gcv"
        As for ``KAN.fit``. "weak" has an effect with "LM" only.
    standardize : bool, optional
        As for ``KAN.fit``; all fits share one scaler, that of all training samples.
    callback : callable
        As for ``KAN.fit``; returning True ends the stage and the schedule.
    on_stage : callable
        Called with each `Stage` as soon as it is trained, with "auto" also with those of widths that are not
        chosen.
    fit_options : dict
        Further arguments of ``KAN.fit``, such as ``{"lamb": 1e-3}``.
    max_seconds : float, optional
        Limit of wall-clock time, which ends the schedule like a callback that returns True.
    progress : bool
        Show on a terminal which grids and shapes are done, and the validation RMSE of the last.
    **model_options
        Further arguments of ``KAN``.

    Returns
    -------
    Schedule
        A list of `Stage`, one for each grid (fewer if a fit was stopped or became non-finite), with
        ``.best``, ``.advice`` and ``.summary()``. With "auto" all have the chosen width, and ``.shapes``
        lists the widths that were tried.

    Raises
    ------
    ValueError
        For grids that do not increase, for "auto" without validation samples, and as ``KAN`` and ``KAN.fit``.

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
    if grids is None:
        grids = default_sizes(model_options.get("edges", BSPLINE))
    grids = [_validate.integer("grids", g, 1) for g in grids]
    if not grids or any(b <= a for a, b in zip(grids[:-1], grids[1:], strict=True)):
        got = _validate.shown(grids)
        raise ValueError(f"grids is {got}; expected increasing numbers of intervals such as (3, 5, 10).")
    own = {"opt": opt, "steps": steps, "smoothing": smoothing, "standardize": standardize}
    options = _with_own(own, fit_options)
    is_open = width is None or (isinstance(width, str) and width == AUTO_WIDTH)
    restarts = _validate.integer(
        "restarts", (RESTARTS if is_open else 1) if restarts is None else restarts, 1
    )
    limited = _limited(callback, deadline(max_seconds))
    with progress_bar("fit_schedule", None if is_open else len(grids), progress) as show:
        told = _told(on_stage, show) if progress else on_stage
        plan = _Plan(
            dataset, options, restarts, seed, val_fraction, refit, init, limited, told, model_options
        )
        if width is None or is_open:
            has_base = model_options.get("base_fun") != "zero"
            schedule = choose_shape(plan, dataset, val_fraction, grids, k, has_base)
        else:
            given: Any = width  # other words are refused by the check of the width
            schedule = plan.train(given, 3 if k is None else k, grids)
    plan.warn_of(schedule)
    return schedule


def _limited(callback: Callback | None, limit: float | None) -> Callback | None:
    """A callback that also asks to stop after a limit of time."""
    if limit is None:
        return callback

    def ask(progress: Any) -> object:
        answer = None if callback is None else callback(progress)
        return True if time.monotonic() > limit else answer

    return ask


def _told(on_stage: Callable[[Stage], object] | None, show: Show) -> Callable[[Stage], object]:
    """What is called with every stage, and shows it."""
    done: list[Stage] = []

    def tell(stage: Stage) -> None:
        done.append(stage)
        size = "MLP" if stage.grid is None else f"{list(stage.model.width)}, G = {stage.grid}"
        show(len(done), f"{size}: RMSE {stage.score:.2e}")
        if on_stage is not None:
            on_stage(stage)

    return tell


@dataclass(frozen=True)
class _Plan:
    """The arguments of `fit_schedule` except width, order and grids."""

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
    refits_later: bool = False
    races: list[tuple[Schedule, Race]] = field(default_factory=list)

    def try_shape(
        self, width: list[int], k: int, grids: list[int], *, steps_factor: int, final: bool
    ) -> Schedule:
        """Train one of the widths among which validation chooses."""
        options = {**self.options, "steps": steps_factor * self.options["steps"]}
        own = replace(self, options=options, refits_later=not final)
        # no prior because of few samples for each parameter, since validation chooses the width
        return own.train(width, k, grids, may_have_prior=len(width) == 2)

    def error(self, schedule: Schedule) -> float:
        """The estimated error of the best stage; it is refitted on all samples first if it was not before."""
        race = next(race for known, race in self.races if known is schedule)
        number = min(range(len(schedule)), key=lambda number: schedule[number].score)
        if race.refits_later and race.all_samples is not None and not race.stopped:
            schedule[number] = race.refit(schedule[number])
            if self.on_stage is not None:
                self.on_stage(schedule[number])
        return race.expected_error(schedule[number])

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
        """Train a network of one width on all grids in turn."""
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

        race = Race(
            list(shape.width), self.dataset, dict(self.options), self.val_fraction, self.refit, self.callback
        )
        race.clock, race.refits_later = self.clock, self.refits_later
        if may_have_prior:
            first = make(0, generators(self.seed, 1)[0])
            if race.has_few_samples(first):
                race.choose_prior(first)
        starts = race.start(make, self.restarts, self.seed)
        spread = label_spread(race.data["train_label"] * race.data.get("label_unit", 1.0))
        schedule = Schedule([], race.n_train, smoothing=race.options["smoothing"], label_spread=spread)
        for grid in grids:
            starts = race.train(starts, grid)
            stage = race.stage(starts[0])
            schedule.append(stage)
            if self.on_stage is not None:
                self.on_stage(stage)
            if race.stopped or stage.status in ENDS:
                break
            if grid != grids[0]:  # results on the coarsest grid say too little about results on fine ones
                starts = starts[: (len(starts) + 1) // 2]
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
    standardize: bool | None = None,
    callback: Callback | None = None,
    fit_options: dict[str, Any] | None = None,
) -> Stage:
    """Train an MLP by the rules of `fit_schedule`, with the same restarts and the same split.

    Parameters
    ----------
    width : sequence of int
    dataset : dict
    activation : str
        As for ``MLP``.
    opt, steps, restarts, seed, val_fraction, refit, standardize, callback, fit_options
        As for `fit_schedule`: with n restarts the best n of 6 n short fits are continued for all steps. If
        there are fewer than three training labels for each parameter, and a first short fit finds noise in
        them, all n starts are trained in full with ``weight_decay="auto"`` of ``MLP.fit``.

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

    options = _with_own({"opt": opt, "steps": steps, "standardize": standardize}, fit_options)
    race = Race(width, dataset, options, val_fraction, refit, callback)
    race.choose_weight_decay(make(0, generators(seed, 1)[0]))
    starts = race.train(race.start(make, restarts, seed), None)
    stage = race.stage(starts[0])
    race.warn_of(stage)
    return stage


def _with_own(own: dict[str, Any], fit_options: dict[str, Any] | None) -> dict[str, Any]:
    """Options of every fit: those that are arguments here, and those of `fit_options`."""
    loss = (fit_options or {}).get("loss", "squares")
    if loss != "squares":
        raise ValueError(
            f"fit_options has loss={loss!r}; expected 'squares', by which models are compared "
            "here. Use fit of a model."
        )
    twice = sorted({*own, "callback"} & set(fit_options or {}))
    if twice:
        raise ValueError(f"fit_options has {twice}; expected other options of fit. Give these by themselves.")
    return {**own, **(fit_options or {})}

"""The training loop: steps, grid updates, choice of the smoothing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._threads import one_thread
from kan_np._warnings import Finding, is_part, warn
from kan_np.data.check import Dataset, check_dataset, without_idle_samples
from kan_np.data.columns import Columns
from kan_np.data.standardize import network_samples
from kan_np.network.mlp_network import MlpNetwork
from kan_np.network.network import Network
from kan_np.objective.loss import SQUARES, Loss
from kan_np.objective.loss_in_units import network_loss
from kan_np.objective.shrinkage import Shrunk, WithSquares
from kan_np.objective.slope_penalty import SlopePenalty
from kan_np.objective.smoothing import AUTO as AUTO_SMOOTHING
from kan_np.objective.smoothing import GCV, WEAK
from kan_np.objective.sparsity_penalty import Penalty
from kan_np.optimize import (
    Optimizer,
    check_optimizer,
    check_step_options,
    choose_optimizer,
    with_step_options,
)
from kan_np.optimize.first_order import StepOptions
from kan_np.optimize.gcv import MAX_PARAMS, choose_smoothing
from kan_np.optimize.status import FitResult, FitStatus, GridUpdate
from kan_np.training.anchor import Anchor
from kan_np.training.anchoring import check_anchor, check_total, total_weight, with_anchor
from kan_np.training.cross_validation import (
    LARGEST,
    fit_by_cross_validation,
    is_underdetermined,
    shrunk_objective,
)
from kan_np.training.diagnosis import data_findings, judge
from kan_np.training.estimator import Estimator
from kan_np.training.folds import Sample
from kan_np.training.labels import labelled_for
from kan_np.training.leeway import leeway_of
from kan_np.training.metrics import Metrics
from kan_np.training.recorder import Callback, FitWatcher, Recorder
from kan_np.training.training_range import training_range, with_leeway

#: A grid whose ends are off by less than this part of an interval stays: moving it would only cost accuracy.
_GRID_SLACK = 0.1


@dataclass(frozen=True)
class FitOptions:
    """Checked options of a fit; the names and defaults are pykan's where pykan has them."""

    opt: str = "LBFGS"
    steps: int = 50
    update_grid: bool = True
    grid_update_num: int = 2
    start_grid_update_step: int = -1
    stop_grid_update_step: int = 10
    progress: bool = False
    smoothing: float | str = 0.0
    smooth_penalty: float = 0.0
    step_options: StepOptions = field(default_factory=StepOptions)
    standardize: bool | None = None
    loss: Loss = SQUARES
    metrics: Metrics = Metrics()  # noqa: RUF009  it cannot be changed
    anchor: Anchor | None = None

    def __post_init__(self) -> None:
        _validate.real("smooth_penalty", self.smooth_penalty, 0.0)
        if self.smooth_penalty and self.smoothing == GCV:
            raise ValueError("smooth_penalty is given with smoothing='gcv'; expected one of both.")
        if self.anchor is not None and self.smoothing == GCV:
            raise ValueError(
                "smoothing is 'gcv' with an anchor; expected 'auto', 'weak' or a number, because "
                "cross-validation knows the new samples only."
            )
        if not (self.standardize is None or isinstance(self.standardize, bool)):
            told = _validate.shown(self.standardize)
            raise TypeError(f"standardize is {told}; expected True, False or None, for data far from one.")
        if not self.loss.is_squares and self.smoothing in (GCV, WEAK):
            raise ValueError(
                f"smoothing is {self.smoothing!r} with loss={self.loss.name!r}; expected 'auto' or a number, "
                "because it is derived for squared errors."
            )
        self.metrics.check(self.loss)
        check_optimizer(self.opt)
        check_step_options(self.opt, self.step_options)
        _validate.integer("steps", self.steps, 1)
        _validate.integer("start_grid_update_step", self.start_grid_update_step, -1)
        _validate.integer("grid_update_num", self.grid_update_num, 1)
        _validate.integer("stop_grid_update_step", self.stop_grid_update_step, 0)

    def segments(self) -> list[tuple[int, bool]]:
        """Split the steps at the grid updates: (steps, whether the grid is updated before them)."""
        every = max(self.stop_grid_update_step // self.grid_update_num, 1)
        last = min(self.steps, self.stop_grid_update_step)
        updates = [s for s in range(0, last, every) if s >= self.start_grid_update_step]
        if not self.update_grid or not updates or self.anchor is not None:  # an anchor is of these grids
            return [(self.steps, False)]
        cuts = sorted({0, *updates})
        return [
            (end - begin, begin in updates) for begin, end in zip(cuts, [*cuts[1:], self.steps], strict=True)
        ]

    def parts(self, n_parts: int) -> list[tuple[int, bool, int]]:
        """The segments, split where another of n_parts equal parts of the steps begins, with its number.

        Raises
        ------
        ValueError
            For more parts than steps.
        """
        if n_parts > self.steps:
            raise ValueError(
                f"lamb has {n_parts} values for {self.steps} steps; expected at most one a step: it is a "
                "number, or a sequence with one for each equal part of the steps."
            )
        begins = [self.steps * part // n_parts for part in range(n_parts)]
        moves_grid, at = {}, 0
        for steps, moves in self.segments():
            moves_grid[at] = moves
            at += steps
        cuts = sorted({*moves_grid, *begins})
        return [
            (end - begin, moves_grid.get(begin, False), bisect_right(begins, begin) - 1)
            for begin, end in zip(cuts, [*cuts[1:], self.steps], strict=True)
        ]


def fit(
    model: Estimator,
    data: Dataset,
    options: FitOptions,
    penalty: Penalty | Sequence[Penalty],
    callback: Callback | None = None,
    names: Sequence[str] | None = None,
) -> FitResult:
    """Train `model` in place on a checked dataset; see ``KAN.fit`` for the meaning of the options.

    The samples are as the network takes them (`kan_np.data.standardize.network_samples`). Of several
    penalties each holds for an equal part of the steps. `names` are those of the inputs.
    """
    penalties = (penalty,) if isinstance(penalty, Penalty) else tuple(penalty)
    parts = options.parts(len(penalties))
    free = all(p.lamb == 0 for p in penalties)
    if model.n_params == 0:
        raise ValueError("every parameter is frozen; expected at least one to train: see model.unfreeze.")
    _refuse_idle_smoothing(model, options.smoothing)
    if options.smooth_penalty and isinstance(model._network, Network):
        SlopePenalty(model._network)  # raises where it would say nothing
    loss = options.loss
    if "label_unit" in data:
        loss = network_loss(loss, data["scaler"].label_shift, data["label_unit"], data["train_label"])
    if not loss.is_squares:
        with np.errstate(all="ignore"):
            outputs = model._network.forward(model._within(data["train_input"]))
        loss = loss.checked(data["train_label"], outputs)
    name = choose_optimizer(
        options.opt, model.n_params, free, squares=loss.is_squares, curved=loss.has_curvature
    )
    optimizer = with_step_options(name, options.step_options)
    if options.smoothing == GCV and optimizer.first_order:
        raise ValueError(
            f"smoothing is 'gcv' with opt={name!r}; expected opt='LM', 'LBFGS' or 'auto', because it "
            "compares fits that have reached their minima."
        )
    if options.smoothing == GCV and not free:
        raise ValueError("smoothing is 'gcv' with lamb > 0; expected lamb = 0, or the weight as a number.")
    if options.smoothing == GCV and model.n_params > MAX_PARAMS:
        raise ValueError(
            f"smoothing is 'gcv' with {model.n_params} parameters; expected at most {MAX_PARAMS}, because of "
            "the matrices it takes. Use 'weak' or the weight as a number."
        )
    if options.anchor is not None:
        check_anchor(model, options.anchor, loss, data.get("scaler"))
        check_total(data.get("total_weight", 1.0))
    if model.scaler is None and "label_unit" in data:  # nothing is refused from here on
        model._scale_grid(data["scaler"])
    model.scaler, model._loss = data.get("scaler"), loss
    model._columns = data.get("columns", model._columns)
    training = _Training(model, data, options, callback, optimizer)
    model._training_range = training_range(training.seen)
    shrinks = free and training.needs_prior()
    if not shrinks:
        model._followed = None
        if model._is_untrained:  # nothing can be trained on the mean that a fit to few samples may leave
            model._restart()
    if options.anchor is None:
        training.meet_constants()
    if isinstance(callback, FitWatcher):
        callback.begin(model, training.x, training.recorder.history)
    with ExitStack() as stack:
        stack.enter_context(one_thread())
        training.recorder.open_bar(stack)
        if shrinks:
            status = training.run_with_prior()
        for number, (steps, moves_grid, part) in enumerate([] if shrinks else parts, start=1):
            if moves_grid:
                training.move_grid()
            status = training.run(steps, penalties[part], last=number == len(parts))
            if status not in (FitStatus.STEP_LIMIT, FitStatus.CONVERGED, FitStatus.STALLED):
                break
    if free and options.anchor is None:
        training.meet_constants()  # rounding led away from them where there was nothing else to lower
    if not shrinks:
        training.end_outside()
    if isinstance(callback, FitWatcher):
        callback.end()
    recorder = training.recorder
    findings: list[Finding] = []
    if not is_part():
        held = {"shrunk": training.shrinkage_used > 0, "anchored": options.anchor is not None}
        status, findings = judge(model, data, status, recorder.n_iter, free, **held)
        findings += data_findings(model, data, names)
        warn(findings)
    return FitResult(
        recorder.history,
        status,
        recorder.n_iter,
        recorder.n_fev,
        recorder.wall_s,
        name,
        training.smoothing_used,
        tuple(training.grid_updates),
        tuple(finding.text for finding in findings),
        training.shrinkage_used,
    )


def fit_checked(
    model: Estimator,
    dataset: Dataset,
    options: FitOptions,
    penalty: Penalty | Sequence[Penalty],
    callback: Callback | None,
) -> FitResult:
    """Check a dataset, match its columns by the names of the model, and train; see `fit`."""
    if isinstance(dataset, dict):
        dataset = labelled_for(options.loss, model._matched(dataset), model.width[-1])
    data = check_dataset(dataset, model.width[0], model.width[-1])
    columns = Columns.of(data, model.width[0], model.width[-1])
    data["total_weight"] = total_weight(dataset, data)
    data["columns"] = replace(columns, features=columns.features or model._columns.features)
    if callback is not None and not callable(callback):
        raise TypeError(
            f"callback is {_validate.shown(callback)}; expected a function that takes a Progress."
        )
    loss, asked = options.loss, options.standardize
    labels = "never" if loss.of_raw_labels else "far" if loss.standardized_by_default or asked else "kept"
    data = network_samples(data, asked, model.scaler, model._is_untrained, labels)
    is_first = model._is_untrained
    result = fit(model, data, options, penalty, callback, dataset.get("feature_names"))
    model._recipe = Recipe(options, penalty, model._network) if is_first else None
    model._n_fitted = len(data["train_input"])
    return result


def _refuse_idle_smoothing(model: Estimator, smoothing: float | str) -> None:
    """Raise for a weight of the roughness of splines where there are none: it would say nothing."""
    net = model._network
    asked = smoothing == GCV or (not isinstance(smoothing, str) and smoothing > 0)
    if isinstance(net, Network) and net.structure.bases and not net.topology.n_edges and asked:
        raise ValueError(
            f"smoothing is {smoothing!r}, but no edge is a B-spline, whose roughness it weighs; expected "
            "0.0, 'auto' or 'weak'."
        )


@dataclass(frozen=True)
class Recipe:
    """How one fit made a network of a random start.

    Attributes
    ----------
    options : FitOptions
    penalty : Penalty or sequence of Penalty
    network : Network or MlpNetwork
        What was made.
    """

    options: FitOptions
    penalty: Penalty | Sequence[Penalty]
    network: Network | MlpNetwork


class _Training:
    """A model with its data, going through the segments of a fit."""

    def __init__(
        self,
        model: Estimator,
        data: Dataset,
        options: FitOptions,
        callback: Callback | None,
        optimizer: Optimizer,
    ) -> None:
        self.model, self.options, self.optimizer = model, options, optimizer
        data = without_idle_samples(data)
        self.x, self.y, self.weight = data["train_input"], data["train_label"], data.get("train_weight")
        # before the weight is chosen the grids must already move to where they will stay
        self.smoothing: float | str = WEAK if options.smoothing == GCV else options.smoothing
        if self.smoothing == AUTO_SMOOTHING or (self.smoothing == WEAK and not optimizer.follows_loss):
            self.smoothing = 0.0
        self.smoothing_used = self.shrinkage_used = 0.0
        self.sample = Sample(self.x, self.y, self.weight, model._loss)
        #: Samples that say in which range the model is trained: with the ends of earlier ones where
        #: training goes on with the batches of a stream.
        self.seen = self.x
        earlier = model._training_range
        if optimizer.first_order and earlier is not None and not model._is_untrained:
            self.seen = np.concatenate([self.x, earlier])
        if options.anchor is not None:
            self.seen = np.concatenate([self.seen, options.anchor.limits])
        self.total_weight = data.get("total_weight", float(len(self.y)))
        given = (options.steps, options.progress, callback, options.metrics)
        self.recorder = Recorder(model, data, *given)
        self.grid_updates: list[GridUpdate] = []

    def meet_constants(self) -> None:
        """Start outputs whose labels are all one number there: the optimum, which descent may not reach."""
        net = self.model._network
        if not self.model._loss.is_squares:
            return
        if self.optimizer.first_order or (isinstance(net, Network) and not net.structure.is_free_sum):
            return
        for output in np.flatnonzero((self.y == self.y[0]).all(axis=0)).tolist():
            self.model._network = self.model._network.with_constant_output(output, float(self.y[0, output]))

    def needs_prior(self) -> bool:
        """Whether samples are too few for least squares, and a prior is allowed."""
        if self.optimizer.first_order or self.options.anchor is not None:
            return False
        chosen = self.model._shrinkage is not None or self.model._is_untrained
        if self.options.smooth_penalty:
            return False
        if self.options.smoothing not in (AUTO_SMOOTHING, GCV) or not chosen or self.y.shape[0] < 2:
            return False
        smooth = self.options.smoothing == GCV
        n_params = self.model._n_straight if smooth else self.model.n_params
        loss = self.model._loss
        if not is_underdetermined(loss.n_labels(self.y), n_params, loss.samples_a_parameter):
            return False
        if not loss.is_squares and (self.y == self.y[0]).all():  # nothing to choose by
            return False
        return 0.0 < self.sample.constant_loss < np.inf

    def run_with_prior(self) -> FitStatus:
        """Fit to few samples; the weight of the prior is that of an earlier fit, or chosen here."""
        model, recorder, sample = self.model, self.recorder, self.sample
        moves_grid, per_step = self.options.update_grid, self.optimizer.iterations_per_step
        weight = None if model._is_untrained else model._shrinkage
        follows = weight is None or moves_grid  # else the samples are others than those of the grids
        if weight is None:
            model._restart()
            chosen = fit_by_cross_validation(model, sample, moves_grid, recorder.watch, recorder.trial)
            if chosen is not None:
                weight, model._leeway = chosen.weight, chosen.leeway
        stopped = weight is None
        self.shrinkage_used = 0.0 if weight is None else weight
        if follows:
            model._followed = None if stopped else with_leeway(self.x, model._leeway)
        begun, moves_grid = model._network, moves_grid and not stopped and np.isfinite(self.shrinkage_used)
        objective = shrunk_objective(model, sample, min(self.shrinkage_used, LARGEST), moves_grid)
        recorder.begin(objective, self.options.steps, per_step)
        status = FitStatus.STOPPED if stopped else FitStatus.CONVERGED
        try:
            if np.isfinite(self.shrinkage_used) and not stopped:
                steps = self.options.steps * per_step
                status = self.optimizer.minimize(objective, model._theta, steps, recorder.iteration).status
        finally:
            recorder.end()
        if stopped:
            model._network = begun  # still untrained
        else:
            model._keep_shrinkage(self.shrinkage_used)
        return status

    def end_outside(self) -> None:
        """Let edges go on outside the range of the samples as far as the error of the fit says."""
        model, recorder = self.model, self.recorder
        if not model._goes_on_smoothly:
            return
        leeway = leeway_of(model, recorder.data)
        if leeway is not None:
            model._leeway = leeway
        model._followed = with_leeway(self.seen, model._leeway)
        recorder.correct_last()

    def move_grid(self) -> None:
        """Let the grids follow the samples, and note what that did to the function."""
        before = self.model._network.forward(self.x)
        self.model._move_grid(self.x, _GRID_SLACK)
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is a status, not a warning
            moved = (self.model._network.forward(self.x) - before) * self.recorder.units
            change = float(np.sqrt(np.mean(np.square(moved))))
        self.grid_updates.append(GridUpdate(self.recorder.steps_before, change))

    def run(self, steps: int, penalty: Penalty, last: bool) -> FitStatus:
        """Minimise for some steps on the present grids; before the last ones the smoothing is chosen."""
        chooses = last and self.options.smoothing == GCV
        smoothing = 0.0 if chooses else self.smoothing
        objective: Any = self.model._objective(self.x, self.y, penalty, self.weight, smoothing)
        net = self.model._network
        if self.options.smooth_penalty and isinstance(net, Network):
            objective = WithSquares(objective, SlopePenalty(net), self.options.smooth_penalty)
        if self.options.anchor is not None:
            given = (self.options.anchor, self.total_weight, self.model._loss)
            objective = with_anchor(objective, *given)
        recorder = self.recorder
        recorder.begin(objective, steps, self.optimizer.iterations_per_step)
        try:
            if chooses:
                choice = choose_smoothing(objective, self.model._theta, self.optimizer, recorder.trial)
                self.smoothing = choice.smoothing
                recorder.take(choice.theta)
                if choice.stopped:
                    return FitStatus.STOPPED
            outcome = self.optimizer.minimize(
                objective,
                self.model._theta,
                steps * self.optimizer.iterations_per_step,
                recorder.iteration,
            )
            if self.optimizer.first_order:
                recorder.keep(outcome.theta)
        finally:
            recorder.end()
            weights = np.asarray(objective.smoothing)
            self.smoothing_used = float(weights.mean()) if weights.size else 0.0  # without splines
            if isinstance(objective, Shrunk):
                self.shrinkage_used = objective.weight
        return outcome.status

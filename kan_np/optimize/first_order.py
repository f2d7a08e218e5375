"""Adam and stochastic gradient descent: steps of a given length, on all samples or on mini-batches.

With g the gradient at theta, on all samples or on a batch of them, a step of Adam is

    m = beta_1 m + (1 - beta_1) g,    v = beta_2 v + (1 - beta_2) g^2,
    theta = theta - lr m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + eps)

in its t-th step, with m = v = 0 before the first, and one of gradient descent with momentum

    u = momentum u + g,    theta = theta - lr u.

Batches are consecutive parts of a random order of all samples, drawn anew in every epoch; where the number of
samples is no multiple of their size the last one of an epoch is smaller.

Sources: D. P. Kingma and J. Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980,
algorithm 1; B. T. Polyak (1964), Some methods of speeding up the convergence of iteration methods, in the
form of torch.optim.SGD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from kan_np import _validate
from kan_np._validate import FloatArray
from kan_np.kernels.arrays import Ints
from kan_np.objective.objective import SampledObjective
from kan_np.optimize.outcome import Outcome
from kan_np.optimize.status import FitStatus

#: One step is one update of the parameters, as in pykan.
ITERATIONS_PER_STEP = 1

_BETA_1, _BETA_2, _EPS = 0.9, 0.999, 1e-8  # of Adam, as in the paper and in torch
#: Ended after so many evaluations on all samples (one an update, or one an epoch of batches) which together
#: lower the lowest value by less than the fraction `_TOLERANCE`; chosen by judgement.
_PATIENCE, _TOLERANCE = 500, 1e-7
#: The fit then counts as converged if the gradient predicts no greater change than this fraction of f for a
#: step of the size of the parameters; chosen by judgement.
_SETTLED = 1e-7

_Watch = Callable[[FloatArray], bool]
_Order = Iterator[tuple[Ints, bool]]  # samples of a step, and whether they end an epoch


@dataclass(frozen=True)
class StepOptions:
    """Options of a fit that only optimizers with steps of a given length have; None is their default.

    Attributes
    ----------
    lr : float, optional
        Learning rate.
    batch : int, optional
        Samples of a step; -1, as in pykan, is all of them, and so is None.
    momentum : float, optional
    seed : int or numpy.random.Generator
        Of the order of the batches.
    """

    lr: float | None = None
    batch: int | None = None
    momentum: float | None = None
    seed: int | np.random.Generator = 0

    def __post_init__(self) -> None:
        if self.lr is not None and _validate.real("lr", self.lr, 0.0) == 0.0:
            raise ValueError("lr is 0.0; expected a number > 0, or None for the default.")
        if self.batch is not None and _validate.integer("batch", self.batch, -1) == 0:
            raise ValueError("batch is 0; expected an integer >= 1, or -1 for all samples in every step.")
        if self.momentum is not None and _validate.real("momentum", self.momentum, 0.0) >= 1.0:
            raise ValueError(f"momentum is {self.momentum}; expected a number from 0 to below 1.")
        _validate.generator("seed", self.seed)

    @property
    def given(self) -> dict[str, float]:
        """Those that are not left to their defaults, by name."""
        named = {"lr": self.lr, "batch": self.batch, "momentum": self.momentum}
        return {name: value for name, value in named.items() if value is not None}


class Rule(Protocol):
    """What an optimizer makes of gradients."""

    def change(self, gradient: FloatArray) -> FloatArray:
        """The change of the parameters, given the gradient in the next step."""


@dataclass
class Adam:
    """The rule of Adam."""

    lr: float
    n_params: int

    def __post_init__(self) -> None:
        self._t = 0
        self._mean, self._square = np.zeros(self.n_params), np.zeros(self.n_params)

    def change(self, gradient: FloatArray) -> FloatArray:
        """The change of the parameters, given the gradient in the next step."""
        self._t += 1
        self._mean = _BETA_1 * self._mean + (1.0 - _BETA_1) * gradient
        self._square = _BETA_2 * self._square + (1.0 - _BETA_2) * gradient**2
        mean = self._mean / (1.0 - _BETA_1**self._t)
        size = np.sqrt(self._square / (1.0 - _BETA_2**self._t))
        return -self.lr * mean / (size + _EPS)


@dataclass
class Momentum:
    """The rule of gradient descent with momentum, 0 for none."""

    lr: float
    momentum: float
    n_params: int

    def __post_init__(self) -> None:
        self._velocity = np.zeros(self.n_params)

    def change(self, gradient: FloatArray) -> FloatArray:
        """The change of the parameters, given the gradient in the next step."""
        self._velocity = self.momentum * self._velocity + gradient
        return -self.lr * self._velocity


@dataclass(frozen=True)
class Method:
    """An optimizer of this module.

    Attributes
    ----------
    lr : float
        Learning rate by default.
    options : tuple of str
        Options that it has.
    rule : callable
        (options, learning rate, number of parameters) -> the rule, before its first step.
    """

    lr: float
    options: tuple[str, ...]
    rule: Callable[[StepOptions, float, int], Rule]


#: Learning rates by default. Of 0.003, 0.01, 0.03 and 0.1 for Adam the geometric mean of the test RMSE of
#: [n,5,1] KANs and [n,20,20,1] MLPs on three functions, with all samples and with batches of 64, was lowest
#: with 0.03 after 1000 steps, and at most 1.35 times the lowest after 5000; of 0.03, 0.1 and 0.3 for SGD it
#: was 0.19, 0.15 and 0.47 of the spread of the labels.
METHODS = {
    "Adam": Method(0.03, ("lr", "batch"), lambda options, lr, n: Adam(lr, n)),
    "SGD": Method(
        0.1, ("lr", "batch", "momentum"), lambda options, lr, n: Momentum(lr, options.momentum or 0.0, n)
    ),
}


@dataclass
class Minimizer:
    """Minimise by a method of this module; called as every optimizer is.

    One minimizer serves one fit: batches go on where the last call left them. Adam's means and the velocity
    begin at zero in every call, since between two of them grids move and parameters mean something else.

    Parameters
    ----------
    name : {"Adam", "SGD"}
    options : StepOptions
    """

    name: str
    options: StepOptions = StepOptions()
    _order: _Order | None = field(default=None, init=False)

    def __call__(
        self,
        objective: SampledObjective,
        theta: FloatArray,
        max_iter: int,
        on_iteration: _Watch,
    ) -> Outcome:
        """Minimise by at most `max_iter` updates.

        Parameters
        ----------
        objective : SampledObjective
        theta : ndarray of shape (n_params,)
            Start; not changed.
        max_iter : int
        on_iteration : callable
            Called with the parameters after every update; returning True stops. ``objective.mse`` is theirs,
            or with batches that of the batch before the update, as in pykan.

        Returns
        -------
        Outcome
            With the best parameters of all updates, with batches of all epochs and the last update. The
            status is NON_FINITE as soon as the objective or the parameters are NaN or infinite, CONVERGED or
            STALLED when `_PATIENCE` evaluations have not lowered f. Nothing numerical raises.
        """
        method = METHODS[self.name]
        lr = method.lr if self.options.lr is None else self.options.lr
        search = _Search(objective, theta, method.rule(self.options, lr, theta.size))
        batch = self.options.batch or -1
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is a status, not a warning
            if not 0 < batch < objective.n_samples:
                return search.on_all_samples(max_iter, on_iteration)
            if self._order is None:
                rng = _validate.generator("seed", self.options.seed)
                self._order = batches(objective.n_samples, batch, rng)
            return search.on_batches(self._order, max_iter, on_iteration)


def batches(n_samples: int, batch: int, rng: np.random.Generator) -> _Order:
    """Yield the samples of one step after the other, and whether they end an epoch; without end.

    Examples
    --------
    >>> import numpy as np
    >>> order = batches(5, 2, np.random.default_rng(0))
    >>> epoch = [next(order) for _ in range(3)]
    >>> sorted(int(row) for rows, _ in epoch for row in rows), [ends for _, ends in epoch]
    ([0, 1, 2, 3, 4], [False, False, True])
    """
    while True:
        order = rng.permutation(n_samples)
        for low in range(0, n_samples, batch):
            yield order[low : low + batch], low + batch >= n_samples


class _Search:
    """State of a minimisation: the parameters, the best ones so far, and how long those have been so."""

    def __init__(self, objective: SampledObjective, theta: FloatArray, rule: Rule) -> None:
        self.objective, self.rule = objective, rule
        self.theta = self.best = theta.copy()
        self.lowest = self._before = np.inf
        self._evaluations = 0
        self._errors = np.geterr()

    def on_all_samples(self, max_iter: int, on_iteration: _Watch) -> Outcome:
        value, gradient = self.objective(self.theta)
        if not self._keep(value, gradient):
            return Outcome(self.best, FitStatus.NON_FINITE, 0)
        for n_iter in range(1, max_iter + 1):
            if not gradient.any():
                return Outcome(self.best, FitStatus.CONVERGED, n_iter - 1)
            self.theta = self.theta + self.rule.change(gradient)
            value, gradient = self.objective(self.theta)
            if not self._keep(value, gradient):
                return Outcome(self.best, FitStatus.NON_FINITE, n_iter - 1)
            if self._asks_to_stop(on_iteration):
                return Outcome(self.best, FitStatus.STOPPED, n_iter)
            ended = self._settled()
            if ended is not None:
                return Outcome(self.best, ended, n_iter)
        return Outcome(self.best, FitStatus.STEP_LIMIT, max_iter)

    def on_batches(self, order: _Order, max_iter: int, on_iteration: _Watch) -> Outcome:
        if not self._keep(self._value()):
            return Outcome(self.best, FitStatus.NON_FINITE, 0)
        for n_iter in range(1, max_iter + 1):
            rows, ends_epoch = next(order)
            value, gradient = self.objective.on_samples(self.theta, rows)
            there = self.theta + self.rule.change(gradient)
            if not (np.isfinite(value) and np.isfinite(there).all()):
                return Outcome(self.best, FitStatus.NON_FINITE, n_iter - 1)
            self.theta = there
            stops = self._asks_to_stop(on_iteration)
            if ends_epoch or stops or n_iter == max_iter:
                if not self._keep(self._value()):
                    return Outcome(self.best, FitStatus.NON_FINITE, n_iter)
                ended = FitStatus.STOPPED if stops else self._settled()
                if ended is not None:
                    return Outcome(self.best, ended, n_iter)
        return Outcome(self.best, FitStatus.STEP_LIMIT, max_iter)

    def _value(self) -> float:
        """f on all samples, without its gradient where that is possible."""
        if self.objective.least_squares:
            return self.objective.value(self.theta)
        return self.objective(self.theta)[0]

    def _keep(self, value: float, gradient: FloatArray | None = None) -> bool:
        """Keep the parameters if they are the best so far; return whether f is finite there."""
        if not np.isfinite(value) or (gradient is not None and not np.isfinite(gradient).all()):
            return False
        if value < self.lowest:
            self.lowest, self.best = value, self.theta
        return True

    def _settled(self) -> FitStatus | None:
        """Count an evaluation; return a status if many of them have hardly lowered f."""
        self._evaluations += 1
        if self._evaluations % _PATIENCE:
            return None
        before, self._before = self._before, self.lowest
        if before - self.lowest > _TOLERANCE * abs(self.lowest):
            return None
        _, slope = self.objective(self.best)
        reach = float(np.abs(slope) @ np.maximum(np.abs(self.best), 1.0))
        return FitStatus.CONVERGED if reach <= _SETTLED * abs(self.lowest) else FitStatus.STALLED

    def _asks_to_stop(self, on_iteration: _Watch) -> bool:
        with np.errstate(**self._errors):  # the caller's settings
            try:
                return on_iteration(self.theta)
            except StopIteration as error:  # would silently end a loop or generator of the caller
                raise RuntimeError("the callback raised StopIteration; return True to stop a fit") from error

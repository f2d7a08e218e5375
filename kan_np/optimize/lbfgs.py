"""Limited-memory BFGS: quasi-Newton directions with steps that satisfy the strong Wolfe conditions.

Source: D. C. Liu and J. Nocedal (1989), On the limited memory BFGS method for large scale optimization, Math.
Programming 45, 503; J. Nocedal and S. J. Wright, Numerical Optimization, 2nd ed. (2006), Algorithm 7.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kan_np._validate import FloatArray
from kan_np.kernels.quasi_newton import next_direction, slope_along
from kan_np.objective.objective import Objective
from kan_np.optimize.line_search import Point, wolfe_search
from kan_np.optimize.outcome import Outcome
from kan_np.optimize.status import FitStatus

#: Iterations in one step, as in torch.optim.LBFGS that pykan calls (max_iter=20).
ITERATIONS_PER_STEP = 20

#: Number of correction pairs: as many as hold `_NUMBERS_IN_PAIRS` numbers, within these bounds. pykan keeps
#: 10, as does L-BFGS-B by default; more pairs give lower losses after the same iterations and take little
#: time where a model is small (docs/design/lbfgs.md).
_LEAST_PAIRS, _MOST_PAIRS, _NUMBERS_IN_PAIRS = 20, 80, 10_000
#: Where no step lowers f, the fit counts as converged if the predicted decrease is below this fraction of f;
#: chosen by judgement.
_SETTLED = 1e-10


def minimize(
    objective: Objective,
    theta: FloatArray,
    max_iter: int,
    on_iteration: Callable[[FloatArray], bool],
) -> Outcome:
    """Minimise for at most `max_iter` iterations.

    Parameters
    ----------
    objective : Objective
    theta : ndarray of shape (n_params,)
        Start; not changed.
    max_iter : int
    on_iteration : callable
        Called with the accepted parameters after every iteration (``objective.mse`` and ``objective.reg``
        belong to them); returning True stops.

    Returns
    -------
    Outcome
        With the best parameters. The status is CONVERGED when f can hardly be lowered any more, STALLED when
        no step lowers it although its gradient is not zero, NON_FINITE when f is NaN or infinite at the start
        or at every step. Nothing numerical raises.

    Notes
    -----
    f never rises. After a failed line search the pairs are dropped and the search continues along the
    negative gradient; if that fails, too, it ends.
    """
    search = _Search(objective, theta)
    n_iter = 0
    if not search.here.finite:
        return Outcome(search.theta, FitStatus.NON_FINITE, n_iter)
    while n_iter < max_iter:
        before = search.here.value
        ended = search.iterate()
        if ended is not None:
            return Outcome(search.theta, ended, n_iter)
        n_iter += 1
        try:
            stop = on_iteration(search.theta)
        except StopIteration as error:  # would silently end a loop or generator of the caller
            raise RuntimeError("the callback raised StopIteration; return True to stop a fit") from error
        if stop:
            return Outcome(search.theta, FitStatus.STOPPED, n_iter)
        if search.here.value == before:
            return Outcome(search.theta, FitStatus.CONVERGED, n_iter)
    return Outcome(search.theta, FitStatus.STEP_LIMIT, n_iter)


def n_pairs(n_params: int) -> int:
    """Number of pairs of steps and gradient changes that are kept for `n_params` parameters."""
    fitting = min(_NUMBERS_IN_PAIRS // n_params, n_params // 2)  # more would be nearly linearly dependent
    return min(max(fitting, _LEAST_PAIRS), _MOST_PAIRS)


class _Search:
    """State of a minimisation: parameters, f and its gradient, correction pairs, next direction."""

    def __init__(self, objective: Objective, theta: FloatArray) -> None:
        self.objective, self.theta = objective, theta.copy()
        memory = n_pairs(theta.size)
        self._steps = np.zeros((memory + 1, theta.size))
        self._changes = np.zeros_like(self._steps)
        self._scalars = np.zeros((3, memory))
        self._direction = self._steps[memory]  # a view
        self._n_pairs = 0
        value, self._gradient = objective(self.theta)
        self._turn(float(value), 0.0)
        self._last = self.here

    def iterate(self) -> FitStatus | None:
        """Move to a lower point; return None, or a status if there is no lower point."""
        found = self._search()
        if found is None and self._n_pairs > 0:
            if 0.0 < -0.5 * self.here.slope <= _SETTLED * abs(self.here.value):
                return FitStatus.CONVERGED
            self._n_pairs = 0
            self._turn(self.here.value, 0.0)
            found = self._search()
        if found is not None:
            self.theta, self._gradient = self._trial
            self._turn(found.value, found.step)
            return None
        if self.here.slope == 0.0:
            return FitStatus.CONVERGED
        return FitStatus.STALLED if self._last.finite and self.here.finite else FitStatus.NON_FINITE

    def _search(self) -> Point | None:
        slope = self.here.slope
        if not -math.inf < slope < 0.0:
            return None
        first = 1.0 if self._n_pairs > 0 else min(1.0, 1.0 / math.sqrt(-slope))
        return wolfe_search(self._evaluate, self.here, first)

    def _turn(self, value: float, step: float) -> None:
        """Compute the next direction, after a step along the last one."""
        slope, self._n_pairs = next_direction(
            self._steps, self._changes, self._scalars, self._gradient, step, self._n_pairs
        )
        self.here = Point(0.0, value, slope)

    def _evaluate(self, step: float) -> Point:
        theta = self.theta + (self._direction if step == 1.0 else step * self._direction)
        value, gradient = self.objective(theta)
        self._trial = theta, gradient
        self._last = Point(step, float(value), slope_along(self._steps, gradient))
        return self._last

"""Solve a problem: train a network on it stage by stage, from several starts, on points drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from kan_np import _validate
from kan_np._threads import one_thread
from kan_np._validate import FloatArray
from kan_np.mlp import MLP
from kan_np.model import KAN
from kan_np.optimize import lbfgs, levenberg_marquardt
from kan_np.optimize.first_order import Minimizer, StepOptions
from kan_np.optimize.orthogonal import OrthogonalSearch
from kan_np.optimize.outcome import Outcome
from kan_np.pde.objective import ResidualObjective
from kan_np.pde.points import FRESH
from kan_np.pde.problem import Problem
from kan_np.pde.solution import Solution
from kan_np.pde.stage import PdeStage

#: Optimizers by name, see `solve`.
OPTIMIZERS = ("LM", "LM-normal", "LBFGS", "Adam")


def solve(
    problem: Problem,
    model: KAN | MLP | Sequence[KAN] | Sequence[MLP],
    *,
    grids: Sequence[int] = (),
    steps: int = 200,
    rounds: int = 1,
    seconds: float | None = None,
    opt: str = "LM",
    lr: float | None = None,
    on_stage: Callable[[Solution], object] | None = None,
    callback: Callable[[float], object] | None = None,
) -> Solution:
    """Train a network so that a differential equation, its conditions and data hold.

    Every stage minimises the weighted sum of mean squared residuals, with derivatives of the network by its
    inputs and of these by its parameters in closed form. Grids move before a stage, never within.

    Parameters
    ----------
    problem : Problem
    model : KAN or MLP, or a sequence of them
        With ``problem.n_inputs`` inputs and ``problem.n_outputs`` outputs; not changed. Of several, such as
        the same from several seeds, that goes on whose residuals are least on fresh points after the first
        stage.
    grids : sequence of int
        Sizes of the grid of a KAN, in turn, increasing; the present one if empty.
    steps : int
        Most iterations of a stage.
    rounds : int
        Stages of every grid, each with points drawn anew and, for KANs, grids moved to where hidden values
        lie.
    seconds : float, optional
        No stage begins, and none goes on, after so many seconds of this call.
    opt : {"LM", "LM-normal", "LBFGS", "Adam"}
        Levenberg-Marquardt steps from orthogonal transformations of the Jacobian, which keep all digits
        (`kan_np.optimize.orthogonal`), or from normal equations, which take half of the time and end at
        about half of the digits; L-BFGS; or Adam. The last two take many more, but cheaper steps.
    lr : float, optional
        Learning rate of Adam.
    on_stage : callable, optional
        Takes the solution after every stage of the network that goes on; of several starts the first stage is
        told when the best of them is known.
    callback : callable, optional
        Takes the objective after every iteration. What it raises ends the call.

    Returns
    -------
    Solution
        The functions, with derivatives, the network, unknown numbers with standard errors, and the stages.

    Raises
    ------
    ValueError, TypeError
        For a network that does not fit the problem, and for residuals that are not finite at the start.

    Examples
    --------
    >>> from kan_np import KAN
    >>> from kan_np.pde import Problem, Term, grid, solve
    >>> problem = Problem(
    ...     [Term("u_xx + sin(x)", at=grid([(0.0, 3.0)], 30))],
    ...     coordinates=("x",),
    ...     domain=[(0.0, 3.0)],
    ...     factor="x*(3 - x)",
    ... )
    >>> solution = solve(problem, KAN([1, 2, 1], grid=5, k=5, seed=0), steps=50)
    >>> bool(abs(solution([[1.5]])[0, 0] - (np.sin(1.5) - 0.5 * np.sin(3.0))) < 1e-4)
    True
    """
    begun = perf_counter()
    starts: list[KAN | MLP] = [model] if isinstance(model, (KAN, MLP)) else list(model)
    for start in starts:
        _check_model(problem, start)
    if not starts:
        raise ValueError("model is an empty sequence; expected at least one KAN or MLP.")
    sizes = _checked_grids(starts[0], grids)
    steps, rounds = _validate.integer("steps", steps, 1), _validate.integer("rounds", rounds, 1)
    opt = _validate.choice("opt", opt, OPTIMIZERS)
    if lr is not None and opt != "Adam":
        raise ValueError(f"lr is given, which {opt!r} does not have; leave it out, or take opt='Adam'.")
    options = StepOptions(lr=lr)
    limit = np.inf if seconds is None else begun + _validate.real("seconds", seconds, 0.0)
    unknowns = np.array(list(problem.unknowns.values()), dtype=np.float64)
    tried: list[_Run] = []
    for start in starts:
        if tried and perf_counter() > limit:
            break
        run = _Run(problem, start, unknowns.copy(), limit, (opt, options), callback)
        run.stage(sizes[0], steps, 0)
        tried.append(run)
    best = min(tried, key=lambda run: run.error)
    if on_stage is not None:
        on_stage(best.solution())
    for number in range(1, rounds * len(sizes)):
        done = best.stage(sizes[number // rounds], steps, number)
        if done and on_stage is not None:
            on_stage(best.solution())
    return best.solution()


class _Run:
    """A network on its way through the stages."""

    def __init__(
        self,
        problem: Problem,
        model: KAN | MLP,
        unknowns: FloatArray,
        limit: float,
        optimizer: tuple[str, StepOptions],
        callback: Callable[[float], object] | None,
    ) -> None:
        self._problem, self._model, self._unknowns, self._limit = problem, model, unknowns, limit
        self._optimizer, self._callback = optimizer, callback
        self.stages: list[PdeStage] = []
        self.error = np.inf
        self._objective: ResidualObjective | None = None

    @one_thread()
    def stage(self, grid: int | None, steps: int, round_: int) -> bool:
        """Train on the points of a round, on a grid of this size; False where the time is over."""
        begun = perf_counter()
        if self.stages and begun > self._limit:
            return False
        model, points = self._model, self._problem.points(round_)
        if isinstance(model, KAN):
            if grid is not None and grid > model.grid:
                model = model.refine(grid)
            elif round_ > 0 or not self.stages:
                model = model.copy()
                model._move_grid(self._problem.network_inputs(np.concatenate([*points, *self._corners()])))
        objective = ResidualObjective(self._problem, model._network, self._unknowns, points)
        theta, curve = objective.theta_of(model._network, self._unknowns), []

        def on_iteration(_: FloatArray) -> bool:
            curve.append(objective.mse)
            if self._callback is not None:
                self._callback(objective.mse)
            return perf_counter() > self._limit

        found = _minimized(*self._optimizer, objective, theta, steps, on_iteration)
        n = found.theta.size - self._unknowns.size
        model = model.copy()
        model._network = model._network.with_theta(found.theta[:n])
        self._model, self._unknowns, self._objective = model, found.theta[n:].copy(), objective
        value = objective.value(found.theta)
        fresh = self._fresh()
        self.error = float(sum(w * r**2 for w, r in zip(objective.weights, fresh.values(), strict=True)))
        if not np.isfinite(self.error):
            self.error = np.inf
        self.stages.append(
            PdeStage(
                model.grid if isinstance(model, KAN) else None,
                found.theta.size,
                value,
                fresh,
                self.error,
                dict(zip(self._problem.names.unknowns, self._unknowns.tolist(), strict=True)),
                found.n_iter,
                objective.n_fev,
                perf_counter() - begun,
                found.status,
                curve,
            )
        )
        return True

    def _corners(self) -> FloatArray:
        """Two opposite corners of the domain, which grids of coordinates have to reach: (2, 1, n)."""
        form = self._problem.form
        return np.stack([form.low, form.high])[:, None]

    def _fresh(self) -> dict[str, float]:
        """Root mean squares of the residuals on points of a round of its own."""
        problem = self._problem
        weightless = ResidualObjective(problem, self._model._network, self._unknowns, problem.points(FRESH))
        residuals = weightless.residuals(weightless.theta_of(self._model._network, self._unknowns))
        return {
            term.name: float(np.sqrt(np.mean(r * r)))
            for term, r in zip(problem.terms, residuals, strict=True)
        }

    def solution(self) -> Solution:
        """What was found."""
        return Solution.of(self._problem, self._model, self._unknowns, self.stages, self._objective)


@one_thread()
def _minimized(
    opt: str,
    options: StepOptions,
    objective: ResidualObjective,
    theta: FloatArray,
    steps: int,
    on_iteration: Callable[[FloatArray], bool],
) -> Outcome:
    """What an optimizer makes of an objective."""
    if opt == "LBFGS":
        return lbfgs.minimize(objective, theta, steps, on_iteration)
    if opt == "Adam":
        return Minimizer("Adam", options)(objective, theta, steps, on_iteration)
    search = OrthogonalSearch if opt == "LM" else None
    return levenberg_marquardt.minimize(objective, theta, steps, on_iteration, search)


def _check_model(problem: Problem, model: Any) -> None:
    if not isinstance(model, (KAN, MLP)):
        raise TypeError(f"model is {type(model).__name__}; expected a KAN or an MLP.")
    n_in, n_out = model.width[0], model.width[-1]
    if (n_in, n_out) != (problem.n_inputs, problem.n_outputs):
        periodic = f" ({len(problem.form.periodic)} periodic: two each)" if problem.form.periodic else ""
        raise ValueError(
            f"the model has {n_in} inputs and {n_out} outputs; expected {problem.n_inputs} for the "
            f"coordinates {', '.join(problem.names.coordinates)}{periodic} and {problem.n_outputs} for "
            f"{', '.join(problem.names.outputs)}."
        )


def _checked_grids(model: KAN | MLP, grids: Sequence[int]) -> list[int | None]:
    if isinstance(model, MLP):
        if grids:
            raise ValueError("grids are given for an MLP, which has none; leave them out.")
        return [None]
    found = [_validate.integer("grids", grid, 1) for grid in grids]
    if any(b <= a for a, b in zip(found, found[1:], strict=False)) or any(
        grid < model.grid for grid in found
    ):
        raise ValueError(
            f"grids are {found}; expected increasing sizes from {model.grid}, that of the model, on."
        )
    return list(found) or [model.grid]

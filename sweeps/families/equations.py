"""Networks that solve differential equations: the stages of a solution, with their errors, for a record."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweeps.families.family import Axis, Solving
from sweeps.families.optimizers import AUTO, LARGE_MODELS, NORMAL_EQUATIONS, SMALL_MODELS
from sweeps.training.stage_recorder import ChainEnd

#: What trains networks on equations, besides what is chosen by the size of a model.
OPTIMIZERS = (AUTO, SMALL_MODELS, NORMAL_EQUATIONS, LARGE_MODELS, "Adam")
#: Options that only samples have, and those that only equations have.
_OF_SAMPLES, _OF_EQUATIONS = ("smoothing",), ("rounds",)


@dataclass(frozen=True)
class SolvedStage:
    """A stage of a solution, with the names of a `kan_np.Stage`.

    `test_rmse` is the relative L2 error beside the reference, `val_rmse` the residual on fresh points and
    `train_rmse` that on the points of the training: roots of the weighted sums of mean squares over all
    terms. `quantities` has the other errors, and numbers that were unknown.
    """

    model: Any
    grid: int | None
    n_params: int
    train_rmse: float
    val_rmse: float
    test_rmse: float
    wall_s: float
    n_iter: int
    n_fev: int
    status: Any
    opt: str
    quantities: dict[str, float] = field(default_factory=dict)


def misplaced_axes(axes: Sequence[Axis], of_equations: bool) -> str:
    """Return which axis of a network belongs to samples where equations are solved, or the other way round.

    That is a sentence, "" if there is none.
    """
    values = dict(axes)
    for name in _OF_SAMPLES if of_equations else _OF_EQUATIONS:
        if name in values:
            its, here = ("samples", "equations") if of_equations else ("equations", "samples")
            return f"{name} is given, which belongs to {its}; leave it out of models for {here}."
    asked = values.get("opt", ())
    if of_equations and (wrong := [opt for opt in asked if opt not in OPTIMIZERS]):
        return f"opt is {wrong[0]!r}; expected one of {', '.join(OPTIMIZERS)} where equations are solved."
    if not of_equations and NORMAL_EQUATIONS in asked:
        return f"opt is {NORMAL_EQUATIONS!r}, which is for equations; expected 'LM' where there are samples."
    return ""


def solve_by(solving: Solving, make: Callable[[int], Any], grids: Sequence[int] = ()) -> None:
    """Train networks on an equation, and record every grid as it is done.

    Parameters
    ----------
    solving : Solving
    make : callable
        Makes a network, given a seed; the best of `restarts` goes on.
    grids : sequence of int
        Sizes of the grid, in turn.
    """
    import kan_np

    config, recorder = solving.config, solving.recorder
    opt = SMALL_MODELS if config["opt"] == AUTO else config["opt"]
    rounds = config.get("rounds", 1)
    clock, counts = _Clock(), [0, 0]

    def on_stage(solution: Any) -> None:
        with clock.paused():
            stage = solution.stages[-1]
            # Those of several starts are in the seconds, not in the counts.
            counts[0], counts[1] = counts[0] + stage.steps, counts[1] + stage.evaluations
            if len(solution.stages) % rounds:
                return  # the same network goes on, on other points
            recorder.add(_recorded(solving.equation, solution, clock.seconds, counts, opt))
        recorder.check_end(config.get("patience"), config.get("enough"))

    with contextlib.suppress(ChainEnd):
        kan_np.pde.solve(
            solving.equation.problem,
            [make(solving.seed + start) for start in range(config["restarts"])],
            grids=grids,
            steps=config["steps"],
            rounds=rounds,
            opt=opt,
            on_stage=on_stage,
            callback=solving.limit.check,
        )


def solve_classically(solving: Solving) -> None:
    """Solve an equation by collocation, or steps in time, and record that as a run's only stage.

    Nothing is trained or chosen: the training and the validation error are the error, too.
    """
    import kan_np

    equation, begun = solving.equation, time.perf_counter()
    solution = kan_np.pde.equations.classical_solution(equation)
    if solution is None:
        raise ValueError(f"{equation.name} has no classical solver: unknown numbers are found from data.")
    points = equation.test_points()
    solution(points[:1], *equation.problem.names.outputs)  # some work only when they are asked
    seconds = time.perf_counter() - begun
    errors = equation.errors_of(solution, points)
    solving.recorder.add(
        SolvedStage(
            model=None,
            grid=None,
            n_params=solution.n_values,
            train_rmse=errors.l2,
            val_rmse=errors.l2,
            test_rmse=errors.l2,
            wall_s=seconds,
            n_iter=0,
            n_fev=0,
            status="solved",
            opt="",
            quantities={"h1": errors.h1, "maximum": errors.maximum},
        )
    )


def _recorded(equation: Any, solution: Any, seconds: float, counts: Sequence[int], opt: str) -> SolvedStage:
    errors, stage = equation.errors(solution), solution.stages[-1]
    quantities = {"h1": errors.h1, "maximum": errors.maximum}
    for name, value in solution.unknowns.items():
        quantities |= {f"unknown_{name}": value, f"error_of_{name}": abs(value - equation.true[name])}
    return SolvedStage(
        model=solution.model,
        grid=stage.grid,
        n_params=stage.n_params,
        train_rmse=math.sqrt(stage.objective),
        val_rmse=math.sqrt(stage.fresh_objective),
        test_rmse=errors.l2,
        wall_s=seconds,
        n_iter=counts[0],
        n_fev=counts[1],
        status=stage.status,
        opt=opt,
        quantities=quantities,
    )


class _Clock:
    """Seconds since it was made, without those within `paused`."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._stopped: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds up to now, or up to the pause."""
        return (time.perf_counter() if self._stopped is None else self._stopped) - self._begun

    @contextlib.contextmanager
    def paused(self) -> Any:
        """Stop it within the `with` block."""
        self._stopped = time.perf_counter()
        try:
            yield
        finally:
            self._begun += time.perf_counter() - self._stopped
            self._stopped = None

"""The data of a report as plain values: points, comparisons, scores, failures.

A *point* is one configuration at one stage, summed up over its seeds. Points are chosen by their validation
RMSE and judged by their test RMSE, so that the choice cannot profit from luck on the test samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.analysis.formula_results import FormulaSearch
from sweeps.analysis.target_units import error_words, is_equation, test_error_words
from sweeps.families import NETWORKS
from sweeps.records import opt_text

#: The networks that are compared with each other.
KAN, MLP = NETWORKS
LM, LBFGS = "LM", "LBFGS"
Hidden = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SeedRange:
    """Median, least and greatest of one quantity over the seeds.

    NaN, and a seed whose run never reached the stage, count as infinitely bad. All three are NaN if no run
    has the quantity.
    """

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A number and the interval that holds it with 95 % confidence; NaN where there is none."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class OfSome(Interval):
    """A number that only some of the runs have, how many they are, and of how many."""

    found: int = 0
    of: int = 0


@dataclass(frozen=True)
class Samples:
    """The errors behind the points of one family of a task: one row for each point, one column for each seed.

    Rows are in the order of `TaskResult.points`, columns in that of run ids. Errors are infinite where a run
    did not reach the stage, or was NaN there. Row i has `n_runs[i]` columns; the others are padding.

    Parameters
    ----------
    criterion, test : ndarray of float, shape (n_points, n_seeds)
        The error that models are chosen by, and the test RMSE.
    run_id : ndarray of str, shape (n_points, n_seeds)
        Empty where a run did not reach the stage.
    n_runs : ndarray of int, shape (n_points,)
    data_seed : ndarray of int, shape (n_points, n_seeds)
        Seed of the samples of a run; -1 where it did not reach the stage.
    """

    criterion: NDArray[np.float64]
    test: NDArray[np.float64]
    run_id: NDArray[np.object_]
    n_runs: NDArray[np.intp]
    data_seed: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Point:
    """One configuration at one stage, over its seeds.

    `opt` is the optimizer that was used, `asked` what the configuration says, `options` those of its other
    options that tell it apart from others in the sweep. `twin_id` is that of all configurations that differ
    in nothing but the optimizer. `time_s` are the seconds from the start of the run, `stage_s` those of this
    stage alone. `n_seeds` of the `n_runs` recorded runs have this stage with a finite error. `run_id` is the
    run whose criterion is the median, of an even number of runs the smaller of the two next to it.
    """

    task: str
    group_id: str
    stage: int
    family: str
    width: tuple[Any, ...]
    grid: int | None
    k: int | None
    activation: str
    opt: str
    asked: str
    options: str
    twin_id: str
    n_params: int
    n_seeds: int
    n_runs: int
    train: SeedRange
    val: SeedRange
    test: SeedRange
    time_s: float
    stage_s: float
    run_id: str
    has_model: bool
    selected_on: str

    @property
    def opt_text(self) -> str:
        """The optimizer in words, as in "LM" or "LM (auto)"."""
        return opt_text(self.asked, self.opt)

    @property
    def criterion(self) -> float:
        """The median RMSE that the point is chosen by."""
        return self.val.median if self.selected_on == "validation" else self.test.median


@dataclass(frozen=True)
class Comparison:
    """The best KAN and the best MLP of a task, each with at most `budget` parameters."""

    budget: float
    kan: Point
    mlp: Point

    @property
    def ratio(self) -> float:
        """Test RMSE of the MLP over that of the KAN: above 1 the KAN is better."""
        kan, mlp = self.kan.test.median, self.mlp.test.median
        if kan == mlp:
            return 1.0
        return mlp / kan if kan > 0 else math.inf


@dataclass(frozen=True)
class TaskResult:
    """Everything about one function.

    `budgets` holds, for every MLP by its hidden layers, the best of both families with at most as many
    parameters as that MLP. `search` is None where no formula was looked for. `time_fronts` are fronts of
    the seconds of a run instead of the parameters; `samples` holds every seed of the points of a family.
    """

    task: str
    description: Mapping[str, Any]
    selected_on: str
    points: list[Point]
    fronts: dict[str, list[Point]]
    best: dict[str, Point]
    overall: Comparison | None
    budgets: dict[Hidden, Comparison]
    cloud: dict[str, tuple[np.ndarray, np.ndarray]]
    n_runs: int
    n_not_ok: int
    n_missing: int
    n_excluded: int
    search: FormulaSearch | None = None
    time_fronts: Mapping[str, list[Point]] = field(default_factory=dict)
    samples: Mapping[str, Samples] = field(default_factory=dict)
    compute_s: float = 0.0

    @property
    def title(self) -> str:
        """The name of the function without its suite."""
        return str(self.description.get("name") or self.task.rpartition("/")[2] or self.task)

    def ran_once(self, family: str) -> bool:
        """Return whether no configuration of a family has a second run; folds count as seeds do."""
        return all(point.n_runs < 2 for point in self.points if point.family == family)

    @property
    def repeats(self) -> str:
        """What a configuration was repeated over: seeds, and folds of a table or several sets of samples."""
        if self.description.get("data_seeds"):
            return "seeds and points" if self.is_equation else "seeds and samples"
        return "seeds and folds" if self.description.get("folds") else "seeds"

    @property
    def is_table(self) -> bool:
        """Whether the samples come from a table of the user's."""
        return self.task.startswith("csv/")

    @property
    def is_equation(self) -> bool:
        """Whether it is a differential equation."""
        return is_equation(self.description)

    @property
    def spread(self) -> float:
        """The standard deviation of the target of a table whose errors are in its units; otherwise NaN."""
        scales = self.description.get("target_scale") or ()
        return sum(scales) / len(scales) if scales else math.nan

    @property
    def error_name(self) -> str:
        """What its errors are: RMSE, log losses of classes, or relative L2 errors of equations."""
        return error_words(self.description, self.is_table)[0]

    @property
    def test_name(self) -> str:
        """What the errors that its models are judged by are called."""
        return test_error_words(self.error_name)

    @property
    def error_unit(self) -> str:
        """The unit of its errors in words, "" where there is none to tell."""
        return error_words(self.description, self.is_table)[1]

    @property
    def formula(self) -> str:
        """The formula, or the name where there is none."""
        return str(self.description.get("formula") or self.title)


@dataclass(frozen=True)
class Failure:
    """How many runs of a task and family ended in one way."""

    task: str
    family: str
    status: str
    reason: str
    count: int


@dataclass(frozen=True)
class Score:
    """Wins over tasks and the geometric mean of MLP error over KAN error, within one budget a task.

    `budget` and the sizes of the models compared are the least and the greatest over tasks. `kan_share` is
    the share of tasks that the KAN wins (half of a tie), `ratio` is `mean_ratio`, both with their intervals.
    """

    budget: tuple[float, float]
    kan_sizes: tuple[int, int]
    mlp_sizes: tuple[int, int]
    kan_wins: int
    mlp_wins: int
    ties: int
    mean_ratio: float
    kan_share: Interval = Interval()
    ratio: Interval = Interval()

    @property
    def n(self) -> int:
        """The number of tasks on which both families have a model of that size."""
        return self.kan_wins + self.mlp_wins + self.ties


@dataclass(frozen=True)
class Standing:
    """A family over all functions that have models of several families.

    Parameters
    ----------
    n_tasks : int
        On how many of them it has a model.
    n_best : int
        On how many its best model has the least test error of all families.
    share : Interval
        `n_best` over the number of functions.
    hypervolume : Interval
        Mean over functions of the area that its front dominates, in decades of parameters times decades of
        error; see `sweeps.analysis.statistics.hypervolumes`.
    """

    family: str
    n_tasks: int
    n_best: int
    share: Interval
    hypervolume: Interval


@dataclass(frozen=True)
class Rival:
    """A network that is compared with the leader at one number of parameters.

    `ratio` is its test error over that of the leader, the geometric mean over functions, with its interval.
    """

    family: str
    ratio: Interval

    @property
    def is_behind(self) -> bool:
        """Whether its error is larger beyond chance."""
        return self.ratio.low > 1


@dataclass(frozen=True)
class Leader:
    """The network with the smallest error of all that have models with at most `budget` parameters.

    Over several functions errors are compared by their geometric mean over the `n_tasks` functions on which
    all of these networks have such a model. `rivals` are the others, the nearest first.
    """

    budget: int
    family: str
    n_tasks: int
    rivals: list[Rival]

    @property
    def level(self) -> list[Rival]:
        """Rivals whose error does not differ from that of the leader beyond chance."""
        return [rival for rival in self.rivals if not rival.is_behind]


@dataclass(frozen=True)
class Compute:
    """The time of the runs of a family: seconds of wall clock and processor, and those of failed runs."""

    family: str
    n_runs: int
    wall_s: float
    cpu_s: float
    n_not_ok: int
    not_ok_s: float


@dataclass(frozen=True)
class SweepResult:
    """Everything that a report shows, made from the store alone.

    `counts` and all else are of the runs in the plan; `counts["unplanned"]` runs of earlier specifications
    in the same directory are counted only. `n_models` counts trained models by family, `n_by_optimizer` by
    family and the optimizer that was used; formulas are not among them. `runs_on` counts runs by the
    position of their machine in `environments`. `by_edges` says whether KANs are counted by their edges, as
    families of their own; then there is no `overall` comparison of KANs and MLPs but `leaders` at growing
    numbers of parameters, over all functions and for each of them.
    """

    meta: Mapping[str, Any]
    counts: Mapping[str, int]
    environments: list[dict[str, Any]]
    tasks: list[TaskResult]
    failures: list[Failure]
    overall: Score
    scores: list[Score]
    compute_s: float
    last_finished: str
    n_models: dict[str, int] = field(default_factory=dict)
    n_by_optimizer: dict[tuple[str, str], int] = field(default_factory=dict)
    standings: list[Standing] = field(default_factory=list)
    compute: list[Compute] = field(default_factory=list)
    runs_on: list[int] = field(default_factory=list)
    by_edges: bool = False
    leaders: list[Leader] = field(default_factory=list)
    #: What is recommended of a table and why, as `sweeps.answer.evidence` keeps it; None where there is none.
    answer: Mapping[str, Any] | None = None
    task_leaders: Mapping[str, list[Leader]] = field(default_factory=dict)
    #: Further numbers of stages by run id and stage, as errors in other norms.
    quantities: Mapping[tuple[str, int], Mapping[str, float]] = field(default_factory=dict)
    #: The fields of the best solution by differential equation; see `sweeps.answer.stored_solutions`.
    solutions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def of_equations(self) -> bool:
        """Whether its tasks are differential equations."""
        return any(task.is_equation for task in self.tasks)

    @property
    def error_name(self) -> str:
        """What errors are called: as those of all functions, or just errors where they differ."""
        names = {task.error_name for task in self.tasks} or {"RMSE"}
        return names.pop() if len(names) == 1 else "error"

    @property
    def test_name(self) -> str:
        """What the errors that models are judged by are called."""
        return test_error_words(self.error_name)

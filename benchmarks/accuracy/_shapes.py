"""Search for the best width of KANs and MLPs: all widths with few steps, the best few in full, by validation.

Every data seed has a search of its own, as if it were the only data. A fifth of the training samples is held
out, the same ones for all candidates; the test samples choose nothing. Both families get the same optimizer,
the same rounds and as many steps in all. A step of an MLP of the same size costs more, so with the default
options KANs get more starts and MLPs about as much time: the seconds of both are printed.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from benchmarks._common import Bar, median, positive, shape_text, show_table
from benchmarks.accuracy._baselines import CUBIC, GP, LINEAR, MLP, show_beside, train_all
from benchmarks.accuracy._common import Errors, data_seeds, geometric_mean, run_tasks
from kan_np import Dataset, SuiteFunction, fit_mlp, fit_schedule, get_suite

DEPTHS, WIDTHS, ORDER = (2, 3, 4), (1, 2, 3, 4, 5), 3
MLP_HIDDEN = ((10,), (20,), (40,), (10, 10), (15, 15), (20, 20), (10, 10, 10), (15, 15, 15))
ACTIVATIONS = ("tanh", "silu")
SHORT_GRIDS, GRIDS = (3, 5, 10), (3, 5, 10, 20, 50)
VAL_FRACTION = 0.2
#: Restarts of a full fit of a KAN, unless --restarts says otherwise: of 12 short fits the best two. With
#: four, and three shapes fitted in full in place of two, five data seeds take twice the hours.
SEARCH_RESTARTS = 2

REMARK = """The paper gives neither the ranges nor the sample counts of its functions: its two columns are
landmarks, the best of its own sweep, and not the same work. The ranges here are those of the suite, with
{n_train} training samples, a fifth of which chose shape and grid.
test RMSE is the median over the data seeds, beside the worst of them and the model of the middle one."""


@dataclass(frozen=True)
class Job:
    """A model to train: "kan", or the activation of an MLP."""

    suite: str
    function: str
    data_seed: int
    family: str
    shape: tuple[int, ...]
    grids: tuple[int, ...]
    steps: int
    restarts: int
    seed: int


@dataclass(frozen=True)
class Trained:
    """What became of a job; grid is that of the stage with the lowest validation RMSE, None for an MLP."""

    job: Job
    grid: int | None
    n_params: int
    val_rmse: float
    test_rmse: float
    seconds: float

    @property
    def text(self) -> str:
        """[2,5,1] G=20, or [2,10,1] tanh"""
        return f"{shape_text(self.job.shape)} {self.job.family if self.grid is None else f'G={self.grid}'}"


@dataclass(frozen=True)
class Effort:
    """How much the search may cost."""

    short_steps: int
    short_restarts: int
    steps: int
    restarts: int
    mlp_restarts: int
    finalists: int
    seeds: int


def add_search_options(parser: argparse.ArgumentParser) -> None:
    """Add --functions and what says how much a search may cost."""
    parser.add_argument("--functions", help="comma-separated names (default all)")
    parser.add_argument(
        "--restarts", type=positive, help=f"restarts of every full fit of a KAN (search: {SEARCH_RESTARTS})"
    )
    defaults = {
        "--steps": (50, "steps a grid"),
        "--mlp-restarts": (1, "restarts of every full fit of an MLP"),
        "--short-steps": (15, "steps a grid while all shapes are tried"),
        "--short-restarts": (1, "restarts while all shapes are tried"),
        "--finalists": (2, "shapes of each family that are fitted in full"),
    }
    for name, (value, meaning) in defaults.items():
        parser.add_argument(name, type=positive, default=value, help=f"{meaning} (default {value})")


def best_shapes(
    suite: str, title: str, functions: Sequence[SuiteFunction], arguments: argparse.Namespace
) -> tuple[list[Bar], float]:
    """Search the shapes of some functions and show them beside the paper's; a bar, and the seconds."""
    effort = Effort(
        arguments.short_steps,
        arguments.short_restarts,
        arguments.steps,
        arguments.restarts or SEARCH_RESTARTS,
        arguments.mlp_restarts,
        arguments.finalists,
        arguments.seeds,
    )
    clock = time.perf_counter()
    found = search(suite, functions, effort, data_seeds(arguments), arguments.jobs)
    seconds = time.perf_counter() - clock
    print(f"\n{seconds:.0f} s with {arguments.jobs} process{'es' if arguments.jobs > 1 else ''}")
    show_search(title, functions, found)
    errors: dict[str, Errors] = {
        family: {key: [pair[place].test_rmse] for key, pair in found.items()}
        for place, family in enumerate(("KAN", MLP))
    }
    if not arguments.no_baselines:
        names = [f.name for f in functions]
        make = partial(samples, suite)
        errors |= train_all(
            make, names, data_seeds(arguments), jobs=arguments.jobs, names=(GP, CUBIC, LINEAR)
        )
    show_beside(f"Test RMSE, data seeds: {arguments.data_seeds}", errors)
    finite = sum(math.isfinite(kan.test_rmse + mlp.test_rmse) for kan, mlp in found.values())
    return [Bar("datasets with a KAN and an MLP", finite, len(found), at_least=True)], seconds


def samples(suite: str, function: str, data_seed: int) -> Dataset:
    """The samples of a function."""
    return get_suite(suite)[function].dataset(seed=data_seed)


def candidates(function: SuiteFunction) -> list[tuple[str, tuple[int, ...]]]:
    """(family, shape) of every candidate for a function."""
    n_in, limit = function.shape[0], _samples(function)
    kans = [("kan", (n_in, *[width] * (depth - 1), 1)) for depth in DEPTHS for width in WIDTHS]
    mlps = [
        (activation, shape)
        for activation in ACTIVATIONS
        for shape in ((n_in, *hidden, 1) for hidden in MLP_HIDDEN)
        if sum((a + 1) * b for a, b in zip(shape[:-1], shape[1:], strict=True)) <= limit
    ]
    return kans + mlps


def _samples(function: SuiteFunction) -> int:
    """Samples that are trained on while the rest validates."""
    return function.n_train - round(VAL_FRACTION * function.n_train)


def train(job: Job) -> Trained:
    function = get_suite(job.suite)[job.function]
    dataset = function.dataset(seed=job.data_seed)
    clock = time.perf_counter()
    if job.family == "kan":
        edges = sum(a * b for a, b in zip(job.shape[:-1], job.shape[1:], strict=True))
        grids = [g for g in job.grids if edges * (g + ORDER + 1) <= _samples(function)]
        stage = fit_schedule(
            job.shape,
            dataset,
            grids=grids or job.grids[:1],
            k=ORDER,
            opt="LM",
            steps=job.steps,
            restarts=job.restarts,
            seed=job.seed,
            val_fraction=VAL_FRACTION,
        ).best
    else:
        stage = fit_mlp(
            job.shape,
            dataset,
            activation=job.family,
            opt="LM",
            steps=job.steps * len(job.grids),
            restarts=job.restarts,
            seed=job.seed,
            val_fraction=VAL_FRACTION,
        )
    seconds = time.perf_counter() - clock
    return Trained(job, stage.grid, stage.n_params, stage.val_rmse, stage.test_rmse, seconds)


def search(
    suite: str, functions: Sequence[SuiteFunction], effort: Effort, seeds: Sequence[int], jobs: int
) -> dict[tuple[str, int], tuple[Trained, Trained]]:
    """Return by (function, data seed) the best KAN and MLP by validation RMSE, and say what they cost."""
    short = [
        Job(
            suite, f.name, data_seed, family, shape, SHORT_GRIDS, effort.short_steps, effort.short_restarts, 0
        )
        for data_seed in seeds
        for f in functions
        for family, shape in candidates(f)
    ]
    tried = _run(short, jobs, "all shapes")
    keys = [(f.name, data_seed) for f in functions for data_seed in seeds]
    finals = [
        replace(
            trained.job,
            grids=GRIDS,
            steps=effort.steps,
            restarts=effort.restarts if is_kan else effort.mlp_restarts,
            seed=seed,
        )
        for key in keys
        for is_kan in (True, False)
        for trained in _ranked(tried, key, is_kan)[: effort.finalists]
        for seed in range(effort.seeds)
    ]
    tried += _run(finals, jobs, "the best shapes")
    spent = [sum(t.seconds for t in tried if (t.job.family == "kan") == is_kan) for is_kan in (True, False)]
    print(f"\n{len(tried)} fits; seconds of one core: KANs {spent[0]:.0f}, MLPs {spent[1]:.0f}")
    return {key: (_ranked(tried, key, True)[0], _ranked(tried, key, False)[0]) for key in keys}


def _run(tasks: list[Job], jobs: int, label: str) -> list[Trained]:
    """Train all, the dearest first so that no worker ends alone with a long one."""
    largest_first = sorted(tasks, key=lambda job: (-sum(job.shape), -len(job.shape)))
    return run_tasks(train, largest_first, jobs, label)


def _ranked(tried: Sequence[Trained], key: tuple[str, int], is_kan: bool) -> list[Trained]:
    """Models of one dataset and family, lowest validation RMSE first."""
    mine = [
        t for t in tried if (t.job.function, t.job.data_seed) == key and (t.job.family == "kan") == is_kan
    ]
    return sorted(mine, key=lambda t: t.val_rmse if math.isfinite(t.val_rmse) else math.inf)


def show_search(
    title: str,
    functions: Sequence[SuiteFunction],
    found: Mapping[tuple[str, int], tuple[Trained, Trained]],
) -> None:
    """Print both families beside the paper's, the remark, and who wins where."""
    rows = []
    medians: tuple[dict[str, float], dict[str, float]] = ({}, {})
    for f in functions:
        cells = []
        for place in (0, 1):
            mine = sorted(
                (pair[place] for (name, _), pair in found.items() if name == f.name),
                key=lambda trained: trained.test_rmse,
            )
            medians[place][f.name] = median(trained.test_rmse for trained in mine)
            typical = mine[(len(mine) - 1) // 2]
            worst = f"{mine[-1].test_rmse:.1e}"
            cells += [typical.text, typical.n_params, f"{medians[place][f.name]:.2e}", worst]
        rows.append(
            (
                f.name + (" *" if f.paper_uncertain else ""),
                *cells,
                _paper(f.paper_kan_rmse),
                _paper(f.paper_mlp_rmse),
                "MLP" if medians[1][f.name] < medians[0][f.name] else "KAN",
            )
        )
    header = (
        "function",
        "KAN",
        "n_params",
        "test RMSE",
        "worst",
        "MLP, LM",
        "n_params",
        "test RMSE",
        "worst",
    )
    show_table(title, (*header, "paper KAN", "paper MLP", "lower"), rows)
    if any(f.paper_uncertain for f in functions):
        print("* stored copies of the paper's table disagree about this row")
    print("\n" + REMARK.format(n_train=" or ".join(sorted({str(f.n_train) for f in functions}))) + "\n")
    show_counts(functions, *medians)


def show_counts(functions: Sequence[SuiteFunction], kan: dict[str, float], mlp: dict[str, float]) -> None:
    """Print where the KAN does not have the lowest median error, and the mean ratios."""

    def tell(what: str, loses: Callable[[SuiteFunction], bool]) -> None:
        names = [f.name for f in functions if loses(f)]
        print(f"{what}: {len(names)} of {len(functions)}{': ' if names else ''}{', '.join(names)}")

    paper_kan = {f.name: _landmark(f.paper_kan_rmse) for f in functions}
    paper_mlp = {f.name: _landmark(f.paper_mlp_rmse) for f in functions}
    tell("the MLP of kan_np is more accurate than its KAN", lambda f: mlp[f.name] < kan[f.name])
    tell("the paper's MLP is more accurate than the KAN of kan_np", lambda f: paper_mlp[f.name] < kan[f.name])
    tell("the paper's KAN is more accurate than the KAN of kan_np", lambda f: paper_kan[f.name] < kan[f.name])
    ratios = {
        "MLP of kan_np": geometric_mean(mlp[name] / kan[name] for name in kan),
        "paper's KAN": geometric_mean(paper_kan[name] / kan[name] for name in kan),
        "paper's MLP": geometric_mean(paper_mlp[name] / kan[name] for name in kan),
    }
    for name, ratio in ratios.items():
        print(f"geometric mean of test RMSE, {name} over the KAN of kan_np: {ratio:.1f}")


def _landmark(value: float | None) -> float:
    """The paper's figure, NaN where there is none."""
    return math.nan if value is None else value


def _paper(value: float | None) -> str:
    return "-" if value is None else f"{value:.2e}"

"""Test RMSE against grid: functions with a known Kolmogorov-Arnold form, down to where theory says G^-4.

    python -m benchmarks.accuracy.scaling --check

exp(sin(pi x) + y^2), [2,1,1], with 1000 and with 3000 samples; exp((sin(pi (x1^2 + x2^2)) +
sin(pi (x3^2 + x4^2))) / 2), [4,2,1,1], 3000 samples; J0(20 x), [1,1], 3000 samples. Levenberg-Marquardt; all
samples train, and every stage is shown. A bar must be met by every seed.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field

from benchmarks._common import Bar, median, positive, shape_text, show_bars, show_table
from benchmarks.accuracy._common import highest, log_slope, parser, run_tasks
from kan_np import fit_schedule, get_suite

RESTARTS = 8
#: Grids follow the hidden values three times, the last time when these have settled: what a move loses is
#: regained before the end, and no sample of these noise-free functions is left outside.
GRID_UPDATES = {"grid_update_num": 3, "stop_grid_update_step": 30}


@dataclass(frozen=True)
class Case:
    """A function, how it is fitted, and the highest test RMSE allowed on some of the grids."""

    name: str
    function: str
    width: tuple[int, ...]
    n_train: int
    grids: tuple[int, ...]
    bars: dict[int, float]
    slope_grids: tuple[int, ...] = ()
    slope_bar: float = 0.0
    pykan: dict[int, float] = field(default_factory=dict)
    grid_eps: float = 1.0
    steps: int | None = None


#: What pykan's own examples print: [2,1,1] with 200 steps a grid, and [4,2,1,1] with 3000 samples.
_HELLO_PYKAN = {3: 1.5e-2, 10: 3.3e-4, 20: 4.0e-5, 50: 1.2e-5, 100: 1.7e-3}

CASES = {
    "hello1000": Case(
        "exp(sin(pi x) + y^2), 1000 samples",
        "expsin",
        (2, 1, 1),
        1000,
        (3, 5, 10, 20, 50, 100),
        {20: 2.5e-5, 50: 1e-6, 100: 1e-7},
        (10, 20, 50, 100),
        -3.7,
        _HELLO_PYKAN,
    ),
    "hello3000": Case(
        "exp(sin(pi x) + y^2), 3000 samples",
        "expsin",
        (2, 1, 1),
        3000,
        (3, 5, 10, 20, 50, 100, 200, 400),
        {200: 5e-9, 400: 2e-9},
    ),
    "fourvar": Case(
        "four variables, 3000 samples",
        "fourvar",
        (4, 2, 1, 1),
        3000,
        (3, 5, 10, 20, 50, 100),
        {50: 3e-7, 100: 3e-8},
        pykan={50: 3.8e-5},
        # Sums of squares are thin at one end. A tenth of quantiles gives the last intervals samples enough,
        # and fewer steps leave the gaps between them smooth: training error falls on, test error does not.
        grid_eps=0.9,
        steps=35,
    ),
    "bessel": Case(
        "J0(20 x), 3000 samples",
        "bessel",
        (1, 1),
        3000,
        (5, 10, 20, 50, 100, 200, 500),
        {200: 5e-7, 500: 1.5e-8},
    ),
}


@dataclass(frozen=True)
class Fit:
    """One fit to make: a case, a seed, and steps a grid."""

    case: str
    seed: int
    steps: int
    max_grid: int


@dataclass(frozen=True)
class Curve:
    """Test RMSE of every stage of a fit, and its seconds."""

    rmse: dict[int, float]
    n_params: dict[int, int]
    seconds: float


def fit(task: Fit) -> Curve:
    case = CASES[task.case]
    dataset = get_suite("toy")[case.function].dataset(n_train=case.n_train, n_test=1000, seed=0)
    clock = time.perf_counter()
    stages = fit_schedule(
        case.width,
        dataset,
        grids=tuple(grid for grid in case.grids if grid <= task.max_grid),
        opt="LM",
        steps=case.steps or task.steps,
        restarts=RESTARTS,
        seed=task.seed,
        val_fraction=0.0,
        fit_options=GRID_UPDATES,
        grid_eps=case.grid_eps,
    )
    seconds = time.perf_counter() - clock
    return Curve(
        {stage.grid or 0: stage.test_rmse for stage in stages},
        {stage.grid or 0: stage.n_params for stage in stages},
        seconds,
    )


def slope_of(case: Case, curve: Curve) -> float:
    grids = [grid for grid in case.slope_grids if grid in curve.rmse]
    return log_slope(grids, [curve.rmse[grid] for grid in grids])


def summarise(case: Case, curves: list[Curve], max_grid: int) -> list[Bar]:
    """Print one case; its bars."""
    nan = float("nan")
    rows, bars = [], []
    for grid in (grid for grid in case.grids if grid <= max_grid):
        values = [curve.rmse.get(grid, nan) for curve in curves]  # a schedule may end before
        limit = case.bars.get(grid)
        counted = "" if limit is None else f"{sum(v <= limit for v in values)} of {len(values)}"
        rows.append(
            (
                grid,
                curves[0].n_params.get(grid, "-"),
                f"{median(values):.2e}",
                f"{min(values):.2e}",
                f"{max(values):.2e}",
                "" if limit is None else f"{limit:.1e}",
                counted,
                f"{case.pykan[grid]:.1e}" if grid in case.pykan else "",
            )
        )
        if limit is not None:
            bars.append(Bar(f"{case.name}, G = {grid}: worst test RMSE", highest(values), limit))
    header = ("G", "n_params", "median", "best", "worst", "bar", "seeds that meet it", "pykan")
    show_table(f"{case.name}, {shape_text(case.width)}: test RMSE over {len(curves)} seeds", header, rows)
    if case.slope_grids:
        slopes = [slope_of(case, curve) for curve in curves]
        bars.append(Bar(f"{case.name}: least steep slope, G = 10 to 100", highest(slopes), case.slope_bar))
        print(f"slope of log RMSE against log G, 10 to 100: {', '.join(f'{s:.2f}' for s in slopes)}")
    print(f"seconds a fit: median {median([c.seconds for c in curves]):.1f}")
    return bars


def main() -> int:
    made = parser(__doc__, seeds=10)
    made.add_argument("--cases", help=f"comma-separated choice of {', '.join(CASES)} (default all)")
    made.add_argument("--steps", type=positive, default=50, help="steps a grid (default 50)")
    made.add_argument("--max-grid", type=positive, default=500, help="leave out finer grids, and their bars")
    arguments = made.parse_args()
    chosen = _chosen(arguments)
    tasks = [
        Fit(name, seed, arguments.steps, arguments.max_grid)
        for name in chosen
        for seed in range(arguments.seeds)
    ]
    curves = run_tasks(fit, tasks, arguments.jobs)
    bars = []
    for name in chosen:
        mine = [curve for task, curve in zip(tasks, curves, strict=True) if task.case == name]
        bars += summarise(CASES[name], mine, arguments.max_grid)
    return show_bars(bars, check=arguments.check)


def _chosen(arguments: argparse.Namespace) -> list[str]:
    names = list(CASES) if arguments.cases is None else arguments.cases.split(",")
    unknown = [name for name in names if name not in CASES]
    if unknown:
        raise SystemExit(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    return names


if __name__ == "__main__":
    raise SystemExit(main())

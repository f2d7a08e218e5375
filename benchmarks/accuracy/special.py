"""The fifteen special functions: fixed shapes against pykan, or the best shapes beside the paper's.

    python -m benchmarks.accuracy.special --check
    python -m benchmarks.accuracy.special --shapes --jobs 2 --check

Without --shapes: the suggested shapes, 1000 samples, grids 3, 5, 10, 20, 50, eight restarts, the stage chosen
on samples held out of the 1000; against the lowest test RMSE of any stage of pykan 0.2.8 on the same data
(see pykan_special.json). Times are of one thread, warm, one function after another.

With --shapes: depth and width are chosen by validation RMSE too, for KANs and for MLPs; no bar but that both
come out.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._common import Bar, median, shape_text, show_bars, show_table
from benchmarks.accuracy._common import choose, geometric_mean, lowest, parser, run_tasks
from benchmarks.accuracy._shapes import GRIDS, add_search_options, best_shapes
from kan_np import SuiteFunction, fit_schedule, get_suite

RESTARTS = 8
MEAN_BAR, LEAST_BAR, TIME_BAR = 40.0, 2.0, 0.1
PYKAN = Path(__file__).with_name("pykan_special.json")


@dataclass(frozen=True)
class Fit:
    """A function and how it is fitted."""

    function: str
    seed: int
    steps: int
    restarts: int


@dataclass(frozen=True)
class Fitted:
    """The chosen stage, and the seconds of the whole schedule."""

    grid: int
    n_params: int
    val_rmse: float
    test_rmse: float
    best_test_rmse: float
    seconds: float


def fit(task: Fit) -> Fitted:
    function = get_suite("special")[task.function]
    dataset = function.dataset(seed=0)
    clock = time.perf_counter()
    stages = fit_schedule(
        function.shape,
        dataset,
        grids=GRIDS,
        opt="LM",
        steps=task.steps,
        restarts=task.restarts,
        seed=task.seed,
        val_fraction=0.2,
    )
    seconds = time.perf_counter() - clock
    best = stages.best
    least = min(stage.test_rmse for stage in stages)
    return Fitted(best.grid or 0, best.n_params, best.val_rmse, best.test_rmse, least, seconds)


def fixed_shapes(functions: Sequence[SuiteFunction], arguments: argparse.Namespace) -> list[Bar]:
    """Fit the suggested shapes and compare with pykan; the bars."""
    peer = json.loads(PYKAN.read_text(encoding="utf-8"))["functions"]
    tasks = [
        Fit(f.name, seed, arguments.steps, arguments.restarts or RESTARTS)
        for seed in range(arguments.seeds)
        for f in functions
    ]
    fitted = run_tasks(fit, tasks, arguments.jobs)
    rows, ratios = [], {}
    for f in functions:
        mine = [result for task, result in zip(tasks, fitted, strict=True) if task.function == f.name]
        rmse = median(result.test_rmse for result in mine)
        ratios[f.name] = peer[f.name]["test_rmse"] / rmse
        rows.append(fixed_row(f, mine, rmse, peer[f.name]))
    header = ("function", "shape", "chosen G", "n_params", "test RMSE", "any stage", "pykan", "pykan G")
    title = f"Special functions, suggested shapes, test RMSE, model seeds: {arguments.seeds}"
    show_table(title, (*header, "ratio", "seconds", "pykan s"), rows)
    print(
        "any stage: the lowest test RMSE of all stages, which the choice did not know; ratio: pykan / kan_np"
    )
    per_seed = [
        sum(result.seconds for task, result in zip(tasks, fitted, strict=True) if task.seed == seed)
        for seed in range(arguments.seeds)
    ]
    theirs = sum(peer[f.name]["seconds"] for f in functions)
    seconds = max(per_seed)
    print(f"\nall functions, all restarts: {seconds:.1f} s, pykan (seed 1, no restarts) {theirs:.1f} s")
    if arguments.jobs > 1:
        print(f"measured with {arguments.jobs} processes at once, which can only have made it slower")
    worst = min(ratios, key=ratios.__getitem__)
    return [
        Bar(
            "pykan / kan_np test RMSE, geometric mean",
            geometric_mean(ratios.values()),
            MEAN_BAR,
            at_least=True,
        ),
        Bar(f"pykan / kan_np test RMSE, least ({worst})", lowest(ratios.values()), LEAST_BAR, at_least=True),
        Bar("total time [s], a tenth of pykan's", seconds, TIME_BAR * theirs),
    ]


def fixed_row(
    f: SuiteFunction, fitted: list[Fitted], rmse: float, peer: dict[str, Any]
) -> tuple[object, ...]:
    """Cells of a function; medians over the model seeds."""
    return (
        f.name,
        shape_text(f.shape),
        "/".join(str(result.grid) for result in fitted),
        "/".join(str(result.n_params) for result in fitted),
        f"{rmse:.2e}",
        f"{median(result.best_test_rmse for result in fitted):.2e}",
        f"{peer['test_rmse']:.2e}",
        peer["grid"],
        f"{peer['test_rmse'] / rmse:.1f}",
        f"{median(result.seconds for result in fitted):.2f}",
        f"{peer['seconds']:.1f}",
    )


def main() -> int:
    made = parser(__doc__, seeds=1)
    made.add_argument("--shapes", action="store_true", help="choose the shapes too, beside the paper's table")
    add_search_options(made)
    arguments = made.parse_args()
    functions = choose(get_suite("special"), arguments.functions)
    if arguments.shapes:
        title = "Special functions, shapes chosen by validation RMSE"
        bars, _ = best_shapes("special", title, functions, arguments)
    else:
        bars = fixed_shapes(functions, arguments)
    return show_bars(bars, check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())

"""Smooth functions of two and three variables: KANs beside interpolation methods, which are good at these.

    python -m benchmarks.accuracy.smooth --jobs 2 --check
    python -m benchmarks.accuracy.smooth --functions franke --plot franke.png
    python -m benchmarks.accuracy.smooth --families auto --check    # no fixed shapes

Eight functions, some of them no sums of few ridges, 1000 samples. KANs of several shapes go through
`fit_schedule` with restarts, MLPs get the same optimizer, restarts and as many steps; shape and grid are
chosen by validation RMSE on every data seed anew. Beside them `fit_schedule("auto")` chooses by itself, the
spline order as well, with half a parameter a sample at most. A Gaussian process, cubic RBF
interpolation and a linear model see the same samples. Errors are test RMSE over the standard deviation of the
test labels. The second part is error against parameters: every shape and grid, with the Gaussian process
as a line, which has as many coefficients as there are samples. Shapes that `fit_schedule("auto")` tried and
left have seen four fifths of the samples, the chosen one has seen all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import airy

from benchmarks._common import Bar, median, positive, shape_text, show_bars, show_table
from benchmarks.accuracy._baselines import CUBIC, GP, LINEAR, MLP, show_beside, train_all
from benchmarks.accuracy._common import (
    Errors,
    choose,
    data_seeds,
    highest,
    lowest,
    parse,
    parser,
    pick_cases,
    run_tasks,
    spread,
)
from kan_np import Dataset, Stage, SuiteFunction, fit_mlp, fit_schedule

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FloatArray = NDArray[np.float64]

SAMPLES, VAL_FRACTION, ORDER = 1000, 0.2, 3
GRIDS = (3, 5, 10, 20, 50)
KAN, CHOSEN, TRIED = "KAN", "fit_schedule auto", "tried by fit_schedule auto"
#: Of fit_schedule("auto"): 1.9e-5, worst 2.1e-4, on data seeds 300 to 304; a [2,5,1] of order 3 has 1.1e-4.
FRANKE_BAR, _BAR_STEPS = 5e-5, 50
#: By family the hidden layers that are tried; the second family chooses its own.
HIDDEN = {KAN: ((), (2,), (4,), (8,), (4, 4), (6, 6)), MLP: ((10,), (20,), (10, 10), (15, 15)), CHOSEN: ((),)}

_TICKS = (20, 50, 100, 200, 500)  # of the axis of parameters
LONG = {GP: "Gaussian process", CUBIC: "cubic RBF"}
#: What `--families` calls them.
FAMILIES = {"kan": KAN, "mlp": MLP, "auto": CHOSEN}


def franke(x: FloatArray, y: FloatArray) -> FloatArray:
    """Franke's function (1979, A critical comparison of some methods for interpolation), on [0, 1]^2."""
    return np.asarray(
        0.75 * np.exp(-((9 * x - 2) ** 2 + (9 * y - 2) ** 2) / 4)
        + 0.75 * np.exp(-((9 * x + 1) ** 2) / 49 - (9 * y + 1) / 10)
        + 0.5 * np.exp(-((9 * x - 7) ** 2 + (9 * y - 3) ** 2) / 4)
        - 0.2 * np.exp(-((9 * x - 4) ** 2) - (9 * y - 7) ** 2)
    )


def peaks(x: FloatArray, y: FloatArray) -> FloatArray:
    """The test surface of MATLAB's documentation, on [-3, 3]^2."""
    return np.asarray(
        3 * (1 - x) ** 2 * np.exp(-(x**2) - (y + 1) ** 2)
        - 10 * (x / 5 - x**3 - y**5) * np.exp(-(x**2) - y**2)
        - np.exp(-((x + 1) ** 2) - y**2) / 3
    )


def branin(x: FloatArray, y: FloatArray) -> FloatArray:
    """The Branin function (Dixon and Szego 1978), on [-5, 10] x [0, 15]."""
    valley = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return np.asarray(valley**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10)


def dipole(x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    """Potential of two soft charges at (+-0.5, 0, 0)."""
    ring = y**2 + z**2 + 0.1
    return np.asarray(1 / np.sqrt((x - 0.5) ** 2 + ring) - 1 / np.sqrt((x + 0.5) ** 2 + ring))


_UNIT, _SQUARE, _CUBE = (0.0, 1.0), ((-1.0, 1.0),) * 2, ((-1.0, 1.0),) * 3
FUNCTIONS = (
    SuiteFunction("franke", "Franke's function", ("x", "y"), (_UNIT, _UNIT), (2, 4, 1), franke),
    SuiteFunction(
        "product",
        "exp(-x) sin 3y cos 2z",
        ("x", "y", "z"),
        _CUBE,
        (3, 4, 1),
        lambda x, y, z: np.exp(-x) * np.sin(3 * y) * np.cos(2 * z),
    ),
    SuiteFunction("airy", "Ai(3x) + y^3", ("x", "y"), _SQUARE, (2, 1), lambda x, y: airy(3 * x)[0] + y**3),
    SuiteFunction("peaks", "MATLAB's peaks", ("x", "y"), ((-3.0, 3.0),) * 2, (2, 4, 1), peaks),
    SuiteFunction("branin", "Branin", ("x", "y"), ((-5.0, 10.0), (0.0, 15.0)), (2, 2, 1), branin),
    SuiteFunction(
        "ishigami",
        "sin x + 7 sin^2 y + z^4 sin x / 10",
        ("x", "y", "z"),
        ((-np.pi, np.pi),) * 3,
        (3, 3, 1),
        lambda x, y, z: np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x),
    ),
    SuiteFunction("dipole", "two soft charges", ("x", "y", "z"), _CUBE, (3, 4, 4, 1), dipole),
    SuiteFunction(
        "pairs",
        "sin(2 (x y + y z + z x))",
        ("x", "y", "z"),
        _CUBE,
        (3, 4, 1, 1),
        lambda x, y, z: np.sin(2 * (x * y + y * z + z * x)),
    ),
)
BY_NAME = {function.name: function for function in FUNCTIONS}


@dataclass(frozen=True)
class Fit:
    """One shape to train on one dataset."""

    function: str
    data_seed: int
    seed: int
    family: str
    hidden: tuple[int, ...]
    steps: int
    restarts: int


@dataclass(frozen=True)
class Point:
    """A trained model: its shape, grid and size, and its errors over the standard deviation of the labels."""

    family: str
    shape: tuple[int, ...]
    grid: int | None
    n_params: int
    val: float
    test: float

    @property
    def text(self) -> str:
        """[2,4,1] G=20, or [2,10,1] MLP"""
        return f"{shape_text(self.shape)} {MLP if self.grid is None else f'G={self.grid}'}"


def make(function: str, data_seed: int) -> Dataset:
    """The samples of a function, labels with a standard deviation of 1 on the test samples."""
    dataset = BY_NAME[function].dataset(n_train=SAMPLES, n_test=SAMPLES, seed=data_seed)
    scale = dataset["test_label"].std()
    return {k: v / scale if k.endswith("_label") else v for k, v in dataset.items()}


def fit(task: Fit) -> list[Point]:
    """Every stage of a shape."""
    dataset = make(task.function, task.data_seed)
    shape = (dataset["train_input"].shape[1], *task.hidden, 1)
    stages: Sequence[Stage]
    tried: list[Point] = []
    if task.family == CHOSEN:
        options: dict[str, Any] = {"steps": task.steps, "seed": task.seed, "val_fraction": VAL_FRACTION}
        stages = fit_schedule(
            "auto", dataset, on_stage=lambda stage: tried.append(_point(TRIED, stage)), **options
        )
    elif task.family == KAN:
        edges = sum(a * b for a, b in zip(shape[:-1], shape[1:], strict=True))
        most = round((1.0 - VAL_FRACTION) * SAMPLES)
        stages = fit_schedule(
            shape,
            dataset,
            grids=[grid for grid in GRIDS if edges * (grid + ORDER + 1) <= most],
            k=ORDER,
            opt="LM",
            steps=task.steps,
            restarts=task.restarts,
            seed=task.seed,
            val_fraction=VAL_FRACTION,
        )
    else:
        stages = [
            fit_mlp(
                shape,
                dataset,
                opt="LM",
                steps=task.steps * len(GRIDS),
                restarts=task.restarts,
                seed=task.seed,
                val_fraction=VAL_FRACTION,
            )
        ]
    return [_point(task.family, stage) for stage in stages] + tried


def _point(family: str, stage: Stage) -> Point:
    shape = tuple(stage.model.width)
    return Point(family, shape, stage.grid, stage.n_params, stage.val_rmse, stage.test_rmse)


@dataclass(frozen=True)
class Found:
    """All points of a function by data seed and model seed."""

    points: dict[tuple[int, int], list[Point]]

    def chosen(self, family: str) -> dict[int, list[Point]]:
        """By data seed: what validation chooses for every seed of the model."""
        best: dict[int, list[Point]] = {}
        for (data_seed, _), points in self.points.items():
            own = [point for point in points if point.family == family]
            if own:
                best.setdefault(data_seed, []).append(min(own, key=lambda point: point.val))
        return best

    def lowest(self, family: str) -> float:
        """Median over the fits of the lowest test error, which the choice does not know."""
        return median(
            min(point.test for point in points if point.family == family) for points in self.points.values()
        )

    def curve(self, family: str) -> list[tuple[int, str, float, float]]:
        """Parameters, model, median and worst test error of what at least half of the fits have, by size."""
        groups: dict[tuple[int, str], list[float]] = {}
        for points in self.points.values():
            for point in points:
                if point.family == family:
                    groups.setdefault((point.n_params, point.text), []).append(point.test)
        rows = [
            (n, text, median(values), highest(values))
            for (n, text), values in groups.items()
            if 2 * len(values) >= len(self.points)
        ]
        return sorted(rows)

    def front(self, family: str) -> list[tuple[int, str, float, float]]:
        """Those of the curve that no smaller one is as good as."""
        least, kept = math.inf, []
        for row in self.curve(family):
            if row[2] < least:
                kept.append(row)
                least = row[2]
        return kept


def collect(tasks: Sequence[Fit], results: Sequence[list[Point]]) -> dict[str, Found]:
    by_function: dict[str, dict[tuple[int, int], list[Point]]] = {}
    for task, points in zip(tasks, results, strict=True):
        own = by_function.setdefault(task.function, {})
        own.setdefault((task.data_seed, task.seed), []).extend(points)
    return {name: Found(points) for name, points in by_function.items()}


def show_choices(found: dict[str, Found], families: Sequence[str]) -> None:
    """Print what was chosen on the middle data seed, and how much better a choice there was."""
    rows = []
    for name, own in found.items():
        cells: list[object] = []
        for family in families:
            mine = sorted((p for one in own.chosen(family).values() for p in one), key=lambda p: p.test)
            typical = mine[(len(mine) - 1) // 2]
            any_stage = own.lowest(TRIED if family == CHOSEN else family)
            cells += [typical.text, typical.n_params, f"{typical.test:.1e}", f"{any_stage:.1e}"]
        rows.append((name, BY_NAME[name].formula, *cells))
    figures = ("n_params", "error", "any stage")
    header = ["", "function"]
    for family in families:
        header += [family, *figures]
    show_table("The choice of the middle fit, and the lowest test error of any shape and grid", header, rows)


def show_curve(name: str, own: Found, process: float | None) -> None:
    """Print the fronts of error against parameters, and where they pass the Gaussian process."""
    rows = [
        (n, text, f"{middle:.1e}", f"{worst:.1e}", "" if process is None else f"{middle / process:.1f}")
        for family in (KAN, MLP, TRIED)
        for n, text, middle, worst in own.front(family)
    ]
    title = f"{BY_NAME[name].formula}: error against parameters"
    title += "" if process is None else f"; {GP} {process:.1e}"
    show_table(title, ("parameters", "model", "median", "worst", f"over {GP}"), rows)


def plot(found: dict[str, Found], beside: dict[str, Errors], path: Path) -> None:
    """Draw error against parameters of every function, Gaussian process and RBF as lines."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    columns = min(4, len(found))
    rows = math.ceil(len(found) / columns)
    figure = Figure(figsize=(3.4 * columns, 3.0 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for place, (name, own) in enumerate(found.items(), start=1):
        axes = figure.add_subplot(rows, columns, place, xscale="log", yscale="log")
        for family, color in ((KAN, "C0"), (MLP, "C1"), (TRIED, "C2")):
            _draw_curve(axes, own, family, color)
        _draw_choice(axes, own)
        for model, style in ((GP, "-"), (CUBIC, "--")):
            if model in beside:
                label = f"{LONG[model]}, {SAMPLES} coefficients"
                axes.axhline(spread(beside[model], name).median, color="0.3", ls=style, lw=1, label=label)
        axes.set_title(BY_NAME[name].formula, fontsize=9)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(_TICKS, [str(tick) for tick in _TICKS])
        if place > len(found) - columns:
            axes.set_xlabel("number of parameters")
        if place % columns == 1 % columns:
            axes.set_ylabel("test RMSE / standard deviation")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=8)
    figure.savefig(path, dpi=150)
    print(f"\n{path}")


def _draw_curve(axes: Axes, own: Found, family: str, color: str) -> None:
    """Every shape and grid as a dot, and a line through those that no smaller one is as good as."""
    every, front = own.curve(family), own.front(family)
    if every:
        axes.plot([row[0] for row in every], [row[2] for row in every], ".", color=color, alpha=0.25, mew=0)
        label = f"{family}: all (dots), the best up to a size (line)"
        axes.plot([row[0] for row in front], [row[2] for row in front], "o-", color=color, ms=3, label=label)


def _draw_choice(axes: Axes, own: Found) -> None:
    """What fit_schedule("auto") chose: its median, and a bar to the best and the worst."""
    points = [point for chosen in own.chosen(CHOSEN).values() for point in chosen]
    if points:
        test = [point.test for point in points]
        middle, n_params = median(test), median(point.n_params for point in points)
        reach = [[middle - lowest(test)], [highest(test) - middle]]
        label = f"{CHOSEN}: median, best to worst data seed"
        axes.errorbar([n_params], [middle], yerr=reach, fmt="*", color="C3", ms=9, capsize=3, label=label)


def main() -> int:
    made = parser(__doc__, seeds=1)
    made.add_argument("--functions", help=f"comma-separated choice of {', '.join(BY_NAME)} (default all)")
    made.add_argument("--steps", type=positive, default=50, help="steps a grid (default 50)")
    made.add_argument("--restarts", type=positive, default=8, help="restarts of every fit (default 8)")
    made.add_argument(
        "--families", default="kan,mlp,auto", help="what is trained: some of kan,mlp,auto (default all)"
    )
    made.add_argument("--plot", type=Path, metavar="FILE", help="draw the curves: a .png file")
    arguments = parse(made, functions="franke,airy", steps=10, restarts=2, data_seeds=1)
    functions = choose(FUNCTIONS, arguments.functions)
    families = [FAMILIES[family] for family in pick_cases(FAMILIES, arguments.families)]
    seeds = data_seeds(arguments)
    tasks = [
        Fit(f.name, data_seed, seed, family, hidden, arguments.steps, arguments.restarts)
        for f in functions
        for data_seed in seeds
        for seed in range(arguments.seeds)
        for family in families
        for hidden in HIDDEN[family]
    ]
    found = collect(tasks, run_tasks(fit, tasks, arguments.jobs))
    errors: dict[str, Errors] = {
        family: {
            (name, data_seed): [point.test for point in points]
            for name, own in found.items()
            for data_seed, points in own.chosen(family).items()
        }
        for family in families
    }
    beside: dict[str, Errors] = {}
    if not arguments.no_baselines:
        names = [f.name for f in functions]
        beside = train_all(make, names, seeds, jobs=arguments.jobs, names=(GP, CUBIC, LINEAR))
    show_choices(found, families)
    for name, own in found.items():
        show_curve(name, own, spread(beside[GP], name).median if beside else None)
    show_beside("Test RMSE over the spread", {**errors, **beside})
    if arguments.plot is not None:
        plot(found, beside, arguments.plot)
    every = [values for own in errors.values() for values in own.values()]
    finite = sum(bool(np.isfinite(values).all()) for values in every)
    bars = [Bar("finite choices", finite, len(every), at_least=True)]
    has_bar = CHOSEN in families and any(f.name == "franke" for f in functions)
    if has_bar and arguments.steps >= _BAR_STEPS:
        measured = spread(errors[CHOSEN], "franke").median
        bars.append(Bar("fit_schedule auto on Franke's function: median", measured, FRANKE_BAR))
    return show_bars(bars, check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())

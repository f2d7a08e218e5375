"""`kan-sweep auto` beside the full sweep of the same table: error, parameters, compute.

    python -m benchmarks.auto --check

Three tables: the Lennard-Jones potential (2000 rows of r and energy, as a simulation writes them),
exp(sin(pi x) + y^2) with noise of 1 % of its spread (2000 rows), and scikit-learn's diabetes table (442 rows,
ten columns). The data seed draws the rows, or their order and with it the split. The full sweep is preset
quick with its baselines; its best point is the one with the lowest test RMSE, the median over its seeds,
chosen on the very test samples: an oracle's choice, which no one could make. Compute is the processor time of
all runs. A Gaussian process, cubic RBF, a linear model and an MLP see the same rows as the recommendation.

Bars, for the median over the data seeds: the test RMSE of the recommendation, the median over three seeds, is
at most 1.1 times that of this best point, with no more parameters, in a tenth of the compute; on diabetes the
linear model is called as good on every one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._common import Bar, median, show_bars, show_table
from benchmarks.accuracy._baselines import NAMES, MlpEffort, baseline_rmse, show_beside
from benchmarks.accuracy._common import Errors, data_seeds, highest, parse, parser
from sweeps.analysis.aggregate import aggregate
from sweeps.spec.tasks import load_dataset
from sweeps.storage.store import Store

_ROWS = 2000
_ERROR_BAR, _COMPUTE_BAR = 1.1, 0.1
#: On a noisy table of some hundred rows a larger one, or one trained longer, only learns the noise.
_MLP = MlpEffort(hidden=(5,), steps=60, restarts=3)


@dataclass(frozen=True)
class Table:
    """A table by name: how it is made of a seed, as column names and rows; the last is the target."""

    name: str
    make: Callable[[int], tuple[list[str], np.ndarray]]


@dataclass(frozen=True)
class Result:
    """What the full sweep and the search came to on one table."""

    name: str
    data_seed: int
    full: tuple[str, int, float, float]  # model, parameters, test RMSE, seconds
    auto: tuple[str, int, float, float]
    facts: dict[str, Any]
    baselines: dict[str, float]

    def ratio(self, place: int) -> float:
        """Parameters (1), test RMSE (2) or seconds (3) of the search over those of the full sweep."""
        return float(self.auto[place]) / float(self.full[place])


def lennard_jones(seed: int) -> tuple[list[str], np.ndarray]:
    r = np.random.default_rng(seed).uniform(0.95, 2.0, _ROWS)
    return ["r", "energy"], np.stack([r, r**-12 - r**-6], axis=1)


def noisy_wave(seed: int) -> tuple[list[str], np.ndarray]:
    generator = np.random.default_rng(seed)
    x, y = generator.uniform(-1.0, 1.0, (_ROWS, 2)).T
    z = np.exp(np.sin(np.pi * x) + y**2)
    z = z + 0.01 * z.std() * generator.normal(size=_ROWS)
    return ["x", "y", "z"], np.stack([x, y, z], axis=1)


def diabetes(seed: int) -> tuple[list[str], np.ndarray]:
    """The rows as they are for seed 0, else in another order, which splits them otherwise."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    rows = np.column_stack([data.data, data.target])
    if seed:
        rows = np.random.default_rng(seed).permutation(rows)
    return [*data.feature_names, "progression"], rows


TABLES = (
    Table("lennard-jones", lennard_jones),
    Table("noisy-wave", noisy_wave),
    Table("diabetes", diabetes),
)


def measure(table: Table, data_seed: int, room: Path, preset: str, beside: tuple[str, ...]) -> Result:
    """Run both on one table, one process, one after the other, and the baselines."""
    names, values = table.make(data_seed)
    path = room / f"{table.name}-{data_seed}.csv"
    np.savetxt(path, values, delimiter=",", header=",".join(names), comments="", fmt="%.17g")
    full, auto = (room / f"{path.stem}-{who}" for who in ("full", "auto"))
    common = [str(path), "--target", names[-1], "--no-report"]
    _kan_sweep(
        "run",
        *common,
        "--preset",
        preset,
        "--backend",
        "sequential",
        "--progress",
        "none",
        "--out",
        str(full),
    )
    _kan_sweep("auto", *common, "--out", str(auto))
    with Store.open(full, readonly=True) as store:
        (task,) = aggregate(store).tasks
        best = min(task.points, key=lambda point: point.test.median)
        full_s = float(np.sum(store.runs()["cpu_s"]))
    with Store.open(auto, readonly=True) as store:
        auto_s = float(np.sum(store.runs()["cpu_s"]))
    facts = json.loads((auto / "recommended.json").read_text())
    with Store.open(auto, readonly=True) as store:
        dataset = load_dataset(store.run(facts["run_id"])["config"], str(path))
    return Result(
        table.name,
        data_seed,
        (_model(best.family, best.width, best.grid), best.n_params, best.test.median, full_s),
        (
            _model(facts["family"], facts["width"], facts["grid"]),
            facts["n_params"],
            facts["test_rmse"],
            auto_s,
        ),
        facts,
        {name: baseline_rmse(name, dataset, _MLP) for name in beside},
    )


def bars(results: list[Result]) -> list[Bar]:
    """Medians over the data seeds of one table."""
    name = results[0].name
    found = []
    for what, place, limit in (
        ("test RMSE over that", 2, _ERROR_BAR),
        ("parameters over those", 1, 1.0),
        ("compute over that", 3, _COMPUTE_BAR),
    ):
        ratios = [result.ratio(place) for result in results]
        of = "full sweep" if place == 3 else "best point"
        found.append(Bar(f"{name}: {what} of the {of} (worst {highest(ratios):.3g})", median(ratios), limit))
    if name == "diabetes":
        called = np.mean(["linear" in result.facts["as_good"] for result in results])
        found.append(Bar("diabetes: a linear model is called as good", float(called), 1.0, at_least=True))
    return found


def _kan_sweep(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "sweeps", *arguments], check=True, capture_output=True)


def _model(family: str, width: Any, grid: int | None) -> str:
    return f"{family} [{','.join(map(str, width))}]" + (f" G={grid}" if grid else "")


def main() -> int:
    made = parser(__doc__, seeds=1)
    made.add_argument("--preset", default="quick", help="of the full sweep")
    made.add_argument("--table", choices=[table.name for table in TABLES], help="only this one")
    arguments = parse(made, table="diabetes", data_seeds=1)
    if arguments.jobs != 1 or arguments.seeds != 1:
        raise SystemExit("--jobs and --seeds: one process, for times are compared; auto has seeds of its own")
    chosen = [table for table in TABLES if arguments.table in (None, table.name)]
    beside = () if arguments.no_baselines else NAMES
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for table in chosen:
            for data_seed in data_seeds(arguments):
                print(f"{table.name}, data seed {data_seed}", file=sys.stderr)
                results.append(measure(table, data_seed, Path(folder), arguments.preset, beside))
    rows = [
        (f"{result.name} {result.data_seed}, {who}", model, params, f"{rmse:.3g}", f"{seconds:.2f}")
        for result in results
        for who, (model, params, rmse, seconds) in (("full sweep", result.full), ("auto", result.auto))
    ]
    header = ("table and data seed", "model", "parameters", "test RMSE", "processor s")
    show_table("The full sweep's best point and the recommendation", header, rows)
    errors: dict[str, Errors] = {
        "auto": {(result.name, result.data_seed): [result.auto[2]] for result in results},
        "full sweep": {(result.name, result.data_seed): [result.full[2]] for result in results},
    }
    for name in beside:
        errors[name] = {(result.name, result.data_seed): [result.baselines[name]] for result in results}
    show_beside("Test RMSE in standard deviations of the target", errors)
    by_table = [[result for result in results if result.name == table.name] for table in chosen]
    return show_bars([bar for own in by_table for bar in bars(own)], check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())

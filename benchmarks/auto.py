"""`kan-sweep auto` beside the full sweep of the same table: error, parameters, compute.

    python -m benchmarks.auto --check

Three tables: the Lennard-Jones potential (2000 rows of r and energy, as a simulation writes them),
exp(sin(pi x) + y^2) with noise of 1 % of its spread (2000 rows), and scikit-learn's diabetes table (442 rows,
ten columns). The full sweep is preset quick with its baselines; its best point is the one with the lowest
test RMSE, the median over its seeds, chosen on the very test samples: an oracle's choice, which no one could
make. Compute is the processor time of all runs.

Bars: the test RMSE of the recommendation, the median over three seeds, is at most 1.1 times that of this best
point, with no more parameters, in a tenth of the compute; on diabetes the linear model is called as good.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._common import Bar, show_bars, show_table
from sweeps.analysis.aggregate import aggregate
from sweeps.store import Store

_ROWS = 2000
_ERROR_BAR, _COMPUTE_BAR = 1.1, 0.1


@dataclass(frozen=True)
class Table:
    """A table by name: how it is made, as column names and rows; the last column is the target."""

    name: str
    make: Callable[[], tuple[list[str], np.ndarray]]


@dataclass(frozen=True)
class Result:
    """What the full sweep and the search came to on one table."""

    name: str
    full: tuple[str, int, float, float]  # model, parameters, test RMSE, seconds
    auto: tuple[str, int, float, float]
    facts: dict[str, Any]


def lennard_jones() -> tuple[list[str], np.ndarray]:
    r = np.random.default_rng(0).uniform(0.95, 2.0, _ROWS)
    return ["r", "energy"], np.stack([r, r**-12 - r**-6], axis=1)


def noisy_wave() -> tuple[list[str], np.ndarray]:
    generator = np.random.default_rng(0)
    x, y = generator.uniform(-1.0, 1.0, (_ROWS, 2)).T
    z = np.exp(np.sin(np.pi * x) + y**2)
    z = z + 0.01 * z.std() * generator.normal(size=_ROWS)
    return ["x", "y", "z"], np.stack([x, y, z], axis=1)


def diabetes() -> tuple[list[str], np.ndarray]:
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    return [*data.feature_names, "progression"], np.column_stack([data.data, data.target])


TABLES = (
    Table("lennard-jones", lennard_jones),
    Table("noisy-wave", noisy_wave),
    Table("diabetes", diabetes),
)


def measure(table: Table, room: Path, preset: str) -> Result:
    """Run both on one table, one process, one after the other."""
    names, values = table.make()
    path = room / f"{table.name}.csv"
    np.savetxt(path, values, delimiter=",", header=",".join(names), comments="", fmt="%.17g")
    full, auto = room / f"{table.name}-full", room / f"{table.name}-auto"
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
    return Result(
        table.name,
        (_model(best.family, best.width, best.grid), best.n_params, best.test.median, full_s),
        (
            _model(facts["family"], facts["width"], facts["grid"]),
            facts["n_params"],
            facts["test_rmse"],
            auto_s,
        ),
        facts,
    )


def bars(result: Result) -> list[Bar]:
    _, full_params, full_rmse, full_s = result.full
    _, params, rmse, seconds = result.auto
    found = [
        Bar(f"{result.name}: test RMSE over that of the best point", rmse / full_rmse, _ERROR_BAR),
        Bar(f"{result.name}: parameters over those of the best point", params / full_params, 1.0),
        Bar(f"{result.name}: compute over that of the full sweep", seconds / full_s, _COMPUTE_BAR),
    ]
    if result.name == "diabetes":
        called = float("linear" in result.facts["as_good"])
        found.append(Bar("diabetes: a linear model is called as good", called, 1.0, at_least=True))
    return found


def _kan_sweep(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "sweeps", *arguments], check=True, capture_output=True)


def _model(family: str, width: Any, grid: int | None) -> str:
    return f"{family} [{','.join(map(str, width))}]" + (f" G={grid}" if grid else "")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a bar is missed")
    parser.add_argument("--preset", default="quick", help="of the full sweep")
    parser.add_argument("--table", choices=[table.name for table in TABLES], help="only this one")
    arguments = parser.parse_args()
    chosen = [table for table in TABLES if arguments.table in (None, table.name)]
    with tempfile.TemporaryDirectory() as folder:
        results = [measure(table, Path(folder), arguments.preset) for table in chosen]
    rows = [
        (f"{result.name}, {who}", model, params, f"{rmse:.3g}", f"{seconds:.2f}")
        for result in results
        for who, (model, params, rmse, seconds) in (("full sweep", result.full), ("auto", result.auto))
    ]
    header = ("table", "model", "parameters", "test RMSE", "processor s")
    show_table("The full sweep's best point and the recommendation", header, rows)
    return show_bars([bar for result in results for bar in bars(result)], check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())

"""exp(sin(pi x) + y^2) by networks on edges and by piecewise linear edges: the systems of MLP-KAN.

    python -m benchmarks.edge_examples --check

Both kinds of edges on [2, 5, 1] and [2, 1, 1], the second also with a penalty on bends, from 1000 samples:
ten data seeds, each with a seed of its own for the model, and four restarts. The original page shows pictures
and prints no number. Beside them are B-splines, an MLP trained as hard and a linear model.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks._common import Bar, median, positive, shape_text, show_bars, show_table
from kan_np import create_dataset, fit_mlp, fit_schedule

SAMPLES = 1000
RESTARTS = 4


@dataclass(frozen=True)
class System:
    """A network with its training, and the largest test RMSE of any seed; infinite for those beside."""

    edges: str
    width: tuple[int, ...]
    sizes: tuple[int, ...]
    limit: float
    smooth_penalty: float = 0.0
    steps: int = 40

    @property
    def name(self) -> str:
        penalty = f", smooth_penalty {self.smooth_penalty:g}" if self.smooth_penalty else ""
        return f"{self.edges} {shape_text(self.width)}{penalty}"

    def train(self, dataset: Any, seed: int) -> tuple[int, float]:
        """Parameters and test RMSE."""
        if self.edges == "MLP":
            stage = fit_mlp(
                list(self.width), dataset, opt="LM", steps=self.steps, restarts=RESTARTS, seed=seed
            )
            return stage.n_params, float(stage.test_rmse)
        options = {"smooth_penalty": self.smooth_penalty} if self.smooth_penalty else {}
        stages = fit_schedule(
            list(self.width),
            dataset,
            grids=self.sizes,
            opt="LM",
            steps=self.steps,
            restarts=RESTARTS,
            seed=seed,
            edges=self.edges,
            fit_options=options,
        )
        return stages.best.n_params, float(stages.best.test_rmse)


SYSTEMS = [
    System("mlp", (2, 1, 1), (8,), 1e-3, steps=100),
    System("mlp", (2, 5, 1), (4,), 1e-3, steps=100),
    System("piecewise_linear", (2, 1, 1), (10, 20, 40), 1e-2),
    System("piecewise_linear", (2, 1, 1), (10, 20, 40), 1e-2, smooth_penalty=1e-4),
    System("piecewise_linear", (2, 5, 1), (10, 20, 40), 1e-2),
    System("piecewise_linear", (2, 5, 1), (10, 20, 40), 1e-2, smooth_penalty=1e-4),
    System("bspline", (2, 1, 1), (5, 10, 20), np.inf),
    System("bspline", (2, 5, 1), (5, 10), np.inf),
    System("MLP", (2, 20, 1), (), np.inf, steps=400),
]


def target(x: np.ndarray) -> np.ndarray:
    """exp(sin(pi x) + y^2)."""
    return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)


def main(arguments: list[str] | None = None) -> int:
    """Train all systems for all seeds; print the errors and the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-seeds", type=positive, default=10)
    parser.add_argument("--first-data-seed", type=int, default=100)
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    given = parser.parse_args(arguments)
    seeds = range(given.first_data_seed, given.first_data_seed + given.data_seeds)
    data = [create_dataset(target, n_var=2, train_num=SAMPLES, test_num=SAMPLES, seed=seed) for seed in seeds]
    rows, bars = [], []
    for system in SYSTEMS:
        begun = time.perf_counter()
        found = [system.train(dataset, seed) for dataset, seed in zip(data, seeds, strict=True)]
        errors = [error for _, error in found]
        seconds = (time.perf_counter() - begun) / len(errors)
        worst = max(errors)
        rows.append((system.name, found[0][0], f"{median(errors):.1e}", f"{worst:.1e}", f"{seconds:.1f}"))
        print(*rows[-1], flush=True)
        if np.isfinite(system.limit):
            bars.append(Bar(f"worst of {len(errors)}: {system.name}", worst, system.limit))
    planes = []
    for dataset in data:
        design = [np.hstack([dataset[f"{s}_input"], np.ones((SAMPLES, 1))]) for s in ("train", "test")]
        plane = np.linalg.lstsq(design[0], dataset["train_label"], rcond=None)[0]
        planes.append(float(np.sqrt(np.mean((design[1] @ plane - dataset["test_label"]) ** 2))))
    rows.append(("linear model", 3, f"{median(planes):.1e}", f"{max(planes):.1e}", ""))
    header = ("model", "parameters", "median test RMSE", "worst", "seconds")
    show_table(f"exp(sin(pi x) + y^2), {SAMPLES} samples, {len(data)} data seeds", header, rows)
    return show_bars(bars, check=given.check)


if __name__ == "__main__":
    sys.exit(main())

"""The compiled L-BFGS beside SciPy's: losses after the same iterations, and the time of whole fits.

    python -m benchmarks.lbfgs --check

Every fit of `opt="LBFGS"` is followed by one of `opt="L-BFGS-B"` from the same start, with as many pairs of
steps and gradients. SciPy's is the reference of the compiled one, and should take its name where a whole fit
takes at most 1.25 times as long; the last column says how far it is from that. Five problems; the seed of the
model is that of the data.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import Bar, median, positive, show_bars, show_table
from benchmarks.accuracy._common import geometric_mean, warm
from kan_np import KAN, MLP, Dataset, create_dataset

FloatArray = NDArray[np.float64]

#: Losses are on a par where the geometric mean of their ratios lies within this factor of 1.
PAR = 1.25
OURS, THEIRS = "LBFGS", "L-BFGS-B"


@dataclass(frozen=True)
class Problem:
    """A model and samples for every seed."""

    name: str
    model: Callable[[int], KAN | MLP]
    data: Callable[[int], Dataset]
    steps: int


def _hello(x: FloatArray) -> FloatArray:
    return np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2)


def _energy(r: FloatArray) -> FloatArray:
    return r**-12.0 - r**-6.0


def _four(x: FloatArray) -> FloatArray:
    turned = np.sin(np.pi * (x[:, :2] ** 2 + x[:, 2:] ** 2) / 2.0)
    return np.exp(turned.mean(axis=1, keepdims=True))


def _samples(
    f: Callable[[FloatArray], FloatArray], n_var: int, n: int = 1000, **more: Any
) -> Callable[[int], Dataset]:
    return lambda seed: create_dataset(f, n_var=n_var, train_num=n, test_num=10, seed=seed, **more)


PROBLEMS = (
    Problem("hello world, KAN [2,5,1] G=5", lambda s: KAN([2, 5, 1], seed=s), _samples(_hello, 2), 50),
    Problem("hello world, KAN [2,1,1] G=20", lambda s: KAN([2, 1, 1], 20, seed=s), _samples(_hello, 2), 50),
    Problem(
        "Lennard-Jones, KAN [1,2,1] G=5",
        lambda s: KAN([1, 2, 1], seed=s),
        _samples(_energy, 1, 50, ranges=[0.95, 2.0]),
        20,
    ),
    Problem("four inputs, KAN [4,9,9,1] G=5", lambda s: KAN([4, 9, 9, 1], seed=s), _samples(_four, 4), 20),
    Problem("hello world, MLP [2,20,20,1]", lambda s: MLP([2, 20, 20, 1], seed=s), _samples(_hello, 2), 50),
)


def fit(problem: Problem, seed: int, opt: str) -> tuple[float, float]:
    """Training RMSE and seconds of a whole fit."""
    model, dataset = problem.model(seed), problem.data(seed)
    options = {"smoothing": 0.0} if isinstance(model, KAN) else {"weight_decay": 0.0}
    clock = time.perf_counter()
    result = model.fit(dataset, opt=opt, steps=problem.steps, **options)
    return result["train_loss"][-1], time.perf_counter() - clock


def main() -> int:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--check", action="store_true", help="exit 1 when a bar is missed")
    made.add_argument("--seeds", type=positive, default=80, help="starts of every problem (default 80)")
    arguments = made.parse_args()
    warm()
    rows, bars = [], []
    for problem in PROBLEMS:
        pairs = [(fit(problem, s, OURS), fit(problem, s, THEIRS)) for s in range(arguments.seeds)]
        loss = geometric_mean(theirs[0] / ours[0] for ours, theirs in pairs)
        ratio = median(theirs[1] / ours[1] for ours, theirs in pairs)
        rows.append(
            (
                problem.name,
                f"{median(ours[0] for ours, _ in pairs):.2e}",
                f"{median(theirs[0] for _, theirs in pairs):.2e}",
                f"{loss:.2f}",
                f"{ratio:.2f}",
            )
        )
        bars.append(Bar(f"{problem.name}: losses apart by", max(loss, 1.0 / loss), PAR))
    header = ("problem", "training RMSE", "SciPy's", "SciPy's / ours, geometric mean", "time of a fit, ratio")
    show_table(f"L-BFGS, {arguments.seeds} starts", header, rows)
    return show_bars(bars, check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())

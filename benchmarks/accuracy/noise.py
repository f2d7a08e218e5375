"""Noisy labels: exp(sin(pi x) + y^2) + N(0, 0.1), 300 samples, [2,5,1], G = 20.

    python -m benchmarks.accuracy.noise --check

RMSE against the clean function on 1000 other points: smoothing chosen by generalised cross-validation, every
weight of a hand-made list, and no smoothing. All are trained in the same way from the same starts. GCV sees
only the noisy labels; the best of the list is chosen on the clean ones.

Seeds end in different minima, which differ by more than neighbouring weights do. So the bars compare medians
over the seeds: of GCV with that of the best weight. The best weight of every single seed is in the table too,
but is partly luck: the lowest of many draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import Bar, positive, show_bars, show_table
from benchmarks.accuracy._common import lowest, parser, rmse, run_tasks
from kan_np import Dataset, create_dataset, fit_schedule

FloatArray = NDArray[np.float64]

WIDTH, GRIDS, SAMPLES, NOISE = [2, 5, 1], (5, 10, 20), 300, 0.1
WEIGHTS = [10.0 ** (exponent / 2) for exponent in range(-8, 8)]
GCV_BAR, UNSMOOTHED_BAR = 1.15, 2.0


@dataclass(frozen=True)
class Setting:
    """One fit: a seed and a weight, a number or "gcv"."""

    seed: int
    smoothing: float | str
    steps: int
    restarts: int


@dataclass(frozen=True)
class Outcome:
    """RMSE against the clean function, and the smoothing weight of the fit."""

    clean_rmse: float
    weight: float


def noisy() -> Dataset:
    """Training labels with noise, test labels without."""
    dataset = create_dataset(
        lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, train_num=SAMPLES, seed=0
    )
    label = dataset["train_label"]
    dataset["train_label"] = label + np.random.default_rng(1).normal(0.0, NOISE, label.shape)
    return dataset


def fit(setting: Setting) -> Outcome:
    dataset = noisy()
    stage = fit_schedule(
        WIDTH,
        dataset,
        grids=GRIDS,
        opt="LM",
        steps=setting.steps,
        restarts=setting.restarts,
        seed=setting.seed,
        smoothing=setting.smoothing,
    )[-1]
    assert stage.grid == GRIDS[-1]
    clean = rmse(stage.model(dataset["test_input"]), dataset["test_label"])
    return Outcome(clean, stage.result.smoothing)


def main() -> int:
    made = parser(__doc__, seeds=5)
    made.add_argument("--steps", type=positive, default=50, help="steps a grid (default 50)")
    made.add_argument("--restarts", type=positive, default=4, help="restarts of every fit (default 4)")
    arguments = made.parse_args()
    smoothings: list[float | str] = ["gcv", 0.0, *WEIGHTS]
    settings = [
        Setting(seed, smoothing, arguments.steps, arguments.restarts)
        for seed in range(arguments.seeds)
        for smoothing in smoothings
    ]
    outcomes = run_tasks(fit, settings, arguments.jobs)
    # (seeds, smoothings): gcv, none, and the weights by hand
    errors = np.array([o.clean_rmse for o in outcomes]).reshape(arguments.seeds, -1)
    weights = [o.weight for o in outcomes[:: len(smoothings)]]
    medians = np.median(errors, axis=0)
    show_weights(errors[:, 2:], medians[2:])
    show_seeds(errors, weights)
    best = float(medians[2:].min())
    print(f"\nmedians: gcv {medians[0]:.4f}, best weight by hand {best:.4f}, none {medians[1]:.4f}")
    bars = [
        Bar("gcv / best weight by hand, of medians", float(medians[0]) / best, GCV_BAR),
        Bar(
            "no smoothing / gcv, worst seed",
            lowest(errors[:, 1] / errors[:, 0]),
            UNSMOOTHED_BAR,
            at_least=True,
        ),
    ]
    return show_bars(bars, check=arguments.check)


def show_weights(errors: FloatArray, medians: FloatArray) -> None:
    """Print the whole list, so that its minimum can be seen to lie inside."""
    rows = [
        (f"{weight:.1e}", f"{middle:.4f}", f"{seeds.min():.4f}", f"{seeds.max():.4f}")
        for weight, middle, seeds in zip(WEIGHTS, medians, errors.T, strict=True)
    ]
    title = f"Weights by hand: RMSE against the clean function over {errors.shape[0]} seeds"
    show_table(title, ("weight", "median", "best", "worst"), rows)


def show_seeds(errors: FloatArray, weights: list[float]) -> None:
    """Print every seed: gcv and its weight, that seed's best weight of the list, and no smoothing."""
    rows = []
    for seed, (gcv, none, *by_hand) in enumerate(errors.tolist()):
        best = int(np.argmin(by_hand))
        rows.append(
            (
                seed,
                f"{gcv:.4f}",
                f"{weights[seed]:.1e}",
                f"{by_hand[best]:.4f}",
                f"{WEIGHTS[best]:.1e}",
                f"{none:.4f}",
                f"{gcv / by_hand[best]:.2f}",
                f"{none / gcv:.2f}",
            )
        )
    show_table(
        f"RMSE against the clean function, {SAMPLES} samples with noise of {NOISE}, {WIDTH}, G = {GRIDS[-1]}",
        ("seed", "gcv", "weight", "best by hand", "weight", "none", "gcv / best", "none / gcv"),
        rows,
    )


if __name__ == "__main__":
    raise SystemExit(main())

"""Noisy labels: exp(sin(pi x) + y^2) + N(0, 0.1), 300 samples, [2,5,1], G = 20.

    python -m benchmarks.accuracy.noise --check

RMSE against the clean function on 1000 other points: smoothing chosen by generalised cross-validation, every
weight of a hand-made list, and no smoothing. All are trained in the same way from the same starts. GCV sees
only the noisy labels; the best of the list is chosen on the clean ones. Beside them a Gaussian process, cubic
radial basis functions with their smoothing chosen on held-out samples, a linear model and an MLP see the same
noisy labels.

Seeds end in different minima, which differ by more than neighbouring weights do. So on every data seed the
median over the model's seeds is compared: of GCV with that of the best weight. The best weight of every
single seed is in the table too, but is partly luck: the lowest of many draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks._common import Bar, median, positive, show_bars, show_table
from benchmarks.accuracy._baselines import MlpEffort, show_beside, train_all
from benchmarks.accuracy._common import data_seeds, lowest, parse, parser, rmse, run_tasks
from kan_np import Dataset, create_dataset, fit_schedule

FloatArray = NDArray[np.float64]

CASE = "noise of 0.1"
WIDTH, GRIDS, SAMPLES, NOISE = [2, 5, 1], (5, 10, 20), 300, 0.1
WEIGHTS = [10.0 ** (exponent / 2) for exponent in range(-8, 8)]
GCV_BAR, UNSMOOTHED_BAR = 1.15, 2.0


@dataclass(frozen=True)
class Setting:
    """One fit: the seeds and a weight, a number or "gcv"."""

    data_seed: int
    seed: int
    smoothing: float | str
    steps: int
    restarts: int


@dataclass(frozen=True)
class Outcome:
    """RMSE against the clean function, and the smoothing weight of the fit."""

    clean_rmse: float
    weight: float


def make(case: str, data_seed: int) -> Dataset:
    """Training labels with noise, test labels without; there is one case."""
    assert case == CASE
    dataset = create_dataset(
        lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2),
        n_var=2,
        train_num=SAMPLES,
        seed=data_seed,
    )
    label = dataset["train_label"]
    dataset["train_label"] = label + np.random.default_rng(data_seed + 1).normal(0.0, NOISE, label.shape)
    return dataset


def fit(setting: Setting) -> Outcome:
    dataset = make(CASE, setting.data_seed)
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
    made = parser(__doc__, seeds=3)
    made.add_argument("--steps", type=positive, default=50, help="steps a grid (default 50)")
    made.add_argument("--restarts", type=positive, default=4, help="restarts of every fit (default 4)")
    arguments = parse(made, steps=5, restarts=1)
    smoothings: list[float | str] = ["gcv", 0.0, *WEIGHTS]
    settings = [
        Setting(data_seed, seed, smoothing, arguments.steps, arguments.restarts)
        for data_seed in data_seeds(arguments)
        for seed in range(arguments.seeds)
        for smoothing in smoothings
    ]
    outcomes = run_tasks(fit, settings, arguments.jobs)
    # (data seeds, seeds, smoothings): gcv, none, and the weights by hand
    errors = np.array([o.clean_rmse for o in outcomes]).reshape(
        arguments.data_seeds, arguments.seeds, len(smoothings)
    )
    weights = np.array([o.weight for o in outcomes[:: len(smoothings)]]).reshape(errors.shape[:2])
    show_weights(errors[:, :, 2:])
    show_seeds(data_seeds(arguments), errors, weights)
    if not arguments.no_baselines:
        effort = MlpEffort(steps=arguments.steps * len(GRIDS), restarts=arguments.restarts)
        beside = train_all(make, [CASE], data_seeds(arguments), jobs=arguments.jobs, effort=effort)
        gcv = {
            (CASE, seed): own[:, 0].tolist() for seed, own in zip(data_seeds(arguments), errors, strict=True)
        }
        show_beside("RMSE against the clean function", {"KAN, gcv": gcv, **beside})
    return show_bars(bars(errors), check=arguments.check)


def bars(errors: FloatArray) -> list[Bar]:
    """Of errors (data seeds, seeds, smoothings), gcv and none first."""
    medians = np.median(errors, axis=1)
    ratios = medians[:, 0] / medians[:, 2:].min(axis=1)
    print(
        f"\ngcv / best weight by hand, of medians over the model's seeds: median {median(ratios):.2f}, worst "
        f"data seed {ratios.max():.2f}"
    )
    unsmoothed = lowest(errors[:, :, 1].ravel() / errors[:, :, 0].ravel())
    return [
        Bar("gcv / best weight by hand, median over the data seeds", median(ratios), GCV_BAR),
        Bar("no smoothing / gcv, worst of all seeds", unsmoothed, UNSMOOTHED_BAR, at_least=True),
    ]


def show_weights(errors: FloatArray) -> None:
    """Print the whole list, so that its minimum can be seen to lie inside."""
    rows = [
        (f"{weight:.1e}", f"{np.median(np.median(own, axis=1)):.4f}", f"{own.min():.4f}", f"{own.max():.4f}")
        for weight, own in zip(WEIGHTS, np.moveaxis(errors, 2, 0), strict=True)
    ]
    title = f"Weights by hand: RMSE against the clean function, data seeds: {errors.shape[0]}"
    show_table(title, ("weight", "median", "best", "worst"), rows)


def show_seeds(seeds: list[int], errors: FloatArray, weights: FloatArray) -> None:
    """Print every fit: gcv and its weight, its best weight of the list, and no smoothing."""
    rows = []
    for data_seed, own, own_weights in zip(seeds, errors.tolist(), weights.tolist(), strict=True):
        for seed, ((gcv, none, *by_hand), weight) in enumerate(zip(own, own_weights, strict=True)):
            best = int(np.argmin(by_hand))
            rows.append(
                (
                    f"{data_seed}, {seed}",
                    f"{gcv:.4f}",
                    f"{weight:.1e}",
                    f"{by_hand[best]:.4f}",
                    f"{WEIGHTS[best]:.1e}",
                    f"{none:.4f}",
                    f"{gcv / by_hand[best]:.2f}",
                    f"{none / gcv:.2f}",
                )
            )
    show_table(
        f"RMSE against the clean function, {SAMPLES} samples with noise of {NOISE}, {WIDTH}, G = {GRIDS[-1]}",
        ("seeds", "gcv", "weight", "best by hand", "weight", "none", "gcv / best", "none / gcv"),
        rows,
    )


if __name__ == "__main__":
    raise SystemExit(main())

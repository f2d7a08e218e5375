"""The Lennard-Jones potential from 50 samples: r^-12 - r^-6 on [0.95, 2], [1,2,1], warm.

    python -m benchmarks.accuracy.lennard_jones --check

The data are the same for all seeds; the seed is that of the model. G = 4 makes 32 parameters: with many more
the 50 samples no longer hold the function between them. Times are of one process and one thread: the fastest
of a few repeats of a fit, since other load can only add to it, and then the slowest seed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks._common import Bar, median, positive, show_bars, show_table
from benchmarks.accuracy._common import highest, parser, run_tasks
from kan_np import KAN, create_dataset

MEDIAN_BAR, WORST_BAR, SECONDS_BAR = 5e-5, 2e-3, 0.1


@dataclass(frozen=True)
class Setting:
    """How one seed is fitted."""

    seed: int
    grid: int
    steps: int
    repeats: int


@dataclass(frozen=True)
class Outcome:
    """RMSE of a seed, and its seconds."""

    train_rmse: float
    test_rmse: float
    steps: int
    status: str
    seconds: float


def fit(setting: Setting) -> Outcome:
    dataset = create_dataset(
        lambda r: r**-12.0 - r**-6.0, n_var=1, ranges=[0.95, 2.0], train_num=50, test_num=1000, seed=0
    )
    times = []
    for _ in range(setting.repeats):
        clock = time.perf_counter()
        model = KAN([1, 2, 1], grid=setting.grid, k=3, seed=setting.seed)
        result = model.fit(dataset, opt="LM", steps=setting.steps, smoothing=0.0)
        times.append(time.perf_counter() - clock)
    return Outcome(
        result["train_loss"][-1], result["test_loss"][-1], result.n_iter, result.status.value, min(times)
    )


def main() -> int:
    made = parser(__doc__, seeds=10)
    made.add_argument("--grid", type=positive, default=4, help="intervals G (default 4)")
    made.add_argument("--steps", type=positive, default=80, help="most iterations (default 80)")
    made.add_argument("--repeats", type=positive, default=5, help="repeats of each fit (default 5)")
    arguments = made.parse_args()
    settings = [
        Setting(seed, arguments.grid, arguments.steps, arguments.repeats) for seed in range(arguments.seeds)
    ]
    outcomes = run_tasks(fit, settings, arguments.jobs)
    rows = [
        (seed, f"{o.train_rmse:.2e}", f"{o.test_rmse:.2e}", o.steps, o.status, f"{o.seconds:.3f}")
        for seed, o in enumerate(outcomes)
    ]
    show_table(
        f"Lennard-Jones, [1,2,1], G = {arguments.grid}, 50 samples, opt=LM",
        ("seed", "train RMSE", "test RMSE", "iterations", "status", "seconds"),
        rows,
    )
    print("pykan, 20 steps of L-BFGS, as printed in the example's blog: test RMSE 1.5e-2, 3 s")
    errors = [o.test_rmse for o in outcomes]
    bars = [
        Bar("median test RMSE", median(errors), MEDIAN_BAR),
        Bar("worst test RMSE", highest(errors), WORST_BAR),
        Bar("warm fit, slowest seed [s]", max(o.seconds for o in outcomes), SECONDS_BAR),
    ]
    return show_bars(bars, check=arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())

"""Levenberg-Marquardt against L-BFGS in the same time, for the number of parameters where "auto" switches.

    python -m benchmarks.accuracy.optimizers

Both start from the same model; Levenberg-Marquardt makes its steps, then L-BFGS gets as many seconds. Sizes
on both sides of the limit of "auto", and numbers of samples on both sides of the number of parameters, for
every seed of the data and the model. No bar: the table is what the limit was chosen by. No other models
either: what is compared is two ways to the same training error. Where samples are fewer than parameters both
reach zero, and the ratio of two roundings says nothing.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np

from benchmarks._common import median, positive, shape_text, show_table
from benchmarks.accuracy._common import data_seeds, lowest, parse, parser, warm
from kan_np import KAN, MLP, create_dataset
from kan_np.optimize import AUTO_LM_PARAMS

#: A training RMSE below this is rounding.
ZERO = 1e-12
KANS = [
    ([2, 5, 1], 5),
    ([2, 5, 1], 20),
    ([4, 9, 1], 10),
    ([4, 9, 9, 1], 5),
    ([4, 9, 9, 1], 8),
    ([4, 9, 9, 1], 12),
]
MLPS = [[2, 20, 20, 1], [4, 36, 36, 1]]


@dataclass(frozen=True)
class Pair:
    """What both optimizers reached from one start in the same seconds."""

    name: str
    n_params: int
    n_train: int
    seconds: float
    lm: float
    lbfgs: float

    @property
    def lead(self) -> float:
        """How many times lower the training RMSE of Levenberg-Marquardt is."""
        return self.lbfgs / max(self.lm, sys.float_info.min)


def target(x: np.ndarray) -> np.ndarray:
    """exp(mean of sin(pi x)^2 over pairs of inputs): smooth, and no sum of functions of one variable."""
    turned = np.sin(np.pi * (x[:, :-1] ** 2 + x[:, 1:] ** 2) / 2.0)
    return np.exp(turned.mean(axis=1, keepdims=True))


def compare(start: KAN | MLP, name: str, n_train: int, data_seed: int, steps: int) -> Pair:
    dataset = create_dataset(target, n_var=start.width[0], train_num=n_train, test_num=10, seed=data_seed)
    models = start.copy(), start.copy()
    clock = time.perf_counter()
    # least squares whatever the samples
    options = {"smoothing": 0.0} if isinstance(start, KAN) else {"weight_decay": 0.0}
    lm = models[0].fit(dataset, opt="LM", steps=steps, **options)
    seconds = time.perf_counter() - clock
    clock = time.perf_counter()
    lbfgs = models[1].fit(
        dataset,
        opt="LBFGS",
        steps=10**6,
        callback=lambda progress: time.perf_counter() - clock >= seconds,
        **options,
    )
    reached = [min(result["train_loss"]) for result in (lm, lbfgs)]
    return Pair(name, start.n_params, n_train, seconds, *reached)


def main() -> int:
    made = parser(__doc__, seeds=1)
    made.add_argument("--steps", type=positive, default=40, help="steps of Levenberg-Marquardt (default 40)")
    arguments = parse(made, steps=3, data_seeds=1)
    if arguments.jobs != 1:
        raise SystemExit("--jobs: times are compared, so fits run one after the other")
    warm()
    pairs: list[Pair] = []

    def add(start: KAN | MLP, name: str, n_train: int, data_seed: int) -> None:
        pairs.append(compare(start, name, n_train, data_seed, arguments.steps))
        print(f"{len(pairs)}: {name}, {n_train} samples, {pairs[-1].seconds:.1f} s", file=sys.stderr)

    for data_seed in data_seeds(arguments):
        for seed in range(arguments.seeds):
            for n_train in (300, 1000, 3000):
                for width, grid in KANS:
                    name = f"KAN {shape_text(width)} G={grid}"
                    add(KAN(width, grid, seed=seed), name, n_train, data_seed)
                for width in MLPS:
                    name = f"MLP {shape_text(width)}"
                    add(MLP(width, seed=seed), name, n_train, data_seed)
    show_pairs(pairs, arguments.steps)
    return 0


def show_pairs(pairs: list[Pair], steps: int) -> None:
    """Print medians over the seeds by model and number of samples, and who is lower how often."""
    groups: dict[tuple[str, int], list[Pair]] = {}
    for pair in sorted(pairs, key=lambda p: (p.name[:3], p.n_params, p.n_train)):
        groups.setdefault((pair.name, pair.n_train), []).append(pair)
    rows = [
        (
            name,
            own[0].n_params,
            n_train,
            f"{median(p.seconds for p in own):.2f}",
            f"{median(p.lm for p in own):.1e}",
            f"{median(p.lbfgs for p in own):.1e}",
            f"{median(p.lead for p in own):.1f}",
            f"{lowest(p.lead for p in own):.1f}",
        )
        for (name, n_train), own in groups.items()
    ]
    header = ("model", "parameters", "samples", "seconds", "LM", "L-BFGS", "L-BFGS / LM", "least")
    show_table(f"Training RMSE in the time of {steps} steps of LM, medians over the seeds", header, rows)
    told = [p for p in pairs if p.lbfgs > ZERO]
    for what, chosen in (
        (f"up to {AUTO_LM_PARAMS} parameters", [p for p in told if p.n_params <= AUTO_LM_PARAMS]),
        ("above", [p for p in told if p.n_params > AUTO_LM_PARAMS]),
    ):
        for family in ("KAN", "MLP"):
            own = [p for p in chosen if p.name.startswith(family)]
            better = sum(p.lead > 1.0 for p in own)
            print(f"{what}: Levenberg-Marquardt is lower for {better} of {len(own)} {family}s")


if __name__ == "__main__":
    raise SystemExit(main())

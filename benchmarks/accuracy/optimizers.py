"""Levenberg-Marquardt against L-BFGS in the same time: where "auto" changes over.

    python -m benchmarks.accuracy.optimizers

Both start from the same model; Levenberg-Marquardt makes its steps, then L-BFGS gets as many seconds. Sizes
on both sides of the limit of "auto", and numbers of samples on both sides of the number of parameters. No
bar: the table is what the limit was chosen by. Where samples are fewer than parameters both reach zero, and
the ratio of two roundings says nothing.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np

from benchmarks._common import positive, shape_text, show_table
from benchmarks.accuracy._common import parser, warm
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
        return self.lbfgs / self.lm


def target(x: np.ndarray) -> np.ndarray:
    """exp(mean of sin(pi x)^2 over pairs of inputs): smooth, and no sum of functions of one variable."""
    turned = np.sin(np.pi * (x[:, :-1] ** 2 + x[:, 1:] ** 2) / 2.0)
    return np.exp(turned.mean(axis=1, keepdims=True))


def compare(start: KAN | MLP, name: str, n_train: int, steps: int) -> Pair:
    dataset = create_dataset(target, n_var=start.width[0], train_num=n_train, test_num=10, seed=0)
    models = start.copy(), start.copy()
    clock = time.perf_counter()
    options = {"smoothing": 0.0} if isinstance(start, KAN) else {}  # least squares whatever the samples
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
    arguments = made.parse_args()
    if arguments.jobs != 1:
        raise SystemExit("--jobs: times are compared, so fits run one after the other")
    warm()
    pairs: list[Pair] = []

    def add(start: KAN | MLP, name: str, n_train: int) -> None:
        pairs.append(compare(start, name, n_train, arguments.steps))
        print(f"{len(pairs)}: {name}, {n_train} samples, {pairs[-1].seconds:.1f} s", file=sys.stderr)

    for seed in range(arguments.seeds):
        for n_train in (300, 1000, 3000):
            for width, grid in KANS:
                name = f"KAN {shape_text(width)} G={grid}"
                add(KAN(width, grid, seed=seed), name, n_train)
            for width in MLPS:
                name = f"MLP {shape_text(width)}"
                add(MLP(width, seed=seed), name, n_train)
    rows = [
        (p.name, p.n_params, p.n_train, f"{p.seconds:.2f}", f"{p.lm:.1e}", f"{p.lbfgs:.1e}", f"{p.lead:.1f}")
        for p in sorted(pairs, key=lambda p: (p.name[:3], p.n_params, p.n_train))
    ]
    header = ("model", "parameters", "samples", "seconds", "LM", "L-BFGS", "L-BFGS / LM")
    show_table(f"Training RMSE in the time of {arguments.steps} steps of LM", header, rows)
    told = [p for p in pairs if p.lbfgs > ZERO]
    for what, chosen in (
        (f"up to {AUTO_LM_PARAMS} parameters", [p for p in told if p.n_params <= AUTO_LM_PARAMS]),
        ("above", [p for p in told if p.n_params > AUTO_LM_PARAMS]),
    ):
        for family in ("KAN", "MLP"):
            own = [p for p in chosen if p.name.startswith(family)]
            better = sum(p.lead > 1.0 for p in own)
            print(f"{what}: Levenberg-Marquardt is lower for {better} of {len(own)} {family}s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Microseconds of one loss and full gradient, 1000 samples, one thread, and where they go.

    python -m benchmarks.kernels

Processor time of this thread, so that other load disturbs little; best of nine. No bar: the figures of one
machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from kan_np import KAN, MLP, create_dataset
from kan_np.penalty import Penalty

SHAPES = [([2, 1, 1], 3), ([2, 5, 1], 5), ([2, 5, 1], 20), ([2, 5, 5, 1], 10), ([4, 9, 9, 1], 5)]
MLPS = [[2, 5, 1], [2, 20, 20, 1], [2, 100, 100, 1]]


def best(call: Callable[[], object], repeats: int = 100) -> float:
    """Microseconds a call."""
    call()
    times = []
    for _ in range(9):
        clock = time.thread_time()
        for _ in range(repeats):
            call()
        times.append((time.thread_time() - clock) / repeats * 1e6)
    return min(times)


def data(n_in: int) -> dict[str, np.ndarray]:
    return create_dataset(lambda x: (x**2).sum(axis=1, keepdims=True), n_var=n_in, train_num=1000, seed=0)


def main() -> None:
    print("model                    n_params   loss+gradient   with penalties   prediction   [us]")
    for width, grid in SHAPES:
        samples = data(width[0])
        x, y = samples["train_input"], samples["train_label"]
        model = KAN(width, grid, seed=0)
        theta = model._theta
        plain, penalised = model._objective(x, y, Penalty()), model._objective(x, y, Penalty(1e-3))
        row = [best(lambda o=o, t=theta: o(t)) for o in (plain, penalised)]
        row.append(best(lambda m=model, x=x: m(x)))
        name = f"KAN {width} G={grid}"
        print(f"{name:24s} {model.n_params:8d} {row[0]:15.0f} {row[1]:16.0f} {row[2]:12.0f}")
    for width in MLPS:
        samples = data(width[0])
        x, y = samples["train_input"], samples["train_label"]
        network = MLP(width, seed=0)
        objective, theta = network._objective(x, y, Penalty()), network._theta
        row = [best(lambda o=objective, t=theta: o(t)), best(lambda m=network, x=x: m(x))]
        print(f"{f'MLP {width} tanh':24s} {network.n_params:8d} {row[0]:15.0f} {'':16s} {row[1]:12.0f}")


if __name__ == "__main__":
    main()

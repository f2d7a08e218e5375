"""pykan's hello world and the Lennard-Jones example, kan_np and pykan side by side in one run.

    python -m benchmarks.hello_world --check

exp(sin(pi x) + y^2), [2,5,1], G = 5, 1000 samples, 50 steps of L-BFGS; and r^-12 - r^-6 on
[0.95, 2], [1,2,1], 50 samples, 20 steps. Accuracy: median test RMSE over seeds 0 to 9. Speed: whole
fits, interleaved, one thread each, median of the ratios; both sides are warm.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.peers.environments import PeerError
from benchmarks.peers.process import Worker, peer_worker
from kan_np import KAN, create_dataset


@dataclass(frozen=True)
class Case:
    """A fit to compare, and its bars."""

    name: str
    width: list[int]
    steps: int
    dataset: dict[str, Any]
    rmse_bar: float
    speed_bar: float


def cases() -> list[Case]:
    hello = create_dataset(
        lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2),
        n_var=2,
        train_num=1000,
        test_num=1000,
        seed=0,
    )
    energy = create_dataset(
        lambda r: r**-12.0 - r**-6.0, n_var=1, ranges=[0.95, 2.0], train_num=50, test_num=1000, seed=0
    )
    return [
        Case("exp(sin(pi x) + y^2)", [2, 5, 1], 50, hello, 2.5e-3, 25.0),
        Case("Lennard-Jones", [1, 2, 1], 20, energy, 6.6e-4, 25.0),
    ]


def our_fit(case: Case, seed: int) -> tuple[float, float]:
    clock = time.perf_counter()
    result = KAN(case.width, grid=5, k=3, seed=seed).fit(case.dataset, opt="LBFGS", steps=case.steps)
    return time.perf_counter() - clock, result["test_loss"][-1]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a bar is missed")
    parser.add_argument("--seeds", type=int, default=10, help="seeds for the accuracy (default 10)")
    parser.add_argument(
        "--repeats", type=int, default=3, help="interleaved fits of both libraries (default 3)"
    )
    parser.add_argument("--no-pykan", action="store_true", help="accuracy alone, without the peer")
    parser.add_argument("--peer-python", help="a Python that has pykan; by default an environment is made")
    arguments = parser.parse_args()

    missed = []
    for case in cases():
        fits = [our_fit(case, seed) for seed in range(arguments.seeds)]
        rmse = float(np.median([loss for _, loss in fits]))
        worst = max(loss for _, loss in fits)
        print(f"{case.name} {case.width}, {case.steps} steps")
        print(
            f"  kan_np   test RMSE median {rmse:.2e}, worst {worst:.2e} over {arguments.seeds} seeds"
            f" (bar {case.rmse_bar:.1e})"
        )
        if rmse > case.rmse_bar:
            missed.append(f"{case.name}: RMSE")
        if not arguments.no_pykan and not compare(case, arguments):
            missed.append(f"{case.name}: speed")
    print("missed: " + "; ".join(missed) if missed else "all bars met")
    return 1 if arguments.check and missed else 0


def start_pykan(python: str | None) -> Worker:
    try:
        return peer_worker("pykan", python)
    except PeerError as error:
        raise SystemExit(f"pykan cannot be had here: {error}; --no-pykan leaves it out.") from None


def compare(case: Case, arguments: argparse.Namespace) -> bool:
    """Print fits of both libraries in turn; whether the bar for the ratio is met."""
    data = {name: rows.tolist() for name, rows in case.dataset.items() if isinstance(rows, np.ndarray)}
    request: dict[str, Any] = {"dataset": data, "width": case.width, "grid": 5}
    ratios, losses, times = [], [], []
    with start_pykan(arguments.peer_python) as pykan:
        pykan.ask("time_fit", **request, steps=2, seed=0)  # warm
        for seed in range(arguments.repeats):
            ours, _ = our_fit(case, seed)
            theirs = pykan.ask("time_fit", **request, steps=case.steps, seed=seed)
            ours_again, _ = our_fit(case, seed)
            ratios.append(theirs["seconds"] / (0.5 * (ours + ours_again)))
            losses.append(theirs["test_rmse"])
            times.append((0.5 * (ours + ours_again), theirs["seconds"]))
    for (ours, theirs), ratio, loss in zip(times, ratios, losses, strict=True):
        print(
            f"  fit      kan_np {ours:.3f} s, pykan {theirs:.2f} s (test RMSE {loss:.2e}): ratio {ratio:.1f}"
        )
    ratio = float(np.median(ratios))
    print(f"  pykan / kan_np: {ratio:.1f} (bar {case.speed_bar:.0f})")
    return ratio >= case.speed_bar


if __name__ == "__main__":
    raise SystemExit(main())

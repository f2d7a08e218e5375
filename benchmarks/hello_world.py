"""pykan's hello world and the Lennard-Jones example, kan_np and pykan side by side in one run.

    python -m benchmarks.hello_world --check

exp(sin(pi x) + y^2), [2,5,1], G = 5, 1000 samples, 50 steps of L-BFGS; and r^-12 - r^-6 on
[0.95, 2], [1,2,1], 50 samples, 20 steps. Accuracy: test RMSE over ten data seeds and three of the model each,
beside an MLP with the same optimizer and steps, a Gaussian process, cubic RBF interpolation and a linear
model. Speed: whole fits on data seed 0, interleaved, one thread each, median of the ratios; both are warm.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks._common import Bar, positive, show_bars
from benchmarks.accuracy._baselines import MlpEffort, show_beside, train_all
from benchmarks.accuracy._common import Errors, data_seeds, parse, parser, run_tasks, spread
from benchmarks.peers.environments import PeerError
from benchmarks.peers.process import Worker, peer_worker
from kan_np import KAN, Dataset, create_dataset


@dataclass(frozen=True)
class Case:
    """A fit to compare, its bars, and the hidden layers of the MLP beside it."""

    name: str
    width: tuple[int, ...]
    steps: int
    rmse_bar: float
    speed_bar: float
    mlp: tuple[int, ...]


#: The MLPs have 151 and 31 parameters, the KANs 135 and 36.
CASES = {
    "hello": Case("exp(sin(pi x) + y^2)", (2, 5, 1), 50, 2.5e-3, 25.0, (10, 10)),
    "energy": Case("Lennard-Jones", (1, 2, 1), 20, 6.6e-4, 25.0, (10,)),
}


def make(case: str, data_seed: int) -> Dataset:
    """The samples of a case."""
    if case == "hello":
        return create_dataset(
            lambda x: np.exp(np.sin(np.pi * x[:, [0]]) + x[:, [1]] ** 2),
            n_var=2,
            train_num=1000,
            test_num=1000,
            seed=data_seed,
        )
    return create_dataset(
        lambda r: r**-12.0 - r**-6.0,
        n_var=1,
        ranges=[0.95, 2.0],
        train_num=50,
        test_num=1000,
        seed=data_seed,
    )


def our_fit(case: Case, dataset: Dataset, seed: int) -> tuple[float, float]:
    clock = time.perf_counter()
    model = KAN(case.width, grid=5, k=3, seed=seed)
    # pykan's least squares; as it comes a fit to so few samples has a prior
    result = model.fit(dataset, opt="LBFGS", steps=case.steps, smoothing=0.0)
    return time.perf_counter() - clock, result["test_loss"][-1]


def our_error(task: tuple[str, int, int]) -> float:
    """Test RMSE of a case, a data seed and a seed of the model."""
    name, data_seed, seed = task
    return our_fit(CASES[name], make(name, data_seed), seed)[1]


def effort(case: str) -> MlpEffort:
    chosen = CASES[case]
    return MlpEffort(chosen.mlp, opt="LBFGS", steps=chosen.steps, restarts=1, val_fraction=0.0)


def accuracy(arguments: argparse.Namespace) -> list[Bar]:
    """Print the errors of all seeds beside the baselines; the bars."""
    tasks = [
        (name, data_seed, seed)
        for name in CASES
        for data_seed in data_seeds(arguments)
        for seed in range(arguments.seeds)
    ]
    errors: dict[tuple[str, int], list[float]] = {}
    for (name, data_seed, _), error in zip(tasks, run_tasks(our_error, tasks, arguments.jobs), strict=True):
        errors.setdefault((name, data_seed), []).append(error)
    beside: dict[str, Errors] = {}
    if not arguments.no_baselines:
        seeds = data_seeds(arguments)
        beside = train_all(make, list(CASES), seeds, jobs=arguments.jobs, effort=effort)
    show_beside("Test RMSE", {"KAN": errors, **beside})
    return [
        Bar(f"{case.name}: median test RMSE", spread(errors, name).median, case.rmse_bar)
        for name, case in CASES.items()
    ]


def main() -> int:
    made = parser(__doc__, seeds=3, data_seeds=10)
    made.add_argument(
        "--repeats", type=positive, default=3, help="interleaved fits of both libraries (default 3)"
    )
    made.add_argument("--no-pykan", action="store_true", help="accuracy alone, without the peer")
    made.add_argument("--peer-python", help="a Python that has pykan; by default an environment is made")
    arguments = parse(made, repeats=1)
    bars = accuracy(arguments)
    if not arguments.no_pykan:
        bars += [compare(name, arguments) for name in CASES]
    return show_bars(bars, check=arguments.check)


def start_pykan(python: str | None) -> Worker:
    try:
        return peer_worker("pykan", python)
    except PeerError as error:
        raise SystemExit(f"pykan cannot be had here: {error}; --no-pykan leaves it out.") from None


def compare(name: str, arguments: argparse.Namespace) -> Bar:
    """Print fits of both libraries in turn; the bar for the ratio."""
    case, dataset = CASES[name], make(name, 0)
    data = {key: rows.tolist() for key, rows in dataset.items() if isinstance(rows, np.ndarray)}
    request: dict[str, Any] = {"dataset": data, "width": list(case.width), "grid": 5}
    ratios, losses, times = [], [], []
    with start_pykan(arguments.peer_python) as pykan:
        pykan.ask("time_fit", **request, steps=2, seed=0)  # warm
        for seed in range(arguments.repeats):
            ours, _ = our_fit(case, dataset, seed)
            theirs = pykan.ask("time_fit", **request, steps=case.steps, seed=seed)
            ours_again, _ = our_fit(case, dataset, seed)
            ratios.append(theirs["seconds"] / (0.5 * (ours + ours_again)))
            losses.append(theirs["test_rmse"])
            times.append((0.5 * (ours + ours_again), theirs["seconds"]))
    print(f"\n{case.name} {list(case.width)}, {case.steps} steps")
    for (ours, theirs), ratio, loss in zip(times, ratios, losses, strict=True):
        print(
            f"  fit      kan_np {ours:.3f} s, pykan {theirs:.2f} s (test RMSE {loss:.2e}): ratio {ratio:.1f}"
        )
    return Bar(
        f"{case.name}: seconds of pykan / kan_np", float(np.median(ratios)), case.speed_bar, at_least=True
    )


if __name__ == "__main__":
    raise SystemExit(main())

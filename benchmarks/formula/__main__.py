"""A table: exact (relative error on fresh samples below 1e-6), accurate (below 1e-4) or missed."""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.formula.problems import Problem, feynman, toys
from kan_np.discovery import Discovery, discover, wide_library


def main() -> None:
    """Run the functions that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formula")
    parser.add_argument("suite", choices=("toys", "feynman"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    problems = toys() if asked.suite == "toys" else feynman()
    counts = {"exact": 0, "accurate": 0, "missed": 0}
    for problem in problems:
        if not asked.names or problem.name in asked.names:
            counts[_row(problem, asked)] += 1
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


def _row(problem: Problem, asked: argparse.Namespace) -> str:
    dataset = problem.dataset(asked.noise)
    library = wide_library()
    for name, formula in problem.symbols:
        library = library.add(name, formula)
    begin = time.process_time()
    found = discover(dataset, library=library, var=problem.variables, seconds=asked.seconds, seed=asked.seed)
    cpu = time.process_time() - begin
    error = _error(found, dataset)
    verdict = "exact" if error < 1e-6 else "accurate" if error < 1e-4 else "missed"
    best = found.best
    print(
        f"{problem.name:11s} {problem.formula:45s} {verdict:8s} {error:8.1e} {cpu:5.0f} s  "
        f"{str(best.formula.expressions[0])[:100]}",
        flush=True,
    )
    return verdict


def _error(found: Discovery, dataset: dict) -> float:
    """RMSE on fresh samples without noise, in units of their spread."""
    label = dataset["test_label"]
    predicted = found.best.formula.numpy()(dataset["test_input"])
    return float(np.sqrt(np.mean(np.square(predicted - label))) / label.std())


if __name__ == "__main__":
    main()

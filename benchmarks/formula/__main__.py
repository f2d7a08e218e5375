"""A table: exact (relative error on fresh samples below 1e-6), accurate (below 1e-4) or missed."""

from __future__ import annotations

import argparse
import sys

from benchmarks.formula.problems import SUITES, Problem
from benchmarks.formula.searched import EXACT, searched
from benchmarks.formula.srbench.command import main as srbench


def main() -> None:
    """Run the functions that are asked for."""
    if sys.argv[1:2] == ["srbench"]:
        raise SystemExit(srbench(sys.argv[2:]))
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formula")
    parser.add_argument("suite", choices=(*SUITES, "srbench"), help="srbench has options of its own")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-seed", type=int, default=0)
    asked = parser.parse_args()
    counts = {"exact": 0, "accurate": 0, "missed": 0}
    for problem in SUITES[asked.suite]():
        if not asked.names or problem.name in asked.names:
            counts[_row(problem, asked)] += 1
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


def _row(problem: Problem, asked: argparse.Namespace) -> str:
    found, cpu, error = searched(problem, asked.noise, asked.data_seed, asked.seconds, asked.seed)
    verdict = "exact" if error < EXACT else "accurate" if error < 1e-4 else "missed"
    print(
        f"{problem.name:11s} {problem.formula:45s} {verdict:8s} {error:8.1e} {cpu:5.0f} s  "
        f"{str(found.best.formula.expressions[0])[:100]}",
        flush=True,
    )
    return verdict


if __name__ == "__main__":
    main()

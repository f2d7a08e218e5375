"""Helpers of the accuracy scripts: options, worker processes, medians and worsts."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np

from benchmarks._common import median, positive
from kan_np import SuiteFunction, create_dataset, fit_mlp, fit_schedule

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


#: (case, data seed) to what the model's seeds reached.
Errors = Mapping[tuple[str, int], Sequence[float]]


@dataclass(frozen=True)
class Spread:
    """Median over the data seeds of the medians over the model's seeds; best and worst of all."""

    median: float
    best: float
    worst: float

    def __str__(self) -> str:
        return f"{self.median:.1e} ({self.worst:.1e})"


def spread(errors: Errors, case: str) -> Spread:
    """How the errors of a case lie; NaN if any is."""
    by_data = [values for (own, _), values in errors.items() if own == case]
    every = [value for values in by_data for value in values]
    return Spread(median(median(values) for values in by_data), lowest(every), highest(every))


def parser(
    description: str | None, *, seeds: int, data_seeds: int = 5, jobs: int = 1
) -> argparse.ArgumentParser:
    """Return a parser with the options that every script has; data_seeds=0 leaves out those of data."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--check", action="store_true", help="exit 1 when a bar is missed")
    made.add_argument(
        "--seeds", type=positive, default=seeds, help=f"number of seeds of the models (default {seeds})"
    )
    made.add_argument("--jobs", type=positive, default=jobs, help=f"worker processes (default {jobs})")
    if data_seeds:
        made.add_argument(
            "--data-seeds",
            type=positive,
            default=data_seeds,
            help=f"number of seeds of the data, crossed with those of the models (default {data_seeds})",
        )
        made.add_argument(
            "--first-data-seed",
            type=int,
            default=0,
            help="first of them (default 0); others than those by which settings were chosen",
        )
        made.add_argument(
            "--quick", action="store_true", help="the least that uses every part: a look, not a measurement"
        )
        made.add_argument("--no-baselines", action="store_true", help="KANs alone")
    return made


def parse(made: argparse.ArgumentParser, **quick: object) -> argparse.Namespace:
    """Parse the command line; with --quick what it does not say is as `quick` has it, and few seeds."""
    arguments = made.parse_args()
    if arguments.quick:
        for name, value in {"seeds": 1, "data_seeds": 2, **quick}.items():
            if getattr(arguments, name) == made.get_default(name):
                setattr(arguments, name, value)
    return arguments


def data_seeds(arguments: argparse.Namespace) -> list[int]:
    """The data seeds that were asked for."""
    return list(range(arguments.first_data_seed, arguments.first_data_seed + arguments.data_seeds))


def choose(functions: Iterable[SuiteFunction], names: str | None) -> list[SuiteFunction]:
    """Return the functions of a suite, or those whose names a comma-separated list gives."""
    by_name = {function.name: function for function in functions}
    if names is None:
        return list(by_name.values())
    wanted = [name.strip() for name in names.split(",")]
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        raise SystemExit(f"no function {', '.join(unknown)}; there are {', '.join(by_name)}")
    return [by_name[name] for name in wanted]


def pick_cases(cases: Iterable[str], names: str | None) -> list[str]:
    """Return all cases, or those that a comma-separated list names."""
    known = list(cases)
    chosen = known if names is None else [name.strip() for name in names.split(",")]
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise SystemExit(f"no case {', '.join(unknown)}; there are {', '.join(known)}")
    return chosen


def run_tasks(
    task: Callable[[_Item], _Result], items: Sequence[_Item], jobs: int, label: str = "fits"
) -> list[_Result]:
    """Return ``[task(item) for item in items]``; with jobs above 1 in as many fresh processes.

    Processes are spawned, so that each imports NumPy anew with the one BLAS thread that
    `benchmarks.accuracy` asks for.
    """
    clock = time.perf_counter()
    if jobs == 1:
        warm()
        results = []
        for done, item in enumerate(items, 1):
            results.append(task(item))
            _progress(label, done, len(items), clock)
        return results
    workers = min(jobs, len(items))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=warm) as pool:
        futures = [pool.submit(task, item) for item in items]
        for done, _ in enumerate(as_completed(futures), 1):
            _progress(label, done, len(items), clock)
        try:
            return [future.result() for future in futures]
        except BrokenProcessPool:
            lost = [item for item, future in zip(items, futures, strict=True) if future.exception()]
            raise SystemExit(f"a worker process died; --jobs 1 shows in which of these: {lost}") from None


def _progress(label: str, done: int, total: int, clock: float) -> None:
    """Say on stderr how far it is: a line that moves on a terminal, about ten lines elsewhere."""
    terminal = sys.stderr.isatty()
    if terminal or done == total or done % max(1, total // 10) == 0:
        text = f"{label}: {done} of {total}, {time.perf_counter() - clock:.0f} s"
        end = "\r" if terminal and done < total else "\n"
        print(text, end=end, file=sys.stderr, flush=True)


def warm() -> None:
    """Compile, or load from Numba's cache, every kernel that a fit uses."""
    assert os.environ["OMP_NUM_THREADS"] == "1"
    # one column is laid out otherwise than two, and one coefficient matrix than several: Numba compiles anew
    for n_var, hidden in ((1, []), (1, [2]), (2, [2])):
        dataset = create_dataset(
            lambda x: np.sin(x.sum(axis=1)), n_var=n_var, train_num=60, test_num=10, seed=0
        )
        for opt in ("LM", "LBFGS"):
            fit_schedule([n_var, *hidden, 1], dataset, grids=(3, 6, 30), opt=opt, steps=2, restarts=2)
            fit_mlp([n_var, 3, 1], dataset, opt=opt, steps=2)


def geometric_mean(values: Iterable[float]) -> float:
    """exp of the mean of the logarithms of positive values."""
    return float(np.exp(np.mean(np.log(np.fromiter(values, dtype=np.float64)))))


def highest(values: Iterable[float]) -> float:
    """Largest value, NaN if any is: unlike max()."""
    return float(np.max(np.fromiter(values, dtype=np.float64)))


def lowest(values: Iterable[float]) -> float:
    """Smallest value, NaN if any is: unlike min()."""
    return float(np.min(np.fromiter(values, dtype=np.float64)))


def log_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Least-squares slope of log y against log x."""
    if len(x) < 2:
        return float("nan")
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def rmse(prediction: Any, truth: Any) -> float:
    """Root of the mean squared difference."""
    return float(np.sqrt(np.mean((np.asarray(prediction) - truth) ** 2)))

"""One search of `discover` for a function: what is found, its processor time and its error."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.formula.problems import Problem
from kan_np.discovery import Discovery, discover, wide_library

#: Relative error on fresh samples below which a formula is exact.
EXACT = 1e-6


def searched(
    problem: Problem, noise: float = 0.0, data_seed: int = 0, seconds: float = 60.0, seed: int = 0
) -> tuple[Discovery, float, float]:
    """What is found, seconds of processor time, and the RMSE on fresh samples in units of their spread."""
    dataset = problem.dataset(noise, data_seed)
    library = wide_library()
    for name, formula in problem.symbols:
        library = library.add(name, formula)
    begin = time.process_time()
    found = discover(dataset, library=library, var=problem.variables, seconds=seconds, seed=seed)
    cpu = time.process_time() - begin
    label = dataset["test_label"]
    predicted = found.best.formula.numpy()(dataset["test_input"])
    return found, cpu, float(np.sqrt(np.mean(np.square(predicted - label))) / label.std())

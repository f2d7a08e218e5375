"""One search by a peer, in the peer's own Python: a line of JSON in, a line of JSON out.

This module imports nothing but NumPy and the peer.
"""

from __future__ import annotations

import contextlib
import json
import math
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

#: A formula, and the processor time of the search for it.
Found = tuple[str, float]

#: A search of seconds of the wall clock that had less than this part of them is begun again with more.
_ENOUGH = 0.9
#: Of gplearn at most.
_GENERATIONS = 707


def operon(x: Any, y: Any, seconds: float, seed: int) -> Found:
    """Operon with the settings that SRBench tuned, and the larger one of its sets of functions."""
    from pyoperon.sklearn import SymbolicRegressor

    def search(limit: int) -> str:
        model = SymbolicRegressor(
            allowed_symbols="add,sub,mul,div,exp,log,sin,cos,sqrt,square,constant,variable",
            population_size=500,
            pool_size=500,
            max_length=50,
            max_depth=10,
            tournament_size=5,
            brood_size=10,
            offspring_generator="basic",
            reinserter="keep-best",
            objectives=["r2"],
            optimizer_iterations=5,
            mutation_probability=0.25,
            generations=10**7,
            max_evaluations=10**9,
            max_time=limit,
            n_threads=1,
            random_state=seed + 1,
        )
        model.fit(x, y)
        names = [f"x_{i + 1}" for i in range(x.shape[1])]
        return str(model.get_model_string(model.model_, 17, names))

    return _by_the_wall_clock(search, seconds)


def rils_rols(x: Any, y: Any, seconds: float, seed: int) -> Found:
    """RILS-ROLS with SRBench's settings."""
    from rils_rols.rils_rols import RILSROLSRegressor

    def search(limit: int) -> str:
        model = RILSROLSRegressor(
            max_time=limit, max_fit_calls=10**6, max_complexity=50, sample_size=1, random_state=seed
        )
        model.fit(x, y)
        return str(model.model)

    return _by_the_wall_clock(search, seconds)


def gplearn(x: Any, y: Any, seconds: float, seed: int) -> Found:
    """gplearn with the settings that SRBench tuned, generation by generation until the time is over."""
    from gplearn.genetic import SymbolicRegressor

    model = SymbolicRegressor(
        population_size=1414,
        generations=1,
        function_set=("add", "sub", "mul", "div", "log", "sqrt", "sin", "cos"),
        tournament_size=20,
        init_depth=(2, 6),
        init_method="half and half",
        metric="mean absolute error",
        parsimony_coefficient=0.001,
        p_crossover=0.9,
        p_subtree_mutation=0.01,
        p_hoist_mutation=0.01,
        p_point_mutation=0.01,
        p_point_replace=0.05,
        warm_start=True,
        random_state=seed,
    )
    begin, generation = time.process_time(), 0
    while generation < _GENERATIONS and time.process_time() - begin < seconds:
        generation += 1
        model.set_params(generations=generation)
        model.fit(x, y)
        if model._program.raw_fitness_ == 0.0:
            break
    return str(model._program), time.process_time() - begin


def _by_the_wall_clock(search: Callable[[int], str], seconds: float) -> Found:
    """What is found by a search that is limited by the wall clock, and had `seconds` of the processor."""
    limit = math.ceil(seconds)
    while True:
        wall, cpu = time.perf_counter(), time.process_time()
        formula = search(limit)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if wall < _ENOUGH * limit or cpu >= _ENOUGH * seconds:
            return formula, cpu
        limit = math.ceil(limit * seconds / max(cpu, 0.1 * seconds))


#: By name: what is called, and the distribution whose version it is.
SEARCHES = {
    "operon": (operon, "pyoperon"),
    "rils-rols": (rils_rols, "rils-rols"),
    "gplearn": (gplearn, "gplearn"),
}


def main() -> None:
    """Answer one request."""
    asked = json.loads(sys.stdin.readline())
    call, distribution = SEARCHES[asked["method"]]
    x, y = np.array(asked["x"]), np.array(asked["y"])
    with contextlib.redirect_stdout(sys.stderr):
        formula, cpu = call(x, y, asked["seconds"], asked["seed"])
    print(json.dumps({"formula": formula, "cpu": cpu, "version": version(distribution)}))


if __name__ == "__main__":
    main()

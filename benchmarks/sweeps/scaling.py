"""A real sweep on one core and on two: the special functions with the quick preset and four seeds.

Whole commands, from their start to their end; the kernels are compiled before. Beside it stands what the
machine gives: the same runs in plain loops, in one process alone and in two at once.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._common import Bar, show_table
from benchmarks.sweeps._command import call, tell
from sweeps.run_one import run_one, warm_up
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.spec_reader import suite_spec
from sweeps.storage.store import Store

RATIO_BAR = 1.85
RUNS_BAR = 500
_SEEDS = 4
#: Of the runs of one seed, so many make up the plain loops.
_SAMPLE = 45
#: How long a process waits for the other one to have its kernels.
_PATIENCE_S = 300.0


def measure(room: Path) -> list[Bar]:
    """Carry the sweep out in `room` twice."""
    spec = suite_spec("special", "quick")
    configs = [dict(run.config) for run in expand(spec, tasks.describe(spec))]
    tell("compiling kernels, or loading them from the cache ...")
    warm_up(configs)
    with tempfile.TemporaryDirectory(dir=room) as folder:
        one, two = (_command(Path(folder), jobs) for jobs in (1, 2))
        runs = _same_results(Path(folder))
    chosen = np.random.default_rng(0).permutation(len(configs))[:_SAMPLE]
    alone, together = (_loops([configs[i] for i in chosen], processes) for processes in (1, 2))
    rows = [
        (f"sweep of {runs} runs", f"{one:.1f}", f"{two:.1f}", f"{one / two:.2f}"),
        (
            f"the machine: {_SAMPLE} runs a core",
            f"{2 * alone:.1f}",
            f"{together:.1f}",
            f"{2 * alone / together:.2f}",
        ),
    ]
    show_table("One core and two", ("", "seconds on one", "on two", "times as fast"), rows)
    return [
        Bar("runs of the sweep", runs, RUNS_BAR, at_least=True),
        Bar("two cores, times as fast as one", one / two, RATIO_BAR, at_least=True),
    ]


def _command(folder: Path, jobs: int) -> float:
    tell(f"special, preset quick, {_SEEDS} seeds, --jobs {jobs} ...")
    arguments = ("run", "special", "--preset", "quick", "--seeds", _SEEDS, "--out", folder / str(jobs))
    return call(*arguments, "--jobs", jobs, "--no-report", "--progress", "none").seconds


def _same_results(folder: Path) -> int:
    """Return the number of runs; both sweeps must have the same results to the last bit."""
    errors = []
    for jobs in (1, 2):
        with Store.open(folder / str(jobs), readonly=True) as store:
            counts, stages = store.counts(), store.stages()
        assert counts["missing"] == 0
        errors.append(stages["test_rmse"].tobytes())
    assert errors[0] == errors[1]
    return counts["finished"]


def _loops(configs: Sequence[dict[str, Any]], processes: int) -> float:
    """Return the seconds in which every one of so many processes at once computes all configurations."""
    tell(f"{len(configs)} runs in {processes} plain process{'es' if processes > 1 else ''} ...")
    context = get_context("spawn")
    begin = context.Barrier(processes)
    with ProcessPoolExecutor(processes, context, initializer=_share, initargs=(begin,)) as pool:
        return max(pool.map(_loop, [configs] * processes))


_shared: dict[str, Any] = {}


def _share(begin: Any) -> None:
    _shared["begin"] = begin


def _loop(configs: Sequence[dict[str, Any]]) -> float:
    warm_up(configs)
    _shared["begin"].wait(timeout=_PATIENCE_S)
    clock = time.perf_counter()
    for config in configs:
        run_one(config)
    return time.perf_counter() - clock

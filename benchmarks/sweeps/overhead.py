"""What one more run costs besides its training: in this process, on two worker processes, on a small cluster.

Tiny runs, so that nothing else shows. From the time of all cores, (processes) x (seconds of the sweep), the
processor time that the runs themselves measured is taken away; what is left is planning, pickling, waiting
and storing. Processes that have to be started are started before.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks._common import Bar, show_table
from benchmarks.sweeps._command import tell
from benchmarks.sweeps._tiny import tiny_spec
from sweeps import tasks
from sweeps.plan import make_plan
from sweeps.run_one import RunOptions
from sweeps.runner import RunnerOptions, SweepEnd, run_plan
from sweeps.space import expand
from sweeps.spec_reader import read_spec
from sweeps.store import Store

MS_BAR = 3.0
_START, _RUNS = 100, 2000
_BACKENDS = {"sequential": 1, "loky": 2} | ({"dask": 2} if find_spec("distributed") else {})


@dataclass(frozen=True)
class _Cost:
    """Of one sweep, in seconds: from its first run to its end, and what its runs took of the processor."""

    runs: int
    wall_s: float
    cpu_s: float

    def overhead_ms(self, jobs: int) -> float:
        """Milliseconds of a core that a run takes besides itself."""
        return 1e3 * (jobs * self.wall_s - self.cpu_s) / self.runs


def measure(room: Path) -> list[Bar]:
    """Carry tiny sweeps out in `room` with every backend."""
    rows, bars = [], []
    with tempfile.TemporaryDirectory(dir=room) as folder:
        for backend, jobs in _BACKENDS.items():
            start = _sweep(Path(folder), backend, jobs, _START)
            cost = _sweep(Path(folder), backend, jobs, _RUNS)
            overhead = cost.overhead_ms(jobs)
            own = 1e3 * cost.cpu_s / cost.runs
            rows.append(
                (
                    f"{backend}, {jobs} process{'es' if jobs > 1 else ''}",
                    f"{own:.2f}",
                    f"{overhead:.2f}",
                    f"{cost.runs / cost.wall_s:.0f}",
                    f"{max(start.wall_s - start.runs * cost.wall_s / cost.runs, 0.0):.1f}",
                )
            )
            bars.append(Bar(f"overhead of a run, {backend}, ms", overhead, MS_BAR))
    header = ("backend", "ms in a run", "ms besides", "runs a second", "seconds to start")
    show_table(f"Overhead, {_RUNS} tiny runs", header, rows)
    return bars


def _sweep(folder: Path, backend: str, jobs: int, runs: int) -> _Cost:
    tell(f"{runs} tiny runs, {backend} ...")
    spec = read_spec(tiny_spec(folder, runs))
    todo = expand(spec, tasks.describe(spec))
    with Store.create(folder / f"{backend}-{runs}", spec.to_dict(), "") as store:
        store.set_plan([(run.run_id, run.task, run.family, run.config) for run in todo])
        runner = RunnerOptions(backend, jobs, progress="none")
        outcome = run_plan(store, make_plan(todo, ()), RunOptions(), runner, lambda line: None)
        assert outcome.end is SweepEnd.FINISHED
        assert (outcome.done, outcome.failed) == (runs, 0)
        cpu_s = float(np.sum(store.runs()["cpu_s"]))
    return _Cost(runs, outcome.wall_s, cpu_s)

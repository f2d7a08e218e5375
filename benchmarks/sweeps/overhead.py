"""What one more run costs besides its training: in this process, on two worker processes, on a small cluster.

Tiny runs, so that nothing else shows, in a short sweep and in a long one. From the time of all cores,
(processes) x (seconds), that the long one takes more, the processor time that its further runs themselves
measured is taken away; what is left is planning, pickling, waiting and storing. What a sweep takes once, to
start processes above all, is shown beside it.
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
from sweeps.run_one import RunOptions
from sweeps.runner import RunnerOptions, SweepEnd, run_plan
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.plan import make_plan
from sweeps.spec.spec_reader import read_spec
from sweeps.storage.store import Store

MS_BAR = 3.0
_START, _RUNS = 100, 5000
_BACKENDS = {"sequential": 1, "threading": 2, "loky": 2} | ({"dask": 2} if find_spec("distributed") else {})


@dataclass(frozen=True)
class _Cost:
    """Of a sweep, in seconds: from before its processes are started to its end, and what its runs took."""

    runs: int
    wall_s: float
    cpu_s: float

    def __sub__(self, other: _Cost) -> _Cost:
        return _Cost(self.runs - other.runs, self.wall_s - other.wall_s, self.cpu_s - other.cpu_s)

    def overhead_ms(self, jobs: int) -> float:
        """Milliseconds of a core that a run takes besides itself."""
        return 1e3 * (jobs * self.wall_s - self.cpu_s) / self.runs


def measure(room: Path) -> list[Bar]:
    """Carry tiny sweeps out in `room` with every backend."""
    rows, bars = [], []
    with tempfile.TemporaryDirectory(dir=room) as folder:
        for backend, jobs in _BACKENDS.items():
            start = _sweep(Path(folder), backend, jobs, _START)
            further = _sweep(Path(folder), backend, jobs, _RUNS) - start
            overhead = further.overhead_ms(jobs)
            rows.append(
                (
                    f"{backend}, {jobs} process{'es' if jobs > 1 else ''}",
                    f"{1e3 * further.cpu_s / further.runs:.2f}",
                    f"{overhead:.2f}",
                    f"{further.runs / further.wall_s:.0f}",
                    f"{max(start.wall_s - start.runs * further.wall_s / further.runs, 0.0):.1f}",
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

"""Memory of the parent and of its workers over a long sweep: it may not grow with the runs.

Resident memory is read from /proc while the command runs, so this wants Linux. Growth is the median over the
last quarter of the sweep less that over its second quarter; the first one fills caches that are bounded.
"""

from __future__ import annotations

import contextlib
import math
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks._common import Bar, show_table
from benchmarks.sweeps._command import MIB, tell
from benchmarks.sweeps._tiny import tiny_spec

_RUNS = 8000
_EVERY_S = 0.1
PEAK_BAR = 400.0
#: MiB in half a sweep of `_RUNS` runs: less than a KiB and a half a run.
GROWTH_BAR = 6.0


@dataclass(frozen=True)
class _Memory:
    """MiB of a process: at most, and how much more at the end of the sweep than in its second quarter."""

    peak: float
    growth: float


def measure(room: Path) -> list[Bar]:
    """Carry a long sweep of tiny runs out in `room`, in one process and with two workers."""
    if not Path("/proc/self/statm").is_file():
        tell("memory is read from /proc, which this system does not have: nothing measured")
        return []
    rows, bars = [], []
    for jobs in (1, 2):
        parent, workers = _sweep(room, jobs)
        names = ["parent", *(f"worker {number + 1}" for number in range(len(workers)))]
        for name, memory in zip(names, [parent, *workers], strict=True):
            rows.append((f"--jobs {jobs}, {name}", f"{memory.peak:.0f}", f"{memory.growth:+.1f}"))
        bars.append(Bar(f"memory of the parent, --jobs {jobs}, growth in MiB", parent.growth, GROWTH_BAR))
        bars.append(Bar(f"memory of the parent, --jobs {jobs}, peak MiB", parent.peak, PEAK_BAR))
        if jobs > 1:
            growth = max((worker.growth for worker in workers), default=math.nan)
            peak = max((worker.peak for worker in workers), default=math.nan)
            bars.append(Bar("memory of a worker, growth in MiB", growth, GROWTH_BAR))
            bars.append(Bar("memory of a worker, peak MiB", peak, PEAK_BAR))
    header = ("process", "peak MiB", "growth MiB")
    show_table(f"Memory over {_RUNS} runs; growth from the second quarter to the last", header, rows)
    return bars


def _sweep(room: Path, jobs: int) -> tuple[_Memory, list[_Memory]]:
    """Return the memory of the process that was started, and of those of its children that worked."""
    tell(f"{_RUNS} tiny runs, --jobs {jobs} ...")
    with tempfile.TemporaryDirectory(dir=room) as folder:
        arguments = ["run", tiny_spec(Path(folder), _RUNS), "--out", Path(folder) / "out"]
        options = ["--jobs", jobs, "--no-report", "--progress", "none"]
        command = [sys.executable, "-m", "sweeps", *map(str, [*arguments, *options])]
        samples: dict[int, list[float]] = {}
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None:
                for pid in [process.pid, *_children(process.pid)]:
                    samples.setdefault(pid, []).append(_resident_mib(pid))
                time.sleep(_EVERY_S)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with code {process.returncode}")
    parent = samples.pop(process.pid)
    # Helpers of Python's multiprocessing and processes that were only just there are no workers.
    workers = [found for found in samples.values() if len(found) > len(parent) / 2 and max(found) > 50.0]
    return _memory(parent), [_memory(found) for found in workers]


def _memory(samples: list[float]) -> _Memory:
    # The last samples may be of a process that is on its way out.
    kept = np.array([sample for sample in samples if sample > 0.0])
    quarters = np.array_split(kept, 4)
    return _Memory(float(kept.max()), float(np.median(quarters[3]) - np.median(quarters[1])))


def _children(pid: int) -> list[int]:
    """Return the processes that any thread of a process has started."""
    found: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, listed.read_text().split())
    return found


def _resident_mib(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / MIB
    except OSError:
        return 0.0

"""`status`, and the same `run` again, over 100,000 finished runs: whole commands, imports included."""

from __future__ import annotations

from pathlib import Path

from benchmarks._common import Bar, median, show_table
from benchmarks.sweeps._command import Ended, call
from benchmarks.sweeps._synthetic import SINGLES, finished_sweep

SECONDS_BAR = 2.0
_REPEATS = 5


def measure(room: Path) -> list[Bar]:
    """Time both commands, `room` is where the made-up sweep is or will be."""
    spec, out = finished_sweep(room, "singles", SINGLES)
    commands = {
        "status": ("status", out),
        "resume": ("run", spec, "--out", out, "--no-report", "--progress", "none"),
        "dry run": ("run", spec, "--out", out, "--dry-run"),
    }
    ended: dict[str, list[Ended]] = {name: [] for name in commands}
    for _ in range(_REPEATS):
        for name, arguments in commands.items():
            ended[name].append(call(*arguments))
    assert all("nothing to launch: all 100000 runs" in one.output for one in ended["resume"])
    rows = [
        (
            name,
            f"{median(one.seconds for one in found):.2f}",
            f"{median(one.cpu_s for one in found):.2f}",
            f"{max(one.peak_mib for one in found):.0f}",
        )
        for name, found in ended.items()
    ]
    show_table("100,000 finished runs", ("command", "seconds", "processor s", "peak MiB"), rows)
    return [
        Bar(f"{name}, 100,000 runs, seconds", median(one.seconds for one in ended[name]), SECONDS_BAR)
        for name in ("status", "resume")
    ]

"""Runs that the writer adds to a store each second, if it is empty and if it holds 200,000 models."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from benchmarks._common import Bar, show_table
from benchmarks.sweeps._command import MIB
from benchmarks.sweeps._synthetic import CHAINS, fill

#: Of the three milliseconds that the runner may take for a run, the store gets one.
MS_BAR = 1.0
_RUNS = 5000


def measure(room: Path) -> list[Bar]:
    """Fill a store in `room`."""
    with tempfile.TemporaryDirectory(dir=room) as folder:
        out = Path(folder) / "chains"
        ms = 1e3 * fill(Path(folder) / "chains.toml", out, CHAINS)
        size = (out / "results.db").stat().st_size / MIB
    parts = {"first 5000": ms[:_RUNS], "last 5000": ms[-_RUNS:], f"all {ms.size}": ms}
    rows = [
        (name, f"{np.mean(part):.2f}", f"{np.quantile(part, 0.99):.2f}", f"{1e3 / np.mean(part):.0f}")
        for name, part in parts.items()
    ]
    header = ("runs", "ms a run", "99 of 100 below", "runs a second")
    show_table(f"Adding {ms.size} runs of 200,000 models to one store ({size:.0f} MiB)", header, rows)
    return [Bar("store, ms a run, last 5000 of 56,000", float(np.mean(ms[-_RUNS:])), MS_BAR)]

"""A small sweep and the command line in a process of its own, for tests."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from sweeps.storage.store import Store

SPEC = """
title = "small"
suite = "toy"
tasks = ["product", "expsin"]
seeds = {seeds}

[data]
n_train = {n_train}
n_test = 40

[[models]]
family = "kan"
hidden = ["suggested", [3]]
grids = [3, 5]
opt = "{opt}"
steps = {steps}

[[models]]
family = "mlp"
hidden = [[3], [4, 4]]
activation = ["tanh", "silu"]
opt = "{opt}"
steps = {steps}
"""

#: What stops a sweep; a terminal that hangs up is one, where there is such a signal.
STOPS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]

#: Columns of the stages that hold times; all others are the result of a run.
TIMES = ("wall_s",)


#: Seeds and steps of a sweep that is met while it computes: many short runs, for what they compute is of no
#: interest, and the shorter they are the less is computed in vain.
LONG = {"seeds": 12, "steps": 12}
N_LONG = 12 * LONG["seeds"]


def write_spec(path: Path, seeds: int = 2, steps: int = 2, opt: str = "auto", n_train: int = 400) -> Path:
    """Write the small specification (12 runs a seed) and return its path."""
    path.write_text(SPEC.format(seeds=seeds, steps=steps, opt=opt, n_train=n_train))
    return path


def command(*arguments: object) -> list[str]:
    """Return the command line as a process of its own is given it."""
    return [sys.executable, "-W", "error", "-m", "sweeps", *map(str, arguments)]


def call(*arguments: object, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=timeout)


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start a command in a process group of its own."""
    return subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def n_recorded(directory: Path) -> int:
    """Return how many runs the store holds, 0 if there is none yet."""
    path = directory / "results.db"
    if not path.is_file():
        return 0
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    except sqlite3.Error:
        return 0
    try:
        return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
    except sqlite3.Error:
        return 0
    finally:
        connection.close()


def wait_for_runs(
    process: subprocess.Popen[str], directory: Path, count: int, seconds: float = 120.0
) -> None:
    """Wait until the store holds `count` runs, or the process has ended."""
    deadline = time.monotonic() + seconds
    while n_recorded(directory) < count and process.poll() is None:
        assert time.monotonic() < deadline, f"{count} runs were not recorded in time"
        time.sleep(0.01)


def kill_group(process: subprocess.Popen[str]) -> None:
    """Kill a process and everything it started, as `kill -9` does."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def group_is_gone(process: subprocess.Popen[str], seconds: float = 20.0) -> bool:
    """Say whether nothing of a process group is left within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def results(directory: Path) -> dict[str, np.ndarray]:
    """Return what a sweep has computed, sorted by run and stage, without times."""
    with Store.open(directory, readonly=True) as store:
        runs, stages = store.runs(), store.stages()
    columns = {
        f"run.{name}": runs[name] for name in ("run_id", "task", "family", "status", "reason", "config")
    }
    columns |= {f"stage.{name}": column for name, column in stages.items() if name not in TIMES}
    return columns


def assert_same_results(left: Path, right: Path) -> None:
    """Assert that two sweeps hold the same results to the last bit."""
    a, b = results(left), results(right)
    assert a.keys() == b.keys()
    for name in a:
        if a[name].dtype == np.float64:
            assert a[name].tobytes() == b[name].tobytes(), name
        else:
            assert a[name].tolist() == b[name].tolist(), name

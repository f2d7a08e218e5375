"""A sweep whose workers, and once the parent, are killed at random has the results of an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from small_sweep import assert_same_results, n_recorded, start, wait_for_runs, write_spec

from sweeps.cli import main

RUNS, SEEDS, STEPS = 96, 8, 30
KILLS = 6
#: How a worker's command line is told from those of the helpers of multiprocessing.
WORKERS = (b"popen_loky", b"multiprocessing.spawn")
HELPERS = (b"resource_tracker",)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find the workers"),
]


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spec(tmp_path_factory.mktemp("spec") / "small.toml", SEEDS, STEPS)


@pytest.fixture(scope="module")
def undisturbed(spec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    quietly = ["--no-report", "--progress", "none"]
    assert main(["run", str(spec), "--out", str(out), "--backend", "sequential", *quietly]) == 0
    assert n_recorded(out) == RUNS
    return out


@pytest.mark.parametrize("backend", ["threading", "loky", "dask"])
def test_a_tortured_sweep_has_the_results_of_an_undisturbed_one(
    backend: str, spec: Path, undisturbed: Path, tmp_path: Path
) -> None:
    if backend == "dask":
        pytest.importorskip("distributed")
    out, chance = tmp_path / "out", random.Random(0)
    arguments = ("run", spec, "--out", out, "--jobs", 2, "--no-report", "--backend", backend)
    moments = sorted(chance.sample(range(1, RUNS - 10), KILLS + 1))
    parents_moment = moments[KILLS // 2]
    process = start(*arguments)
    for moment in moments:
        wait_for_runs(process, out, moment)
        assert process.poll() is None, process.communicate()[1]
        if moment == parents_moment:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            process = start(*arguments)
        else:
            kill_a_worker(process, chance)
    shown, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert f"{RUNS} of {RUNS} runs recorded, 0 failed." in shown
    assert "Traceback" not in said
    assert_same_results(out, undisturbed)


def kill_a_worker(process: subprocess.Popen[str], chance: random.Random) -> None:
    """Kill one of the worker processes of a sweep, whichever."""
    deadline = time.monotonic() + 60.0
    while not (pids := workers_of(process.pid)):
        assert time.monotonic() < deadline, "there are no workers"
        time.sleep(0.01)
    os.kill(chance.choice(sorted(pids)), signal.SIGKILL)


def workers_of(parent: int) -> list[int]:
    """Return the workers among all processes that descend from one."""
    found: list[int] = []
    for pid in children(parent):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if any(name in command for name in WORKERS) and not any(name in command for name in HELPERS):
            found.append(pid)
        found += workers_of(pid)
    return found


def children(pid: int) -> list[int]:
    """Return the processes that any thread of a process has started."""
    found: list[int] = []
    try:
        for listed in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, listed.read_text().split())
    except OSError:
        return found
    return found

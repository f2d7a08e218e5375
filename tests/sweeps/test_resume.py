"""Whatever a sweep is stopped by, the same command continues it, and the end is the same to the last bit."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from small_sweep import (
    assert_same_results,
    call,
    group_is_gone,
    kill_group,
    n_recorded,
    start,
    wait_for_runs,
    write_spec,
)

SEEDS, STEPS, RUNS = 4, 6, 48

pytestmark = pytest.mark.slow
posix = pytest.mark.skipif(os.name != "posix", reason="kills process groups")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spec(tmp_path_factory.mktemp("spec") / "small.toml", SEEDS, STEPS)


@pytest.fixture(scope="module")
def uninterrupted(spec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("uninterrupted") / "out"
    ended = call("run", spec, "--out", out, "--jobs", 1, "--no-report")
    assert ended.returncode == 0, ended.stderr
    assert n_recorded(out) == RUNS
    return out


@posix
@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_sweep_continues_to_the_same_results(
    jobs: int, spec: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    arguments = ("run", spec, "--out", tmp_path / "out", "--jobs", jobs, "--no-report")
    for moment in (1, RUNS // 3, RUNS - 8):
        process = start(*arguments)
        wait_for_runs(process, tmp_path / "out", moment)
        kill_group(process)
        assert moment <= n_recorded(tmp_path / "out")
    third = call(*arguments)
    assert third.returncode == 0, third.stderr
    assert_same_results(tmp_path / "out", uninterrupted)

    fourth = call(*arguments)
    assert fourth.returncode == 0
    assert "nothing to launch" in fourth.stderr
    assert "to do" not in fourth.stderr


@posix
@pytest.mark.parametrize(("number", "jobs"), [(signal.SIGINT, 2), (signal.SIGTERM, 1)])
def test_interrupt_stops_cleanly_and_says_how_to_continue(
    number: signal.Signals, jobs: int, spec: Path, tmp_path: Path
) -> None:
    arguments = ("run", spec, "--out", tmp_path / "out", "--jobs", jobs, "--no-report")
    process = start(*arguments)
    wait_for_runs(process, tmp_path / "out", 2)
    # A terminal sends Ctrl-C to the whole group; `kill` goes to one process.
    (os.killpg if number is signal.SIGINT else os.kill)(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    last = errors.strip().splitlines()[-1]
    assert last.startswith("continue with: python -m sweeps run ")
    assert f"--jobs {jobs}" in last
    assert 2 <= n_recorded(tmp_path / "out") < RUNS
    assert group_is_gone(process)


@posix
def test_workers_end_when_only_the_parent_is_killed(spec: Path, tmp_path: Path) -> None:
    process = start("run", spec, "--out", tmp_path / "out", "--jobs", 2, "--no-report")
    wait_for_runs(process, tmp_path / "out", 1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert group_is_gone(process)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to find the workers")
def test_a_killed_worker_stops_the_sweep_without_loss(spec: Path, tmp_path: Path) -> None:
    process = start("run", spec, "--out", tmp_path / "out", "--jobs", 2, "--no-report")
    wait_for_runs(process, tmp_path / "out", 2)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    workers = [int(pid) for pid in children if b"popen_loky" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(workers[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1, errors
    assert "Traceback" not in errors
    assert "error: a worker process was lost" in errors
    assert errors.strip().splitlines()[-1].startswith("continue with: ")
    assert 2 <= n_recorded(tmp_path / "out") < RUNS
    assert group_is_gone(process)

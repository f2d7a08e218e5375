"""Whatever a sweep is stopped by, the same command continues it, and the end is the same to the last bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from small_sweep import (
    LONG,
    N_LONG,
    assert_same_results,
    command,
    group_is_gone,
    kill_group,
    n_recorded,
    start,
    wait_for_runs,
    write_spec,
)

from sweeps.cli import main

RUNS = N_LONG
#: Signal, number of processes and backend of sweeps that are stopped, beside the first of all: every signal
#: is made the same interrupt, so that each is tried with one backend and every backend with one signal.
OTHER_STOPS = [
    (signal.SIGTERM, 1, "threading"),
    (signal.SIGINT, 2, "dask"),
    (getattr(signal, "SIGHUP", None), 2, "threading"),
    (getattr(signal, "SIGHUP", None), 1, "sequential"),
]

posix = pytest.mark.skipif(os.name != "posix", reason="kills process groups")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spec(tmp_path_factory.mktemp("spec") / "small.toml", **LONG)


@pytest.fixture(scope="module")
def uninterrupted(spec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("uninterrupted") / "out"
    assert (
        main(["run", str(spec), "--out", str(out), "--jobs", "1", "--no-report", "--progress", "none"]) == 0
    )
    assert n_recorded(out) == RUNS
    return out


@posix
@pytest.mark.slow
@pytest.mark.parametrize(("jobs", "moments"), [(1, (RUNS // 3,)), (2, (1, RUNS - 6))])
def test_killed_sweep_continues_to_the_same_results(
    jobs: int,
    moments: tuple[int, ...],
    spec: Path,
    uninterrupted: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ("run", spec, "--out", tmp_path / "out", "--jobs", jobs, "--no-report")
    for moment in moments:
        process = start(*arguments)
        wait_for_runs(process, tmp_path / "out", moment)
        kill_group(process)
        assert moment <= n_recorded(tmp_path / "out")
    assert main([*map(str, arguments), "--progress", "none"]) == 0
    assert_same_results(tmp_path / "out", uninterrupted)

    capsys.readouterr()
    assert main([*map(str, arguments)]) == 0
    said = capsys.readouterr().err
    assert "nothing to launch" in said
    assert "to do" not in said


@posix
@pytest.mark.usefixtures("signals_are_heard")
@pytest.mark.parametrize(
    ("number", "jobs", "backend"),
    [
        (signal.SIGINT, 2, "loky"),
        *(pytest.param(*other, marks=pytest.mark.slow) for other in OTHER_STOPS),
    ],
)
def test_interrupt_stops_cleanly_and_says_how_to_continue(
    number: signal.Signals, jobs: int, backend: str, spec: Path, tmp_path: Path
) -> None:
    if backend == "dask":
        pytest.importorskip("distributed")
    arguments = ("run", spec, "--out", tmp_path / "out", "--jobs", jobs, "--no-report", "--backend", backend)
    process = start(*arguments)
    wait_for_runs(process, tmp_path / "out", 2)
    # A terminal sends Ctrl-C, and that it hangs up, to the whole group; `kill` goes to one process.
    (os.kill if number is signal.SIGTERM else os.killpg)(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    last = errors.strip().splitlines()[-1]
    assert last.startswith("continue with: python -m sweeps run ")
    assert f"--jobs {jobs}" in last
    assert 2 <= n_recorded(tmp_path / "out") < RUNS
    assert group_is_gone(process)


@pytest.mark.slow
@posix
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_a_sweep_under_nohup_outlives_its_terminal(backend: str, spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ("run", spec, "--out", out, "--jobs", 2, "--no-report", "--backend", backend)
    # What is ignored when a program starts stays so: that is how nohup does it.
    words = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *command(*arguments)]
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_for_runs(process, out, 2)
    os.killpg(process.pid, signal.SIGHUP)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert n_recorded(out) == RUNS


@pytest.mark.slow
@posix
@pytest.mark.usefixtures("signals_are_heard")
def test_a_signal_while_the_report_is_written_says_how_to_continue(spec: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nimport sweeps.page.report\nfrom sweeps.cli import main\n"
        f"sweeps.page.report.write_report = lambda *_, **__: signal.raise_signal({int(signal.SIGTERM)})\n"
        "sys.argv = ['kan-sweep', *sys.argv[1:]]\nsys.exit(main())\n"
    )
    arguments = ["run", str(spec), "--out", str(tmp_path / "out"), "--limit", "1", "--backend", "sequential"]
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 130, ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("continue with: kan-sweep run ")
    assert n_recorded(tmp_path / "out") == 1


@pytest.mark.slow
@posix
@pytest.mark.parametrize("backend", ["threading", "loky", "dask"])
def test_two_interrupts_stop_at_once_and_lose_nothing(
    backend: str, spec: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    if backend == "dask":
        pytest.importorskip("distributed")
    arguments = ("run", spec, "--out", tmp_path / "out", "--jobs", 2, "--no-report", "--backend", backend)
    process = start(*arguments)
    wait_for_runs(process, tmp_path / "out", 2)
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert group_is_gone(process)
    if backend != "loky":  # of worker processes another test goes on after a kill
        assert main([*map(str, arguments[:-1]), "threading", "--progress", "none"]) == 0
        assert_same_results(tmp_path / "out", uninterrupted)


@pytest.mark.slow
@posix
@pytest.mark.parametrize("backend", ["threading", "loky", "dask"])
def test_workers_end_with_a_killed_parent(backend: str, spec: Path, tmp_path: Path) -> None:
    if backend == "dask":
        pytest.importorskip("distributed")
    arguments = ("run", spec, "--out", tmp_path / "out", "--jobs", 2, "--no-report", "--backend", backend)
    process = start(*arguments)
    wait_for_runs(process, tmp_path / "out", 1)
    process.kill()
    process.communicate()
    assert group_is_gone(process)

"""Dask clusters of real processes on the loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from sweeps.run_one import Record
from sweeps.spec.run_config import RunConfig


def by_fault(runs: list[RunConfig], groups: Iterator[list[Record]]) -> dict[str, tuple[str, str]]:
    records = [record for group in groups for record in group]
    assert sorted(record["run_id"] for record in records) == sorted(run.run_id for run in runs)
    return {record["config"]["fault"]: (record["status"], record["reason"]) for record in records}


def dask_worker(
    address: str, *options: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start one more worker of a cluster."""
    if environment is None:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = ["-m", "distributed.cli.dask_worker", address, "--nthreads", "1", *options, "--no-dashboard"]
    return _started(command, environment)


def _started(arguments: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, *arguments]
    silent = subprocess.DEVNULL
    return subprocess.Popen(command, start_new_session=True, stdout=silent, stderr=silent, env=environment)


@contextlib.contextmanager
def dask_cluster(
    n_workers: int, *options: str, path: Sequence[str] = sys.path, bad: Mapping[str, str] | None = None
) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a scheduler and workers as one does on a cluster; give its address and the processes.

    With `bad` there is one more worker, the last of the processes, that has this in its environment.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    start = ["-m", "distributed.cli.dask_scheduler", "--host", address, "--no-dashboard", "--no-show"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path)}
    processes = [_started(start, environment)]
    processes += [dask_worker(address, *options, environment=environment) for _ in range(n_workers)]
    if bad is not None:
        processes.append(dask_worker(address, *options, environment=environment | bad))
    try:
        yield address, processes
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(holds: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + 60.0
    while not holds():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.01)

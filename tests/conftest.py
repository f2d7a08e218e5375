"""Shared by all tests."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # Threads of BLAS would wait for cores that other processes of the tests use. Read when NumPy is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1]))  # `benchmarks`, which is no part of the package

# a first call compiles a kernel, so examples have no deadline; a fixed seed keeps CI runs alike
hypothesis.settings.register_profile("kan_np", deadline=None, derandomize=True)
hypothesis.settings.load_profile("kan_np")


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores: many tests wait for processes that they stop or kill."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where several processes will share the tests, compile first what they would all compile at once."""
    if getattr(session.config.option, "tx", None) and not hasattr(session.config, "workerinput"):
        from warming import compile_kernels

        compile_kernels()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that are slow from end to end come first, so that no process ends alone with one of them."""
    quick = {item.path for item in items if item.get_closest_marker("slow") is None}
    items.sort(key=lambda item: item.path in quick)


@pytest.fixture
def signals_are_heard() -> Iterator[None]:
    """For tests of what stops a program: under nohup, or in the background, all would ignore it."""
    heard = {"SIGINT": signal.default_int_handler, "SIGHUP": signal.SIG_DFL}
    numbers = {getattr(signal, name): how for name, how in heard.items() if hasattr(signal, name)}
    ignored = [number for number in numbers if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, numbers[number])
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)

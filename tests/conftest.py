"""Shared by all tests."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent))

# a first call compiles a kernel, so examples have no deadline; a fixed seed keeps CI runs alike
hypothesis.settings.register_profile("kan_np", deadline=None, derandomize=True)
hypothesis.settings.load_profile("kan_np")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where several processes will share the tests, compile first what they would all compile at once."""
    if getattr(session.config.option, "tx", None) and not hasattr(session.config, "workerinput"):
        from warming import compile_kernels

        compile_kernels()


@pytest.fixture
def hangup_is_heard() -> Iterator[None]:
    """For tests of a terminal that hangs up: under nohup they, and what they start, would ignore that."""
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)

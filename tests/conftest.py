"""Shared by all tests."""

from __future__ import annotations

import sys
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

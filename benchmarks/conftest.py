"""For `pytest benchmarks`: one thread, and times that can be compared with those of another day."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from threadpoolctl import threadpool_limits


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Time in this process alone, whatever the tests of the package do."""
    if hasattr(config.option, "numprocesses"):
        config.option.numprocesses, config.option.dist = 0, "no"


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("benchmark"):
        raise pytest.UsageError("benchmarks need pytest-benchmark: pip install '.[benchmarks]'")
    # that there is nothing yet to compare with, or only another machine's times, need not end the session
    warnings.filterwarnings("default", category=pytest.PytestWarning)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Leave out the clock of the moment, with which a machine would hardly ever be the same one again."""
    for name in [name for name in machine_info["cpu"] if name.startswith("hz_actual")]:
        del machine_info["cpu"][name]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield

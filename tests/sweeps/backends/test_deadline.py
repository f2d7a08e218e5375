"""The deadline that runs share does not depend on what clocks say."""

from __future__ import annotations

import pickle
import time

import pytest

from sweeps.run_one import RunOptions


class Clocks:
    """The clocks of a machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    def show(self, monotonic: float, time_of_day: float) -> None:
        """Let the clocks say this from now on."""
        self._patch.setattr(time, "monotonic", lambda: monotonic)
        self._patch.setattr(time, "time", lambda: time_of_day)


def test_a_deadline_is_a_duration_between_machines_whose_clocks_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clocks = Clocks(monkeypatch)
    clocks.show(monotonic=1000.0, time_of_day=5e9)
    options = RunOptions(deadline=1010.0)
    clocks.show(monotonic=1004.0, time_of_day=1e9)
    assert options.seconds_left() == 6.0
    sent = pickle.dumps(options)
    clocks.show(monotonic=3.0, time_of_day=9e9)
    received = pickle.loads(sent)
    assert received.seconds_left() == 6.0
    clocks.show(monotonic=10.0, time_of_day=0.0)
    assert received.seconds_left() == 0.0


@pytest.mark.parametrize("timeout", [None, 5.0])
def test_options_without_a_deadline_travel_as_they_are(timeout: float | None) -> None:
    options = RunOptions(timeout, "best", "a.csv", "b.csv")
    assert pickle.loads(pickle.dumps(options)) == options

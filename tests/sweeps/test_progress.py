"""Progress: counts, the time left, and how they are shown."""

from __future__ import annotations

import io

import pytest

from sweeps import progress as module
from sweeps.errors import UserError
from sweeps.progress import Bar, Plain, Silent, Tally, clock, make_progress
from sweeps.spec.plan import cost
from sweeps.spec.run_config import RunConfig

MLP = {"family": "mlp", "width": [2, 5, 1], "opt": "LBFGS", "data": {"n_train": 1000}}


def runs(*steps: int) -> list[RunConfig]:
    return [RunConfig(str(i), "t", "mlp", MLP | {"steps": n}) for i, n in enumerate(steps)]


def record(run_id: str, status: str = "ok", stages: int = 1, wall_s: float = 10.0) -> dict[str, object]:
    return {"run_id": run_id, "status": status, "stages": [{}] * stages, "wall_s": wall_s}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: time[0])
    return time


def test_the_time_left_weighs_runs_by_their_cost(now: list[float]) -> None:
    tally = Tally(runs(90, 5, 5))
    assert tally.left_s is None
    now[0] += 90.0
    tally.add(record("0", stages=3, wall_s=90.0))
    assert tally.left_s == pytest.approx(10.0)
    assert tally.models_per_minute == pytest.approx(2.0)
    now[0] += 10.0
    tally.add(record("1", "failed", 0))
    tally.add(record("2"))
    assert tally.left_s == pytest.approx(0.0)
    assert (tally.done, tally.failed, tally.models, tally.total) == (3, 1, 4, 3)
    tally.restart_clock()
    assert tally.elapsed_s == 0.0


def test_a_family_that_is_quicker_than_estimated_does_not_shorten_the_time_of_others(
    now: list[float],
) -> None:
    """Searches for formulas may take a minute each, and mostly end after seconds."""
    searches = [
        RunConfig(name, "t", "formula", {"family": "formula", "seconds": 60.0}) for name in ("f0", "f1", "f2")
    ]
    mlps = runs(200, 200)
    tally = Tally([*searches, *mlps])
    assert tally.left_text == "time left not known yet"
    now[0] += 2.0
    tally.add(record("f0", stages=7, wall_s=2.0))
    assert tally.models == 1  # with a frontier of seven formulas
    estimated = sum(cost(run.config) for run in mlps)
    assert tally.left_s == pytest.approx(2 * 2.0 + estimated)
    assert tally.left_text.startswith("perhaps 0:0")
    now[0] += 9.0
    tally.add(record("0", wall_s=9.0))
    assert tally.left_s == pytest.approx(2 * 2.0 + 9.0)
    assert tally.left_text == "about 0:13 left"
    # What is left of a family that is done does not matter.
    for name in ("f1", "f2"):
        now[0] += 2.0
        tally.add(record(name, wall_s=2.0))
    assert tally.left_s == pytest.approx(9.0)


def test_runs_that_go_on_at_the_same_time_take_less(now: list[float]) -> None:
    tally = Tally(runs(50, 50, 50, 50))
    now[0] += 10.0
    for name in ("0", "1"):
        tally.add(record(name, wall_s=10.0))
    assert tally.left_s == pytest.approx(10.0)


def test_without_a_terminal_a_line_comes_every_few_seconds(now: list[float]) -> None:
    stream = io.StringIO()
    tally = Tally(runs(10, 10, 10))
    with make_progress("auto", tally, stream) as shown:
        assert isinstance(shown, Plain)
        for name, seconds in (("0", 1.0), ("1", 10.0)):
            now[0] += seconds
            tally.add(record(name))
            shown.update()
        now[0] += 1.0
        tally.add(record("2"))
        shown.update()
    lines = stream.getvalue().splitlines()
    assert [line.split(" runs")[0] for line in lines] == ["2/3", "3/3"]
    assert "2 models (11 a minute), 0:11 elapsed, about 0:06 left" in lines[0]


def test_on_a_terminal_there_is_a_bar() -> None:
    stream = Terminal()
    tally = Tally(runs(10, 10))
    with make_progress("auto", tally, stream) as shown:
        assert isinstance(shown, Bar)
        tally.add(record("0", "failed"))
        shown.update()
    assert "1/2" in stream.getvalue()
    assert "1 failed" in stream.getvalue()


def test_none_shows_nothing() -> None:
    stream = Terminal()
    with make_progress("none", Tally(runs(1)), stream) as shown:
        assert isinstance(shown, Silent)
        shown.update()
    assert stream.getvalue() == ""


def test_an_unknown_display_is_refused() -> None:
    with pytest.raises(UserError, match=r"progress is 'plian'.*Did you mean 'plain'\?"):
        make_progress("plian", Tally([]))


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (61.0, "1:01"), (3600.0, "1:00:00")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text

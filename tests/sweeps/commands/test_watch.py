"""Following a sweep from another terminal: what is counted, what is fast, slow and failing, when it ends."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic
from small_sweep import LONG, N_LONG, call, start, wait_for_runs, write_spec

from sweeps.cli import main
from sweeps.commands.watch import Watch, watch_sweep
from sweeps.storage.store import Store


def made(number: int, width: list[int] | None = None, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(number)
    return synthetic.kan_record("special/jv", width or [2, 2, 1], number, rng) | changes


def planned(*records: dict[str, Any]) -> list[tuple[str, str, str, dict[str, Any]]]:
    return [(r["run_id"], r["task"], r["family"], r["config"]) for r in records]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the store: its only element is the time."""
    now = [0.0]
    monkeypatch.setattr("sweeps.storage.store.time.monotonic", lambda: now[0])
    return now


def test_speed_and_time_left_follow_from_when_runs_were_stored(tmp_path: Path, clock: list[float]) -> None:
    records = [made(n) for n in range(10)]
    writer = Store.create(tmp_path, {"title": "t"}, "")
    writer.set_plan(planned(*records))
    with Store.open(tmp_path, readonly=True) as store:
        watch = Watch(store)
        sight = watch.look()
        assert (sight.planned, sight.recorded, sight.per_minute, sight.left_s) == (10, 0, None, None)
        for number in range(4):
            clock[0] = 100.0 + 3.0 * number
            writer.add(records[number])
        sight = watch.look()
        assert (sight.recorded, sight.failed) == (4, 0)
        assert sight.per_minute == pytest.approx(20.0)
        # All runs are of one cost: six are left, at three seconds each.
        assert sight.left_s == pytest.approx(18.0)
        assert sight.line() == "4/10 runs, 0 failed, 20 a minute, about 0:18 left"
        assert not sight.ended
        assert sight.holder is not None
        assert sight.holder.pid == os.getpid()
        for number in range(4, 10):
            writer.add(records[number])
        writer.close()
        sight = watch.look()
        assert sight.ended
        assert sight.holder is None
        assert sight.lines()[2] == "no sweep is running"


def test_a_sweep_that_was_continued_has_the_speed_of_its_last_part(
    tmp_path: Path, clock: list[float]
) -> None:
    records = [made(n) for n in range(6)]
    with Store.create(tmp_path, {"title": "t"}, "") as writer:
        writer.set_plan(planned(*records))
        for number in range(3):
            clock[0] = 1000.0 * number
            writer.add(records[number])
    clock[0] = 0.0
    with Store.open(tmp_path) as writer, Store.open(tmp_path, readonly=True) as store:
        for number in range(3, 5):
            clock[0] += 2.0
            writer.add(records[number])
        sight = Watch(store).look()
        assert sight.per_minute == pytest.approx(30.0)


def test_configurations_are_ranked_over_their_seeds(tmp_path: Path) -> None:
    slow = [made(n, [2, 5, 1], wall_s=50.0 + n) for n in range(2)]
    fast = [made(n, [2, 1, 1], wall_s=1.0) for n in range(3)]
    bad = [made(n, [2, 3, 1], status="failed", reason="broke", wall_s=2.0) for n in range(2)]
    with Store.create(tmp_path, {}, "") as writer:
        writer.set_plan(planned(*slow, *fast, *bad))
        writer.add_all(slow + fast + bad)
    with Store.open(tmp_path, readonly=True) as store:
        sight = Watch(store).look()
    assert sight.slowest[0] == ("special/jv  kan [2,5,1] k=3 G=3,5,10,20 LM", 50.5, 2)
    assert [count for _, _, count in sight.slowest] == [2, 2, 3]
    assert sight.failing == (("special/jv  kan [2,3,1] k=3 G=3,5,10,20 LM", "failed: broke", 2),)
    assert sight.failed == 2
    text = "\n".join(sight.lines())
    assert "50.50 s     2 x  special/jv  kan [2,5,1]" in text
    assert "2 x  special/jv  kan [2,3,1] k=3 G=3,5,10,20 LM: failed: broke" in text


def test_a_plan_that_is_replaced_while_it_is_watched_is_read_again(tmp_path: Path) -> None:
    with Store.create(tmp_path, {}, "") as writer, Store.open(tmp_path, readonly=True) as store:
        writer.set_plan(planned(made(1), made(2)), "first")
        writer.add(made(1))
        watch = Watch(store)
        assert watch.look().planned == 2
        writer.set_plan(planned(*(made(n) for n in range(1, 6))), "second")
        sight = watch.look()
        assert (sight.planned, sight.recorded) == (5, 1)
        assert len(watch._left) == 4


def test_a_sweep_that_has_just_begun_has_not_ended(tmp_path: Path) -> None:
    with Store.create(tmp_path, {}, "") as writer, Store.open(tmp_path, readonly=True) as store:
        watch = Watch(store)
        assert not watch.look().ended  # its plan is yet to come
        writer.set_plan(planned(made(1)))
        writer.add(made(1))
        assert watch.look().ended
    with Store.open(tmp_path, readonly=True) as store:
        assert Watch(store).look().ended


def test_runs_of_a_sweep_that_ends_during_a_look_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [made(n) for n in range(3)]
    writer = Store.create(tmp_path, {"title": "t"}, "")
    writer.set_plan(planned(*records))
    writer.add(records[0])

    def ends_first(directory: Path) -> None:
        for record in records[1:]:
            writer.add(record)
        writer.close()

    monkeypatch.setattr("sweeps.commands.watch.holder", ends_first)
    with Store.open(tmp_path, readonly=True) as store:
        sight = Watch(store).look()
    assert sight.ended
    assert sight.recorded == 3


def test_a_finished_sweep_is_shown_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.create(tmp_path, {"title": "done"}, "") as writer:
        writer.set_plan(planned(made(1)))
        writer.add(made(1))
    before = (tmp_path / "results.db").read_bytes()
    assert main(["status", str(tmp_path), "--watch"]) == 0
    assert "1/1 runs, 0 failed" in capsys.readouterr().out
    assert (tmp_path / "results.db").read_bytes() == before
    assert main(["status", str(tmp_path / "nowhere"), "--watch"]) == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_page_is_drawn(tmp_path: Path) -> None:
    with Store.create(tmp_path, {"title": "a title"}, "") as writer:
        writer.set_plan(planned(made(1)))
        writer.add(made(1))
    stream = Terminal()
    watch_sweep(tmp_path, 0.1, stream)
    assert "a title" in stream.getvalue()
    assert "slowest configurations" in stream.getvalue()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="starts a process group")
def test_a_running_sweep_is_followed_to_its_end(tmp_path: Path) -> None:
    spec, out = write_spec(tmp_path / "s.toml", **LONG), tmp_path / "out"
    process = start("run", spec, "--out", out, "--jobs", 1, "--no-report")
    wait_for_runs(process, out, 1)
    followed = call("status", out, "--watch", "--every", "0.1")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert followed.returncode == 0, followed.stderr
    assert f"{N_LONG}/{N_LONG} runs, 0 failed" in followed.stdout

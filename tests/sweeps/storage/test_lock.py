"""The lock of a store: of two writers one at most writes, wherever they run and however they end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic
from small_sweep import (
    LONG,
    N_LONG,
    call,
    kill_group,
    n_recorded,
    start,
    wait_for_runs,
    write_spec,
)

from sweeps.errors import UserError
from sweeps.storage import database
from sweeps.storage import lock as locks
from sweeps.storage.lock import HOLDER_NAME, Holder, WriterLock, holder
from sweeps.storage.store import Store

ROOT = Path(__file__).parents[3]


def _kinds() -> list[str]:
    mounts = Path("/proc/self/mounts")
    if not mounts.is_file():
        pytest.skip("needs /proc")
    return [line.split()[2] for line in mounts.read_text().splitlines()]


posix = pytest.mark.skipif(os.name != "posix", reason="kills processes, limits files")


def made(number: int = 1, **changes: Any) -> dict[str, Any]:
    return synthetic.kan_record("special/jv", [2, 2, 1], number, np.random.default_rng(number)) | changes


@posix
@pytest.mark.slow
def test_the_second_process_says_who_holds_the_store_and_stops_and_the_first_one_goes_on(
    tmp_path: Path,
) -> None:
    spec, out = write_spec(tmp_path / "s.toml", **LONG), tmp_path / "out"
    arguments = ("run", spec, "--out", out, "--jobs", 1, "--no-report")
    first = start(*arguments)
    wait_for_runs(first, out, 1)
    os.kill(first.pid, signal.SIGSTOP)  # so that it does not end before the second one has started
    second = call(*arguments)
    os.kill(first.pid, signal.SIGCONT)
    assert second.returncode == 2
    assert f"another sweep is writing to {out} (process {first.pid} on {socket.gethostname()}, since " in (
        second.stderr
    )
    assert "Traceback" not in second.stderr
    _, errors = first.communicate(timeout=120)
    assert first.returncode == 0, errors
    assert n_recorded(out) == N_LONG
    assert not (out / HOLDER_NAME).exists()


@posix
@pytest.mark.slow
def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    spec, out = write_spec(tmp_path / "s.toml", **LONG), tmp_path / "out"
    process = start("run", spec, "--out", out, "--jobs", 1, "--no-report")
    wait_for_runs(process, out, 1)
    kill_group(process)
    assert (out / HOLDER_NAME).is_file()
    assert holder(out) is None
    with Store.open(out):
        found = holder(out)
        assert found is not None
        assert found.pid == os.getpid()


@pytest.fixture
def quick_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "BEAT_S", 0.05)
    monkeypatch.setattr(locks, "DEAD_AFTER_S", 2.0)


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(self: object, **_: object) -> None:
        raise NotImplementedError("no locks here")

    monkeypatch.setattr(locks.FileLock, "acquire", refuses)


def leave_note(directory: Path, host: str) -> Path:
    note = directory / HOLDER_NAME
    note.write_text(json.dumps({"pid": 7, "host": host, "since": "2026-01-01", "token": "x"}))
    return note


TOUCHING = "import os, sys, time\nwhile True:\n    os.utime(sys.argv[1])\n    time.sleep(0.02)\n"


@pytest.fixture
def touched() -> Iterator[Callable[[Path], None]]:
    """A function that lets another process touch a file until the end of the test."""
    started: list[subprocess.Popen[bytes]] = []

    def touch(path: Path) -> None:
        started.append(subprocess.Popen([sys.executable, "-c", TOUCHING, str(path)]))

    yield touch
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.usefixtures("quick_beat")
def test_a_living_writer_on_a_machine_whose_locks_are_not_seen_here_is_believed(
    tmp_path: Path, touched: Callable[[Path], None]
) -> None:
    touched(leave_note(tmp_path, "node17"))
    with pytest.raises(UserError, match=r"process 7 on node17, since 2026-01-01"):
        WriterLock(tmp_path, "now")
    assert holder(tmp_path) == Holder(7, "node17", "2026-01-01", "x")


@pytest.mark.usefixtures("quick_beat")
@pytest.mark.parametrize("host", ["node17", socket.gethostname()])
def test_a_note_that_nobody_touches_is_of_a_dead_writer(host: str, tmp_path: Path) -> None:
    note = leave_note(tmp_path, host)
    lock = WriterLock(tmp_path, "now")
    assert json.loads(note.read_text())["pid"] == os.getpid()
    lock.release()
    lock.release()
    assert not note.exists()


@pytest.mark.usefixtures("quick_beat")
def test_a_holder_touches_its_note(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path, "now")
    note = tmp_path / HOLDER_NAME
    os.utime(note, (0, 0))
    deadline = time.monotonic() + 30.0
    while note.stat().st_mtime == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    lock.release()


@pytest.mark.usefixtures("quick_beat", "no_locks")
def test_without_locks_of_the_file_system_the_note_is_the_lock(tmp_path: Path) -> None:
    first = WriterLock(tmp_path, "now")
    with pytest.raises(UserError, match=f"process {os.getpid()} on"):
        WriterLock(tmp_path, "now")
    first.release()
    WriterLock(tmp_path, "now").release()


RIVAL = """
import sys
from pathlib import Path
from sweeps.storage import lock as locks
from sweeps.errors import UserError

def refuses(self, **_):
    raise NotImplementedError("no locks here")

locks.FileLock.acquire = refuses
locks.BEAT_S, locks.DEAD_AFTER_S = 0.1, 3.0
print("ready", flush=True)
for line in iter(sys.stdin.readline, ""):
    lock = None
    try:
        lock = locks.WriterLock(Path(line.strip()), "now")
    except UserError:
        pass
    print("refused" if lock is None else "held", flush=True)
    sys.stdin.readline()  # until both have said what became of them
    if lock is not None:
        lock.release()
"""


@pytest.fixture
def rivals() -> Iterator[Callable[[object], list[str]]]:
    """A function that sends a line to two processes at once and returns what each of them says."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", RIVAL], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]

    def tell(line: object) -> None:
        for process in started:
            assert process.stdin is not None
            process.stdin.write(f"{line}\n")
            process.stdin.flush()

    def hear() -> list[str]:
        return [process.stdout.readline().strip() for process in started if process.stdout is not None]

    def ask(line: object) -> list[str]:
        tell(line)
        heard = hear()
        tell("go on")
        return heard

    assert hear() == ["ready", "ready"]
    yield ask
    for process in started:
        process.kill()
        process.communicate()


@posix
@pytest.mark.parametrize(("rounds", "left"), [(20, False), (2, True)])
def test_of_two_that_come_at_once_without_locks_one_at_most_holds_the_store(
    rounds: int, left: bool, tmp_path: Path, rivals: Callable[[object], list[str]]
) -> None:
    for number in range(rounds):
        directory = tmp_path / str(number)
        directory.mkdir()
        if left:
            leave_note(directory, "node17")
        heard = rivals(directory)
        assert heard.count("held") <= 1
        # Where a dead note is in the way, each may see the other one's and give up.
        assert left or "held" in heard


@pytest.mark.usefixtures("quick_beat", "no_locks")
@pytest.mark.parametrize("left", [False, True])
def test_a_note_that_came_while_another_one_was_looked_at_is_left_alone(
    left: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if left:
        leave_note(tmp_path, "node17")
    held: list[WriterLock] = []
    real = WriterLock._make_note if not left else WriterLock._bury

    def late(self: WriterLock, *arguments: Any) -> None:
        if not held:
            monkeypatch.setattr(WriterLock, real.__name__, real)
            held.append(WriterLock(tmp_path, "the first"))
        real(self, *arguments)

    monkeypatch.setattr(WriterLock, real.__name__, late)
    with pytest.raises(UserError, match="since the first"):
        WriterLock(tmp_path, "the second")
    found = holder_in(tmp_path)
    assert found["since"] == "the first"
    held[0].check()
    held[0].release()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(HOLDER_NAME)] == []


def holder_in(directory: Path) -> dict[str, Any]:
    return dict(json.loads((directory / HOLDER_NAME).read_text()))


@pytest.mark.usefixtures("quick_beat")
def test_a_store_that_was_taken_over_is_not_written_to(tmp_path: Path) -> None:
    with Store.create(tmp_path, {}, "") as store:
        store.add(made(1))
        (tmp_path / HOLDER_NAME).unlink()
        wait_until(lambda: (tmp_path / HOLDER_NAME).is_file() and (tmp_path / HOLDER_NAME).stat().st_size > 0)
        assert holder_in(tmp_path)["pid"] == os.getpid()
        store.add(made(2))
        note = leave_note(tmp_path, "node17")
        os.utime(note, (0, 0))
        assert store._lock is not None
        wait_until(lambda: store._lock is not None and bool(store._lock._taken_by))
        with pytest.raises(UserError, match="was taken over by process 7 on node17"):
            store.add(made(3))
        assert store.finished_ids() == {made(1)["run_id"], made(2)["run_id"]}
    # The note of the other one is neither touched nor removed.
    assert note.stat().st_mtime == 0
    assert holder_in(tmp_path)["host"] == "node17"


def test_every_write_looks_first_whether_the_store_was_taken_over(tmp_path: Path) -> None:
    with Store.create(tmp_path, {}, "") as store:
        store.add(made(1))
        leave_note(tmp_path, "node17")
        # The thread that looks now and then comes to it only seconds later.
        with pytest.raises(UserError, match="was taken over by process 7 on node17"):
            store.add(made(2))
        assert store.finished_ids() == {made(1)["run_id"]}


@pytest.mark.usefixtures("quick_beat", "no_locks")
def test_without_locks_who_was_taken_over_writes_no_more_after_the_other_one_ended(
    tmp_path: Path,
) -> None:
    with Store.create(tmp_path, {}, "") as store:
        store.add(made(1))
        # What is left by one that took the note for dead, wrote and ended.
        (tmp_path / HOLDER_NAME).unlink()
        with pytest.raises(UserError, match="was taken over by another process"):
            store.add(made(2))
        assert store.finished_ids() == {made(1)["run_id"]}
    assert not (tmp_path / HOLDER_NAME).exists()


@pytest.mark.usefixtures("quick_beat", "no_locks")
def test_without_locks_nobody_writes_before_the_note_has_stayed_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 10:  # where two could make the note, the other one's comes to light late
            leave_note(tmp_path, "node17")

    monkeypatch.setattr(locks.time, "sleep", sleep)
    with pytest.raises(UserError, match="process 7 on node17"):
        WriterLock(tmp_path, "now")
    assert holder_in(tmp_path)["host"] == "node17"


def test_where_each_machine_locks_for_itself_one_of_two_holds_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks.FileLock, "acquire", lambda self, **_: None)
    real, held = WriterLock._make_note, []

    def late(self: WriterLock) -> None:
        """Let another machine come between the look for a note and the making of it."""
        monkeypatch.setattr(WriterLock, "_make_note", real)
        monkeypatch.setattr(locks.socket, "gethostname", lambda: "node18")
        held.append(WriterLock(tmp_path, "the first"))
        real(self)

    monkeypatch.setattr(WriterLock, "_make_note", late)
    with pytest.raises(UserError, match="since the first"):
        WriterLock(tmp_path, "the second")
    held[0].check()
    held[0].release()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_on_a_network_file_system_other_machines_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not database.on_network(tmp_path)
    monkeypatch.setattr(database, "_NETWORK_TYPES", frozenset(_kinds()))
    assert database.on_network(tmp_path)
    with Store.create(tmp_path, {}, "") as store:
        store.add(made())
        # Shared memory, which only one machine has, is not used.
        assert not list(tmp_path.glob("*-shm"))
        with Store.open(tmp_path, readonly=True) as reader:
            assert reader.finished_ids() == {made()["run_id"]}
        store.add(made(2))

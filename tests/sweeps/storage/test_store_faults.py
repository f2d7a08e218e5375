"""Faults around a store, each produced for real: a second process, a full disk, a clock that jumps."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic
from small_sweep import (
    assert_same_results,
    call,
    n_recorded,
    write_spec,
)

from sweeps.cli import main
from sweeps.storage import schema
from sweeps.storage.store import Store

ROOT = Path(__file__).parents[3]
posix = pytest.mark.skipif(os.name != "posix", reason="kills processes, limits files")


def made(number: int = 1, **changes: Any) -> dict[str, Any]:
    return synthetic.kan_record("special/jv", [2, 2, 1], number, np.random.default_rng(number)) | changes


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte."""
    directory = tmp_path / "small"
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(directory)]
    if os.name != "posix" or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("file systems cannot be mounted here")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.slow
def test_a_full_disk_stops_the_sweep_keeps_its_runs_and_the_rest_follows(
    small_disk: Path, tmp_path: Path
) -> None:
    spec = write_spec(tmp_path / "s.toml", seeds=2, steps=2)
    whole, out = tmp_path / "whole", small_disk / "out"
    quiet = ("--backend", "sequential", "--no-report", "--progress", "none")
    assert main(["run", str(spec), "--out", str(whole), *map(str, quiet)]) == 0
    out.mkdir()
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (2**20 - 420_000))
    stopped = call("run", spec, "--out", out, *quiet)
    assert stopped.returncode == 2, stopped.stderr
    assert "is full" in stopped.stderr
    assert "everything added so far is kept" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    before = n_recorded(out)
    assert 0 < before < 24
    filler.unlink()
    ended = call("run", spec, "--out", out, *quiet)
    assert ended.returncode == 0, ended.stderr
    assert f"24 runs planned, {before} recorded, {24 - before} to launch" in ended.stderr
    assert_same_results(out, whole)


LIMITED = """
import resource, sys
sys.path[:0] = {paths!r}
import numpy as np, synthetic
from sweeps.errors import UserError
from sweeps.storage.store import Store
with Store.create({directory!r}, {{"name": "x"}}, "") as store:
    size = (store.directory / "results.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 300_000, size + 300_000))
    try:
        for number in range(1000):
            record = synthetic.kan_record("special/jv", [2, 2, 1], number, np.random.default_rng(number))
            record["stages"][0]["model"] = bytes(20_000)
            store.add(record)
            print(record["run_id"], flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
"""


@posix
def test_a_file_that_may_not_grow_keeps_what_is_in_it(tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    paths = [str(ROOT), str(Path(__file__).parents[1])]
    code = LIMITED.format(paths=paths, directory=str(tmp_path / "out"))
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert "the file may not grow" in ended.stderr
    added = set(ended.stdout.split())
    assert 1 < len(added) < 1000
    with Store.open(tmp_path / "out") as store:
        assert store.finished_ids() == added
        store.add(made(2000))
        assert sum(len(batch) for batch in store.records()) == len(added) + 1


def test_a_clock_that_jumps_changes_no_order_and_no_duration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    years = iter([2031, 1999, 2026])

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(next(years), 1, 1, tzinfo=UTC)

    with Store.create(tmp_path, {}, "") as store:
        monkeypatch.setattr(schema, "datetime", Jumping)
        store.add(made(1))
        store.add(made(2, environment=synthetic.ENVIRONMENT | {"kernel": "new"}))
        monkeypatch.undo()
        # The later run has the earlier date; what is stale follows from the order of writing.
        assert store.runs()["finished_at"].max().startswith("2031")
        assert store.stale_ids() == {made(1)["run_id"]}
        times = [run["at_s"] for _, run in store.runs_after(0)]
        assert 0.0 <= times[0] <= times[1]
        assert [run["wall_s"] for _, run in store.runs_after(0)] == [made(1)["wall_s"], made(2)["wall_s"]]


def test_runs_of_other_code_are_stale_until_they_are_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, out = write_spec(tmp_path / "s.toml", 1, 1), tmp_path / "out"
    here = ["--backend", "sequential", "--progress", "none"]
    arguments = ["run", str(spec), "--out", str(out), "--no-report", *here]
    assert main([*arguments, "--limit", "5"]) == 0
    from sweeps import run_one

    real = run_one.current_environment()
    monkeypatch.setattr(run_one, "current_environment", lambda: real | {"kernel": "ffffffff"})
    monkeypatch.setattr(run_one, "kernel", lambda: "ffffffff")
    capsys.readouterr()
    assert main([*arguments, "--limit", "1"]) == 0
    told = capsys.readouterr().err
    assert "5 recorded runs were computed by kan_np" in told
    assert "kernels ffffffff. They are not repeated" in told
    with Store.open(out, readonly=True) as store:
        assert store.counts()["stale"] == 5
        assert len(store.missing()) == 6
    assert main(["status", str(out)]) == 0
    assert "5 recorded runs are stale" in capsys.readouterr().out

    assert main([*arguments, "--rerun", "stale", "--dry-run"]) == 0
    assert "11 to launch" in capsys.readouterr().out
    assert main([*arguments, "--rerun", "stale"]) == 0
    assert "12 of 12 runs recorded, 0 failed." in capsys.readouterr().out
    with Store.open(out, readonly=True) as store:
        assert store.stale_ids() == set()
        assert list(store.codes().values()) == [12]
    assert main([*arguments, "--rerun", "stale"]) == 0
    assert "nothing to launch" in capsys.readouterr().err
    assert main([*arguments, "--rerun", "all"]) == 2


def test_a_group_of_runs_is_added_as_a_whole_or_not(tmp_path: Path) -> None:
    with Store.create(tmp_path, {}, "") as store:
        store.add_all([made(1), made(2)])
        broken = made(4)
        del broken["stages"][0]["n_params"]
        with pytest.raises(KeyError):
            store.add_all([made(3), broken])
        assert store.finished_ids() == {made(1)["run_id"], made(2)["run_id"]}

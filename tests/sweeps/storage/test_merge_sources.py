"""What may be joined: shards of one sweep in one division, and what is said of those that are missing."""

from __future__ import annotations

import re
import shlex
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic
from small_sweep import assert_same_results, write_spec

from sweeps.cli import main
from sweeps.commands.launch import Request, dry_run
from sweeps.errors import UserError
from sweeps.spec.shard import Shard, shard_of
from sweeps.storage.merge import merge, merge_lines
from sweeps.storage.repair import repair
from sweeps.storage.store import Store

QUIET = ("--backend", "sequential", "--progress", "none", "--no-report")
SPEC = {"suite": "special", "seeds": [0, 1], "title": "t"}


def run(*arguments: Any) -> int:
    return main([str(argument) for argument in arguments])


def meta_of(directory: Path) -> dict[str, Any]:
    with Store.open(directory, readonly=True) as store:
        return store.meta()


def build(
    directory: Path, number: int = 1, *, spec: dict[str, Any] | None = None, data: Any = None, **meta: str
) -> Path:
    """A store with one run, which is the one of that number in the whole plan."""
    options = {"data": data} if data else None
    record = synthetic.kan_record(
        "special/jv", [2, 2, 1], number, np.random.default_rng(number), options=options
    )
    with Store.create(directory, spec or SPEC, f"kan-sweep run x.toml --out {directory}") as store:
        row = (record["run_id"], record["task"], record["family"], record["config"])
        store.set_tasks(synthetic.descriptions(("special/jv",)))
        store.set_plan([row], meta.pop("plan_of", ""), positions=[number - 1], **meta)
        store.add(record)
    return directory


def shards(parent: Path, *texts: str) -> list[Path]:
    return [
        build(parent / text.replace("/", "-"), int(text[0]), shard=text, plan_of=f"0123 {text}")
        for text in texts
    ]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"spec": SPEC | {"seeds": [0, 1, 2]}}, "seeds: 0, 1 | 0, 1, 2"),
        ({"spec": SPEC | {"tasks": ["jv"]}}, "tasks: – | jv"),
        # The same samples, but other configurations: runs of other names, in other shards.
        ({"spec": SPEC | {"decimal": ","}}, "decimal: – | ,"),
        ({"data": {"n_train": 1000, "sha256": "a" * 64}}, "special/jv, n_test: 1000 | –"),
    ],
)
def test_stores_of_different_sweeps_are_refused(changed: dict[str, Any], told: str, tmp_path: Path) -> None:
    left, right = build(tmp_path / "a"), build(tmp_path / "b", **changed)
    for out in ("c", "d"):
        with pytest.raises(UserError, match="hold different sweeps") as caught:
            merge([left, right], tmp_path / out)
        assert told in str(caught.value)
        assert not (tmp_path / out).exists()
    # What --out holds already counts too.
    merge([left], tmp_path / "e")
    with pytest.raises(UserError, match="hold different sweeps"):
        merge([right], tmp_path / "e")


def test_titles_and_places_of_a_table_do_not_make_sweeps_different(tmp_path: Path) -> None:
    specs = [{"title": place, "csv": f"/{place}/t.csv", "target": "y"} for place in "ab"]
    left, right = (build(tmp_path / spec["title"], spec=spec) for spec in specs)
    assert merge([left, right], tmp_path / "c").complete


def test_shards_of_other_numbers_of_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"different numbers of shards: .*1-3 to one in 3, .*2-4 to one in 4"):
        merge(shards(tmp_path, "1/3", "2/4"), tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_the_store_of_a_shard_does_not_become_the_whole(tmp_path: Path) -> None:
    first, second = shards(tmp_path, "1/2", "2/2")
    with pytest.raises(UserError, match="which holds shard 2/2"):
        merge([first], second)


def test_shards_may_come_one_after_the_other(tmp_path: Path) -> None:
    first, second, third = shards(tmp_path, "1/3", "2/3", "3/3")
    out = tmp_path / "all"
    assert merge([third], out).missing_shards == ("1/3", "2/3")
    merged = merge([first], out)
    assert merged.missing_shards == ("2/3",)
    assert not merged.complete
    lines = "\n".join(merge_lines(merged))
    assert "       1 run  from" in lines
    assert "shard 2/3 is missing" in lines
    assert f"run what is missing with: kan-sweep run x.toml --out {out}" in lines
    # A store that lacks a shard is a part as well, also after a repair.
    repair(out, tmp_path / "repaired")
    assert merge([tmp_path / "repaired", first], tmp_path / "again").missing_shards == ("2/3",)
    merged = merge([second], out)
    assert (merged.missing_shards, merged.complete) == ((), True)
    assert meta_of(out)["lacks"] == ""


@pytest.mark.slow
def test_a_joined_store_without_a_shard_is_not_called_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = write_spec(tmp_path / "s.toml", seeds=1, steps=1)
    for number in (1, 2, 3):
        arguments = ["run", spec, "--shard", f"{number}/3", "--out", tmp_path / str(number), *QUIET]
        monkeypatch.setattr("sys.argv", ["kan-sweep", *map(str, arguments)])
        assert run(*arguments) == 0
    assert run("run", spec, "--out", tmp_path / "single", *QUIET) == 0
    out = tmp_path / "all"
    capsys.readouterr()
    assert run("merge", tmp_path / "1", tmp_path / "3", "--out", out) == 1
    assert "this is not the whole sweep: shard 2/3 is missing" in capsys.readouterr().out
    assert run("status", out) == 0
    assert "this is not the whole sweep: shard 2/3 is missing" in capsys.readouterr().out
    page = re.sub(r"\s+", " ", (out / "report.html").read_text())
    assert "This is not the whole sweep.</b> It was joined without shard 2/3," in page
    # The command that the store names computes the rest there, and nothing else.
    command = meta_of(out)["command"]
    assert f"--out {out}" in command
    assert "--shard" not in command
    assert run(*shlex.split(command)[1:]) == 0
    told = capsys.readouterr()
    assert "12 of 12 runs recorded" in told.out
    assert_same_results(out, tmp_path / "single")
    assert run("status", out) == 0
    assert "whole sweep" not in capsys.readouterr().out
    assert run(*shlex.split(command)[1:]) == 0
    assert "nothing to launch" in capsys.readouterr().err


def test_a_shard_that_was_stopped_before_it_had_a_plan_is_not_taken_for_a_whole_sweep(tmp_path: Path) -> None:
    first, _ = shards(tmp_path, "1/2", "2/2")
    Store.create(tmp_path / "stopped", SPEC, "kan-sweep run x.toml --shard 2/2").close()
    with pytest.raises(
        UserError, match=r"stopped has no plan and no run: .* kan-sweep run x.toml --shard 2/2"
    ):
        merge([first, tmp_path / "stopped"], tmp_path / "all")
    # A merge that was stopped so early goes on.
    Store.create(tmp_path / "all", SPEC, "kan-sweep run x.toml").close()
    assert merge([first], tmp_path / "all").missing_shards == ("2/2",)


def cut_short(sources: list[Path], out: Path) -> None:
    """A merge that ends after the runs are copied, before there is a plan."""

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sweeps.storage.merge._join_plans", killed)
        with pytest.raises(KeyboardInterrupt):
            merge(sources, out)


def test_what_a_merge_that_was_cut_short_has_left_is_not_taken_for_a_whole_sweep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = shards(tmp_path, "1/3", "2/3", "3/3")
    out = tmp_path / "all"
    cut_short([first, second], out)
    assert run("status", out) == 0
    assert "shard 3/3 is missing" in capsys.readouterr().out
    with pytest.raises(UserError, match="has runs and no plan: its merge was cut short"):
        merge([out, third], tmp_path / "other")
    with pytest.raises(UserError, match="hold different sweeps"):
        merge([build(tmp_path / "x", spec=SPEC | {"seeds": [7]})], out)
    assert run("merge", first, second, "--out", out, "--no-report") == 1
    assert "shard 3/3 is missing" in capsys.readouterr().out
    # What is there lacks the third until its plan is joined.
    cut_short([third], out)
    assert meta_of(out)["lacks"] == "3/3"
    assert merge([third], out).complete
    assert meta_of(out)["lacks"] == ""


def test_a_plan_with_gaps_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"plan of .*a has gaps: .* Make it whole with: kan-sweep run"):
        merge([build(tmp_path / "a", 2)], tmp_path / "c")


def test_a_repaired_shard_whose_plan_was_damaged_is_made_whole_before_it_is_joined(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "s.toml", seeds=1, steps=1)
    shard = ("run", spec, "--shard", "1/2", "--out")
    assert run(*shard, tmp_path / "a", *QUIET) == 0
    connection = sqlite3.connect(tmp_path / "a" / "results.db")
    with connection:
        connection.execute("UPDATE plan SET crc = 0 WHERE rowid = (SELECT max(rowid) FROM plan)")
    connection.close()
    assert repair(tmp_path / "a", tmp_path / "b").plan_lost == 1
    with pytest.raises(UserError, match=r"plan of .*b has gaps: a part of it was lost to damage"):
        merge([tmp_path / "b"], tmp_path / "c")
    assert run(*shard, tmp_path / "b", *QUIET) == 0
    assert merge([tmp_path / "b"], tmp_path / "c").missing_shards == ("2/2",)


def test_a_store_that_contradicts_itself_is_refused_and_a_killed_start_is_not(tmp_path: Path) -> None:
    whole = {"title": "t", "shard": "", "plan_of": "0123"}
    assert shard_of(whole) is None
    assert shard_of(whole | {"shard": "2/3", "plan_of": ""}) == Shard(2, 3)
    # Killed between plan and shard, by an earlier version.
    assert shard_of(whole | {"plan_of": "0123 2/3"}) == Shard(2, 3)
    for plan_of in ("0123", "0123 1/3"):
        with pytest.raises(UserError, match="is called shard 2/3 and has the plan of"):
            shard_of(whole | {"shard": "2/3", "plan_of": plan_of})
    killed = build(tmp_path / "a", 2, plan_of="0123 2/3")
    assert merge([killed], tmp_path / "c").missing_shards == ("1/3", "3/3")
    with pytest.raises(UserError, match="holds shard 2/3, and this is a whole sweep"):
        dry_run(Request("toy", out=killed), print)

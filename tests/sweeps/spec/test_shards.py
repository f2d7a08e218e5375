"""Shards of a sweep in stores of their own, some killed and repeated, and what joins them."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic
from small_sweep import assert_same_results, kill_group, start, wait_for_runs, write_spec

from sweeps.cli import main
from sweeps.errors import UserError
from sweeps.records import canonical_json
from sweeps.spec.shard import Shard, parse_shard
from sweeps.storage.merge import merge, merge_lines
from sweeps.storage.repair import repair
from sweeps.storage.store import Store

QUIET = ("--backend", "sequential", "--progress", "none", "--no-report")


def run(*arguments: Any) -> int:
    return main([str(argument) for argument in arguments])


def plan_of(directory: Path) -> list[tuple[str, str, str, dict[str, Any]]]:
    with Store.open(directory, readonly=True) as store:
        return store.plan()


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_spec(tmp_path_factory.mktemp("shards") / "small.toml", seeds=4, steps=8)


@pytest.fixture(scope="module")
def single(spec: Path) -> Path:
    out = spec.parent / "single"
    assert run("run", spec, "--out", out, *QUIET) == 0
    return out


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills process groups")
def test_eight_shards_three_of_them_killed_and_repeated_are_the_single_sweep(
    spec: Path, single: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outs = [tmp_path / f"shard-{number}" for number in range(1, 9)]
    for number, out in enumerate(outs, start=1):
        arguments = ("run", spec, "--out", out, "--shard", f"{number}/8", *QUIET)
        if number in (2, 5, 8):
            process = start(*arguments)
            wait_for_runs(process, out, 1)
            kill_group(process)
        assert run(*arguments) == 0
    plans = [{row[0] for row in plan_of(out)} for out in outs]
    assert sum(map(len, plans)) == len(set().union(*plans)) == 48
    assert min(map(len, plans)) > 0

    capsys.readouterr()
    assert run("merge", *outs[:4], "--out", tmp_path / "all", "--no-report") == 1
    assert "shards 5/8, 6/8, 7/8, 8/8 are missing" in capsys.readouterr().out
    assert run("merge", *outs, "--out", tmp_path / "all", "--no-report") == 0
    assert "48 of 48 planned runs are recorded" in capsys.readouterr().out
    assert_same_results(tmp_path / "all", single)
    assert plan_of(tmp_path / "all") == plan_of(single)
    with Store.open(tmp_path / "all", readonly=True) as whole, Store.open(single, readonly=True) as one:
        assert whole.tasks() == one.tasks()
        assert whole.meta()["spec"] == one.meta()["spec"]
        for run_id, stage in one.model_stages():
            assert whole.model(run_id, stage) == one.model(run_id, stage)

    assert run("run", spec, "--out", tmp_path / "all", *QUIET) == 0
    assert "nothing to launch" in capsys.readouterr().err


def test_a_growing_specification_moves_no_run_between_shards(tmp_path: Path) -> None:
    plans = []
    for seeds in (2, 3):
        spec = write_spec(tmp_path / "s.toml", seeds=seeds, steps=1)
        for number in (1, 2, 3):
            out = tmp_path / str(number)
            assert run("run", spec, "--out", out, "--shard", f"{number}/3", "--limit", 1, *QUIET) == 0
            plans.append({row[0] for row in plan_of(out)})
    assert all(small < large for small, large in zip(plans[:3], plans[3:], strict=True))


def test_a_shard_is_refused_where_another_one_or_a_whole_sweep_is(
    single: Path, spec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("run", spec, "--out", tmp_path / "out", "--limit", 1, *QUIET)
    assert run(*arguments, "--shard", "1/8") == 0
    for other in (("--shard", "2/8"), ("--shard", "1/4"), ()):
        capsys.readouterr()
        assert run(*arguments, *other) == 2
        assert "holds shard 1/8" in capsys.readouterr().err
        assert run(*arguments, *other, "--dry-run") == 2
    assert run("run", spec, "--out", single, "--shard", "1/8", *QUIET) == 2
    assert "holds a whole sweep, and this is shard 1/8" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0/8", "9/8", "1", "a/b", "1/0", "-1/4", ""])
def test_what_is_no_shard_is_a_clear_error(text: str) -> None:
    with pytest.raises(UserError, match="expected i/n with i from 1 to n"):
        parse_shard(text)


def test_seeds_of_a_model_go_to_one_shard_after_the_other() -> None:
    config = {"family": "kan", "width": [2, 1]}
    shards = [[Shard(n, 3).has(config | {"seed": seed}) for n in (1, 2, 3)] for seed in range(6)]
    assert all(sum(row) == 1 for row in shards)
    assert sorted(row.index(True) for row in shards) == [0, 0, 1, 1, 2, 2]


def made(number: int = 1, **changes: Any) -> dict[str, Any]:
    return synthetic.kan_record("special/jv", [2, 2, 1], number, np.random.default_rng(number)) | changes


def build(directory: Path, *records: dict[str, Any]) -> Path:
    with Store.create(directory, {"title": "t"}, "kan-sweep run t") as store:
        store.set_plan([(r["run_id"], r["task"], r["family"], r["config"]) for r in records])
        store.set_tasks({"special/jv": {"formula": "J_nu(x)"}})
        for record in records:
            store.add(record)
    return directory


def test_the_same_run_counts_once_whatever_time_it_took(tmp_path: Path) -> None:
    slow = made(2, wall_s=99.0)
    slow["stages"] = [stage | {"wall_s": 9.0} for stage in slow["stages"]]
    left, right = build(tmp_path / "a", made(1), made(2)), build(tmp_path / "b", slow, made(3))
    merged = merge([left, right], tmp_path / "c")
    assert (merged.equal, merged.replaced, merged.recorded, merged.missing) == (1, 0, 3, 0)
    with Store.open(tmp_path / "c", readonly=True) as store:
        assert store.counts()["finished"] == 3
        assert store.run(slow["run_id"])["wall_s"] == made(2)["wall_s"]
        assert store.slowest(1)[0][1] < 99.0
    again = merge([left, right], tmp_path / "c")
    assert (again.equal, again.recorded) == (4, 3)
    assert any("were there twice" in line for line in merge_lines(again))


def test_different_results_of_a_run_are_an_error_that_says_which(tmp_path: Path) -> None:
    other = made(2)
    other["stages"][1]["test_rmse"] *= 1.0 + 1e-15
    left, right = build(tmp_path / "a", made(2)), build(tmp_path / "b", made(1), other)
    with pytest.raises(UserError) as caught:
        merge([left, right], tmp_path / "c")
    message = str(caught.value)
    assert f"run {other['run_id']} has different results in {left} and in {right}" in message
    assert "stage 1: test_rmse is" in message
    assert not (tmp_path / "c").exists()
    # What is there already is compared as well.
    merge([left], tmp_path / "d")
    with pytest.raises(UserError, match="has different results"):
        merge([right], tmp_path / "d")


def test_a_run_that_ended_well_takes_the_place_of_one_that_failed(tmp_path: Path) -> None:
    failed = made(1, status="failed", reason="worker lost", stages=[])
    left, right = build(tmp_path / "a", failed), build(tmp_path / "b", made(1))
    for number, sources in enumerate(([left, right], [right, left])):
        merged = merge(sources, tmp_path / f"c{number}")
        assert merged.replaced == 1
        with Store.open(tmp_path / f"c{number}", readonly=True) as store:
            assert store.statuses() == {failed["run_id"]: "ok"}
            assert len(store.stages()["stage"]) == 4


def test_runs_of_other_code_are_merged_and_told(tmp_path: Path) -> None:
    newer = synthetic.ENVIRONMENT | {"kernel": "0123abcd"}
    left, right = build(tmp_path / "a", made(1)), build(tmp_path / "b", made(2, environment=newer))
    merged = merge([left, right], tmp_path / "c")
    assert len(merged.codes) == 2
    assert any("computed by 2 versions" in line for line in merge_lines(merged))
    with Store.open(tmp_path / "c", readonly=True) as store:
        assert store.stale_ids() == {made(1)["run_id"]}
        assert store.counts()["stale"] == 1


def by(version: str, *numbers: int, kernel: str = "0123abcd") -> list[dict[str, Any]]:
    """Runs that a version of kan_np has computed."""
    versions = {**synthetic.ENVIRONMENT["versions"], "kan_np": version}
    environment = synthetic.ENVIRONMENT | {"versions": versions, "kernel": kernel}
    return [made(number, environment=environment) for number in numbers]


def ids(records: list[dict[str, Any]]) -> set[str]:
    return {record["run_id"] for record in records}


def stale_ids(directory: Path) -> set[str]:
    with Store.open(directory, readonly=True) as store:
        return store.stale_ids()


def test_merging_and_repairing_keep_which_runs_are_stale(tmp_path: Path) -> None:
    old, new = by("1.0", *range(10)), by("2.0", *range(10, 20))
    # By their ids, the last run of all is one of the first code in one of the two.
    for name, (first, second) in {"a": (old, new), "b": (new, old)}.items():
        sweep = build(tmp_path / name, *first, *second)
        assert stale_ids(sweep) == ids(first)
        merge([sweep], tmp_path / f"{name}-merged")
        assert stale_ids(tmp_path / f"{name}-merged") == ids(first)
        repair(sweep, tmp_path / f"{name}-repaired")
        assert stale_ids(tmp_path / f"{name}-repaired") == ids(first)


def test_of_the_codes_of_several_stores_the_newest_counts(tmp_path: Path) -> None:
    old, new, newest = by("1.9", 1, 2), by("1.10", 3, 4), by("1.10", 5, kernel="ffffffff")
    left, right = build(tmp_path / "a", *old), build(tmp_path / "b", *new)
    for number, sources in enumerate(([left, right], [right, left])):
        merge(sources, tmp_path / f"versions-{number}")
        assert stale_ids(tmp_path / f"versions-{number}") == ids(old)
    # A store that went on from one code to another says which one is newer, whatever their names.
    both = build(tmp_path / "c", *new, *by("1.9", 6))
    for number, sources in enumerate(([both, right], [right, both])):
        merged = merge(sources, tmp_path / f"history-{number}")
        assert stale_ids(tmp_path / f"history-{number}") == ids(new)
        assert "kan_np 1.9, kernels 0123abcd is the newest of them" in "\n".join(merge_lines(merged))
    # Where nothing tells, the store named last does.
    other = build(tmp_path / "d", *newest)
    merge([right, other], tmp_path / "one")
    merge([other, right], tmp_path / "two")
    assert (stale_ids(tmp_path / "one"), stale_ids(tmp_path / "two")) == (ids(new), ids(newest))
    # What the store of --out holds already counts too, and a merge that is repeated changes nothing.
    merge([left], tmp_path / "one")
    merge([right, other], tmp_path / "one")
    assert stale_ids(tmp_path / "one") == ids(old) | ids(new)


def test_of_equal_runs_the_one_that_the_counting_code_computed_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = by("1.0", 1, 2, 3), by("1.0", 1, 2, 3, kernel="ffffffff")
    left, right = build(tmp_path / "a", *ours), build(tmp_path / "b", *theirs)
    for number, sources in enumerate(([left, right], [right, left])):
        merged = merge(sources, tmp_path / f"c{number}")
        assert (merged.equal, merged.stale, merged.complete, len(merged.codes)) == (3, 0, True, 1)
        assert stale_ids(tmp_path / f"c{number}") == set()
    # Also where --out holds them already, and of runs that failed.
    merge([left], tmp_path / "d")
    assert (merge([right], tmp_path / "d").stale, stale_ids(tmp_path / "d")) == (0, set())
    lost = {"status": "failed", "stages": []}
    failed = [
        build(tmp_path / c, {**own[0], **lost, "reason": c})
        for c, own in zip("ef", (ours, theirs), strict=True)
    ]
    merge(failed, tmp_path / "g")
    assert stale_ids(tmp_path / "g") == set()
    # Runs that only the other one computed are stale: it is said, and the exit code is 1.
    few = build(tmp_path / "h", *theirs[:1])
    capsys.readouterr()
    assert run("merge", left, few, "--out", tmp_path / "i", "--no-report") == 1
    told = capsys.readouterr().out
    assert "kan_np 1.0, kernels ffffffff counts, that of the store named last" in told
    assert "2 recorded runs are stale" in told
    assert f"do stale runs again with: kan-sweep run t --out {tmp_path / 'i'} --rerun stale" in told
    assert "what is missing" not in told
    assert "newest" not in told
    assert stale_ids(tmp_path / "i") == ids(ours[1:])


def test_a_shard_that_was_killed_while_its_plan_was_set_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = write_spec(tmp_path / "s.toml", seeds=1, steps=1)
    arguments = ("run", spec, "--out", tmp_path / "out", "--shard", "1/2", "--limit", 1, *QUIET)
    # The process ends at the first moment at which the file holds a plan.
    real = Store._transaction

    @contextlib.contextmanager
    def ends_with_a_plan(self: Store) -> Iterator[sqlite3.Connection]:
        with real(self) as connection:
            yield connection
        if self.n_planned():
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Store, "_transaction", ends_with_a_plan)
        assert run(*arguments) == 130
    with Store.open(tmp_path / "out", readonly=True) as store:
        assert store.n_planned() > 0
        assert store.meta()["shard"] == "1/2"
        assert store.n_recorded() == 0
    assert run(*arguments) == 0


def test_what_cannot_be_merged_is_a_clear_error(tmp_path: Path) -> None:
    left = build(tmp_path / "a", made(1))
    with pytest.raises(UserError, match="is one of the stores to be joined"):
        merge([left], left)
    with pytest.raises(UserError, match="is there twice"):
        merge([left, tmp_path / "x" / ".." / "a"], tmp_path / "c")
    with pytest.raises(UserError, match="has no sweep in it"):
        merge([left, tmp_path], tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_a_merged_run_keeps_the_time_at_which_it_was_finished(tmp_path: Path) -> None:
    left = build(tmp_path / "a", made(1, finished_at="2020-01-01T00:00:00+00:00"))
    merge([left], tmp_path / "c")
    with Store.open(tmp_path / "c", readonly=True) as store:
        assert store.runs()["finished_at"].tolist() == ["2020-01-01T00:00:00+00:00"]
        assert canonical_json(store.run(made(1)["run_id"])["config"]) == canonical_json(made(1)["config"])

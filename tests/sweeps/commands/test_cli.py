"""The command line: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_sweep import call, write_spec

import kan_np
from sweeps.cli import main
from sweeps.commands import launch
from sweeps.commands.launch import Request, command_line, find_spec, parse_features
from sweeps.spec.spec_reader import preset_names
from sweeps.storage.store import Store

RUN = ("--backend", "sequential", "--progress", "none")


def contents(directory: Path) -> dict[str, str]:
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def run(*arguments: Any) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished sweep of 24 runs."""
    folder = tmp_path_factory.mktemp("cli")
    spec = write_spec(folder / "small.toml", seeds=2, steps=1)
    assert run("run", spec, "--out", folder / "out", "--no-report", *RUN) == 0
    return folder / "out"


def test_without_arguments_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    shown = capsys.readouterr().out
    for name in ("run", "status", "report", "export", "show", "list"):
        assert name in shown
        assert run(name, "--help") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "specail"], "Did you mean 'special'?"),
        (["run", "special", "--preset", "qick"], "Did you mean 'quick'?"),
        (
            ["run", "special", "--backend", "slurm"],
            "backend is 'slurm'; expected one of sequential, threading, loky, dask, multiprocessing.",
        ),
        (["run", "special", "--scheduler", "tcp://a:1"], "a scheduler goes with the backend dask"),
        (["run", "special", "--memory", "much"], "memory is 'much'; expected an amount for each worker"),
        (["run", "special", "--jobs", "0"], "jobs is 0"),
        (["run", "special", "--jobs", "two"], "--jobs"),
        (["run", "special", "--limit", "0"], "--limit"),
        (["run", "special", "--seeds", "0"], "--seeds is 0"),
        (["run", "special", "--progress", "bars"], "Did you mean 'bar'?"),
        (["run", "special", "--retry", "all"], "retry is 'all'"),
        (["run", "special", "--timeout", "soon"], "timeout is 'soon'"),
        (["run", "special", "--retry", "all", "--dry-run"], "retry is 'all'"),
        (["run", "special", "--timeout", "soon", "--dry-run"], "timeout is 'soon'"),
        (["run", "text.csv", "--target", "y", "--features", ""], "--features is ''"),
        (["run", "text.csv", "--target", "y", "--features", ","], "--features is ',': a name is empty"),
        (["run", "text.csv", "--target", "y", "--features", "a,a"], "'a' is there twice"),
        (["run", "special", "--target", "y"], "--dates, --task and --sklearn go with a table"),
        (["run", "special", "--job", "2"], "--job"),
        (["run", "spec.toml", "--preset", "quick"], "names its own models"),
        (["run", "spec.toml"], "[[models]] number 1: unknown key 'grid'. Did you mean 'grids'?"),
        (["run", "none.toml"], "cannot read none.toml"),
        (["run", "none.csv", "--target", "y"], "cannot read the table none.csv"),
        (["run", "text.csv"], "--target"),
        (["run", "text.csv", "--target", "z"], "'z'"),
        (["run", "text.csv", "--target", "y"], "row 3"),
        (["run", "lennard-jones", "--out", "a_file/out"], "cannot write to a_file/out"),
        (["run", "lennard-jones", "--out", "damaged"], "damaged"),
        (["status", "damaged"], "damaged"),
        (["report", "damaged"], "damaged"),
        (["status", "."], "has no sweep in it"),
        (["show", "nowhere", "abc"], "has no sweep in it"),
        (["list", "nowhere"], "has no sweep in it"),
        (["export", ".", "-o", "runs.csv"], "has no sweep in it"),
        (["staus", "."], "No such command"),
        (["run"], "SPEC"),
    ],
)
def test_bad_input_is_one_message_and_code_2(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("spec.toml").write_text("suite = 'toy'\n[[models]]\nfamily = 'kan'\nhidden = [[5]]\ngrid = [3]\n")
    Path("text.csv").write_text("a,y\n1,2\n3,four\n")
    Path("a_file").write_text("")
    Path("damaged").mkdir()
    Path("damaged/results.db").write_bytes(b"not a database at all" * 100)
    before = contents(tmp_path)
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert captured.out == ""
    after = contents(tmp_path)
    after.pop("damaged/.lock", None)
    assert after == before


def test_a_mistake_has_no_traceback_in_a_process_of_its_own() -> None:
    ended = call("run", "specail")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1


def test_a_dry_run_prints_the_plan_and_writes_nothing(
    sweep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("run", "special", "--dry-run", "--out", "new") == 0
    assert contents(tmp_path) == {}
    assert not Path("new").exists()
    assert "special/jv" in capsys.readouterr().out

    before = contents(sweep)
    assert run("run", sweep.parent / "small.toml", "--out", sweep, "--dry-run") == 0
    assert contents(sweep) == before
    assert "24 runs in all, 24 recorded (0 of them failed); 0 to launch" in capsys.readouterr().out


def test_a_finished_sweep_says_that_nothing_is_left(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("run", sweep.parent / "small.toml", "--out", sweep, "--no-report", *RUN)
    assert run(*arguments) == 0
    captured = capsys.readouterr()
    assert "nothing to launch: all 24 runs of this sweep are recorded" in captured.err
    assert "24 of 24 runs recorded, 0 failed." in captured.out
    assert "models trained" not in captured.out


def test_a_plan_is_made_again_only_if_something_it_follows_from_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_spec(tmp_path / "s.toml", 1, 1)
    arguments = ("run", spec, "--out", tmp_path / "out", "--no-report", *RUN)
    made: list[int] = []
    expand = launch.expand

    def counted(*given: Any) -> Any:
        runs = expand(*given)
        made.append(len(runs))
        return runs

    monkeypatch.setattr(launch, "expand", counted)
    assert run(*arguments, "--limit", 5) == 0
    with Store.open(tmp_path / "out", readonly=True) as store:
        planned = store.plan()
    assert run(*arguments) == 0
    assert run(*arguments) == 0
    assert made == [12]
    assert "12 of 12 runs recorded, 0 failed." in capsys.readouterr().out

    monkeypatch.setattr(kan_np, "__version__", "another")
    assert run(*arguments) == 0
    assert made == [12, 12]
    with Store.open(tmp_path / "out", readonly=True) as store:
        assert store.plan() == planned
        assert store.counts()["missing"] == 0
    write_spec(spec, seeds=2, steps=1)
    assert run(*arguments, "--limit", 1) == 0
    assert made == [12, 12, 24]
    assert "24 runs planned, 12 recorded, 1 to launch" in capsys.readouterr().err


def test_a_plan_that_another_process_replaced_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("run", write_spec(tmp_path / "s.toml", 1, 1), "--out", tmp_path / "out", "--no-report", *RUN)
    assert run(*arguments, "--limit", 1) == 0
    look = launch._changed_runs

    def then_replace(request: launch.Request, *given: Any) -> Any:
        new = look(request, *given)
        with Store.open(request.directory) as store:
            store.set_plan([("0" * 16, "toy/product", "kan", {})], "something else")
        return new

    monkeypatch.setattr(launch, "_changed_runs", then_replace)
    assert run(*arguments, "--limit", 1) == 0
    with Store.open(tmp_path / "out", readonly=True) as store:
        assert (store.n_planned(), store.n_recorded()) == (12, 2)


def test_a_specification_that_leaves_nothing_to_train_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_spec(tmp_path / "s.toml", 1, 1)
    spec.write_text("max_params = 3\n" + spec.read_text())
    assert run("run", spec, "--out", tmp_path / "out", *RUN) == 2
    assert "max_params = 3 leaves out every model" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_limit_launches_a_part_and_the_rest_follows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("run", write_spec(tmp_path / "s.toml", 1, 1), "--out", tmp_path / "out", "--no-report", *RUN)
    assert run(*arguments, "--limit", 5) == 0
    assert "5 of 12 runs recorded, 0 failed, 7 left." in capsys.readouterr().out
    assert run(*arguments) == 0
    assert "12 of 12 runs recorded, 0 failed." in capsys.readouterr().out


def test_another_specification_adds_its_runs_and_becomes_the_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_spec(tmp_path / "s.toml", 1, 1)
    arguments = ("run", spec, "--out", tmp_path / "out", "--no-report", *RUN)
    run(*arguments)
    capsys.readouterr()
    write_spec(spec, seeds=2, steps=1)
    assert run(*arguments) == 0
    captured = capsys.readouterr()
    assert "holds a sweep of another specification" in captured.err
    assert "24 runs planned, 12 recorded, 12 to launch" in captured.err
    # What leaves out runs that are there has to be forced.
    assert run(*arguments, "--seeds", 1) == 2
    assert "12 runs of it would be in the plan and the report no more" in capsys.readouterr().err
    assert run(*arguments, "--seeds", 1, "--force") == 0
    run("status", tmp_path / "out")
    shown = capsys.readouterr().out
    assert "12 runs planned, 12 recorded, 0 to do" in shown
    assert "12 more runs are recorded that the present plan does not ask for" in shown


def test_failed_runs_are_counted_explained_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec, here = write_spec(tmp_path / "s.toml", 1, 1), ("--backend", "sequential", "--progress", "none")
    arguments = ("run", spec, "--out", tmp_path / "out", "--no-report", *here)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("this one is broken")

    with monkeypatch.context() as patch:
        patch.setattr(kan_np, "fit_schedule", broken)
        assert run(*arguments) == 1
    assert "12 of 12 runs recorded, 4 failed." in capsys.readouterr().out
    assert run(*arguments) == 1
    assert "4 of them failed; do these again with --retry failed" in capsys.readouterr().err
    assert run("status", tmp_path / "out") == 0
    shown = capsys.readouterr().out
    assert "4 x failed: RuntimeError: this one is broken" in shown
    assert ["kan", "0", "4", "0", "8"] in [line.split() for line in shown.splitlines()]
    assert run(*arguments, "--retry", "failed") == 0
    assert "12 of 12 runs recorded, 0 failed." in capsys.readouterr().out


def test_a_run_past_its_time_is_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = write_spec(tmp_path / "s.toml", 1, steps=100_000, opt="LBFGS")
    out = tmp_path / "out"
    arguments = ("run", spec, "--out", out, "--no-report", "--timeout", "0.05", "--limit", 2, *RUN)
    assert run(*arguments) == 1
    assert "timeout: stopped after the limit of 0.05 s" in capsys.readouterr().out
    with Store.open(out, readonly=True) as store:
        assert set(store.runs()["status"]) == {"timeout"}


def test_a_second_sweep_on_the_same_directory_is_refused(
    sweep: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store.open(sweep):
        assert run("run", sweep.parent / "small.toml", "--out", sweep, *RUN) == 2
    assert "another sweep is writing" in capsys.readouterr().err


def test_what_the_bound_leaves_out_is_said_and_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_spec(tmp_path / "s.toml", 1, 1)
    spec.write_text(spec.read_text().replace("seeds", "max_params = 40\nseeds"))
    arguments = ("run", spec, "--out", tmp_path / "out", "--no-report", *RUN)
    assert run(*arguments, "--dry-run") == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "KAN models are left out" in line)
    assert line.startswith("toy/product")
    assert run(*arguments) == 0
    assert line in capsys.readouterr().err.splitlines()
    with Store.open(tmp_path / "out", readonly=True) as store:
        assert line.endswith(store.tasks()["toy/product"]["left_out"][0])


def test_a_wide_table_is_tried_with_both_families(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = np.random.default_rng(0).random((30, 61))
    header = ",".join([*(f"x{i}" for i in range(60)), "y"])
    np.savetxt(tmp_path / "wide.csv", values, delimiter=",", header=header, comments="")
    assert run("run", tmp_path / "wide.csv", "--target", "y", "--out", tmp_path / "o", "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "left out" not in shown
    assert {"kan", "mlp"} <= {line.split()[0] for line in shown.splitlines() if line}


@pytest.mark.parametrize(
    ("text", "names"),
    [("a", ("a",)), ("a, b", ("a", "b")), ('"a,b",c', ("a,b", "c")), ('a, "b ""q"""', ("a", 'b "q"'))],
)
def test_features_are_a_line_of_csv(text: str, names: tuple[str, ...]) -> None:
    assert parse_features(text) == names


def test_the_command_to_continue_is_the_command_that_was_typed() -> None:
    assert command_line(["/x/bin/kan-sweep", "run", "a b.csv"]) == "kan-sweep run 'a b.csv'"
    assert command_line(["/x/sweeps/__main__.py", "list"]) == "python -m sweeps list"


def test_results_go_to_runs_unless_told(tmp_path: Path) -> None:
    assert Request("special").directory == Path("runs/special")
    assert Request("data/mine.csv").directory == Path("runs/mine")
    assert find_spec(Request("toy", seeds=5)).seeds == (0, 1, 2, 3, 4)


def test_help_groups_the_options_and_shows_their_values(capsys: pytest.CaptureFixture[str]) -> None:
    for asked in ("-h", "--help"):
        assert run("run", asked) == 0
        text = " ".join(capsys.readouterr().out.replace("│", " ").split())
        for words in ("Tables only", "How it is carried out", "[refuse|one-hot]", "[auto|bar|plain|none]"):
            assert words in text
    assert run("--version") == 0
    assert capsys.readouterr().out == f"kan-sweep {kan_np.__version__}\n"


def test_the_presets_that_help_names_are_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    run("run", "--help")
    lines = "".join(line.strip("│ ").partition("]")[0] for line in capsys.readouterr().out.splitlines())
    assert all(name in lines for name in preset_names())


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("kan-sweep au", ["auto"]),
        ("kan-sweep run x.csv --preset qu", ["quick"]),
        ("kan-sweep run x.csv --task c", ["classification"]),
        ("kan-sweep run x.csv --class", ["--classes"]),
    ],
)
def test_a_shell_completes_commands_options_and_values(typed: str, found: list[str]) -> None:
    place = str(len(typed.split()) - 1)
    asked = {"_KAN_SWEEP_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": place}
    done = subprocess.run(
        [sys.executable, "-m", "sweeps"], env=os.environ | asked, capture_output=True, text=True
    )
    assert done.stdout.split() == found

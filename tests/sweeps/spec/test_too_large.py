"""Sweeps and specifications that nobody can compute are refused before anything is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kan_np
from sweeps.cli import main
from sweeps.errors import UserError
from sweeps.spec import tasks
from sweeps.spec.expansion import MAX_RUNS, check_size, expand
from sweeps.spec.spec_reader import parse_spec, read_spec
from sweeps.spec.sweep_spec import ModelTable

LINEAR: dict[str, Any] = {"suite": "toy", "tasks": ["product"], "models": [{"family": "linear"}]}
QUIET = ["--backend", "sequential", "--no-report", "--progress", "none"]


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return the one line that a command is refused with."""
    assert main([*map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert len(line) < 600
    return line


def test_too_many_seeds_are_refused_with_the_number_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    models = "[[models]]\nfamily = 'kan'\nhidden = [[5], [3]]\nk = [2, 3]\n"
    Path("two.toml").write_text(f"suite = 'toy'\ntasks = ['product', 'expsin']\nseeds = 1000000000\n{models}")
    Path("all.toml").write_text(f"suite = 'toy'\nseeds = 1000000000\n{models}")
    table = "a,b,y\n" + "".join(f"{i},{(i * 7) % 11},{2 * i}\n" for i in range(40))
    Path("t.csv").write_text(table)
    two = "that would be 8000000000 runs (2 tasks x 4 models x 1000000000 seeds); expected at most 1000000"
    assert two in refused(capsys, "run", "two.toml")
    assert two in refused(capsys, "run", "two.toml", "--dry-run")
    assert "at least 4000000000 runs (4 models x " in refused(capsys, "run", "all.toml")
    assert "1000000000 seeds" in refused(capsys, "run", "toy", "--seeds", 10**9)
    assert "1000000000 seeds" in refused(capsys, "run", "t.csv", "--target", "y", "--seeds", 10**9)
    assert "1000000000 seeds" in refused(capsys, "auto", "t.csv", "--target", "y", "--seeds", 10**9)
    assert "1000000000 folds" in refused(capsys, "run", "t.csv", "--target", "y", "--folds", 10**9)
    assert {path.name for path in tmp_path.iterdir()} == {"two.toml", "all.toml", "t.csv"}


def test_a_product_of_many_axes_is_counted_and_not_made() -> None:
    axes = tuple((name, tuple(range(1, 101))) for name in "abcdefgh")
    table = ModelTable("kan", ((5,), (3,)), axes)
    with pytest.raises(UserError, match=f"{2 * 100**8} runs"):
        check_size([table], 1, n_tasks=1)
    check_size([ModelTable("formula", (), (("seconds", (1.0, 2.0)),))], MAX_RUNS // 2, n_tasks=1)
    with pytest.raises(UserError, match=f"{MAX_RUNS + 2} runs"):
        check_size([ModelTable("formula", (), (("seconds", (1.0, 2.0)),))], MAX_RUNS // 2 + 1, n_tasks=1)


def test_what_is_counted_is_what_is_made() -> None:
    values = {
        "suite": "toy",
        "seeds": [0, 3, 7],
        "models": [{"family": "kan", "hidden": [[2], [3]], "k": [2, 3]}],
    }
    values["models"] += [{"family": "mlp", "hidden": [[4]]}, {"family": "formula"}, {"family": "linear"}]
    spec = parse_spec(values, "test", "test")
    infos = tasks.describe(spec)
    runs = expand(spec, infos)
    assert len(runs) == 5 * 3 * (2 * 2 + 1 + 1 + 1)
    with pytest.raises(UserError, match=f"{len(runs) * 10**6} runs"):
        check_size(spec.models, len(spec.seeds) * 10**6, spec.data.folds, len(infos))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds = " + "[" * 20000 + "]" * 20000, "nested too deeply"),
        ("a" + ".a" * 300 + " = 1", "unknown key 'a'"),
        ("seeds = " + "9" * 5000, "is not valid TOML"),
        ("seeds = 99999999999999999999999", "how many seeds"),
        ("seeds = [99999999999999999999999]", "how many seeds"),
        (f"seeds = {[*range(20000), -1]}", "characters); expected how many seeds"),
        (f"title = {'x' * 10**5!r}\nseeds = {'y' * 10**5!r}", "characters); expected how many seeds"),
        ("[data]\nn_train = 1000000000000", "n_train is 1000000000000; expected an integer from 2 to"),
        ("[data]\nn_test = 1000000000000", "n_test is 1000000000000; expected an integer from 1 to"),
        (f"[data]\nseed = {10**40}", "seed is 1000"),
        (f"max_params = {10**30}", "max_params is 1000"),
    ],
)
def test_no_specification_is_a_traceback(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "s.toml"
    spec.write_text(f"suite = 'toy'\n{text}\n[[models]]\nfamily = 'linear'\n")
    assert message in refused(capsys, "run", spec, "--out", tmp_path / "out", *QUIET)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "table", ["steps = 1" + "0" * 400, "hidden = [[1" + "0" * 400 + "]]", "grids = [1" + "0" * 400 + "]"]
)
def test_numbers_have_64_bits(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "s.toml"
    hidden = "" if "hidden" in table else "hidden = [[5]]\n"
    spec.write_text(f"suite = 'toy'\n[[models]]\nfamily = 'kan'\n{hidden}{table}\n")
    assert table.split()[0] in refused(capsys, "run", spec, "--out", tmp_path / "out", *QUIET)


def test_a_byte_order_mark_is_no_part_of_a_specification(tmp_path: Path) -> None:
    text = "suite = 'toy'\n[[models]]\nfamily = 'linear'\n"
    (tmp_path / "plain.toml").write_text(text, encoding="utf-8")
    (tmp_path / "marked.toml").write_text(text, encoding="utf-8-sig")
    plain, marked = (read_spec(tmp_path / f"{name}.toml") for name in ("plain", "marked"))
    assert (plain.source, plain.models) == (marked.source, marked.models)


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.25, 0.5, 0.9])
def test_counts_of_samples_are_those_of_the_split(fraction: float) -> None:
    for n in [*range(2, 60), 1001]:
        values = LINEAR | {"data": {"n_train": n, "n_test": 3, "val_fraction": fraction}}
        rows = np.zeros((n, 1))
        try:
            split = kan_np.split_validation({"train_input": rows, "train_label": rows}, fraction)
        except ValueError:
            with pytest.raises(UserError, match=f"n_train = {n} with val_fraction = {fraction:g}"):
                tasks.describe(parse_spec(values, "test", "test"))
            continue
        (info,) = tasks.describe(parse_spec(values, "test", "test")).values()
        counts = [info.description[f"n_{part}"] for part in ("train", "val", "test")]
        assert counts == [len(split["train_input"]), len(split["val_input"]), 3]


def test_the_largest_sizes_are_described_without_their_samples() -> None:
    values = LINEAR | {"data": {"n_train": 100_000_000, "n_test": 100_000_000}}
    (info,) = tasks.describe(parse_spec(values, "test", "test")).values()
    assert info.description["n_train"] == 80_000_000


def test_a_shard_without_runs_has_a_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "one.toml"
    spec.write_text("suite = 'toy'\ntasks = ['product']\n[[models]]\nfamily = 'linear'\n")
    said = []
    for number in range(1, 8):
        out = tmp_path / f"out{number}"
        arguments = ["run", str(spec), "--shard", f"{number}/7", "--out", str(out), *QUIET]
        assert main([*arguments, "--dry-run"]) == 0
        said.append("no run of the sweep belongs to this shard" in capsys.readouterr().out)
        assert main(arguments) == 0
        assert ("no run of the sweep belongs to this shard" in capsys.readouterr().err) == said[-1]
        for command in ("status", "list"):
            assert main([command, str(out)]) == 0
        capsys.readouterr()
    assert sum(said) == 6
    assert (
        main(
            [
                "merge",
                *(str(tmp_path / f"out{n}") for n in range(1, 8)),
                "--out",
                str(tmp_path / "m"),
                "--no-report",
            ]
        )
        == 0
    )

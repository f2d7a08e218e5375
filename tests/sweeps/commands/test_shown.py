"""What commands show of a sweep that is there: status, list, show, report and export."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_sweep import write_spec

import kan_np
from sweeps.cli import main
from sweeps.commands.run_details import parity_figure
from sweeps.spec import tasks
from sweeps.storage.store import Store

RUN = ("--backend", "sequential", "--progress", "none")


def write_table(path: Path, rows: int = 60) -> Path:
    lines = [f"{i / rows!r},{(i * 7 % rows) / rows!r},{math.sin(i / rows)!r}" for i in range(rows)]
    path.write_text("\n".join(["a,b,y", *lines]) + "\n")
    return path


def run(*arguments: Any) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a finished sweep of 24 runs."""
    folder = tmp_path_factory.mktemp("cli")
    spec = write_spec(folder / "small.toml", seeds=2, steps=1)
    assert run("run", spec, "--out", folder / "out", "--no-report", *RUN) == 0
    return folder / "out"


def test_status_and_list_read_the_store(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status", sweep) == 0
    shown = capsys.readouterr().out
    assert "24 runs planned, 24 recorded, 0 to do; 0 failed; 32 models trained" in shown
    assert "slowest runs" in shown
    assert run("list", sweep) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 24
    assert run("list") == 0
    shown = capsys.readouterr().out
    assert "lennard-jones" in shown
    assert "presets: families, formula, paper, pde, quick" in shown


@pytest.mark.parametrize("family", ["kan", "mlp"])
def test_show_prints_and_draws_a_run(family: str, sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(sweep, readonly=True) as store:
        columns = store.runs()
    run_id = str(columns["run_id"][columns["family"] == family][0])
    assert run("show", sweep, run_id[:10], "--stage", 0) == 0
    shown = capsys.readouterr().out
    assert f"run     {run_id}" in shown
    assert "train RMSE" in shown
    for name in (f"run-{run_id}-stage-0.png", f"run-{run_id}-stage-0-parity.png"):
        assert (sweep / "figures" / name).read_bytes().startswith(b"\x89PNG")
        assert name in shown
    assert run("show", sweep, run_id, "--out", sweep / "pic") == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[-2:] == [str(sweep / "pic.png"), str(sweep / "pic-parity.png")]
    assert all(Path(path).is_file() for path in shown[-2:])
    assert run("show", sweep, "zzzz") == 2
    assert run("show", sweep, run_id, "--stage", 9) == 2
    assert run("show", sweep, run_id, "--out", sweep / "results.db" / "x.png") == 2


def test_a_picture_that_cannot_be_written_is_told_without_the_number_of_an_error(
    sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with Store.open(sweep, readonly=True) as store:
        run_id = str(store.runs()["run_id"][0])
    for place in (tmp_path / "file" / "x.png", tmp_path / "file" / "deeper" / "x.png"):
        capsys.readouterr()
        assert run("show", sweep, run_id, "--out", place) == 2
        message = capsys.readouterr().err
        assert f"cannot write the picture {place}: " in message
        assert "Errno" not in message


@pytest.mark.slow
def test_files_go_to_directories_that_are_made(sweep: Path, tmp_path: Path) -> None:
    with Store.open(sweep, readonly=True) as store:
        run_id = str(store.runs()["run_id"][0])
    assert run("export", sweep, "-o", tmp_path / "a" / "b" / "runs.csv") == 0
    assert run("report", sweep, "-o", tmp_path / "c" / "d" / "page.html") == 0
    assert run("show", sweep, run_id, "--out", tmp_path / "e" / "f" / "x.png") == 0
    assert (tmp_path / "a" / "b" / "runs.csv").is_file()
    assert (tmp_path / "c" / "d" / "page.html").is_file()
    assert (tmp_path / "e" / "f" / "x.png").is_file()


def test_report_and_export_write_files(sweep: Path, tmp_path: Path) -> None:
    assert run("report", sweep) == 0
    assert "</html>" in (sweep / "report.html").read_text()
    assert (sweep / "front.csv").is_file()
    assert run("export", sweep, "-o", tmp_path / "runs.csv") == 0
    assert len((tmp_path / "runs.csv").read_text().splitlines()) == 1 + 32


@pytest.mark.slow
def test_a_table_is_swept_shown_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table, out = write_table(tmp_path / "mine.csv"), tmp_path / "out"
    arguments = ("run", table, "--target", "y", "--features", "a,b", "--out", out, "--limit", 3, *RUN)
    assert run(*arguments) == 0
    assert f"report: {out / 'report.html'}" in capsys.readouterr().out
    with Store.open(out, readonly=True) as store:
        run_id = store.runs()["run_id"][0]
        assert store.tasks()["csv/mine"]["variables"] == ["a", "b"]
    assert run("show", out, run_id) == 0
    assert "-parity.png" in capsys.readouterr().out
    table.write_text(table.read_text() + "1,1,1\n")
    tasks._cache.clear()
    assert run("show", out, run_id) == 0
    assert "the data cannot be made" in capsys.readouterr().err


def test_show_finds_a_table_from_anywhere_and_beside_the_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    write_table(tmp_path / "first" / "mine.csv")
    monkeypatch.chdir(tmp_path / "first")
    assert run("run", "mine.csv", "--target", "y", "--out", "out", "--limit", 1, "--no-report", *RUN) == 0
    monkeypatch.chdir(tmp_path / "second")
    out = tmp_path / "first" / "out"
    with Store.open(out, readonly=True) as store:
        run_id = store.runs()["run_id"][0]
    for move in (None, out / "mine.csv"):
        if move is not None:
            (tmp_path / "first" / "mine.csv").rename(move)
        tasks._cache.clear()
        capsys.readouterr()
        assert run("show", out, run_id) == 0
        assert "-parity.png" in capsys.readouterr().out


def test_the_parity_picture_has_its_error_in_the_units_of_its_axes() -> None:
    rng = np.random.default_rng(0)
    scaler = kan_np.Scaler.fit(rng.random((20, 1)), 1000.0 * rng.random((20, 1)))
    dataset = {"test_input": np.zeros((4, 1)), "test_label": np.zeros((4, 1)), "scaler": scaler}
    figure = parity_figure(lambda x: scaler.unscale_label(scaler.scale_input(x) + 1.0), dataset, "a run")
    (axes,) = figure.axes
    assert f"test RMSE {scaler.label_scale[0]:.3g} in the units of the axes" in axes.get_title()

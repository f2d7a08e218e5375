"""`kan-sweep run paper`: parts in stores of their own, resumed, and one page about them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from html_page import page_of
from small_sweep import assert_same_results, n_recorded

from sweeps.analysis.studies import read_studies
from sweeps.cli import main
from sweeps.commands import paper as command
from sweeps.page.paper_report import is_paper, write_paper
from sweeps.page.study_figures import study_figures
from sweeps.page.study_view import formulas_table, numbers_table
from sweeps.run_one import run_one
from sweeps.spec import tasks
from sweeps.spec.expansion import expand
from sweeps.spec.paper import Part, parts
from sweeps.spec.spec_reader import parse_spec
from sweeps.spec.sweep_spec import SweepSpec
from sweeps.storage.store import Store
from sweeps.studies.measured import Measured

#: Models that are trained in no time, of some functions of every swept part.
TINY: dict[str, dict[str, Any]] = {
    "toy": {"suite": "toy", "tasks": ["bessel", "product"]},
    "special": {"suite": "special", "tasks": ["jv"]},
    "feynman": {"suite": "feynman", "tasks": ["I.6.2"]},
}
TINY_MODELS: list[dict[str, Any]] = [
    {"family": "kan", "hidden": ["suggested"], "grids": [3, 5], "steps": 3},
    {"family": "mlp", "hidden": [[3], [3, 3]], "steps": 3},
]


def tiny_spec(part: Part, preset: str = "full") -> SweepSpec:
    """A part with a few tiny models, or the methods of the continual study that take no time."""
    if part.name == "continual":
        models = [{"family": "study", "method": ["kan", "mlp"], "quick": True}]
        return parse_spec({"suite": "study", "tasks": ["continual"], "models": models}, "test", part.name)
    values = TINY[part.name] | {"data": {"n_train": 500, "n_test": 50, "seed": [0, 1]}, "models": TINY_MODELS}
    return parse_spec(values, "test", part.name)


def stored(directory: Path, spec: SweepSpec, limit: int | None = None) -> Path:
    """A store with the runs of a specification, computed in this process."""
    infos = tasks.describe(spec)
    runs = expand(spec, infos)
    with Store.create(directory, spec.to_dict(), "kan-sweep run paper") as store:
        store.set_tasks(tasks.descriptions(spec, infos))
        store.set_plan([(run.run_id, run.task, run.family, run.config) for run in runs])
        store.add_all([run_one(run.config) for run in runs[:limit]])
    return directory


def test_a_study_goes_through_a_store(tmp_path: Path) -> None:
    stored(tmp_path, tiny_spec(parts()["continual"]))
    with Store.open(tmp_path, readonly=True) as store:
        (study,) = read_studies(store)
    assert [own.method for own in study.methods] == ["kan", "mlp"]
    assert list(study.quantities) == ["rmse_all", "rmse_own", "forgetting", "most_steps"]
    kan, mlp = study.methods
    assert kan.median("rmse_all") <= 4.1e-6 < mlp.median("rmse_all")
    table = numbers_table(study)
    assert [column.name for column in table.columns] == ["quantity", "kan", "mlp", "the paper"]
    assert table.rows[0][1].value == kan.median("rmse_all")
    assert formulas_table(study) is None
    assert [suffix for suffix, _, _ in study_figures(study)] == ["phases", "forgetting"]


def test_a_study_has_a_report_of_its_own(tmp_path: Path) -> None:
    stored(tmp_path, tiny_spec(parts()["continual"]), limit=1)
    assert main(["report", str(tmp_path)]) == 0
    page = page_of(tmp_path / "report.html")
    assert "1 of 2 planned runs are missing" in page.text
    assert (tmp_path / "figures" / "continual-phases.png").is_file()
    assert (tmp_path / "tables" / "continual.csv").is_file()


def test_what_no_seed_found_is_not_lost_in_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sweeps.studies import continual

    def measured(method: str, seed: int, quick: bool = False) -> Measured:
        found = seed == 0 and method == "kan"
        return Measured({"rmse_all": 0.5, "rmse_own": 0.25 if found else math.nan})

    monkeypatch.setattr(continual, "run", measured)
    models = [{"family": "study", "method": ["kan", "mlp"], "quick": True}]
    values = {"suite": "study", "tasks": ["continual"], "seeds": 2, "models": models}
    stored(tmp_path, parse_spec(values, "test", "continual"))
    with Store.open(tmp_path, readonly=True) as store:
        (study,) = read_studies(store)
        run_ids = list(store.statuses())
    assert list(study.quantities) == ["rmse_all", "rmse_own"]
    table = numbers_table(study)
    assert [text for text, _, _ in table.cells()[1]][1:3] == ["0.25 (1 of 2)", "– (0 of 2)"]
    for run_id in run_ids:
        assert main(["show", str(tmp_path), run_id]) == 0
    assert capsys.readouterr().out.count("rmse_own not found") == 3
    assert main(["export", str(tmp_path), "-o", str(tmp_path / "all.csv")]) == 0


def test_show_says_that_a_study_has_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(tmp_path, tiny_spec(parts()["continual"]), limit=1)
    with Store.open(tmp_path, readonly=True) as store:
        (run_id,) = store.statuses()
    assert main(["show", str(tmp_path), run_id]) == 0
    told = capsys.readouterr()
    assert "rmse_all" in told.out
    assert "no model to draw" in told.err


def test_a_study_that_fails_is_a_failed_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeps.studies import continual

    def broken(method: str, seed: int, quick: bool = False) -> Measured:
        raise RuntimeError("out of peaks")

    monkeypatch.setattr(continual, "run", broken)
    (run, *_) = expand(spec := tiny_spec(parts()["continual"]), tasks.describe(spec))
    record = run_one(run.config)
    assert (record["status"], record["stages"]) == ("failed", [])
    assert "out of peaks" in record["reason"]


@pytest.mark.slow
def test_the_page_says_what_is_not_there(tmp_path: Path) -> None:
    stored(tmp_path / "continual", tiny_spec(parts()["continual"]), limit=1)
    stored(tmp_path / "toy", tiny_spec(parts()["toy"]))
    (tmp_path / "special").mkdir()
    (tmp_path / "special" / "results.db").write_bytes(b"no database at all")
    assert is_paper(tmp_path)
    page = page_of(write_paper(tmp_path))
    assert "Continual learning: 1 of 2 runs missing." in page.text
    assert "Fifteen special functions: cannot be read" in page.text
    assert "Formulas: not begun." in page.text
    assert (tmp_path / "figures" / "toy-scaling.svg").is_file()
    best = (tmp_path / "tables" / "toy-best.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in best] == ["function", "bessel", "product"]
    assert not is_paper(tmp_path / "toy")


@pytest.mark.parametrize("name", ["status", "list"])
def test_a_folder_of_parts_is_told_part_by_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    stored(tmp_path / "continual", tiny_spec(parts()["continual"]), limit=1)
    (tmp_path / "special").mkdir()
    (tmp_path / "special" / "results.db").write_bytes(b"no database at all")
    assert main([name, str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("continual: Continual learning")
    assert lines[at + 1].startswith("  2 runs planned, 1 recorded, 1 to do")
    assert lines[lines.index("toy: Five functions with a known form") + 1] == "  not begun"
    assert lines[lines.index("special: Fifteen special functions") + 1].startswith("  cannot be read: ")
    assert lines[-1].endswith(f"kan-sweep status {tmp_path / 'continual'}")


@pytest.mark.slow
def test_the_page_of_a_paper_is_written_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored(tmp_path / "continual", tiny_spec(parts()["continual"]))
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "talk" / "page.html")]) == 0
    assert "page.html" in capsys.readouterr().out
    assert (tmp_path / "talk" / "page_files" / "tables" / "parts.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "paper", "--part", "tou"], "Did you mean 'toy'?"),
        (["run", "paper", "--preset", "pde"], "quick, full"),
        (["run", "paper", "--limit", "3"], "--part instead"),
        (["run", "paper", "--target", "y"], "no table"),
        (["run", "toy", "--part", "toy"], "is one sweep"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_a_dry_run_plans_the_parts_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "paper"
    asked = ["run", "paper", "--preset", "quick", "--part", "toy", "--part", "film", "--out", str(out)]
    assert main([*asked, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert told.count("runs in all") == 2
    assert "toy/bessel" in told
    assert "study/film" in told
    assert not out.exists()


def test_the_paper_is_in_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    told = capsys.readouterr().out
    assert "paper: all parts of arXiv:2404.19756, presets quick and full" in told
    assert "study (" in told


@pytest.mark.slow
def test_a_small_paper_is_carried_out_resumed_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["special", "continual"]
    monkeypatch.setattr(Part, "spec", tiny_spec)
    asked = [word for name in chosen for word in ("--part", name)]
    out, whole = tmp_path / "paper", tmp_path / "whole"
    stored(out / "special", tiny_spec(parts()["special"]), limit=2)
    for name in chosen:
        stored(whole / name, tiny_spec(parts()[name]))
    command_line = ["run", "paper", *asked, "--out", str(out), "-j", "1", "--progress", "none"]
    assert main(command_line) == 0
    assert "2 recorded, 4 to launch" in capsys.readouterr().err
    assert {name: n_recorded(out / name) for name in chosen} == {"special": 6, "continual": 2}
    for name in chosen:
        assert_same_results(out / name, whole / name)
    page = page_of(out / "report.html")
    assert "Formulas: not begun." in page.text
    assert ("a", "href", "special/report.html") in page.attributes
    assert main([*command_line, "--no-report"]) == 0
    assert capsys.readouterr().err.count("nothing to launch") == 2


def test_an_interrupted_part_ends_the_command_with_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Part, "spec", tiny_spec)
    begun: list[str] = []

    def interrupted(request: Any, *_: Any) -> int:
        begun.append(request.directory.name)
        if len(begun) == 2:
            return 130
        stored(request.directory, request.spec)
        return 0

    monkeypatch.setattr(command.launching, "launch", interrupted)
    out = tmp_path / "paper"
    asked = ["run", "paper", "--part", "continual", "--part", "toy", "--part", "special", "--out", str(out)]
    assert main(asked) == 130
    assert begun == ["toy", "special"]
    page = page_of(out / "report.html")
    assert "Fifteen special functions: not begun." in page.text
    assert "page:" in capsys.readouterr().out

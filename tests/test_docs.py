"""Pages of the documentation: their Python and their commands run as they are printed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sweeps.cli import main

PAGE = (Path(__file__).parent.parent / "docs" / "tables.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(python|sh|text)\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_page_about_tables_runs_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    shown = ""
    for kind, text in BLOCKS:
        if kind == "python":
            exec(compile(text, "tables.md", "exec"), names)  # noqa: S102  the code under test is the page's
        elif kind == "text":
            assert text.strip() in shown
        else:
            words = shlex.split(text.replace("--budget 60", "--budget 5"))
            assert words[0] == "kan-sweep"
            messy = words[1] == "run" and "--missing" not in words
            assert main(words[1:]) == (2 if messy else 0)
            captured = capsys.readouterr()
            shown = captured.out + captured.err
            if messy:
                assert all(
                    f"--{option}" in shown for option in ("missing drop", "classes one-hot", "dates days")
                )
    predicted = Path("predicted.csv").read_text(encoding="utf-8").splitlines()
    assert predicted[0].endswith("predicted yield / %,lower 90 % yield / %,upper 90 % yield / %,out_of_range")
    assert [row.rsplit(",", 1)[1] for row in predicted[1:]] == ["0", "1", ""]


@pytest.mark.slow
def test_the_page_about_differential_equations_runs_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parent.parent / "docs" / "differential_equations.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for text in blocks[:2]:
        exec(compile(text, "differential_equations.md", "exec"), names)  # noqa: S102
    assert names["u"][0, 0] == pytest.approx(1.0, abs=1e-3)
    assert abs(names["slopes"]["u_x"][0]) < 1e-2
    found = names["found"]
    assert found.standard_errors["D"] < 2e-3
    assert abs(found.unknowns["D"] - 0.25) < 4 * found.standard_errors["D"]
    exec(compile(blocks[2], "differential_equations.md", "exec"), names)  # noqa: S102
    assert names["oscillator"].errors(names["solution"]).l2 < 1e-10
    assert "Errors(l2=" in capsys.readouterr().out
    exec(compile(blocks[3], "differential_equations.md", "exec"), names)  # noqa: S102
    assert (tmp_path / "oscillator.png").is_file()
    for text in blocks[4:]:
        exec(compile(text, "differential_equations.md", "exec"), names)  # noqa: S102
        assert "Formula(sin(pi*x)*sin(pi*y))" in capsys.readouterr().out


def test_commands_and_specification_of_the_page_about_differential_equations_are_plans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parent.parent / "docs" / "differential_equations.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (specification,) = re.findall(r"^```toml\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    Path("two.toml").write_text(specification)
    assert main(["run", "two.toml", "--dry-run"]) == 0
    assert "2-0+1x-1" in capsys.readouterr().out
    (commands,) = re.findall(r"^```sh\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    for line in commands.splitlines():
        words = shlex.split(line, comments=True)
        assert words[0] == "kan-sweep"
        assert main([*words[1:], *(["--dry-run"] if words[1] == "run" else [])]) == 0
    assert "schroedinger" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("page", ["knots.md", "localization.md"])
def test_pages_about_examples_run_and_print_what_they_say(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parent.parent / "docs" / page).read_text(encoding="utf-8")
    names: dict = {}
    blocks = re.findall(r"^```(python|text)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} == {"python", "text"}
    for kind, block in blocks:
        if kind == "python":
            exec(compile(block, page, "exec"), names)  # noqa: S102
        else:
            assert capsys.readouterr().out.strip() == block.strip()

"""The page about tables: its Python and its commands run as they are printed."""

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

"""docs/formulas.md: its examples run as they are printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "formulas.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(python|text)\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_the_page_runs_as_printed(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pint")
    names: dict[str, Any] = {}
    printed = ""
    for kind, text in BLOCKS:
        if kind == "python":
            exec(compile(text, "formulas.md", "exec"), names)  # noqa: S102  the code under test is the page's
            printed = capsys.readouterr().out
        else:
            assert printed.strip() == text.strip()
    assert names["found"].noise.level == pytest.approx(0.05, rel=0.3)

"""The page on scikit-learn: its Python runs as it is printed, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "scikit_learn.md"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::kan_np.ExtrapolationWarning")
def test_the_page_runs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL):
        exec(compile(block, PAGE.name, "exec"), names)  # noqa: S102  the code under test is the page's
    assert "[m*v**2/2] [True]" in capsys.readouterr().out
    assert names["search"].best_score_ > 0.4
    assert (tmp_path / "model.png").exists()

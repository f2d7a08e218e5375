"""The README's Python runs as it is printed, and its figures hold."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import sympy

README = (Path(__file__).parent.parent / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def block(word):
    found = [b for b in BLOCKS if word in b]
    assert len(found) == 1, f"{len(found)} python blocks of the README contain {word!r}"
    return found[0]


def run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102  the code under test is the README's
    return names


def test_every_python_block_is_run_by_a_test_below():
    words = ("load_model", "discover(dataset")
    assert sorted(block(w) for w in words) == sorted(BLOCKS)


def test_hello_world(tmp_path, monkeypatch):
    names = run(block("load_model"), tmp_path, monkeypatch)
    assert names["result"]["test_loss"][-1] < 6e-3
    x = np.array([[0.3, -0.4]])
    assert names["model"](x) == pytest.approx(names["f"](x), abs=0.05)
    assert (tmp_path / "model.png").stat().st_size > 10_000
    assert (names["again"](x) == names["model"](x)).all()


@pytest.mark.slow
def test_from_data_to_formula(tmp_path, monkeypatch, capsys):
    names = run(block("discover(dataset"), tmp_path, monkeypatch)
    x, y = sympy.symbols("x y")
    assert names["found"].best.formula[0][0] == sympy.exp(sympy.sin(sympy.pi * x) + y**2)
    samples = np.array([[0.3, -0.4]])
    assert names["predict"](samples) == pytest.approx(names["f"](samples), rel=1e-12)
    assert "exp(y**2 + sin(pi*x))" in capsys.readouterr().out


def test_it_fits_one_screen_and_a_half():
    assert len(README.splitlines()) <= 110
    assert README.count("![") == 1  # one picture


def test_its_links_lead_to_files():
    root = Path(__file__).parent.parent
    links = re.findall(r"\]\(([^)#]+)", README)
    assert len(links) > 10
    assert [link for link in links if "://" not in link and not (root / link).exists()] == []


def test_the_page_on_error_bars_runs(tmp_path, monkeypatch):
    page = (Path(__file__).parent.parent / "docs" / "error_bars.md").read_text()
    names = run(page.split("```python\n")[1].split("```")[0], tmp_path, monkeypatch)
    assert names["low"] < names["prediction"] < names["high"]
    assert 0.05 < names["std"] < 0.2
    assert (tmp_path / "model.npz").exists()

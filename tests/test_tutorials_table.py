"""The table of the tutorials goes into the place of the one that a page has; bars are what pykan prints."""

from __future__ import annotations

import ast

import pytest

from benchmarks.tutorials import FOLDER, Row, bars, into_page, names

ROWS = [Row("a", "A", "RMSE", "", 1e-3, 2e-3, 1.0), Row("b", "B", "RMSE", "9 steps", 3e-3, 2e-3, 1.0)]


def test_only_the_table_changes() -> None:
    page = "# Title\n\n| tutorial | old |\n| --- | --- |\n| gone | 1 |\n\nAfter it.\n"
    changed = into_page(page, ROWS)
    assert changed.startswith("# Title\n\n| tutorial |")
    assert changed.endswith("| 3.00e-03 | 1.0 |\n\nAfter it.\n")
    assert "| what differs |" in changed
    assert "| B | RMSE | 9 steps | 2.00e-03 | 3.00e-03 |" in changed
    assert "gone" not in changed
    assert into_page(changed, ROWS) == changed
    with pytest.raises(SystemExit, match="no table"):
        into_page("# Title\n", ROWS)


def test_bars() -> None:
    assert [bar.met for bar in bars(ROWS)] == [True, False]
    assert bars([Row("c", "C", "RMSE", "", 5.0, None, 1.0)])[0].met
    assert not bars([Row("c", "C", "RMSE", "", float("nan"), None, 1.0)])[0].met
    assert bars([Row("d", "D", "RMSE", "", 2.004e-3, 2.00e-3, 1.0)])[0].met  # rounded to three digits


def _first_table(lines: list[str]) -> list[str]:
    start = next(number for number, line in enumerate(lines) if line.startswith("| tutorial |"))
    return lines[start : lines.index("", start)]


def test_the_page_says_what_the_scripts_say() -> None:
    """Every script has its row, with its words about the number and about what differs from pykan."""
    rows = {}
    for line in _first_table(
        (FOLDER.parents[1] / "docs" / "tutorials.md").read_text(encoding="utf-8").splitlines()
    ):
        if line.startswith("| ") and not line.startswith(("| tutorial |", "| ---")):
            tutorial, what, differs, *_ = (cell.strip() for cell in line.strip("|").split("|"))
            rows[tutorial] = (what, differs)
    told = {}
    for name in names():
        tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
        (result,) = (
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "RESULT"
        )
        assert isinstance(result, ast.Dict)
        texts = {
            key.value: value.value
            for key, value in zip(result.keys, result.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
        }
        told[texts["tutorial"]] = (texts["what"], texts.get("differs", ""))
    assert rows == told


def test_numbers_in_names_count() -> None:
    order = names()
    assert order.index("api_9_video") < order.index("api_11_create_dataset")

"""Tables say the same in CSV, LaTeX and on a terminal."""

from __future__ import annotations

import csv
import math

import pytest

from sweeps.analysis.results import Interval
from sweeps.page.number_format import interval_text, percent, plain
from sweeps.page.tables import (
    Column,
    ReportTable,
    cell_text,
    latex,
    text_lines,
    to_csv,
    to_latex,
    write_tables,
)

TABLE = ReportTable(
    "my-table",
    "Errors of 50 % & more.",
    [Column("function"), Column("test RMSE", "error"), Column("share", "share"), Column("n", "count")],
    [
        ["a_1", 1.25e-5, Interval(0.5, 0.25, 0.75), 12000],
        ["<b>", math.nan, Interval(1.0), None],
    ],
)


def test_csv_has_every_digit_and_two_columns_more_for_an_interval():
    rows = list(csv.reader(to_csv(TABLE).splitlines()))
    assert rows[0] == ["function", "test_rmse", "share", "share_low", "share_high", "n"]
    assert rows[1] == ["a_1", "1.25e-05", "0.5", "0.25", "0.75", "12000"]
    assert rows[2] == ["<b>", "", "1.0", "", "", ""]


def test_latex_is_a_table_of_booktabs_with_nothing_left_to_read_as_a_command():
    text = to_latex(TABLE)
    assert text.count("\\begin{") == text.count("\\end{") == 2
    assert "\\caption{Errors of 50 \\% \\& more.}" in text
    assert "\\label{tab:my-table}" in text
    assert "\\begin{tabular}{lrrr}" in text
    assert "a\\_1 & $1.25\\times10^{-5}$ & 50 \\% [25, 75] & 12\\,000 \\\\" in text
    assert "\\textless{}b\\textgreater{} & -- & 100 \\% &  \\\\" in text


@pytest.mark.parametrize("char", "&%$#_{}~^\\")
def test_every_special_character_is_made_harmless(char):
    assert latex(char) != char
    assert latex(f"a{char}b").startswith("a\\")


def test_a_terminal_gets_columns_under_each_other():
    lines = text_lines(TABLE)
    assert lines[0] == TABLE.caption
    assert lines[1].index("test RMSE") + len("test RMSE") == lines[2].index("1.25e-5") + len("1.25e-5")


def test_cells_are_sorted_by_their_numbers():
    (first, second) = TABLE.cells()
    assert [sorted_by for _, _, sorted_by in first] == ["", "1.25e-05", "0.5", "12000"]
    assert [sorted_by for _, _, sorted_by in second] == ["", "", "1", ""]


def test_numbers_in_words():
    assert [plain(x) for x in (4.17, 12.3, 0.034, -1.5, 1234.0, 1.0, 0.0)] == [
        *("4.2", "12", "0.034", "−1.5", "1234", "1.0", "0.0")
    ]
    assert interval_text(Interval(-1.5, -2.0, -0.99)) == "−1.5 [−2.0, −0.99]"
    assert interval_text(Interval()) == percent(Interval()) == "–"
    assert [cell_text(x, "round") for x in (1e-3, 2.5e-3, 0.5)] == ["1e-3", "2.5e-3", "0.5"]
    assert [cell_text(x, "ratio") for x in (2.0, math.nan)] == ["KAN 2.0×", "–"]


def test_files_are_named_after_their_tables(tmp_path):
    write_tables([TABLE], tmp_path / "tables")
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {"my-table.csv", "my-table.tex"}

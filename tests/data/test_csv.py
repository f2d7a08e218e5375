"""load_csv: what it reads, and the place and cure it names for what it cannot read."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from kan_np.data import cells as cells_module
from kan_np.data import load_csv, standardized


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="table.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write_file


def rows(n=10, bad=None):
    """Text of a table a,b,y with y = a + b; `bad` maps (spreadsheet row, column index) to a cell's text."""
    lines = [["a", "b", "y"]] + [[str(i), str(i * i), str(i + i * i)] for i in range(n)]
    for (row, column), text in (bad or {}).items():
        lines[row - 1][column] = text
    return "\n".join(map(",".join, lines)) + "\n"


def everything(dataset, side):
    parts = [dataset[f"{s}_{side}"] for s in ("train", "val", "test") if f"{s}_{side}" in dataset]
    return np.vstack(parts)


def raw(path, target="y", **options):
    """All rows of a file, sorted by the first feature."""
    dataset = load_csv(path, target, standardize=False, **options)
    table = np.hstack([everything(dataset, "input"), everything(dataset, "label")])
    return table[np.argsort(table[:, 0])]


def test_split_names_and_values(write):
    path = write(rows(10))
    dataset = load_csv(path, "y", standardize=False)
    assert dataset["feature_names"] == ["a", "b"]
    assert dataset["target_names"] == ["y"]
    assert [dataset[f"{s}_input"].shape for s in ("train", "test", "val")] == [(6, 2), (2, 2), (2, 2)]
    assert "standardize" not in dataset
    table = raw(path)
    np.testing.assert_array_equal(table, [[i, i * i, i + i * i] for i in range(10)])


def test_the_split_comes_from_the_seed(write):
    path = write(rows(30))
    first, again, other = (load_csv(path, "y", seed=seed)["train_input"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_standardisation_uses_training_rows_only(write):
    path = write(rows(20))
    plain, asked = load_csv(path, "y", standardize=False), load_csv(path, "y")
    np.testing.assert_array_equal(plain["train_label"], asked["train_label"])  # models standardise inside
    scaled = standardized(asked)
    for side in ("input", "label"):
        mean, std = plain[f"train_{side}"].mean(axis=0), plain[f"train_{side}"].std(axis=0)
        for split in ("train", "val", "test"):
            expected = (plain[f"{split}_{side}"] - mean) / std
            np.testing.assert_allclose(scaled[f"{split}_{side}"], expected, atol=1e-13)
    back = scaled["scaler"].unscale_label(scaled["test_label"])
    np.testing.assert_allclose(back, plain["test_label"], rtol=1e-13)


def test_no_validation_split_on_request(write):
    dataset = load_csv(write(rows(10)), "y", val_fraction=0)
    assert "val_input" not in dataset
    assert len(dataset["train_input"]) == 8


def test_columns_are_taken_by_name_and_in_the_order_asked_for(write):
    path = write("city,y,b,a\n" + "".join(f"c{i},{i},{2 * i},{3 * i}\n" for i in range(10)))
    dataset = load_csv(path, ["y", "b"], features=["a"], standardize=False)
    assert dataset["target_names"] == ["y", "b"]
    np.testing.assert_array_equal(everything(dataset, "label") * 3, everything(dataset, "input") * [1, 2])
    swapped = load_csv(path, "y", features=["a", "b"], standardize=False)
    np.testing.assert_array_equal(swapped["train_input"][:, 0] * 2, swapped["train_input"][:, 1] * 3)


def test_extra_text_columns_are_no_trouble_when_they_are_not_asked_for(write):
    path = write("name,a,y\n" + "".join(f'"Doe, {i}",{i},{i * i}\n' for i in range(8)))
    np.testing.assert_array_equal(raw(path, features=["a"]), [[i, i * i] for i in range(8)])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_delimiters_newlines_marks_quotes_and_blank_rows(write, delimiter, newline):
    text = rows(10).replace("a,b", '"a","b"').replace("3,9,12", '"3", 9 ,"12"')
    text = text.replace("\n4,", "\n\n4,") + "\n  \n,,\n\n"
    path = write("\ufeff" + text.replace(",", delimiter).replace("\n", newline))
    np.testing.assert_array_equal(raw(path), [[i, i * i, i + i * i] for i in range(10)])


def test_a_header_may_contain_other_delimiters_and_line_breaks(write):
    path = write('"length, mm";"load\nkN";y\n' + "".join(f"{i};{i};{i}\n" for i in range(6)))
    assert load_csv(path, "y")["feature_names"] == ["length, mm", "load\nkN"]
    piped = write("a|y\n" + "".join(f"{i}|{i}\n" for i in range(6)))
    assert load_csv(piped, "y", delimiter="|")["feature_names"] == ["a"]


def test_floating_point_numbers_round_trip_exactly(write, tmp_path):
    table = np.random.default_rng(0).normal(size=(50, 3)) * 10.0 ** np.arange(-150, 300, 9)[:, None]
    path = tmp_path / "exact.csv"
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerows([["a", "b", "y"], *table.tolist()])
    np.testing.assert_array_equal(raw(path), table[np.argsort(table[:, 0])])


def test_both_readers_agree_and_chunks_meet(write, monkeypatch):
    path = write(rows(40))
    fast = raw(path)
    monkeypatch.setattr(cells_module, "_read_fast", lambda handle, table: None)
    monkeypatch.setattr(cells_module, "_CHUNK", 7)
    np.testing.assert_array_equal(raw(path), fast)
    with pytest.raises(ValueError, match="row 23, column 'b'"):
        load_csv(write(rows(40, {(23, 1): "oops"})), "y")
    blanks = write(rows(40).replace("\n20,", "\n\n,,\n20,"))
    np.testing.assert_array_equal(raw(blanks), fast)


BAD_CELLS = {
    "Paris": "holds the text 'Paris'; expected a number.*drop the column",
    "1_000": "holds the text '1_000'",
    "１２": "holds the text '１２'",
    '"1,5"': "holds the text '1,5'.*decimal point, not a comma",
    "": "is empty; expected a number. Fill in the cell",
    "  ": "is empty",
    "NA": "holds 'NA', a missing value",
    "nan": "holds 'nan', a missing value",
    "inf": "holds 'inf'; expected a finite number",
    "-Infinity": "holds '-Infinity'; expected a finite number",
    "1e999": "holds '1e999'; expected a finite number",
    "0x10": "holds the text '0x10'",
}


@pytest.mark.parametrize("cell", BAD_CELLS)
@pytest.mark.parametrize(("row", "column"), [(2, 0), (7, 1), (11, 2)])
@pytest.mark.parametrize("features", [None, ["b", "a"]])
def test_a_bad_cell_is_named_by_row_and_column(write, cell, row, column, features):
    path = write(rows(10, {(row, column): cell}))
    place = rf"table.csv: row {row}, column '{'aby'[column]}' \(column {column + 1}\) "
    with pytest.raises(ValueError, match=f"{place}{BAD_CELLS[cell]}"):
        load_csv(path, "y", features=features)


def test_rows_are_counted_as_a_spreadsheet_does(write):
    # A blank row counts, a line break inside quotes does not: this is row 5 on line 6 of the file.
    path = write('name,a,y\n"two\nlines",1,2\n\nx,2,3\nx,oops,4\n')
    with pytest.raises(ValueError, match="row 5, column 'a'"):
        load_csv(path, "y", features=["a"])


def test_the_first_bad_cell_is_the_one_named(write):
    path = write(rows(10, {(9, 0): "late", (4, 2): "second", (4, 1): "first"}))
    with pytest.raises(ValueError, match=r"row 4, column 'b' .* 'first'"):
        load_csv(path, "y")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "no readable header row"),
        ("\n\n", {}, "no readable header row"),
        ("a,b,y\n", {}, "a header but no data rows"),
        ("1,2,3\n4,5,6\n", {}, r"first row holds only numbers \(1, 2, 3\); expected a header"),
        ("a,b,a,y\n1,2,3,4\n", {}, r"'a' appears 2 times in the header \(columns 1, 3\)"),
        (rows(5), {"target": "Y"}, "target is 'Y'; expected one of 'a', 'b', 'y'. Did you mean 'y'"),
        (rows(5), {"target": ["y", "z"]}, "target is 'z'"),
        (rows(5), {"target": []}, "target is empty"),
        (rows(5), {"target": ["y", "y"]}, "expected every name once"),
        (rows(5), {"features": ["a", "bb"]}, "features is 'bb'.*Did you mean 'b'"),
        (rows(5), {"features": ["a", "y"]}, "'y' is both a feature and a target"),
        (rows(5), {"features": []}, "features is empty"),
        (rows(5), {"target": ["a", "b", "y"]}, "no column besides the target"),
        ("y\n1\n2\n3\n", {}, r"no column besides the target .*delimiter ','"),
        (",a,y\n0,1,2\n", {}, "column 1 of the header has no name"),
        ("a,b,y\n1,2,3\n1,2\n1,2,3\n", {}, "row 3 has 2 fields; expected 3"),
        ("a,b,y\n1,2,3\n1,2,3\n1,2,3,4\n", {}, "row 4 has 4 fields; expected 3"),
        ("a,b,y\n1,2,3\nx, y,2,3\n", {"features": ["b"]}, "row 3 has 4 fields.*must be quoted"),
        ('a,b,y\n1,2,3\n"1,2,3\n4,5,6\n', {}, "cannot be read .*balanced quotes"),
        (rows(2), {}, "2 rows cannot be split"),
        (rows(9), {"test_fraction": 0.6, "val_fraction": 0.6}, "9 rows cannot be split"),
        (rows(9), {"val_fraction": 1.0}, "val_fraction is 1; expected a fraction"),
        ("a,y\n1,3\n2,3\n3,3\n4,3\n5,3\n", {}, "target 'y' has the same value in all 3 training rows"),
        (rows(5), {"delimiter": ", "}, "delimiter is ', '; expected one character"),
        (rows(5), {"delimiter": ";"}, "target is 'y'; expected one of 'a,b,y'"),
    ],
)
def test_bad_tables_are_refused(write, text, options, message):
    path = write(text)
    with pytest.raises(ValueError, match=message):
        load_csv(path, **{"target": "y", **options})


def test_other_encodings_are_refused_with_the_cure(write):
    latin = write("größe,y\n1,2\n2,3\n3,4\n", encoding="latin-1")
    with pytest.raises(ValueError, match=r"is not UTF-8 text .*export it as 'CSV UTF-8'"):
        load_csv(latin, "y")
    late = write(rows(30_000) + "é,1,2\n", encoding="latin-1")
    with pytest.raises(ValueError, match="is not UTF-8 text"):
        load_csv(late, "y")


def test_a_missing_file_keeps_its_own_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_csv(tmp_path / "nowhere.csv", "y")


def test_the_callers_lists_do_not_change(write):
    target, features = ["y"], ["b", "a"]
    dataset = load_csv(write(rows(8)), target, features=features)
    dataset["feature_names"].append("c")
    dataset["target_names"].append("d")
    assert (target, features) == (["y"], ["b", "a"])
